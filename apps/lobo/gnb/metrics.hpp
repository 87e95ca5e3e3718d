#pragma once
// The gNB's own counters as the program's metrics, brought up to date when somebody asks.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "gnb/summary.hpp"
#include "runtime/ports.hpp"

namespace lobo::app {

class GnbMetrics {
 public:
  explicit GnbMetrics(runtime::Metrics& metrics) : metrics_(metrics) {}

  void copy(const GnbSight& sight);

 private:
  void counter(std::string_view name, const runtime::Labels& labels, std::uint64_t now);
  void gauge(std::string_view name, const runtime::Labels& labels, std::uint64_t now);
  void move_to(runtime::Counter& counter, std::string_view name, const runtime::Labels& labels,
               std::uint64_t now);
  void copy_flow(const std::string& ue, std::uint8_t qfi, const dataplane::Radio::Flow& flow);

  runtime::Metrics& metrics_;
  std::map<std::string, std::uint64_t> last_;  ///< by name and labels
};

}  // namespace lobo::app
