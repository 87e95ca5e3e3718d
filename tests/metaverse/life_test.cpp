// A synchronisation session from the request to the teardown (TR 23.700-21 clause 7.y.1, steps 0 to
// 8).

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "api/mm_das.hpp"
#include "metaverse/world.hpp"
#include "model/date_time.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view pose = R"({"mbrDl":"8 Mbps","pdbDl":20,"updateRateHz":60})";
const std::string ladder =
    R"({"match":{},"qosCeil":{"mbrDl":"4 Mbps"},"ladder":[{"updateRateHz":30},{"updateRateHz":15}],)"
    R"("thresholds":{"lossPermille":20},"measurement":{"what":["PACKET_LOSS_RATE"]},)"
    R"("sealdd":{"qualGuarSets":["ESTABLISH_REDUNDANT_TRANS_PATH"]}})";

TEST(mm_session, is_resolved_connected_used_and_torn_down_and_leaves_nothing_behind) {
  MmWorld w;
  w.policy(ladder);                                                                // Step 0.
  const auto at = w.session(MmWorld::asset("1", "ue-1", pose), MmWorld::notif());  // 1 to 4.
  auto session = w.read(at);
  EXPECT_EQ(session.state, api::mm_das::SessionState::connecting);
  const auto& granted = session.granted.at(0);
  EXPECT_EQ(granted.decision, api::mm_das::PolicyDecision::trim);
  EXPECT_EQ(granted.granted_qos->mbr_dl, "4 Mbps");
  EXPECT_EQ(granted.tiers, 3);
  EXPECT_EQ(granted.token, "token-c1");
  EXPECT_EQ(granted.dd_server_conn_info->port, 4433);
  EXPECT_EQ(granted.flow_ids->size(), 1U);
  w.idle();
  EXPECT_TRUE(w.sealdd.of_ue("ue-1").mmel_resolved);
  EXPECT_EQ(w.sealdd.configurations.size(), 1U);
  EXPECT_EQ(w.sealdd.measurements.size(), 1U);

  EXPECT_EQ(w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP"})"), 204);  // 5 and 6.
  EXPECT_EQ(w.state(at), "ACTIVE");
  EXPECT_EQ(w.heard(), "PEER_JOINED FLOW_STATE=UP SESSION_STATE=ACTIVE");

  EXPECT_EQ(w.measure("ue-1", R"({"avgPackLossRate":90})"), 204);  // 7.
  EXPECT_EQ(w.heard(), "MEASUREMENT");
  EXPECT_EQ(w.measure("ue-1", R"({"avgPackLossRate":90})"), 204);
  EXPECT_EQ(w.heard(), "MEASUREMENT QOS_NOT_FULFILLED TIER_CHANGE=1 SESSION_STATE=DEGRADED");
  EXPECT_EQ(w.sealdd.of_ue("ue-1").shown.flows.at("urn:a:1").tier, 1);

  EXPECT_EQ(w.ask("DELETE", at).status, 204);  // 8.
  EXPECT_TRUE(w.sealdd.empty());
  EXPECT_EQ(w.heard(),
            "SESSION_ENDING FLOW_STATE=CLOSED SESSION_STATE=RELEASING SESSION_STATE=RELEASED");
  EXPECT_EQ(w.state(at), "RELEASED");
  w.loop.run_for(61s);
  EXPECT_EQ(w.ask("GET", at).status, 404);
  EXPECT_EQ(w.durable().effects.size(), 0U);
  EXPECT_EQ(w.durable().timers.size(), 0U);
}

TEST(mm_session, can_be_read_after_its_end_for_as_long_as_its_policy_retains_it) {
  for (const int seconds : {0, 5}) {
    MmWorld w;
    w.policy(R"({"match":{},"retentionSec":)" + std::to_string(seconds) + "}");
    const auto at = w.session(MmWorld::asset("1", "ue-1"));
    EXPECT_EQ(w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP"})"), 204);
    EXPECT_EQ(w.ask("DELETE", at).status, 204);
    EXPECT_EQ(w.ask("GET", at).status, seconds == 0 ? 404 : 200);
    w.loop.run_for(std::chrono::seconds{seconds} + 1s);
    EXPECT_EQ(w.ask("GET", at).status, 404);
    EXPECT_EQ(w.durable().timers.size(), 0U);
    EXPECT_EQ(w.durable().records.size(), 1U) << "the policy alone";
  }
}

