#pragma once
// The SEALDD server as one object: state machines, routes, runner, notifier and the hub, joined
// over ports. What it is joined to (SQLite and sockets, or virtual ones) is the caller's.

#include <cstddef>
#include <deque>
#include <optional>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "runtime/calls.hpp"
#include "runtime/effect_runner.hpp"
#include "runtime/network_peer.hpp"
#include "runtime/notifier.hpp"
#include "runtime/ports.hpp"
#include "runtime/replies.hpp"
#include "runtime/router.hpp"
#include "runtime/scoped_scheduler.hpp"
#include "services/sealdd/hub.hpp"
#include "services/sealdd/ports.hpp"
#include "services/sealdd/routes.hpp"
#include "wire/resource/effect.hpp"
#include "wire/sdd/token.hpp"

namespace lobo::app {

/// Tells that wait because their resource has as many events waiting as it may.
inline constexpr std::size_t tells_waiting_max = 100'000;

class SealddPlane {
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
    sdd::TokenSigner& signer;
    runtime::HttpClient* mmes = nullptr;  ///< where `Config::mmes` is there
    runtime::TokenProvider* mmes_tokens = nullptr;
    runtime::HttpClient* nrm = nullptr;  ///< where `Config::nrm` is there
    runtime::TokenProvider* nrm_tokens = nullptr;
  };
  struct Config {
    sealdd::Settings sealdd;
    runtime::RouterLimits router;
    runtime::NotifierLimits notifier;
    std::optional<runtime::PeerConfig> mmes{};  ///< absent: no session can be asked for here
    std::optional<runtime::PeerConfig> nrm{};   ///< absent: two paths are nobody else's concern
  };

  SealddPlane(Config config, Ports ports);
  ~SealddPlane();
  SealddPlane(const SealddPlane&) = delete;
  SealddPlane& operator=(const SealddPlane&) = delete;

  /// Takes up what the previous run left. Before the first request.
  Result<void> start();

  runtime::Router& router() { return router_; }
  runtime::Notifier& notifier() { return notifier_; }
  const sealdd::Settings& settings() const { return config_.sealdd; }
  const sealdd::Hub& hub() const { return hub_; }
  bool idle() const { return runner_.idle() && notifier_.pending() == 0; }

 private:
  void add_peers();
  Result<void> restore();
  void observed();
  void deliver();
  void measure();
  void arm();

  Config config_;
  Ports ports_;
  sealdd::Hub hub_;
  sealdd::Machines machines_;
  runtime::ScopedScheduler scheduler_;  ///< before all that put work off: it outlives them
  runtime::Replies replies_;
  runtime::Calls calls_;
  runtime::Notifier notifier_;
  runtime::EffectRunner runner_;
  runtime::Router router_;
  std::deque<resource::Tell> waiting_;
  bool delivering_ = false;
  std::optional<Instant> armed_;
  runtime::Scheduler::TimerId timer_ = 0;
  runtime::Counter& tells_lost_;
  runtime::Counter& nodes_alive_;
  runtime::Counter& connections_;
  std::size_t nodes_told_ = 0;
  std::size_t connections_told_ = 0;
};

}  // namespace lobo::app
