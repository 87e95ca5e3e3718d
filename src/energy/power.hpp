#pragma once
// When powered servers are really turned off. A plan says how many are needed; waking one costs
// energy, so a surplus waits until it has idled away what its waking would cost (the ski-rental
// rule: never more than twice what foresight would have spent).

#include <chrono>
#include <cstdint>

#include "energy/problem.hpp"

namespace lobo::energy {

struct PowerState {
  std::uint32_t servers_on = 0;
  double idled_joules = 0;  ///< by the surplus, since there has been one
  bool operator==(const PowerState&) const = default;
};

/// `needed` servers now; `elapsed` since the last call, for which the surplus of `state` idled.
PowerState power_step(const Location& location, PowerState state, std::uint32_t needed,
                      std::chrono::seconds elapsed, double wake_joules);

/// ACTIVE to DRAINING once the plan needs nothing there, to STANDBY once nobody is served any more
/// or the deadline has passed, back as soon as the plan needs it. DOWN is left by observation only.
LocationState drain_step(LocationState state, std::uint32_t needed, std::uint64_t requests_active,
                         std::chrono::seconds draining_for, std::chrono::seconds deadline);

}  // namespace lobo::energy
