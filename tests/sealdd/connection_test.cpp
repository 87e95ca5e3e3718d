// Connections and relay nodes: the path of a session, and what becomes of it when nodes, processes
// and tokens end.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "model/date_time.hpp"
#include "sealdd/world.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/sdd/token.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;
using api::sdd_connections::SddConnection;
using api::sdd_connections::SddConnectionNotif;
using api::sdd_connections::SddConnectionState;
using api::sdd_connections::SddFlowState;
using api::sdd_relay::OrderKind;
using api::sdd_relay::RelayOrder;

class sealdd_connections : public ::testing::Test {
 protected:
  SddConnection make(const std::string& text, http::Headers headers = {}) {
    const auto answer = w.ask("POST", connections, text, std::move(headers));
    EXPECT_EQ(answer.status, 201) << answer.body;
    return read(answer);
  }
  static SddConnection read(const http::Response& answer) {
    auto out = json::read<SddConnection>(answer.body);
    EXPECT_TRUE(out) << answer.status << answer.body;
    return out.value_or(SddConnection{});
  }
  SddConnection show(const SddConnection& one) {
    return read(w.ask("GET", connections + '/' + one.connection_id));
  }
  sdd::FlowToken token_of(const std::string& text) {
    const auto bytes = sdd::token_of_text(text);
    EXPECT_TRUE(bytes) << text;
    if (!bytes) return {};
    const auto token = sdd::open_token(*bytes, SumSigner{}, w.loop.now());
    EXPECT_TRUE(token) << token.error().detail;
    return token.value_or(sdd::FlowToken{});
  }
  std::vector<SddConnectionNotif> notified() {
    std::vector<SddConnectionNotif> out;
    for (const auto& one : w.told()) {
      auto notif = json::read<SddConnectionNotif>(one.body);
      EXPECT_TRUE(notif) << one.body;
      if (notif) out.push_back(std::move(*notif));
    }
    return out;
  }
  static std::vector<OrderKind> kinds(const std::vector<RelayOrder>& orders) {
    std::vector<OrderKind> out;
    for (const auto& one : orders) out.push_back(one.kind);
    return out;
  }
  static std::int64_t flow_of(const SddConnection& one) {
    return one.flows.begin()->second.flow_ids.front();
  }

  SealddWorld w;
  SimRelay node{w, "n1"};
};

TEST_F(sealdd_connections, a_node_that_registers_is_told_its_lease_its_epoch_and_the_keys) {
  EXPECT_EQ(node.enrol().status, 201);
  EXPECT_EQ(node.known.epoch, 1);
  EXPECT_EQ(node.known.lease_ms, 3000);
  ASSERT_EQ(node.known.token_keys.size(), 1U);
  EXPECT_EQ(node.known.token_keys.front().key_id, 7);
  EXPECT_EQ(node.enrol().status, 200);
  EXPECT_EQ(node.known.epoch, 1);
}

TEST_F(sealdd_connections, a_renewal_costs_no_write) {
  node.enrol();
  const auto version = w.durable().records.begin()->second.version;
  node.live(10s);
  EXPECT_EQ(w.durable().records.begin()->second.version, version);
  EXPECT_TRUE(w.nodes().alive("n1"));
}

TEST_F(sealdd_connections, without_a_node_there_is_no_connection) {
  const auto answer = w.ask("POST", connections, connection_text("ue-1"));
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_TRUE(answer.headers.find("retry-after"));
  // And no claim of the UE stays: asking again is told the same, and then there is one.
  EXPECT_EQ(w.ask("POST", connections, connection_text("ue-1")).status, 503);
  node.enrol();
  make(connection_text("ue-1"));
}

