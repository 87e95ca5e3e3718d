#pragma once
// One energy policy at work: its thresholds against what is measured, its budget, when it suspends
// and when it lets consumption rise again. Knows no session; says what holds where.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/media_e5.hpp"
#include "api/media_m1.hpp"
#include "api/state/media_energy.hpp"
#include "base/clock.hpp"
#include "services/media_energy/figures.hpp"
#include "services/media_energy/latch.hpp"

namespace lobo::media_energy {

/// Of one policy; what further units consumed in a measurement begins anew with the process.
inline constexpr std::size_t restored_units_max = 256;

/// What a threshold is held against: a location, one server of it, or all ("": no location).
struct Unit {
  std::string key;
  std::string location;
  Figures figures;
};

class PolicyRun {
 public:
  explicit PolicyRun(api::media_m1::EnergyPolicy policy, Instant now);

  /// A changed policy: thresholds that stayed as they were keep their state.
  void replace(api::media_m1::EnergyPolicy policy, Instant now);
  const api::media_m1::EnergyPolicy& policy() const { return policy_; }

  struct Transition {
    std::string unit;
    std::string location;
    std::string threshold_ref;
    bool crossed = false;
  };
  struct Changes {
    std::vector<Transition> transitions;
    bool budget = false;  ///< another segment, or a new period
  };
  /// What is measured now. Outside the measurement time nothing is evaluated.
  Changes observe(const std::vector<Unit>& units, Instant now);

  /// What was consumed, as far as it must outlive the process.
  api::state::media_energy::ConsumedState consumed() const;
  /// Goes on from there, before anything is observed.
  void restore(const api::state::media_energy::ConsumedState& before);

  /// Parameter 10, by the wall clock; SESSION alignment is the caller's.
  bool measuring(Instant now) const;
  /// What was consumed since the measurement began, at that location or ("") everywhere.
  double window_wh(std::string_view location) const;
  Instant window_start() const { return window_start_; }

  /// The thresholds that count for a session at `location`, crossed ones first said by the policy.
  bool crossed(std::string_view threshold_ref, std::string_view location) const;
  std::vector<api::media_e5::EnergyThresholdStatus> status(std::string_view location) const;

  /// Parameter 6: all conditions hold for a session there, and not for longer than is allowed.
  bool suspends(std::string_view location, Instant now) const;
  /// Parameter 7: no condition has held for the hold-off. Without a recovery policy nullopt.
  std::optional<bool> recovered(std::string_view location, Instant now) const;
  /// How many sessions may get their quality back now; takes them.
  bool take_ramp();

  std::optional<api::media_e5::EnergyBudgetStatus> budget(Instant now) const;
  /// The segment that the consumption is in; nothing without a budget.
  const api::media_m1::BudgetSegment* segment() const;
  std::uint64_t segment_changes() const { return segment_changes_; }

 private:
  struct Watch {
    std::string location;
    double seen_wh = 0;          ///< of the unit, when it was last looked at
    double window_wh = 0;        ///< of it, since the measurement began
    std::vector<Latch> latches;  ///< as policy_.thresholds
    std::optional<Instant> suspended_since;
    std::optional<Instant> quiet_since;  ///< no condition of recovery holds since
  };
  std::size_t thresholds() const { return policy_.thresholds ? policy_.thresholds->size() : 0; }
  bool all_crossed(const Watch& watch, const std::vector<std::string>& refs) const;
  bool any_crossed(const Watch& watch, const std::vector<std::string>& refs) const;
  std::optional<std::size_t> index_of(std::string_view ref) const;
  void observe_budget(double added_wh, Instant now, Changes& changes);
  std::size_t segment_of(double used_wh) const;
  void refill(Instant now);

  api::media_m1::EnergyPolicy policy_;
  std::map<std::string, Watch, std::less<>> watches_;  ///< by unit
  bool measuring_ = false;
  Instant window_start_{};
  // Sums of what was added: a server or location that goes takes nothing back, and one that comes
  // brings nothing with it.
  double window_wh_ = 0;
  Instant period_start_{};
  double period_wh_ = 0;
  std::map<std::string, double, std::less<>> restored_;  ///< of units that were not seen yet
  std::size_t segment_ = 0;
  std::uint64_t segment_changes_ = 0;
  double ramp_ = 0;
  Instant ramp_at_{};
};

}  // namespace lobo::media_energy
