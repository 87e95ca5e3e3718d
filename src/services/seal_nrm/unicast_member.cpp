// TS 23.434 clause 14.3.3.3.1: a unicast resource that is a member of an adaptation. It is made and
// ended by its page (adaptation_page.hpp) where another is by the application, and tells the page
// what another tells the application. What it holds at the core follows the same rules.
//
// A member that is refused stays, as `terminated`: its UE may come back, and the next order tries
// again.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/state/adaptation.hpp"
#include "api/state/seal_nrm.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/offer.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "services/seal_nrm/representation.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "services/seal_nrm/unicast_step.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

using api::state::adaptation::MemberOrder;
using api::state::adaptation::MemberStatus;
using api::state::adaptation::MemberTold;
using api::state::seal_nrm::QueuedChange;
using api::state::seal_nrm::Wanted;
using api::state::seal_nrm::WatchStage;
using api::state::seal_nrm::WatchState;

/// Tell "reserve" of a page: the member begins to exist.
void UnicastStep::join(const resource::Told& told) {
  auto order = json::read<MemberOrder>(told.body);
  const auto same_ue =
      order ? lookup_.by_subject(key_.kind, order->gpsi, settings_.limits.unicasts_per_ue_max)
            : Result<std::vector<resource::Key>>(fail(Errc::internal, ""));
  if (!same_ue || same_ue->size() >= settings_.limits.unicasts_per_ue_max) {
    MemberTold refused;
    refused.status = MemberStatus::refused;
    refused.revision = order ? order->revision : 0;
    refused.cause = same_ue ? "TOO_MANY_RESOURCES_OF_UE" : "SYSTEM_FAILURE";
    refused.gone = true;
    effects_.tell(told.from, "member", json::write(refused));
    erased_ = true;
    return;
  }
  clause_ = "14.3.3.3.1 member";
  state_.member.emplace();
  state_.member->page = told.from.id;
  state_.member->revision = order->revision;
  state_.member->accept_offer = order->accept_offer;
  state_.member->bdt_ref_id = std::move(order->bdt_ref_id);
  state_.doc.val_tgt_ue = std::move(order->target);
  state_.doc.notif_uri = uri();  // Nobody is told there; the schema wants one.
  state_.qos = std::move(order->qos);
  state_.gpsi = std::move(order->gpsi);
  state_.secret = std::move(order->secret);
  state_.stage = UnicastStage::resolving;
  begin();
}

/// As a create: the address is taken from the watch where it is known, else the watch is asked.
void UnicastStep::begin() {
  state_.member->extended.reset();
  effects_.start(timer_create, now_ + settings_.limits.answer_within);
  const resource::Key watch{"ue_watch", state_.gpsi};
  if (const auto watching = lookup_.find(watch); watching && *watching) {
    const auto known = json::read<WatchState>((*watching)->state);
    if (known && known->stage == WatchStage::watching && known->address) {
      state_.address = known->address;
      state_.stage = UnicastStage::reserving;
      return plan();
    }
  }
  effects_.tell(watch, "wanted", json::write(Wanted{.secret = state_.secret}));
}

/// Tell "change" of a page. Kept until what goes on has come to an end.
void UnicastStep::change_ordered(std::string_view body) {
  auto order = json::read<MemberOrder>(body);
  if (!order || state_.stage == UnicastStage::releasing) return;
  state_.member->queued = QueuedChange{.qos = std::move(order->qos),
                                       .revision = order->revision,
                                       .accept_offer = order->accept_offer};
}

/// Tell "release" of a page.
void UnicastStep::dismissed() {
  if (state_.stage == UnicastStage::releasing) return;
  clause_ = "14.3.3.3.1 release";
  retry_now(held(), effects_);
  leave("DELETED");
}

void UnicastStep::take_up_queued() {
  auto& member = *state_.member;
  // Not while a reservation of before is under way: it would be taken for the new one.
  const bool rests = (live() && !state_.pending) ||
                     (state_.stage == UnicastStage::terminated && held().call != "reserve");
  if (!member.queued || !rests) return;
  auto next = *std::exchange(member.queued, std::nullopt);
  member.revision = next.revision;
  member.accept_offer = next.accept_offer;
  member.offers.reset();
  member.kept_cause.reset();
  if (live()) {
    if (next.qos == state_.qos) {
      member.negotiated.reset();
      return;
    }
    state_.pending = api::state::seal_nrm::Pending{
        .doc = state_.doc, .qos = std::move(next.qos), .unknown = std::nullopt};
    retry_now(held(), effects_);
    return;
  }
  // Refused or lost before: tried again with what is wanted now.
  state_.qos = std::move(next.qos);
  member.negotiated.reset();
  state_.cause.reset();
  state_.rebinds.reset();
  state_.release_first.reset();
  held().attempts.reset();
  retry_now(held(), effects_);
  state_.stage = UnicastStage::resolving;
  begin();
}

/// The core refuses, and would grant something less. True where that is asked for next.
bool UnicastStep::take_offer(const Refusal& why, UniQosRequirement& wanted) {
  if (!state_.member || !state_.member->accept_offer.value_or(false) || !why.acceptable)
    return false;
  const auto taken = state_.member->offers.value_or(0);
  if (taken >= offers_taken_max) return false;
  auto offered = offered_quality(wanted, *why.acceptable, settings_);
  if (!offered) return false;
  wanted = std::move(*offered);
  state_.member->offers = taken + 1;
  return true;
}

/// What a refused create is for an application: nothing is held, and the member says why.
void UnicastStep::park(std::string_view cause) {
  effects_.stop(timer_create);
  effects_.stop(timer_allocate);
  state_.stage = UnicastStage::terminated;
  state_.cause = cause;
  state_.applied_qos_ref.reset();
  if (core().lists() || held().call != "reserve") state_.early.reset();  // As in leave().
  held().unnamed.reset();
  held().attempts.reset();
  retire(held());
}

MemberTold UnicastStep::report() const {
  MemberTold out;
  out.revision = state_.member->revision;
  if (creating() || state_.pending || state_.member->queued)
    out.status = MemberStatus::asked;
  else if (state_.stage == UnicastStage::confirmed)
    out.status = MemberStatus::confirmed;
  else if (state_.stage == UnicastStage::terminated)
    out.status = MemberStatus::refused;
  else if (state_.stage == UnicastStage::releasing)
    out.status = MemberStatus::leaving;
  else
    out.status = MemberStatus::degraded;
  const bool kept = state_.member->kept_cause && out.status != MemberStatus::refused;
  out.cause = kept ? state_.member->kept_cause : state_.cause;
  if (kept) out.kept = true;
  if (state_.applied_qos_ref != state_.qos.qos_reference) out.applied = state_.applied_qos_ref;
  if (state_.member->negotiated.value_or(false)) out.granted = state_.qos;
  out.simulated = state_.simulated;
  if (is_enforced(state_)) out.enforced = true;
  return out;
}

/// After each step: the page hears what became of an order, and every change that came by itself.
void UnicastStep::tell_page() {
  const resource::Key page{"adaptation_page", state_.member->page};
  MemberTold news;
  if (erased_) {
    news.revision = state_.member->revision;
    news.status = MemberStatus::leaving;
    news.gone = true;
    return effects_.tell(page, "member", json::write(news));
  }
  news = report();
  if (news.status == MemberStatus::asked || news.status == MemberStatus::leaving) return;
  if (news == told_before_ && events_.empty()) return;
  if (!events_.empty()) news.events = std::move(events_);
  effects_.tell(page, "member", json::write(news));
}

}  // namespace lobo::seal_nrm