TEST_F(sealdd_connections, the_token_says_what_the_node_has_to_know) {
  node.enrol();
  const auto made = make(connection_text("ue-1"));
  EXPECT_EQ(made.state, SddConnectionState::connecting);
  EXPECT_EQ(made.node_id, "n1");
  EXPECT_EQ(made.dd_server_conn_info->port, 4433);
  EXPECT_EQ(made.certificate_hash, "aGFzaA==");
  const auto token = token_of(made.token.value_or(""));
  EXPECT_EQ(token.room, "r1");
  EXPECT_EQ(token.ue, "ue-1");
  EXPECT_EQ(token.node, "n1");
  EXPECT_EQ(static_cast<std::int64_t>(token.epoch), made.epoch.value_or(0));
  ASSERT_EQ(token.flows.size(), 1U);
  const auto& flow = token.flows.front();
  EXPECT_EQ(flow.id, flow_of(made));
  EXPECT_EQ(flow.alias, made.flows.begin()->second.alias);
  EXPECT_EQ(flow.asset, "urn:a:1");
  EXPECT_EQ(flow.mbr_dl_bps, 4'000'000U);
  ASSERT_EQ(flow.ladder.size(), 3U);
  EXPECT_EQ(flow.ladder[1].rate_mhz, 15'000U);
  EXPECT_EQ(flow.ladder[2].components, 1U);
  node.enrol();
  ASSERT_EQ(node.known.rooms.size(), 1U);
  EXPECT_EQ(node.known.rooms.front().room, "r1");
  EXPECT_EQ(node.known.rooms.front().epoch, made.epoch);
}

TEST_F(sealdd_connections, an_asset_has_one_alias_in_a_room_whoever_names_it) {
  node.enrol();
  const auto a = make(connection_text("ue-1"));
  const auto b = make(connection_text("ue-2"));
  const auto c = make(connection_text("ue-3", "r1", "urn:a:2"));
  EXPECT_EQ(a.flows.at("urn:a:1").alias, b.flows.at("urn:a:1").alias);
  EXPECT_NE(a.flows.at("urn:a:1").alias, c.flows.at("urn:a:2").alias);
  EXPECT_NE(flow_of(a), flow_of(b));
}

TEST_F(sealdd_connections, decided_on_at_the_same_time_they_share_no_alias_and_no_flow) {
  node.enrol();
  std::vector<std::shared_ptr<std::optional<http::Response>>> answers;
  for (int i = 0; i < 20; ++i)
    answers.push_back(w.begin(
        w.request("POST", connections,
                  connection_text("ue-" + std::to_string(i), "r1", "urn:a:" + std::to_string(i)))));
  w.loop.run_for(1s);
  std::set<std::int64_t> aliases, flows;
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer->has_value());
    const auto one = read(**answer);
    aliases.insert(one.flows.begin()->second.alias);
    flows.insert(flow_of(one));
  }
  EXPECT_EQ(aliases.size(), 20U);
  EXPECT_EQ(flows.size(), 20U);
}

TEST_F(sealdd_connections, a_ue_has_one_connection_in_a_room) {
  node.enrol();
  const auto first = make(connection_text("ue-1"));
  const auto again = w.ask("POST", connections, connection_text("ue-1"));
  EXPECT_EQ(again.status, 409);
  EXPECT_NE(again.body.find(first.connection_id), std::string::npos);
  const auto stranger = w.ask("POST", connections, connection_text("ue-1"), {}, "other");
  EXPECT_EQ(stranger.status, 409);
  EXPECT_EQ(stranger.body.find(first.connection_id), std::string::npos);
  make(connection_text("ue-1", "r2"));
}

TEST_F(sealdd_connections, two_that_make_the_same_at_once_make_one) {
  node.enrol();
  const auto a = w.begin(w.request("POST", connections, connection_text("ue-1")));
  const auto b = w.begin(w.request("POST", connections, connection_text("ue-1")));
  w.loop.run_for(1s);
  ASSERT_TRUE(a->has_value() && b->has_value());
  EXPECT_EQ((*a)->status + (*b)->status, 201 + 409);
}

TEST_F(sealdd_connections, the_same_idempotency_key_makes_it_once) {
  node.enrol();
  const auto first = make(connection_text("ue-1"), {{"idempotency-key", "k1"}});
  const auto again =
      w.ask("POST", connections, connection_text("ue-1"), {{"idempotency-key", "k1"}});
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(read(again).connection_id, first.connection_id);
  EXPECT_EQ(read(again).token, first.token);
}

TEST_F(sealdd_connections, a_flow_that_comes_up_establishes_it_and_is_told) {
  node.enrol();
  const auto made = make(connection_text("ue-1"));
  EXPECT_EQ(node.tell(flow_of(made), SddFlowState::handshake).status, 200);
  EXPECT_EQ(node.tell(flow_of(made), SddFlowState::up).status, 200);
  EXPECT_EQ(show(made).state, SddConnectionState::established);
  const auto told = notified();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].seq, 1);
  EXPECT_EQ(told[1].seq, 2);
  EXPECT_EQ(told[1].state, SddConnectionState::established);
  EXPECT_EQ(told[1].flows->at("urn:a:1"), SddFlowState::up);
  node.tell(flow_of(made), SddFlowState::closed);
  EXPECT_EQ(show(made).state, SddConnectionState::connecting);
}

