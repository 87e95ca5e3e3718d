#include "services/seal_nrm/monitor_rules.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/ss_nrm.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/monitor_faults.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"
#include "services/seal_nrm/monitor_terms.hpp"
#include "services/seal_nrm/ports.hpp"

namespace lobo::seal_nrm {

namespace nrm = api::ss_nrm;
using Mode = nrm::NotificationMethodKnown;
using Termination = nrm::TerminationModeKnown;

namespace {

constexpr std::int64_t past_days_max = 3650;

/// At least one index (by schema), known ones, each once.
void check_types(const nrm::MeasurementRequirements& from, const std::string& at,
                 MonitorFaults& faults) {
  // Of more than there are some are unknown or doubles, and so is one of the first that many and
  // one.
  const auto given = std::span(from.meas_data_types);
  const auto types = given.first(std::min(given.size(), monitor::measures_count + 1));
  for (std::size_t i = 0; i < types.size(); ++i) {
    const auto where = at + "/measDataTypes/" + std::to_string(i);
    if (!measure_of(types[i])) faults.add(Errc::not_allowed, where, "cannot be measured");
    if (std::ranges::find(types.first(i), types[i]) != types.first(i).end())
      faults.add(Errc::duplicate, where, "stands twice");
  }
}

void check_window(const nrm::MeasurementRequirements& from, const std::string& at,
                  MonitorFaults& faults) {
  if (from.meas_aggr_gran_wnd && from.aggr_window_sec)
    faults.add(Errc::not_allowed, at + "/aggrWindowSec",
               "either milliseconds in measAggrGranWnd or seconds here");
  if (window_of(from) > monitor::window_max)
    faults.add(Errc::out_of_range, at + "/aggrWindowSec", "a window has an hour at most");
}

void check_period(const nrm::MeasurementPeriod& period, const std::string& at,
                  const ProfileRules& rules, const Settings& settings, Instant now,
                  MonitorFaults& faults) {
  const auto longest = settings.monitoring.time_max;
  if (period.meas_duration <= 0 || period.meas_duration > longest.count())
    return faults.add(Errc::out_of_range, at + "/measDuration",
                      "must be above 0 and not above what this server allows");
  if (period.meas_start_time > now + longest)
    return faults.add(Errc::out_of_range, at + "/measStartTime", "lies too far ahead");
  if (period.meas_start_time < now - std::chrono::hours{24 * past_days_max})
    return faults.add(Errc::out_of_range, at + "/measStartTime", "lies too far back");
  const auto end = period.meas_start_time + std::chrono::seconds(period.meas_duration);
  if (!rules.once && end <= now)
    faults.add(Errc::out_of_range, at,
               "is over already; a past period is for one report (reportingMode ONE_TIME)");
  if (rules.once && period.meas_start_time > now)
    faults.add(Errc::out_of_range, at + "/measStartTime",
               "lies ahead; one report is about what has been measured");
}

/// Each value of `values` belongs to a measure that is asked for.
void check_values(const nrm::MeasurementData& values, const std::vector<Measure>& measures,
                  const std::string& at, MonitorFaults& faults) {
  for (const auto& term : measure_terms()) {
    if (!has_value(values, term.measure)) continue;
    const auto where = at + "/" + std::string(term.member);
    if (std::ranges::find(measures, term.measure) == measures.end())
      faults.add(Errc::not_allowed, where, "is none of the measDataTypes");
    // A bit rate of the right form may still be none that can be reached.
    if (!value_in(values, term.measure))
      faults.add(Errc::out_of_range, where, "is larger than any bit rate");
  }
}

/// Event triggered: a threshold for each index that is reported, each with its direction.
void check_thresholds(const nrm::ReportingRequirements& from, const std::vector<Measure>& measures,
                      const std::string& at, const ProfileRules& rules, MonitorFaults& faults) {
  if (!from.reporting_thrs) {
    if (!rules.windows_allowed && !measures.empty())
      faults.add(Errc::missing, at + "/reportingThrs",
                 "event triggered reporting needs a threshold for each measDataType");
    return;
  }
  std::vector<Measure> covered;
  std::size_t count = 0;
  for (std::size_t i = 0; i < from.reporting_thrs->size(); ++i) {
    const auto& threshold = (*from.reporting_thrs)[i];
    const auto where = at + "/reportingThrs/" + std::to_string(i);
    check_values(threshold.meas_thr_values, measures, where + "/measThrValues", faults);
    if (!threshold.thr_direction.known())
      faults.add(Errc::not_allowed, where + "/thrDirection",
                 "must be ASCENDING, DESCENDING or CROSSED");
    for (const auto& term : measure_terms())
      if (has_value(threshold.meas_thr_values, term.measure)) {
        covered.push_back(term.measure);
        ++count;
      }
  }
  if (count > monitor::thresholds_max)
    faults.add(Errc::out_of_range, at + "/reportingThrs", "more thresholds than there may be");
  for (const auto measure : measures)
    if (std::ranges::find(covered, measure) == covered.end())
      faults.add(Errc::missing, at + "/reportingThrs",
                 "no threshold for " + std::string(term_of(measure).member));
}

void check_mode(const nrm::ReportingRequirements& from, const std::vector<Measure>& measures,
                const std::string& at, const ProfileRules& rules, const Settings& settings,
                MonitorFaults& faults) {
  const auto mode = from.reporting_mode.known();
  if (!mode)
    return faults.add(Errc::not_allowed, at + "/reportingMode",
                      "must be PERIODIC, ONE_TIME or ON_EVENT_DETECTION");
  if (*mode == Mode::periodic) {
    const auto longest = settings.monitoring.time_max.count();
    if (!from.reporting_period)
      faults.add(Errc::missing, at + "/reportingPeriod", "PERIODIC needs a period");
    else if (*from.reporting_period <= 0 || *from.reporting_period > longest)
      faults.add(Errc::out_of_range, at + "/reportingPeriod",
                 "must be above 0 and not above what this server allows");
  } else if (from.reporting_period) {
    faults.add(Errc::not_allowed, at + "/reportingPeriod", "only with PERIODIC");
  }
  if (*mode == Mode::on_event_detection)
    check_thresholds(from, measures, at, rules, faults);
  else if (from.reporting_thrs)
    faults.add(Errc::not_allowed, at + "/reportingThrs", "only with ON_EVENT_DETECTION");
}

/// NOTE 3: one of them at most. Otherwise each belongs to its mode, and each mode to its own.
void check_end_members(const nrm::ReportingRequirements& from, const std::string& at,
                       MonitorFaults& faults) {
  const bool thresholds = from.term_thr.has_value();
  const int given =
      int{from.max_num_rep.has_value()} + int{thresholds} + int{from.expiration_timer.has_value()};
  if (given > 1) {
    const auto* last = from.expiration_timer ? "/expirationTimer" : "/termThr";
    return faults.add(Errc::not_allowed, at + last,
                      "only one of maxNumRep, termThr and expirationTimer");
  }
  const auto mode = from.rep_termin_mode ? from.rep_termin_mode->known() : std::nullopt;
  if (from.rep_termin_mode && !mode)
    return faults.add(Errc::not_allowed, at + "/repTerminMode", "is not known");
  const auto belongs = [&](bool present, const char* member, Termination to) {
    if (mode == to && !present)
      faults.add(Errc::missing, at + member, "this repTerminMode needs it");
    else if (present && !mode)
      faults.add(Errc::missing, at + "/repTerminMode", "must say how the reporting ends");
    else if (present && mode != to)
      faults.add(Errc::not_allowed, at + member, "belongs to another repTerminMode");
  };
  belongs(from.max_num_rep.has_value(), "/maxNumRep",
          Termination::event_triggered_num_reports_reached);
  belongs(thresholds, "/termThr", Termination::event_triggered_meas_thr_reached);
  belongs(from.expiration_timer.has_value(), "/expirationTimer", Termination::time_triggered);
}

void check_end(const nrm::ReportingRequirements& from, const std::vector<Measure>& measures,
               const std::string& at, const Settings& settings, MonitorFaults& faults) {
  check_end_members(from, at, faults);
  if (from.max_num_rep &&
      (*from.max_num_rep <= 0 || *from.max_num_rep > std::numeric_limits<std::uint32_t>::max()))
    faults.add(Errc::out_of_range, at + "/maxNumRep", "must be above 0");
  if (from.expiration_timer && (*from.expiration_timer <= 0 ||
                                *from.expiration_timer > settings.monitoring.time_max.count()))
    faults.add(Errc::out_of_range, at + "/expirationTimer",
               "must be above 0 and not above what this server allows");
  if (!from.term_thr) {
    if (from.term_thr_mode)
      faults.add(Errc::not_allowed, at + "/termThrMode", "only beside termThr");
    return;
  }
  check_values(*from.term_thr, measures, at + "/termThr", faults);
  // NOTE 2: the condition, where there is more than one threshold to be reached.
  const auto count = std::ranges::count_if(measure_terms(), [&](const MeasureTerm& term) {
    return has_value(*from.term_thr, term.measure);
  });
  if (count > 1 && !from.term_thr_mode)
    faults.add(Errc::missing, at + "/termThrMode", "must say whether all or any is to be reached");
  if (from.term_thr_mode && !from.term_thr_mode->known())
    faults.add(Errc::not_allowed, at + "/termThrMode", "must be ALL_REACHED or ANY_REACHED");
}

}  // namespace

void check_rules(const nrm::MonitoringProfile& profile, const std::string& at,
                 const ProfileRules& rules, const Settings& settings, Instant now,
                 MonitorFaults& faults) {
  const auto& wanted = profile.meas_reqs;
  check_types(wanted, at + "/measReqs", faults);
  check_window(wanted, at + "/measReqs", faults);
  if (wanted.meas_period)
    check_period(*wanted.meas_period, at + "/measReqs/measPeriod", rules, settings, now, faults);
  if (!profile.report_reqs) return;
  const auto measures = measures_of(profile);
  const auto where = at + "/reportReqs";
  if (rules.once) {
    if (!profile.report_reqs->reporting_mode.known())
      faults.add(Errc::not_allowed, where + "/reportingMode",
                 "must be PERIODIC, ONE_TIME or ON_EVENT_DETECTION");
    return;
  }
  check_mode(*profile.report_reqs, measures, where, rules, settings, faults);
  check_end(*profile.report_reqs, measures, where, settings, faults);
}

}  // namespace lobo::seal_nrm
