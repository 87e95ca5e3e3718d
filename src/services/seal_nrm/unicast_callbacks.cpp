// What becomes of a reservation later: UserPlaneNotificationData of the core (TS 29.122 clause
// 5.14.2.1.5) and what it means for the unicast resource.

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "api/as_session_with_qos.hpp"
#include "api/state/seal_nrm.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "services/seal_nrm/southbound.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "services/seal_nrm/unicast_step.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

using api::as_session_with_qos::UserPlaneEvent;
using api::as_session_with_qos::UserPlaneEventKnown;
using api::as_session_with_qos::UserPlaneEventReport;
using api::state::seal_nrm::EarlyEvent;

Result<void> UnicastStep::called_back(const resource::Callback& callback) {
  if (!equal_in_constant_time(callback.secret, state_.secret))
    return fail(Errc::not_found, "no such callback");
  const auto data = core().read_news(callback.http);
  if (!data) return fail(data.error());
  std::optional<std::uint64_t> request = callback.request;
  effects_.reply(request, http::Response{204, {}, {}});

  // Which of our sessions is meant? One that we are about to release says nothing any more. One
  // that we do not know is the one whose name we do not have yet: while a create is under way that
  // of its 201, after a restart, or a 201 without a name, the one that the core's list will give.
  const auto session = last_segment(data->transaction);
  const bool unnamed = held().call == "reserve" || held().unnamed.value_or(false);
  const bool enforced = says_enforced(callback.http);
  for (const auto& report : data->event_reports) {
    const bool ours = held().current &&
                      (session ? is_called(*held().current, *session) : held().call != "reserve");
    if (ours) {
      packets_are(enforced);
      apply(report);
      continue;
    }
    if (session && knows(held(), *session)) continue;
    if (!unnamed) {
      if (session) found_orphan(*session, report.event.known());
      continue;
    }
    if (!state_.early) state_.early.emplace();
    EarlyEvent event{
        .event = report.event.text, .session = session, .applied_qos_ref = report.applied_qos_ref};
    if (enforced) event.enforced = true;
    if (state_.early->size() < early_events_max &&
        (state_.early->empty() || state_.early->back() != event))
      state_.early->push_back(std::move(event));
  }
  plan();
  return {};
}

/// The last word counts: a user plane that was lost is no longer said to be there.
void UnicastStep::packets_are(bool enforced) {
  if (enforced)
    state_.enforced = true;
  else
    state_.enforced.reset();
}

/// What this core tells by itself: once, for every later create.
void UnicastStep::learn(std::optional<UserPlaneEventKnown> event) {
  const bool allocation = event == UserPlaneEventKnown::successful_resources_allocation ||
                          event == UserPlaneEventKnown::failed_resources_allocation;
  if (allocation && !peer_state().allocation_events.value_or(false))
    effects_.tell({"core_peer", peer()}, "allocation_event");
}

void UnicastStep::apply(const UserPlaneEventReport& report) {
  const auto event = report.event.known();
  learn(event);
  if (!event) {
    state_.unknown_events = state_.unknown_events.value_or(0) + 1;
    return;
  }
  const std::string cause(report.event.text);
  switch (*event) {
    case UserPlaneEventKnown::successful_resources_allocation:
      return allocation_succeeded(report.applied_qos_ref);
    case UserPlaneEventKnown::failed_resources_allocation: return allocation_failed();
    case UserPlaneEventKnown::qos_not_guaranteed:
    case UserPlaneEventKnown::qos_not_guaranteed_dl:
    case UserPlaneEventKnown::qos_not_guaranteed_ul:
    case UserPlaneEventKnown::loss_of_bearer: return degraded(cause, report.applied_qos_ref);
    case UserPlaneEventKnown::qos_guaranteed:
    case UserPlaneEventKnown::recovery_of_bearer: return guaranteed(cause);
    case UserPlaneEventKnown::session_termination:
    case UserPlaneEventKnown::release_of_bearer:
      if (creating()) return refuse_create(allocation_refusal(cause));
      if (state_.stage == UnicastStage::rebinding) {
        retire(held());
        effects_.stop(timer_allocate);
        return rebind_failed(allocation_refusal(cause), true);
      }
      if (live()) terminate(cause);
      return;
    case UserPlaneEventKnown::usage_report:
    case UserPlaneEventKnown::qos_monitoring:
    case UserPlaneEventKnown::access_type_change:
    case UserPlaneEventKnown::plmn_chg:
    case UserPlaneEventKnown::l4_s_not_available:
    case UserPlaneEventKnown::l4_s_available:
    case UserPlaneEventKnown::bat_offset_info:
    case UserPlaneEventKnown::rt_delay_two_qos_flows:
    case UserPlaneEventKnown::pack_delay_var:
    case UserPlaneEventKnown::qos_mon_cap_repo:
    case UserPlaneEventKnown::rate_limit_info_repo:
      // Not asked for: nothing depends on them.
      state_.unknown_events = state_.unknown_events.value_or(0) + 1;
      return;
  }
}

