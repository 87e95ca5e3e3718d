#include "energy/power.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>

#include "energy/problem.hpp"

namespace lobo::energy {

PowerState power_step(const Location& location, PowerState state, std::uint32_t needed,
                      std::chrono::seconds elapsed, double wake_joules) {
  needed = std::min(needed, location.servers_max);
  if (needed >= state.servers_on) return {needed, 0};
  const std::uint32_t surplus = state.servers_on - needed;
  state.idled_joules += surplus * (location.idle_w - location.standby_w) *
                        static_cast<double>(std::max<std::int64_t>(0, elapsed.count()));
  if (state.idled_joules >= surplus * wake_joules) return {needed, 0};
  return state;
}

LocationState drain_step(LocationState state, std::uint32_t needed, std::uint64_t requests_active,
                         std::chrono::seconds draining_for, std::chrono::seconds deadline) {
  switch (state) {
    case LocationState::active:
      return needed == 0 ? LocationState::draining : LocationState::active;
    case LocationState::draining:
      if (needed > 0) return LocationState::active;
      return requests_active == 0 || draining_for >= deadline ? LocationState::standby
                                                              : LocationState::draining;
    case LocationState::standby: return needed > 0 ? LocationState::active : LocationState::standby;
    case LocationState::down: return LocationState::down;
  }
  std::abort();
}

}  // namespace lobo::energy
