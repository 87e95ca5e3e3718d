// What a UPF and a gNB do for sessions with QoS, and what they tell of them.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "api/as_session_with_qos.hpp"
#include "base/clock.hpp"
#include "base/quantity.hpp"
#include "model/bit_rate.hpp"
#include "services/core_sim/measurements.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/session_terms.hpp"
#include "services/core_sim/sessions.hpp"
#include "services/core_sim/smf.hpp"
#include "services/core_sim/smf_events.hpp"
#include "services/core_sim/smf_flow.hpp"
#include "services/core_sim/smf_rules.hpp"
#include "services/core_sim/timers.hpp"
#include "services/core_sim/world.hpp"

namespace lobo::core_sim {

using Event = UserPlaneEventKnown;

namespace {

/// Rates are watched so often where a report is wanted only below a threshold.
constexpr std::chrono::seconds rate_watch_period{1};

std::optional<std::chrono::milliseconds> milliseconds(const std::optional<std::uint64_t>& value) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();  // clause 8.2.169
  if (!value) return std::nullopt;
  return std::chrono::milliseconds(std::min(*value, most));
}

DelayMonitoring monitoring_of(const MonitoringTerms& from) {
  return {.dl = from.dl,
          .ul = from.ul,
          .round_trip = from.round_trip,
          .period = from.period,
          .on_threshold = from.on_threshold,
          .threshold_dl = milliseconds(from.threshold_dl),
          .threshold_ul = milliseconds(from.threshold_ul),
          .threshold_round_trip = milliseconds(from.threshold_round_trip),
          .wait = from.wait};
}

/// Default traffic is promised nothing less (5QI 9 of TS 23.501 table 5.7.4-1).
constexpr unsigned five_qi_default = 9;
constexpr std::chrono::milliseconds delay_budget_default{300};

/// Packets of any kind, treated as they are anyway.
bool is_default(const Treatment& treatment) {
  const auto all = [](const std::vector<std::string>& filters) {
    return !filters.empty() && std::ranges::all_of(filters, takes_all);
  };
  return all(treatment.filters_dl) && all(treatment.filters_ul) &&
         treatment.five_qi.value_or(five_qi_default) == five_qi_default && !treatment.mbr_dl &&
         !treatment.mbr_ul && !treatment.pdu_set_dl && !treatment.pdu_set_ul &&
         !treatment.protocol_dl && !treatment.protocol_ul && !treatment.burst_size &&
         !treatment.time_to_next_burst;
}
bool is_default(const Quality& quality) {
  return quality.gbr_dl.count == 0 && quality.gbr_ul.count == 0 && !quality.loss_ppm_max &&
         quality.delay_budget.value_or(delay_budget_default) >= delay_budget_default;
}

BitsPerSecond rate_over(std::uint64_t bytes, std::chrono::seconds duration) {
  return {bytes * 8 / static_cast<std::uint64_t>(duration.count())};
}

}  // namespace

bool Sessions::has_user_plane(const Session& session) const {
  return net_.smf && net_.smf->is_open(session.ue) && session.terms.treatment.detects();
}

Link Sessions::link_of(const Session& session) const {
  return session.user_plane == UserPlane::simulated ? net_.world.ue(session.ue).link : Link{};
}

Experience Sessions::experience_of(const Session& session) const {
  if (session.user_plane != UserPlane::simulated) return {};
  return experience(in_force(session), net_.world.cell(session.cell), link_of(session));
}

// While the gNB cannot keep what was promised, the promise stays what it is: it may be kept again.
FlowSpec Sessions::spec_of(const Session& session) const {
  const auto& terms = session.terms;
  FlowSpec spec{.treatment = terms.treatment, .quality = in_force(session)};
  if (!session.notice.held && session.asked_of_upf) spec.quality = session.asked_of_upf->quality;
  for (const auto& alternative : terms.alternatives)
    spec.alternatives.push_back(alternative.quality);
  if (terms.delay && terms.wants(Event::qos_monitoring)) spec.delay = monitoring_of(*terms.delay);
  if (terms.rate && terms.wants(Event::qos_monitoring))
    spec.usage_period = terms.rate->period.value_or(rate_watch_period);
  return spec;
}

bool Sessions::observes(const Session& session) {
  const auto& terms = session.terms;
  const bool monitors = terms.wants(Event::qos_monitoring) && (terms.delay || terms.rate);
  const bool counts = terms.wants(Event::usage_report) && terms.usage;
  const auto by_threshold = [](const std::optional<MonitoringTerms>& asked) {
    return asked && asked->on_threshold;
  };
  return (monitors || counts) && is_default(terms.treatment) && is_default(terms.wanted) &&
         terms.alternatives.empty() && !by_threshold(terms.delay) && !by_threshold(terms.rate);
}

Observation Sessions::observation_of(const Session& session) {
  const auto& terms = session.terms;
  Observation wanted;
  const auto period = [&](std::optional<std::chrono::seconds> asked) {
    if (!asked) return;
    wanted.usage_period = wanted.usage_period ? std::min(*wanted.usage_period, *asked) : *asked;
  };
  if (terms.wants(Event::qos_monitoring)) {
    if (terms.delay) wanted.delay = monitoring_of(*terms.delay);
    if (terms.rate) period(terms.rate->period);
  }
  if (terms.wants(Event::usage_report) && terms.usage)
    period(terms.usage->duration.value_or(usage_period_default));
  return wanted;
}

