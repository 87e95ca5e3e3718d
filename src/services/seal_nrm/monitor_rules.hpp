#pragma once
// The rules between the members of measurement and reporting requirements (T21), apart from whom
// they are about. Private to monitor_*.cpp.

#include <string>

#include "api/ss_nrm.hpp"
#include "base/clock.hpp"
#include "services/seal_nrm/monitor_faults.hpp"
#include "services/seal_nrm/ports.hpp"

namespace lobo::seal_nrm {

struct ProfileRules {
  bool once = false;  ///< one report: no rules of repeated reporting, and a past period is allowed
  /// As the server proposed it itself: an event-triggered mode without thresholds.
  bool windows_allowed = false;
};
/// Pointers of faults begin with `at`: empty, or "/profile".
void check_rules(const api::ss_nrm::MonitoringProfile& profile, const std::string& at,
                 const ProfileRules& rules, const Settings& settings, Instant now,
                 MonitorFaults& faults);

}  // namespace lobo::seal_nrm
