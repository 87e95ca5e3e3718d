#include "energy/transport.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "base/rng.hpp"
#include "energy/certificate.hpp"
#include "energy/costs.hpp"
#include "energy/network.hpp"
#include "energy/problem.hpp"
#include "energy/servers.hpp"
#include "energy/synthetic.hpp"

namespace lobo::energy {
namespace {

struct World {
  explicit World(std::uint64_t seed, double switch_cost = 0.01)
      : problem(make_synthetic(
            {.sessions = 3000, .locations = 12, .regions = 25, .utilisation = 0.6, .seed = seed})),
        costs(location_costs(problem, 0)),
        network((problem.switch_cost_per_mbps = switch_cost, make_network(problem, costs))) {}

  std::vector<Tiers> tiers_of(const Transport& transport) const {
    std::vector<Tiers> tiers;
    for (std::uint32_t p = 0; p < network.places; ++p) tiers.push_back(transport.tiers(p));
    return tiers;
  }

  Problem problem;
  std::vector<LocationCosts> costs;
  Network network;
};

TEST(energy_transport, the_dual_values_prove_that_the_flows_are_optimal) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    World world(seed, seed % 3 == 0 ? 0 : 0.02);
    Transport transport(world.network);
    open_relaxed(transport, world.costs);
    transport.place_all();
    const double bound = lower_bound(world.network, world.tiers_of(transport), transport.prices());
    ASSERT_NEAR(bound, transport.cost(), 1e-8 * transport.cost()) << seed;
  }
}

TEST(energy_transport, any_change_of_tiers_leaves_an_optimal_plan_and_can_be_undone) {
  World world(5);
  Transport transport(world.network);
  open_relaxed(transport, world.costs);
  transport.place_all();
  SeededRng rng(3);
  for (int round = 0; round < 200; ++round) {
    const Transport::Mark before = transport.mark();
    std::vector<double> flows;
    for (std::uint32_t a = 0; a < world.network.arcs.size(); ++a)
      flows.push_back(transport.flow(a));
    for (int i = 0; i < 3; ++i) {
      const auto p = static_cast<std::uint32_t>(rng.below(world.costs.size()));
      const auto least = static_cast<std::uint32_t>(rng.below(world.costs[p].servers + 1));
      const Tiers tiers = rng.below(2) == 0
                              ? fixed_tiers(world.costs[p], least)
                              : relaxed_tiers(world.costs[p], least, world.costs[p].servers);
      ASSERT_TRUE(transport.change_tiers(p, tiers));
    }
    const double bound = lower_bound(world.network, world.tiers_of(transport), transport.prices());
    ASSERT_NEAR(bound, transport.cost(), 1e-8 * std::abs(transport.cost())) << round;
    if (rng.below(2) == 0) continue;
    transport.rollback(before);
    for (std::uint32_t a = 0; a < flows.size(); ++a) ASSERT_EQ(transport.flow(a), flows[a]);
    ASSERT_EQ(transport.cost(), before.cost);
  }
}

TEST(energy_transport, a_change_that_costs_more_than_allowed_is_given_up) {
  World world(2);
  Transport transport(world.network);
  for (std::uint32_t p = 0; p < world.costs.size(); ++p)
    transport.open(p, fixed_tiers(world.costs[p], world.costs[p].servers));
  transport.place_all();
  std::uint32_t busiest = 0;
  for (std::uint32_t p = 0; p < world.costs.size(); ++p)
    if (transport.load(p) > transport.load(busiest)) busiest = p;
  const Transport::Mark before = transport.mark();
  EXPECT_FALSE(transport.change_tiers(busiest, {}, 1e-6));
  transport.rollback(before);
  EXPECT_TRUE(transport.change_tiers(busiest, {}));
  EXPECT_NEAR(transport.load(busiest), 0, 1e-6);
}

TEST(energy_certificate, no_prices_whatever_prove_more_than_the_optimum) {
  World world(8);
  Transport transport(world.network);
  open_relaxed(transport, world.costs);
  transport.place_all();
  SeededRng rng(1);
  const auto tiers = world.tiers_of(transport);
  for (int round = 0; round < 300; ++round) {
    std::vector<double> prices = transport.prices();
    for (double& price : prices)
      price += (static_cast<double>(rng.below(2001)) - 1000) / (round % 2 == 0 ? 1e6 : 1e3);
    ASSERT_LE(lower_bound(world.network, tiers, prices), transport.cost() * (1 + 1e-9));
  }
}

TEST(energy_servers, local_search_ends_where_no_single_change_is_cheaper) {
  World world(4, 0);
  Transport transport(world.network);
  open_relaxed(transport, world.costs);
  transport.place_all();
  ServerSearch search(transport, world.costs, transport.unplaced());
  search.fix(servers_for_load(transport, world.costs));
  search.improve(transport.steps() + 50'000'000);
  const Servers found = search.servers();
  const double value = search.value();
  for (std::uint32_t p = 0; p < found.size(); ++p)
    for (const int change : {-1, 1}) {
      if ((change < 0 && found[p] == 0) || (change > 0 && found[p] == world.costs[p].servers))
        continue;
      Servers other = found;
      other[p] += static_cast<std::uint32_t>(change);
      Transport anew(world.network);
      for (std::uint32_t q = 0; q < other.size(); ++q)
        anew.open(q, fixed_tiers(world.costs[q], other[q]));
      anew.place_all();
      EXPECT_GE(anew.cost() + standing_cost(world.costs, other), value * (1 - 1e-8));
    }
}

}  // namespace
}  // namespace lobo::energy
