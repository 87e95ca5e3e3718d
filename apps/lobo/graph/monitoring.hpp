#pragma once
// Runs seal_nrm/monitor_hub.hpp: hands it what the resources let it know, wakes it when a window
// closes, and tells the resources what it found.

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/effect_runner.hpp"
#include "runtime/ports.hpp"
#include "services/seal_nrm/monitor_hub.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"

namespace lobo::app {

/// How often groups and silent sources are looked at.
inline constexpr std::chrono::seconds monitoring_round{5};

class Monitoring {
 public:
  /// All outlive it; `scheduler` drops what is put off when it goes (ScopedScheduler).
  struct Ports {
    runtime::EffectRunner& runner;
    const runtime::Store& store;
    runtime::Scheduler& scheduler;
    const Clock& clock;
    runtime::Log& log;
    runtime::Metrics& metrics;
    const seal_nrm::UeDirectory& directory;
  };
  Monitoring(seal_nrm::MonitorHub& hub, Ports ports);

  /// Takes up what the store holds; before the first event.
  Result<void> start();
  /// Members of groups may have changed.
  void directory_changed() { look_around(); }

 private:
  void observed(const resource::Key& from, const resource::Observe& what);
  void deliver();
  void arm();
  void look_around();
  void round();

  seal_nrm::MonitorHub& hub_;
  Ports ports_;
  runtime::Scheduler::TimerId wake_ = 0;
  Instant wake_at_{};
  bool delivering_ = false;
  runtime::Counter& reports_;
  runtime::Counter& monitors_;
  runtime::Counter& samples_;
  runtime::Counter& lost_;
  runtime::Counter& points_lost_;
  /// What a monitor had no room for though it ends it: one each monitor at most.
  std::vector<seal_nrm::MonitorHub::Due> late_;
  double monitors_shown_ = 0;
  double points_lost_shown_ = 0;
};

}  // namespace lobo::app
