#include "graph/control_plane.hpp"

#include <memory>
#include <utility>

#include "runtime/network_peer.hpp"
#include "services/seal_nrm/core_peer.hpp"
#include "services/seal_nrm/routes.hpp"
#include "services/seal_nrm/ue_watch.hpp"
#include "services/seal_nrm/unicast.hpp"
#include "wire/http/url.hpp"

namespace lobo::app {

ControlPlane::ControlPlane(Config config, Ports ports)
    : config_(std::move(config)),
      scheduler_(ports.scheduler),
      replies_(scheduler_, ports.clock),
      notifier_(
          ports.store, scheduler_, ports.sinks, ports.jitter, ports.log, ports.metrics,
          [this](const http::Url& url) { return config_.nrm.sinks.check(url); }, config_.notifier),
      runner_({ports.store, scheduler_, ports.clock, ports.log, ports.metrics, replies_, calls_,
               notifier_}),
      router_({runner_, replies_, ports.authenticator, ports.store, ports.clock, ports.secrets,
               ports.log, ports.metrics},
              config_.router),
      auditor_(config_.nrm, {runner_, calls_, scheduler_, ports.clock, ports.log, ports.metrics}) {
  calls_.add(config_.nrm.core.peer,
             std::make_unique<runtime::NetworkPeer>(config_.nef, ports.network, ports.nef_tokens,
                                                    ports.clock, ports.metrics));
  machines_.push_back(std::make_unique<seal_nrm::UnicastMachine>(config_.nrm, ues_));
  machines_.push_back(std::make_unique<seal_nrm::UeWatchMachine>(config_.nrm));
  machines_.push_back(std::make_unique<seal_nrm::CorePeerMachine>());
  for (const auto& machine : machines_) runner_.add(*machine);
  router_.add(seal_nrm::routes(config_.nrm));
}

ControlPlane::~ControlPlane() = default;

Result<void> ControlPlane::start() {
  if (auto recovered = runner_.recover(); !recovered) return recovered;
  auditor_.start();
  return {};
}

}  // namespace lobo::app
