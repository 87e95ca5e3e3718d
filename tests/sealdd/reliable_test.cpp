// Two paths and the network (TS 23.434 T65, T66): NRM is asked before anybody is told that there
// are two, a no leaves things as they were, and nothing is held beyond the end.

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/nra_reliable.hpp"
#include "api/sdd_connections.hpp"
#include "api/sdd_das.hpp"
#include "api/sdd_relay.hpp"
#include "sealdd/world.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;
using api::sdd_connections::SddConnection;
using api::sdd_connections::SddFlowState;
using api::sdd_connections::SddReliableState;
using api::sdd_relay::OrderKind;

const std::string connections = "/sdd-trans/v1/connections";
const std::string urllc = R"(,"transType":"urllc")";
const std::string to_dual = R"({"flows":{"urn:a:1":{"redundancy":"DUAL"}}})";

class sealdd_reliable : public ::testing::Test {
 protected:
  sealdd_reliable() {
    node.redundant = "127.0.1.68";
    node.enrol();
  }
  SddConnection read(const http::Response& answer) {
    return json::read<SddConnection>(answer.body).value_or(SddConnection{});
  }
  SddConnection make(const std::string& ue, const std::string& more = urllc) {
    const auto answer = w.ask("POST", connections, connection_text(ue, "r1", "urn:a:1", more));
    EXPECT_EQ(answer.status, 201) << answer.body;
    return read(answer);
  }
  std::string at(const SddConnection& one) { return connections + '/' + one.connection_id; }
  SddConnection show(const SddConnection& one) { return read(w.ask("GET", at(one))); }
  static std::size_t paths(const SddConnection& one) {
    return one.flows.begin()->second.flow_ids.size();
  }
  void expect_nothing_left() {
    w.loop.run_for(200ms);
    for (const auto& order : node.orders())
      if (order.kind == OrderKind::release_flow && order.flow_id)
        node.tell(*order.flow_id, SddFlowState::closed);
    node.live(5s);
    for (const auto& [key, record] : w.durable().records)
      EXPECT_TRUE(key.kind == "sdd_node") << key.kind << ' ' << key.id << record.state;
    EXPECT_TRUE(w.nrm.held.empty());
  }

  SealddWorld w{true};
  SimRelay node{w, "n1"};
};

TEST_F(sealdd_reliable,
       two_paths_are_there_when_the_network_has_said_yes_and_given_back_at_the_end) {
  const auto made = make("ue-1");
  EXPECT_EQ(paths(made), 2U);
  EXPECT_EQ(made.reliable, SddReliableState::confirmed);
  ASSERT_EQ(w.nrm.held.size(), 1U);
  const auto held =
      json::read<api::nra_reliable::ReliableTransmission>(w.nrm.held.begin()->second).value();
  EXPECT_EQ(held.val_tgt_ue.val_ue_id, "ue-1");
  EXPECT_EQ(held.app_descs.at(0).ipv4_addr, "127.0.0.68");
  EXPECT_EQ(held.app_descs.at(1).ipv4_addr, "127.0.1.68");
  EXPECT_EQ(held.app_descs.at(1).protocol, 17);
  EXPECT_EQ(w.ask("DELETE", at(made)).status, 204);
  EXPECT_EQ(w.nrm.held.size(), 1U);  // What drains keeps its promise.
  expect_nothing_left();
}

TEST_F(sealdd_reliable, one_path_and_two_to_the_same_address_are_nobody_elses_concern) {
  EXPECT_EQ(make("ue-1", "").reliable, std::nullopt);
  node.redundant.reset();
  node.restart();
  node.enrol();
  const auto answer =
      w.ask("POST", connections, connection_text("ue-2", "another", "urn:a:1", urllc));
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(paths(read(answer)), 2U);
  EXPECT_TRUE(w.nrm.seen.empty());
}

