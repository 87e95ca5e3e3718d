#pragma once
// From samples to reports. What a report says of energy and octets is cumulative since the agent
// began, so that a lost report loses nothing and a repeated one adds nothing.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "energy/meter/access_log.hpp"
#include "energy/meter/attribution.hpp"
#include "energy/meter/host_meter.hpp"
#include "energy/meter/media_sessions.hpp"
#include "energy/meter/power_model.hpp"
#include "energy/problem.hpp"

namespace lobo::energy::meter {

/// Why there is a report. Names as messages carry them.
enum class Reason : std::uint8_t {
  periodic,
  threshold_crossed,
  threshold_cleared,
  location_state_changed,
  initial
};

constexpr std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::periodic: return "PERIODIC";
    case Reason::threshold_crossed: return "THRESHOLD_CROSSED";
    case Reason::threshold_cleared: return "THRESHOLD_CLEARED";
    case Reason::location_state_changed: return "LOCATION_STATE_CHANGED";
    case Reason::initial: return "INITIAL";
  }
  std::abort();
}

/// Of one service location, since the agent began.
struct LocationTotals {
  Part energy;
  Use use;
  bool operator==(const LocationTotals&) const = default;
};

using FlowTotals = std::map<std::string, LocationTotals, std::less<>>;

/// Data flows of a host that are told apart.
inline constexpr std::size_t flows_of_host_max = 256;

struct Report {
  std::uint64_t sequence = 0;  ///< from 1, one more each
  Reason reason{};
  Instant start, end;  ///< what the means are of
  LocationState state = LocationState::active;
  double energy_j = 0;  ///< of the host, since the agent began
  double power_w = 0;   ///< mean, as are the next three
  double idle_w = 0;
  double utilisation = 0;
  double tx_mbps = 0;
  Method method = Method::declared;  ///< the weakest that was used
  double rel_uncertainty = 0;        ///< weighted by energy
  std::vector<LocationTotals> of;    ///< by location
  LocationTotals other;
  std::vector<FlowTotals> flows;  ///< by location: what of it was asked for by which name
  std::optional<std::uint64_t> requests_active;
  std::string revision;  ///< of the configuration that it follows; empty: none was given yet
  std::optional<double> carbon_g_per_kwh;  ///< of the grid, when it was made
  std::optional<double> renewable_ratio;
  std::optional<std::int64_t> validity_s;
  std::vector<SessionsTold> sessions;  ///< by location: who was served, where it is told
  bool operator==(const Report&) const = default;
};

class Ledger {
 public:
  /// The share of the host that each location reserves; all 0: equal.
  explicit Ledger(std::vector<double> reserved_shares);

  /// Tells these names apart from now on, by location; what is not named any more is forgotten. At
  /// most flows_of_host_max, the others are left out.
  void tell_apart(const std::vector<std::vector<std::string>>& names);
  /// Nothing yet, with a place for each location and each name that is told apart.
  Traffic traffic() const;
  /// One interval and what was served in it, in what `traffic` gave.
  void add(const HostEnergy& host, const Traffic& traffic);
  /// Closes the interval since the last report. Nothing before the first sample of it.
  std::optional<Report> take(Instant now, Reason reason, LocationState state);

  double energy_j() const { return energy_j_; }

 private:
  std::vector<double> reserved_shares_;
  double energy_j_ = 0;
  std::vector<LocationTotals> of_;
  LocationTotals other_;
  std::vector<FlowTotals> flows_;
  std::uint64_t sequence_ = 0;
  // Of the open interval.
  double seconds_ = 0, interval_j_ = 0, idle_j_ = 0, busy_seconds_ = 0, uncertain_j_ = 0;
  std::uint64_t bytes_ = 0;
  Method weakest_ = Method::measured_rapl;
};

inline constexpr std::size_t reports_kept_max = 256;
inline constexpr std::size_t reports_at_once_max = 16;
inline constexpr unsigned attempts_max = 20;

/// Reports that wait to be taken. The same report is sent again until it is; what does not fit any
/// more leaves a gap in the sequence numbers, never in the sums.
class Outbox {
 public:
  void push(Report report);
  /// The oldest, at most reports_at_once_max.
  std::vector<Report> batch() const;
  /// The oldest `count` are done with.
  void taken(std::size_t count);
  /// The oldest `count` could not be sent; those that were tried attempts_max times are given up.
  void failed(std::size_t count);

  std::size_t waiting() const { return waiting_.size(); }
  std::uint64_t given_up() const { return given_up_; }

 private:
  struct Waiting {
    Report report;
    unsigned attempts = 0;
  };
  std::deque<Waiting> waiting_;
  std::uint64_t given_up_ = 0;
};

}  // namespace lobo::energy::meter
