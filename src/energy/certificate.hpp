#pragma once
// A lower bound that needs no trust in how a plan was found.
//
// For any prices p of capacity, feasible flows cost at least
//   sum over groups of the cheapest way to serve the demand at c + p
//   + sum over places of the cheapest load y at tier_cost(y) - p y:
// the prices only pay for x entering a place from the group's pocket into the place's. Both sums
// are minima of functions of one variable, so the bound costs one look at each arc. Wrong prices
// make the bound weak, never wrong; optimal ones make it the cost of the optimal transport plan.

#include <span>

#include "energy/network.hpp"

namespace lobo::energy {

/// `tiers` and `prices`: one for each place, nowhere included (its price is 0 whatever is said).
double lower_bound(const Network& network, std::span<const Tiers> tiers,
                   std::span<const double> prices);

}  // namespace lobo::energy
