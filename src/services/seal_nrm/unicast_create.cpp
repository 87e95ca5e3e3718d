// TS 23.434 clause 14.3.3.3.2: unicast resource request (T7) and response (T8).

#include <cstdint>
#include <optional>
#include <utility>

#include "api/state/seal_nrm.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/checks.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "services/seal_nrm/southbound.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "services/seal_nrm/unicast_step.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

using api::state::seal_nrm::AddressTold;
using api::state::seal_nrm::PeerState;
using api::state::seal_nrm::Wanted;
using api::state::seal_nrm::WatchStage;
using api::state::seal_nrm::WatchState;

bool UnicastStep::creating() const {
  return state_.stage == UnicastStage::resolving || state_.stage == UnicastStage::reserving ||
         state_.stage == UnicastStage::allocating;
}

// 1. The VAL server sends a unicast resource request.
Result<void> UnicastStep::create(const resource::Command& command) {
  auto doc = json::read<UnicastSubscription>(command.http.body);
  if (!doc) return fail(std::move(doc.error()));
  auto checked = check_create(std::move(*doc), command.who.subject, settings_, directory_, now_);
  if (!checked) return fail(std::move(checked.error()));
  if (!checked->unknown_ue.empty()) {
    // Known to nobody, or not to this requester: the same answer, so that nothing is learned from
    // it.
    std::optional<std::uint64_t> request = command.request;
    effects_.reply(request, unknown_ue_response(checked->unknown_ue));
    erased_ = true;
    return {};
  }
  const auto same_ue =
      lookup_.by_subject(key_.kind, checked->gpsi, settings_.limits.unicasts_per_ue_max);
  if (!same_ue) return fail(same_ue.error());
  if (same_ue->size() >= settings_.limits.unicasts_per_ue_max)
    return fail(Errc::too_many,
                "this UE has as many unicast resources as it may; release one first",
                {{Errc::too_many, "/valTgtUe", "has as many unicast resources as it may"}});
  const resource::Key watch{"ue_watch", checked->gpsi};
  const auto watching = lookup_.find(watch);
  if (!watching) return fail(watching.error());

  clause_ = "14.3.3.3.2 step 1";
  owner_ = command.who.subject;
  state_.doc = std::move(checked->doc);
  state_.qos = std::move(checked->qos);
  state_.gpsi = std::move(checked->gpsi);
  state_.secret = command.secret;
  state_.stage = UnicastStage::resolving;
  state_.create_request = command.request;
  effects_.start(timer_create, now_ + settings_.limits.answer_within);

  // The watch's state is taken as it is committed, without a message to and fro: a create is then
  // two commits. Safe, because whoever changes the address finds this resource by its subject.
  if (*watching) {
    const auto known = json::read<WatchState>((*watching)->state);
    if (known && known->stage == WatchStage::watching && known->address) {
      state_.address = known->address;
      state_.stage = UnicastStage::reserving;
      plan();
      return {};
    }
  }
  effects_.tell(watch, "wanted", json::write(Wanted{.secret = command.secret}));
  return {};
}

/// The same Idempotency-Key again: the answer of the first time.
Result<void> UnicastStep::create_again(const resource::Command& command) {
  if (owner_ != command.who.subject) return fail(Errc::not_found, "no such unicast subscription");
  std::optional<std::uint64_t> request = command.request;
  // Under way, or being undone: once that has ended the key makes a resource, or names this one.
  if (creating() || state_.stage == UnicastStage::releasing) {
    effects_.reply(request, refusal_response(unsettled_refusal()));
    return {};
  }
  effects_.reply(request, representation(201), true);
  return {};
}

// 2. The NRM server finds out where the UE is. The watch of the UE answers.
void UnicastStep::address_known(const AddressTold& told) {
  const bool nowhere = !told.address;
  const bool moved =
      session_address(told.address, state_.qos) != session_address(state_.address, state_.qos);
  state_.unfollowed = told.unfollowed;
  if (told.status) {  // The core could not be asked: says nothing about what is held already.
    if (state_.stage == UnicastStage::resolving)
      refuse_create(address_refusal(static_cast<int>(*told.status), told.cause.value_or("")));
    return;
  }
  state_.address = told.address;
  switch (state_.stage) {
    case UnicastStage::resolving:
      if (nowhere) return refuse_create(not_connected_refusal());
      state_.located.reset();
      state_.stage = UnicastStage::reserving;
      return;
    case UnicastStage::reserving:
    case UnicastStage::allocating:
      if (nowhere) return refuse_create(not_connected_refusal());
      if (!moved) return;
      retire(held());
      state_.located.reset();
      state_.stage = UnicastStage::reserving;
      return;
    case UnicastStage::confirmed:
    case UnicastStage::degraded:
      if (nowhere) return terminate("UE_NOT_CONNECTED");
      if (!moved) return;
      retire(held());
      state_.located.reset();
      state_.stage = UnicastStage::rebinding;
      state_.cause = "UE_ADDRESS_CHANGED";
      state_.applied_qos_ref.reset();
      held().attempts.reset();
      notify("QOS_NOT_GUARANTEED", "UE_ADDRESS_CHANGED");
      retry_now(held(), effects_);
      return;
    case UnicastStage::rebinding:
      if (nowhere) return terminate("UE_NOT_CONNECTED");
      if (!moved) return;
      retire(held());
      state_.located.reset();
      state_.rebinds.reset();
      effects_.stop(timer_allocate);
      retry_now(held(), effects_);
      return;
    case UnicastStage::terminated:
      if (nowhere || !moved) return;
      // The promise is taken up again where the UE is now.
      state_.located.reset();
      state_.stage = UnicastStage::rebinding;
      held().attempts.reset();
      retry_now(held(), effects_);
      return;
    case UnicastStage::releasing: return;
  }
}

