// Answers of the core. Every one is hostile input: it may be late, short, wrong or for something
// that no longer matters; what it may have made is never forgotten.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/as_session_with_qos.hpp"
#include "api/state/seal_nrm.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "services/seal_nrm/southbound.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "services/seal_nrm/southbound_pcf.hpp"
#include "services/seal_nrm/unicast_step.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

void UnicastStep::answered(const resource::NetworkAnswer& answer) {
  if (held().call != answer.name) return;  // An answer to what we did not ask.
  held().call.reset();
  if (answer.name == "reserve")
    reserve_answered(answer.response);
  else if (answer.name == "locate")
    located(answer.response);
  else if (answer.name == "release")
    release_answered(answer.response);
  else if (answer.name == "list")
    list_answered(answer.response);
  else if (answer.name == "modify")
    modify_answered(answer.response);
  else if (answer.name == "get")
    get_answered(answer.response);
  else if (answer.name == "verify")
    verify_answered(answer.response);
  plan();
}

/// After a restart: `call` was under way, and nobody knows whether the core saw it.
void UnicastStep::recovered(std::string_view call) {
  if (held().call != call) return;
  held().call.reset();
  clause_ = "recovery";
  if (call == "reserve") {
    doubt();
    orphans_among_early(std::nullopt);
    // Its requester went with the process, so the create was never acknowledged: it is taken back.
    // A member was ordered by a page, which still waits: what the list names is kept, and where it
    // names none, or there is no list, it is asked for again.
    if (creating() && state_.member && core().lists()) held().unnamed = true;
    if (creating() && !state_.member) refuse_create(interrupted_refusal());
  } else if (call == "locate") {
    if (creating() && !state_.member) refuse_create(interrupted_refusal());
  } else if (call == "modify" && state_.pending) {
    state_.pending->unknown = true;  // The core is asked what holds.
  }
  // release, list, get and verify can simply be repeated.
  plan();
}

void UnicastStep::reserve_answered(const Result<http::Response>& response) {
  auto answer = core().read_created(response);
  if (answer.simulated) state_.simulated = true;
  state_.enforced.reset();  // A new reservation: what the core says of it is still to come.
  if (answer.verdict == Verdict::unknown || (answer.verdict == Verdict::done && !answer.id))
    doubt();
  if (!answer.id) orphans_among_early(std::nullopt);
  switch (answer.verdict) {
    case Verdict::done:
      if (answer.id) return reserved(app_session_id(*answer.id, state_.reserved_by));
      // 201 without a usable name: it exists, so the list has it.
      if (core().lists()) {
        held().unnamed = true;
        return;
      }
      if (creating()) return refuse_create(unnamed_refusal());
      return rebind_failed(unnamed_refusal(), false);
    case Verdict::refused: {
      const auto why = core_refusal(*response, "/uniQosReq");
      if (take_offer(why, state_.qos)) {
        state_.member->negotiated = true;
        return;
      }
      if (creating()) return refuse_create(why);
      return rebind_failed(why, true);
    }
    case Verdict::not_sent:
      if (creating()) return refuse_create(unreachable_refusal(response));
      return rebind_failed(unreachable_refusal(response), false);
    case Verdict::unknown:
      if (creating()) return refuse_create(unreachable_refusal(response));
      return rebind_failed(unreachable_refusal(response), false);
  }
}

/// The core may hold one of ours that we have no name of.
void UnicastStep::doubt() {
  if (core().lists()) return start_doubt(held(), effects_);
  const bool tells = peer_state().allocation_events.value_or(settings_.core.allocation_events ==
                                                             AllocationEvents::always);
  suspect(held(), effects_, now_,
          tells ? settings_.limits.suspect : settings_.limits.suspect_silent);
}

/// A core without a list has told of a session of ours that we do not know: a create whose answer
/// was lost had made it.
void UnicastStep::found_orphan(std::string_view name,
                               std::optional<api::as_session_with_qos::UserPlaneEventKnown> event) {
  if (core().lists() || knows(held(), name)) return;
  if (held().old && held().old->size() >= old_max) return;  // It calls again.
  auto id = app_session_id(name, state_.reserved_by);
  learn(event);
  if (event == api::as_session_with_qos::UserPlaneEventKnown::session_termination) {
    cleared(held(), effects_);  // Ended by the core; its release is a courtesy.
  } else {
    if (!state_.orphans) state_.orphans.emplace();
    state_.orphans->push_back(id);
  }
  retire(held(), std::move(id));
}

