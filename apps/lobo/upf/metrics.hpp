#pragma once
// The UPF's own counters as the program's metrics: they are counted where things happen, and copied
// when somebody asks.

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/stages/path_counters.hpp"
#include "runtime/ports.hpp"
#include "upf/worker.hpp"

namespace lobo::app {

class UpfMetrics {
 public:
  using Read = std::function<std::uint64_t()>;

  explicit UpfMetrics(runtime::Metrics& metrics) : metrics_(metrics) {}

  void counter(std::string_view name, const runtime::Labels& labels, Read read);
  void gauge(std::string_view name, const runtime::Labels& labels, Read read);
  void add_path(const dataplane::PathCounters& counters);
  void add_ports(const Worker& worker);

  /// Brings the metrics up to what is counted now.
  void copy();

 private:
  struct Copied {
    runtime::Counter* to;
    Read read;
    std::uint64_t last = 0;
  };
  void add_direction(const char* name, const dataplane::PathCounters::Direction& direction);

  runtime::Metrics& metrics_;
  std::vector<Copied> copied_;
};

}  // namespace lobo::app
