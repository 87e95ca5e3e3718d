// Sessions that come to SEALDD first (TR 23.700-21 NOTE 2): resolved by the enabler, carried by
// connections, and gone with all that was made for them.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/mm_das.hpp"
#include "api/sdd_connections.hpp"
#include "api/sdd_das.hpp"
#include "api/sdd_relay.hpp"
#include "model/date_time.hpp"
#include "sealdd/world.hpp"
#include "services/sealdd/histogram.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;
using api::mm_das::SessionState;
using api::mm_das::SyncEventType;
using api::sdd_connections::SddFlowState;
using api::sdd_das::SddSession;
using api::sdd_relay::OrderKind;

const std::string sessions = "/sdd-das/v1/sessions";
const std::string heard_at =
    R"(,"notif":{"uri":"http://val.example/n","events":["SESSION_STATE","FLOW_STATE","RELOCATED",)"
    R"("POLICY_CHANGED","SESSION_ENDING","PEER_JOINED"]})";
const std::string both_have = "a-key-that-both-sides-have";

class sealdd_session : public ::testing::Test {
 protected:
  sealdd_session() { node.enrol(); }

  static SddSession read(const http::Response& answer) {
    auto out = json::read<SddSession>(answer.body);
    EXPECT_TRUE(out) << answer.status << answer.body;
    return out.value_or(SddSession{});
  }
  SddSession make(const std::string& text, http::Headers headers = {}) {
    const auto answer = w.ask("POST", sessions, text, std::move(headers));
    EXPECT_EQ(answer.status, 201) << answer.body;
    return read(answer);
  }
  std::string at(const SddSession& one) { return sessions + '/' + one.session_id; }
  SddSession show(const SddSession& one) { return read(w.ask("GET", at(one))); }
  std::size_t connections() { return w.nodes().connections(); }
  void up(const SddSession& session) {
    for (const auto& asset : session.granted)
      for (const auto flow : asset.flow_ids.value_or(std::vector<std::int64_t>{}))
        node.tell(flow, SddFlowState::up);
  }
  /// The node lets go of whatever it is told to.
  void release() {
    for (const auto& order : node.orders())
      if (order.kind == OrderKind::release_flow && order.flow_id)
        node.tell(*order.flow_id, SddFlowState::closed);
  }
  std::vector<api::mm_das::SyncEvent> events() {
    std::vector<api::mm_das::SyncEvent> out;
    for (const auto& one : w.told()) {
      const auto read = json::read<api::mm_das::SyncNotification>(one.body);
      EXPECT_TRUE(read) << one.body;
      if (read) out.insert(out.end(), read->events.begin(), read->events.end());
    }
    return out;
  }
  /// Neither here nor at the enabler is anything left, once what drains has drained.
  void expect_nothing_left() {
    w.loop.run_for(200ms);
    release();
    node.live(5s);
    for (const auto& [key, record] : w.durable().records)
      EXPECT_TRUE(key.kind == "sdd_node") << key.kind << ' ' << key.id << record.state;
    EXPECT_EQ(connections(), 0U);
    EXPECT_TRUE(w.enabler.shadows.empty());
  }

  SealddWorld w;
  SimRelay node{w, "n1"};
};

