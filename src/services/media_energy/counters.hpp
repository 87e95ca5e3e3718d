#pragma once
// What one application server has reported (E3, steps 4 and 30). Counters are cumulative since a
// boot began, so that a lost report loses nothing, a repeated one adds nothing, and one that comes
// late is not needed any more.

#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/media_e3.hpp"
#include "base/clock.hpp"
#include "services/media_energy/ports.hpp"

namespace lobo::media_energy {

/// So many reports may be missing before the state of a server is unknown.
inline constexpr std::int64_t missed_reports_max = 3;
/// A report that claims to come from later than this is dated by its arrival, and no report covers
/// more time than this beyond what has passed here.
inline constexpr std::chrono::seconds clock_skew_max{60};
/// Sequence numbers that are remembered below the highest one.
inline constexpr std::uint64_t sequences_remembered = 64;
inline constexpr std::size_t boots_remembered = 4;

enum class Taken : std::uint8_t {
  counted,
  repeated,     ///< came before
  reordered,    ///< a later one came before it
  implausible,  ///< outside what the operator holds possible
};

/// Of one server at one location, since we know it.
struct Meter {
  double energy_j = 0;
  double idle_j = 0;
  double dynamic_j = 0;
  double octets_tx = 0;
  bool operator==(const Meter&) const = default;
};

/// Of the interval between the last two reports that were counted.
struct Rate {
  double power_w = 0;  ///< of this location's share, before the PUE
  double mbps = 0;
  double seconds = 0;
  std::uint64_t sessions = 0;
  bool operator==(const Rate&) const = default;
};

/// A service data flow: where, and by which name (or flow description) it is asked for.
using FlowKey = std::pair<std::string, std::string>;

class Counters {
 public:
  /// What `take` would say; changes nothing.
  Taken look(const api::media_e3::AsEnergyReport& report,
             const api::media_e3::AsRegistration& registered, const Settings& settings,
             Instant now) const;
  /// Why it would be implausible: the member, and what is possible. Empty where it is not.
  std::string disbelief(const api::media_e3::AsEnergyReport& report,
                        const api::media_e3::AsRegistration& registered, const Settings& settings,
                        Instant now) const;
  Taken take(const api::media_e3::AsEnergyReport& report,
             const api::media_e3::AsRegistration& registered, const Settings& settings,
             Instant now);

  /// Its last report counts still, and fewer than missed_reports_max are missing.
  bool known(Instant now, std::chrono::seconds interval) const;
  api::media_e3::AsReporting reporting(Instant now, std::chrono::seconds interval) const;

  const std::optional<api::media_e3::AsHostEnergy>& host() const { return host_; }
  const std::optional<api::media_e3::AsSupply>& supply() const { return supply_; }
  const std::map<std::string, Meter, std::less<>>& meters() const { return meters_; }
  const std::map<std::string, Rate, std::less<>>& rates() const { return rates_; }
  /// The same of service data flows. Their octets and energy are in those of their location.
  const std::map<FlowKey, Meter>& flow_meters() const { return flow_meters_; }
  const std::map<FlowKey, Rate>& flow_rates() const { return flow_rates_; }
  Instant valid_until() const { return valid_until_; }
  Instant measured_from() const { return from_; }
  Instant measured_to() const { return to_; }

 private:
  struct Raw {
    double energy_j = 0;
    double idle_j = 0;
    double dynamic_j = 0;
    std::uint64_t octets_tx = 0;
  };
  using Added = std::map<std::string, Meter, std::less<>>;  ///< by location

  bool boot_before(std::string_view boot) const;
  double covered_s(const api::media_e3::AsEnergyReport& report, Instant now) const;
  Added added(const api::media_e3::AsEnergyReport& report, std::uint64_t& resets) const;
  void begin_boot(const std::string& boot);
  void count(const api::media_e3::AsEnergyReport& report, const Added& added, double seconds,
             bool first);
  void count_flows(const api::media_e3::AsEnergyReport& report, double seconds, bool first,
                   const Meter& all);

  std::string boot_;
  std::array<std::string, boots_remembered> boots_before_;
  std::size_t boots_ = 0;
  std::uint64_t highest_ = 0;
  std::uint64_t seen_ = 0;  ///< bit i: highest_ - 1 - i came
  std::map<std::string, Raw, std::less<>> raw_;
  std::map<std::string, Meter, std::less<>> meters_;
  std::map<std::string, Rate, std::less<>> rates_;
  std::map<FlowKey, Raw> flow_raw_;
  std::map<FlowKey, Meter> flow_meters_;
  std::map<FlowKey, Rate> flow_rates_;
  std::optional<api::media_e3::AsHostEnergy> host_;
  std::optional<api::media_e3::AsSupply> supply_;
  Instant at_{}, from_{}, to_{}, valid_until_{};
  Instant counted_to_{};  ///< no time is covered twice
  std::uint64_t reports_ = 0, repeated_ = 0, reordered_ = 0, resets_ = 0, lost_ = 0,
                implausible_ = 0;
};

}  // namespace lobo::media_energy
