#include "energy/costs.hpp"

#include <cstdlib>
#include <vector>

#include "energy/problem.hpp"

namespace lobo::energy {

double cost_of_watt(const Location& location, Objective objective) {
  switch (objective) {
    case Objective::energy: return 1;
    case Objective::carbon: return location.carbon_g_per_kwh / 1000;
    case Objective::price: return location.price_per_kwh / 1000;
  }
  std::abort();
}

std::vector<LocationCosts> location_costs(const Problem& problem, double spare_share) {
  std::vector<LocationCosts> costs;
  costs.reserve(problem.locations.size());
  for (const Location& location : problem.locations) {
    LocationCosts c;
    c.weight = cost_of_watt(location, problem.objective);
    const double drawn = c.weight * location.pue;
    c.per_mbps = drawn * (location.max_w - location.idle_w) / location.server_mbps;
    if (problem.idle_control != IdleControl::none)
      c.per_server = drawn * (location.idle_w - location.standby_w);
    if (problem.idle_control == IdleControl::sites) c.per_site = drawn * location.site_w;
    c.server_mbps = location.server_mbps * problem.utilisation_target / (1 + spare_share);
    c.servers = takes_sessions(location) ? location.servers_max : 0;
    costs.push_back(c);
  }
  return costs;
}

}  // namespace lobo::energy
