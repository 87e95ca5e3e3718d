#include "services/seal_nrm/monitor_terms.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "api/ss_nrm.hpp"
#include "api/state/nrm_monitor.hpp"
#include "base/clock.hpp"
#include "base/quantity.hpp"
#include "base/require.hpp"
#include "model/bit_rate.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"

namespace lobo::seal_nrm {

namespace nrm = api::ss_nrm;
using Mode = nrm::NotificationMethodKnown;
using Termination = nrm::TerminationModeKnown;

namespace {

constexpr double octets_max = 9e18;  // of a 63 bit integer

std::int64_t rounded(double value) {
  return static_cast<std::int64_t>(std::llround(std::min(value, octets_max)));
}

std::optional<double> number(const std::optional<std::int64_t>& value) {
  if (!value) return std::nullopt;
  return static_cast<double>(*value);
}
std::optional<double> rate(const std::optional<std::string>& text) {
  const auto parsed = text ? model::parse_bit_rate(*text) : std::nullopt;
  if (!parsed) return std::nullopt;
  return static_cast<double>(parsed->count);
}
std::string rate_text(double value) {
  return model::format_bit_rate(BitsPerSecond{static_cast<std::uint64_t>(rounded(value))});
}

monitor::Direction direction_of(const nrm::MatchingDirection& direction) {
  if (direction == nrm::MatchingDirectionKnown::descending) return monitor::Direction::descending;
  if (direction == nrm::MatchingDirectionKnown::crossed) return monitor::Direction::crossed;
  return monitor::Direction::ascending;
}

void put_reporting(const nrm::ReportingRequirements& from, Instant ends_from, monitor::Rule& rule) {
  rule.immediate = from.imm_rep.value_or(false);
  if (from.reporting_mode == Mode::periodic) {
    rule.mode = monitor::Mode::periodic;
    rule.reporting_period = std::chrono::seconds(from.reporting_period.value_or(0));
  }
  if (from.reporting_thrs)
    for (const auto& threshold : *from.reporting_thrs)
      for (const auto& term : measure_terms())
        if (const auto value = value_in(threshold.meas_thr_values, term.measure))
          rule.thresholds.push_back({term.measure, *value, direction_of(threshold.thr_direction)});
  if (from.expiration_timer) rule.until = ends_from + std::chrono::seconds(*from.expiration_timer);
  if (from.max_num_rep) rule.reports_max = static_cast<std::uint32_t>(*from.max_num_rep);
  if (from.term_thr)
    for (const auto& term : measure_terms())
      if (const auto value = value_in(*from.term_thr, term.measure))
        rule.until_thresholds.push_back({term.measure, *value, monitor::Direction::ascending});
  rule.until_all = from.term_thr_mode == nrm::ThresholdHandlingModeKnown::all_reached;
}

}  // namespace

const std::array<MeasureTerm, monitor::measures_count>& measure_terms() {
  using Type = MeasurementDataTypeKnown;
  static constexpr std::array<MeasureTerm, monitor::measures_count> all{{
      {Measure::dl_delay, Type::dl_delay, "dlDelay", SourceKind::delay, SampleIndex::dl_delay},
      {Measure::ul_delay, Type::ul_delay, "ulDelay", SourceKind::delay, SampleIndex::ul_delay},
      {Measure::rt_delay, Type::rt_delay, "rtDelay", SourceKind::delay, SampleIndex::rt_delay},
      {Measure::loss_rate, Type::avg_plr, "avgPlr", SourceKind::analytics, SampleIndex::loss},
      {Measure::rate_average, Type::avg_data_rate, "avgDataRate", SourceKind::rate,
       SampleIndex::rate},
      {Measure::rate_maximum, Type::max_data_rate, "maxDataRate", SourceKind::rate,
       SampleIndex::rate},
      {Measure::dl_volume, Type::avg_dl_traffic_volume, "avrDlTrafficVol", SourceKind::usage,
       SampleIndex::dl_volume},
      {Measure::ul_volume, Type::avg_ul_traffic_volume, "avrUlTrafficVol", SourceKind::usage,
       SampleIndex::ul_volume},
  }};
  return all;
}

const MeasureTerm& term_of(Measure measure) {
  const auto& all = measure_terms();
  const auto at = std::ranges::find(all, measure, &MeasureTerm::measure);
  require(at != all.end());
  return *at;
}

std::optional<Measure> measure_of(const nrm::MeasurementDataType& type) {
  const auto known = type.known();
  if (!known) return std::nullopt;
  const auto& all = measure_terms();
  const auto at = std::ranges::find(all, *known, &MeasureTerm::type);
  require(at != all.end());
  return at->measure;
}

bool has_value(const MeasurementData& data, Measure measure) {
  if (measure == Measure::rate_average) return data.avg_data_rate.has_value();
  if (measure == Measure::rate_maximum) return data.max_data_rate.has_value();
  return value_in(data, measure).has_value();
}

std::optional<double> value_in(const MeasurementData& data, Measure measure) {
  switch (measure) {
    case Measure::dl_delay: return number(data.dl_delay);
    case Measure::ul_delay: return number(data.ul_delay);
    case Measure::rt_delay: return number(data.rt_delay);
    case Measure::loss_rate: return number(data.avg_plr);
    case Measure::rate_average: return rate(data.avg_data_rate);
    case Measure::rate_maximum: return rate(data.max_data_rate);
    case Measure::dl_volume: return number(data.avr_dl_traffic_vol);
    case Measure::ul_volume: return number(data.avr_ul_traffic_vol);
  }
  std::abort();
}

void put_value(MeasurementData& data, Measure measure, double value) {
  switch (measure) {
    case Measure::dl_delay: data.dl_delay = rounded(value); return;
    case Measure::ul_delay: data.ul_delay = rounded(value); return;
    case Measure::rt_delay: data.rt_delay = rounded(value); return;
    case Measure::loss_rate: data.avg_plr = rounded(value); return;
    case Measure::rate_average: data.avg_data_rate = rate_text(value); return;
    case Measure::rate_maximum: data.max_data_rate = rate_text(value); return;
    case Measure::dl_volume: data.avr_dl_traffic_vol = rounded(value); return;
    case Measure::ul_volume: data.avr_ul_traffic_vol = rounded(value); return;
  }
  std::abort();
}

bool has_values(const MeasurementData& data) {
  return std::ranges::any_of(measure_terms(), [&](const MeasureTerm& term) {
    return value_in(data, term.measure).has_value();
  });
}

std::vector<Measure> measures_of(const MonitoringProfile& what) {
  std::vector<Measure> out;
  for (const auto& term : measure_terms())
    if (std::ranges::any_of(what.meas_reqs.meas_data_types,
                            [&](const auto& type) { return type == term.type; }))
      out.push_back(term.measure);
  return out;
}

std::vector<SourceKind> sources_of(const MonitoringProfile& what) {
  std::vector<SourceKind> out;
  for (const auto measure : measures_of(what))
    if (const auto kind = term_of(measure).source; std::ranges::find(out, kind) == out.end())
      out.push_back(kind);
  return out;
}

monitor::Duration window_of(const nrm::MeasurementRequirements& requirements) {
  if (requirements.aggr_window_sec) return std::chrono::seconds(*requirements.aggr_window_sec);
  if (requirements.meas_aggr_gran_wnd)
    return std::chrono::milliseconds(*requirements.meas_aggr_gran_wnd);
  return monitor::window_default;
}

monitor::Rule rule_of(const MonitoringProfile& what, Instant started, Instant ends_from) {
  monitor::Rule rule;
  for (const auto measure : measures_of(what)) rule.measures.add(measure);
  rule.window = window_of(what.meas_reqs);
  rule.start = started;
  rule.starts_at_once = true;
  if (const auto& period = what.meas_reqs.meas_period) {
    rule.end = period->meas_start_time + std::chrono::seconds(period->meas_duration);
    rule.start = std::max(started, period->meas_start_time);
    rule.starts_at_once = period->meas_start_time < started;
  }
  if (what.report_reqs) put_reporting(*what.report_reqs, ends_from, rule);
  return rule;
}

nrm::TerminationCauseKnown cause_of(monitor::Termination termination) {
  using Cause = nrm::TerminationCauseKnown;
  switch (termination) {
    case monitor::Termination::time: return Cause::duration_expired;
    case monitor::Termination::count: return Cause::num_reports_reached;
    case monitor::Termination::threshold: return Cause::threshold_reached;
    case monitor::Termination::one_time:
    case monitor::Termination::explicitly: return Cause::period_ended;
  }
  std::abort();
}

api::state::nrm_monitor::EngineProgress stored(const monitor::Progress& progress) {
  api::state::nrm_monitor::EngineProgress out;
  out.rounds = progress.rounds;
  for (const auto& of : progress.targets) {
    auto& one = out.targets.emplace_back();
    one.sides = of.sides;
    one.until_sides = of.until_sides;
    one.until_reached = of.until_reached;
    one.immediate_told = of.immediate_told;
  }
  return out;
}

monitor::Progress restored(const api::state::nrm_monitor::EngineProgress& progress) {
  monitor::Progress out;
  out.rounds = static_cast<std::uint32_t>(progress.rounds);
  for (const auto& of : progress.targets)
    out.targets.push_back({.sides = of.sides,
                           .until_sides = of.until_sides,
                           .until_reached = static_cast<std::uint32_t>(of.until_reached),
                           .immediate_told = of.immediate_told});
  return out;
}

}  // namespace lobo::seal_nrm
