#include "graph/sealdd_plane.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/network_peer.hpp"
#include "runtime/ports.hpp"
#include "services/sealdd/hub.hpp"
#include "services/sealdd/ports.hpp"
#include "services/sealdd/routes.hpp"
#include "wire/http/url.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::app {

namespace {
const resource::Key from_hub{"hub", "sealdd"};
/// How soon a resource that had too much waiting is told again.
constexpr std::chrono::milliseconds tell_again_after{20};
}  // namespace

SealddPlane::SealddPlane(Config config, Ports ports)
    : config_(std::move(config)),
      ports_(ports),
      hub_(config_.sealdd, ports.clock.now()),
      machines_(config_.sealdd, hub_, ports.signer),
      scheduler_(ports.scheduler),
      replies_(scheduler_, ports.clock),
      notifier_(
          ports.store, scheduler_, ports.sinks, ports.jitter, ports.log, ports.metrics,
          [this](const http::Url& url) { return config_.sealdd.sinks.check(url); },
          config_.notifier),
      runner_({ports.store, scheduler_, ports.clock, ports.log, ports.metrics, replies_, calls_,
               notifier_}),
      router_({runner_, replies_, ports.authenticator, ports.store, ports.clock, ports.secrets,
               ports.log, ports.metrics},
              config_.router),
      tells_lost_(ports.metrics.counter("lobo_sealdd_tells_lost_total", {})),
      nodes_alive_(ports.metrics.gauge("lobo_sealdd_nodes_alive", {})),
      connections_(ports.metrics.gauge("lobo_sealdd_connections", {})) {
  add_peers();
  for (const auto* machine : machines_.all()) runner_.add(*machine);
  router_.add(sealdd::routes(config_.sealdd, hub_, machines_));
  runner_.on_observed([this](const resource::Key& from, const resource::Observe& what) {
    hub_.observed(from, what, ports_.clock.now());
    observed();
  });
  notifier_.on_moved([this](const resource::Key& subscription, const std::string& uri) {
    runner_.submit(subscription, resource::Told{from_hub, "notif_uri_moved", uri});
  });
}

SealddPlane::~SealddPlane() = default;

void SealddPlane::add_peers() {
  const auto add = [this](std::string_view name, const std::optional<runtime::PeerConfig>& peer,
                          runtime::HttpClient* client, runtime::TokenProvider* tokens) {
    if (!peer || client == nullptr) return false;
    calls_.add(std::string(name), std::make_unique<runtime::NetworkPeer>(
                                      *peer, *client, tokens, ports_.clock, ports_.metrics));
    return true;
  };
  config_.sealdd.mmes = add(sealdd::mmes_peer, config_.mmes, ports_.mmes, ports_.mmes_tokens);
  config_.sealdd.nrm = add(sealdd::nrm_peer, config_.nrm, ports_.nrm, ports_.nrm_tokens);
}

/// What is stored is let known again: nodes first, since connections speak of them.
Result<void> SealddPlane::restore() {
  for (const auto& one : sealdd::restored_kinds()) {
    const auto keys = ports_.store.by_subject(one.kind, one.subject, one.max);
    if (!keys) return fail(keys.error());
    for (const auto& key : *keys) {
      const auto record = ports_.store.find(key);
      if (!record) return fail(record.error());
      if (*record) hub_.restored(**record, ports_.clock.now());
    }
  }
  return {};
}

Result<void> SealddPlane::start() {
  if (auto restored = restore(); !restored) return restored;
  if (auto recovered = runner_.recover(); !recovered) return recovered;
  observed();
  return {};
}

void SealddPlane::observed() {
  // Through the loop: the resource that observed is still being worked on.
  if (std::exchange(delivering_, true)) return;
  scheduler_.post([this] {
    delivering_ = false;
    deliver();
    arm();
  });
}

/// Gauges follow the hub by what has changed since they were last told.
void SealddPlane::measure() {
  const auto follow = [](runtime::Counter& gauge, std::size_t now, std::size_t& told) {
    gauge.add(static_cast<double>(now) - static_cast<double>(std::exchange(told, now)));
  };
  follow(nodes_alive_, hub_.nodes().alive_nodes(), nodes_told_);
  follow(connections_, hub_.nodes().connections(), connections_told_);
}

void SealddPlane::deliver() {
  auto dues = hub_.take_dues();
  for (auto& answer : dues.answers) replies_.reply(answer.request, std::move(answer.response));
  for (auto& told : dues.told) {
    if (waiting_.size() < tells_waiting_max)
      waiting_.push_back(std::move(told));
    else
      tells_lost_.add(1);
  }
  // One that its resource cannot take now waits, and with it what comes behind it.
  for (std::size_t left = waiting_.size(); left > 0; --left) {
    if (!runner_.takes(waiting_.front().to)) break;
    auto told = std::move(waiting_.front());
    waiting_.pop_front();
    runner_.submit(told.to, resource::Told{from_hub, std::move(told.what), std::move(told.body)});
  }
  measure();
}

void SealddPlane::arm() {
  const auto now = ports_.clock.now();
  auto due = hub_.next_deadline(now);
  if (!waiting_.empty()) due = std::min(due, now + tell_again_after);
  if (armed_ && *armed_ <= due) return;
  if (armed_) scheduler_.cancel(timer_);
  armed_ = due;
  timer_ = scheduler_.after(std::max(due - now, Instant::duration::zero()), [this] {
    armed_.reset();
    hub_.advance(ports_.clock.now());
    deliver();
    arm();
  });
}

}  // namespace lobo::app
