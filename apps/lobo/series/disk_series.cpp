#include "series/disk_series.hpp"

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/series/series_log.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"
#include "services/seal_nrm/series.hpp"

namespace lobo {

using seal_nrm::monitor::Measures;
using seal_nrm::monitor::SeriesPoint;

Result<void> DiskSeries::append(std::string_view target, const SeriesPoint& point, Instant now) {
  if (auto checked = seal_nrm::monitor::check(target, point); !checked) return checked;
  const auto& value = point.value;
  return log_.append(target,
                     {.kind = static_cast<std::uint8_t>(seal_nrm::monitor::index_of(point.measure)),
                      .samples = value.samples,
                      .from = point.from,
                      .to = point.to,
                      .values = {value.average, value.minimum, value.maximum, value.total},
                      .covered = value.covered.count()},
                     now);
}

Result<std::vector<SeriesPoint>> DiskSeries::read(std::string_view target, Measures measures,
                                                  Instant from, Instant to) const {
  std::uint32_t kinds = 0;
  for (const auto measure : seal_nrm::monitor::all_measures)
    if (measures.has(measure)) kinds |= std::uint32_t{1} << seal_nrm::monitor::index_of(measure);
  auto records = log_.read(target, kinds, from, to, seal_nrm::monitor::series_points_max);
  if (!records) return tl::unexpected(std::move(records.error()));
  std::vector<SeriesPoint> points;
  points.reserve(records->size());
  for (const auto& record : *records) {
    // `kinds` lets nothing through that is no measure.
    const auto measure = seal_nrm::monitor::all_measures[record.kind];
    points.push_back({.measure = measure,
                      .from = record.from,
                      .to = record.to,
                      .value = {.average = record.values[0],
                                .minimum = record.values[1],
                                .maximum = record.values[2],
                                .total = record.values[3],
                                .covered = seal_nrm::monitor::Duration{record.covered},
                                .samples = record.samples}});
  }
  return points;
}

}  // namespace lobo
