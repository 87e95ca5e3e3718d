#pragma once
// Past values in memory: for the simulator and tests, and where no folder is configured. Lost with
// the process.

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/monitor_sample.hpp"
#include "services/seal_nrm/series.hpp"

namespace lobo::seal_nrm::monitor {

class MemorySeries final : public Series {
 public:
  /// Keeps the newest `points_max`, and none that ended more than `age_max` ago.
  MemorySeries(std::size_t points_max, std::chrono::seconds age_max)
      : points_max_(points_max), age_max_(age_max) {}

  Result<void> append(std::string_view target, const SeriesPoint& point, Instant now) override;
  Result<std::vector<SeriesPoint>> read(std::string_view target, Measures measures, Instant from,
                                        Instant to) const override;

 private:
  using Points = std::map<std::string, std::deque<SeriesPoint>, std::less<>>;

  std::size_t points_max_;
  std::chrono::seconds age_max_;
  Points points_;
  std::deque<Points::iterator> order_;  ///< whose point came first, for each that is kept
};

}  // namespace lobo::seal_nrm::monitor
