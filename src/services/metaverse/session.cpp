#include "services/metaverse/session.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "api/mm_das.hpp"
#include "api/state/metaverse.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/metaverse/ports.hpp"
#include "services/metaverse/session_step.hpp"
#include "services/metaverse/views.hpp"
#include "sync/schedule.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::metaverse {

namespace op = api::mm_das::operation;
using api::mm_das::FlowState;
using api::mm_das::PolicyDecision;
using resource::Outcome;

Result<Outcome> SessionMachine::step(const resource::Record* current, const resource::Key& key,
                                     const resource::Event& event, Instant now,
                                     const resource::Lookup& lookup) const {
  SessionStep step(settings_, policies_, key, now, lookup);
  if (current != nullptr)
    if (auto loaded = step.load(*current); !loaded) return fail(std::move(loaded.error()));
  Result<void> done;
  if (const auto* command = std::get_if<resource::Command>(&event)) {
    const bool resolves = command->operation == op::resolve_sync_session;
    if (resolves || command->operation == op::create_sync_session) {
      if (current != nullptr)
        done = step.create_again(*command);
      else
        done = resolves ? step.resolve_for_sealdd(*command) : step.create(*command);
    } else {
      if (current == nullptr) return fail(Errc::not_found, "no such session");
      done = step.command(*command);
    }
  } else if (const auto* callback = std::get_if<resource::Callback>(&event)) {
    if (current == nullptr) return fail(Errc::not_found, "no such callback");
    done = step.called_back(*callback);
  } else if (current == nullptr) {
    return Outcome{};  // An echo of a session that is gone.
  } else if (const auto* answer = std::get_if<resource::NetworkAnswer>(&event)) {
    step.answered(*answer);
  } else if (const auto* fired = std::get_if<resource::TimerFired>(&event)) {
    step.fired(fired->name);
  } else if (const auto* told = std::get_if<resource::Told>(&event)) {
    step.told(*told);
  } else if (const auto* recovered = std::get_if<resource::Recovered>(&event)) {
    step.recovered(recovered->call);
  }
  if (!done) return fail(std::move(done.error()));
  return step.finish(current);
}

bool any_flow(const api::state::metaverse::SessionState& state) {
  return std::ranges::any_of(state.assets, [](const AssetState& asset) {
    return asset.flow_state && asset.flow_state != FlowState::closed &&
           asset.flow_state != FlowState::init;
  });
}

Result<void> SessionStep::load(const resource::Record& current) {
  auto state = json::read<api::state::metaverse::SessionState>(current.state);
  if (!state)
    return fail(Errc::internal, "a stored session cannot be read: " + state.error().detail);
  state_ = std::move(*state);
  auto asked = json::read<SyncSessionReq>(state_.text);
  if (!asked) return fail(Errc::internal, "a stored session cannot be read");
  asked_ = std::move(*asked);
  owner_ = current.owner;
  before_ = state_.state;
  flows_before_ = any_flow(state_);
  return {};
}

bool SessionStep::ending() const {
  return state_.state == SessionState::releasing || state_.state == SessionState::released ||
         state_.state == SessionState::failed;
}
bool SessionStep::live() const { return !ending(); }

bool SessionStep::admitted(const AssetState& asset) const {
  return asset.resolved.decision != PolicyDecision::refuse;
}

bool SessionStep::in_window(const AssetState& asset) const {
  return !asset.resolved.qos || !asset.resolved.qos->sched ||
         sync::is_open(*asset.resolved.qos->sched, now_);
}

const SyncAsset* SessionStep::asked_of(const AssetState& asset) const {
  const auto found = std::ranges::find_if(asked_.assets, [&](const SyncAsset& one) {
    return one.asset_id == asset.resolved.asset_id && one.host_ue == asset.resolved.host_ue;
  });
  return found == asked_.assets.end() ? nullptr : &*found;
}

bool SessionStep::needed(const AssetState& asset) const {
  const auto* asked = asked_of(asset);
  return asked != nullptr && !asked->optional.value_or(false);
}

// ---- what state it is in -----------------------------------------------------------------------

SessionState SessionStep::state_now() const {
  if (ending()) return state_.state;
  if (state_.shadow.value_or(false)) return SessionState::resolved;
  bool any_open = false, all_up = true, whole = true;
  for (const auto& asset : state_.assets) {
    if (admitted(asset) && !in_window(asset)) continue;
    if (admitted(asset)) any_open = true;
    if (!needed(asset)) continue;
    // STALLED and MIGRATING have been up, and may be again without anybody's doing.
    const bool there =
        admitted(asset) && asset.flow_state &&
        (asset.flow_state == FlowState::up || asset.flow_state == FlowState::stalled ||
         asset.flow_state == FlowState::migrating);
    all_up = all_up && there;
    whole = whole && there && asset.flow_state == FlowState::up && asset.tier == 0 &&
            !asset.unfulfilled.value_or(false);
  }
  if (!any_open) return SessionState::suspended;
  if (all_up) return whole ? SessionState::active : SessionState::degraded;
  return state_.up_once.value_or(false) ? SessionState::degraded : SessionState::connecting;
}

