#pragma once
// The port of past measurements on the log of the adapter.

#include <string_view>
#include <vector>

#include "adapters/series/series_log.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/monitor_sample.hpp"
#include "services/seal_nrm/series.hpp"

namespace lobo {

class DiskSeries final : public seal_nrm::monitor::Series {
 public:
  explicit DiskSeries(adapters::series::SeriesLog& log) : log_(log) {}  ///< outlives this

  Result<void> append(std::string_view target, const seal_nrm::monitor::SeriesPoint& point,
                      Instant now) override;
  Result<std::vector<seal_nrm::monitor::SeriesPoint>> read(std::string_view target,
                                                           seal_nrm::monitor::Measures measures,
                                                           Instant from, Instant to) const override;

 private:
  adapters::series::SeriesLog& log_;
};

}  // namespace lobo
