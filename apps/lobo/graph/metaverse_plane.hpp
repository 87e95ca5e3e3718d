#pragma once
// The metaverse enabler's server (MMES) as one object: state machines, routes, runner and notifier,
// joined over ports. What it is joined to (SQLite and sockets, or virtual ones) is the caller's.

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

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
#include "services/metaverse/mdrb.hpp"
#include "services/metaverse/media_store.hpp"
#include "services/metaverse/policy_book.hpp"
#include "services/metaverse/ports.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::app {

class MetaversePlane {
 public:
  struct Ports {
    runtime::Store& store;
    runtime::Scheduler& scheduler;
    const Clock& clock;
    Rng& secrets;  ///< unguessable in production
    Rng& jitter;
    runtime::HttpClient& sealdd;
    runtime::TokenProvider* sealdd_tokens = nullptr;
    runtime::HttpClient& sinks;  ///< checks the address of every sink
    runtime::Authenticator& authenticator;
    runtime::Log& log;
    runtime::Metrics& metrics;
    runtime::HttpClient* nrm = nullptr;  ///< null: as `sealdd`
    runtime::TokenProvider* nrm_tokens = nullptr;
    metaverse::MediaStore* media = nullptr;  ///< null: blocks and assets are not served
  };
  struct Config {
    metaverse::Settings metaverse;
    runtime::PeerConfig sealdd;
    runtime::RouterLimits router;
    runtime::NotifierLimits notifier;
    metaverse::MediaLimits media{};
    std::optional<runtime::PeerConfig> nrm{};  ///< absent: the network is asked for nothing
  };

  MetaversePlane(Config config, Ports ports);
  ~MetaversePlane();
  MetaversePlane(const MetaversePlane&) = delete;
  MetaversePlane& operator=(const MetaversePlane&) = delete;

  /// Takes up what the previous run left. Before the first request.
  Result<void> start();

  runtime::Router& router() { return router_; }
  runtime::Notifier& notifier() { return notifier_; }
  const metaverse::Settings& settings() const { return config_.metaverse; }
  bool idle() const { return runner_.idle() && notifier_.pending() == 0; }

 private:
  class ParkedInStore;
  void serve_media();
  Result<void> restore_policies();
  Result<void> restore_media();
  void media_part(const resource::Key& from, std::string_view body);

  Config config_;
  Ports ports_;
  metaverse::PolicyBook policies_;
  std::unique_ptr<metaverse::Parked> parked_;
  std::vector<std::unique_ptr<resource::Machine>> machines_;
  runtime::ScopedScheduler scheduler_;  ///< before all that put work off: it outlives them
  runtime::Replies replies_;
  runtime::Calls calls_;
  runtime::Notifier notifier_;
  runtime::EffectRunner runner_;
  runtime::Router router_;
};

}  // namespace lobo::app