TEST_F(sealdd_connections, a_change_is_ordered_and_a_new_token_says_it_too) {
  node.enrol();
  const auto made = make(connection_text("ue-1"));
  node.orders();
  const auto answer = w.ask("PATCH", connections + '/' + made.connection_id,
                            R"({"flows":{"urn:a:1":{"tier":2},"urn:a:2":{"direction":"SUB"}}})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto after = read(answer);
  EXPECT_EQ(flow_of(after), flow_of(made));
  EXPECT_NE(after.token, made.token);
  EXPECT_EQ(token_of(*after.token).flows.size(), 2U);
  const auto orders = node.orders();
  EXPECT_EQ(kinds(orders),
            (std::vector{OrderKind::set_tier, OrderKind::set_mask, OrderKind::set_rate}));
  EXPECT_EQ(orders[0].tier, 2);
  EXPECT_EQ(orders[1].components, 1);
  EXPECT_EQ(orders[2].mbr_dl_bps, 1'000'000);
  EXPECT_EQ(orders[0].ue_id, "ue-1");
}

TEST_F(sealdd_connections, an_asset_that_is_taken_away_releases_its_flow_alone) {
  node.enrol();
  const auto made = make(connection_text("ue-1", "r1", "urn:a:1", R"(,"suppFeat":"0")"));
  w.ask("PATCH", connections + '/' + made.connection_id,
        R"({"flows":{"urn:a:2":{"direction":"SUB"}}})");
  node.orders();
  const auto after =
      read(w.ask("PATCH", connections + '/' + made.connection_id, R"({"flows":{"urn:a:1":null}})"));
  EXPECT_EQ(after.flows.size(), 1U);
  const auto orders = node.orders();
  ASSERT_EQ(kinds(orders), (std::vector{OrderKind::release_flow}));
  EXPECT_EQ(orders[0].flow_id, flow_of(made));
  const auto last =
      w.ask("PATCH", connections + '/' + made.connection_id, R"({"flows":{"urn:a:2":null}})");
  EXPECT_EQ(last.status, 400);
  EXPECT_EQ(SealddWorld::blamed(last), (std::vector<std::string>{"/flows"}));
}

TEST_F(sealdd_connections, a_released_one_drains_and_is_gone_when_its_node_says_so) {
  node.enrol();
  const auto made = make(connection_text("ue-1"));
  node.tell(flow_of(made), SddFlowState::up);
  node.orders();
  EXPECT_EQ(w.ask("DELETE", connections + '/' + made.connection_id).status, 204);
  EXPECT_EQ(w.ask("GET", connections + '/' + made.connection_id).status, 404);
  const auto orders = node.orders();
  ASSERT_EQ(kinds(orders), (std::vector{OrderKind::release_flow}));
  EXPECT_EQ(orders[0].drain_ms, 1000);
  EXPECT_EQ(w.durable().records.count({"sdd_connection", made.connection_id}), 1U);
  // The UE may come again at once.
  make(connection_text("ue-1"));
  node.tell(flow_of(made), SddFlowState::closed);
  EXPECT_EQ(w.durable().records.count({"sdd_connection", made.connection_id}), 0U);
  const auto told = notified();
  EXPECT_EQ(told.back().state, SddConnectionState::released);
}

TEST_F(sealdd_connections, one_whose_node_says_nothing_of_its_end_is_gone_all_the_same) {
  node.enrol();
  const auto made = make(connection_text("ue-1"));
  w.ask("DELETE", connections + '/' + made.connection_id);
  node.live(4s);
  EXPECT_EQ(w.durable().records.count({"sdd_connection", made.connection_id}), 0U);
  EXPECT_EQ(w.nodes().connections(), 0U);
}

TEST_F(sealdd_connections, one_that_expires_is_released_and_told) {
  node.enrol();
  make(connection_text("ue-1", "r1", "urn:a:1",
                       R"(,"expTime":")" + model::format_date_time(w.loop.now() + 60s) + R"(")"));
  node.live(65s);
  EXPECT_EQ(w.nodes().connections(), 0U);
  const auto told = notified();
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.back().cause, "EXPIRED");
}

TEST_F(sealdd_connections, a_token_is_made_anew_before_it_expires) {
  node.enrol();
  const auto made = make(connection_text("ue-1"));
  node.live(490s);
  const auto told = notified();
  ASSERT_EQ(told.size(), 1U);
  ASSERT_TRUE(told[0].token);
  EXPECT_NE(told[0].token, made.token);
  EXPECT_GT(token_of(*told[0].token).expires, token_of(*made.token).expires);
}

