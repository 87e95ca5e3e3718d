#include "energy/problem.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "base/result.hpp"
#include "energy/synthetic.hpp"

namespace lobo::energy {
namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinite = std::numeric_limits<double>::infinity();

Problem sound() {
  return make_synthetic({.sessions = 100, .locations = 3, .regions = 4, .seed = 1});
}

std::string blamed(const std::function<void(Problem&)>& change) {
  Problem problem = sound();
  change(problem);
  const auto checked = check(problem);
  return checked.has_value() ? "nobody" : checked.error().faults[0].where;
}

TEST(energy_problem, a_sound_problem_has_no_faults) {
  EXPECT_EQ(blamed([](Problem&) {}), "nobody");
  EXPECT_TRUE(check(Problem{}).has_value());
}

TEST(energy_problem, each_wrong_number_is_named) {
  EXPECT_EQ(blamed([](Problem& p) { p.locations[1].idle_w = -1; }), "/locations/1/idle_w");
  EXPECT_EQ(blamed([](Problem& p) { p.locations[1].max_w = not_a_number; }), "/locations/1/max_w");
  EXPECT_EQ(blamed([](Problem& p) { p.locations[0].max_w = p.locations[0].idle_w / 2; }),
            "/locations/0/max_w");
  EXPECT_EQ(blamed([](Problem& p) { p.locations[0].standby_w = p.locations[0].idle_w + 1; }),
            "/locations/0/idle_w");
  EXPECT_EQ(blamed([](Problem& p) { p.locations[2].pue = 0.9; }), "/locations/2/pue");
  EXPECT_EQ(blamed([](Problem& p) { p.locations[2].server_mbps = 0; }), "/locations/2/server_mbps");
  EXPECT_EQ(blamed([](Problem& p) { p.locations[2].site_w = infinite; }), "/locations/2/site_w");
  EXPECT_EQ(blamed([](Problem& p) { p.locations[0].carbon_g_per_kwh = -5; }),
            "/locations/0/carbon_g_per_kwh");
  EXPECT_EQ(blamed([](Problem& p) { p.locations[0].price_per_kwh = infinite; }),
            "/locations/0/price_per_kwh");
  EXPECT_EQ(blamed([](Problem& p) { p.locations[0].servers_max = 100'001; }),
            "/locations/0/servers_max");
  EXPECT_EQ(blamed([](Problem& p) { p.groups[1].demand_mbps = infinite; }),
            "/groups/1/demand_mbps");
  EXPECT_EQ(blamed([](Problem& p) { p.groups[1].demand_mbps = 1e10; }), "/groups/1/demand_mbps");
  EXPECT_EQ(blamed([](Problem& p) { p.groups[1].floor.latency_ms_max = not_a_number; }),
            "/groups/1/floor/latency_ms_max");
  EXPECT_EQ(blamed([](Problem& p) { p.groups[1].floor.bit_rate_mbps_min = -1; }),
            "/groups/1/floor/bit_rate_mbps_min");
  EXPECT_EQ(blamed([](Problem& p) { p.groups[0].paths[1].latency_ms = -1; }),
            "/groups/0/paths/1/latency_ms");
  EXPECT_EQ(blamed([](Problem& p) { p.groups[0].paths[1].throughput_mbps = not_a_number; }),
            "/groups/0/paths/1/throughput_mbps");
  EXPECT_EQ(blamed([](Problem& p) { p.groups[0].paths[1].current_mbps = -1; }),
            "/groups/0/paths/1/current_mbps");
  EXPECT_EQ(blamed([](Problem& p) { p.groups[0].paths[1].network_w_per_mbps = infinite; }),
            "/groups/0/paths/1/network_w_per_mbps");
  EXPECT_EQ(blamed([](Problem& p) { p.utilisation_target = 1.5; }), "/utilisation_target");
  EXPECT_EQ(blamed([](Problem& p) { p.spare_share = -0.1; }), "/spare_share");
  EXPECT_EQ(blamed([](Problem& p) { p.switch_cost_per_mbps = not_a_number; }),
            "/switch_cost_per_mbps");
}

TEST(energy_problem, names_are_there_and_are_unique) {
  EXPECT_EQ(blamed([](Problem& p) { p.locations[2].id = p.locations[0].id; }), "/locations/2/id");
  EXPECT_EQ(blamed([](Problem& p) { p.groups[1].id = p.groups[0].id; }), "/groups/1/id");
  EXPECT_EQ(blamed([](Problem& p) { p.locations[1].id.clear(); }), "/locations/1/id");
  EXPECT_EQ(blamed([](Problem& p) { p.groups[1].id.clear(); }), "/groups/1/id");
}

TEST(energy_problem, paths_lead_to_one_known_location_each) {
  EXPECT_EQ(blamed([](Problem& p) { p.groups[0].paths[0].location = 3; }),
            "/groups/0/paths/0/location");
  EXPECT_EQ(blamed([](Problem& p) { p.groups[0].paths[1].location = 0; }),
            "/groups/0/paths/1/location");
  EXPECT_EQ(blamed([](Problem& p) { p.groups[2].paths.clear(); }), "/groups/2/paths");
}

TEST(energy_problem, sizes_are_bounded) {
  EXPECT_EQ(blamed([](Problem& p) { p.locations.resize(locations_max + 1, p.locations[0]); }),
            "/locations");
  EXPECT_EQ(blamed([](Problem& p) { p.groups.resize(groups_max + 1, Group{.id = "x"}); }),
            "/groups");
  EXPECT_EQ(blamed([](Problem& p) { p.groups[0].paths.resize(paths_max + 1); }), "/groups");
}

TEST(energy_problem, many_faults_are_told_at_once_but_not_without_end) {
  Problem problem = sound();
  problem.locations[0].pue = 0;
  problem.groups[1].demand_mbps = -1;
  EXPECT_EQ(check(problem).error().faults.size(), 2U);
  for (Group& group : problem.groups)
    for (Path& path : group.paths)
      path = {.location = 99, .latency_ms = -1, .throughput_mbps = -1, .current_mbps = -1};
  EXPECT_LE(check(problem).error().faults.size(), faults_max);
}

TEST(energy_problem, each_condition_of_the_floor_alone_closes_a_path) {
  const QoeFloor floor{30, 2};
  const Path good{.latency_ms = 30, .throughput_mbps = 2.4};
  EXPECT_TRUE(meets_floor(floor, good));
  const auto closes = [&](auto&& change) {
    Path path = good;
    change(path);
    return !meets_floor(floor, path);
  };
  EXPECT_TRUE(closes([](Path& p) { p.latency_ms = 30.1; }));
  EXPECT_TRUE(closes([](Path& p) { p.throughput_mbps = 2.3; }));  // below 1.2 times the floor
  EXPECT_TRUE(closes([](Path& p) { p.content_present = false; }));
  EXPECT_TRUE(closes([](Path& p) { p.permitted = false; }));
  EXPECT_TRUE(closes([](Path& p) { p.vetoed = true; }));
}

}  // namespace
}  // namespace lobo::energy
