#include "services/seal_nrm/series.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_sample.hpp"

namespace lobo::seal_nrm::monitor {

Result<void> check(std::string_view target, const SeriesPoint& point) {
  if (target.empty() || target.size() > series_target_octets_max)
    return fail(Errc::out_of_range, "a target's name has 1 to 1024 octets");
  if (point.to <= point.from || point.from < earliest || point.to > latest)
    return fail(Errc::out_of_range, "a point covers a time");
  return {};
}

std::optional<Aggregate> merge(std::span<const SeriesPoint> points, Measure measure) {
  Aggregate out;
  std::size_t count = 0;
  double weighted = 0;
  for (const SeriesPoint& point : points) {
    if (point.measure != measure) continue;
    const Aggregate& value = point.value;
    out.minimum = count == 0 ? value.minimum : std::min(out.minimum, value.minimum);
    out.maximum = count == 0 ? value.maximum : std::max(out.maximum, value.maximum);
    out.total += value.total;
    out.covered += value.covered;
    out.samples += value.samples;
    weighted += is_volume(measure) ? value.total : value.average * value.samples;
    ++count;
  }
  if (count == 0 || out.samples == 0) return std::nullopt;
  out.average = weighted / (is_volume(measure) ? static_cast<double>(count) : out.samples);
  return out;
}

}  // namespace lobo::seal_nrm::monitor
