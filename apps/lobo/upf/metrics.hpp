#pragma once
// The UPF's own counters as the program's metrics.

#include "dataplane/stages/path_counters.hpp"
#include "pages/copied_metrics.hpp"
#include "upf/worker.hpp"

namespace lobo::app {

class UpfMetrics : public CopiedMetrics {
 public:
  using CopiedMetrics::CopiedMetrics;

  void add_path(const dataplane::PathCounters& counters);
  void add_ports(const Worker& worker);

 private:
  void add_direction(const char* name, const dataplane::PathCounters::Direction& direction);
};

}  // namespace lobo::app
