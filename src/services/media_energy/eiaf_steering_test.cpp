// What endpoints of content steering get and tell.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "api/media_steering.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/mapping.hpp"
#include "services/media_energy/ports.hpp"
#include "support/media_driver.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"

namespace lobo::media_energy {
namespace {

using namespace std::chrono_literals;
using lobo::testing::MediaDriver;

constexpr std::string_view plan_path = "/x-steering/v1/steering-plan";
constexpr std::string_view reports_path = "/x-steering/v1/steering-reports";
constexpr std::string_view player = "0123456789abcdef";

class eiaf_steering : public ::testing::Test {
 protected:
  eiaf_steering() {
    d.settings.plan_every = 2s;
    session = d.session();
    d.host(session);
    d.expose(session);
    policy = d.policy(session, "{}");
    d.server("as1", "SL1");
    d.server("as2", "SL2");
  }
  void run(int seconds) { d.run(seconds, {{"as1", {}}, {"as2", {}}}); }
  http::Response ask(std::string_view query = {}) {
    return d.ask("GET", std::string(plan_path) + std::string(query), {}, "steer");
  }
  api::media_steering::SteeringPlan plan() {
    const auto read = json::read<api::media_steering::SteeringPlan>(d.eiaf.published());
    EXPECT_TRUE(read) << d.eiaf.published();
    return read.value_or(api::media_steering::SteeringPlan{});
  }
  int tell(std::string_view session_hash, std::string_view to, std::string_view more = {}) {
    return d
        .ask("POST", std::string(reports_path),
             R"({"reports":[{"session":")" + std::string(session_hash) + R"(","group":")" + policy +
                 R"(","sentTo":")" + std::string(to) + '"' + std::string(more) + "}]}",
             "steer")
        .status;
  }
  double current(std::string_view location) const {
    const auto fleet = d.eiaf.fleet(d.now);
    for (const auto& group : fleet.groups)
      if (group.id == session + '/' + policy)
        for (const auto& path : group.paths)
          if (fleet.locations[path.location].id == location) return path.current_mbps;
    return -1;
  }

