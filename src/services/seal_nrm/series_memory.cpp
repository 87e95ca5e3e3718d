#include "services/seal_nrm/series_memory.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/monitor_sample.hpp"
#include "services/seal_nrm/series.hpp"

namespace lobo::seal_nrm::monitor {

Result<void> MemorySeries::append(std::string_view target, const SeriesPoint& point, Instant now) {
  if (auto checked = check(target, point); !checked) return checked;
  const auto of = points_.try_emplace(std::string(target)).first;
  of->second.push_back(point);
  order_.push_back(of);
  while (order_.size() > points_max_ ||
         (!order_.empty() && order_.front()->second.front().to < now - age_max_)) {
    const auto oldest = order_.front();
    order_.pop_front();
    oldest->second.pop_front();
    if (oldest->second.empty()) points_.erase(oldest);
  }
  return {};
}

Result<std::vector<SeriesPoint>> MemorySeries::read(std::string_view target, Measures measures,
                                                    Instant from, Instant to) const {
  std::vector<SeriesPoint> found;
  const auto of = points_.find(target);
  if (of == points_.end()) return found;
  for (const SeriesPoint& point : of->second) {
    if (!measures.has(point.measure) || point.from >= to || point.to <= from) continue;
    if (found.size() >= series_points_max)
      return fail(Errc::too_large, "more values than one answer may have; ask for a shorter time");
    found.push_back(point);
  }
  return found;
}

}  // namespace lobo::seal_nrm::monitor