// SEALDD's last word comes when the enabler has let the connection go: refused, it would wait there
// for somebody to look after it.
TEST(mm_session, the_last_word_about_a_connection_that_was_let_go_is_taken) {
  MmWorld w;
  const auto at = w.session(MmWorld::asset("1", "ue-1"));
  EXPECT_EQ(w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP"})"), 204);
  auto held = w.sealdd.of_ue("ue-1");
  EXPECT_EQ(w.ask("DELETE", at).status, 204);
  const auto target = held.notif_uri.substr(std::string_view("http://mm.example").size());
  const auto word = [&](std::string_view state) {
    return w
        .ask("POST", target, lobo::testing::SimSealdd::notification(held, state, "{}", ""), {}, "")
        .status;
  };
  EXPECT_EQ(word("RELEASED"), 204);
  EXPECT_EQ(word("ESTABLISHED"), 404);
  EXPECT_EQ(w.state(at), "RELEASED");
}

// It would be told of a session that is gone the moment after.
TEST(mm_session, that_a_policy_denies_before_it_is_acknowledged_is_refused) {
  MmWorld w;
  w.sealdd.silent = true;
  const auto made =
      w.begin(w.request("POST", "/mm-das/v1/sessions",
                        MmWorld::session_text(MmWorld::asset("1", "ue-1"), MmWorld::notif())));
  w.idle();
  EXPECT_FALSE(made->has_value());
  w.policy(R"({"match":{},"effect":"DENY"})");
  w.sealdd.silent = false;
  w.loop.run_for(2min);
  ASSERT_TRUE(made->has_value());
  EXPECT_EQ((*made)->status, 403) << (*made)->body;
  EXPECT_NE((*made)->body.find("POLICY_DENIED"), std::string::npos);
  EXPECT_TRUE(w.sealdd.empty());
  EXPECT_EQ(w.durable().records.size(), 1U) << "the policy alone";
  EXPECT_EQ(w.heard(), "");
}

TEST(mm_session, that_is_deleted_before_it_is_acknowledged_is_refused) {
  MmWorld w;
  w.sealdd.silent = true;
  const auto made = w.begin(
      w.request("POST", "/mm-das/v1/sessions", MmWorld::session_text(MmWorld::asset("1", "ue-1"))));
  w.idle();
  const auto listed = w.ask("GET", "/mm-das/v1/sessions");
  const auto at = listed.body.find("/mm-das/v1/sessions/");
  ASSERT_NE(at, std::string::npos) << listed.body;
  const auto ended =
      w.begin(w.request("DELETE", listed.body.substr(at, listed.body.find('"', at) - at)));
  w.sealdd.silent = false;
  w.loop.run_for(2min);
  ASSERT_TRUE(made->has_value() && ended->has_value());
  EXPECT_EQ((*made)->status, 409) << (*made)->body;
  EXPECT_NE((*made)->body.find("DELETED"), std::string::npos);
  EXPECT_TRUE(w.sealdd.empty());
  EXPECT_TRUE(w.durable().records.empty());
}

// Without a name for it nobody could release it: it is asked for to the letter until it has one.
TEST(mm_session, what_stands_beside_a_connection_and_was_never_named_is_given_back) {
  for (const bool policies : {true, false}) {
    MmWorld w;
    w.policy(ladder);
    const auto at = w.session(MmWorld::asset("1", "ue-1", pose));
    const auto& made = policies ? w.sealdd.configurations : w.sealdd.measurements;
    w.loop.run_until([&] { return !made.empty(); }, 5s);
    ASSERT_FALSE(made.empty());
    w.crash_and_restart();  // Its answer is lost.
    w.sealdd.silent = true;
    const auto ended = w.begin(w.request("DELETE", at));
    w.loop.run_for(10s);
    w.sealdd.silent = false;
    w.loop.run_for(2min);
    EXPECT_TRUE(ended->has_value());
    EXPECT_TRUE(w.sealdd.configurations.empty());
    EXPECT_TRUE(w.sealdd.measurements.empty());
    EXPECT_TRUE(w.sealdd.connections.empty());
    EXPECT_EQ(w.durable().records.size(), 1U) << "the policy alone";
  }
}

