#pragma once
// What a subscription asks of the engine (TS 23.434 table 14.3.2.20-1), and how far it has come.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/monitor_sample.hpp"

namespace lobo::seal_nrm::monitor {

using Duration = std::chrono::microseconds;

inline constexpr Duration window_default = std::chrono::minutes{1};
inline constexpr Duration window_min = std::chrono::milliseconds{1};
inline constexpr Duration window_max = std::chrono::hours{1};
inline constexpr Duration reporting_period_min = std::chrono::milliseconds{1};
inline constexpr Duration reporting_period_max = std::chrono::hours{24 * 365};
inline constexpr std::size_t thresholds_max = 32;  ///< of each kind, in one rule

enum class Direction : std::uint8_t {
  ascending,   ///< from below the threshold to it or above it
  descending,  ///< from above the threshold to it or below it
  crossed,     ///< from one side strictly to the other
};

struct Threshold {
  Measure measure = Measure::dl_delay;
  double value = 0;
  Direction direction = Direction::ascending;
  bool operator==(const Threshold&) const = default;
};

enum class Mode : std::uint8_t {
  on_event,  ///< at each threshold reached; without thresholds: one report each window
  periodic,  ///< each reporting_period, counted from start
  one_time,  ///< one report over the period when it ends; without an end, over the first window
};

struct Rule {
  Measures measures;  ///< at least one
  Duration window = window_default;
  /// The measurement period [start, end). Windows and reporting periods are counted from start.
  Instant start{};
  std::optional<Instant> end;
  /// `start` is no wish but when it was asked for: a clock that steps back before it takes it
  /// along.
  bool starts_at_once = false;

  Mode mode = Mode::on_event;
  Duration reporting_period{};        ///< of `periodic`
  std::vector<Threshold> thresholds;  ///< of `on_event`
  bool immediate = false;

  // Termination: at most one of the three by the clause; the engine ends at the first that is met.
  std::optional<Instant> until;
  std::optional<std::uint32_t> reports_max;
  std::vector<Threshold> until_thresholds;  ///< one each measure
  bool until_all = false;                   ///< all of them, in place of any

  bool operator==(const Rule&) const = default;
};

/// Why the engine cannot follow this rule; `where` of a fault is the name of the member above.
Result<void> check(const Rule& rule);

/// What a subscription must know after a restart besides its rule and its targets. Small: the
/// durable resource keeps it. What is not in it is lost by a crash: the windows that are open.
struct Progress {
  std::uint32_t rounds = 0;  ///< reports told, towards reports_max
  struct Of {
    std::uint64_t sides = 0;        ///< two bits for each threshold
    std::uint64_t until_sides = 0;  ///< the same for until_thresholds
    std::uint32_t until_reached = 0;
    bool immediate_told = false;
    bool operator==(const Of&) const = default;
  };
  std::vector<Of> targets;  ///< in the order of the targets; those missing start anew
  bool operator==(const Progress&) const = default;
};

}  // namespace lobo::seal_nrm::monitor
