// The end of a resource, and plan(): what is asked of the core next.

#include "base/result.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "services/seal_nrm/southbound.hpp"
#include "services/seal_nrm/unicast_step.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

/// DELETE: answered when the core holds nothing of it any more.
Result<void> UnicastStep::remove(const resource::Command& command) {
  if (owner_ != command.who.subject) return fail(Errc::not_found, "no such unicast subscription");
  if (!state_.delete_requests) state_.delete_requests.emplace();
  if (state_.delete_requests->size() >= delete_requests_max)
    return fail(Errc::too_many, "this resource is being deleted already");
  clause_ = "14.3.3.3 release";
  if (state_.delete_requests->empty())
    effects_.start(timer_delete, now_ + settings_.limits.answer_within);
  state_.delete_requests->push_back(command.request);
  retry_now(held(), effects_);
  if (state_.stage != UnicastStage::releasing)
    leave("DELETED");
  else
    plan();
  return {};
}

void UnicastStep::leave(std::string_view cause) {
  // Whoever still waits for something else learns that it will not come.
  if (state_.pending) reject_pending(deleted_refusal());
  if (state_.create_request) {
    effects_.reply(state_.create_request, refusal_response(deleted_refusal()));
    effects_.stop(timer_create);
  }
  effects_.stop(timer_allocate);
  effects_.stop(timer_expire);
  state_.stage = UnicastStage::releasing;
  state_.cause = cause;
  // What comes before a 201 that is still awaited names what it made, and a core without a list
  // will not name it again.
  if (core().lists() || held().call != "reserve") state_.early.reset();
  held().unnamed.reset();
  held().attempts.reset();
  retire(held());
  plan();
}

/// The one place that makes calls. Invariant: a resource that is not at rest has a call under way
/// or a timer armed when this returns (property test: it_is_never_stuck).
void UnicastStep::plan() {
  if (state_.verifying != held().current) state_.verifying.reset();
  if (state_.member) take_up_queued();
  if (erased_ || held().call || held().waiting.value_or(false)) return;
  const bool releases = held().old && !held().old->empty();
  const bool leaving = state_.stage == UnicastStage::releasing;
  const bool first_look = held().doubt == Doubt::now;
  const bool second_look = held().doubt == Doubt::again;
  const bool to_reserve =
      (state_.stage == UnicastStage::reserving || state_.stage == UnicastStage::rebinding) &&
      !held().current && state_.address &&
      !(releases && (state_.release_first.value_or(false) || held().old->size() >= old_max));

  if (first_look || (leaving && second_look)) {
    look();
  } else if (to_reserve) {
    reserve();
  } else if (releases) {
    const auto& id = held().old->front();
    ask("release", core().release(settings_, id), peer_of(id));
  } else if (state_.pending && held().current && state_.address) {
    const bool readable = !peer_state().no_get.value_or(false);
    if (state_.pending->unknown.value_or(false) && readable)
      ask("get", core().get(settings_, *held().current), peer_of(*held().current));
    else
      ask_for_pending();
  } else if (state_.verifying) {
    ask("verify", core().get(settings_, *state_.verifying), peer_of(*state_.verifying));
  } else if (second_look) {
    look();
  } else if (leaving && empty(held())) {
    erase();
  }
}

/// The core's list, asked for ours.
void UnicastStep::look() {
  ask("list", core().list(settings_, state_.reserved_at, held().attempts.value_or(0) % 2 == 0),
      peer());
}

void UnicastStep::erase() {
  clause_ = "14.3.3.3 released";
  if (state_.delete_requests)
    for (const auto request : *state_.delete_requests)
      effects_.add(resource::Reply{request, http::Response{204, {}, {}}, false});
  state_.delete_requests.reset();
  // The watch looks by itself whether somebody else still needs it.
  effects_.tell({"ue_watch", state_.gpsi}, "released");
  erased_ = true;
}

void UnicastStep::fired(std::string_view timer) {
  if (timer == timer_retry) {
    held().waiting.reset();
  } else if (timer == timer_settle) {
    if (held().doubt == Doubt::settling) held().doubt = Doubt::again;
  } else if (timer == timer_suspect) {
    if (held().doubt == Doubt::suspected) held().doubt.reset();
    held().suspects.reset();
  } else if (timer == timer_create) {
    if (creating() && state_.member && !state_.member->extended) {
      state_.member->extended = true;
      effects_.start(timer_create, now_ + settings_.limits.answer_within);
    } else if (creating()) {
      refuse_create(late_refusal());
    }
  } else if (timer == timer_modify) {
    // What was sent may still take effect; until the core has said so the old set is shown.
    effects_.reply(state_.modify_request, refusal_response(late_refusal()));
  } else if (timer == timer_delete) {
    if (state_.delete_requests)
      for (const auto request : *state_.delete_requests)
        effects_.add(resource::Reply{request, refusal_response(release_late_refusal()), false});
    state_.delete_requests.reset();
  } else if (timer == timer_allocate) {
    if (state_.stage == UnicastStage::rebinding && held().current) {
      retire(held());
      rebind_failed(late_refusal(), false);
    }
  } else if (timer == timer_expire) {
    if (live() || state_.stage == UnicastStage::terminated ||
        state_.stage == UnicastStage::rebinding) {
      clause_ = "14.3.3.3 expiry";
      notify("QOS_TERMINATED", "EXPIRED");
      retry_now(held(), effects_);
      leave("EXPIRED");
    }
  }
  plan();
}

}  // namespace lobo::seal_nrm
