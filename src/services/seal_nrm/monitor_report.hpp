#pragma once
// What the engine tells.

#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"

namespace lobo::seal_nrm::monitor {

/// One measure over the time that a report covers.
struct Aggregate {
  /// Rates weighted by duration and loss by packets where each sample tells them, else the plain
  /// mean; of a volume: the mean of the windows.
  double average = 0;
  double minimum = 0;  ///< of the samples; of a volume: of the windows
  double maximum = 0;
  double total = 0;    ///< of a volume: octets in all
  Duration covered{};  ///< of a volume: how much of the time the samples speak of
  std::uint32_t samples = 0;
  bool operator==(const Aggregate&) const = default;

  /// What is held against a threshold, and the one number of the report's body.
  double value(Measure measure) const {
    return measure == Measure::rate_maximum ? maximum : average;
  }
};

enum class Cause : std::uint8_t {
  threshold,  ///< Report::ascended, ::descended say which
  window,     ///< a window closed, in a subscription by events without thresholds
  period,     ///< a reporting period is over
  immediate,
  one_time,
  final,  ///< only because the subscription ends
};

enum class Termination : std::uint8_t {
  time,       ///< Rule::until
  count,      ///< Rule::reports_max
  threshold,  ///< Rule::until_thresholds
  one_time,   ///< the one report has been told
  explicitly  ///< Engine::terminate
};

constexpr std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::threshold: return "threshold";
    case Cause::window: return "window";
    case Cause::period: return "period";
    case Cause::immediate: return "immediate";
    case Cause::one_time: return "one_time";
    case Cause::final: return "final";
  }
  std::abort();
}

constexpr std::string_view to_string(Termination termination) {
  switch (termination) {
    case Termination::time: return "time";
    case Termination::count: return "count";
    case Termination::threshold: return "threshold";
    case Termination::one_time: return "one_time";
    case Termination::explicitly: return "explicitly";
  }
  std::abort();
}

/// About one target. What one subscription is told at one instant is a round and counts once
/// towards reports_max; a round without any value does not count.
struct Report {
  SubscriptionId subscription;
  std::uint32_t number = 0;     ///< of the round, from 1
  TargetId target;              ///< generation 0: the subscription had no target left
  std::uint32_t target_at = 0;  ///< its place among the targets of the subscription
  Cause cause = Cause::window;
  std::optional<Termination> termination;  ///< set in the last report; the subscription is gone
  Instant from{};                          ///< what is reported was measured in [from, to)
  Instant to{};
  std::uint64_t windows = 0;        ///< windows with data
  std::uint64_t windows_empty = 0;  ///< windows without any since the last report
  Measures present;                 ///< which of the measures have a value
  std::array<Aggregate, measures_count> values;
  std::uint32_t ascended = 0;   ///< bit i: Rule::thresholds[i] was reached upwards
  std::uint32_t descended = 0;  ///< … downwards

  const Aggregate* find(Measure measure) const {
    return present.has(measure) ? &values[index_of(measure)] : nullptr;
  }
};

/// Takes what the engine tells. Must not call the engine, except its const members.
struct ReportSink {
  ReportSink() = default;
  ReportSink(const ReportSink&) = delete;
  ReportSink& operator=(const ReportSink&) = delete;
  virtual ~ReportSink() = default;
  /// `report` is valid during the call.
  virtual void report(const Report& report) = 0;
  /// Engine::progress() of it changed and no report said so: a threshold has been left again.
  virtual void progressed(SubscriptionId) {}
};

/// Keeps them.
class ReportList final : public ReportSink {
 public:
  void report(const Report& report) override { reports.push_back(report); }
  void progressed(SubscriptionId subscription) override { changed.push_back(subscription); }
  std::vector<Report> reports;
  std::vector<SubscriptionId> changed;
};

}  // namespace lobo::seal_nrm::monitor