TEST(mm_session, each_step_is_logged_with_its_number) {
  MmWorld w;
  const auto at = w.session(MmWorld::asset("1", "ue-1"));
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP"})");
  w.ask("DELETE", at);
  std::string steps;
  for (const auto& event : w.server().log.events())
    for (const auto& [name, value] : event.fields)
      if (event.name == "step" && name == "clause") steps += value + '\n';
  EXPECT_EQ(steps,
            "23.700-21 7.y.1 steps 1, 2 and 3\n23.700-21 7.y.1 step 4\n23.700-21 7.y.1 step 6\n"
            "23.700-21 7.y.1 step 8\n");
}

TEST(mm_session, one_connection_carries_all_assets_of_a_ue_and_each_ue_has_its_own) {
  MmWorld w;
  const auto at = w.session(MmWorld::asset("1", "ue-1") + ',' + MmWorld::asset("2", "ue-1") + ',' +
                            MmWorld::asset("1", "ue-2"));
  EXPECT_EQ(w.sealdd.connections.size(), 2U);
  EXPECT_EQ(w.sealdd.of_ue("ue-1").shown.flows.size(), 2U);
  EXPECT_EQ(w.sealdd.of_ue("ue-1").shown.room, w.sealdd.of_ue("ue-2").shown.room);
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP","urn:a:2":"UP"})");
  EXPECT_EQ(w.state(at), "CONNECTING");  // ue-2 has not come.
  w.tell("ue-2", "ESTABLISHED", R"({"urn:a:1":"UP"})");
  EXPECT_EQ(w.state(at), "ACTIVE");
}

TEST(mm_session, an_asset_comes_and_goes_without_a_touch_of_the_others) {
  MmWorld w;
  const auto at = w.session(MmWorld::asset("1", "ue-1") + ',' + MmWorld::asset("1", "ue-2"));
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP"})");
  w.tell("ue-2", "ESTABLISHED", R"({"urn:a:1":"UP"})");
  const auto before = w.sealdd.seen.size();
  const auto put = w.ask("PUT", at + "/assets/urn%3Aa%3A2", MmWorld::asset("2", "ue-1"));
  EXPECT_EQ(put.status, 200) << put.body;
  ASSERT_EQ(w.sealdd.seen.size(), before + 1);
  EXPECT_EQ(w.sealdd.seen.back().method, "PATCH");
  EXPECT_EQ(w.sealdd.of_ue("ue-1").shown.flows.size(), 2U);
  EXPECT_EQ(w.ask("GET", at + "/assets/urn%3Aa%3A1").status, 409);  // At which UE?
  EXPECT_EQ(w.ask("GET", at + "/assets/urn%3Aa%3A1?ue-id=ue-2").status, 200);
  EXPECT_EQ(w.ask("DELETE", at + "/assets/urn%3Aa%3A2").status, 204);
  EXPECT_EQ(w.sealdd.of_ue("ue-1").shown.flows.size(), 1U);
  EXPECT_EQ(w.ask("DELETE", at + "/assets/urn%3Aa%3A1?ue-id=ue-2").status, 204);
  w.idle();
  EXPECT_FALSE(w.sealdd.has("ue-2"));
  EXPECT_EQ(w.ask("DELETE", at + "/assets/urn%3Aa%3A1").status, 409);  // The last one.
  EXPECT_EQ(w.state(at), "ACTIVE");
}