/// Step 8, whoever or whatever asked for it. What SEALDD holds is released by plan().
void SessionStep::end(std::string_view cause) {
  if (ending()) return;
  state_.state = SessionState::releasing;
  state_.cause = std::string(cause);
  clause_ = "23.700-21 7.y.1 step 8";
  auto& last = event(SyncEventType::session_ending);
  last.reason = std::string(cause);
  for (auto& asset : state_.assets)
    if (asset.flow_state) flow_is(asset, FlowState::closed, cause);
  for (const auto timer : {timer_expire, timer_window, timer_grace, timer_collect}) stop(timer);
}

// ---- time --------------------------------------------------------------------------------------

void SessionStep::start_clocks() {
  if (!live()) return;
  if (asked_.exp_time)
    start(timer_expire, *asked_.exp_time);
  else
    stop(timer_expire);
  std::optional<Instant> edge;
  for (const auto& asset : state_.assets) {
    if (!admitted(asset) || !asset.resolved.qos || !asset.resolved.qos->sched) continue;
    const auto next = sync::next_edge(*asset.resolved.qos->sched, now_);
    if (next && (!edge || *next < *edge)) edge = next;
  }
  if (edge)
    start(timer_window, *edge);
  else
    stop(timer_window);
}

/// A session that had flows and has none, inside a window, ends after a while: its UEs are gone.
void SessionStep::watch_grace() {
  if (!live() || state_.shadow.value_or(false)) return;
  const bool flows = any_flow(state_);
  if (flows) state_.up_once = true;
  const bool waits = !flows && state_.up_once.value_or(false);
  if (flows == flows_before_) return;
  if (waits)
    start(timer_grace, now_ + settings_.limits.grace);
  else
    stop(timer_grace);
}

void SessionStep::fired(std::string_view timer) {
  if (timer == timer_answer) return answer_waiting(true);
  if (timer == timer_retained) {
    erased_ = true;
    return;
  }
  if (timer == timer_expire) return end("EXPIRED");
  if (timer == timer_grace) {
    if (!any_flow(state_) && state_now() != SessionState::suspended) end("NO_FLOW");
    return;
  }
  if (timer == timer_window) {
    clocks_ = true;
    for (auto& asset : state_.assets)
      if (admitted(asset) && !in_window(asset) && asset.flow_state)
        flow_is(asset, FlowState::closed, "OUTSIDE_SCHEDULE");
    if (state_now() != SessionState::suspended && !any_flow(state_))
      start(timer_grace, now_ + settings_.limits.first_flow);
    return;
  }
  if (timer == timer_collect) {
    state_.collect_until.reset();
    return;
  }
  for (auto& leg : state_.legs) {
    const auto name = std::to_string(leg.no);
    if (timer == "retry:" + name) leg.waits.reset();
    if (timer == "renew:" + name && leg.connection_id) leg.renew = true;
    if (timer == network_timer(leg)) leg.network_waits.reset();
  }
}

void SessionStep::told(const resource::Told& told) {
  if (told.what == "policy_changed") return policies_changed();
  if (told.what == "notif_uri_moved") state_.notif_uri = told.body;
}

// ---- the end of a step -------------------------------------------------------------------------

/// Whoever asked is told that it is there: from now on it lives until somebody ends it.
void SessionStep::acknowledge() {
  state_.acknowledged = true;
  if (state_now() != SessionState::suspended)
    start(timer_grace, now_ + settings_.limits.first_flow);
  clause_ = "23.700-21 7.y.1 step 4";
}

/// Nobody is told 201 of what is gone the moment after.
http::Response SessionStep::ended_meanwhile() const {
  const auto cause = state_.cause.value_or("");
  if (cause == "POLICY_DENIED") return refusal(403, cause, "policies that came meanwhile deny it");
  return refusal(409, "SESSION_CONFLICT", "the session was ended meanwhile: " + cause);
}