/// Of what called back while a create was under way, all but the one that it made.
void UnicastStep::orphans_among_early(const std::optional<std::string>& named) {
  if (core().lists() || !state_.early) return;
  for (const auto& event : *state_.early)
    if (event.session && !(named && is_called(*named, *event.session)))
      found_orphan(*event.session, api::as_session_with_qos::UserPlaneEvent(event.event).known());
  if (state_.stage == UnicastStage::releasing) state_.early.reset();
}

/// What was to follow the UE to its new address was not granted.
void UnicastStep::rebind_failed(const Refusal& why, bool final) {
  if (state_.stage != UnicastStage::rebinding) return;
  state_.located.reset();  // Perhaps another PCF serves the UE by the next try.
  const bool old_in_the_way = held().old && !held().old->empty();
  if (final && old_in_the_way && !state_.release_first.value_or(false)) {
    state_.release_first = true;  // Perhaps what is held at the old address takes the place.
    return;
  }
  const auto rebinds = state_.rebinds.value_or(0) + 1;
  state_.rebinds = rebinds;
  if (final || rebinds >= settings_.limits.rebind_attempts_max) return terminate(why.cause);
  held().attempts = rebinds;  // Each try may itself have gone well as far as calls go.
  retry_later(held(), effects_, settings_.limits, key_.id, now_);
}

void UnicastStep::release_answered(const Result<http::Response>& response) {
  const auto verdict = read_released(response);
  if (state_.orphans && held().old && !held().old->empty() && verdict != Verdict::unknown &&
      verdict != Verdict::not_sent) {
    // One that was there was one of the suspected; a late word of one that is gone clears nobody.
    const auto erased = std::erase(*state_.orphans, held().old->front());
    if (erased > 0 && verdict == Verdict::done) cleared(held(), effects_);
    if (state_.orphans->empty()) state_.orphans.reset();
  }
  switch (verdict) {
    case Verdict::done: return seal_nrm::released(held());
    case Verdict::refused:  // 404, 410
      return core().lists() ? missed(held()) : seal_nrm::released(held());
    case Verdict::not_sent:
    case Verdict::unknown: return retry_later(held(), effects_, settings_.limits, key_.id, now_);
  }
}

void UnicastStep::list_answered(const Result<http::Response>& response) {
  const auto found = read_list(response, callback_path("unicast", key_.id, state_.secret));
  if (!found) return retry_later(held(), effects_, settings_.limits, key_.id, now_);
  if (auto named = listed(held(), effects_, settings_.limits, *found, now_))
    reserved(std::move(*named));
}

// ---- audits (audit.hpp)
// -------------------------------------------------------------------------

/// A list of the core said something else than we do. It may be older than what happened since, so
/// only what is at rest is touched, and nothing is called lost before the core was asked by name.
void UnicastStep::audited(const api::state::seal_nrm::Audited& told) {
  const bool at_rest = live() || state_.stage == UnicastStage::terminated;
  const bool doubtful = held().doubt && held().doubt != Doubt::suspected;
  if (!at_rest || held().call || doubtful || held().unnamed) return;
  if (told.extra)
    for (const auto& id : *told.extra)
      if (!knows(held(), id) && (!held().old || held().old->size() < old_max)) retire(held(), id);
  if (told.missing && live() && !state_.pending && held().current == told.missing &&
      !peer_state().no_get.value_or(false))
    state_.verifying = told.missing;
}

void UnicastStep::verify_answered(const Result<http::Response>& response) {
  const auto asked = std::exchange(state_.verifying, std::nullopt);
  if (!asked || !live() || held().current != asked) return;
  if (cannot_be_read(response)) return effects_.tell({"core_peer", peer_of(*asked)}, "no_get");
  // Any other answer is none: the next audit asks again.
  if (core().says_gone(response, callback_path("unicast", key_.id, state_.secret))) lost();
}

/// The core holds nothing any more and has not told, or its word was lost. It is asked for the same
/// again, at once: whoever ends a session on purpose refuses it now, and that is told. The name is
/// not released: it may be another's by now.
void UnicastStep::lost() {
  held().current.reset();
  held().attempts.reset();
  state_.located.reset();
  state_.rebinds.reset();
  state_.release_first.reset();
  state_.stage = UnicastStage::rebinding;
  state_.cause = "SESSION_LOST";
  state_.applied_qos_ref.reset();
  notify("QOS_NOT_GUARANTEED", "SESSION_LOST");
  // Perhaps the UE moved, and that was not told either.
  effects_.tell({"ue_watch", state_.gpsi}, "doubted");
}

}  // namespace lobo::seal_nrm