TEST_F(sealdd_connections, rooms_of_a_node_that_is_lost_go_to_another_within_its_lease) {
  node.enrol();
  const auto made = make(connection_text("ue-1"));
  node.tell(flow_of(made), SddFlowState::up);
  SimRelay other(w, "n2");
  other.enrol();
  notified();
  for (int i = 0; i < 4; ++i) other.live(1s);  // n1 says nothing any more.
  const auto after = show(made);
  EXPECT_EQ(after.node_id, "n2");
  EXPECT_GT(after.epoch, made.epoch);
  EXPECT_EQ(after.state, SddConnectionState::connecting);
  EXPECT_EQ(flow_of(after), flow_of(made));
  const auto told = notified();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].node_id, "n2");
  EXPECT_EQ(told[0].cause, "NODE_LOST");
  EXPECT_EQ(token_of(told[0].token.value_or("")).node, "n2");
  // The lost one comes back as one that was stopped for a while: its reports count no more.
  EXPECT_EQ(SealddWorld::verdict(node.tell(flow_of(made), SddFlowState::closed)),
            "409 STALE_EPOCH");
  EXPECT_EQ(show(made).state, SddConnectionState::connecting);
  const auto before = node.known.epoch;
  node.enrol();
  EXPECT_GT(node.known.epoch, before);
  EXPECT_TRUE(node.known.rooms.empty());
}

TEST_F(sealdd_connections, with_no_other_node_they_wait_for_one) {
  node.enrol();
  const auto made = make(connection_text("ue-1"));
  w.loop.run_for(4s);
  EXPECT_EQ(show(made).state, SddConnectionState::requested);
  EXPECT_FALSE(show(made).token);
  SimRelay other(w, "n2");
  other.enrol();
  w.loop.run_for(100ms);
  EXPECT_EQ(show(made).node_id, "n2");
  EXPECT_TRUE(show(made).token);
}

TEST_F(sealdd_connections, a_node_that_began_anew_keeps_its_rooms_and_tokens_go_on_being_good) {
  node.enrol();
  const auto made = make(connection_text("ue-1"));
  node.tell(flow_of(made), SddFlowState::up);
  node.restart();
  node.enrol();
  EXPECT_EQ(node.known.epoch, 2);
  ASSERT_EQ(node.known.rooms.size(), 1U);
  EXPECT_EQ(node.known.rooms[0].epoch, made.epoch);
  EXPECT_EQ(show(made).token, made.token);
  // The client does not come back: after a while that is known.
  node.live(6s);
  EXPECT_EQ(show(made).state, SddConnectionState::connecting);
  EXPECT_EQ(show(made).flows.begin()->second.cause, "NODE_RESTARTED");
}

TEST_F(sealdd_connections, a_client_that_comes_back_to_such_a_node_is_established_all_the_time) {
  node.enrol();
  const auto made = make(connection_text("ue-1"));
  node.tell(flow_of(made), SddFlowState::up);
  node.restart();
  node.enrol();
  node.tell(flow_of(made), SddFlowState::up);
  node.live(6s);
  EXPECT_EQ(show(made).state, SddConnectionState::established);
}

TEST_F(sealdd_connections, a_draining_node_sends_its_clients_over_and_both_live_for_a_while) {
  node.enrol();
  const auto made = make(connection_text("ue-1"));
  node.tell(flow_of(made), SddFlowState::up);
  SimRelay other(w, "n2");
  other.enrol();
  node.orders();
  node.draining = true;
  node.enrol();
  w.loop.run_for(100ms);
  const auto after = show(made);
  EXPECT_EQ(after.node_id, "n2");
  EXPECT_EQ(after.flows.begin()->second.state, SddFlowState::migrating);
  const auto orders = node.orders();
  ASSERT_EQ(kinds(orders), (std::vector{OrderKind::close_room, OrderKind::relocate}));
  EXPECT_EQ(orders[1].node_id, "n2");
  EXPECT_EQ(orders[1].token, after.token);
  const auto there = other.orders();
  ASSERT_EQ(kinds(there), (std::vector{OrderKind::open_room}));
  EXPECT_EQ(there[0].epoch, after.epoch);
}