  MediaDriver d;
  std::string session, policy;
};

TEST_F(eiaf_steering, says_that_there_is_no_plan_before_the_first) { EXPECT_EQ(ask().status, 404); }

TEST_F(eiaf_steering, publishes_shares_by_policy_and_by_provisioning_session) {
  d.planner.shares = {{"SL1", 3}, {"SL2", 1}};
  run(5);
  const auto read = plan();
  ASSERT_EQ(read.groups.size(), 2U);
  EXPECT_EQ(read.groups[0].id, session) << "players that name no policy";
  EXPECT_EQ(read.groups[1].id, policy);
  EXPECT_EQ(read.groups[1].shares.at("SL1"), 3);
  EXPECT_EQ(read.locations.at(0).base_url, "http://sl1.example/m4/");
  EXPECT_EQ(read.ttl, 30);
  EXPECT_GT(read.valid_until, d.now);
}

TEST_F(eiaf_steering, closes_what_stands_by_and_keeps_who_is_where_nothing_is_known) {
  d.planner.shares = {{"SL1", 1}};
  d.run(5, {{"as1", {.state = "STANDBY"}}});
  using Standing = api::media_steering::SteeringStanding;
  const auto read = plan();
  EXPECT_EQ(read.locations.at(0).standing, Standing::closed);
  EXPECT_EQ(read.locations.at(1).standing, Standing::unknown);
}

TEST_F(eiaf_steering, answers_a_waiting_endpoint_with_the_next_plan) {
  d.planner.shares = {{"SL1", 1}};
  run(5);
  const auto now = ask();
  ASSERT_EQ(now.status, 200);
  const std::string tag(now.headers.find("etag").value_or(""));
  const auto wait = [&](std::string_view query) {
    http::Request request;
    request.method = "GET";
    request.target = std::string(plan_path) + std::string(query);
    request.headers.add("if-none-match", tag);
    return d.ask(request, "steer");
  };
  EXPECT_EQ(wait("?wait=0").status, 304);
  EXPECT_EQ(wait("?wait=10").status, 0) << "it waits";
  d.planner.shares = {{"SL2", 1}};
  run(3);
  EXPECT_EQ(d.late().status, 200);
  EXPECT_NE(d.late().headers.find("etag"), tag);
  EXPECT_EQ(ask("?wait=999").status, 400);
}

TEST_F(eiaf_steering, plans_with_where_players_were_sent) {
  d.planner.shares = {{"SL1", 1}, {"SL2", 1}};
  run(5);
  EXPECT_EQ(tell(player, "SL1"), 204);
  EXPECT_EQ(tell("fedcba9876543210", "SL2"), 204);
  EXPECT_EQ(d.eiaf.steered(), 2U);
  EXPECT_DOUBLE_EQ(current("SL1"), d.settings.usual_mbps);
  EXPECT_EQ(tell(player, "SL2"), 204);
  const auto moved = std::ranges::find(d.steps, "35 to 35e", &Eiaf::Step::number);
  ASSERT_NE(moved, d.steps.end());
  EXPECT_EQ(moved->what, "SL1 to SL2, equivalent by steering");
  d.steps.clear();
  EXPECT_EQ(tell(player, "SL9"), 204);
  EXPECT_TRUE(d.steps.empty()) << "nobody is moved to a place that nobody knows";
  EXPECT_DOUBLE_EQ(current("SL1"), 0);
  EXPECT_DOUBLE_EQ(current("SL2"), 2 * d.settings.usual_mbps);
}

TEST_F(eiaf_steering, sends_no_more_players_where_most_of_them_got_nothing) {
  d.planner.shares = {{"SL1", 1}, {"SL2", 1}};
  run(5);
  tell(player, "SL1", R"(,"failed":["SL2"])");
  const auto vetoed = [&] {
    for (const auto& group : d.eiaf.fleet(d.now).groups)
      for (const auto& path : group.paths)
        if (path.vetoed) return true;
    return false;
  };
  EXPECT_TRUE(vetoed());
  run(static_cast<int>(d.settings.veto_time.count()) + 1);
  EXPECT_FALSE(vetoed());
}

TEST_F(eiaf_steering, counts_once_a_session_that_tells_on_e5_as_well) {
  d.planner.shares = {{"SL1", 1}, {"SL2", 1}};
  run(5);
  const auto hash = [&] {
    std::string hex(16, '0');
    auto left = d.planner.hash("play-1");
    for (std::size_t i = 16; i-- > 0; left >>= 4U) hex[i] = "0123456789abcdef"[left & 0xFU];
    return hex;
  }();
  tell(hash, "SL1");
  d.subscribe(session, policy, "play-1");
  EXPECT_EQ(d.eiaf.steered(), 0U);
  tell(hash, "SL2");
  EXPECT_EQ(d.eiaf.steered(), 0U);
  EXPECT_EQ(d.eiaf.placements().find("play-1")->location, "SL2");
  EXPECT_DOUBLE_EQ(current("SL2"), d.settings.usual_mbps);
}

TEST_F(eiaf_steering, believes_what_a_collector_says_before_what_steering_says) {
  run(5);
  d.subscribe(session, policy, "play-1", R"(,"serviceLocationId":"SL1")");
  d.eiaf.saw("play-1", "SL2", Source::steering, d.now);
  EXPECT_EQ(d.eiaf.placements().find("play-1")->location, "SL1");
}

TEST_F(eiaf_steering, guesses_nothing_of_groups_locations_and_names_that_it_does_not_know) {
  d.planner.shares = {{"SL1", 1}};
  run(5);
  const auto before = d.eiaf.placements().unmapped();
  tell("not-a-hash-at-al", "SL1");
  tell(player, "SL9");
  const auto kept = policy;
  policy = "nobody";
  tell(player, "SL1");
  policy = kept;
  EXPECT_EQ(d.eiaf.placements().unmapped(), before + 3);
  EXPECT_EQ(current("SL1"), 0);
}

TEST_F(eiaf_steering, forgets_players_that_nobody_tells_of) {
  d.settings.subscription_idle = 15s;
  d.planner.shares = {{"SL1", 1}};
  run(5);
  tell(player, "SL1");
  run(30);
  EXPECT_EQ(d.eiaf.steered(), 0U);
  EXPECT_EQ(d.eiaf.placements().find("steered:" + std::string(player)), nullptr);
}

}  // namespace
}  // namespace lobo::media_energy
