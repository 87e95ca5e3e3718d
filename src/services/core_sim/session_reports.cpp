// What sessions report by themselves: measurements, usage, and the callbacks that carry them.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "api/as_session_with_qos.hpp"
#include "base/clock.hpp"
#include "model/bit_rate.hpp"
#include "services/core_sim/app_session_news.hpp"
#include "services/core_sim/measurements.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/session_terms.hpp"
#include "services/core_sim/sessions.hpp"
#include "services/core_sim/timers.hpp"
#include "wire/json/json.hpp"

namespace lobo::core_sim {

using Event = UserPlaneEventKnown;
using api::as_session_with_qos::UserPlaneNotificationData;

namespace {

std::int64_t integer(std::uint64_t value) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(value, most));
}

}  // namespace

Report Sessions::event_report(const Session& session, Event event) const {
  Report report;
  report.event = event;
  if (!session.terms.flow_ids.empty()) report.flow_ids = session.terms.flow_ids;
  return report;
}

// The network tells the end of a session to everybody; all else only to those who asked for it.
void Sessions::notify(Session& session, Report report, Instant now) {
  const auto event = report.event.known();
  const bool wanted =
      event && (*event == Event::session_termination || session.terms.wants(*event));
  if (!wanted || net_.is_mute(report.event.text)) return;
  if (session.terms.surface == Surface::pcf) {
    if (auto news = app_session_news(session, report, uri_of(session), net_.config.pcf))
      net_.callbacks.push(session.number, news->to, news->operation, std::move(news->body), now,
                          now, is_enforced(session));
    return;
  }
  UserPlaneNotificationData data;
  data.transaction = uri_of(session);
  data.event_reports.push_back(std::move(report));
  net_.callbacks.push(session.number, session.terms.destination, user_plane_notification,
                      json::write(data), now, now, is_enforced(session));
}

// ---- usage ------------------------------------------------------------------------------------

// Counts what was carried until now, at the rates that held since the last change.
void Sessions::settle(Session& session, Instant now) {
  const bool carries =
      session.state == SessionState::guaranteed || session.state == SessionState::not_guaranteed;
  if (!carries) return session.meter.advance({}, {}, now);
  const auto got = experience_of(session);
  session.meter.advance(got.rate_dl, got.rate_ul, now);
}

Report Sessions::usage_report(Session& session, Instant now) {
  settle(session, now);
  auto report = event_report(session, Event::usage_report);
  auto& usage = report.accumulated_usage.emplace();
  const auto dl = session.meter.bytes_dl();
  const auto ul = session.meter.bytes_ul();
  usage.duration =
      std::chrono::duration_cast<std::chrono::seconds>(session.meter.duration()).count();
  usage.total_volume = integer(dl + ul);
  usage.downlink_volume = integer(dl);
  usage.uplink_volume = integer(ul);
  return report;
}

