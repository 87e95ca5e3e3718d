#include "graph/control_plane.hpp"

#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "runtime/network_peer.hpp"
#include "services/seal_nrm/adaptation.hpp"
#include "services/seal_nrm/adaptation_page.hpp"
#include "services/seal_nrm/applied_bdt.hpp"
#include "services/seal_nrm/core_peer.hpp"
#include "services/seal_nrm/routes.hpp"
#include "services/seal_nrm/ue_watch.hpp"
#include "services/seal_nrm/unicast.hpp"
#include "wire/http/url.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

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
  machines_.push_back(std::make_unique<seal_nrm::AdaptationMachine>(config_.nrm, ues_));
  machines_.push_back(std::make_unique<seal_nrm::AdaptationPageMachine>(config_.nrm, ues_));
  machines_.push_back(std::make_unique<seal_nrm::AppliedBdtMachine>(config_.nrm));
  for (const auto& machine : machines_) runner_.add(*machine);
  router_.add(seal_nrm::routes(config_.nrm));
}

ControlPlane::~ControlPlane() = default;

Result<void> ControlPlane::start() {
  if (auto recovered = runner_.recover(); !recovered) return recovered;
  auditor_.start();
  groups_changed({});  // They may have become others while we were not there.
  return {};
}

void ControlPlane::groups_changed(const ConfiguredUes::Groups& before) {
  std::set<std::string_view> changed;
  for (const auto& [id, group] : before)
    if (const auto now = ues_.group(id); !now || now->revision != group->revision)
      changed.insert(id);
  for (const auto& [id, group] : ues_.groups())
    if (!before.contains(id)) changed.insert(id);
  const resource::Key from{"directory", ""};
  for (const auto id : changed) {
    const auto adaptations =
        runner_.lookup().by_subject(seal_nrm::adaptation_kind, id, adaptations_told_max);
    if (!adaptations) continue;  // The store; they look by themselves.
    for (const auto& adaptation : *adaptations)
      runner_.submit(adaptation, resource::Told{from, "group", ""});
  }
}

}  // namespace lobo::app
