#include "adapters/metrics/prometheus_metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/metrics/catalogue.hpp"
#include "base/require.hpp"
#include "base/text.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters::metrics {
namespace {

struct CounterHandle final : runtime::Counter {
  explicit CounterHandle(prometheus::Counter& held) : counter(held) {}
  void add(double amount) override { counter.Increment(amount); }
  prometheus::Counter& counter;
};
struct GaugeHandle final : runtime::Counter {
  explicit GaugeHandle(prometheus::Gauge& held) : gauge(held) {}
  void add(double amount) override { gauge.Increment(amount); }
  prometheus::Gauge& gauge;
};
struct HistogramHandle final : runtime::Histogram {
  explicit HistogramHandle(prometheus::Histogram& held) : histogram(held) {}
  void observe(double value) override { histogram.Observe(value); }
  prometheus::Histogram& histogram;
};

using LabelMap = std::map<std::string, std::string>;

/// The metrics of one kind: families by name, handles by name and labels.
template <class Metric, class Handle>
struct Families {
  std::map<std::string, prometheus::Family<Metric>*, std::less<>> by_name;
  std::map<std::string, std::map<LabelMap, std::unique_ptr<Handle>>, std::less<>> handles;

  template <class Build, class... More>
  Handle& handle(const Entry& entry, LabelMap labels, const Build& build, const More&... more) {
    auto& known = handles[std::string(entry.name)];
    if (known.size() >= series_max && !known.contains(labels))
      for (auto& [name, value] : labels) value = "other";
    auto& slot = known[labels];
    if (!slot) {
      auto& family = by_name[std::string(entry.name)];
      if (family == nullptr) family = &build();
      slot = std::make_unique<Handle>(family->Add(labels, more...));
    }
    return *slot;
  }
};

const Entry& entry_for(std::string_view name, Kind kind, const runtime::Labels& labels) {
  const Entry* entry = find_entry(name);
  require(entry != nullptr && entry->kind == kind);
  std::vector<std::string_view> wanted;
  if (!entry->labels.empty()) wanted = split(entry->labels, ' ');
  require(wanted.size() == labels.size() && std::ranges::all_of(labels, [&](const auto& label) {
            return std::ranges::find(wanted, label.first) != wanted.end();
          }));
  return *entry;
}

}  // namespace

struct PrometheusMetrics::Parts {
  prometheus::Registry registry;
  std::mutex mutex;
  Families<prometheus::Counter, CounterHandle> counters;
  Families<prometheus::Gauge, GaugeHandle> gauges;
  Families<prometheus::Histogram, HistogramHandle> histograms;
};

PrometheusMetrics::PrometheusMetrics() : parts_(std::make_unique<Parts>()) {}
PrometheusMetrics::~PrometheusMetrics() = default;

runtime::Counter& PrometheusMetrics::counter(std::string_view name, const runtime::Labels& labels) {
  const Entry& entry = entry_for(name, Kind::counter, labels);
  const std::lock_guard lock(parts_->mutex);
  const auto build = [&]() -> auto& {
    return prometheus::BuildCounter()
        .Name(std::string(entry.name))
        .Help(std::string(entry.help))
        .Register(parts_->registry);
  };
  return parts_->counters.handle(entry, {labels.begin(), labels.end()}, build);
}

runtime::Counter& PrometheusMetrics::gauge(std::string_view name, const runtime::Labels& labels) {
  const Entry& entry = entry_for(name, Kind::gauge, labels);
  const std::lock_guard lock(parts_->mutex);
  const auto build = [&]() -> auto& {
    return prometheus::BuildGauge()
        .Name(std::string(entry.name))
        .Help(std::string(entry.help))
        .Register(parts_->registry);
  };
  return parts_->gauges.handle(entry, {labels.begin(), labels.end()}, build);
}

runtime::Histogram& PrometheusMetrics::histogram(std::string_view name,
                                                 const runtime::Labels& labels) {
  const Entry& entry = entry_for(name, Kind::histogram, labels);
  const std::lock_guard lock(parts_->mutex);
  const auto build = [&]() -> auto& {
    return prometheus::BuildHistogram()
        .Name(std::string(entry.name))
        .Help(std::string(entry.help))
        .Register(parts_->registry);
  };
  const auto bounds = bucket_seconds();
  return parts_->histograms.handle(
      entry, {labels.begin(), labels.end()}, build,
      prometheus::Histogram::BucketBoundaries(bounds.begin(), bounds.end()));
}

std::string PrometheusMetrics::expose() const {
  return prometheus::TextSerializer().Serialize(parts_->registry.Collect());
}

}  // namespace lobo::adapters::metrics
