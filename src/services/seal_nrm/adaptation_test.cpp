// An adaptation with its pages and members, driven with a core that can be healthy or not.

#include "api/state/adaptation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/nra_adaptation.hpp"
#include "services/seal_nrm/adaptation_page.hpp"
#include "services/seal_nrm/adaptation_view.hpp"
#include "support/nrm_driver.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {
namespace {

using namespace std::chrono_literals;
using api::nra_adaptation::AdaptationNotification;
using api::nra_adaptation::NetworkResourceAdaptation;
using api::state::adaptation::AdaptationState;
using api::state::adaptation::PageState;
using resource::Key;

std::string names(int from, int to) {
  std::string out = "[";
  for (int i = from; i <= to; ++i)
    out +=
        (out.size() > 1 ? "," : "") + std::string(R"({"valUeId":"m)") + std::to_string(i) + "\"}";
  return out + "]";
}
std::string body_of(const std::string& target, const std::string& more = "") {
  return "{" + target + R"(,"uniQosReq":"video-hd","notifUri":"http://127.0.0.1:9000/n")" + more +
         "}";
}
std::string list_body(int from, int to, const std::string& more = "") {
  return body_of(R"("valUeIds":)" + names(from, to), more);
}

/// What an offer of the core looks like.
const std::string offers_sd =
    R"({"status":403,"cause":"REQUESTED_SERVICE_NOT_AUTHORIZED","acceptableServInfo":{"accBwMedComps":{"1":{"medCompN":1,"qosReference":"video-sd"}}}})";

class AdaptationTest : public ::testing::Test {
 protected:
  lobo::testing::NrmDriver driver;

