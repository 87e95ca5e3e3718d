#pragma once
// What answers about monitoring need from those in memory (monitor_hub.hpp).

#include <vector>

#include "api/ss_nrm.hpp"
#include "api/state/nrm_monitor.hpp"
#include "base/clock.hpp"

namespace lobo::seal_nrm {

struct MonitorView {
  MonitorView() = default;
  MonitorView(const MonitorView&) = delete;
  MonitorView& operator=(const MonitorView&) = delete;
  virtual ~MonitorView() = default;
  /// What is really measured for a monitor, measure by measure.
  virtual std::vector<api::ss_nrm::MeasureState> measures(
      const api::state::nrm_monitor::MonitorState& state, Instant now) const = 0;
};

}  // namespace lobo::seal_nrm