TEST_F(sealdd_session, is_resolved_by_the_enabler_used_and_torn_down_and_leaves_nothing_behind) {
  w.enabler.add_policy(R"({"match":{"valServiceId":"xr"},"qosCeil":{"mbrDl":"4 Mbps"},)"
                       R"("ladder":[{"updateRateHz":15}]})");
  const auto made = make(session_text({"ue-1", "ue-2"}, heard_at));
  EXPECT_EQ(made.state, SessionState::connecting);
  ASSERT_EQ(made.granted.size(), 2U);
  for (const auto& one : made.granted) {
    EXPECT_EQ(one.granted_qos->mbr_dl, "4 Mbps");
    EXPECT_EQ(one.tiers, 2);
    EXPECT_TRUE(one.token);
    EXPECT_EQ(one.node_id, "n1");
  }
  EXPECT_EQ(w.enabler.shadows.size(), 1U);
  EXPECT_EQ(connections(), 2U);
  up(made);
  EXPECT_EQ(show(made).state, SessionState::active);
  const auto told = events();
  EXPECT_TRUE(std::ranges::any_of(told, [](const auto& one) {
    return one.event == SyncEventType::session_state && one.state == SessionState::active;
  }));
  EXPECT_EQ(std::ranges::count(told, SyncEventType::peer_joined, &api::mm_das::SyncEvent::event),
            2);
  EXPECT_EQ(w.ask("DELETE", at(made)).status, 204);
  EXPECT_EQ(w.ask("GET", at(made)).status, 404);
  expect_nothing_left();
}

TEST_F(sealdd_session, needs_the_extension_to_be_negotiated) {
  auto text = session_text({"ue-1"});
  text.replace(text.find("10000000000"), 11, "1");
  const auto answer = w.ask("POST", sessions, text);
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(SealddWorld::blamed(answer), std::vector<std::string>{"/suppFeat"});
  EXPECT_EQ(w.enabler.resolutions(), 0);
}

TEST_F(sealdd_session, that_the_enabler_resolved_itself_is_never_asked_back) {
  EXPECT_EQ(SealddWorld::verdict(
                w.ask("POST", sessions, session_text({"ue-1"}, R"(,"mmelResolved":true)"))),
            "409 SESSION_CONFLICT");
  // Nor is what the enabler asks for with the flows.
  EXPECT_EQ(w.ask("POST", "/sdd-trans/v1/connections",
                  connection_text("ue-1", "r1", "urn:a:1", R"(,"mmelResolved":true)"))
                .status,
            201);
  EXPECT_EQ(w.enabler.resolutions(), 0);
}

TEST_F(sealdd_session, both_sides_that_race_by_one_key_get_the_same_session) {
  const auto first = w.begin(
      w.request("POST", sessions, session_text({"ue-1"}), {{"idempotency-key", both_have}}, "val"));
  const auto second = w.begin(w.request("POST", sessions, session_text({"ue-1"}),
                                        {{"idempotency-key", both_have}}, "client"));
  w.loop.run_until([&] { return first->has_value() && second->has_value(); }, 20s);
  ASSERT_TRUE(first->has_value() && second->has_value());
  EXPECT_EQ((*first)->status, 201) << (*first)->body;
  const auto one = read(**first);
  EXPECT_EQ(one.session_id, read(**second).session_id);
  EXPECT_EQ(connections(), 1U);
  EXPECT_EQ(w.enabler.shadows.size(), 1U);
  // Each of them may look and may end it; nobody else may.
  EXPECT_EQ(w.ask("GET", at(one), {}, {}, "stranger").status, 404);
  EXPECT_EQ(w.ask("DELETE", at(one), {}, {}, "stranger").status, 404);
  EXPECT_EQ(w.ask("DELETE", at(one), {}, {}, "client").status, 204);
  expect_nothing_left();
}

TEST_F(sealdd_session, a_key_of_somebody_else_with_another_wish_is_refused) {
  make(session_text({"ue-1"}), {{"idempotency-key", both_have}});
  EXPECT_EQ(
      w.ask("POST", sessions, session_text({"ue-2"}), {{"idempotency-key", both_have}}, "other")
          .status,
      409);
}

