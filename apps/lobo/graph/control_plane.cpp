#include "graph/control_plane.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "graph/group_keeper.hpp"
#include "runtime/network_peer.hpp"
#include "services/seal_nrm/adaptation.hpp"
#include "services/seal_nrm/adaptation_page.hpp"
#include "services/seal_nrm/applied_bdt.hpp"
#include "services/seal_nrm/core_peer.hpp"
#include "services/seal_nrm/group_server.hpp"
#include "services/seal_nrm/measure_source.hpp"
#include "services/seal_nrm/monitor_machine.hpp"
#include "services/seal_nrm/monitor_routes.hpp"
#include "services/seal_nrm/monitoring_profile.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/reliable.hpp"
#include "services/seal_nrm/routes.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "services/seal_nrm/ue_watch.hpp"
#include "services/seal_nrm/unicast.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::app {

namespace {
constexpr std::size_t readdress_page = 256;
}  // namespace

ControlPlane::ControlPlane(Config config, Ports ports)
    : config_(std::move(config)),
      hub_(config_.nrm, ports.series),
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
      auditor_(config_.nrm, {runner_, calls_, scheduler_, ports.clock, ports.log, ports.metrics}),
      monitoring_(hub_,
                  {runner_, ports.store, scheduler_, ports.clock, ports.log, ports.metrics, ues_}) {
  const auto peer = [ports](runtime::PeerConfig at) {
    at.answers_all_the_same = seal_nrm::is_about_one_ue;
    return std::make_unique<runtime::NetworkPeer>(std::move(at), ports.network, ports.nef_tokens,
                                                  ports.clock, ports.metrics);
  };
  if (!config_.nef.authority.empty()) calls_.add(config_.nrm.core.peer, peer(config_.nef));
  if (config_.bsf) calls_.add(std::string(seal_nrm::bsf_peer), peer(*config_.bsf));
  if (config_.nef_beside) {
    const bool own = ports.nef_beside != nullptr;
    auto at = *config_.nef_beside;
    at.answers_all_the_same = seal_nrm::is_about_one_ue;
    calls_.add(std::string(seal_nrm::nef_peer),
               std::make_unique<runtime::NetworkPeer>(
                   std::move(at), own ? *ports.nef_beside : ports.network,
                   own ? ports.nef_beside_tokens : ports.nef_tokens, ports.clock, ports.metrics));
  }
  if (config_.groups) {
    auto& client = ports.group_server != nullptr ? *ports.group_server : ports.network;
    calls_.add(std::string(seal_nrm::group_peer),
               std::make_unique<runtime::NetworkPeer>(
                   config_.groups->at, client, ports.group_tokens, ports.clock, ports.metrics));
    keeper_.emplace(config_.groups->server, config_.nrm,
                    GroupKeeper::Ports{calls_, scheduler_, ports.clock, ports.log, ports.metrics},
                    [this](const std::string& id) {
                      group_changed(id);
                      monitoring_.directory_changed();
                    });
    ues_.look_further(*keeper_);
    router_.before_deciding([this](const http::Request& request, std::function<void()> ready) {
      const auto id = seal_nrm::group_named(request.body);
      if (id.empty() || ues_.groups().contains(id)) return ready();
      keeper_->ask(id, std::move(ready));
    });
  }
  // A PCF that the BSF named, which seal_nrm has held to what is allowed; each with a breaker of
  // its own, since one that is dead says nothing of the others.
  calls_.on_unknown([peer](std::string_view name) -> std::unique_ptr<runtime::NetworkPeer> {
    if (!name.starts_with(seal_nrm::pcf_peer_prefix)) return nullptr;
    const auto url = http::parse_url(name.substr(seal_nrm::pcf_peer_prefix.size()));
    if (!url) return nullptr;
    return peer({.name = "pcf",
                 .scheme = url->scheme,
                 .authority = url->authority(),
                 .path_prefix = {},
                 .redirect_authorities = {}});
  });
  machines_.push_back(std::make_unique<seal_nrm::UnicastMachine>(config_.nrm, ues_));
  machines_.push_back(std::make_unique<seal_nrm::UeWatchMachine>(config_.nrm, ues_));
  machines_.push_back(std::make_unique<seal_nrm::CorePeerMachine>());
  machines_.push_back(std::make_unique<seal_nrm::AdaptationMachine>(config_.nrm, ues_));
  machines_.push_back(std::make_unique<seal_nrm::AdaptationPageMachine>(config_.nrm, ues_));
  machines_.push_back(std::make_unique<seal_nrm::AppliedBdtMachine>(config_.nrm));
  machines_.push_back(std::make_unique<seal_nrm::ReliableMachine>(config_.nrm, ues_));
  machines_.push_back(std::make_unique<seal_nrm::MeasureSourceMachine>(config_.nrm));
  machines_.push_back(
      std::make_unique<seal_nrm::MonitorMachine>(config_.nrm, ues_, hub_, ports.series));
  machines_.push_back(std::make_unique<seal_nrm::MonitoringProfileMachine>(config_.nrm));
  for (const auto& machine : machines_) runner_.add(*machine);
  router_.add(seal_nrm::routes(config_.nrm));
  router_.add(seal_nrm::monitor_routes(hub_));
}

ControlPlane::~ControlPlane() = default;

void ControlPlane::readdress() {
  if (seal_nrm::has_nef(config_.nrm)) return;
  const resource::Key from{"directory", config_.nrm.core.peer};
  std::string after;
  while (true) {
    const auto page = runner_.lookup().list("ue_watch", "", after, readdress_page);
    // A watch that cannot be read looks again at the next create.
    if (!page || page->empty()) return;
    for (const auto& watch : *page) runner_.submit(watch.key, resource::Told{from, "doubted", {}});
    after = page->back().key.id;
  }
}

Result<void> ControlPlane::start() {
  // Before the outbox: what it brings back may be about monitors.
  if (auto filled = monitoring_.start(); !filled) return filled;
  if (auto recovered = runner_.recover(); !recovered) return recovered;
  auditor_.start();
  if (keeper_) keeper_->start();
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
  for (const auto id : changed) group_changed(id);
}

void ControlPlane::group_changed(std::string_view id) {
  const resource::Key from{"directory", ""};
  const auto adaptations =
      runner_.lookup().by_subject(seal_nrm::adaptation_kind, id, adaptations_told_max);
  if (!adaptations) return;  // The store; they look by themselves.
  for (const auto& adaptation : *adaptations)
    runner_.submit(adaptation, resource::Told{from, "group", ""});
}

}  // namespace lobo::app