TEST_F(sealdd_connections, an_order_comes_again_until_it_is_acknowledged) {
  node.enrol();
  const auto made = make(connection_text("ue-1"));
  EXPECT_EQ(kinds(node.orders()), (std::vector{OrderKind::open_room}));
  EXPECT_EQ(w.nodes().orders_waiting("n1"), 1U);
  node.seen = 0;
  EXPECT_EQ(node.orders().size(), 1U);
  node.report();
  EXPECT_EQ(w.nodes().orders_waiting("n1"), 0U);
}

TEST_F(sealdd_connections, a_question_for_orders_waits_for_the_first) {
  node.enrol();
  const auto waiting = w.begin(w.request(
      "GET", node.path() + "/orders?after=" + std::to_string(node.known.last_order) + "&wait=10000",
      {}, {}, "relay"));
  w.loop.run_for(100ms);
  EXPECT_FALSE(waiting->has_value());
  make(connection_text("ue-1"));
  w.loop.run_for(10ms);
  ASSERT_TRUE(waiting->has_value());
  EXPECT_NE((*waiting)->body.find("openRoom"), std::string::npos) << (*waiting)->body;
}

TEST_F(sealdd_connections, a_report_that_comes_twice_is_counted_once) {
  node.enrol();
  const auto made = make(connection_text("ue-1"));
  const std::string text = R"({"seq":5,"epoch":1,"flows":[{"flowId":)" +
                           std::to_string(flow_of(made)) + R"(,"state":"UP"}]})";
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(w.ask("POST", node.path() + "/reports", text, {}, "relay").status, 200);
  EXPECT_EQ(notified().size(), 1U);
}

TEST_F(sealdd_connections, a_flow_that_nobody_has_is_released_at_its_node) {
  node.enrol();
  node.tell(4711, SddFlowState::up);
  const auto orders = node.orders();
  ASSERT_EQ(kinds(orders), (std::vector{OrderKind::release_flow}));
  EXPECT_EQ(orders[0].flow_id, 4711);
}

TEST_F(sealdd_connections, all_of_it_survives_a_crash) {
  node.enrol();
  const auto made = make(connection_text("ue-1"));
  node.tell(flow_of(made), SddFlowState::up);
  const auto changed = read(w.ask("PATCH", connections + '/' + made.connection_id,
                                  R"({"flows":{"urn:a:1":{"tier":1}}})"));
  const auto gone = make(connection_text("ue-2"));
  w.ask("DELETE", connections + '/' + gone.connection_id);
  w.crash_and_restart();
  const auto after = show(made);
  EXPECT_EQ(after, changed);
  // Nobody had acknowledged the orders: they come again.
  node.enrol();
  const auto orders = node.orders();
  EXPECT_TRUE(std::ranges::any_of(orders, [&](const RelayOrder& one) {
    return one.kind == OrderKind::set_tier && one.tier == 1 && one.flow_id == flow_of(made);
  }));
  EXPECT_TRUE(std::ranges::any_of(orders, [&](const RelayOrder& one) {
    return one.kind == OrderKind::release_flow && one.flow_id == flow_of(gone);
  }));
  // Numbers go on where they were.
  const auto next = make(connection_text("ue-3", "r1", "urn:a:9"));
  EXPECT_NE(flow_of(next), flow_of(made));
  EXPECT_NE(next.flows.begin()->second.alias, made.flows.begin()->second.alias);
  EXPECT_EQ(next.epoch, made.epoch);
  node.live(5s);
  EXPECT_EQ(w.nodes().connections(), 2U);
}

TEST_F(sealdd_connections, a_room_that_everybody_left_begins_with_a_later_epoch) {
  node.enrol();
  const auto made = make(connection_text("ue-1"));
  w.ask("DELETE", connections + '/' + made.connection_id);
  node.live(70s);
  EXPECT_EQ(w.nodes().rooms(), 0U);
  EXPECT_TRUE(node.known.rooms.empty());
  EXPECT_GT(make(connection_text("ue-1")).epoch, made.epoch);
}

