#include "energy/adopt.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "energy/plan.hpp"
#include "energy/planner.hpp"
#include "energy/power.hpp"
#include "energy/problem.hpp"
#include "energy/synthetic.hpp"

namespace lobo::energy {
namespace {

using std::chrono::seconds;

/// Two alike locations, each of which can serve all; 100 Mbit/s, all at the first.
Problem pair_of_locations() {
  Problem problem;
  problem.utilisation_target = 1;
  problem.idle_control = IdleControl::none;
  problem.locations = {
      {.id = "a", .servers_max = 1, .server_mbps = 200, .idle_w = 50, .max_w = 150},
      {.id = "b", .servers_max = 1, .server_mbps = 200, .idle_w = 50, .max_w = 150}};
  problem.groups = {
      {.id = "all",
       .sessions = 50,
       .demand_mbps = 100,
       .floor = {50, 1},
       .paths = {{.location = 0, .latency_ms = 9, .throughput_mbps = 5, .current_mbps = 100},
                 {.location = 1, .latency_ms = 9, .throughput_mbps = 5}}}};
  return problem;
}

Plan with_second_cheaper(Problem& problem, double max_w) {
  problem.locations[1].max_w = max_w;
  return *make_plan(problem);
}

TEST(energy_adopt, a_plan_that_saves_little_is_not_adopted) {
  Problem problem = pair_of_locations();
  problem.locations[1].max_w = 151;
  const Plan before = *make_plan(problem);
  const Plan little = with_second_cheaper(problem, 148);
  EXPECT_EQ(decide(problem, before, little, seconds{600}), Adoption::kept_saves_little);
  const Plan much = with_second_cheaper(problem, 140);
  EXPECT_EQ(decide(problem, before, much, seconds{600}), Adoption::adopted);
  EXPECT_EQ(decide(problem, before, much, seconds{59}), Adoption::kept_too_soon);
  EXPECT_EQ(decide(problem, before, much, seconds{60}), Adoption::adopted);
}

TEST(energy_adopt, a_plan_that_cannot_be_kept_is_left_at_once) {
  Problem problem = pair_of_locations();
  problem.locations[1].max_w = 151;
  const Plan before = *make_plan(problem);
  const auto forced = [&](auto&& change) {
    Problem now = problem;
    change(now);
    return decide(now, before, *make_plan(now), seconds{1}) == Adoption::adopted_forced;
  };
  EXPECT_FALSE(forced([](Problem&) {}));
  EXPECT_TRUE(forced([](Problem& p) { p.locations[0].state = LocationState::down; }));
  EXPECT_TRUE(forced([](Problem& p) { p.groups[0].paths[0].latency_ms = 51; }));
  EXPECT_TRUE(forced([](Problem& p) { p.groups[0].demand_mbps = 210; }));
  EXPECT_TRUE(forced([](Problem& p) {
    p.groups.push_back(p.groups[0]);
    p.groups[1].id = "new";
  }));
}

double load_of(const Release& release, std::uint32_t location) {
  double sum = 0;
  for (const auto& flows : release.flows)
    for (const Flow& flow : flows)
      if (flow.location == location) sum += flow.mbps;
  return sum;
}

TEST(energy_release, no_more_moves_at_once_than_the_limit_allows) {
  Problem problem = pair_of_locations();
  const Plan plan = with_second_cheaper(problem, 100);
  const Release demand = release(problem, plan, {.share_of_demand = 0.1, .share_of_capacity = 1});
  EXPECT_NEAR(load_of(demand, 1), 10, 1e-6);
  EXPECT_NEAR(load_of(demand, 0), 90, 1e-6);
  EXPECT_NEAR(demand.fraction, 0.1, 1e-9);
  const Release capacity =
      release(problem, plan, {.share_of_demand = 1, .share_of_capacity = 0.02});
  EXPECT_NEAR(load_of(capacity, 1), 4, 1e-6);
  EXPECT_EQ(release(problem, plan, {.share_of_demand = 1, .share_of_capacity = 1}).fraction, 1);
}

TEST(energy_release, released_again_and_again_it_arrives_at_the_plan) {
  Problem problem = pair_of_locations();
  const Plan plan = with_second_cheaper(problem, 100);
  for (int i = 0; i < 20; ++i) {
    const Release step = release(problem, plan, {.share_of_demand = 0.1, .share_of_capacity = 1});
    for (Path& path : problem.groups[0].paths) path.current_mbps = load_of(step, path.location);
  }
  EXPECT_NEAR(problem.groups[0].paths[1].current_mbps, 100, 1e-6);
}

TEST(energy_release, after_a_restart_a_limit_of_nothing_moves_nobody) {
  Problem problem = pair_of_locations();
  const Plan plan = with_second_cheaper(problem, 100);
  const Release step = release(problem, plan, {.share_of_demand = 0, .share_of_capacity = 0});
  EXPECT_NEAR(load_of(step, 0), 100, 1e-9);
  EXPECT_EQ(step.forced_mbps, 0);
}

TEST(energy_release, who_cannot_stay_moves_whatever_the_limit) {
  Problem problem = pair_of_locations();
  problem.locations[0].state = LocationState::down;
  const Release step =
      release(problem, *make_plan(problem), {.share_of_demand = 0, .share_of_capacity = 0});
  EXPECT_NEAR(load_of(step, 1), 100, 1e-6);
  EXPECT_NEAR(step.forced_mbps, 100, 1e-6);
  EXPECT_EQ(load_of(step, 0), 0);
}

TEST(energy_release, a_draining_location_is_left_gradually) {
  Problem problem = pair_of_locations();
  problem.locations[0].state = LocationState::draining;
  const Release step =
      release(problem, *make_plan(problem), {.share_of_demand = 0.1, .share_of_capacity = 1});
  EXPECT_NEAR(load_of(step, 0), 90, 1e-6);
  EXPECT_EQ(step.servers[0], 1U);
}

TEST(energy_release, relief_of_an_overloaded_location_goes_before_the_limit) {
  Problem problem = pair_of_locations();
  problem.locations[0].server_mbps = 60;
  const Release step =
      release(problem, *make_plan(problem), {.share_of_demand = 0.01, .share_of_capacity = 1});
  EXPECT_TRUE(step.limit_exceeded);
  EXPECT_LE(load_of(step, 0), 60 + 1e-6);
}

TEST(energy_release, on_random_fleets_flows_are_conserved_and_no_location_peaks_in_between) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Problem problem = make_synthetic({.sessions = 3000,
                                      .locations = 10,
                                      .regions = 20,
                                      .utilisation = 0.5,
                                      .placed_share = seed % 2 == 0 ? 1 : 0.7,
                                      .seed = seed});
    problem.locations[seed % 10].state =
        seed % 3 == 0 ? LocationState::down : LocationState::draining;
    const Plan plan = *make_plan(problem, {.steps_max = 500'000});
    const ReleaseLimit limit{.share_of_demand = 0.05, .share_of_capacity = 0.05};
    const Release step = release(problem, plan, limit);
    std::vector<double> now(10), planned(10);
    double demand = 0;
    double moved = 0;
    for (std::size_t g = 0; g < problem.groups.size(); ++g) {
      const auto sum = [](const std::vector<Flow>& flows) {
        return std::accumulate(flows.begin(), flows.end(), 0.0,
                               [](double s, const Flow& f) { return s + f.mbps; });
      };
      ASSERT_NEAR(sum(step.flows[g]), sum(plan.flows[g]), 1e-5) << seed;
      for (const Path& path : problem.groups[g].paths) now[path.location] += path.current_mbps;
      for (const Flow& flow : plan.flows[g]) planned[flow.location] += flow.mbps;
      for (const Flow& flow : step.flows[g])
        for (const Path& path : problem.groups[g].paths)
          if (path.location == flow.location) moved += std::max(0.0, flow.mbps - path.current_mbps);
      demand += sum(plan.flows[g]);
    }
    for (std::uint32_t p = 0; p < 10; ++p) {
      const Location& l = problem.locations[p];
      const double capacity = l.servers_max * l.server_mbps * problem.utilisation_target;
      EXPECT_LE(load_of(step, p), capacity + 1e-4) << seed;
      EXPECT_LE(step.servers[p], l.servers_max);
    }
    if (!step.limit_exceeded) { EXPECT_LE(moved, 0.05 * demand + step.forced_mbps + 1e-4) << seed; }
  }
}

TEST(energy_power, a_surplus_waits_until_it_has_idled_away_what_waking_costs) {
  const Location location{.servers_max = 10, .server_mbps = 1, .idle_w = 100, .max_w = 100};
  PowerState state = power_step(location, {5, 0}, 3, seconds{60}, 12'000);
  EXPECT_EQ(state, (PowerState{5, 12'000}));
  state = power_step(location, state, 3, seconds{59}, 12'000);
  EXPECT_EQ(state.servers_on, 5U);
  state = power_step(location, state, 3, seconds{1}, 12'000);
  EXPECT_EQ(state, (PowerState{3, 0}));
}

TEST(energy_power, demand_that_returns_wakes_at_once_and_forgets_the_surplus) {
  const Location location{.servers_max = 10, .server_mbps = 1, .idle_w = 100, .max_w = 100};
  const PowerState idle = power_step(location, {5, 0}, 3, seconds{60}, 12'000);
  EXPECT_EQ(power_step(location, idle, 5, seconds{1}, 12'000), (PowerState{5, 0}));
  EXPECT_EQ(power_step(location, idle, 12, seconds{1}, 12'000), (PowerState{10, 0}));
}

TEST(energy_power, a_location_is_drained_before_it_stands_by) {
  using enum LocationState;
  const auto next = [](LocationState state, std::uint32_t needed, std::uint64_t requests,
                       int since) {
    return drain_step(state, needed, requests, seconds{since}, seconds{300});
  };
  EXPECT_EQ(next(active, 1, 9, 0), active);
  EXPECT_EQ(next(active, 0, 9, 0), draining);
  EXPECT_EQ(next(draining, 0, 9, 299), draining);
  EXPECT_EQ(next(draining, 0, 9, 300), standby);
  EXPECT_EQ(next(draining, 0, 0, 1), standby);
  EXPECT_EQ(next(draining, 2, 9, 1), active);
  EXPECT_EQ(next(standby, 0, 0, 0), standby);
  EXPECT_EQ(next(standby, 1, 0, 0), active);
  EXPECT_EQ(next(down, 1, 0, 0), down);
}

}  // namespace
}  // namespace lobo::energy
