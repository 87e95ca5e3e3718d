#pragma once
// What the operator holds possible of an application server's report: one that lies would move
// sessions, or use up a budget.

#include <string>

#include "api/media_e3.hpp"
#include "services/media_energy/ports.hpp"

namespace lobo::media_energy {

/// A mean over an interval may be this much above what the name plate says.
inline constexpr double plausible_excess = 1.2;
/// Counters are read somewhat before or after an interval ends.
inline constexpr double plausible_slack_s = 2;

/// By how much the counters of all locations of a server have grown.
struct Growth {
  double seconds = 0;
  double energy_j = 0;
  double octets_tx = 0;
};

/// Which member is not believed, and what would be; empty: all are.
std::string disbelief(const api::media_e3::AsEnergyReport& report,
                      const api::media_e3::AsRegistration& registered, const Settings& settings,
                      const Growth& growth);

}  // namespace lobo::media_energy
