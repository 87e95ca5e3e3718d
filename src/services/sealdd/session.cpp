#include "services/sealdd/session.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/mm_das.hpp"
#include "api/sdd_connections.hpp"
#include "api/sdd_das.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/answers.hpp"
#include "services/sealdd/checks.hpp"
#include "services/sealdd/connection.hpp"
#include "services/sealdd/faults.hpp"
#include "services/sealdd/kept.hpp"
#include "services/sealdd/ports.hpp"
#include "services/sealdd/session_step.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"
#include "wire/sdd/token.hpp"

namespace lobo::sealdd {

namespace das = api::mm_das;
namespace sds = api::sdd_das;
namespace state = api::state::sealdd;
using api::sdd_connections::SddConnectionState;
using api::sdd_connections::SddFlowState;

Result<resource::Outcome> SessionMachine::step(const resource::Record* current,
                                               const resource::Key& key,
                                               const resource::Event& event, Instant now,
                                               const resource::Lookup& lookup) const {
  SessionStep step(settings_, ground_, key, now, lookup);
  if (current != nullptr)
    if (auto loaded = step.load(*current); !loaded) return fail(std::move(loaded.error()));
  Result<void> done;
  if (const auto* command = std::get_if<resource::Command>(&event)) {
    if (command->operation == sds::operation::create_sdd_session)
      done = current == nullptr ? step.create(*command) : step.create_again(*command);
    else if (current == nullptr)
      return fail(Errc::not_found, "no such session");
    else
      done = step.remove(*command);
  } else if (current == nullptr) {
    return resource::Outcome{};  // An echo of a session that is gone.
  } else if (const auto* answer = std::get_if<resource::NetworkAnswer>(&event)) {
    step.answered(*answer);
  } else if (const auto* timer = std::get_if<resource::TimerFired>(&event)) {
    step.fired(timer->name);
  } else if (const auto* told = std::get_if<resource::Told>(&event)) {
    step.told(*told);
  } else if (std::holds_alternative<resource::Recovered>(event)) {
    step.recovered();
  }
  if (!done) return fail(std::move(done.error()));
  return step.finish(current);
}

Result<void> SessionStep::load(const resource::Record& current) {
  auto stored = json::read<state::SessionState>(current.state);
  auto asked = stored ? json::read<sds::SddSessionReq>(stored->text)
                      : Result<sds::SddSessionReq>(fail(stored.error()));
  if (!asked) return fail(Errc::internal, "a stored session cannot be read");
  state_ = std::move(*stored);
  asked_ = std::move(*asked);
  owner_ = current.owner;
  before_ = state_.state;
  return {};
}

// ---- requests -----------------------------------------------------------------------------------

/// The rest of it is the enabler's to judge.
Result<void> SessionStep::check(const sds::SddSessionReq& asked) const {
  Faults faults;
  if (!is_extended(json::write(asked)))
    faults.add(Errc::not_allowed, "/suppFeat",
               "this API is an extension: it takes feature 41, 10000000000");
  if (asked.notif) check_sink(faults, "/notif/uri", asked.notif->uri, settings_);
  if (asked.exp_time && *asked.exp_time <= now_)
    faults.add(Errc::out_of_range, "/expTime", "is over");
  std::set<std::pair<std::string, std::string>> seen;
  for (std::size_t i = 0; i < asked.assets.size(); ++i) {
    const auto at = "/assets/" + std::to_string(i);
    const auto ue = ue_of(asked.assets[i].host_ue);
    if (ue.empty() || ue == "user:" || ue.size() > sdd::ue_bytes_max)
      faults.add(Errc::out_of_range, at + "/hostUe", "the name has 1 to 251 octets");
    if (!seen.emplace(asked.assets[i].asset_id, ue).second)
      faults.add(Errc::duplicate, at, "the same asset at the same UE stands twice");
  }
  return faults.verdict();
}

Result<void> SessionStep::create(const resource::Command& command) {
  auto asked = json::read<sds::SddSessionReq>(command.http.body);
  if (!asked) return fail(asked.error());
  if (auto fits = check(*asked); !fits) return fail(std::move(fits.error()));
  const auto no = [&](int status, std::string_view cause, std::string_view why) -> Result<void> {
    keep_nothing_ = true;
    reply(command.request, refusal(status, "Not granted", cause, why));
    return {};
  };
  // The loop guard of NOTE 2: nobody is asked about it.
  if (asked->mmel_resolved.value_or(false))
    return no(409, "SESSION_CONFLICT", "what the enabler resolved already is not resolved again");
  if (!settings_.mmes) return no(424, "MMEL_FAILED", "no enabler is configured to ask");
  const auto live = lookup_.count_by_subject(session_kind, every_session, sessions_max);
  if (!live) return fail(live.error());
  if (*live >= sessions_max)
    return fail(Errc::too_many, "there are as many sessions as there may be");
  state_.room = asked->room.value_or(key_.id);
  std::vector<std::pair<std::string, std::string>> claims;
  for (const auto& asset : asked->assets) {
    const auto ue = ue_of(asset.host_ue);
    if (std::ranges::find(state_.legs, ue, &SessionLeg::ue) != state_.legs.end()) continue;
    SessionLeg leg;
    leg.no = std::ssize(state_.legs) + 1;
    leg.ue = ue;
    leg.val_target_ue = asset.host_ue;
    leg.generation = 1;
    claims.emplace_back(ue, connection_of(key_.id, leg));
    state_.legs.push_back(std::move(leg));
  }
  if (const auto taken = ground_.claim_all(state_.room, claims, now_))
    return no(409, "SESSION_CONFLICT", *taken + " is in this room for somebody else");
  owner_ = command.who.subject;
  state_.text = command.http.body;
  if (const auto key = command.http.headers.find("idempotency-key")) state_.key = std::string(*key);
  state_.state = State::requested;
  state_.exp_time = asked->exp_time.value_or(now_ + settings_.connection_life);
  state_.waiting.push_back(command.request);
  state_.due = true;
  asked_ = std::move(*asked);
  start(session_expire_timer, state_.exp_time);
  start(session_answer_timer, now_ + settings_.answer_within);
  clause_ = "23.700-21 7.y.1 NOTE 2";
  return {};
}

/// Both sides may race for it: whoever has the key of the one who asked first, and asks for the
/// same, is a party to the session.
Result<void> SessionStep::create_again(const resource::Command& command) {
  if (ending()) return fail(Errc::unavailable, "the session of before is still going; ask again");
  if (command.who.subject != owner_) {
    const auto asked = json::read<sds::SddSessionReq>(command.http.body);
    if (!asked) return fail(asked.error());
    const auto key = command.http.headers.find("idempotency-key");
    const bool same = key && state_.key == *key && key->size() >= shared_key_bytes_min &&
                      asked->val_service_id == asked_.val_service_id &&
                      asked->assets == asked_.assets;
    if (!same) return fail(Errc::conflict, "this Idempotency-Key was used for another session");
    auto& parties = state_.parties ? *state_.parties : state_.parties.emplace();
    if (std::ranges::find(parties, command.who.subject) == parties.end()) {
      if (parties.size() >= session_parties_max)
        return fail(Errc::too_many, "the session has many parties");
      parties.push_back(command.who.subject);
    }
  }
  if (!state_.acknowledged.value_or(false)) {
    if (state_.waiting.size() >= session_waiting_max)
      return fail(Errc::too_many, "too many requests wait for this session");
    state_.waiting.push_back(command.request);
    start(session_answer_timer, now_ + settings_.answer_within);
    return {};
  }
  const auto view = represent(state_, key_.id, settings_, lookup_);
  if (!view) return fail(view.error());
  auto answer = json_answer(200, json::write(*view));
  answer.headers.add("location", session_uri(settings_, key_.id));
  reply(command.request, std::move(answer), true);
  return {};
}

Result<void> SessionStep::remove(const resource::Command& command) {
  if (ending()) return fail(Errc::not_found, "no such session");
  end("DELETED");
  reply(command.request, {204, {}, {}});
  return {};
}

// ---- its life -----------------------------------------------------------------------------------

void SessionStep::end(std::string_view cause) {
  if (ending()) return;
  for (const auto request : std::exchange(state_.waiting, {}))
    reply(request, refusal(409, "Not granted", "SESSION_CONFLICT",
                           "the session ended before it was granted: " + std::string(cause)));
  if (state_.acknowledged.value_or(false)) event(SyncEventType::session_ending).reason = cause;
  notify();
  state_.state = State::releasing;
  state_.cause = std::string(cause);
  state_.due = false;
  policies_ = true;
  clause_ = "23.700-21 7.y.1 step 8";
  for (const auto timer :
       {session_expire_timer, session_answer_timer, session_window_timer, session_grace_timer})
    stop(timer);
}

/// Whoever waits is told no, and what was made is taken back.
void SessionStep::refuse(http::Response answer) {
  for (const auto request : std::exchange(state_.waiting, {})) reply(request, answer);
  end("NOT_GRANTED");
}

void SessionStep::fired(std::string_view timer) {
  if (timer == session_expire_timer) return end("EXPIRED");
  if (timer == session_grace_timer) {
    if (!any_established() && state_.state != State::suspended) end("NO_FLOW");
    return;
  }
  if (timer == session_enabler_timer) {
    if (state_.call == state::SessionCall::pause) state_.call.reset();
    if (!ending()) state_.due = true;
    return;
  }
  if (timer == session_answer_timer) {
    if (state_.acknowledged.value_or(false)) return;
    return refuse(refusal(424, "Not granted", "MMEL_FAILED",
                          state_.resolved ? "the connections were not made in time"
                                          : "the enabler did not answer in time"));
  }
  if (timer == session_window_timer && state_.resolved) {
    schedule();
    // Those who are to come now have as long as at the beginning.
    if (!any_established()) start(session_grace_timer, now_ + settings_.first_flow);
  }
  for (auto& leg : state_.legs)
    if (timer == leg_timer(leg)) leg.waits.reset();
}

SessionStep::State SessionStep::state_now() const {
  if (ending() || !state_.resolved) return state_.state;
  bool any_open = false, all_up = true;
  for (const auto& asset : *state_.resolved) {
    if (!admitted(asset) || !in_window(asset)) continue;
    any_open = true;
    if (!needed(asset)) continue;
    const auto* leg = leg_of(asset);
    const auto flow = leg != nullptr && leg->flows ? leg->flows->find(asset.asset_id)
                                                   : decltype(leg->flows->end()){};
    const bool up = leg != nullptr && leg->flows && flow != leg->flows->end() &&
                    (flow->second == SddFlowState::up || flow->second == SddFlowState::stalled ||
                     flow->second == SddFlowState::migrating);
    all_up = all_up && up;
  }
  if (!any_open) return State::suspended;
  if (all_up) return State::active;
  return state_.up_once.value_or(false) ? State::degraded : State::connecting;
}

/// Whoever waits hears of it as soon as nothing is left to be asked.
void SessionStep::settle() {
  if (ending() || !state_.resolved || state_.acknowledged.value_or(false)) return;
  if (!std::ranges::all_of(state_.legs, [&](const auto& leg) { return settled(leg); })) return;
  for (const auto& asset : *state_.resolved) {
    if (!admitted(asset) || !in_window(asset) || !needed(asset)) continue;
    const auto* leg = leg_of(asset);
    if (leg != nullptr && leg->applied) continue;
    const auto status = leg != nullptr ? static_cast<int>(leg->status.value_or(424)) : 424;
    const auto why = leg != nullptr ? leg->cause.value_or("a connection was refused") : "";
    auto answer = refusal(status, "Not granted",
                          status == 409 ? "SESSION_CONFLICT" : "CONNECTION_FAILED", why);
    if (status == 429 || status == 503) answer.headers.add("retry-after", "1");
    return refuse(std::move(answer));
  }
  state_.acknowledged = true;
  state_.state = state_now();
  before_ = state_.state;
  stop(session_answer_timer);
  start(session_grace_timer, now_ + settings_.first_flow);
  clause_ = "23.700-21 7.y.1 step 4";
  const auto view = represent(state_, key_.id, settings_, lookup_);
  auto answer = json_answer(201, view ? json::write(*view) : std::string("{}"));
  answer.headers.add("location", session_uri(settings_, key_.id));
  for (const auto request : std::exchange(state_.waiting, {})) reply(request, answer, true);
}

// ---- what the VAL layer is told -----------------------------------------------------------------

SyncEvent& SessionStep::event(SyncEventType what) {
  events_.emplace_back().event = what;
  return events_.back();
}

void SessionStep::notify() {
  auto events = std::exchange(events_, {});
  if (!asked_.notif || !state_.acknowledged.value_or(false)) return;
  std::erase_if(events, [&](const SyncEvent& one) {
    return std::ranges::find(asked_.notif->events, one.event) == asked_.notif->events.end();
  });
  if (events.empty()) return;
  das::SyncNotification told;
  told.subscription_id = key_.id;
  told.seq = ++state_.sequence;
  told.session_id = key_.id;
  told.rev = state_.rev;
  told.ts = now_;
  told.events = std::move(events);
  effects_.emplace_back(resource::Notify{state_.notif_uri.value_or(asked_.notif->uri),
                                         state_.sequence, json::write(told),
                                         "23.700-21 7.y.1 step 7"});
}

// ---- the end of a step --------------------------------------------------------------------------

Result<resource::Outcome> SessionStep::finish(const resource::Record* current) {
  resource::Outcome out;
  if (!keep_nothing_) {
    plan_legs();
    settle();
    if (ending()) plan_legs();  // What was refused is taken back at once.
    plan_enabler();
    state_.state = state_now();
    if (!ending() && state_.state != before_) {
      auto& told = event(SyncEventType::session_state);
      told.state = state_.state;
    }
    notify();
  }
  out.effects = std::move(effects_);
  out.clause = std::move(clause_);
  if (keep_nothing_) return out;
  const bool nothing_left =
      std::ranges::none_of(state_.legs,
                           [](const auto& leg) { return leg.there.value_or(false); }) &&
      !state_.shadow && !state_.doubt.value_or(false) && !state_.call;
  if (ending() && nothing_left) {
    out.change = current == nullptr ? resource::Change::keep : resource::Change::erase;
    state::SessionOver over;
    over.room = state_.room;
    for (const auto& leg : state_.legs) over.connections.push_back(connection_of(key_.id, leg));
    out.effects.emplace_back(resource::Observe{"session_over", json::write(over)});
    out.effects.emplace_back(resource::Observe{"session", {}});
    return out;
  }
  out.state = json::write(state_);
  if (policies_) out.effects.emplace_back(resource::Observe{"session", out.state});
  if (current != nullptr && current->state == out.state) {
    out.state.clear();
    return out;
  }
  out.change = resource::Change::put;
  out.owner = owner_;
  out.subject = every_session;
  return out;
}

}  // namespace lobo::sealdd
