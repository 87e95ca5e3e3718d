#pragma once
// The media application function as one object: state machines, routes, runner, notifier and the
// Energy Information AF, joined over ports. What it is joined to (SQLite and sockets, or virtual
// ones) is the caller's.

#include <chrono>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "graph/media_planner.hpp"
#include "runtime/calls.hpp"
#include "runtime/effect_runner.hpp"
#include "runtime/notifier.hpp"
#include "runtime/ports.hpp"
#include "runtime/replies.hpp"
#include "runtime/router.hpp"
#include "runtime/scoped_scheduler.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/ports.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::app {

class MediaPlane {
 public:
  struct Ports {
    runtime::Store& store;
    runtime::Scheduler& scheduler;
    const Clock& clock;
    Rng& secrets;  ///< unguessable in production
    Rng& jitter;
    runtime::HttpClient& sinks;  ///< checks the address of every sink
    runtime::Authenticator& authenticator;
    runtime::Log& log;
    runtime::Metrics& metrics;
  };
  struct Config {
    media_energy::Settings media;
    runtime::RouterLimits router;
    runtime::NotifierLimits notifier;
  };

  MediaPlane(Config config, Ports ports);
  ~MediaPlane();
  MediaPlane(const MediaPlane&) = delete;
  MediaPlane& operator=(const MediaPlane&) = delete;

  /// Takes up what the previous run left. Before the first request.
  Result<void> start();

  runtime::Router& router() { return router_; }
  runtime::Notifier& notifier() { return notifier_; }
  const media_energy::Settings& settings() const { return config_.media; }
  const media_energy::Eiaf& eiaf() const { return eiaf_; }
  bool idle() const { return runner_.idle() && notifier_.pending() == 0; }

 private:
  Result<void> restore();
  void observed();
  void deliver();
  void arm();

  Config config_;
  Ports ports_;
  MediaPlanner planner_;
  media_energy::Eiaf eiaf_;
  std::vector<std::unique_ptr<resource::Machine>> machines_;
  runtime::ScopedScheduler scheduler_;  ///< before all that put work off: it outlives them
  runtime::Replies replies_;
  runtime::Calls calls_;
  runtime::Notifier notifier_;
  runtime::EffectRunner runner_;
  runtime::Router router_;
  bool delivering_ = false;
  bool armed_ = false;
  runtime::Counter& lost_;
  runtime::Counter& steps_;
};

}  // namespace lobo::app
