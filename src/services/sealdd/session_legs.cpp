// What a session holds for each of its UEs, and the one place that asks for it.

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/mm_das.hpp"
#include "api/sdd_connections.hpp"
#include "api/state/sealdd.hpp"
#include "api/sync_types.hpp"
#include "base/clock.hpp"
#include "services/sealdd/connection.hpp"
#include "services/sealdd/session.hpp"
#include "services/sealdd/session_step.hpp"
#include "sync/schedule.hpp"
#include "wire/json/json.hpp"
#include "wire/json/types.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::sealdd {

namespace das = api::mm_das;
namespace sdc = api::sdd_connections;
namespace state = api::state::sealdd;
using sdc::SddConnectionState;
using sdc::SddFlowState;

namespace {

/// Nobody had a say in it: what kind of transmission it is, and SEALDD's own policies, decide.
bool by_default(const ResolvedAsset& asset, std::string_view member) {
  return std::ranges::any_of(asset.trace, [&](const das::TraceEntry& entry) {
    return entry.member == member && entry.origin == das::TraceOrigin::default_;
  });
}

}  // namespace

std::string leg_timer(const SessionLeg& leg) { return "leg:" + std::to_string(leg.no); }

// ---- what is wanted
// ------------------------------------------------------------------------------

bool SessionStep::admitted(const ResolvedAsset& asset) const {
  return asset.decision != das::PolicyDecision::refuse && asked_of(asset) != nullptr;
}

bool SessionStep::in_window(const ResolvedAsset& asset) const {
  return !asset.qos || !asset.qos->sched || sync::is_open(*asset.qos->sched, now_);
}

const SyncAsset* SessionStep::asked_of(const ResolvedAsset& asset) const {
  const auto found = std::ranges::find_if(asked_.assets, [&](const SyncAsset& one) {
    return one.asset_id == asset.asset_id && one.host_ue == asset.host_ue;
  });
  return found == asked_.assets.end() ? nullptr : &*found;
}

bool SessionStep::needed(const ResolvedAsset& asset) const {
  const auto* asked = asked_of(asset);
  return asked != nullptr && !asked->optional.value_or(false);
}

const SessionLeg* SessionStep::leg_of(const ResolvedAsset& asset) const {
  const auto found = std::ranges::find(state_.legs, ue_of(asset.host_ue), &SessionLeg::ue);
  return found == state_.legs.end() ? nullptr : &*found;
}

bool SessionStep::any_established() const {
  return std::ranges::any_of(state_.legs, [](const SessionLeg& leg) {
    return leg.state == SddConnectionState::established;
  });
}

/// The request of this UE's connection as it shall be; nothing where it is to have no flow.
std::optional<std::string> SessionStep::wanted(const SessionLeg& leg) const {
  if (ending() || !state_.resolved) return std::nullopt;
  sdc::SddConnectionReq out;
  for (const auto& asset : *state_.resolved) {
    if (ue_of(asset.host_ue) != leg.ue || !admitted(asset) || !in_window(asset)) continue;
    const auto& asked = *asked_of(asset);
    sdc::SddFlowReq flow;
    flow.direction = asset.direction.value_or(api::sync_types::Direction::bidi);
    flow.components = asset.components;
    flow.qos = asset.qos;
    if (flow.qos) {
      flow.qos->sched.reset();  // The windows are kept here: outside of them there is no flow.
      if (asset.ladder && asset.ladder->size() > 1)
        flow.qos->alternatives.emplace(asset.ladder->begin() + 1, asset.ladder->end());
    }
    if (!by_default(asset, "/redundancy")) flow.redundancy = asset.redundancy;
    flow.termination = asked.server_ep.termination;
    flow.server_ep = asked.server_ep;
    flow.client_ep = asked.client_ep;
    out.flows.emplace(asset.asset_id, std::move(flow));
  }
  if (out.flows.empty()) return std::nullopt;
  out.room = state_.room;
  out.val_service_id = asked_.val_service_id;
  out.val_server_id = asked_.requester_id;
  out.val_target_ue = leg.val_target_ue;
  if (asked_.lower_layer_hints && asked_.lower_layer_hints->trans_type)
    out.trans_type = *asked_.lower_layer_hints->trans_type == das::TransType::urllc
                         ? sdc::SddTransType::urllc
                         : sdc::SddTransType::regular;
  out.exp_time = state_.exp_time;
  out.mmel_resolved = true;
  return json::write(out);
}

/// The next edge of any window.
void SessionStep::schedule() {
  std::optional<Instant> edge;
  for (const auto& asset : *state_.resolved) {
    if (!admitted(asset) || !asset.qos || !asset.qos->sched) continue;
    const auto next = sync::next_edge(*asset.qos->sched, now_);
    if (next && (!edge || *next < *edge)) edge = next;
  }
  if (edge)
    start(session_window_timer, *edge);
  else
    stop(session_window_timer);
}

// ---- the one place that asks
// ---------------------------------------------------------------------

void SessionStep::plan_legs() {
  for (auto& leg : state_.legs) plan(leg);
}

void SessionStep::plan(SessionLeg& leg) {
  if (leg.busy.value_or(false) || leg.waits.value_or(false)) return;
  const auto want = wanted(leg);
  if (!want && !leg.there.value_or(false)) return;
  if (want && (leg.applied == want || leg.refused == want)) return;
  state::SessionAsks asks;
  asks.leg = leg.no;
  asks.owner = owner_;
  leg.seq = leg.seq.value_or(0) + 1;
  asks.seq = *leg.seq;
  if (want) {
    auto request = json::read<sdc::SddConnectionReq>(*want);
    if (!request) return;  // It is our own writing.
    asks.request = std::move(*request);
  }
  leg.asked = want;
  leg.there = true;
  leg.busy = true;
  effects_.emplace_back(resource::Tell{
      {std::string(connection_kind), connection_of(key_.id, leg)}, "session", json::write(asks)});
}