void SessionStep::answer_waiting(bool late) {
  if (state_.waiting.empty() && state_.acknowledged.value_or(false)) return;
  const bool all_settled =
      std::ranges::all_of(state_.legs, [&](const Leg& leg) { return settled(leg); });
  if (!all_settled && !late) return;
  if (live() && !state_.acknowledged.value_or(false)) {
    const auto missing = std::ranges::find_if(state_.assets, [&](const AssetState& asset) {
      if (!admitted(asset) || !in_window(asset) || !needed(asset)) return false;
      const auto* leg = leg_of(asset.resolved.host_ue);
      return leg == nullptr || !leg->connection_id || !asset.flow_ids ||
             (needs_network(asset) && !leg->network_id);
    });
    // Late, and yet all is settled: a process before this one asked, and nobody waits any more.
    if (missing == state_.assets.end() && !(late && all_settled)) {
      acknowledge();
    } else {
      // The saga's way back: what the others got is released, and nothing stays.
      std::string_view cause = "SEALDD_FAILED";
      std::string why = "SEALDD did not answer in time";
      if (missing != state_.assets.end()) {
        const auto* leg = leg_of(missing->resolved.host_ue);
        if (leg != nullptr && leg->refused) why = *leg->refused;
        if (missing->cause) why = *missing->cause;
        if (leg != nullptr && leg->connection_id && missing->flow_ids && needs_network(*missing)) {
          cause = "NETWORK_QOS_FAILED";
          why = leg->network_cause.value_or(settings_.nrm ? "NRM did not answer in time"
                                                          : "no NRM is configured to ask");
        }
      }
      for (const auto& one : state_.waiting) reply(one.request, refusal(424, cause, why));
      state_.waiting.clear();
      state_.state = SessionState::failed;
      state_.cause = std::string(cause);
      clause_ = "23.700-21 7.y.1 step 3, taken back";
      return;
    }
  }
  if (live() || state_.legs.empty() || late) {
    stop(timer_answer);
    state_.state = state_now();
    const bool never_was = ending() && !state_.acknowledged.value_or(false);
    for (const auto& one : std::exchange(state_.waiting, {})) {
      if (never_was && one.operation == op::create_sync_session) {
        reply(one.request, ended_meanwhile());
        continue;
      }
      if (one.operation == op::delete_sync_session) {
        const bool gone = state_.legs.empty();
        http::Response answer{gone ? 204 : 202, {}, {}};
        if (const auto view = session_view(state_, key_.id, settings_); !gone && view)
          answer = {202, {{"content-type", "application/json"}}, json::write(*view)};
        reply(one.request, std::move(answer));
        continue;
      }
      if (one.asset_id) {
        if (one.operation == op::remove_sync_asset) {
          reply(one.request, {204, {}, {}});
          continue;
        }
        const auto asset = asset_of(state_, *one.asset_id, one.ue_id.value_or(""));
        if (asset)
          reply(one.request,
                {200,
                 {{"content-type", "application/json"}},
                 json::write(asset_view(state_, **asset))},
                true);
        else
          reply(one.request,
                refusal(404, "CONTEXT_NOT_FOUND", "the asset was taken out meanwhile"));
        continue;
      }
      const auto view = session_view(state_, key_.id, settings_);
      const bool creates = one.operation == op::create_sync_session;
      http::Response answer{creates ? 201 : 200,
                            {{"content-type", "application/json"}},
                            view ? json::write(*view) : std::string("{}")};
      if (creates) answer.headers.add("location", session_uri(settings_, key_.id));
      reply(one.request, std::move(answer), true);
    }
  }
}

void SessionStep::settle() {
  if (!state_.waiting.empty()) answer_waiting(false);
  // What came of it may have to be taken back at once.
  if (ending()) plan();
  if (ending() && state_.legs.empty()) {
    if (!state_.waiting.empty()) answer_waiting(false);
    if (!state_.acknowledged.value_or(false)) {
      erased_ = true;
    } else if (state_.state == SessionState::releasing) {
      state_.state = SessionState::released;
      std::int64_t retention = 0;
      for (const auto& asset : state_.assets)
        retention =
            std::max(retention, asset.resolved.retention_sec.value_or(retention_usual.count()));
      if (retention == 0)
        erased_ = true;
      else
        start(timer_retained, now_ + std::chrono::seconds{retention});
    }
  }
  state_.state = state_now();
}

Result<Outcome> SessionStep::finish(const resource::Record* current) {
  Outcome out;
  if (!keep_nothing_) {
    ensure_legs();
    plan();
    settle();
    if (clocks_) start_clocks();
    watch_grace();
    if (state_.state != before_ && state_.acknowledged.value_or(false)) {
      auto& told = event(SyncEventType::session_state);
      told.reason = state_.cause;
    }
    if (auto notified = notify(); !notified) return fail(notified.error());
  }
  out.effects = std::move(effects_);
  out.clause = std::move(clause_);
  if (keep_nothing_) return out;
  if (erased_) {
    out.change = current == nullptr ? resource::Change::keep : resource::Change::erase;
    return out;
  }
  out.state = json::write(state_);
  out.subject = ending() ? "" : every_session;
  // What changed nothing writes nothing: not even a new version.
  if (current != nullptr && current->state == out.state && current->subject == out.subject) {
    out.state.clear();
    return out;
  }
  out.change = resource::Change::put;
  out.owner = owner_;
  return out;
}

}  // namespace lobo::metaverse
