// TS 23.434 clause 14.3.3.3.3: unicast resource modification (T9, T10), by PATCH.
// The new set is asked of the core as a whole; until it agrees the resource is as it was, and when
// it does not agree it stays so.

#include <cstdint>
#include <optional>
#include <utility>

#include "api/state/seal_nrm.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/checks.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "services/seal_nrm/southbound.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "services/seal_nrm/unicast_step.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

// 1. The VAL server sends the modification request.
Result<void> UnicastStep::modify(const resource::Command& command) {
  if (owner_ != command.who.subject) return fail(Errc::not_found, "no such unicast subscription");
  if (!live()) return fail(Errc::conflict, "only a resource that the network keeps can be changed");
  if (state_.pending) return fail(Errc::conflict, "another modification is under way");
  auto checked = check_modify(state_.doc, state_.qos, command.http.body, owner_, settings_, now_);
  if (!checked) return fail(std::move(checked.error()));

  clause_ = "14.3.3.3.3 step 1";
  std::optional<std::uint64_t> request = command.request;
  if (checked->qos == state_.qos) {  // Nothing that the core knows of.
    state_.doc = std::move(checked->doc);
    schedule_expiry();
    effects_.reply(request, representation(200), true);
    return {};
  }
  state_.pending = api::state::seal_nrm::Pending{
      .doc = std::move(checked->doc), .qos = std::move(checked->qos), .unknown = std::nullopt};
  state_.modify_request = command.request;
  effects_.start(timer_modify, now_ + settings_.limits.answer_within);
  retry_now(held(), effects_);
  plan();
  return {};
}

// 2. The core agrees, refuses, or does neither.
void UnicastStep::modify_answered(const Result<http::Response>& response) {
  if (!state_.pending) return;  // Given up meanwhile, together with the session that it was about.
  switch (read_modified(response)) {
    case Verdict::done: return adopt_pending();
    case Verdict::refused:
      if (take_offer(core_refusal(*response, "/uniQosReq"), state_.pending->qos)) return;
      if (response->status == 404) {
        reject_pending(core_refusal(*response, "/uniQosReq"));
        if (live()) lost();
        return;
      }
      return reject_pending(core_refusal(*response, "/uniQosReq"));
    case Verdict::not_sent: return reject_pending(unreachable_refusal(response));
    case Verdict::unknown:
      // plan() asks what holds now; where that cannot be asked it sends the same set again, which
      // changes nothing where it holds already, but not without a pause.
      if (state_.pending->unknown.value_or(false))
        retry_later(held(), effects_, settings_.limits, key_.id, now_);
      state_.pending->unknown = true;
      return;
  }
}

/// The new set as a whole: sent twice it is the same.
void UnicastStep::ask_for_pending() {
  state_.reallocating = true;
  const auto callback = callback_uri(settings_, "unicast", key_.id, state_.secret);
  ask("modify",
      core().modify(settings_, *held().current, {callback, *state_.address, state_.pending->qos},
                    state_.qos),
      peer_of(*held().current));
}

/// Which of the two does the core keep?
void UnicastStep::get_answered(const Result<http::Response>& response) {
  if (!state_.pending) return;
  if (cannot_be_read(response)) {
    effects_.tell({"core_peer", peer()}, "no_get");
    return ask_for_pending();
  }
  const auto kept = read_session(response);
  if (!kept) return retry_later(held(), effects_, settings_.limits, key_.id, now_);
  if (kept->gone) {
    reject_pending(interrupted_refusal());
    if (live()) lost();
    return;
  }
  if (core().keeps(kept->body, settings_, *state_.address, state_.pending->qos))
    return adopt_pending();
  reject_pending(interrupted_refusal());
}

// 3. The NRM server answers.
void UnicastStep::adopt_pending() {
  clause_ = "14.3.3.3.3 step 3";
  if (state_.member) state_.member->negotiated = state_.member->offers.has_value();
  state_.doc = std::move(state_.pending->doc);
  state_.qos = std::move(state_.pending->qos);
  state_.pending.reset();
  held().attempts.reset();
  effects_.stop(timer_modify);
  effects_.reply(state_.modify_request, representation(200), true);
  if (live()) schedule_expiry();
}

void UnicastStep::reject_pending(const Refusal& why) {
  clause_ = "14.3.3.3.3 step 3";
  if (state_.member) state_.member->kept_cause = why.cause;
  state_.pending.reset();
  state_.reallocating.reset();
  held().attempts.reset();
  effects_.stop(timer_modify);
  effects_.reply(state_.modify_request, refusal_response(why));
}

void UnicastStep::schedule_expiry() {
  if (state_.doc.duration)
    effects_.start(timer_expire, *state_.doc.duration);
  else
    effects_.stop(timer_expire);
}

}  // namespace lobo::seal_nrm