TEST_F(sealdd_session, both_layers_that_are_asked_at_once_make_it_once) {
  // The enabler was asked for the same session, and asks for its connections while SEALDD resolves.
  w.enabler.silent = true;
  const auto here = w.begin(w.request("POST", sessions, session_text({"ue-1", "ue-2"}), {}, "val"));
  w.loop.run_for(50ms);
  const auto its =
      w.ask("POST", "/sdd-trans/v1/connections",
            connection_text("ue-2", "r1", "urn:avatar:ue-2", R"(,"mmelResolved":true)"));
  EXPECT_EQ(its.status, 409) << its.body;
  w.enabler.silent = false;
  w.loop.run_until([&] { return here->has_value(); }, 20s);
  // The first answer was lost with the patience; nothing of it stays, and the other way round it is
  // SEALDD that gives way, to a connection that is there.
  EXPECT_EQ((*here)->status, 424);
  expect_nothing_left();
  ASSERT_EQ(w.ask("POST", "/sdd-trans/v1/connections",
                  connection_text("ue-2", "r1", "urn:avatar:ue-2", R"(,"mmelResolved":true)"))
                .status,
            201);
  const auto late = w.ask("POST", sessions, session_text({"ue-1", "ue-2"}));
  EXPECT_EQ(SealddWorld::verdict(late), "409 SESSION_CONFLICT");
  EXPECT_NE(late.body.find("ue-2"), std::string::npos);
  EXPECT_EQ(connections(), 1U);
  // Nobody was claimed over it.
  EXPECT_EQ(w.ask("POST", "/sdd-trans/v1/connections", connection_text("ue-1")).status, 201);
}

TEST_F(sealdd_session, what_the_enabler_refuses_is_said_as_it_said_it) {
  w.enabler.status = 403;
  EXPECT_EQ(SealddWorld::verdict(w.ask("POST", sessions, session_text({"ue-1"}))),
            "403 POLICY_DENIED");
  w.enabler.status = 422;
  EXPECT_EQ(w.ask("POST", sessions, session_text({"ue-1"})).status, 422);
  w.enabler.status = 409;
  EXPECT_EQ(SealddWorld::verdict(w.ask("POST", sessions, session_text({"ue-1"}))),
            "409 SESSION_CONFLICT");
  expect_nothing_left();
  // Whoever was refused may come again at once.
  w.enabler.status = 0;
  make(session_text({"ue-1"}));
}

