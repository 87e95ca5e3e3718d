// What becomes of an adaptation later: losses, changes, groups, its end, restarts, policies.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "services/seal_nrm/ports.hpp"
#include "support/adaptation_test.hpp"
#include "support/nrm_driver.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {
namespace {

using namespace std::chrono_literals;
using lobo::testing::AdaptationTest;
using lobo::testing::body_of;
using lobo::testing::list_body;
using lobo::testing::names;
using lobo::testing::offers_sd;
using resource::Key;

TEST_F(AdaptationTest, tells_losses_and_returns_of_its_members_as_one_stream_with_the_ue_named) {
  adapt(list_body(1, 3));
  driver.event(member("m2"), "QOS_NOT_GUARANTEED", R"(,"appliedQosRef":"video-sd")");
  driver.event(member("m3"), "SESSION_TERMINATION");
  driver.deliver();
  driver.event(member("m2"), "QOS_GUARANTEED");
  driver.deliver();
  std::uint64_t expected = 0;
  for (const auto& notification : driver.notifications)
    EXPECT_EQ(notification.sequence, ++expected);
  EXPECT_EQ(told(), (std::vector<std::string>{"QOS_NOT_GUARANTEED m2 DEGRADED QOS_NOT_GUARANTEED",
                                              "QOS_TERMINATED m3 REFUSED SESSION_TERMINATION",
                                              "QOS_GUARANTEED m2 CONFIRMED QOS_GUARANTEED"}));
  EXPECT_EQ(results(shown()),
            (std::map<std::string, std::string>{
                {"m1", "CONFIRMED"}, {"m2", "CONFIRMED"}, {"m3", "REFUSED SESSION_TERMINATION"}}));
  EXPECT_EQ(shown().adapt_state->ues.refused, 1);
}

TEST_F(AdaptationTest, that_is_changed_answers_with_what_each_ue_got) {
  adapt(list_body(1, 2));
  const auto request = patch(R"({"uniQosReq":"video-sd"})");
  ASSERT_EQ(driver.status(request), 200);
  EXPECT_EQ(answer(request).uni_qos_req, "video-sd");
  EXPECT_EQ(answer(request).adapt_state->ues.confirmed, 2);
  for (const auto& [id, session] : driver.core.sessions)
    EXPECT_NE(session.body.find("video-sd"), std::string::npos) << session.body;
}

TEST_F(AdaptationTest, whose_change_nobody_gets_stays_as_it_was) {
  adapt(list_body(1, 2));
  driver.core.refused_references["haptic"] = R"({"cause":"NO_ROOM"})";
  const auto request = patch(R"({"uniQosReq":"haptic","acceptOffer":true})");
  EXPECT_EQ(driver.status(request), 403);
  EXPECT_EQ(driver.cause(request), "NO_ROOM");
  EXPECT_EQ(shown().uni_qos_req, "video-hd");
  EXPECT_EQ(shown().adapt_state->ues.confirmed, 2);
  const auto after = shown();
  for (const auto& result : *after.ue_results) EXPECT_EQ(result.previous_kept, true);
  // And it can be changed again.
  EXPECT_EQ(driver.status(patch(R"({"uniQosReq":"video-sd"})")), 200);
  const auto again = shown();
  for (const auto& result : *again.ue_results) EXPECT_FALSE(result.previous_kept);
}

TEST_F(AdaptationTest, whose_change_is_granted_in_a_lesser_form_says_which) {
  adapt(list_body(1, 1, R"(,"acceptOffer":true)"));
  driver.core.refused_references["haptic"] = offers_sd;
  const auto request = patch(R"({"uniQosReq":"haptic"})");
  ASSERT_EQ(driver.status(request), 200);
  EXPECT_EQ(answer(request).uni_qos_req, "haptic");
  EXPECT_EQ(answer(request).ue_results->front().result.text, "NEGOTIATED");
  EXPECT_EQ(answer(request).ue_results->front().granted_qos->qos_reference, "video-sd");
}

TEST_F(AdaptationTest, tries_again_for_a_refused_ue_when_it_is_changed) {
  adapt(list_body(1, 2));
  driver.event(member("m2"), "SESSION_TERMINATION");
  driver.deliver();
  EXPECT_EQ(driver.core.sessions.size(), 1U);
  ASSERT_EQ(driver.status(patch(R"({"uniQosReq":"video-sd"})")), 200);
  EXPECT_EQ(shown().adapt_state->ues.confirmed, 2);
  EXPECT_EQ(driver.core.sessions.size(), 2U);
}

TEST_F(AdaptationTest, with_another_list_reserves_for_the_new_ues_and_releases_for_those_gone) {
  adapt(list_body(1, 3));
  const auto request = patch(R"({"valUeIds":)" + names(3, 5) + "}");
  ASSERT_EQ(driver.status(request), 200);
  EXPECT_EQ(results(answer(request)),
            (std::map<std::string, std::string>{
                {"m3", "CONFIRMED"}, {"m4", "CONFIRMED"}, {"m5", "CONFIRMED"}}));
  EXPECT_EQ(driver.core.sessions.size(), 3U);
  EXPECT_EQ(driver.stage(member("m1")), "gone");
  EXPECT_EQ(records("ue_watch"), 3U);
}

TEST_F(AdaptationTest, refuses_changes_of_what_it_is) {
  driver.directory.set_group("crew", {"m1"});
  adapt(body_of(R"("valGroupId":"crew")"));
  const auto request =
      patch(R"({"valGroupId":"others","bdtRefId":"x","valUeIds":[{"valUeId":"m1"}]})");
  EXPECT_EQ(driver.status(request), 400);
  EXPECT_EQ(driver.blamed(request),
            (std::vector<std::string>{"/valGroupId", "/bdtRefId", "/valUeIds"}));
  EXPECT_EQ(driver.status(patch(R"({"uniQosReq":"video-sd"})", "stranger")), 404);
  EXPECT_EQ(driver.status(remove("stranger")), 404);
}

TEST_F(AdaptationTest, of_a_group_follows_its_members_and_tells) {
  driver.directory.set_group("crew", {"m1", "m2"});
  const auto request = adapt(body_of(R"("valGroupId":"crew")"));
  ASSERT_EQ(driver.status(request), 201);
  EXPECT_EQ(driver.lookup.records.at(driver.last_key).subject, "crew");
  driver.directory.set_group("crew", {"m2", "m3"});
  driver.apply(driver.last_key, resource::Told{{"directory", ""}, "group", ""});
  driver.deliver();
  auto lines = told();
  std::ranges::sort(lines);
  EXPECT_EQ(lines, (std::vector<std::string>{"UE_ADDED m3 CONFIRMED", "UE_REMOVED m1"}));
  EXPECT_EQ(results(shown()),
            (std::map<std::string, std::string>{{"m2", "CONFIRMED"}, {"m3", "CONFIRMED"}}));
  EXPECT_EQ(driver.core.sessions.size(), 2U);
}

TEST_F(AdaptationTest, of_a_group_that_nobody_can_be_asked_about_keeps_whom_it_has) {
  driver.directory.set_group("crew", {"m1", "m2"});
  ASSERT_EQ(driver.status(adapt(body_of(R"("valGroupId":"crew")"))), 201);
  driver.directory.groups.clear();
  driver.directory.unsettled = true;
  driver.run_for(3min);
  EXPECT_EQ(shown().adapt_state->ues.confirmed, 2);
  EXPECT_FALSE(shown().adapt_state->cause);
  EXPECT_TRUE(told().empty());
  const auto refused = driver.adapt(body_of(R"("valGroupId":"crew")"));
  EXPECT_EQ(driver.status(refused), 503);
  EXPECT_EQ(driver.cause(refused), "GROUP_MANAGEMENT_UNAVAILABLE");
}

TEST_F(AdaptationTest, of_a_group_that_empties_stays_with_nobody_and_grows_again) {
  driver.directory.set_group("crew", {"m1"});
  ASSERT_EQ(driver.status(adapt(body_of(R"("valGroupId":"crew")"))), 201);
  driver.directory.set_group("crew", {});
  driver.run_for(61s);  // Nobody says so: it looks by itself.
  EXPECT_EQ(shown().adapt_state->ues.total, 0);
  EXPECT_TRUE(driver.core.sessions.empty());
  driver.directory.groups.clear();
  driver.run_for(61s);
  EXPECT_EQ(shown().adapt_state->cause, "GROUP_NOT_FOUND");
  driver.directory.set_group("crew", {"m1", "m2"});
  driver.run_for(61s);
  EXPECT_EQ(shown().adapt_state->ues.confirmed, 2);
  EXPECT_FALSE(shown().adapt_state->cause);
}

TEST_F(AdaptationTest, of_an_empty_group_is_granted_at_once) {
  driver.directory.set_group("crew", {});
  const auto request = adapt(body_of(R"("valGroupId":"crew")"));
  ASSERT_EQ(driver.status(request), 201);
  EXPECT_EQ(answer(request).adapt_state->ues.total, 0);
  const auto gone = remove();
  driver.deliver();
  EXPECT_EQ(driver.status(gone), 204);
  nothing_is_left();
}

TEST_F(AdaptationTest, of_a_group_that_grows_to_a_hundred_thousand_keeps_what_it_has_and_says_so) {
  driver.directory.set_group("crew", {"m1"});
  adapt(body_of(R"("valGroupId":"crew")"));
  std::vector<std::string> crowd;
  for (int i = 0; i < 100'000; ++i) crowd.push_back("m" + std::to_string(i));
  driver.directory.set_group("crew", crowd);
  driver.run_for(61s);
  EXPECT_EQ(told(), std::vector<std::string>{"GROUP_NOT_FOLLOWED GROUP_TOO_LARGE"});
  EXPECT_EQ(shown().adapt_state->cause, "GROUP_TOO_LARGE");
  EXPECT_EQ(driver.core.sessions.size(), 1U);
  driver.run_for(10min);
  EXPECT_TRUE(told().empty()) << "told once";
}

TEST_F(AdaptationTest, gives_a_ue_that_comes_back_while_it_leaves_a_new_reservation) {
  driver.directory.set_group("crew", {"m1", "m2"});
  adapt(body_of(R"("valGroupId":"crew")"));
  driver.directory.set_group("crew", {"m2"});
  driver.apply(driver.last_key, resource::Told{{"directory", ""}, "group", ""});
  driver.deliver_tells();  // The release of m1 is on its way to the core.
  driver.directory.set_group("crew", {"m1", "m2"});
  driver.deliver();
  driver.run_for(61s);
  EXPECT_EQ(shown().adapt_state->ues.confirmed, 2);
  EXPECT_EQ(driver.core.sessions.size(), 2U);
}

TEST_F(AdaptationTest, is_deleted_once_the_core_holds_nothing_of_it) {
  adapt(list_body(1, 100));
  const auto request = remove();
  driver.deliver_tells();
  EXPECT_EQ(driver.status(request), 0);
  driver.deliver();
  EXPECT_EQ(driver.status(request), 204);
  nothing_is_left();
}

TEST_F(AdaptationTest, that_is_deleted_while_it_is_made_answers_both_and_leaves_nothing) {
  const auto create = driver.adapt(list_body(1, 40));
  driver.deliver_tells();
  for (int i = 0; i < 7; ++i) driver.answer_by_core();
  const auto gone = remove();
  driver.deliver();
  driver.run_for(60s);
  EXPECT_EQ(driver.status(create), 409);
  EXPECT_EQ(driver.status(gone), 204);
  nothing_is_left();
}

TEST_F(AdaptationTest, ends_at_its_time_and_says_so) {
  adapt(list_body(1, 2, R"(,"duration":"2026-11-22T12:01:00Z")"));
  driver.run_for(2min);
  EXPECT_EQ(told(), std::vector<std::string>{"QOS_TERMINATED EXPIRED"});
  nothing_is_left();
}

TEST_F(AdaptationTest, asked_for_again_under_the_same_key_gives_the_first_answer) {
  const auto first = driver.adapt(list_body(1, 2));
  const auto early =
      driver.command(driver.last_key, "CreateNetworkResourceAdaptation", list_body(1, 2), "app");
  EXPECT_EQ(driver.status(early), 409);
  driver.deliver();
  EXPECT_EQ(driver.status(first), 201);
  const auto again =
      driver.command(driver.last_key, "CreateNetworkResourceAdaptation", list_body(1, 2), "app");
  EXPECT_EQ(driver.status(again), 201);
  EXPECT_EQ(driver.core.sessions.size(), 2U);
}

TEST_F(AdaptationTest, sends_the_test_notification_that_was_asked_for) {
  adapt(list_body(1, 1, R"(,"reqTestNotif":true,"suppFeat":"1")"));
  ASSERT_EQ(driver.notifications.size(), 1U);
  EXPECT_NE(driver.notifications.front().body.find("/network-resource-adaptations/a1"),
            std::string::npos);
}

TEST_F(AdaptationTest, a_member_whose_reservation_was_cut_off_by_a_restart_is_asked_for_again) {
  const auto request = driver.adapt(list_body(1, 1));
  driver.deliver_tells();
  while (!driver.calls.empty() && !(driver.calls.front().from == member("m1"))) {
    driver.answer_by_core();
    driver.deliver_tells();
  }
  ASSERT_EQ(driver.calls.front().call.name, "reserve");
  driver.core.handle(driver.calls.front().call.request);  // The core did it; the answer is lost.
  driver.calls.clear();
  driver.apply(member("m1"), resource::Recovered{"reserve"});
  driver.deliver();
  EXPECT_EQ(driver.status(request), 201);
  driver.run_for(60s);
  EXPECT_EQ(driver.core.sessions.size(), 1U) << "what the first request made is released";
  EXPECT_EQ(driver.stage(member("m1")), "confirmed");
}

TEST_F(AdaptationTest, an_allocation_told_between_a_restart_and_the_core_s_list_is_not_forgotten) {
  driver.settings.core.allocation_events = AllocationEvents::always;
  const auto request = driver.adapt(list_body(1, 1));
  driver.deliver_tells();
  while (!driver.calls.empty() && !(driver.calls.front().from == member("m1"))) {
    driver.answer_by_core();
    driver.deliver_tells();
  }
  ASSERT_EQ(driver.calls.front().call.name, "reserve");
  driver.core.handle(driver.calls.front().call.request);  // The core did it; the answer is lost.
  const std::string session = driver.core.sessions.begin()->first;
  driver.calls.clear();
  driver.apply(member("m1"), resource::Recovered{"reserve"});
  const auto told = driver.call_back(
      member("m1"), R"({"transaction":"http://core.example/a/subscriptions/)" + session +
                        R"(","eventReports":[{"event":"SUCCESSFUL_RESOURCES_ALLOCATION"}]})");
  EXPECT_EQ(driver.status(told), 204);
  driver.deliver();
  EXPECT_EQ(driver.status(request), 201);
  EXPECT_EQ(driver.stage(member("m1")), "confirmed");
}

TEST_F(AdaptationTest, applies_the_background_transfer_policy_to_each_ue_and_takes_it_away) {
  const auto request = adapt(list_body(1, 2, R"(,"bdtRefId":"bdt-1")"));
  ASSERT_EQ(driver.status(request), 201);
  EXPECT_EQ(driver.core.policies.size(), 2U);
  const auto doc = answer(request);
  for (const auto& result : *doc.ue_results) EXPECT_EQ(result.bdt_result->text, "CONFIRMED");
  remove();
  driver.deliver();
  nothing_is_left();
}

TEST_F(AdaptationTest, reports_a_refused_background_transfer_policy_by_name) {
  const auto request = adapt(list_body(1, 2, R"(,"bdtRefId":"ghost")"));
  ASSERT_EQ(driver.status(request), 201);
  const auto doc = answer(request);
  for (const auto& result : *doc.ue_results) {
    EXPECT_EQ(result.result.text, "CONFIRMED");
    EXPECT_EQ(result.bdt_result->text, "REFUSED");
    EXPECT_EQ(result.bdt_cause, "BDT_REF_UNKNOWN");
  }
  remove();
  driver.deliver();
  nothing_is_left();
}

TEST_F(AdaptationTest, a_policy_whose_answer_was_lost_is_found_in_the_list_and_kept) {
  const auto request = driver.adapt(list_body(1, 1, R"(,"bdtRefId":"bdt-1")"));
  driver.deliver_tells();
  const Key policy{"applied_bdt", driver.last_key.id + ".e.m1"};
  const auto call =
      std::ranges::find_if(driver.calls, [&](const auto& one) { return one.from == policy; });
  ASSERT_NE(call, driver.calls.end());
  driver.core.handle(call->call.request);
  driver.calls.erase(call);
  driver.apply(policy, resource::Recovered{"apply"});
  driver.deliver();
  ASSERT_EQ(driver.status(request), 201);
  EXPECT_EQ(answer(request).ue_results->front().bdt_result->text, "CONFIRMED");
  EXPECT_EQ(driver.core.policies.size(), 1U);
  remove();
  driver.run_for(60s);
  nothing_is_left();
}

}  // namespace
}  // namespace lobo::seal_nrm
