#include "energy/planner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "energy/plan.hpp"
#include "energy/problem.hpp"
#include "energy/synthetic.hpp"
#include "energy/verify.hpp"

namespace lobo::energy {
namespace {

/// Whole Mbit/s and whole capacities, so that some cheapest plan has whole flows and can be
/// enumerated.
Problem tiny_problem(Rng& rng) {
  Problem problem;
  problem.utilisation_target = 1;
  problem.idle_control = rng.below(2) == 0 ? IdleControl::servers : IdleControl::sites;
  problem.switch_cost_per_mbps = static_cast<double>(rng.below(3));
  for (int i = 0; i < 3; ++i) {
    Location l;
    l.id = "l" + std::to_string(i);
    l.servers_max = 1 + static_cast<std::uint32_t>(rng.below(2));
    l.server_mbps = 2 + static_cast<double>(rng.below(3));
    l.idle_w = 1 + static_cast<double>(rng.below(20));
    l.max_w = l.idle_w + static_cast<double>(rng.below(20));
    l.site_w = static_cast<double>(rng.below(12));
    problem.locations.push_back(l);
  }
  for (int g = 0; g < 3; ++g) {
    Group group;
    group.id = "g" + std::to_string(g);
    group.demand_mbps = static_cast<double>(rng.below(5));
    group.sessions = static_cast<std::uint32_t>(group.demand_mbps);
    group.floor = {50, 1};
    for (std::uint32_t p = 0; p < 3; ++p) {
      Path path{.location = p, .latency_ms = rng.below(4) == 0 ? 80.0 : 20.0, .throughput_mbps = 5};
      path.current_mbps = rng.below(2) == 0 ? 0 : std::floor(group.demand_mbps / 2);
      path.network_w_per_mbps = static_cast<double>(rng.below(4));
      group.paths.push_back(path);
    }
    problem.groups.push_back(group);
  }
  return problem;
}

struct Best {
  double unserved = std::numeric_limits<double>::infinity();
  double cost = 0;
};

/// All ways to serve the groups in whole Mbit/s, one after the other: no sharing with the planner.
void enumerate(const Problem& problem, std::size_t g, std::vector<double>& load, double unserved,
               double cost, Best& best) {
  if (unserved > best.unserved) return;
  if (g == problem.groups.size()) {
    for (std::size_t p = 0; p < load.size(); ++p) {
      const Location& l = problem.locations[p];
      const double servers = std::ceil(load[p] / l.server_mbps);
      if (servers > l.servers_max) return;
      cost += servers * l.idle_w;
      if (servers > 0 && problem.idle_control == IdleControl::sites) cost += l.site_w;
    }
    if (unserved < best.unserved || cost < best.cost) best = {unserved, cost};
    return;
  }
  const Group& group = problem.groups[g];
  const int demand = static_cast<int>(group.demand_mbps);
  for (int a = 0; a <= demand; ++a)
    for (int b = 0; a + b <= demand; ++b)
      for (int c = 0; a + b + c <= demand; ++c) {
        const double flow[3] = {1.0 * a, 1.0 * b, 1.0 * c};
        double more = 0;
        bool allowed = true;
        for (std::size_t p = 0; p < 3; ++p) {
          const Location& l = problem.locations[p];
          const Path& path = group.paths[p];
          allowed = allowed && (flow[p] == 0 || meets_floor(group.floor, path));
          more += flow[p] * (path.network_w_per_mbps + (l.max_w - l.idle_w) / l.server_mbps) +
                  problem.switch_cost_per_mbps * std::max(0.0, flow[p] - path.current_mbps);
        }
        if (!allowed) continue;
        for (std::size_t p = 0; p < 3; ++p) load[p] += flow[p];
        enumerate(problem, g + 1, load, unserved + demand - a - b - c, cost + more, best);
        for (std::size_t p = 0; p < 3; ++p) load[p] -= flow[p];
      }
}

TEST(energy_planner, a_tiny_plan_costs_what_trying_every_plan_finds) {
  SeededRng rng(7);
  for (int round = 0; round < 150; ++round) {
    const Problem problem = tiny_problem(rng);
    const auto plan = make_plan(problem);
    ASSERT_TRUE(plan.has_value());
    const auto verified = verify(problem, *plan);
    ASSERT_TRUE(verified.has_value()) << round << " " << verified.error().faults[0].where;
    Best best;
    std::vector<double> load(3);
    enumerate(problem, 0, load, 0, 0, best);
    double unserved = 0;
    for (const Shortage& shortage : plan->shortages) unserved += shortage.mbps;
    ASSERT_NEAR(unserved, best.unserved, 1e-6) << round;
    ASSERT_NEAR(plan->certificate.cost, best.cost, 1e-3 * best.cost + 1e-6) << round;
    ASSERT_LE(plan->certificate.bound, best.cost * (1 + 1e-9) + 1e-6) << round;
  }
}

TEST(energy_planner, every_plan_of_random_fleets_keeps_its_promises) {
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    Problem problem =
        make_synthetic({.sessions = 2000,
                        .locations = 5 + static_cast<std::uint32_t>(seed) * 2,
                        .regions = 20,
                        .utilisation = 0.2 + 0.04 * static_cast<double>(seed),
                        .fleet = seed % 2 == 0 ? Fleet::flat_range : Fleet::wide_range,
                        .seed = seed});
    problem.objective = seed % 3 == 0   ? Objective::carbon
                        : seed % 3 == 1 ? Objective::energy
                                        : Objective::price;
    problem.idle_control = seed % 4 == 0   ? IdleControl::none
                           : seed % 4 == 1 ? IdleControl::sites
                                           : IdleControl::servers;
    problem.switch_cost_per_mbps = seed % 5 == 0 ? 0 : 0.01;
    problem.spare_share = seed % 2 == 0 ? 0.1 : 0;
    problem.locations[seed % problem.locations.size()].state = LocationState::down;
    const auto plan = make_plan(problem, {.steps_max = 2'000'000});
    ASSERT_TRUE(plan.has_value());
    const auto verified = verify(problem, *plan);
    ASSERT_TRUE(verified.has_value())
        << seed << verified.error().faults[0].where << verified.error().faults[0].reason;
    EXPECT_GE(plan->certificate.gap, 0) << seed;
  }
}

TEST(energy_planner, the_same_problem_and_effort_give_the_same_plan) {
  Problem problem = make_synthetic({.sessions = 5000, .locations = 15, .regions = 30, .seed = 4});
  const Effort effort{.steps_max = 3'000'000, .seed = 9};
  EXPECT_EQ(*make_plan(problem, effort), *make_plan(problem, effort));
}

TEST(energy_planner, more_work_never_makes_a_plan_dearer_than_the_first_rounding) {
  Problem problem = make_synthetic({.sessions = 20'000, .locations = 40, .regions = 60, .seed = 2});
  const double little = make_plan(problem, {.steps_max = 1})->certificate.cost;
  const double much = make_plan(problem, {.steps_max = 20'000'000})->certificate.cost;
  EXPECT_LE(much, little * (1 + 1e-9));
}

Problem one_location() {
  Problem problem;
  problem.utilisation_target = 0.5;
  problem.locations = {{.id = "only",
                        .servers_max = 3,
                        .server_mbps = 100,
                        .idle_w = 50,
                        .max_w = 100,
                        .standby_w = 5}};
  problem.groups = {{.id = "all",
                     .sessions = 10,
                     .demand_mbps = 60,
                     .floor = {50, 1},
                     .paths = {{.location = 0, .latency_ms = 10, .throughput_mbps = 5}}}};
  return problem;
}

TEST(energy_planner, one_location_powers_as_many_servers_as_the_load_needs) {
  const auto plan = make_plan(one_location());
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->servers, std::vector<std::uint32_t>{2});
  EXPECT_NEAR(plan->certificate.cost, 2 * 45 + 60 * 0.5, 1e-9);
  EXPECT_NEAR(plan->figures.power_w, 2 * 50 + 5 + 60 * 0.5, 1e-9);
  EXPECT_NEAR(plan->certificate.gap, 0, 1e-4);
}

TEST(energy_planner, no_demand_powers_nothing) {
  Problem problem = one_location();
  problem.groups[0].demand_mbps = 0;
  const auto plan = make_plan(problem);
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->servers, std::vector<std::uint32_t>{0});
  EXPECT_EQ(plan->certificate.gap, 0);
  EXPECT_TRUE(verify(problem, *plan).has_value());
}

TEST(energy_planner, an_empty_world_has_an_empty_plan) {
  const auto plan = make_plan({});
  ASSERT_TRUE(plan.has_value());
  EXPECT_TRUE(plan->flows.empty());
}

TEST(energy_planner, what_does_not_fit_is_named_with_its_group_and_the_rest_is_served) {
  Problem problem = one_location();
  problem.groups[0].demand_mbps = 200;
  const auto plan = make_plan(problem);
  ASSERT_TRUE(plan.has_value());
  ASSERT_EQ(plan->shortages.size(), 1U);
  EXPECT_EQ(plan->shortages[0].group, 0U);
  EXPECT_EQ(plan->shortages[0].cause, ShortageCause::no_capacity);
  EXPECT_NEAR(plan->shortages[0].mbps, 50, 1e-6);
  EXPECT_EQ(plan->servers, std::vector<std::uint32_t>{3});
}

TEST(energy_planner, a_floor_that_nobody_meets_is_told_as_such_and_not_traded) {
  Problem problem = one_location();
  problem.groups[0].paths[0].latency_ms = 51;
  const auto plan = make_plan(problem);
  ASSERT_EQ(plan->shortages.size(), 1U);
  EXPECT_EQ(plan->shortages[0].cause, ShortageCause::no_path_meets_floor);
  EXPECT_TRUE(plan->flows[0].empty());
}

TEST(energy_planner, a_dead_location_gets_nobody) {
  for (const LocationState state : {LocationState::down, LocationState::draining}) {
    Problem problem = make_synthetic(
        {.sessions = 2000, .locations = 8, .regions = 20, .utilisation = 0.3, .seed = 3});
    problem.locations[0].state = state;
    const auto plan = make_plan(problem);
    EXPECT_EQ(plan->servers[0], 0U);
    for (const auto& flows : plan->flows)
      for (const Flow& flow : flows) EXPECT_NE(flow.location, 0U);
  }
}

TEST(energy_planner, a_standby_location_may_be_woken) {
  Problem problem = one_location();
  problem.locations[0].state = LocationState::standby;
  EXPECT_TRUE(make_plan(problem)->shortages.empty());
}

TEST(energy_planner, spares_are_powered_until_demand_takes_them) {
  Problem problem = one_location();
  problem.spare_share = 0.5;
  auto plan = make_plan(problem);
  EXPECT_EQ(plan->servers, std::vector<std::uint32_t>{2});
  EXPECT_FALSE(plan->spares_used);
  problem.groups[0].demand_mbps = 70;
  EXPECT_EQ(make_plan(problem)->servers, std::vector<std::uint32_t>{3});
  problem.groups[0].demand_mbps = 140;
  plan = make_plan(problem);
  EXPECT_TRUE(plan->spares_used);
  EXPECT_TRUE(plan->shortages.empty());
  EXPECT_TRUE(verify(problem, *plan).has_value());
}

TEST(energy_planner, sessions_stay_where_moving_costs_more_than_it_saves) {
  Problem problem = one_location();
  problem.idle_control = IdleControl::none;
  problem.locations.push_back(problem.locations[0]);
  problem.locations[1].id = "greener";
  problem.locations[1].max_w = 80;
  problem.groups[0].demand_mbps = 40;
  problem.groups[0].paths[0].current_mbps = 40;
  problem.groups[0].paths.push_back({.location = 1, .latency_ms = 10, .throughput_mbps = 5});
  EXPECT_NEAR(make_plan(problem)->moved_mbps, 40, 1e-6);
  problem.switch_cost_per_mbps = 0.3;  // 0.2 W for each Mbit/s are to be saved
  EXPECT_EQ(make_plan(problem)->moved_mbps, 0);
}

TEST(energy_planner, what_is_made_small_is_what_was_asked_for) {
  Problem problem = one_location();
  problem.locations.push_back(problem.locations[0]);
  problem.locations[0].carbon_g_per_kwh = 500;
  problem.locations[0].price_per_kwh = 0.1;
  problem.locations[1].id = "clean, dear and thirsty";
  problem.locations[1].idle_w = 60;
  problem.locations[1].carbon_g_per_kwh = 20;
  problem.locations[1].price_per_kwh = 0.4;
  problem.groups[0].demand_mbps = 40;
  problem.groups[0].paths.push_back({.location = 1, .latency_ms = 10, .throughput_mbps = 5});
  const auto goes_to = [&](Objective objective) {
    problem.objective = objective;
    return make_plan(problem)->flows[0][0].location;
  };
  EXPECT_EQ(goes_to(Objective::energy), 0U);
  EXPECT_EQ(goes_to(Objective::carbon), 1U);
  EXPECT_EQ(goes_to(Objective::price), 0U);
}

TEST(energy_planner, turning_sites_off_empties_a_site_that_servers_alone_would_keep) {
  Problem problem = one_location();
  problem.locations[0].site_w = 5;
  problem.locations.push_back(problem.locations[0]);
  problem.locations[1].id = "heavy site";
  problem.locations[1].idle_w = 40;
  problem.locations[1].site_w = 500;
  problem.groups[0].paths.push_back({.location = 1, .latency_ms = 10, .throughput_mbps = 5});
  problem.idle_control = IdleControl::servers;
  EXPECT_GT(make_plan(problem)->servers[1], 0U);
  problem.idle_control = IdleControl::sites;
  EXPECT_EQ(make_plan(problem)->servers[1], 0U);
}

TEST(energy_planner, a_plan_again_begins_at_the_servers_of_the_one_before) {
  Problem problem = make_synthetic({.sessions = 20'000, .locations = 40, .regions = 60, .seed = 6});
  const auto first = make_plan(problem);
  const auto again = replan(problem, *first);
  ASSERT_TRUE(again.has_value());
  EXPECT_LE(again->certificate.cost, first->certificate.cost * 1.002);
  EXPECT_LT(again->steps, first->steps);
  EXPECT_TRUE(verify(problem, *again).has_value());
}

TEST(energy_verify, a_plan_that_was_tampered_with_is_blamed_at_the_right_place) {
  const Problem problem = one_location();
  const Plan good = *make_plan(problem);
  const auto where = [&](auto&& change) {
    Plan bad = good;
    change(bad);
    const auto verified = verify(problem, bad);
    return verified.has_value() ? std::string("none") : verified.error().faults[0].where;
  };
  EXPECT_EQ(where([](Plan&) {}), "none");
  EXPECT_EQ(where([](Plan& p) { p.flows[0][0].mbps = 50; }), "/flows/0");
  EXPECT_EQ(where([](Plan& p) { p.flows[0][0].location = 7; }), "/flows/0");
  EXPECT_EQ(where([](Plan& p) { p.servers[0] = 1; }), "/servers/0");
  EXPECT_EQ(where([](Plan& p) { p.servers[0] = 4; }), "/servers/0");
  EXPECT_EQ(where([](Plan& p) { p.certificate.cost = 1; }), "/certificate/cost");
  EXPECT_EQ(where([](Plan& p) { p.certificate.prices[0] += 1; }), "/certificate/bound_by_prices");
  EXPECT_EQ(where([](Plan& p) { p.certificate.bound = 1000; }), "/certificate/bound");
  EXPECT_EQ(where([](Plan& p) { p.servers.clear(); }), "/servers");
}

}  // namespace
}  // namespace lobo::energy