TEST(mm_session, both_sides_that_race_by_one_key_get_the_same_session) {
  MmWorld w;
  const auto text = MmWorld::session_text(MmWorld::asset("1", "ue-1"));
  const http::Headers key{{"idempotency-key", "0123456789abcdef-shared"}};
  const auto server = w.begin(w.request("POST", "/mm-das/v1/sessions", text, key, "val"));
  const auto client = w.begin(w.request("POST", "/mm-das/v1/sessions", text, key, "ue-app"));
  w.idle();
  ASSERT_TRUE(server->has_value() && client->has_value());
  EXPECT_EQ((*server)->status, 201);
  EXPECT_EQ((*client)->status, 201);
  const auto at = MmWorld::path_of(**server);
  EXPECT_EQ(at, MmWorld::path_of(**client));
  EXPECT_EQ(w.sealdd.connections.size(), 1U);
  EXPECT_EQ(w.ask("GET", at, {}, {}, "ue-app").status, 200);
  EXPECT_EQ(w.ask("GET", at, {}, {}, "stranger").status, 404);
  EXPECT_EQ(w.ask("POST", "/mm-das/v1/sessions", text, key).status, 200);  // And again.
  const auto other = MmWorld::session_text(MmWorld::asset("9", "ue-1"));
  EXPECT_EQ(w.ask("POST", "/mm-das/v1/sessions", other, key, "stranger").status, 409);
  EXPECT_EQ(w.ask("DELETE", at, {}, {}, "ue-app").status, 204);
  EXPECT_TRUE(w.sealdd.empty());
}

TEST(mm_session, a_key_that_could_be_chosen_by_chance_is_no_ones_but_its_owners) {
  MmWorld w;
  const auto text = MmWorld::session_text(MmWorld::asset("1", "ue-1"));
  const http::Headers key{{"idempotency-key", "1"}};
  const auto a = w.ask("POST", "/mm-das/v1/sessions", text, key, "val");
  const auto b = w.ask("POST", "/mm-das/v1/sessions", text, key, "other");
  EXPECT_NE(MmWorld::path_of(a), MmWorld::path_of(b));
}

TEST(mm_session, what_one_connection_needs_and_does_not_get_is_taken_back_from_all) {
  MmWorld w;
  w.sealdd.refused_ues = {"ue-2"};
  const auto made =
      w.ask("POST", "/mm-das/v1/sessions",
            MmWorld::session_text(MmWorld::asset("1", "ue-1") + ',' + MmWorld::asset("1", "ue-2")));
  EXPECT_EQ(made.status, 424);
  EXPECT_NE(made.body.find("SEALDD_FAILED"), std::string::npos) << made.body;
  EXPECT_NE(made.body.find("UE_NOT_SERVED"), std::string::npos) << made.body;
  w.idle();
  EXPECT_TRUE(w.sealdd.empty());
  EXPECT_TRUE(w.durable().records.empty());
}

TEST(mm_session, what_is_optional_may_be_missing_and_says_why) {
  MmWorld w;
  w.sealdd.refused_ues = {"ue-2"};
  const auto at = w.session(MmWorld::asset("1", "ue-1") + ',' +
                            MmWorld::asset("1", "ue-2", "{}", R"(,"optional":true)"));
  const auto session = w.read(at);
  EXPECT_TRUE(session.granted.at(0).token);
  EXPECT_FALSE(session.granted.at(1).token);
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP"})");
  EXPECT_EQ(w.state(at), "ACTIVE");
}

TEST(mm_session,
     a_sealdd_that_never_answers_fails_the_request_in_time_and_is_asked_until_it_is_clean) {
  MmWorld w;
  w.sealdd.answers_badly = true;  // It makes them, and its answers are lost.
  const auto made =
      w.ask("POST", "/mm-das/v1/sessions", MmWorld::session_text(MmWorld::asset("1", "ue-1")));
  EXPECT_EQ(made.status, 424) << made.body;
  EXPECT_EQ(w.sealdd.connections.size(), 1U);
  w.sealdd.answers_badly = false;
  w.loop.run_for(5min);
  EXPECT_TRUE(w.sealdd.empty());
  EXPECT_TRUE(w.durable().records.empty());
}

TEST(mm_session, what_was_never_acknowledged_is_released_after_a_crash) {
  MmWorld w;
  w.sealdd.silent = true;
  const auto asked = w.begin(
      w.request("POST", "/mm-das/v1/sessions", MmWorld::session_text(MmWorld::asset("1", "ue-1"))));
  w.loop.run_for(100ms);
  EXPECT_FALSE(asked->has_value());
  w.sealdd.silent = false;
  w.crash_and_restart();
  w.loop.run_for(2min);
  EXPECT_TRUE(w.sealdd.empty());
  EXPECT_TRUE(w.durable().records.empty());
}

