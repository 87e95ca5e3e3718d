// What a UPF measures of QoS flows, and of all packets of a UE for those who observe it.

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "services/core_sim/smf.hpp"
#include "services/core_sim/smf_events.hpp"
#include "services/core_sim/smf_flow.hpp"
#include "services/core_sim/smf_rules.hpp"
#include "services/core_sim/timers.hpp"
#include "services/core_sim/world.hpp"
#include "wire/pfcp/usage.hpp"

namespace lobo::core_sim {

namespace {

constexpr std::string_view cause_not_there = "UPF_LOST";

void join(DelayMonitoring& to, const DelayMonitoring& from) {
  to.dl |= from.dl;
  to.ul |= from.ul;
  to.round_trip |= from.round_trip;
  if (from.period) to.period = to.period ? std::min(*to.period, *from.period) : from.period;
}

void add(DelayMeasured& to, const pfcp::QosMonitoringMeasurement& from) {
  if (from.delay.downlink) to.dl.emplace_back(*from.delay.downlink);
  if (from.delay.uplink) to.ul.emplace_back(*from.delay.uplink);
  if (from.delay.round_trip) to.round_trip.emplace_back(*from.delay.round_trip);
}

}  // namespace

SessionWatch watch_of(const PduSession& session) {
  SessionWatch watch;
  std::optional<std::chrono::seconds> period;
  for (const auto& [number, observer] : session.observers) {
    const auto& wanted = observer.wanted;
    if (wanted.delay) join(watch.delay ? *watch.delay : watch.delay.emplace(), *wanted.delay);
    if (wanted.usage_period)
      period = period ? std::min(*period, *wanted.usage_period) : *wanted.usage_period;
  }
  watch.usage_period = period.value_or(usage_period_default);
  if (!watch.delay) return watch;
  watch.qfis.push_back(default_qfi);
  for (const auto& [number, flow] : session.flows)
    if (flow.installed) watch.qfis.push_back(flow.qfi);
  std::ranges::sort(watch.qfis);
  return watch;
}

// ---- observers --------------------------------------------------------------------------------

void Smf::observe(UeIndex ue, Number number, const Observation& wanted, Instant now) {
  auto& session = sessions_.at(ue);
  if (const auto flow = session.flows.find(number); flow != session.flows.end())
    flow->second.wanted.reset();
  const bool refused = session.phase == PduSession::Phase::refused;
  if (refused || !n4_.up(session.upf)) {
    session.observers.erase(number);
    events_.emplace_back(FlowRefused{ue, number, refused ? session.cause : cause_not_there});
  } else {
    session.observers.insert_or_assign(number, Observer{.wanted = wanted});
  }
  drive(ue, now);
}

/// What the UPF has is what they want.
void Smf::confirm_observers(UeIndex ue, PduSession& session) {
  for (auto& [number, observer] : session.observers) {
    observer.lost = false;
    if (!std::exchange(observer.confirmed, true)) events_.emplace_back(FlowConfirmed{ue, number});
  }
}

void Smf::refuse_observers(UeIndex ue, PduSession& session, std::string_view cause) {
  for (const auto& [number, observer] : session.observers)
    events_.emplace_back(FlowRefused{ue, number, cause});
  session.observers.clear();
}

// As with flows: those that were confirmed are asked for again, those that wait are refused.
void Smf::lose_observers(UeIndex ue, PduSession& session) {
  session.watched = {};
  for (auto& [number, observer] : session.observers) {
    if (std::exchange(observer.confirmed, false)) {
      observer.lost = true;
      events_.emplace_back(FlowLost{ue, number});
    } else if (!observer.lost) {
      events_.emplace_back(FlowRefused{ue, number, cause_not_there});
    }
  }
  std::erase_if(session.observers, [](const auto& one) { return !one.second.lost; });
}

// A UPF that does not want to watch is not asked again; one that does not want to stop is made to
// forget the session.
void Smf::watch_answered(UeIndex ue, PduSession& session, const SessionWatch& asked,
                         std::string_view refusal) {
  if (refusal.empty()) {
    session.watched = asked;
    return;
  }
  if (session.observers.empty()) session.renew = true;
  refuse_observers(ue, session, refusal);
}

// ---- reports ----------------------------------------------------------------------------------

void Smf::take_usage(UeIndex ue, const PduSession& session, const pfcp::UsageReport& report) {
  if (!report.volume) return;
  UsageMeasured measured{.ue = ue};
  const auto& octets = report.volume->octets;
  if (octets.downlink) measured.bytes_dl = octets.downlink->count;
  if (octets.uplink) measured.bytes_ul = octets.uplink->count;
  if (report.duration) measured.duration = *report.duration;
  const auto tell = [&](Number number) {
    measured.flow = number;
    events_.emplace_back(measured);
  };
  if (report.urr == session_urr) {
    for (const auto& [number, observer] : session.observers)
      if (observer.wanted.usage_period) tell(number);
    return;
  }
  for (const auto& [number, flow] : session.flows)
    if (flow.qfi == report.urr.value && flow.installed) tell(number);
}

void Smf::take_delay(UeIndex ue, const PduSession& session, const pfcp::SessionReport& report) {
  if (report.srr == session_srr) return take_session_delay(ue, session, report);
  for (const auto& one : report.reports)
    for (const auto& [number, flow] : session.flows) {
      if (flow.qfi != one.qfi.value || !flow.installed || !flow.installed->delay) continue;
      DelayMeasured measured{.ue = ue, .flow = number, .failed = one.measurement.failed};
      add(measured, one.measurement);
      events_.emplace_back(std::move(measured));
    }
}

// Flows that carried nothing have no delay; where none has, that is told.
void Smf::take_session_delay(UeIndex ue, const PduSession& session,
                             const pfcp::SessionReport& report) {
  DelayMeasured measured{.ue = ue};
  for (const auto& one : report.reports) add(measured, one.measurement);
  measured.failed = measured.dl.empty() && measured.ul.empty() && measured.round_trip.empty();
  for (const auto& [number, observer] : session.observers) {
    if (!observer.wanted.delay) continue;
    measured.flow = number;
    events_.emplace_back(measured);
  }
}

}  // namespace lobo::core_sim
