// What happens to a unicast resource after it was confirmed: loss and return, moves, changes, the
// end.

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "services/seal_nrm/representation.hpp"
#include "support/nrm_driver.hpp"
#include "wire/http/message.hpp"
#include "wire/json/value.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {
namespace {

using namespace std::chrono_literals;
using lobo::testing::plain_create;
using Driver = lobo::testing::NrmDriver;

/// One confirmed resource.
struct Confirmed : Driver {
  explicit Confirmed(const std::string& body = plain_create) {
    create(body);
    deliver();
    key = last_key;
    EXPECT_EQ(stage(key), "confirmed");
  }
  json::Value news(std::size_t index) const {
    const auto body = *json::parse(notifications.at(index).body);
    return body.find("eventNotifs")->array()->front();
  }
  std::string told(std::size_t index) const {
    const auto event = news(index);
    return *event.find("event")->text() + " " + *event.find("cause")->text();
  }
  resource::Key key;
};

// ---- loss and return
// ------------------------------------------------------------------------------

TEST(unicast_loss, and_return_are_told_in_order_without_holes) {
  Confirmed d;
  EXPECT_EQ(d.status(d.event(d.key, "QOS_NOT_GUARANTEED", R"(,"appliedQosRef":"video-sd")")), 204);
  EXPECT_EQ(d.stage(d.key), "degraded");
  d.event(d.key, "QOS_GUARANTEED");
  EXPECT_EQ(d.stage(d.key), "confirmed");
  ASSERT_EQ(d.notifications.size(), 2U);
  EXPECT_EQ(d.notifications[0].to, "http://127.0.0.1:9000/n");
  EXPECT_EQ(
      d.notifications[0].body,
      R"({"notifId":"http://127.0.0.60:7777/ss-nra/v1/unicast-subscriptions/u1","eventNotifs":[)"
      R"({"event":"QOS_NOT_GUARANTEED","ts":"2026-11-22T12:00:00Z","uniSubId":"u1","seq":1,)"
      R"("appliedQosRef":"video-sd","cause":"QOS_NOT_GUARANTEED"}]})");
  EXPECT_EQ(d.told(1), "QOS_GUARANTEED QOS_GUARANTEED");
  EXPECT_EQ(d.notifications[1].sequence, 2U);
}

TEST(unicast_state, tells_when_what_is_shown_changed_last) {
  Confirmed d;
  const auto confirmed_at = d.state(d.key).changed_at;
  EXPECT_EQ(confirmed_at, d.now);
  d.now += 10s;
  d.event(d.key, "SOMETHING_OF_RELEASE_20");
  EXPECT_EQ(d.state(d.key).changed_at, confirmed_at) << "nothing that is shown";
  d.event(d.key, "QOS_NOT_GUARANTEED");
  EXPECT_EQ(d.state(d.key).changed_at, d.now);
  EXPECT_EQ(represent(d.state(d.key), d.settings).uni_qos_state->updated_at, d.now);
}

TEST(unicast_loss, that_is_reported_twice_is_told_once) {
  Confirmed d;
  d.event(d.key, "QOS_NOT_GUARANTEED");
  const auto before = d.lookup.records.at(d.key);
  d.event(d.key, "QOS_NOT_GUARANTEED");
  EXPECT_EQ(d.notifications.size(), 1U);
  EXPECT_EQ(d.lookup.records.at(d.key), before);
}

TEST(unicast_loss, is_counted_and_shown_where_it_cannot_be_told) {
  Confirmed d(
      R"({"valTgtUe":{"valUeId":"ue1"},"notifUri":"http://127.0.0.1:9000/n","suppFeat":"20000000000"})");
  d.event(d.key, "QOS_NOT_GUARANTEED");
  d.event(d.key, "QOS_GUARANTEED");
  d.event(d.key, "LOSS_OF_BEARER");
  EXPECT_TRUE(d.notifications.empty());
  EXPECT_EQ(d.state(d.key).losses_untold, 2U);
}

TEST(unicast_loss, of_the_whole_session_ends_it_and_leaves_nothing_at_the_core) {
  Confirmed d;
  d.event(d.key, "SESSION_TERMINATION");
  d.deliver();
  EXPECT_EQ(d.stage(d.key), "terminated");
  EXPECT_EQ(d.told(0), "QOS_TERMINATED SESSION_TERMINATION");
  EXPECT_TRUE(d.core.sessions.empty());
  EXPECT_FALSE(d.has_timer(d.key));
}

TEST(unicast_loss, of_resources_after_the_confirmation_degrades) {
  Confirmed d;
  d.event(d.key, "FAILED_RESOURCES_ALLOCATION");
  EXPECT_EQ(d.stage(d.key), "degraded");
  EXPECT_EQ(d.told(0), "QOS_NOT_GUARANTEED FAILED_RESOURCES_ALLOCATION");
  d.event(d.key, "SUCCESSFUL_RESOURCES_ALLOCATION");
  EXPECT_EQ(d.stage(d.key), "confirmed");
}

TEST(unicast_callback, of_an_unknown_event_is_accepted_counted_and_ignored) {
  Confirmed d;
  EXPECT_EQ(d.status(d.event(d.key, "SOMETHING_OF_RELEASE_20")), 204);
  EXPECT_EQ(d.stage(d.key), "confirmed");
  EXPECT_EQ(d.state(d.key).unknown_events, 1U);
}

TEST(unicast_callback, that_is_invalid_is_refused_and_changes_nothing) {
  Confirmed d;
  const auto before = d.lookup.records.at(d.key);
  for (
      const std::string body :
      {"", "null", "[]", "{", "{}", R"({"transaction":""})",
       R"({"transaction":"http://x/s","eventReports":[]})",
       R"({"transaction":"http://x/s","eventReports":[{}]})",
       R"({"transaction":"http://x/s","eventReports":[{"event":7}]})",
       R"({"transaction":"http://x/s","transaction":"http://x/s","eventReports":[{"event":"A"}]})"}) {
    const auto request = d.call_back(d.key, body);
    EXPECT_EQ(d.status(request), 400) << body;
    EXPECT_EQ(d.lookup.records.at(d.key), before) << body;
  }
}

TEST(unicast_callback, with_another_secret_finds_nothing) {
  Confirmed d;
  const auto before = d.lookup.records.at(d.key);
  for (const std::string secret : {"", "x", "secret", "secret1000", "secret10011"})
    EXPECT_EQ(d.status(d.call_back(
                  d.key,
                  R"({"transaction":"http://x/s","eventReports":[{"event":"QOS_NOT_GUARANTEED"}]})",
                  secret)),
              404);
  EXPECT_EQ(d.lookup.records.at(d.key), before);
}

TEST(unicast_callback, about_another_session_says_nothing_about_this_one) {
  Confirmed d;
  d.call_back(
      d.key,
      R"({"transaction":"http://core.example/x/subscriptions/other","eventReports":[{"event":"SESSION_TERMINATION"}]})");
  EXPECT_EQ(d.stage(d.key), "confirmed");
}

// ---- moves
// ----------------------------------------------------------------------------------------

TEST(unicast_move, of_the_ue_is_followed_and_told) {
  Confirmed d;
  const auto old = d.session_of(d.key);
  d.move_ue("10.45.0.9");
  EXPECT_EQ(d.stage(d.key), "confirmed");
  EXPECT_NE(d.session_of(d.key), old);
  ASSERT_EQ(d.core.sessions.size(), 1U);
  EXPECT_NE(d.core.sessions.begin()->second.body.find("10.45.0.9"), std::string::npos);
  ASSERT_EQ(d.notifications.size(), 2U);
  EXPECT_EQ(d.told(0), "QOS_NOT_GUARANTEED UE_ADDRESS_CHANGED");
  EXPECT_EQ(d.told(1), "QOS_GUARANTEED UE_ADDRESS_CHANGED");
}

TEST(unicast_move, refused_while_the_old_session_stands_is_asked_again_when_it_is_gone) {
  Confirmed d;
  d.core.address = "10.45.0.9";
  d.call_back({"ue_watch", "msisdn-491700000001"},
              R"({"subscription":"http://c/x/subscriptions/w1","monitoringEventReports":[)" +
                  d.core.report() + "]}");
  d.deliver_tells();
  ASSERT_EQ(d.calls.front().call.name, "reserve");
  d.answer(http::Response{403, {}, {}});
  EXPECT_EQ(d.calls.front().call.name, "release");
  d.deliver();
  EXPECT_EQ(d.stage(d.key), "confirmed");
  EXPECT_EQ(d.core.sessions.size(), 1U);
}

TEST(unicast_move, that_is_refused_ends_the_promise_and_says_so) {
  Confirmed d;
  d.core.address = "10.45.0.9";
  d.call_back({"ue_watch", "msisdn-491700000001"},
              R"({"subscription":"http://c/x/subscriptions/w1","monitoringEventReports":[)" +
                  d.core.report() + "]}");
  d.deliver_tells();
  d.answer(http::Response{403, {}, {}});
  d.answer_by_core();
  d.answer(http::Response{403, {}, R"({"cause":"FULL"})"});
  d.deliver();
  EXPECT_EQ(d.stage(d.key), "terminated");
  EXPECT_EQ(d.told(1), "QOS_TERMINATED FULL");
  EXPECT_TRUE(d.core.sessions.empty());
}

TEST(unicast_move, whose_answer_is_lost_leaves_one_session_in_the_end) {
  Confirmed d;
  d.core.address = "10.45.0.9";
  d.call_back({"ue_watch", "msisdn-491700000001"},
              R"({"subscription":"http://c/x/subscriptions/w1","monitoringEventReports":[)" +
                  d.core.report() + "]}");
  d.deliver_tells();
  d.core.handle(d.calls.front().call.request);
  d.answer(fail(Errc::timeout, "lost"));
  d.run_for(60s);
  EXPECT_EQ(d.stage(d.key), "confirmed");
  ASSERT_EQ(d.core.sessions.size(), 1U);
  EXPECT_TRUE(d.core.sessions.contains(d.session_of(d.key)));
}

TEST(unicast_move, away_from_the_network_ends_the_promise_until_the_ue_is_back) {
  Confirmed d;
  d.move_ue("");
  EXPECT_EQ(d.stage(d.key), "terminated");
  EXPECT_EQ(d.told(0), "QOS_TERMINATED UE_NOT_CONNECTED");
  EXPECT_TRUE(d.core.sessions.empty());
  EXPECT_EQ(d.status(d.create(plain_create)), 0);
  d.deliver();
  EXPECT_EQ(d.stage(d.last_key), "gone");
  d.move_ue("10.45.0.3");
  EXPECT_EQ(d.stage(d.key), "confirmed");
  EXPECT_EQ(d.core.sessions.size(), 1U);
}

// ---- changes
// --------------------------------------------------------------------------------------

TEST(unicast_modify, is_answered_after_the_network_agreed) {
  Confirmed d;
  const auto request = d.modify(d.key, R"({"uniQosReq":"video-sd"})");
  EXPECT_EQ(d.status(request), 0);
  EXPECT_EQ(d.calls.front().call.request.method, "PATCH");
  EXPECT_EQ(d.calls.front().call.request.headers.find("content-type"),
            "application/merge-patch+json");
  d.answer_by_core();
  ASSERT_EQ(d.status(request), 200);
  EXPECT_EQ(*d.body(request).find("uniQosReq")->text(), "video-sd");
  EXPECT_EQ(d.state(d.key).qos.qos_reference, "video-sd");
}

TEST(unicast_modify, lesson_10_that_is_refused_leaves_everything_as_it_was) {
  Confirmed d;
  const auto before = d.state(d.key);
  const auto request = d.modify(d.key, R"({"uniQosReq":"video-sd"})");
  d.answer(http::Response{403, {}, R"({"acceptableServInfo":{"marBwDl":"1 Mbps"}})"});
  EXPECT_EQ(d.status(request), 403);
  EXPECT_NE(d.body(request).find("acceptableServInfo"), nullptr);
  EXPECT_EQ(d.state(d.key), before);
  EXPECT_TRUE(d.calls.empty());
}

TEST(unicast_modify, whose_answer_is_lost_becomes_what_the_core_keeps) {
  for (const bool arrived : {true, false}) {
    Confirmed d;
    const auto request = d.modify(d.key, R"({"uniQosReq":"video-sd"})");
    if (arrived) d.core.handle(d.calls.front().call.request);
    d.answer(fail(Errc::unavailable, "closed"));
    ASSERT_EQ(d.calls.front().call.name, "get");
    d.answer_by_core();
    EXPECT_EQ(d.status(request), arrived ? 200 : 503);
    EXPECT_EQ(d.state(d.key).qos.qos_reference, arrived ? "video-sd" : "video-hd");
    EXPECT_FALSE(d.state(d.key).pending);
  }
}

TEST(unicast_modify, of_what_is_short_is_guaranteed_again_by_its_allocation) {
  for (const bool answered_first : {true, false}) {
    Confirmed d;
    d.event(d.key, "QOS_NOT_GUARANTEED");
    const auto request = d.modify(d.key, R"({"uniQosReq":"video-sd"})");
    if (answered_first) d.answer_by_core();
    d.event(d.key, "SUCCESSFUL_RESOURCES_ALLOCATION");
    if (!answered_first) d.answer_by_core();
    EXPECT_EQ(d.status(request), 200);
    EXPECT_EQ(d.stage(d.key), "confirmed");
    EXPECT_EQ(d.told(1), "QOS_GUARANTEED SUCCESSFUL_RESOURCES_ALLOCATION");
    EXPECT_FALSE(d.state(d.key).reallocating);
  }
}

TEST(unicast_modify, that_is_allocated_with_less_stays_short) {
  Confirmed d;
  d.event(d.key, "QOS_NOT_GUARANTEED");
  d.modify(d.key, R"({"uniQosReq":"video-sd"})");
  d.answer_by_core();
  d.event(d.key, "SUCCESSFUL_RESOURCES_ALLOCATION", R"(,"appliedQosRef":"video-hd")");
  EXPECT_EQ(d.stage(d.key), "degraded");
  EXPECT_EQ(d.state(d.key).applied_qos_ref, "video-hd");
}

TEST(unicast_loss, is_not_undone_by_a_late_allocation_event) {
  Confirmed d;
  d.event(d.key, "QOS_NOT_GUARANTEED");
  d.event(d.key, "SUCCESSFUL_RESOURCES_ALLOCATION");
  EXPECT_EQ(d.stage(d.key), "degraded");
}

TEST(unicast_modify, from_figures_to_a_reference_replaces_because_a_patch_cannot_take_away) {
  Confirmed d(
      R"({"valTgtUe":{"valUeId":"ue1"},"notifUri":"http://127.0.0.1:9000/n","uniQosReq":"{\"gbrDl\":\"5 Mbps\"}"})");
  d.modify(d.key, R"({"uniQosReq":"video-sd"})");
  EXPECT_EQ(d.calls.front().call.request.method, "PUT");
}

TEST(unicast_modify, of_the_end_alone_does_not_concern_the_network) {
  Confirmed d;
  const auto request = d.modify(d.key, R"({"duration":"2026-11-22T13:00:00Z"})");
  EXPECT_EQ(d.status(request), 200);
  EXPECT_TRUE(d.calls.empty());
  EXPECT_TRUE(d.has_timer(d.key, "expire"));
  EXPECT_EQ(d.status(d.modify(d.key, R"({"duration":null})")), 200);
  EXPECT_FALSE(d.has_timer(d.key, "expire"));
}

TEST(unicast_modify, of_another_owners_resource_finds_nothing) {
  Confirmed d;
  const auto before = d.lookup.records.at(d.key);
  EXPECT_EQ(d.status(d.modify(d.key, R"({"uniQosReq":"video-sd"})", "app2")), 404);
  EXPECT_EQ(d.status(d.remove(d.key, "app2")), 404);
  EXPECT_EQ(d.status(d.create(plain_create, "app2", "u1")), 404);
  EXPECT_EQ(d.lookup.records.at(d.key), before);
}

TEST(unicast_modify, with_faults_names_them_and_changes_nothing) {
  Confirmed d;
  const auto before = d.lookup.records.at(d.key);
  const auto request = d.modify(
      d.key,
      R"({"uniQosReq":"nothing","duration":"2020-01-01T00:00:00Z","notifUri":"http://169.254.169.254/","valTgtUe":{"valUeId":"x"}})");
  EXPECT_EQ(d.status(request), 400);
  EXPECT_EQ(d.blamed(request),
            (std::vector<std::string>{"/valTgtUe", "/uniQosReq", "/duration", "/notifUri"}));
  EXPECT_EQ(d.status(d.modify(d.key, R"({"uniQosReq":null})")), 400);
  EXPECT_EQ(d.status(d.modify(d.key, "{}")), 400);
  EXPECT_EQ(d.lookup.records.at(d.key), before);
}

TEST(unicast_modify, while_another_is_under_way_conflicts) {
  Confirmed d;
  d.modify(d.key, R"({"uniQosReq":"video-sd"})");
  EXPECT_EQ(d.status(d.modify(d.key, R"({"uniQosReq":"haptic"})")), 409);
}

// ---- the end
// --------------------------------------------------------------------------------------

TEST(unicast_delete, is_answered_when_the_core_holds_nothing) {
  Confirmed d;
  const auto request = d.remove(d.key);
  EXPECT_EQ(d.status(request), 0);
  EXPECT_EQ(d.stage(d.key), "releasing");
  d.answer_by_core();
  EXPECT_EQ(d.status(request), 204);
  EXPECT_FALSE(d.exists(d.key));
  d.deliver();
  EXPECT_TRUE(d.lookup.records.empty());
  EXPECT_TRUE(d.core.watches.empty());
}

TEST(unicast_delete, goes_on_by_itself_while_the_network_cannot_be_reached) {
  Confirmed d;
  const auto request = d.remove(d.key);
  d.answer(fail(Errc::unavailable, "down"));
  for (int i = 0; i < 20; ++i) {
    d.run_for(i == 0 ? 5s : 65s, false);
    ASSERT_EQ(d.calls.size(), 1U);
    d.answer(http::Response{503, {}, {}});
  }
  EXPECT_EQ(d.status(request), 504);
  EXPECT_EQ(d.stage(d.key), "releasing");
  const auto again = d.remove(d.key);  // Asks at once, whatever the pause had become.
  ASSERT_EQ(d.calls.size(), 1U);
  d.answer_by_core();
  EXPECT_EQ(d.status(again), 204);
  EXPECT_TRUE(d.core.sessions.empty());
}

TEST(unicast_delete, of_what_the_core_no_longer_has_succeeds) {
  Confirmed d;
  d.core.sessions.clear();
  const auto request = d.remove(d.key);
  d.deliver();
  EXPECT_EQ(d.status(request), 204);
}

TEST(unicast_delete, during_a_create_answers_both) {
  for (const int answered : {0, 1}) {
    Driver d;
    const auto create = d.create(plain_create);
    d.deliver_tells();
    if (answered > 0) d.answer_by_core();
    d.deliver_tells();
    const auto remove = d.remove(d.last_key);
    EXPECT_EQ(d.status(create), 409);
    d.run_for(30s);
    EXPECT_EQ(d.status(remove), 204);
    EXPECT_TRUE(d.core.sessions.empty());
    EXPECT_TRUE(d.lookup.records.empty());
  }
}

TEST(unicast_delete, during_a_modification_answers_both) {
  Confirmed d;
  const auto modify = d.modify(d.key, R"({"uniQosReq":"video-sd"})");
  const auto remove = d.remove(d.key);
  EXPECT_EQ(d.status(modify), 409);
  d.deliver();
  EXPECT_EQ(d.status(remove), 204);
  EXPECT_TRUE(d.core.sessions.empty());
}

TEST(unicast_expiry, releases_and_tells) {
  Confirmed d(
      R"({"valTgtUe":{"valUeId":"ue1"},"notifUri":"http://127.0.0.1:9000/n","suppFeat":"70000000000","duration":"2026-11-22T12:01:00Z"})");
  d.run_for(59s);
  EXPECT_EQ(d.stage(d.key), "confirmed");
  d.run_for(2s);
  EXPECT_FALSE(d.exists(d.key));
  EXPECT_EQ(d.told(0), "QOS_TERMINATED EXPIRED");
  EXPECT_TRUE(d.core.sessions.empty());
  EXPECT_TRUE(d.core.watches.empty());
}

// ---- after a restart
// ------------------------------------------------------------------------------

TEST(unicast_recovery, of_a_create_that_nobody_was_told_of_takes_it_back) {
  for (const bool arrived : {true, false}) {
    Driver d;
    d.create(plain_create);
    d.deliver_tells();
    d.answer_by_core();
    d.deliver_tells();
    if (arrived) d.core.handle(d.calls.front().call.request);
    d.calls.clear();
    d.apply(d.last_key, resource::Recovered{"reserve"});
    d.run_for(30s);
    EXPECT_TRUE(d.core.sessions.empty());
    EXPECT_TRUE(d.lookup.records.empty());
  }
}

TEST(unicast_recovery, of_a_release_repeats_it) {
  Confirmed d;
  d.remove(d.key);
  d.calls.clear();
  d.apply(d.key, resource::Recovered{"release"});
  d.deliver();
  EXPECT_TRUE(d.core.sessions.empty());
  EXPECT_FALSE(d.exists(d.key));
}

TEST(unicast_recovery, of_a_modification_asks_what_holds) {
  Confirmed d;
  d.modify(d.key, R"({"uniQosReq":"video-sd"})");
  d.core.handle(d.calls.front().call.request);
  d.calls.clear();
  d.apply(d.key, resource::Recovered{"modify"});
  ASSERT_EQ(d.calls.front().call.name, "get");
  d.deliver();
  EXPECT_EQ(d.state(d.key).qos.qos_reference, "video-sd");
}

}  // namespace
}  // namespace lobo::seal_nrm
