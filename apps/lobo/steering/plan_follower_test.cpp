#include "steering/plan_follower.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "api/media_steering.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "sim/loop.hpp"
#include "sim/observers.hpp"
#include "steering/sightings.hpp"
#include "steering/steer_endpoint.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

/// Answers a question at once with what was told, and holds it where nothing was.
class ToldAf final : public runtime::HttpClient {
 public:
  explicit ToldAf(sim::SimLoop& loop) : loop_(loop) {}
  void send(http::Request request, std::chrono::milliseconds deadline, Done done) override {
    if (request.method == "POST") {
      posts.push_back(request.body);
      return loop_.post([status = post_status, done = std::move(done)] {
        done(http::Response{.status = status});
      });
    }
    questions.push_back(request);
    if (answers.empty()) {
      loop_.after(deadline, [done = std::move(done)] { done(fail(Errc::timeout, "no answer")); });
      return;
    }
    loop_.post([answer = answers.front(), done = std::move(done)] { done(answer); });
    answers.pop_front();
  }
  std::deque<http::Response> answers;
  std::vector<http::Request> questions;
  std::vector<std::string> posts;
  int post_status = 204;

 private:
  sim::SimLoop& loop_;
};

http::Response plan(const std::string& version, const std::string& tag) {
  http::Response out{.status = 200};
  out.headers.add("etag", tag);
  out.body = R"({"version":)" + version +
             R"(,"validUntil":"2100-01-01T00:00:00Z","ttl":30,"locations":[{"id":"SL1",)"
             R"("standing":"serving"}],"groups":[{"id":"all","shares":{"SL1":1}}]})";
  return out;
}

class plan_follower : public ::testing::Test {
 protected:
  sim::SimLoop loop;
  sim::SimLog log;
  ToldAf af{loop};
  std::vector<std::uint64_t> versions;
  PlanFollower follower{
      "http://af.example/af/",
      1s,
      {loop, af, nullptr, log},
      [this](const SteerEndpoint::Plan& taken) { versions.push_back(taken->said().version); }};
};

TEST_F(plan_follower, takes_each_plan_and_asks_for_another_one_than_it_has) {
  af.answers = {plan("1", "\"a\""), plan("2", "\"b\"")};
  follower.start();
  loop.run_for(1s);
  EXPECT_EQ(versions, (std::vector<std::uint64_t>{1, 2}));
  ASSERT_EQ(af.questions.size(), 3U);
  EXPECT_EQ(af.questions[0].target, "/af/x-steering/v1/steering-plan?wait=10");
  EXPECT_FALSE(af.questions[0].headers.find("if-none-match"));
  EXPECT_EQ(af.questions[2].headers.find("if-none-match"), "\"b\"");
}

TEST_F(plan_follower, asks_again_at_once_when_nothing_has_changed) {
  af.answers = {plan("1", "\"a\""), http::Response{.status = 304}};
  follower.start();
  loop.run_for(1s);
  EXPECT_EQ(af.questions.size(), 3U);
  EXPECT_EQ(follower.counters().unchanged, 1U);
  EXPECT_EQ(versions.size(), 1U);
}

TEST_F(plan_follower, asks_an_af_that_is_gone_more_and_more_seldom) {
  for (int i = 0; i < 100; ++i) af.answers.push_back(http::Response{.status = 503});
  follower.start();
  loop.run_for(5min);
  EXPECT_LE(af.questions.size(), 15U);
  EXPECT_GE(af.questions.size(), 10U);
  af.answers = {plan("7", "\"x\"")};
  loop.run_for(plan_retry_most + 1s);
  EXPECT_EQ(versions, std::vector<std::uint64_t>{7});
}

TEST_F(plan_follower, keeps_what_it_has_when_a_plan_is_wrong) {
  af.answers = {plan("1", "\"a\""), http::Response{.status = 200, .body = "{}"}};
  follower.start();
  loop.run_for(1s);
  EXPECT_EQ(versions.size(), 1U);
  EXPECT_EQ(follower.counters().refused, 1U);
}

TEST_F(plan_follower, does_not_hurry_an_af_that_gives_no_tag) {
  for (int i = 0; i < 100; ++i) {
    auto untagged = plan("1", "");
    untagged.headers = {};
    af.answers.push_back(std::move(untagged));
  }
  follower.start();
  loop.run_for(60s);
  EXPECT_LE(af.questions.size(), 8U);
}

TEST_F(plan_follower, tells_where_players_were_sent_in_batches) {
  Sightings sightings;
  follower.report_from(sightings);
  loop.run_for(2s);
  EXPECT_TRUE(af.posts.empty()) << "there is nothing to tell";
  for (std::size_t i = 0; i < sightings_at_once_max + 1; ++i)
    sightings.add({0x10, "all", "SL1",
                   i == 0 ? std::vector<std::string>{"SL2"} : std::vector<std::string>{}});
  loop.run_for(1s);
  ASSERT_EQ(af.posts.size(), 2U);
  const auto read = json::read<api::media_steering::SteeringReports>(af.posts[0]);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->reports.at(0).session, "0000000000000010");
  EXPECT_EQ(read->reports.at(0).failed, std::vector<std::string>{"SL2"});
  EXPECT_EQ(follower.counters().reported, sightings_at_once_max + 1);
}

TEST_F(plan_follower, drops_what_an_af_does_not_take_and_what_is_too_much) {
  Sightings sightings;
  follower.report_from(sightings);
  af.post_status = 503;
  for (std::size_t i = 0; i < sightings_max + 5; ++i) sightings.add({i, "all", "SL1", {}});
  loop.run_for(3s);
  EXPECT_EQ(follower.counters().dropped, sightings_max + 5);
  EXPECT_EQ(follower.counters().reported, 0U);
}

}  // namespace
}  // namespace lobo::app
