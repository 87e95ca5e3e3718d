// Answers of the core. Every one is hostile input: it may be late, short, wrong or for something
// that no longer matters; what it may have made is never forgotten.

#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "services/seal_nrm/unicast_step.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

void UnicastStep::answered(const resource::NetworkAnswer& answer) {
  if (held().call != answer.name) return;  // An answer to what we did not ask.
  held().call.reset();
  if (answer.name == "reserve")
    reserve_answered(answer.response);
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
    start_doubt(held(), effects_);
    // Its requester went with the process, so the create was never acknowledged: it is taken back.
    // A member was ordered by a page, which still waits: what the list names is kept, and where it
    // names none it is asked for again.
    if (creating() && state_.member) held().unnamed = true;
    if (creating() && !state_.member) refuse_create(interrupted_refusal());
  } else if (call == "modify" && state_.pending) {
    state_.pending->unknown = true;  // The core is asked what holds.
  }
  // release, list, get and verify can simply be repeated.
  plan();
}

void UnicastStep::reserve_answered(const Result<http::Response>& response) {
  auto answer = read_created(response, "subscriptions");
  if (answer.simulated) state_.simulated = true;
  switch (answer.verdict) {
    case Verdict::done:
      if (answer.id) return reserved(std::move(*answer.id));
      // 201 without a usable name: it exists, so the list has it.
      held().unnamed = true;
      return start_doubt(held(), effects_);
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
      start_doubt(held(), effects_);
      if (creating()) return refuse_create(unreachable_refusal(response));
      return rebind_failed(unreachable_refusal(response), false);
  }
}

/// What was to follow the UE to its new address was not granted.
void UnicastStep::rebind_failed(const Refusal& why, bool final) {
  if (state_.stage != UnicastStage::rebinding) return;
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
  switch (read_released(response)) {
    case Verdict::done: return seal_nrm::released(held());
    case Verdict::refused: return missed(held());  // 404, 410
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
  if (!at_rest || held().call || held().doubt || held().unnamed) return;
  if (told.extra)
    for (const auto& id : *told.extra)
      if (!knows(held(), id) && (!held().old || held().old->size() < old_max)) retire(held(), id);
  if (told.missing && live() && !state_.pending && held().current == told.missing)
    state_.verifying = told.missing;
}

void UnicastStep::verify_answered(const Result<http::Response>& response) {
  const auto asked = std::exchange(state_.verifying, std::nullopt);
  if (!asked || !live() || held().current != asked) return;
  // Any other answer is none: the next audit asks again.
  if (says_gone(response, callback_path("unicast", key_.id, state_.secret))) lost();
}

/// The core holds nothing any more and has not told, or its word was lost. It is asked for the same
/// again, at once: whoever ends a session on purpose refuses it now, and that is told. The name is
/// not released: it may be another's by now.
void UnicastStep::lost() {
  held().current.reset();
  held().attempts.reset();
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