bool SessionStep::settled(const SessionLeg& leg) const {
  if (leg.busy.value_or(false)) return false;
  const auto want = wanted(leg);
  return want ? leg.applied == want || leg.refused == want : !leg.there.value_or(false);
}

// ---- what connections say
// ------------------------------------------------------------------------

void SessionStep::told(const resource::Told& told) {
  if (told.what == "notif_uri_moved") state_.notif_uri = told.body;
  if (told.what != "connection") return;
  const auto said = json::read<state::ConnectionSaid>(told.body);
  if (!said) return;
  for (auto& leg : state_.legs)
    if (leg.no == said->leg && told.from.id == connection_of(key_.id, leg))
      return connection_told(leg, *said);
}

void SessionStep::connection_told(SessionLeg& leg, const state::ConnectionSaid& said) {
  const bool latest = said.seq == leg.seq;
  if (said.status) {  // It would not have what was asked last; what it had goes on.
    if (!latest) return;
    leg.busy.reset();
    leg.refused = std::exchange(leg.asked, std::nullopt);
    leg.status = said.status;
    leg.cause = said.cause;
    if (!leg.applied) left(leg, {});
    // Of a live session what there is no room for now may find some later.
    if (state_.acknowledged.value_or(false) && (*said.status == 503 || *said.status == 429)) {
      leg.refused.reset();
      leg.waits = true;
      start(leg_timer(leg), now_ + settings_.retry_first);
    }
    return;
  }
  if (said.state == SddConnectionState::released) {
    const bool wished = !leg.asked && latest;
    left(leg, said.cause.value_or("RELEASED"));
    if (wished || ending()) return;
    // Not at once: what was given up there may have to be given up again.
    leg.waits = true;
    start(leg_timer(leg), now_ + settings_.retry_first);
    return;
  }
  if (said.state == SddConnectionState::releasing || said.pending.value_or(false)) return;
  if (latest && leg.busy.value_or(false) && leg.asked) {
    leg.busy.reset();
    leg.applied = std::exchange(leg.asked, std::nullopt);
    leg.refused.reset();
    leg.status.reset();
    leg.cause.reset();
  }
  const bool before = any_established();
  take_up(leg);
  const bool now = any_established();
  if (now) state_.up_once = true;
  if (now == before || !state_.acknowledged.value_or(false)) return;
  if (now)
    stop(session_grace_timer);
  else
    start(session_grace_timer, now_ + settings_.grace);
}

/// As its record has it: what came in between was told before, or is in it.
void SessionStep::take_up(SessionLeg& leg) {
  const auto record = lookup_.find({std::string(connection_kind), connection_of(key_.id, leg)});
  if (!record || !*record) return;
  const auto connection = json::read<state::ConnectionState>((*record)->state);
  if (!connection) return;
  const auto before = std::exchange(leg.state, connection->state);
  if (connection->node_id != leg.node_id || connection->epoch != leg.epoch) {
    const bool known = leg.node_id.has_value();
    leg.node_id = connection->node_id;
    leg.epoch = connection->epoch;
    if (known && connection->conn_info) {
      auto& told = event(SyncEventType::relocated);
      told.host_ue = leg.val_target_ue;
      told.dd_server_conn_info = connection->conn_info;
      told.token = connection->token;
      told.reason = connection->cause;
    }
  }
  if (leg.state == SddConnectionState::established && before != leg.state)
    event(SyncEventType::peer_joined).host_ue = leg.val_target_ue;
  if (before == SddConnectionState::established && before != leg.state)
    event(SyncEventType::peer_left).host_ue = leg.val_target_ue;
  if (leg.flows)
    std::erase_if(*leg.flows,
                  [&](const auto& one) { return !connection->flows.contains(one.first); });
  for (const auto& [asset, flow] : connection->flows)
    flow_is(leg, asset, flow.state, flow.cause.value_or(""));
}

void SessionStep::flow_is(SessionLeg& leg, const std::string& asset, SddFlowState now,
                          std::string_view reason) {
  auto& flows = leg.flows ? *leg.flows : leg.flows.emplace();
  const auto [at, fresh] = flows.try_emplace(asset, now);
  if (!fresh && at->second == now) return;
  at->second = now;
  if (fresh && now == SddFlowState::init) return;  // It is there; nothing has happened to it.
  const auto shown = json::enum_from<das::FlowState>(sdc::to_string(now));
  const auto tell = [&](SyncEventType what) -> SyncEvent& {
    auto& told = event(what);
    told.asset_id = asset;
    told.host_ue = leg.val_target_ue;
    return told;
  };
  auto& told = tell(SyncEventType::flow_state);
  told.flow_state = shown;
  if (!reason.empty()) told.reason = std::string(reason);
  if (now == SddFlowState::stalled) tell(SyncEventType::state_stale);
  if (now == SddFlowState::migrating) tell(SyncEventType::path_change);
}

/// The connection is gone; the next one has another name.
void SessionStep::left(SessionLeg& leg, std::string_view why) {
  if (leg.flows) {
    const auto flows = *leg.flows;
    for (const auto& [asset, was] : flows) flow_is(leg, asset, SddFlowState::closed, why);
  }
  leg.there.reset();
  leg.busy.reset();
  leg.asked.reset();
  leg.applied.reset();
  leg.state.reset();
  leg.node_id.reset();
  leg.epoch.reset();
  leg.flows.reset();
  leg.generation = leg.generation.value_or(0) + 1;
}

}  // namespace lobo::sealdd
