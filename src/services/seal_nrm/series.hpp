#pragma once
// Past measurement periods (TS 23.434 clause 14.3.3.4.4 asks for current and past ones): what has
// been measured is kept as aggregates for a configured time, within a bound.
//
// Who fills it: one subscription of the engine each target, by windows (Mode::on_event without
// thresholds); each value of its reports is appended as one point.

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_sample.hpp"

namespace lobo::seal_nrm::monitor {

inline constexpr std::size_t series_target_octets_max = 1024;
inline constexpr std::size_t series_points_max = 100'000;  ///< in one answer

struct SeriesPoint {
  Measure measure = Measure::dl_delay;
  Instant from{};  ///< measured in [from, to)
  Instant to{};
  Aggregate value;
  bool operator==(const SeriesPoint&) const = default;
};

/// A target is named as outside, since handles do not survive the process.
struct Series {
  Series() = default;
  Series(const Series&) = delete;
  Series& operator=(const Series&) = delete;
  virtual ~Series() = default;

  /// Points of one target come with `to` rising; one that is older than the newest of its target
  /// may be lost to a read. Refused: an empty interval, an empty or overlong name. Failure of the
  /// disk is told, and the next call tries again.
  virtual Result<void> append(std::string_view target, const SeriesPoint& point, Instant now) = 0;

  /// Points that overlap [from, to), oldest first; empty where nothing was measured or kept.
  /// Errc::too_large beyond series_points_max.
  virtual Result<std::vector<SeriesPoint>> read(std::string_view target, Measures measures,
                                                Instant from, Instant to) const = 0;
};

/// What an append must look like; the same for every implementation.
Result<void> check(std::string_view target, const SeriesPoint& point);

/// One aggregate of all points of `measure`: means weighted by the samples behind them, a volume's
/// average over its points.
std::optional<Aggregate> merge(std::span<const SeriesPoint> points, Measure measure);

}  // namespace lobo::seal_nrm::monitor