TEST_F(sealdd_reliable, a_no_of_the_network_leaves_nothing_behind) {
  w.nrm.status = 403;
  const auto text = connection_text("ue-1", "r1", "urn:a:1", urllc);
  const auto answer = w.ask("POST", connections, text);
  EXPECT_EQ(SealddWorld::verdict(answer), "424 NETWORK_RELIABILITY_FAILED") << answer.body;
  EXPECT_NE(answer.body.find("NRM answered 403"), std::string::npos) << answer.body;
  EXPECT_EQ(w.nodes().connections(), 0U);
  expect_nothing_left();
  w.nrm.status = 0;
  make("ue-1");
}

TEST_F(sealdd_reliable, a_no_to_a_change_leaves_everything_as_it_was) {
  const auto made = make("ue-1", "");
  w.nrm.status = 403;
  EXPECT_EQ(SealddWorld::verdict(w.ask("PATCH", at(made), to_dual)),
            "424 NETWORK_RELIABILITY_FAILED");
  auto now = show(made);
  EXPECT_EQ(now.flows, made.flows);
  EXPECT_EQ(now.reliable, std::nullopt);
  w.nrm.status = 0;
  const auto changed = w.ask("PATCH", at(made), to_dual);
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(paths(read(changed)), 2U);
  EXPECT_EQ(read(changed).flows.begin()->second.flow_ids.front(),
            made.flows.begin()->second.flow_ids.front());
  EXPECT_EQ(w.nrm.held.size(), 1U);
  // Back to one path gives it back.
  w.ask("PATCH", at(made), R"({"flows":{"urn:a:1":{"redundancy":"NONE"}}})");
  w.loop.run_for(200ms);
  EXPECT_TRUE(w.nrm.held.empty());
  EXPECT_EQ(show(made).reliable, std::nullopt);
}

TEST_F(sealdd_reliable, urllc_of_the_standard_is_answered_when_the_network_has_answered) {
  const std::string text = R"({"valServerId":"v1","valTargetUeId":"ue-7","suppFeat":"10000000000",)"
                           R"("valServerConnInfo":{"ipv4Addr":"10.1.1.1"}})";
  w.nrm.status = 403;
  EXPECT_EQ(SealddWorld::verdict(w.ask("POST", "/sdd-trans/v1/urllc/request-trans", text)),
            "424 NETWORK_RELIABILITY_FAILED");
  // A regular one does not need it, and is not lost over a change that is refused.
  EXPECT_EQ(w.ask("POST", "/sdd-trans/v1/regular/request-trans", text).status, 200);
  EXPECT_EQ(SealddWorld::verdict(w.ask("POST", "/sdd-trans/v1/urllc/request-trans", text)),
            "424 NETWORK_RELIABILITY_FAILED");
  w.nrm.status = 0;
  const auto answer = w.ask("POST", "/sdd-trans/v1/urllc/request-trans", text);
  EXPECT_EQ(answer.status, 200) << answer.body;
  const auto body = SealddWorld::body_of(answer);
  EXPECT_EQ(body.find("sddFlowIds")->array()->size(), 2U);
  EXPECT_EQ(w.nrm.held.size(), 1U);
}

TEST_F(sealdd_reliable, an_answer_that_is_lost_is_a_failure_and_what_it_made_is_given_back) {
  w.nrm.answers_badly = true;
  EXPECT_EQ(SealddWorld::verdict(
                w.ask("POST", connections, connection_text("ue-1", "r1", "urn:a:1", urllc))),
            "424 NETWORK_RELIABILITY_FAILED");
  EXPECT_EQ(w.nrm.held.size(), 1U);
  w.nrm.answers_badly = false;
  node.live(90s);
  expect_nothing_left();
}

TEST_F(sealdd_reliable, it_follows_the_room_to_another_node) {
  const auto made = make("ue-1");
  SimRelay other(w, "n2");
  other.redundant = "127.0.2.68";
  for (int i = 0; i < 6; ++i) {  // The lease of the first ends.
    other.enrol();
    w.loop.run_for(1s);
  }
  EXPECT_EQ(show(made).node_id, "n2");
  ASSERT_EQ(w.nrm.held.size(), 1U);
  EXPECT_NE(w.nrm.held.begin()->second.find("127.0.2.68"), std::string::npos);
  EXPECT_EQ(show(made).reliable, SddReliableState::confirmed);
}