TEST(mm_session, an_acknowledged_session_is_there_after_a_crash_and_can_be_torn_down) {
  MmWorld w;
  const auto at = w.session(MmWorld::asset("1", "ue-1"));
  w.crash_and_restart();
  EXPECT_EQ(w.state(at), "CONNECTING");
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP"})");
  EXPECT_EQ(w.state(at), "ACTIVE");
  EXPECT_EQ(w.ask("DELETE", at).status, 204);
  EXPECT_TRUE(w.sealdd.empty());
}

TEST(mm_session, a_teardown_that_sealdd_does_not_hear_goes_on_until_it_does) {
  MmWorld w;
  const auto at = w.session(MmWorld::asset("1", "ue-1"));
  w.idle();
  w.sealdd.status = 503;
  EXPECT_EQ(w.ask("DELETE", at).status, 202);
  EXPECT_EQ(w.state(at), "RELEASING");
  w.sealdd.status = 0;
  w.loop.run_for(2min);
  EXPECT_TRUE(w.sealdd.empty());
}

TEST(mm_policy, an_edit_changes_live_sessions_and_says_so) {
  MmWorld w;
  const auto policy = w.policy(R"({"match":{},"qosCeil":{"mbrDl":"4 Mbps"}})");
  const auto at = w.session(MmWorld::asset("1", "ue-1", pose), MmWorld::notif());
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP"})");
  w.heard();
  EXPECT_EQ(w.ask("PATCH", policy, R"({"qosCeil":{"mbrDl":"2 Mbps"}})", {}, "operator").status,
            200);
  EXPECT_EQ(w.heard(), "POLICY_CHANGED");
  EXPECT_EQ(w.read(at).granted.at(0).granted_qos->mbr_dl, "2 Mbps");
  EXPECT_EQ(w.sealdd.seen.back().method, "PATCH");
  EXPECT_NE(w.sealdd.seen.back().body.find("2 Mbps"), std::string::npos);
  // One that does not concern it changes nothing.
  const auto version = w.read(at).rev;
  w.policy(R"({"match":{"valServiceId":"other"},"effect":"DENY"})");
  EXPECT_EQ(w.heard(), "");
  EXPECT_EQ(w.read(at).rev, version);
  // One that denies ends it.
  w.policy(R"({"match":{"valServiceId":"xr.meet"},"effect":"DENY"})");
  w.idle();
  EXPECT_EQ(w.state(at), "RELEASED");
  EXPECT_TRUE(w.sealdd.empty());
}

TEST(mm_policy, of_somebody_else_counts_for_nobody_but_an_operators_for_all) {
  MmWorld w;
  w.policy(R"({"match":{},"effect":"DENY"})", "stranger");
  w.session(MmWorld::asset("1", "ue-1"));
  w.policy(R"({"match":{},"effect":"DENY"})", "operator");
  const auto refused =
      w.ask("POST", "/mm-das/v1/sessions", MmWorld::session_text(MmWorld::asset("2", "ue-1")));
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("POLICY_DENIED"), std::string::npos);
  EXPECT_NE(refused.body.find("/assets/0"), std::string::npos);
}

TEST(mm_policy, that_refuses_what_it_would_have_to_trim_answers_422) {
  MmWorld w;
  w.policy(R"({"match":{},"outOfRange":"REFUSE","qosCeil":{"mbrDl":"1 Mbps"}})");
  const auto refused = w.ask("POST", "/mm-das/v1/sessions",
                             MmWorld::session_text(MmWorld::asset("2", "ue-1", pose)));
  EXPECT_EQ(refused.status, 422);
  EXPECT_NE(refused.body.find("QOS_NOT_SUPPORTABLE"), std::string::npos);
}

