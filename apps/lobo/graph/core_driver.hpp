#pragma once
// Puts the simulated core into a world: its answers wait as long as they should, its callbacks
// leave through a client, its timers run. The same whether the world is real or virtual.

#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "base/rng.hpp"
#include "runtime/ports.hpp"
#include "runtime/scoped_scheduler.hpp"
#include "services/core_sim/core_sim.hpp"

namespace lobo::app {

class CoreDriver final : public runtime::HttpHandler {
 public:
  /// `config` passed core_sim::check(). All others outlive the driver.
  CoreDriver(const core_sim::CoreConfig& config, Rng& rng, runtime::Scheduler& scheduler,
             const Clock& clock, runtime::HttpClient& callbacks);
  ~CoreDriver() override;

  void handle(http::Request request, ReplyFn reply) override;
  const core_sim::CoreSim& core() const { return core_; }

 private:
  void send(std::vector<core_sim::OutgoingCallback> callbacks);
  void arm();

  core_sim::CoreSim core_;
  runtime::ScopedScheduler scheduler_;
  const Clock& clock_;
  runtime::HttpClient& callbacks_;
  runtime::Scheduler::TimerId wake_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lobo::app
