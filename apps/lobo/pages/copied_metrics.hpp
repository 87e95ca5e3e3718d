#pragma once
// A program's own counters as metrics: they are counted where things happen, and copied when
// somebody asks.

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "runtime/ports.hpp"

namespace lobo::app {

class CopiedMetrics {
 public:
  using Read = std::function<std::uint64_t()>;

  explicit CopiedMetrics(runtime::Metrics& metrics) : metrics_(metrics) {}

  void counter(std::string_view name, const runtime::Labels& labels, Read read);
  void gauge(std::string_view name, const runtime::Labels& labels, Read read);

  /// Brings the metrics up to what is counted now.
  void copy();

 private:
  struct Copied {
    runtime::Counter* to;
    Read read;
    std::uint64_t last = 0;
  };

  runtime::Metrics& metrics_;
  std::vector<Copied> copied_;
};

}  // namespace lobo::app