TEST(mm_quality, climbs_back_after_ten_good_windows_and_a_veto_holds_a_tier) {
  MmWorld w;
  w.policy(ladder);
  const auto at = w.session(MmWorld::asset("1", "ue-1", pose), MmWorld::notif());
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP"})");
  const auto windows = [&](int count, std::string_view data) {
    for (int i = 0; i < count; ++i) EXPECT_EQ(w.measure("ue-1", data), 204);
    return w.read(at).granted.at(0).tier;
  };
  const std::string bad = R"({"avgPackLossRate":21})", good = R"({"avgPackLossRate":20})";
  EXPECT_EQ(windows(4, bad), 2);
  EXPECT_EQ(windows(10, good), 1);
  EXPECT_EQ(windows(9, good), 1);
  EXPECT_EQ(windows(1, good), 0);
  w.heard();
  EXPECT_EQ(windows(1, good), 0);
  EXPECT_EQ(w.heard(), "MEASUREMENT");
  EXPECT_EQ(w.state(at), "ACTIVE");

  EXPECT_EQ(windows(2, bad), 1);
  const auto veto = w.ask("POST", at + "/assets/urn%3Aa%3A1/veto", R"({"tier":1,"holdSec":60})");
  EXPECT_EQ(veto.status, 200) << veto.body;
  EXPECT_EQ(windows(6, bad), 0);  // Held.
  w.loop.run_for(61s);
  EXPECT_EQ(windows(2, bad), 1);
  EXPECT_EQ(w.ask("POST", at + "/assets/urn%3Aa%3A1/veto", R"({"tier":3,"holdSec":60})").status,
            409);
}

TEST(mm_quality, is_measured_where_a_management_request_wants_it_for_as_long_as_it_wants) {
  MmWorld w;
  const auto at = w.session(MmWorld::asset("1", "ue-1"), MmWorld::notif());
  w.idle();
  EXPECT_EQ(w.sealdd.measurements.size(), 0U);
  EXPECT_EQ(w.ask("POST", at + "/collect", R"({"forSec":30})").status, 202);
  w.idle();
  ASSERT_EQ(w.sealdd.measurements.size(), 1U);
  w.heard();
  w.measure("ue-1", R"({"avgLatency":12,"avgBitRate":"1 Mbps"})");
  EXPECT_EQ(w.heard(), "MEASUREMENT");
  const auto flows = w.ask("GET", at + "/flows");
  EXPECT_NE(flows.body.find(R"("latencyMs":12)"), std::string::npos) << flows.body;
  w.loop.run_for(31s);
  EXPECT_EQ(w.sealdd.measurements.size(), 0U);
}

TEST(mm_session, is_suspended_outside_of_its_windows_and_comes_back) {
  MmWorld w;  // The virtual clock begins in the year 2025 or 2026, at midnight.
  const auto now = std::chrono::floor<std::chrono::days>(w.loop.now());
  w.loop.run_for(now + std::chrono::days{1} + 8h - w.loop.now());
  const auto at =
      w.session(MmWorld::asset("1", "ue-1",
                               R"({"sched":[{"timeOfDayStart":"09:00","timeOfDayEnd":"10:00"}]})"),
                MmWorld::notif());
  EXPECT_EQ(w.state(at), "SUSPENDED");
  EXPECT_TRUE(w.sealdd.empty());
  w.loop.run_for(1h + 1s);
  EXPECT_EQ(w.state(at), "CONNECTING");
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP"})");
  EXPECT_EQ(w.state(at), "ACTIVE");
  w.heard();
  w.loop.run_for(1h);
  EXPECT_EQ(w.heard(), "FLOW_STATE=CLOSED SESSION_STATE=SUSPENDED");
  EXPECT_TRUE(w.sealdd.empty());
  w.loop.run_for(5h);
  EXPECT_EQ(w.state(at), "SUSPENDED");  // Not ended for want of flows.
}

