#pragma once
// runtime::Metrics as Prometheus text (exposition format 0.0.4), over prometheus-cpp's core.

#include <memory>
#include <string>
#include <string_view>

#include "runtime/ports.hpp"

namespace lobo::adapters::metrics {

/// Label sets of one metric. What comes beyond is counted together, with every label "other":
/// labels that follow what clients send must not fill the memory.
inline constexpr std::size_t series_max = 2000;

inline constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

/// A name that the catalogue lacks, or one used as another kind or with other labels, is a broken
/// promise and stops the process. Handles may be used by any thread; add() takes no lock.
class PrometheusMetrics final : public runtime::Metrics {
 public:
  PrometheusMetrics();
  ~PrometheusMetrics() override;

  runtime::Counter& counter(std::string_view name, const runtime::Labels& labels) override;
  runtime::Counter& gauge(std::string_view name, const runtime::Labels& labels) override;
  runtime::Histogram& histogram(std::string_view name, const runtime::Labels& labels) override;

  /// Everything, as the body of GET /metrics.
  std::string expose() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace lobo::adapters::metrics
