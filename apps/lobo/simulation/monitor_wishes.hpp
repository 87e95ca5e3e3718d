#pragma once
// What an application of the virtual world may ask of monitoring: targets, measures, windows, how
// to report and how to end, in any mixture that the server has to take.

#include <set>
#include <string>
#include <vector>

#include "api/ss_nrm.hpp"
#include "base/clock.hpp"
#include "base/rng.hpp"

namespace lobo::app::simulation {

/// Whom an application may ask about.
struct MonitorTargets {
  const std::vector<std::string>& ues;
  const std::string& group;
  const std::vector<std::string>& streams;
};

/// A subscription without notifUri; one in six negotiates no extension.
api::ss_nrm::MonitoringSubscription wish_to_monitor(const MonitorTargets& targets, Rng& rng,
                                                    Instant now);
/// Other requirements for the same target.
void wish_otherwise(api::ss_nrm::MonitoringSubscription& of, Rng& rng, Instant now);
/// One report, of now or of a time that has passed.
api::ss_nrm::MonitoringSubscription wish_for_one_report(const MonitorTargets& targets, Rng& rng,
                                                        Instant now);

/// The causes by which a subscription with these requirements may end by itself.
std::set<std::string> causes_of(const api::ss_nrm::MonitoringSubscription& subscription);

}  // namespace lobo::app::simulation