TEST(mm_session, ends_at_its_time_or_when_its_flows_have_been_gone_for_a_while) {
  MmWorld w;
  const auto at = w.session(MmWorld::asset("1", "ue-1"));
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP"})");
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"CLOSED"})");
  EXPECT_EQ(w.state(at), "DEGRADED");
  w.loop.run_for(61s);
  EXPECT_EQ(w.state(at), "RELEASED");
  EXPECT_EQ(w.read(at).cause, "NO_FLOW");
  const auto never = w.session(MmWorld::asset("1", "ue-2"));
  w.loop.run_for(301s);
  EXPECT_EQ(w.state(never), "RELEASED");
  const auto until = model::format_date_time(w.loop.now() + 10s);
  const auto timed = w.session(MmWorld::asset("1", "ue-3"), R"(,"expTime":")" + until + '"');
  w.loop.run_for(11s);
  EXPECT_EQ(w.read(timed).cause, "EXPIRED");
  EXPECT_TRUE(w.sealdd.empty());
}

TEST(mm_session, follows_its_connection_to_another_node_and_believes_no_node_that_lost_the_room) {
  MmWorld w;
  const auto at = w.session(MmWorld::asset("1", "ue-1"), MmWorld::notif());
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP"})");
  w.heard();
  const auto moved = [&](int epoch, std::string_view address) {
    return R"(,"epoch":)" + std::to_string(epoch) + R"(,"ddServerConnInfo":{"ipv4Addr":")" +
           std::string(address) + R"(","port":4433},"token":"t)" + std::to_string(epoch) + '"';
  };
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"MIGRATING"})", moved(5, "192.0.2.10"));
  EXPECT_EQ(w.heard(), "RELOCATED FLOW_STATE=MIGRATING PATH_CHANGE SESSION_STATE=DEGRADED");
  EXPECT_EQ(w.read(at).granted.at(0).token, "t5");
  w.tell("ue-1", "FAILED", R"({"urn:a:1":"CLOSED"})", moved(4, "192.0.2.9"));
  EXPECT_EQ(w.heard(), "");
  EXPECT_EQ(w.read(at).granted.at(0).token, "t5");
}

TEST(mm_session, a_connection_that_sealdd_gives_up_is_made_anew) {
  MmWorld w;
  const auto at = w.session(MmWorld::asset("1", "ue-1"));
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP"})");
  const auto first = w.sealdd.of_ue("ue-1").shown.connection_id;
  w.tell("ue-1", "RELEASED", "{}");
  w.sealdd.connections.clear();
  EXPECT_EQ(w.state(at), "DEGRADED");
  w.loop.run_for(5s);
  EXPECT_NE(w.sealdd.of_ue("ue-1").shown.connection_id, first);
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP"})");
  EXPECT_EQ(w.state(at), "ACTIVE");
}

TEST(mm_session, a_connection_is_renewed_before_it_ends) {
  MmWorld w;
  const auto at = w.session(MmWorld::asset("1", "ue-1"));
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP"})");
  const auto first = w.sealdd.of_ue("ue-1").shown.exp_time;
  w.loop.run_for(50min);
  EXPECT_GT(w.sealdd.of_ue("ue-1").shown.exp_time, first);
  EXPECT_EQ(w.state(at), "ACTIVE");
}

TEST(mm_callback, needs_its_secret_and_an_old_one_changes_nothing) {
  MmWorld w;
  const auto at = w.session(MmWorld::asset("1", "ue-1"));
  auto& held = w.sealdd.of_ue("ue-1");
  const auto up =
      lobo::testing::SimSealdd::notification(held, "ESTABLISHED", R"({"urn:a:1":"UP"})");
  auto path = held.notif_uri.substr(std::string_view("http://mm.example").size());
  EXPECT_EQ(w.ask("POST", path, up, {}, "").status, 204);
  EXPECT_EQ(w.ask("POST", path, up, {}, "").status, 204);  // Told twice.
  auto wrong = path;
  const auto slash = wrong.rfind('/');
  wrong[slash - 1] = wrong[slash - 1] == 'a' ? 'b' : 'a';
  held.sequence = 10;
  const auto down =
      lobo::testing::SimSealdd::notification(held, "ESTABLISHED", R"({"urn:a:1":"CLOSED"})");
  EXPECT_EQ(w.ask("POST", wrong, down, {}, "").status, 404);
  EXPECT_EQ(w.state(at), "ACTIVE");
}