// Sets the timer to the moment at which the first threshold will be reached if nothing changes.
void Sessions::rearm_usage(Session& session, Instant now) {
  const TimerKey key{session.number, TimerKind::usage};
  net_.timers.stop(key);
  const bool carries =
      session.state == SessionState::guaranteed || session.state == SessionState::not_guaranteed;
  if (!session.terms.usage || !carries) return;
  const auto& usage = *session.terms.usage;
  const auto got = experience_of(session);

  constexpr std::uint64_t for_ever = 1'000'000ULL * 86'400 * 365;  // looked at again after a year
  std::uint64_t micros = for_ever;
  const auto volume = [&](const std::optional<std::uint64_t>& threshold, std::uint64_t carried,
                          BitsPerSecond rate) {
    if (!threshold) return;
    const auto left = *threshold > carried ? *threshold - carried : 0;
    if (left > 0 && rate.count == 0) return;
    const auto needed =
        left == 0
            ? 0
            : (static_cast<unsigned __int128>(left) * 8'000'000U + rate.count - 1) / rate.count;
    micros = static_cast<std::uint64_t>(std::min<unsigned __int128>(needed, micros));
  };
  const auto dl = session.meter.bytes_dl();
  const auto ul = session.meter.bytes_ul();
  volume(usage.dl_bytes, dl, got.rate_dl);
  volume(usage.ul_bytes, ul, got.rate_ul);
  volume(usage.total_bytes, dl + ul, got.rate_dl + got.rate_ul);
  if (usage.duration) {
    const auto left =
        std::max(std::chrono::microseconds{0},
                 std::chrono::microseconds(*usage.duration) - session.meter.duration());
    micros = std::min(micros, static_cast<std::uint64_t>(left.count()));
  }
  // At least a millisecond from now: rounding must not make it fire without end.
  net_.timers.start(key, now + std::chrono::microseconds(std::max<std::uint64_t>(micros, 1'000)));
}

// ---- measurements -----------------------------------------------------------------------------

std::optional<Report> Sessions::monitoring_report(Session& session, TimerKind kind) {
  const auto& link = net_.world.ue(session.ue).link;
  const auto got = experience(in_force(session), net_.world.cell(session.cell), link);
  if (kind == TimerKind::jitter_report) {
    if (link.measurement_fails) return std::nullopt;
    const auto& terms = *session.terms.jitter;
    auto report = event_report(session, Event::pack_delay_var);
    auto& values = report.pdv_mon_reports.emplace().emplace_back();
    if (terms.dl) values.dl_pdv = integer(measured_jitter_ms(link, net_.rng));
    if (terms.ul) values.ul_pdv = integer(measured_jitter_ms(link, net_.rng));
    if (terms.round_trip)
      values.rt_pdv =
          integer(measured_jitter_ms(link, net_.rng) + measured_jitter_ms(link, net_.rng));
    return report;
  }
  auto report = event_report(session, Event::qos_monitoring);
  if (kind == TimerKind::rate_report) {
    if (link.measurement_fails) return std::nullopt;
    const auto& terms = *session.terms.rate;
    auto& values = report.qos_mon_dat_rate_reps.emplace().emplace_back();
    if (terms.dl)
      values.dl_data_rate =
          model::format_bit_rate(measured_rate(got.rate_dl, got.loss_ppm, net_.rng));
    if (terms.ul)
      values.ul_data_rate =
          model::format_bit_rate(measured_rate(got.rate_ul, got.loss_ppm, net_.rng));
    return report;
  }
  const auto& terms = *session.terms.delay;
  auto& values = report.qos_mon_reports.emplace().emplace_back();
  if (link.measurement_fails) {
    values.pdmf = true;
    return report;
  }
  const auto dl = measured_ms(got.delay_dl, net_.rng);
  const auto ul = measured_ms(got.delay_ul, net_.rng);
  if (terms.dl) values.dl_delays = {integer(dl)};
  if (terms.ul) values.ul_delays = {integer(ul)};
  if (terms.round_trip) values.rt_delays = {integer(dl + ul)};
  return report;
}

void Sessions::periodic(Session& session, TimerKind kind, Instant now) {
  const auto& terms = kind == TimerKind::delay_report  ? session.terms.delay
                      : kind == TimerKind::rate_report ? session.terms.rate
                                                       : session.terms.jitter;
  if (!terms || !terms->period) return;
  const bool carries =
      session.state == SessionState::guaranteed || session.state == SessionState::not_guaranteed;
  // What a UPF carries, it measures by itself.
  if (carries && session.user_plane == UserPlane::simulated)
    if (auto report = monitoring_report(session, kind)) notify(session, std::move(*report), now);
  net_.timers.start({session.number, kind}, now + *terms->period);
}

// EVENT_TRIGGERED: once when a value passes its threshold, again after it was back below. Delays
// and jitter report when above, rates when below. The value without jitter decides.
void Sessions::check_thresholds(Session& session, Instant now) {
  if (session.user_plane != UserPlane::simulated) return;
  const auto& link = net_.world.ue(session.ue).link;
  const auto got = experience(in_force(session), net_.world.cell(session.cell), link);
  const auto millis = [](std::chrono::milliseconds value) {
    return static_cast<std::uint64_t>(value.count());
  };

  bool crossed = false;
  const auto look = [&](const char* name, bool measured,
                        const std::optional<std::uint64_t>& threshold, std::uint64_t value,
                        bool report_below) {
    if (!measured || !threshold) return;
    const bool beyond = report_below ? value < *threshold : value > *threshold;
    if (!beyond) {
      session.above.erase(name);
    } else if (session.above.insert(name).second) {
      crossed = true;
    }
  };
  const auto report_if_crossed = [&](TimerKind kind, const MonitoringTerms& terms) {
    const auto last = session.triggered.find(kind);
    const bool too_soon = last != session.triggered.end() && now - last->second < terms.wait;
    if (!crossed || too_soon) return;
    session.triggered[kind] = now;
    if (auto report = monitoring_report(session, kind)) notify(session, std::move(*report), now);
  };
  if (const auto& terms = session.terms.delay; terms && terms->on_threshold) {
    look("delay dl", terms->dl, terms->threshold_dl, millis(got.delay_dl), false);
    look("delay ul", terms->ul, terms->threshold_ul, millis(got.delay_ul), false);
    look("delay rt", terms->round_trip, terms->threshold_round_trip,
         millis(got.delay_dl + got.delay_ul), false);
    report_if_crossed(TimerKind::delay_report, *terms);
  }
  crossed = false;
  if (const auto& terms = session.terms.rate; terms && terms->on_threshold) {
    look("rate dl", terms->dl, terms->threshold_dl, got.rate_dl.count, true);
    look("rate ul", terms->ul, terms->threshold_ul, got.rate_ul.count, true);
    report_if_crossed(TimerKind::rate_report, *terms);
  }
  crossed = false;
  if (const auto& terms = session.terms.jitter; terms && terms->on_threshold) {
    const auto jitter = millis(link.delay) / 10;
    look("jitter dl", terms->dl, terms->threshold_dl, jitter, false);
    look("jitter ul", terms->ul, terms->threshold_ul, jitter, false);
    look("jitter rt", terms->round_trip, terms->threshold_round_trip, 2 * jitter, false);
    report_if_crossed(TimerKind::jitter_report, *terms);
  }
}

// ---- timers -----------------------------------------------------------------------------------

void Sessions::timer(const TimerKey& key, Instant now) {
  const auto at = sessions_.find(key.of);
  if (at == sessions_.end()) return;
  auto& session = at->second;
  switch (key.kind) {
    case TimerKind::allocation:
      settle(session, now);
      if (session.state == SessionState::allocating) finish_allocation(session, now);
      return;
    case TimerKind::expiry: return terminate(session, now);
    case TimerKind::delay_report:
    case TimerKind::rate_report:
    case TimerKind::jitter_report: return periodic(session, key.kind, now);
    case TimerKind::usage: {
      auto report = usage_report(session, now);
      const auto& terms = session.terms.usage;
      const auto reached = [](const auto& threshold, std::uint64_t value) {
        return threshold && value >= *threshold;
      };
      const auto dl = session.meter.bytes_dl();
      const auto ul = session.meter.bytes_ul();
      if (terms && (reached(terms->dl_bytes, dl) || reached(terms->ul_bytes, ul) ||
                    reached(terms->total_bytes, dl + ul) ||
                    (terms->duration && session.meter.duration() >= *terms->duration))) {
        notify(session, std::move(report), now);
        session.meter.reset();
      }
      return rearm_usage(session, now);
    }
    case TimerKind::period: return;
  }
}

}  // namespace lobo::core_sim
