#pragma once
// Runs the rounds of seal_nrm/audit.hpp: one after the other, `audit_interval` apart, each a page
// at a time with a pause between, at most one question to the core under way.

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "runtime/calls.hpp"
#include "runtime/effect_runner.hpp"
#include "runtime/ports.hpp"
#include "services/seal_nrm/audit.hpp"
#include "services/seal_nrm/ports.hpp"

namespace lobo::app {

class Auditor {
 public:
  /// All outlive the auditor; `scheduler` drops what is put off when it goes (ScopedScheduler).
  struct Ports {
    runtime::EffectRunner& runner;
    runtime::Calls& calls;
    runtime::Scheduler& scheduler;
    const Clock& clock;
    runtime::Log& log;
    runtime::Metrics& metrics;
  };
  Auditor(const seal_nrm::Settings& settings, Ports ports);

  /// The first round is due one interval from now: what the run before left comes first.
  void start();
  /// A question to the core, or a page of ours, is under way.
  bool busy() const { return round_.has_value(); }

 private:
  void begin();
  void turn();
  void end();

  const seal_nrm::Settings& settings_;
  Ports ports_;
  std::optional<seal_nrm::AuditRound> round_;
};

}  // namespace lobo::app