TEST(mm_resolve, tells_sealdd_what_policies_make_of_a_request_and_keeps_a_shadow) {
  MmWorld w;
  w.policy(ladder);
  const auto text = MmWorld::session_text(MmWorld::asset("1", "ue-1", pose));
  const auto made = w.ask("POST", "/mm-das/v1/resolve", text, {}, "sealdd");
  ASSERT_EQ(made.status, 201) << made.body;
  const auto resolved = json::read<api::mm_das::ResolvedSession>(made.body);
  ASSERT_TRUE(resolved);
  EXPECT_EQ(resolved->assets.at(0).qos->mbr_dl, "4 Mbps");
  EXPECT_FALSE(resolved->assets.at(0).trace.empty());
  EXPECT_TRUE(w.sealdd.seen.empty());  // SEALDD keeps the flows itself.
  const auto at = MmWorld::path_of(made);
  const auto shown = w.ask("GET", at, {}, {}, "operator");
  EXPECT_EQ(shown.status, 200);
  EXPECT_NE(shown.body.find(R"("state":"RESOLVED")"), std::string::npos) << shown.body;
  EXPECT_NE(shown.body.find(R"("shadow":true)"), std::string::npos);
  EXPECT_EQ(w.ask("GET", at).status, 404);  // It is SEALDD's.
  EXPECT_EQ(w.ask("DELETE", at, {}, {}, "sealdd").status, 204);
  EXPECT_TRUE(w.sealdd.seen.empty());
}

TEST(mm_resolve, what_the_enabler_made_itself_is_never_resolved_back) {
  MmWorld w;
  (void)w.session(MmWorld::asset("1", "ue-1"));
  const auto room = w.sealdd.of_ue("ue-1").shown.room;
  const auto asset = MmWorld::asset("1", "ue-1");
  EXPECT_EQ(w.ask("POST", "/mm-das/v1/resolve",
                  MmWorld::session_text(asset, R"(,"mmelResolved":true)"), {}, "sealdd")
                .status,
            409);
  EXPECT_EQ(w.ask("POST", "/mm-das/v1/resolve",
                  MmWorld::session_text(asset, R"(,"room":")" + room + '"'), {}, "sealdd")
                .status,
            409);
}

TEST(mm_subscription, hears_of_the_sessions_of_its_owner_in_sequence) {
  MmWorld w;
  const auto made =
      w.ask("POST", "/mm-das/v1/subscriptions",
            R"({"notifUri":"http://val.example/s","events":["FLOW_STATE","SESSION_STATE"],)"
            R"("valServiceId":"xr.meet"})");
  ASSERT_EQ(made.status, 201) << made.body;
  w.session(MmWorld::asset("1", "ue-1"));
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP"})");
  EXPECT_EQ(w.heard(), "FLOW_STATE=UP SESSION_STATE=ACTIVE");
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"STALLED"})");
  w.idle();
  ASSERT_EQ(w.sink.heard.size(), 2U);
  EXPECT_EQ(w.sink.heard[0].seq, 1U);
  EXPECT_EQ(w.sink.heard[1].seq, 2U);
  w.heard();
  EXPECT_EQ(w.ask("POST", "/mm-das/v1/sessions", MmWorld::session_text(MmWorld::asset("1", "ue-9")),
                  {}, "other")
                .status,
            201);
  EXPECT_EQ(w.heard(), "");
}

TEST(mm_subscription, shows_what_could_not_be_delivered) {
  MmWorld w;
  const auto made = w.ask("POST", "/mm-das/v1/subscriptions",
                          R"({"notifUri":"http://val.example/s","events":["SESSION_STATE"]})");
  const auto at = MmWorld::path_of(made);
  w.sink.away = true;
  w.session(MmWorld::asset("1", "ue-1"));
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP"})");
  w.loop.run_for(4min);
  const auto missed = w.ask("GET", at + "/missed");
  EXPECT_EQ(missed.status, 200);
  EXPECT_NE(missed.body.find(R"("seq":1)"), std::string::npos) << missed.body;
  EXPECT_NE(missed.body.find("SESSION_STATE"), std::string::npos) << missed.body;
}

}  // namespace
}  // namespace lobo::app::testing
