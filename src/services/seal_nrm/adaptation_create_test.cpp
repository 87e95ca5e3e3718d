// Adaptations that are asked for: what is answered, when, and what is refused.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "services/seal_nrm/adaptation_page.hpp"
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
using lobo::testing::offers_sd;
using resource::Key;

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
      R"("uniQosReq":"nonsense","notifUri":"ftp://x","duration":"2020-01-01T00:00:00Z","bdtRefId":")" +
      std::string(257, 'b') + R"("})");
  EXPECT_EQ(driver.status(request), 400);
  EXPECT_EQ(driver.blamed(request),
            (std::vector<std::string>{"/notifUri", "/duration", "/valUeIds/1/valUserId",
                                      "/valUeIds/2/valUeId", "/valUeIds/4/valUserId", "/bdtRefId",
                                      "/uniQosReq"}));
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

}  // namespace
}  // namespace lobo::seal_nrm