// 3. The NRM server asks the core for the resources: AsSessionWithQoS create, TS 29.122 clause
//    5.14.3.2.3.4, or Npcf_PolicyAuthorization create, TS 29.514 clause 4.2.2.2, after the BSF has
//    named the PCF.
void UnicastStep::reserve() {
  if (!state_.located)
    if (auto question = core().locate(settings_, *state_.address, state_.qos)) {
      clause_ = "14.3.3.3.2 step 2";
      state_.reserved_at = state_.address;
      return ask("locate", std::move(question->request), std::move(question->peer));
    }
  state_.reserved_at = state_.address;
  state_.reserved_by = state_.located;
  state_.early.reset();
  clause_ = "14.3.3.3.2 step 3";
  const auto callback = callback_uri(settings_, "unicast", key_.id, state_.secret);
  // A NEF applies the policy by an API of its own, which tells what became of it.
  const auto bdt = state_.member && !has_nef(settings_) ? state_.member->bdt_ref_id : std::nullopt;
  ask("reserve", core().reserve(settings_, {callback, *state_.address, state_.qos, bdt}), peer());
}

/// The BSF has named the PCF, or has not.
void UnicastStep::located(const Result<http::Response>& response) {
  const bool wanted =
      state_.stage == UnicastStage::reserving || state_.stage == UnicastStage::rebinding;
  // It was asked for where the UE no longer is: asked again.
  const bool moved = session_address(state_.reserved_at, state_.qos) !=
                     session_address(state_.address, state_.qos);
  if (!wanted || moved) return;
  auto where = core().read_located(settings_, response, state_.gpsi);
  if (where) {
    state_.located = std::move(*where);
    return;
  }
  if (creating()) return refuse_create(where.error());
  rebind_failed(where.error(), where.error().status < 500);
}

/// The core accepted, and named it.
void UnicastStep::reserved(std::string id) {
  orphans_among_early(id);
  held().unnamed.reset();
  held().missed.reset();
  const bool wanted =
      state_.stage == UnicastStage::reserving || state_.stage == UnicastStage::rebinding;
  if (!wanted || held().current ||
      session_address(state_.reserved_at, state_.qos) !=
          session_address(state_.address, state_.qos)) {
    // Made for where the UE no longer is, or for nobody: it goes.
    if (held().current != id) retire(held(), std::move(id));
    return;
  }
  held().current = std::move(id);
  held().attempts.reset();
  replay_early();
}

bool UnicastStep::waits_for_allocation() const {
  switch (settings_.core.allocation_events) {
    case AllocationEvents::always: return true;
    case AllocationEvents::never: return false;
    case AllocationEvents::learned: break;
  }
  return peer_state().allocation_events.value_or(false);
}

/// What the function that holds our session, or is to hold it, was seen to do.
PeerState UnicastStep::peer_state() const {
  const auto known = lookup_.find({"core_peer", peer()});
  if (!known || !*known) return {};
  return json::read<PeerState>((*known)->state).value_or(PeerState{});
}

void UnicastStep::ask(std::string name, http::Request request, std::string peer) {
  effects_.call(held(), settings_, std::move(name), std::move(request), std::move(peer));
}

// 4. The NRM server answers: only now, when the core keeps it.
void UnicastStep::confirm() {
  const bool first = creating();
  const bool restored = state_.cause == "SESSION_LOST";
  state_.stage = UnicastStage::confirmed;
  state_.cause.reset();
  state_.release_first.reset();
  state_.rebinds.reset();
  held().attempts.reset();
  if (!first) {
    effects_.stop(timer_allocate);
    notify("QOS_GUARANTEED", restored ? "SESSION_RESTORED" : "UE_ADDRESS_CHANGED");
    return;
  }
  clause_ = "14.3.3.3.2 step 4";
  effects_.stop(timer_create);
  effects_.reply(state_.create_request, representation(201), true);
  if (state_.doc.req_test_notif.value_or(false)) notify_test();
  schedule_expiry();
}

void UnicastStep::refuse_create(const Refusal& why) {
  if (state_.member) return park(why.cause);
  clause_ = "14.3.3.3.2 step 4";
  effects_.reply(state_.create_request, refusal_response(why));
  effects_.stop(timer_create);
  leave(why.cause);
}

}  // namespace lobo::seal_nrm