TEST_F(sealdd_reliable, what_the_network_takes_back_is_told_and_asked_for_until_it_returns) {
  const auto made = make("ue-1");
  const auto told = [&] {
    std::vector<std::string> out;
    for (const auto& request : w.sink.seen)
      if (const auto news = json::read<api::sdd_connections::SddConnectionNotif>(request.body);
          news && news->reliable)
        out.push_back((news->reliable == SddReliableState::confirmed ? "yes" : "no ") +
                      news->reliable_cause.value_or(""));
    return out;
  };
  node.live(70s);
  EXPECT_EQ(show(made).reliable, SddReliableState::confirmed);
  EXPECT_TRUE(told().empty());
  // Revoked: NRM still has it, in a state that says so, and takes no other.
  const auto first = w.nrm.held.begin()->first;
  w.nrm.revoked.insert(first);
  w.nrm.status_of_create = 403;
  node.live(35s);
  EXPECT_EQ(show(made).reliable, SddReliableState::refused);
  EXPECT_EQ(show(made).reliable_cause, "AUTH_REVOKED");
  EXPECT_EQ(told(), (std::vector<std::string>{"no AUTH_REVOKED"}));
  EXPECT_TRUE(w.nrm.held.empty());
  EXPECT_EQ(paths(show(made)), 2U);  // Both addresses are still sent to.
  w.nrm.status_of_create = 0;
  node.live(90s);
  EXPECT_EQ(show(made).reliable, SddReliableState::confirmed);
  EXPECT_EQ(told(), (std::vector<std::string>{"no AUTH_REVOKED", "yes"}));
  // An NRM that knows nothing of it is the same.
  w.nrm.held.clear();
  node.live(40s);
  EXPECT_EQ(told().size(), 4U);
  EXPECT_EQ(w.nrm.held.size(), 1U);
  EXPECT_EQ(w.ask("DELETE", at(made)).status, 204);
  expect_nothing_left();
}

TEST_F(sealdd_reliable, a_session_hears_of_it_like_of_any_refusal) {
  w.nrm.status = 403;
  const auto text = session_text({"ue-1"}, R"(,"lowerLayerHints":{"transType":"urllc"})");
  const auto refused = w.ask("POST", "/sdd-das/v1/sessions", text);
  EXPECT_EQ(refused.status, 424) << refused.body;
  expect_nothing_left();
  EXPECT_TRUE(w.enabler.shadows.empty());
  w.nrm.status = 0;
  const auto answer = w.ask("POST", "/sdd-das/v1/sessions", text);
  ASSERT_EQ(answer.status, 201) << answer.body;
  const auto made = json::read<api::sdd_das::SddSession>(answer.body).value();
  EXPECT_EQ(made.granted.at(0).flow_ids->size(), 2U);
  w.ask("DELETE", "/sdd-das/v1/sessions/" + made.session_id);
  expect_nothing_left();
}

TEST_F(sealdd_reliable, each_moment_of_a_crash_holds_one_for_each_connection_and_none_without) {
  for (int steps = 0; steps < 40; ++steps) {
    SCOPED_TRACE(steps);
    const auto answer =
        w.begin(w.request("POST", connections, connection_text("ue-1", "r1", "urn:a:1", urllc)));
    w.loop.run_for(std::chrono::milliseconds(steps));
    w.crash_and_restart();
    node.restart();
    node.enrol();
    node.live(8s);
    const bool acknowledged = answer->has_value() && (*answer)->status == 201;
    const auto body = SealddWorld::body_of(w.ask("GET", connections));
    const auto* listed = body.find("items")->array();
    ASSERT_GE(listed->size(), acknowledged ? 1U : 0U);
    EXPECT_EQ(w.nrm.held.size(), listed->size());
    for (const auto& one : *listed)
      EXPECT_EQ(w.ask("DELETE", connections + '/' + std::string(*one.find("connectionId")->text()))
                    .status,
                204);
    node.live(2s);
    expect_nothing_left();
  }
}

}  // namespace
}  // namespace lobo::app::testing
