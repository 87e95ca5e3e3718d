#pragma once
// Puts the simulated core into a world: its answers wait as long as they should, its callbacks
// leave through a client, its timers run. The same whether the world is real or virtual.

#include <functional>
#include <memory>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/rng.hpp"
#include "runtime/ports.hpp"
#include "runtime/scoped_scheduler.hpp"
#include "services/core_sim/core_sim.hpp"
#include "services/core_sim/smf_n4.hpp"

namespace lobo::app {

class CoreDriver final : public runtime::HttpHandler {
 public:
  /// `config` passed core_sim::check(). All others outlive the driver.
  CoreDriver(const core_sim::CoreConfig& config, Rng& rng, runtime::Scheduler& scheduler,
             const Clock& clock, runtime::HttpClient& callbacks);
  ~CoreDriver() override;

  void handle(http::Request request, ReplyFn reply) override;

  // ---- N4, where the configuration has a UPF ------------------------------------------------
  using SendN4 = std::function<void(const core_sim::N4Datagram&)>;
  /// Begins to greet the UPFs.
  void start_n4(SendN4 send);
  void receive_n4(const core_sim::N4Endpoint& from, Bytes datagram);

  const core_sim::CoreSim& core() const { return core_; }

 private:
  void send(std::vector<core_sim::OutgoingCallback> callbacks);
  void send_n4();
  void arm();

  core_sim::CoreSim core_;
  runtime::ScopedScheduler scheduler_;
  const Clock& clock_;
  runtime::HttpClient& callbacks_;
  SendN4 send_n4_;
  runtime::Scheduler::TimerId wake_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lobo::app