void Sessions::ask_upf(Session& session, Instant now) {
  session.asked_of_upf = spec_of(session);
  if (session.user_plane != UserPlane::enforced) session.user_plane = UserPlane::requested;
  if (observes(session))
    return net_.smf->observe(session.ue, session.number, observation_of(session), now);
  net_.smf->set_flow(session.ue, session.number, *session.asked_of_upf, now);
}

void Sessions::reach_user_plane(UeIndex ue, Instant now) {
  const auto at = by_ue_.find(ue);
  if (at == by_ue_.end()) return;
  const auto numbers = at->second;
  for (const auto number : numbers) {
    auto& session = sessions_.at(number);
    const bool holds =
        session.state == SessionState::guaranteed || session.state == SessionState::not_guaranteed;
    if (!holds || session.user_plane != UserPlane::simulated || !has_user_plane(session)) continue;
    settle(session, now);
    ask_upf(session, now);
  }
}

// ---- outcomes ---------------------------------------------------------------------------------

void Sessions::take(const SmfEvent& event, Instant now) {
  std::visit(
      [&](const auto& told) {
        using Told = std::decay_t<decltype(told)>;
        const auto at = sessions_.find(told.flow);
        if (at == sessions_.end()) return;
        auto& session = at->second;
        // A change that came since has not asked the UPF yet; this is about what was before.
        if (session.user_plane == UserPlane::simulated) return;
        settle(session, now);
        if constexpr (std::is_same_v<Told, FlowConfirmed>) {
          confirmed(session, now);
        } else if constexpr (std::is_same_v<Told, FlowRefused>) {
          fail_allocation(session, now);
        } else if constexpr (std::is_same_v<Told, FlowLost>) {
          session.user_plane = UserPlane::lost;
          if (session.state == SessionState::allocating) return fail_allocation(session, now);
          assess(session, now);
        } else if constexpr (std::is_same_v<Told, DelayMeasured>) {
          delay_told(session, told, now);
        } else {
          usage_told(session, told, now);
        }
      },
      event);
}

void Sessions::confirmed(Session& session, Instant now) {
  const bool anew = session.user_plane != UserPlane::enforced;
  session.user_plane = UserPlane::enforced;
  if (session.state == SessionState::allocating) return allocation_done(session, now);
  if (!anew) return;
  assess(session, now);
  rearm_usage(session, now);
}

bool Sessions::take_notice(UeIndex ue, QfiNumber qfi, const GuaranteeNotice& notice, Instant now) {
  const auto number = net_.smf ? net_.smf->flow_of(ue, qfi) : std::nullopt;
  const auto at = number ? sessions_.find(*number) : sessions_.end();
  if (at == sessions_.end()) return false;
  auto& session = at->second;
  session.notice = notice;
  assess(session, now);
  return true;
}

// ---- measurements -----------------------------------------------------------------------------

void Sessions::delay_told(Session& session, const DelayMeasured& measured, Instant now) {
  if (!session.terms.delay) return;
  const auto& asked = *session.terms.delay;
  auto report = event_report(session, Event::qos_monitoring);
  auto& values = report.qos_mon_reports.emplace().emplace_back();
  if (measured.failed) values.pdmf = true;
  const auto put = [](bool wanted, const auto& delays, auto& to) {
    if (!wanted || delays.empty()) return;
    to.emplace();
    for (const auto delay : delays) to->push_back(delay.count());
  };
  put(asked.dl, measured.dl, values.dl_delays);
  put(asked.ul, measured.ul, values.ul_delays);
  put(asked.round_trip, measured.round_trip, values.rt_delays);
  if (values.pdmf || values.dl_delays || values.ul_delays || values.rt_delays)
    notify(session, std::move(report), now);
}

// Usage, and the rates that follow from it: what was carried in one period of the URR.
void Sessions::usage_told(Session& session, const UsageMeasured& measured, Instant now) {
  session.meter.add(measured.bytes_dl, measured.bytes_ul);
  rearm_usage(session, now);
  if (!session.terms.rate || measured.duration.count() <= 0) return;
  const auto& asked = *session.terms.rate;
  const auto dl = rate_over(measured.bytes_dl, measured.duration);
  const auto ul = rate_over(measured.bytes_ul, measured.duration);
  bool crossed = false;
  const auto look = [&](const char* name, bool wanted,
                        const std::optional<std::uint64_t>& threshold, BitsPerSecond rate) {
    if (!asked.on_threshold || !wanted || !threshold) return;
    if (rate.count >= *threshold)
      session.above.erase(name);
    else
      crossed |= session.above.insert(name).second;
  };
  look("rate dl", asked.dl, asked.threshold_dl, dl);
  look("rate ul", asked.ul, asked.threshold_ul, ul);
  const auto last = session.triggered.find(TimerKind::rate_report);
  const bool too_soon = last != session.triggered.end() && now - last->second < asked.wait;
  if (!asked.period && (!crossed || too_soon)) return;
  if (crossed) session.triggered[TimerKind::rate_report] = now;
  auto report = event_report(session, Event::qos_monitoring);
  auto& values = report.qos_mon_dat_rate_reps.emplace().emplace_back();
  if (asked.dl) values.dl_data_rate = model::format_bit_rate(dl);
  if (asked.ul) values.ul_data_rate = model::format_bit_rate(ul);
  notify(session, std::move(report), now);
}

}  // namespace lobo::core_sim
