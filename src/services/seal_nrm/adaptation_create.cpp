// TS 23.434 clause 14.3.3.3.1: network resource adaptation request (T1) and response (T2).

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/nra_adaptation.hpp"
#include "api/nra_mm_qos.hpp"
#include "api/state/adaptation.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/adaptation_checks.hpp"
#include "services/seal_nrm/adaptation_page.hpp"
#include "services/seal_nrm/adaptation_step.hpp"
#include "services/seal_nrm/adaptation_view.hpp"
#include "services/seal_nrm/mm_qos.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

using api::nra_adaptation::AdaptationResultKnown;
using api::state::adaptation::PageLate;

namespace {

Refusal no_group() {
  return {404,
          "Group not known",
          "GROUP_NOT_FOUND",
          "no such VAL group is known to this requester",
          {{Errc::not_found, "/valGroupId", "is not known"}}};
}

Refusal store_refusal() {
  return {503, "The store cannot be read", "INSUFFICIENT_RESOURCES",
          "what became of the UEs cannot be read now; ask for it later"};
}

}  // namespace

/// T1, or T69, which is put together to what an adaptation wants.
Result<CheckedAdaptation> AdaptationStep::check_new(const resource::Command& command) {
  if (command.operation != api::nra_mm_qos::operation::create_mm_qos) {
    auto doc = json::read<NetworkResourceAdaptation>(command.http.body);
    if (!doc) return fail(std::move(doc.error()));
    return check_adaptation(std::move(*doc), command.who.subject, settings_, directory_, now_);
  }
  auto mm = json::read<api::nra_mm_qos::MmQosManagement>(command.http.body);
  if (!mm) return fail(std::move(mm.error()));
  auto checked =
      check_mm_qos(std::move(*mm), key_.id, command.who.subject, settings_, directory_, now_);
  if (!checked) return fail(std::move(checked.error()));
  state_.mm = std::move(checked->mm);
  return std::move(checked->adaptation);
}

// 1. The VAL server sends a network resource adaptation request.
Result<void> AdaptationStep::create(const resource::Command& command) {
  auto checked = check_new(command);
  if (!checked) return fail(std::move(checked.error()));
  if (checked->unknown_group) {
    std::optional<std::uint64_t> request = command.request;
    const bool unsettled = directory_.group_unsettled(*checked->doc.val_group_id);
    effects_.reply(request, refusal_response(unsettled ? group_unsettled_refusal() : no_group()));
    erased_ = true;
    return {};
  }
  clause_ = "14.3.3.3.1 step 1";
  owner_ = command.who.subject;
  state_.stage = AdaptationStage::reserving;
  state_.doc = std::move(checked->doc);
  state_.qos = std::move(checked->qos);
  state_.secret = command.secret;
  state_.revision = 1;
  state_.create_request = command.request;
  state_.changed_at = now_;
  if (state_.doc.val_group_id) {
    state_.group_revision = checked->group_revision;
    effects_.start(timer_group, now_ + settings_.limits.group_check);
  }
  effects_.start(timer_adaptation_answer, now_ + settings_.limits.answer_within);
  // 2. For each UE the reservation of clause 14.3.3.3.2, page by page.
  auto pages = assign(checked->members, false);
  if (!pages) return fail(std::move(pages.error()));
  begin_round(std::move(*pages), false);
  return {};
}

/// The same Idempotency-Key again: the answer of the first time.
Result<void> AdaptationStep::create_again(const resource::Command& command) {
  if (owner_ != command.who.subject)
    return fail(Errc::not_found, "no such network resource adaptation");
  std::optional<std::uint64_t> request = command.request;
  const auto shown = state_.stage == AdaptationStage::active ? representation(201)
                                                             : std::optional<http::Response>();
  if (shown)
    effects_.reply(request, *shown, true);
  else
    effects_.reply(request, refusal_response(unsettled_refusal()));
  return {};
}

// 3. The NRM server answers with what became of each UE. T2 has success or failure: it is a success
//    where anybody got anything, or where there is nobody.
void AdaptationStep::answer_create() {
  clause_ = "14.3.3.3.1 step 3";
  const std::string cause = state_.first_refusal.value_or("REQUESTED_SERVICE_NOT_AUTHORIZED");
  // T70 has no result between yes and no.
  if (state_.mm && !state_.mm->partial.value_or(false) && granted() > 0 &&
      static_cast<std::uint64_t>(granted()) < state_.members)
    return refuse_all(state_.counts.refused > 0
                          ? Refusal{403, "Refused for some UEs", cause,
                                    "not all of the UEs got what was asked for; the first was "
                                    "refused with " +
                                        cause}
                          : late_refusal());
  if (granted() == 0 && state_.members > 0) {
    if (static_cast<std::uint64_t>(state_.counts.refused) < state_.members)
      return refuse_all(late_refusal());
    return refuse_all(
        {cause == "USER_NOT_FOUND" ? 404 : 403, "Refused for every UE", cause,
         "none of the UEs got what was asked for; the first was refused with " + cause});
  }
  accept();
}

void AdaptationStep::accept() {
  clause_ = "14.3.3.3.1 step 3";
  effects_.stop(timer_adaptation_answer);
  state_.stage = AdaptationStage::active;
  state_.first_refusal.reset();
  state_.answered = true;
  if (auto shown = representation(201))
    effects_.reply(state_.create_request, std::move(*shown), true);
  else
    effects_.reply(state_.create_request, refusal_response(store_refusal()));
  if (state_.doc.req_test_notif.value_or(false))
    post("{\"subscription\":" + json::quoted(uri()) + "}");
  tell_configuration();
  schedule_expiry();
}

void AdaptationStep::refuse_all(const Refusal& why) {
  effects_.reply(state_.create_request, refusal_response(why));
  effects_.stop(timer_adaptation_answer);
  leave(why.cause);
}

/// The answer time has passed. Whoever is pending in the answer is told of later.
void AdaptationStep::answered_in_part() {
  const bool creating = state_.stage == AdaptationStage::reserving;
  if (!creating && !state_.modify_request) return;
  bool any = granted() > 0;
  std::vector<std::pair<std::uint64_t, PageLate>> late;
  for (const auto number : state_.running) {
    const auto page = page_of(key_.id, number, lookup_);
    if (!page) continue;
    PageLate shown;
    for (const auto& member : page->members) {
      if (member.dropped.value_or(false)) continue;
      const auto result = result_of(member).result.known();
      if (result == AdaptationResultKnown::pending)
        shown.ues.push_back({.ue = member.ue, .user = member.user});
      else if (result != AdaptationResultKnown::refused)
        any = true;
    }
    if (!shown.ues.empty()) late.emplace_back(number, std::move(shown));
  }
  // All or nothing: what is pending now is nothing.
  if (creating && (!any || (state_.mm && !state_.mm->partial.value_or(false)))) {
    clause_ = "14.3.3.3.1 step 3";
    return refuse_all(late_refusal());
  }
  if (creating)
    accept();
  else
    answer_modify();
  state_.answered = true;
  for (auto& [number, shown] : late)
    effects_.tell(page_key(key_.id, number), "late", json::write(shown));
}

}  // namespace lobo::seal_nrm
