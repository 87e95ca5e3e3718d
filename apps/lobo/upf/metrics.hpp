#pragma once
// The UPF's own counters as the program's metrics.

#include <deque>
#include <string>

#include "dataplane/stages/path_counters.hpp"
#include "pages/copied_metrics.hpp"
#include "upf/worker.hpp"

namespace lobo::app {

class UpfMetrics : public CopiedMetrics {
 public:
  using CopiedMetrics::CopiedMetrics;

  /// Of several workers the sum is told, and what each did by its number.
  void add_workers(const std::deque<Worker>& workers);

 private:
  void add_path(const dataplane::PathCounters& counters);
  void add_ports(const Worker& worker);
  void add_one(const std::string& number, const Worker& worker);
  void add_direction(const char* name, const dataplane::PathCounters::Direction& direction);
};

}  // namespace lobo::app
