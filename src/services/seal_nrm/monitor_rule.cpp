#include "services/seal_nrm/monitor_rule.hpp"

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/monitor_sample.hpp"

namespace lobo::seal_nrm::monitor {
namespace {

bool within(Instant at) { return earliest <= at && at <= latest; }

void check_thresholds(const std::vector<Threshold>& thresholds, Measures measures,
                      const std::string& where, std::vector<Fault>& faults) {
  if (thresholds.size() > thresholds_max)
    faults.push_back(
        {Errc::out_of_range, where, "at most " + std::to_string(thresholds_max) + " thresholds"});
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    const std::string at = where + "/" + std::to_string(i);
    if (!measures.has(thresholds[i].measure))
      faults.push_back({Errc::not_allowed, at, "a threshold of a measure that is not measured"});
    if (!std::isfinite(thresholds[i].value) || thresholds[i].value < 0)
      faults.push_back({Errc::out_of_range, at, "a threshold is a number, not below 0"});
  }
}

void check_termination(const Rule& rule, std::vector<Fault>& faults) {
  if (rule.until && !within(*rule.until))
    faults.push_back({Errc::out_of_range, "until", "a time that no clock shows"});
  if (rule.reports_max && *rule.reports_max == 0)
    faults.push_back({Errc::out_of_range, "reports_max", "at least one report"});
  check_thresholds(rule.until_thresholds, rule.measures, "until_thresholds", faults);
  Measures seen;
  for (const Threshold& threshold : rule.until_thresholds) {
    if (seen.has(threshold.measure))
      faults.push_back(
          {Errc::duplicate, "until_thresholds", "each measure has one termination threshold"});
    seen.add(threshold.measure);
  }
}

}  // namespace

Result<void> check(const Rule& rule) {
  std::vector<Fault> faults;
  if (rule.measures.empty()) faults.push_back({Errc::missing, "measures", "at least one measure"});
  if (rule.window < window_min || rule.window > window_max)
    faults.push_back({Errc::out_of_range, "window", "a window has 1 ms to 1 h"});
  if (!within(rule.start) || (rule.end && !within(*rule.end)))
    faults.push_back({Errc::out_of_range, "start", "a time that no clock shows"});
  if (rule.end && *rule.end <= rule.start)
    faults.push_back({Errc::out_of_range, "end", "the period ends before it begins"});
  if (rule.mode == Mode::periodic && (rule.reporting_period < reporting_period_min ||
                                      rule.reporting_period > reporting_period_max))
    faults.push_back({Errc::out_of_range, "reporting_period", "a period has 1 ms to 1 year"});
  if (rule.mode != Mode::on_event && !rule.thresholds.empty())
    faults.push_back(
        {Errc::not_allowed, "thresholds", "only where reports are triggered by events"});
  check_thresholds(rule.thresholds, rule.measures, "thresholds", faults);
  check_termination(rule, faults);
  if (faults.empty()) return {};
  const Errc code = faults.front().code;
  return fail(code, "the rule cannot be followed", std::move(faults));
}

}  // namespace lobo::seal_nrm::monitor
