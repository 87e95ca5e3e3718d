#pragma once
// What is known of a service location (or of several, or of one server): the figures that
// thresholds, reports, entry points and the planner all read. Watts and joules here have the PUE of
// the building in them.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/media_e3.hpp"
#include "api/media_m1.hpp"
#include "api/media_types.hpp"
#include "base/clock.hpp"
#include "services/media_energy/counters.hpp"
#include "services/media_energy/ports.hpp"

namespace lobo::media_energy {

inline constexpr double joules_per_wh = 3600;
inline constexpr double octets_per_gb = 1e9;

struct Figures {
  LocationState state = LocationState::unknown;
  std::uint32_t servers = 0;        ///< that can be powered
  std::uint32_t servers_known = 0;  ///< of which something valid is known
  double capacity_mbps = 0;
  double power_w = 0;
  double mbps = 0;
  double cpu = 0;        ///< mean of those known, 0 to 1
  double energy_wh = 0;  ///< since we know them
  double octets = 0;
  std::optional<double> wh_per_gb;  ///< of the last interval; nothing where nothing was delivered
  std::optional<double> bit_per_joule;
  double carbon_g_per_kwh = 0;
  double renewable_ratio = 0;
  bool carbon_reported = false;  ///< by a server; else the operator configured it
  api::media_types::EnergyMethod method = api::media_types::EnergyMethod::measured_rapl;
  double rel_uncertainty = 0;  ///< as if errors were all alike: the worst case of a sum
  double sessions = 0;
  Instant from{}, to{}, valid_until{};
  // Means over servers, for the planner; before the PUE.
  double pue = 1, server_mbps = 0, idle_w = 0, max_w = 0, standby_w = 0;
  bool operator==(const Figures&) const = default;
};

/// A registered application server and what it reported.
struct Server {
  std::string id;
  api::media_e3::AsRegistration registered;
  Counters counters;
  std::map<std::string, std::string, std::less<>> reported_bases;  ///< beside those registered
  api::media_types::AsState desired = api::media_types::AsState::active;
};

/// `location` as these servers know it; `interval` is how often they report. With `flows`, energy,
/// power and octets are those of these data flows alone (by name), and sessions are not known.
Figures figures_at(const std::string& location, const std::vector<const Server*>& servers,
                   const LocationSettings& settings, Instant now, std::chrono::seconds interval,
                   const std::vector<std::string>* flows = nullptr);

/// Of several places together. Intensities and ratios are means weighted by power.
Figures together(const std::vector<Figures>& parts);

/// The metric of a threshold; nothing where nothing valid is known. `window_wh` is what was
/// consumed since the measurement began.
std::optional<double> metric_of(const Figures& figures, api::media_types::EnergyMetric metric,
                                double window_wh);

}  // namespace lobo::media_energy