TEST_F(sealdd_connections, rooms_are_spread_by_capacity) {
  node.enrol();
  SimRelay big(w, "n2", 3'000'000'000);
  big.enrol();
  int at_big = 0;
  for (int i = 0; i < 200; ++i) {
    if (i % 20 == 0) node.enrol(), big.enrol();
    const auto one = make(connection_text("ue-1", "room-" + std::to_string(i)));
    at_big += one.node_id == "n2" ? 1 : 0;
  }
  EXPECT_GT(at_big, 120);
  EXPECT_LT(at_big, 180);
}

TEST_F(sealdd_connections, two_paths_have_two_flow_ids_and_urllc_has_them_unasked) {
  node.enrol();
  const auto made = make(connection_text("ue-1", "r1", "urn:a:1", R"(,"transType":"urllc")"));
  EXPECT_EQ(made.flows.begin()->second.flow_ids.size(), 2U);
  EXPECT_TRUE(made.redundant_conn_info);
  const auto token = token_of(made.token.value_or(""));
  ASSERT_EQ(token.flows.size(), 2U);
  EXPECT_TRUE(token.flows[0].redundant);
  EXPECT_EQ(token.flows[0].alias, token.flows[1].alias);
}

TEST_F(sealdd_connections, all_assets_of_a_room_go_over_one_flow) {
  node.enrol();
  const auto made =
      make(R"({"room":"r1","valServiceId":"s","valServerId":"v","valTargetUe":{"valUeId":"ue-9"},)"
           R"("flows":{"urn:sdd:every-asset":{"direction":"SUB"}}})");
  const auto token = token_of(made.token.value_or(""));
  ASSERT_EQ(token.flows.size(), 1U);
  EXPECT_EQ(token.flows[0].alias, 0);
  EXPECT_TRUE(token.flows[0].asset.empty());
}

TEST_F(sealdd_connections, what_is_wrong_with_a_request_is_named) {
  node.enrol();
  const auto blamed = [&](const std::string& text) {
    const auto answer = w.ask("POST", connections, text);
    EXPECT_EQ(answer.status, 400) << answer.body;
    return SealddWorld::blamed(answer);
  };
  using Blamed = std::vector<std::string>;
  EXPECT_EQ(blamed(connection_text("ue-1", "r1", "no uri")), (Blamed{"/flows/no uri"}));
  EXPECT_EQ(
      blamed(connection_text("ue-1", "r1", "urn:a:1", R"(,"expTime":"1999-01-01T00:00:00Z")")),
      (Blamed{"/expTime"}));
  EXPECT_EQ(
      blamed(R"({"room":"r","valServiceId":"s","valServerId":"v","valTargetUe":{"valUeId":"u"},)"
             R"("notifUri":"http://10.0.0.1/","flows":{"urn:sdd:every-asset":{"direction":"PUB"},)"
             R"("urn:a/1":{"direction":"SUB","tier":3}}})"),
      (Blamed{"/flows/urn:a~11/tier", "/flows/urn:sdd:every-asset/direction", "/notifUri"}));
}

TEST_F(sealdd_connections, more_flows_than_a_token_can_say_are_refused) {
  node.enrol();
  std::string flows;
  for (int i = 0; i < 200; ++i)
    flows += (flows.empty() ? "\"urn:an:asset:with:a:name:that:is:long:"
                            : ",\"urn:an:asset:with:a:name:that:is:long:") +
             std::to_string(i) + R"(":{"direction":"SUB"})";
  const auto answer = w.ask(
      "POST", connections,
      R"({"room":"r","valServiceId":"s","valServerId":"v","valTargetUe":{"valUeId":"u"},"flows":{)" +
          flows + "}}");
  EXPECT_EQ(answer.status, 400) << answer.body;
  EXPECT_EQ(SealddWorld::blamed(answer), (std::vector<std::string>{"/flows"}));
}

TEST_F(sealdd_connections, a_node_belongs_to_who_registered_it) {
  node.enrol();
  EXPECT_EQ(w.ask("GET", node.path(), {}, {}, "other").status, 404);
  EXPECT_EQ(w.ask("PUT", node.path(),
                  R"({"connInfo":{"ipv4Addr":"127.0.0.1","port":1},"bootId":"b","capacity":{}})",
                  {}, "other")
                .status,
            404);
}

TEST_F(sealdd_connections, a_node_that_is_taken_out_gives_its_rooms_away_at_once) {
  node.enrol();
  const auto made = make(connection_text("ue-1"));
  SimRelay other(w, "n2");
  other.enrol();
  EXPECT_EQ(w.ask("DELETE", node.path(), {}, {}, "relay").status, 204);
  w.loop.run_for(100ms);
  EXPECT_EQ(show(made).node_id, "n2");
}

TEST_F(sealdd_connections, a_store_that_fails_leaves_nothing_behind) {
  node.enrol();
  w.server().store.fail_commit(1);
  const auto refused = w.ask("POST", connections, connection_text("ue-1"));
  EXPECT_EQ(refused.status, 503) << refused.body;
  node.live(6s);
  make(connection_text("ue-1"));
}

}  // namespace
}  // namespace lobo::app::testing
