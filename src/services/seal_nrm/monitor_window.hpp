#pragma once
// What one window of one measure holds while it is open. Times in microseconds since the epoch.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/clock.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"

namespace lobo::seal_nrm::monitor {

using Micros = std::int64_t;
inline constexpr Micros never = std::numeric_limits<Micros>::max();

constexpr Micros micros(Instant at) { return at.time_since_epoch().count(); }
constexpr Instant instant(Micros at) { return Instant{Duration{at}}; }

struct Accumulator {
  double weighted = 0;  ///< sum of value * weight
  double weight = 0;
  double plain = 0;  ///< sum of values
  double minimum = 0;
  double maximum = 0;
  std::uint32_t samples = 0;
  std::uint32_t unweighted =
      0;  ///< samples without a weight: where there is one, the mean is plain

  bool empty() const { return samples == 0; }

  /// `of` is the weight, 0 where it is not known.
  void add(double value, double of) {
    weighted += value * of;
    weight += of;
    plain += value;
    minimum = samples == 0 ? value : std::min(minimum, value);
    maximum = samples == 0 ? value : std::max(maximum, value);
    ++samples;
    if (!(of > 0)) ++unweighted;
  }

  void merge(const Accumulator& other) {
    if (other.empty()) return;
    weighted += other.weighted;
    weight += other.weight;
    plain += other.plain;
    minimum = empty() ? other.minimum : std::min(minimum, other.minimum);
    maximum = empty() ? other.maximum : std::max(maximum, other.maximum);
    samples += other.samples;
    unweighted += other.unweighted;
  }

  double mean() const {
    return unweighted == 0 && weight > 0 ? weighted / weight : plain / samples;
  }
};

/// Of a volume, `plain` is octets and `weight` the microseconds that the samples speak of; once
/// its window is closed, minimum and maximum are the window's.
inline Accumulator closed(Accumulator window, Measure measure) {
  if (is_volume(measure)) window.minimum = window.maximum = window.plain;
  return window;
}

inline Aggregate aggregate(const Accumulator& of, Measure measure, std::uint64_t windows) {
  Aggregate out{.minimum = of.minimum, .maximum = of.maximum, .samples = of.samples};
  if (is_volume(measure)) {
    out.total = of.plain;
    out.average = of.plain / static_cast<double>(windows);
    out.covered = Duration{static_cast<Micros>(of.weight)};
  } else {
    out.average = of.mean();
  }
  return out;
}

/// The samples of one measure of one UE for one subscription. At most two windows are open, since
/// grace is not longer than a window: `open[0]` up to `boundary`, `open[1]` from there.
struct Cell {
  Micros from = 0;      ///< what was taken before is late
  Micros boundary = 0;  ///< invariant: from <= boundary <= limit, the same for a whole subscription
  Micros limit = 0;     ///< nothing is taken from here on: the end of open[1], or of the period
  Accumulator open[2];
  std::uint32_t grace = 0;
  std::uint32_t subscription = 0;
  std::uint32_t link = 0;    ///< its place among the cells of its stream
  std::uint32_t stream = 0;  ///< what feeds it
  std::uint32_t member = 0;  ///< whose target it is, in the subscription
  bool immediate = false;    ///< the first sample is told at once
};

/// Arithmetic of windows counted from `start`.
struct Grid {
  Micros start = 0;
  Micros length = 1;

  /// The number of whole periods that are over by `at`, 0 before start.
  Micros over_by(Micros at) const { return at <= start ? 0 : (at - start) / length; }
  /// The first boundary after `at`, never before start + length.
  Micros next_after(Micros at) const { return saturated(over_by(at) + 1); }
  /// The last boundary at `at` or before it; start before the first.
  Micros last_by(Micros at) const { return start + over_by(at) * length; }

 private:
  Micros saturated(Micros periods) const {
    return periods > (never - start) / length ? never : start + periods * length;
  }
};

}  // namespace lobo::seal_nrm::monitor