  resource::RequestId adapt(const std::string& body) {
    const auto request = driver.adapt(body);
    driver.deliver();
    return request;
  }
  resource::RequestId patch(const std::string& body, const std::string& who = "app") {
    const auto request =
        driver.command(driver.last_key, "ModifyNetworkResourceAdaptation", body, who);
    driver.deliver();
    return request;
  }
  resource::RequestId remove(const std::string& who = "app") {
    return driver.command(driver.last_key, "DeleteNetworkResourceAdaptation", {}, who);
  }
  NetworkResourceAdaptation answer(resource::RequestId request) {
    auto read = json::read<NetworkResourceAdaptation>(driver.replies.at(request).body);
    EXPECT_TRUE(read) << driver.replies.at(request).body;
    return read ? *read : NetworkResourceAdaptation{};
  }
  std::map<std::string, std::string> results(const NetworkResourceAdaptation& doc) {
    std::map<std::string, std::string> out;
    for (const auto& result : *doc.ue_results)
      out[result.val_tgt_ue.val_ue_id ? *result.val_tgt_ue.val_ue_id
                                      : *result.val_tgt_ue.val_user_id] =
          result.result.text + (result.cause ? " " + *result.cause : "");
    return out;
  }
  NetworkResourceAdaptation shown() {
    return *represent_adaptation(driver.last_key.id, state(), driver.settings, driver.lookup);
  }
  AdaptationState state() {
    return *json::read<AdaptationState>(driver.lookup.records.at(driver.last_key).state);
  }
  std::vector<std::string> told() {
    std::vector<std::string> out;
    for (const auto& notification : driver.notifications) {
      const auto body = json::read<AdaptationNotification>(notification.body);
      EXPECT_TRUE(body) << notification.body;
      for (const auto& event : body->event_notifs) {
        EXPECT_EQ(event.seq, static_cast<std::int64_t>(notification.sequence));
        std::string line = event.event.text;
        if (event.val_tgt_ue) line += " " + event.val_tgt_ue->val_ue_id.value_or("user");
        if (event.ue_result) line += " " + event.ue_result->result.text;
        if (event.cause) line += " " + *event.cause;
        out.push_back(std::move(line));
      }
    }
    driver.notifications.clear();
    return out;
  }
  Key member(const std::string& name) { return {"unicast", driver.last_key.id + ".e." + name}; }
  std::size_t records(std::string_view kind) {
    return static_cast<std::size_t>(std::ranges::count_if(
        driver.lookup.records, [&](const auto& entry) { return entry.first.kind == kind; }));
  }
  void nothing_is_left() {
    EXPECT_TRUE(driver.core.sessions.empty());
    EXPECT_TRUE(driver.core.policies.empty());
    for (const auto& [key, record] : driver.lookup.records)
      EXPECT_EQ(key.kind, "core_peer") << key.id << " is left";
    EXPECT_TRUE(driver.timers.empty());
  }
};

TEST_F(AdaptationTest, of_a_list_is_answered_with_a_result_for_each_ue_once_all_have_one) {
  const auto request = driver.adapt(list_body(1, 3));
  driver.deliver_tells();
  EXPECT_EQ(driver.status(request), 0) << "not before the network has confirmed";
  driver.deliver();
  ASSERT_EQ(driver.status(request), 201);
  const auto doc = answer(request);
  EXPECT_EQ(results(doc), (std::map<std::string, std::string>{
                              {"m1", "CONFIRMED"}, {"m2", "CONFIRMED"}, {"m3", "CONFIRMED"}}));
  EXPECT_EQ(doc.adapt_state->ues.total, 3);
  EXPECT_EQ(doc.adapt_state->ues.confirmed, 3);
  EXPECT_EQ(doc.adapt_state->control_plane.text, "confirmed");
  EXPECT_EQ(doc.val_ue_ids->size(), 3U);
  EXPECT_EQ(driver.replies.at(request).headers.find("location"),
            "http://127.0.0.60:7777/ss-nra/v1/network-resource-adaptations/a1");
  EXPECT_EQ(driver.core.sessions.size(), 3U);
  EXPECT_TRUE(told().empty()) << "what the answer says is not told again";
}

TEST_F(AdaptationTest, members_belong_to_nobody_outside) {
  adapt(list_body(1, 2));
  for (const auto& [key, record] : driver.lookup.records)
    EXPECT_EQ(record.owner, key.kind == "adaptation" ? "app" : "") << key.kind << ' ' << key.id;
}

TEST_F(AdaptationTest, of_which_some_fail_is_no_error) {
  driver.core.refused_references["video-hd"] = "{}";
  const auto all = adapt(list_body(1, 2));
  EXPECT_EQ(driver.status(all), 403) << "nobody has anything";
  driver.run_for(30s);
  driver.core.refused_references.clear();
  const auto some =
      adapt(body_of(R"("valUeIds":[{"valUeId":"m1"},{"valUeId":"ghost"},{"valUeId":"ue2"}])"));
  ASSERT_EQ(driver.status(some), 201);
  EXPECT_EQ(results(answer(some)),
            (std::map<std::string, std::string>{{"m1", "CONFIRMED"},
                                                {"ghost", "REFUSED USER_NOT_FOUND"},
                                                {"ue2", "REFUSED USER_NOT_FOUND"}}))
      << "one that is another requester's is as one that nobody knows";
  EXPECT_EQ(answer(some).adapt_state->control_plane.text, "degraded");
}

TEST_F(AdaptationTest, that_nobody_gets_is_refused_and_leaves_nothing) {
  driver.core.refused_references["video-hd"] = R"({"cause":"SERVICE_NOT_ALLOWED"})";
  const auto request = adapt(list_body(1, 40));
  EXPECT_EQ(driver.status(request), 403);
  EXPECT_EQ(driver.cause(request), "SERVICE_NOT_ALLOWED");
  driver.run_for(60s);
  nothing_is_left();
  const auto unknown = adapt(body_of(R"("valUeIds":[{"valUeId":"ghost"}])"));
  EXPECT_EQ(driver.status(unknown), 404);
  EXPECT_EQ(driver.cause(unknown), "USER_NOT_FOUND");
  driver.run_for(60s);
  nothing_is_left();
}

TEST_F(AdaptationTest, needs_either_a_list_or_a_group) {
  driver.directory.set_group("crew", {"m1"});
  const auto both = adapt(body_of(R"("valUeIds":[{"valUeId":"m1"}],"valGroupId":"crew")"));
  EXPECT_EQ(driver.status(both), 400);
  EXPECT_EQ(driver.blamed(both), std::vector<std::string>{"/valGroupId"});
  const auto none = adapt(R"({"uniQosReq":"video-hd","notifUri":"http://127.0.0.1:9000/n"})");
  EXPECT_EQ(driver.status(none), 400);
  EXPECT_EQ(driver.blamed(none), std::vector<std::string>{"/valUeIds"});
}

TEST_F(AdaptationTest, names_every_bad_member_at_once) {
  const auto request = adapt(
      R"({"valUeIds":[{"valUeId":"m1"},{"valUserId":""},{"valUeId":"m1"},{"valUeId":"ue1"},{"valUserId":"alice"}],)"
      R"("uniQosReq":"nonsense","notifUri":"ftp://x","duration":"2020-01-01T00:00:00Z"})");
  EXPECT_EQ(driver.status(request), 400);
  EXPECT_EQ(
      driver.blamed(request),
      (std::vector<std::string>{"/notifUri", "/duration", "/valUeIds/1/valUserId",
                                "/valUeIds/2/valUeId", "/valUeIds/4/valUserId", "/uniQosReq"}));
  EXPECT_TRUE(driver.lookup.records.empty());
}

TEST_F(AdaptationTest, of_more_ues_than_one_may_have_is_refused_and_says_so) {
  driver.settings.limits.adaptation_members_max = 3;
  const auto list = adapt(list_body(1, 4));
  EXPECT_EQ(driver.status(list), 400);
  EXPECT_EQ(driver.blamed(list), std::vector<std::string>{"/valUeIds"});
  driver.directory.set_group("crew", {"m1", "m2", "m3", "m4"});
  const auto group = adapt(body_of(R"("valGroupId":"crew")"));
  EXPECT_EQ(driver.status(group), 400);
  EXPECT_EQ(driver.blamed(group), std::vector<std::string>{"/valGroupId"});
}

TEST_F(AdaptationTest, of_an_unknown_group_is_refused_as_one_of_somebody_else) {
  driver.directory.set_group("theirs", {"m1"}, {"app2"});
  for (const std::string group : {"ghosts", "theirs"}) {
    const auto request = adapt(body_of(R"("valGroupId":")" + group + "\""));
    EXPECT_EQ(driver.status(request), 404);
    EXPECT_EQ(driver.blamed(request), std::vector<std::string>{"/valGroupId"});
  }
  EXPECT_TRUE(driver.lookup.records.empty());
}

TEST_F(AdaptationTest, takes_what_the_network_offers_where_it_was_told_to) {
  driver.core.refused_references["video-hd"] = offers_sd;
  const auto unwilling = adapt(list_body(1, 2));
  EXPECT_EQ(driver.status(unwilling), 403);
  const auto willing = adapt(list_body(1, 2, R"(,"acceptOffer":true)"));
  ASSERT_EQ(driver.status(willing), 201);
  const auto doc = answer(willing);
  for (const auto& result : *doc.ue_results) {
    EXPECT_EQ(result.result.text, "NEGOTIATED");
    ASSERT_TRUE(result.granted_qos);
    EXPECT_EQ(result.granted_qos->qos_reference, "video-sd");
  }
  EXPECT_EQ(doc.adapt_state->ues.negotiated, 2);
}

TEST_F(AdaptationTest, takes_only_so_many_offers) {
  driver.core.refused_references["video-hd"] = offers_sd;
  driver.core.refused_references["video-sd"] =
      R"({"status":403,"cause":"NO","acceptableServInfo":{"accBwMedComps":{"1":{"medCompN":1,"qosReference":"video-hd"}}}})";
  const auto request = adapt(list_body(1, 1, R"(,"acceptOffer":true)"));
  EXPECT_EQ(driver.status(request), 403);
  EXPECT_EQ(std::ranges::count_if(
                driver.core.journal,
                [](const std::string& line) { return line.starts_with("POST /3gpp-as-session"); }),
            4);
}

TEST_F(AdaptationTest, of_many_has_only_so_many_at_the_core_at_a_time) {
  driver.settings.limits.adaptation_pages_at_work = 2;
  driver.directory.set_group("crowd", [] {
    std::vector<std::string> all;
    for (int i = 0; i < 200; ++i) all.push_back("m" + std::to_string(i));
    return all;
  }());
  const auto request = driver.adapt(body_of(R"("valGroupId":"crowd")"));
  std::size_t under_way_max = 0;
  while (!driver.tells.empty() || !driver.calls.empty()) {
    driver.deliver_tells();
    under_way_max = std::max(under_way_max, driver.calls.size());
    if (!driver.calls.empty()) driver.answer_by_core();
  }
  ASSERT_EQ(driver.status(request), 201);
  EXPECT_EQ(answer(request).adapt_state->ues.confirmed, 200);
  EXPECT_EQ(under_way_max, 2 * page_members_max);
}

TEST_F(AdaptationTest, no_answer_of_a_member_rewrites_more_than_a_page) {
  adapt(list_body(1, 1000));
  std::size_t largest = 0;
  for (const auto& [key, record] : driver.lookup.records)
    largest = std::max(largest, record.state.size());
  EXPECT_LT(largest, 8000U);
  EXPECT_LT(driver.lookup.records.at(driver.last_key).state.size(), 1500U);
}

TEST_F(AdaptationTest, of_more_ues_than_one_answer_holds_tells_the_counts) {
  std::vector<std::string> all;
  for (int i = 0; i < 1001; ++i) all.push_back("m" + std::to_string(i));
  driver.directory.set_group("crowd", all);
  const auto request = driver.adapt(body_of(R"("valGroupId":"crowd")"));
  for (int i = 0; i < 10 && driver.status(request) == 0; ++i) driver.deliver();
  ASSERT_EQ(driver.status(request), 201);
  const auto doc = answer(request);
  EXPECT_FALSE(doc.ue_results);
  EXPECT_EQ(doc.adapt_state->ues.confirmed, 1001);
}

TEST_F(AdaptationTest, is_answered_at_the_answer_time_and_tells_the_rest_later) {
  const auto request = driver.adapt(list_body(1, 3));
  driver.deliver_tells();
  // The core answers for m1 and m2; m3's reservation hangs.
  std::deque<lobo::testing::NrmDriver::Call> hanging;
  for (int i = 0; i < 100 && !driver.calls.empty(); ++i) {
    if (driver.calls.front().from == member("m3")) {
      hanging.push_back(driver.calls.front());
      driver.calls.pop_front();
    } else {
      driver.answer_by_core();
    }
    driver.deliver_tells();
  }
  ASSERT_EQ(hanging.size(), 1U);
  EXPECT_EQ(driver.status(request), 0);
  driver.now += 4999ms;
  const Key key = driver.last_key;
  driver.timers.erase({key, "answer"});
  driver.apply(key, resource::TimerFired{"answer"});
  driver.deliver_tells();
  ASSERT_EQ(driver.status(request), 201);
  EXPECT_EQ(results(answer(request)),
            (std::map<std::string, std::string>{
                {"m1", "CONFIRMED"}, {"m2", "CONFIRMED"}, {"m3", "PENDING"}}));
  driver.calls = hanging;
  driver.deliver();
  EXPECT_EQ(told(), std::vector<std::string>{"UE_RESULT m3 CONFIRMED"});
  EXPECT_EQ(shown().adapt_state->ues.confirmed, 3);
  EXPECT_EQ(shown().adapt_state->control_plane.text, "confirmed");
}

TEST_F(AdaptationTest, of_which_nothing_came_in_time_is_answered_504_and_released) {
  const auto request = driver.adapt(list_body(1, 3));
  driver.deliver_tells();
  driver.run_for(5s, false);
  driver.deliver_tells();
  EXPECT_EQ(driver.status(request), 504);
  driver.run_for(120s);
  nothing_is_left();
}

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