TEST_F(sealdd_session, what_the_enabler_resolves_for_ever_is_resolved_again_within_a_day) {
  for (const std::int64_t ttl :
       {std::int64_t{300'000'000'000}, std::numeric_limits<std::int64_t>::max()}) {
    w.enabler.ttl = ttl;
    const auto made = make(session_text({"ue-1"}));
    EXPECT_EQ(w.ask("GET", sessions).status, 200);
    EXPECT_EQ(w.ask("DELETE", at(made)).status, 204);
    expect_nothing_left();
  }
}

TEST_F(sealdd_session, whoever_waits_for_one_that_is_deleted_is_told_at_once) {
  w.enabler.silent = true;
  const auto waits = w.begin(w.request("POST", sessions, session_text({"ue-1"}), {}, "val"));
  w.loop.run_for(200ms);
  SddSession pending;
  for (const auto& [key, record] : w.durable().records)
    if (key.kind == "sdd_session") pending.session_id = key.id;
  ASSERT_FALSE(pending.session_id.empty());
  EXPECT_EQ(w.ask("DELETE", at(pending), {}, {}, "val").status, 204);
  w.loop.run_for(200ms);
  ASSERT_TRUE(waits->has_value());
  EXPECT_EQ(SealddWorld::verdict(**waits), "409 SESSION_CONFLICT");
}

TEST_F(sealdd_session, an_enabler_that_is_away_is_a_failure_and_its_shadow_is_taken_back_later) {
  w.enabler.answers_badly = true;
  EXPECT_EQ(SealddWorld::verdict(w.ask("POST", sessions, session_text({"ue-1"}))),
            "424 MMEL_FAILED");
  EXPECT_EQ(w.enabler.shadows.size(), 1U);
  w.enabler.answers_badly = false;
  node.live(90s);
  expect_nothing_left();
}

TEST_F(sealdd_session,
       an_enabler_that_never_comes_back_keeps_none_longer_than_its_shadow_could_last) {
  const auto kept = [&] {
    return std::ranges::count_if(w.durable().records,
                                 [](const auto& one) { return one.first.kind == "sdd_session"; });
  };
  const auto end = model::format_date_time(w.loop.now() + 10min);
  const auto soon = make(session_text({"ue-1"}, R"(,"expTime":")" + end + '"'));
  const auto late = make(session_text({"ue-2"}, R"(,"expTime":"9999-01-01T00:00:00Z")"));
  w.enabler.silent = true;
  EXPECT_EQ(w.ask("DELETE", at(soon)).status, 204);
  EXPECT_EQ(w.ask("DELETE", at(late)).status, 204);
  node.live(9min);
  EXPECT_EQ(kept(), 2) << "it may come back";
  node.live(3min);
  EXPECT_EQ(kept(), 1) << "the shadow ended by itself";
  w.loop.run_for(48h);
  EXPECT_EQ(kept(), 0) << "nobody is asked for ever";
}

TEST_F(sealdd_session, where_no_node_can_carry_it_nothing_stays) {
  w.loop.run_for(10s);  // Its lease is over.
  const auto answer = w.ask("POST", sessions, session_text({"ue-1", "ue-2"}));
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_TRUE(answer.headers.find("retry-after"));
  expect_nothing_left();
}

TEST_F(sealdd_session,
       a_policy_that_changed_reaches_its_flows_when_what_was_resolved_no_longer_counts) {
  w.enabler.add_policy(R"({"match":{},"qosCeil":{"mbrDl":"4 Mbps"}})");
  const auto made = make(session_text({"ue-1"}, heard_at));
  up(made);
  events();
  w.enabler.policies.clear();
  w.enabler.add_policy(R"({"match":{},"qosCeil":{"mbrDl":"2 Mbps"},"priority":3})");
  node.live(61s);
  EXPECT_EQ(show(made).granted.at(0).granted_qos->mbr_dl, "2 Mbps");
  EXPECT_EQ(show(made).granted.at(0).flow_ids, made.granted.at(0).flow_ids);
  const auto told = events();
  EXPECT_EQ(std::ranges::count(told, SyncEventType::policy_changed, &api::mm_das::SyncEvent::event),
            1);
  const auto answer =
      w.ask("GET", "/sdd-trans/v1/connections/" + made.granted.at(0).connection_id.value_or(""));
  EXPECT_NE(answer.body.find("2 Mbps"), std::string::npos) << answer.body;
  // One that denies ends it.
  w.enabler.policies.clear();
  w.enabler.add_policy(R"({"match":{},"permission":{"publish":1,"subscribe":1}})");
  w.enabler.add_policy(R"({"match":{},"permission":{"publish":2,"subscribe":2}})");
  node.live(61s);
  EXPECT_EQ(w.ask("GET", at(made)).status, 404);
  expect_nothing_left();
}

TEST_F(sealdd_session, lives_on_by_what_was_resolved_while_the_enabler_is_away) {
  w.enabler.ttl = 5;
  const auto made = make(session_text({"ue-1"}));
  up(made);
  w.enabler.silent = true;
  node.live(30s);
  EXPECT_EQ(show(made).state, SessionState::active);
  w.enabler.silent = false;
  node.live(70s);
  EXPECT_GT(show(made).resolved_until, w.loop.now());
}

TEST_F(sealdd_session, alone_changes_and_ends_its_connections) {
  const auto made = make(session_text({"ue-1"}));
  const auto connection =
      "/sdd-trans/v1/connections/" + made.granted.at(0).connection_id.value_or("");
  EXPECT_EQ(w.ask("GET", connection).status, 200);
  EXPECT_EQ(w.ask("DELETE", connection).status, 409);
  EXPECT_EQ(w.ask("PATCH", connection, R"({"flows":{"urn:avatar:ue-1":{"tier":1}}})").status, 409);
}

TEST_F(sealdd_session, ends_at_its_time_or_when_its_flows_have_been_gone_for_a_while) {
  const auto made = make(session_text({"ue-1"}));
  up(made);
  node.tell(made.granted.at(0).flow_ids->front(), SddFlowState::closed);
  EXPECT_EQ(show(made).state, SessionState::degraded);
  node.live(61s);
  expect_nothing_left();
  make(session_text({"ue-1"}));
  node.live(301s);  // Nobody came.
  expect_nothing_left();
}

TEST_F(sealdd_session, has_flows_only_inside_its_schedule) {
  auto text = session_text({"ue-1"});
  // 01:00 to 02:00; the world begins at midnight or wherever it does: both edges come within a day.
  text.replace(text.find(R"("qos":{)"), 7,
               R"("qos":{"sched":[{"timeOfDayStart":"01:00","timeOfDayEnd":"02:00"}],)");
  const auto made = make(text);
  bool open = false, shut = false;
  for (int minutes = 0; minutes < 24 * 60 && !(open && shut); minutes += 4) {
    node.live(240s);
    const auto now = w.ask("GET", at(made));
    if (now.status != 200) break;  // Nobody came while it was open.
    const auto state = read(now).state;
    shut = shut || (state == SessionState::suspended && connections() == 0);
    open = open || (state == SessionState::connecting && connections() == 1);
  }
  EXPECT_TRUE(open);
  EXPECT_TRUE(shut);
}

TEST_F(sealdd_session, each_moment_of_a_crash_leaves_it_whole_or_nothing_at_all) {
  for (int steps = 0; steps < 40; ++steps) {
    SCOPED_TRACE(steps);
    const auto answer =
        w.begin(w.request("POST", sessions, session_text({"ue-1", "ue-2"}), {}, "val"));
    w.loop.run_for(std::chrono::milliseconds(steps));
    w.crash_and_restart();
    node.restart();
    node.enrol();
    const bool acknowledged = answer->has_value() && (*answer)->status == 201;
    node.live(3s);
    const auto listed = w.ask("GET", sessions, {}, {}, "val");
    const auto list = json::read<api::sdd_das::SddSessionList>(listed.body);
    ASSERT_TRUE(list) << listed.body;
    ASSERT_GE(list->items.size(), acknowledged ? 1U : 0U);
    if (!list->items.empty()) {
      EXPECT_EQ(connections(), 2U);
      EXPECT_EQ(w.ask("DELETE", at(list->items.front()), {}, {}, "val").status, 204);
    }
    node.live(2s);
    expect_nothing_left();
  }
}

TEST_F(sealdd_session, policies_of_the_enabler_are_followed_like_a_configuration) {
  w.enabler.add_policy(
      R"({"match":{},"sealdd":{"qualGuarSets":["ESTABLISH_REDUNDANT_TRANS_PATH"]}})");
  const auto made = make(session_text({"ue-1"}));
  up(made);
  const auto flow = made.granted.at(0).flow_ids->front();
  constexpr std::int64_t slow_us = 180'000;
  for (int second = 0; second < 5; ++second) {
    node.live(1s);
    api::sdd_relay::RelayWindow window;
    window.flow_id = flow;
    window.direction = api::sdd_relay::RelayWindowDirection::dl;
    window.from = w.loop.now() - 1s;
    window.ms = 1000;
    window.packets = 30;
    window.bytes = 6000;
    window.delay.emplace();
    window.delay->buckets = {sealdd::bucket_of(slow_us)};
    window.delay->counts = {window.packets};
    window.delay->sum = static_cast<double>(slow_us * window.packets);
    window.delay->sum_sq = static_cast<double>(slow_us * slow_us * window.packets);
    window.delay->min = window.delay->max = slow_us;
    node.report({}, {window});
  }
  EXPECT_EQ(show(made).granted.at(0).flow_ids->size(), 2U);
}

}  // namespace
}  // namespace lobo::app::testing
