#pragma once
// Rules between members that a schema cannot say.

#include <string_view>
#include <vector>

#include "api/media_e3.hpp"
#include "api/media_m1.hpp"
#include "base/result.hpp"
#include "services/media_energy/ports.hpp"

namespace lobo::media_energy {

// What a policy means where it is silent (TR 26.942 clause 7.13.5.1 names the parameters and no
// defaults: these are ours).
inline constexpr std::int64_t reporting_interval_default_s = 10;
inline constexpr std::int64_t sampling_period_default_s = 1;
inline constexpr std::int64_t report_spacing_default_s = 5;
inline constexpr std::int64_t hold_off_default_s = 300;
inline constexpr std::int64_t moves_per_hour_default = 4;
inline constexpr double switch_cost_default_j = 60;
inline constexpr std::int64_t validity_in_intervals = 3;

std::int64_t reporting_interval_of(const api::media_m1::EnergyPolicy& policy);
std::int64_t validity_of(const api::media_m1::EnergyPolicy& policy);

/// The locations that a session's content may come from, in the order of its distribution.
std::vector<std::string_view> locations_of(
    const api::media_m1::ContentHostingConfiguration& hosting);

/// The service data flows of a session at a location: the names that its distributions there are
/// asked for by, in lower case, each once.
std::vector<std::string> flows_at(const api::media_m1::ContentHostingConfiguration& hosting,
                                  std::string_view location);

/// The enumeration is open; a session that would be of no kind is refused all the same.
Result<void> check_type(std::string_view provisioning_session_type);
/// `hosting` is null where the session has none yet.
Result<void> check_policy(const api::media_m1::EnergyPolicy& policy,
                          const api::media_m1::ContentHostingConfiguration* hosting,
                          const Settings& settings);
Result<void> check_hosting(const api::media_m1::ContentHostingConfiguration& hosting,
                           const Settings& settings);
Result<void> check_registration(const api::media_e3::AsRegistration& registration,
                                const Settings& settings);
/// What a report must hold by itself; the counters of before are not looked at.
Result<void> check_reports(const api::media_e3::AsEnergyReports& reports,
                           std::string_view as_instance);

}  // namespace lobo::media_energy
