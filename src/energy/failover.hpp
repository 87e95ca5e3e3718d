#pragma once
// Where the sessions of a location go when it is lost, before anybody plans anew. Each location of
// a plan is taken away in turn; who was there is placed anew by the exact transport plan, powered
// servers first, at the lowest of some levels of load that holds everybody. A player follows it by
// itself: the second name in its list is drawn by these weights.

#include <cstdint>
#include <vector>

#include "energy/plan.hpp"
#include "energy/problem.hpp"

namespace lobo::energy {

/// Where the Mbit/s of one group go that came from `lost`. Empty: there is no room anywhere.
struct FailoverWay {
  std::uint32_t lost = 0;
  std::vector<Flow> to;  ///< by location, all above zero
  bool operator==(const FailoverWay&) const = default;
};

struct Failover {
  std::vector<std::vector<FailoverWay>> ways;  ///< of each group, by location
  /// By lost location: the highest load of any other, over all that its servers deliver.
  std::vector<double> peak;
  std::vector<double> homeless_mbps;  ///< by lost location: what finds no room at any level
  bool operator==(const Failover&) const = default;
};

/// No remaining location is filled beyond this where there is room below it.
inline constexpr double failover_load_max = 0.95;

/// `flows` is where each group is served from; `servers` those that are powered. Locations that are
/// not active take nobody; those that are lost may be in any state.
Failover plan_failover(const Problem& problem, const std::vector<std::vector<Flow>>& flows,
                       const std::vector<std::uint32_t>& servers);

}  // namespace lobo::energy
