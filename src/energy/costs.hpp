#pragma once
// From watts, grams and prices to the three costs of a location that a plan can change.

#include <cstdint>
#include <vector>

#include "energy/problem.hpp"

namespace lobo::energy {

/// In units of the objective.
struct LocationCosts {
  double weight = 0;          ///< cost of one watt
  double per_mbps = 0;        ///< m: load on powered servers
  double per_server = 0;      ///< f: a powered server instead of one in standby; 0 under L0
  double per_site = 0;        ///< b: a site with any server powered; 0 under L0 and L1
  double server_mbps = 0;     ///< u: what a plan may put on one powered server
  std::uint32_t servers = 0;  ///< S: 0 where nobody may be sent
};

/// Cost of one watt at the location: 1, gCO2/h or currency/h.
double cost_of_watt(const Location& location, Objective objective);

/// `spare_share` is an argument of its own because demand may take the spares.
std::vector<LocationCosts> location_costs(const Problem& problem, double spare_share);

}  // namespace lobo::energy