void UnicastStep::allocation_succeeded(const std::optional<std::string>& applied) {
  const bool waited = state_.stage == UnicastStage::allocating ||
                      (state_.stage == UnicastStage::rebinding && held().current);
  if (waited) {
    if (applied) state_.applied_qos_ref = applied;
    confirm();
    return replay_early();
  }
  // What was short was the set of before the modification: a core that allocates the new one in
  // full has nothing left to take back, and never sends QOS_GUARANTEED. Without a modification a
  // late allocation event says nothing about a loss that came after it.
  const bool anew = std::exchange(state_.reallocating, std::nullopt).value_or(false);
  if (state_.stage != UnicastStage::degraded) return;
  if (!anew && state_.cause != "FAILED_RESOURCES_ALLOCATION") return;
  if (applied)
    degraded(std::string(*state_.cause), applied);
  else
    guaranteed("SUCCESSFUL_RESOURCES_ALLOCATION");
}

void UnicastStep::allocation_failed() {
  state_.reallocating.reset();
  if (creating()) return refuse_create(allocation_refusal("FAILED_RESOURCES_ALLOCATION"));
  if (state_.stage == UnicastStage::rebinding && held().current) {
    retire(held());
    effects_.stop(timer_allocate);
    return rebind_failed(allocation_refusal("FAILED_RESOURCES_ALLOCATION"), true);
  }
  degraded("FAILED_RESOURCES_ALLOCATION", std::nullopt);
}

void UnicastStep::degraded(std::string_view cause, const std::optional<std::string>& applied) {
  if (!live()) {
    // Before the confirmation: told after it.
    if (state_.stage != UnicastStage::allocating && state_.stage != UnicastStage::rebinding) return;
    if (!state_.early) state_.early.emplace();
    if (state_.early->size() < early_events_max)
      state_.early->push_back(
          {.event = std::string(cause), .session = held().current, .applied_qos_ref = applied});
    return;
  }
  // The same again (a callback that came twice) is no news.
  if (state_.stage == UnicastStage::degraded && state_.cause == cause &&
      state_.applied_qos_ref == applied)
    return;
  state_.stage = UnicastStage::degraded;
  state_.cause = cause;
  state_.applied_qos_ref = applied;
  notify("QOS_NOT_GUARANTEED", cause, applied);
}

void UnicastStep::guaranteed(std::string_view cause) {
  if (state_.stage == UnicastStage::allocating) return allocation_succeeded(std::nullopt);
  if (state_.stage != UnicastStage::degraded) return;
  state_.stage = UnicastStage::confirmed;
  state_.cause.reset();
  state_.applied_qos_ref.reset();
  notify("QOS_GUARANTEED", cause);
}

/// The reservation is gone at the core, or the UE is. The resource stays readable, says so, and
/// takes the promise up again when the UE appears at another address.
void UnicastStep::terminate(std::string_view cause) {
  if (state_.pending) reject_pending(allocation_refusal(cause));
  retire(held());  // Released all the same: 404 is a good answer, a forgotten session is none.
  effects_.stop(timer_allocate);
  state_.stage = UnicastStage::terminated;
  state_.enforced.reset();
  state_.cause = cause;
  state_.applied_qos_ref.reset();
  state_.release_first.reset();
  state_.rebinds.reset();
  notify("QOS_TERMINATED", cause);
}

/// What arrived before the 201 that it belongs to was read.
void UnicastStep::replay_early() {
  const auto early = std::exchange(state_.early, std::nullopt).value_or(std::vector<EarlyEvent>{});
  bool allocation_told = false;
  for (const auto& event : early)
    if (!event.session || is_called(*held().current, *event.session))
      allocation_told |= event.event == "SUCCESSFUL_RESOURCES_ALLOCATION" ||
                         event.event == "FAILED_RESOURCES_ALLOCATION";
  if (!live()) {
    if (allocation_told || waits_for_allocation()) {
      if (state_.stage == UnicastStage::reserving)
        state_.stage = UnicastStage::allocating;
      else
        effects_.start(timer_allocate, now_ + settings_.limits.answer_within);
    } else {
      confirm();
    }
  }
  for (const auto& event : early) {
    if (event.session && !(held().current && is_called(*held().current, *event.session))) continue;
    UserPlaneEventReport report;
    report.event = UserPlaneEvent(event.event);
    report.applied_qos_ref = event.applied_qos_ref;
    packets_are(event.enforced.value_or(false));
    apply(report);
  }
}

}  // namespace lobo::seal_nrm
