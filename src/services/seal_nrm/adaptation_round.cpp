// Pages at work, so many at a time; and the end of an adaptation, which is the last round.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/state/adaptation.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/seal_nrm/adaptation_page.hpp"
#include "services/seal_nrm/adaptation_step.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

using api::state::adaptation::PageEnd;
using api::state::adaptation::PageRun;

namespace {
constexpr std::size_t adaptation_delete_requests_max = 8;
}  // namespace

/// `answered`: nobody waits for the results, they are told one by one.
void AdaptationStep::begin_round(std::vector<std::uint64_t> pages, bool answered) {
  ++state_.round;
  state_.todo = std::move(pages);
  state_.running.clear();
  state_.answered = answered;
  launch();
}

void AdaptationStep::launch() {
  const bool ending = state_.stage == AdaptationStage::releasing;
  while (!state_.todo.empty() &&
         state_.running.size() < settings_.limits.adaptation_pages_at_work) {
    const auto number = state_.todo.front();
    state_.todo.erase(state_.todo.begin());
    state_.running.push_back(number);
    if (ending) {
      effects_.tell(page_key(key_.id, number), "end", json::write(PageEnd{.round = state_.round}));
      continue;
    }
    PageRun run;
    run.round = state_.round;
    run.revision = state_.revision;
    run.qos = state_.change ? state_.change->qos : state_.qos;
    run.secret = state_.secret;
    run.requester = owner_;
    run.accept_offer = state_.change ? state_.change->doc.accept_offer : state_.doc.accept_offer;
    run.bdt_ref_id = state_.doc.bdt_ref_id;
    if (state_.answered.value_or(false)) run.late = true;
    effects_.tell(page_key(key_.id, number), "run", json::write(run));
  }
  if (!at_work()) round_over();
}

void AdaptationStep::page_told(const resource::Key& from, const PageTold& told) {
  auto& counts = state_.counts;
  counts.confirmed += told.delta.confirmed;
  counts.negotiated += told.delta.negotiated;
  counts.degraded += told.delta.degraded;
  counts.refused += told.delta.refused;
  counts.simulated += told.delta.simulated;
  if (told.delta.enforced) counts.enforced = counts.enforced.value_or(0) + *told.delta.enforced;
  state_.changed_at = now_;

  std::vector<AdaptationEventNotification> events;
  for (const auto& news : told.news) {
    auto& event = events.emplace_back();
    event.event = decltype(event.event)(news.event);
    event.val_tgt_ue.emplace();
    event.val_tgt_ue->val_ue_id = news.of.ue;
    event.val_tgt_ue->val_user_id = news.of.user;
    event.cause = news.cause;
    event.applied_qos_ref = news.applied;
    event.ue_result = news.result;
  }
  const bool heard = state_.stage == AdaptationStage::active;
  if (!events.empty() && heard) notify(std::move(events));

  const auto number = parse_decimal(std::string_view(from.id).substr(from.id.rfind('.') + 1));
  if (!number || told.round != state_.round) return;
  if (std::erase(state_.running, *number) == 0) return;
  if (state_.change) state_.change->kept = state_.change->kept.value_or(0) + told.kept.value_or(0);
  if (!state_.first_refusal && told.cause) state_.first_refusal = told.cause;
  launch();
}

void AdaptationStep::round_over() {
  switch (state_.stage) {
    case AdaptationStage::releasing: return erase();
    case AdaptationStage::reserving: answer_create(); break;
    case AdaptationStage::active:
      if (state_.modify_request || state_.change) answer_modify();
      state_.first_refusal.reset();
      break;
  }
  follow_group();
}

/// DELETE: answered when the core holds nothing of it any more.
Result<void> AdaptationStep::remove(const resource::Command& command) {
  if (owner_ != command.who.subject)
    return fail(Errc::not_found, "no such network resource adaptation");
  if (!state_.delete_requests) state_.delete_requests.emplace();
  if (state_.delete_requests->size() >= adaptation_delete_requests_max)
    return fail(Errc::too_many, "this adaptation is being deleted already");
  clause_ = "14.3.3.3.1 release";
  if (state_.delete_requests->empty())
    effects_.start(timer_adaptation_delete, now_ + settings_.limits.answer_within);
  state_.delete_requests->push_back(command.request);
  if (state_.stage != AdaptationStage::releasing) leave("DELETED");
  return {};
}

/// Whoever still waits for something else learns that it will not come.
void AdaptationStep::leave(std::string_view cause) {
  effects_.reply(state_.create_request, refusal_response(deleted_refusal()));
  effects_.reply(state_.modify_request, refusal_response(deleted_refusal()));
  for (const auto timer : {timer_adaptation_answer, timer_adaptation_expire, timer_group})
    effects_.stop(timer);
  state_.stage = AdaptationStage::releasing;
  state_.cause = cause;
  state_.change.reset();
  state_.changed_at = now_;
  begin_round(every_page(), true);
}

void AdaptationStep::erase() {
  clause_ = "14.3.3.3.1 released";
  if (state_.delete_requests)
    for (const auto request : *state_.delete_requests)
      effects_.add(resource::Reply{request, http::Response{204, {}, {}}, false});
  state_.delete_requests.reset();
  erased_ = true;
}

}  // namespace lobo::seal_nrm
