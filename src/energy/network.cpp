#include "energy/network.hpp"

#include <algorithm>
#include <cstdint>
#include <span>

#include "energy/costs.hpp"
#include "energy/problem.hpp"

namespace lobo::energy {
namespace {

/// Above the cost of every detour: a simple path in the residual graph visits each place once, and
/// no step of it costs more than the dearest arc.
double cost_of_nowhere(const Network& network, std::span<const LocationCosts> costs) {
  double dearest = 0;
  for (const Arc& arc : network.arcs) dearest = std::max(dearest, arc.cost + arc.switch_cost);
  double server = 0;
  for (const LocationCosts& c : costs)
    if (c.servers > 0) server = std::max(server, (c.per_server + c.per_site) / c.server_mbps);
  return (static_cast<double>(network.places) + 2) * (dearest + server) + 1;
}

}  // namespace

Network make_network(const Problem& problem, std::span<const LocationCosts> costs) {
  Network network;
  network.places = static_cast<std::uint32_t>(costs.size() + 1);
  network.first.push_back(0);
  for (const Group& group : problem.groups) {
    network.demand.push_back(group.demand_mbps);
    network.total += group.demand_mbps;
    for (const Path& path : group.paths) {
      const LocationCosts& there = costs[path.location];
      if (there.servers == 0 || !meets_floor(group.floor, path)) continue;
      network.arcs.push_back({.place = path.location,
                              .cost = there.per_mbps + there.weight * path.network_w_per_mbps,
                              .switch_cost = problem.switch_cost_per_mbps,
                              .current = std::min(path.current_mbps, group.demand_mbps)});
    }
    network.arcs.push_back({.place = network.nowhere()});
    network.first.push_back(static_cast<std::uint32_t>(network.arcs.size()));
  }
  const double nowhere = cost_of_nowhere(network, costs);
  for (std::uint32_t g = 0; g < network.groups(); ++g)
    network.arcs[network.first[g + 1] - 1].cost = nowhere;
  return network;
}

Tiers fixed_tiers(const LocationCosts& costs, std::uint32_t servers) {
  return {.base = costs.server_mbps * servers};
}

Tiers relaxed_tiers(const LocationCosts& costs, std::uint32_t least, std::uint32_t most) {
  Tiers tiers{.base = costs.server_mbps * least};
  if (most <= least) return tiers;
  tiers.extra = costs.server_mbps * (most - least);
  tiers.extra_cost = costs.per_server / costs.server_mbps;
  if (least == 0) tiers.extra_cost += costs.per_site / tiers.extra;
  return tiers;
}

double standing_cost(const LocationCosts& costs, std::uint32_t servers) {
  return servers == 0 ? 0 : costs.per_server * servers + costs.per_site;
}

}  // namespace lobo::energy
