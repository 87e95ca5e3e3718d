#pragma once
// Branch and bound on the number of servers of each place, depth first, for small fleets: there the
// relaxation is weak, because few servers are large. Each node is a transport plan with relaxed
// tiers between the least and the most servers allowed, found from its parent's by changing one
// place.

#include <cstddef>
#include <cstdint>
#include <span>

#include "energy/costs.hpp"
#include "energy/servers.hpp"
#include "energy/transport.hpp"

namespace lobo::energy {

inline constexpr std::size_t branch_places_max = 30;
inline constexpr std::size_t branch_depth_max = 512;

struct BranchResult {
  Servers servers;   ///< the best found; empty if none is better than the one handed in
  double value = 0;  ///< at most; its flows may be cheaper still
  double bound = 0;  ///< no plan is cheaper: the least bound of what was left unexplored
};

/// `transport` holds the relaxed plan. `value` is that of the best known plan; a plan less than
/// `gap` (a share of it) cheaper is not looked for, nor one that leaves more than `unplaced_max`
/// unserved. Ends after `steps_end` steps of the transport.
BranchResult branch_and_bound(Transport& transport, std::span<const LocationCosts> costs,
                              double value, double unplaced_max, double gap,
                              std::uint64_t steps_end);

}  // namespace lobo::energy
