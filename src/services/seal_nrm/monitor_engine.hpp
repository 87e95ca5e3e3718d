#pragma once
// Aggregation of measurements and the decision when to report: pure, in memory.
//
// The problem: many subscriptions look at the same samples, each through its own windows, and each
// must be told at the right time, once, whatever samples and clocks do. docs/monitoring.md defines
// windows, directions and termination exactly; in short:
//
// - Windows of a subscription are [start + k*window, start + (k+1)*window), cut at the end of the
//   period and at `until`. One closes at its end plus grace, min(Limits::grace, window); with it
//   everything is told that much later. What comes for a closed window is late and not taken.
// - A reporting period shorter than the window makes the window as short.
// - Each target is aggregated by itself. A delay of a stream A->B is made of its UEs' delays:
//   dl = ul(A) + dl(B), ul = ul(B) + dl(A), rt = both; all other measures are fed to the stream.
// - Windows without samples cost nothing, however many; runs of them are told as one.
// - A clock that goes back a little stands still; one that goes back more than step_back_max makes
//   every subscription begin anew at the new time: open windows are lost, nothing is told twice.
//
// Time comes with each call. After add() nothing allocates, except inside the sink.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"

namespace lobo::seal_nrm::monitor {

struct EngineLimits {
  Duration grace = std::chrono::milliseconds{500};  ///< waits this long for samples of a window
  Duration step_back_max = std::chrono::seconds{1};
  std::size_t subscriptions_max = 200'000;
  std::size_t targets_max = 1'000'000;
  std::size_t targets_per_subscription_max = 100'000;
  /// Sum over all subscriptions of targets * measures / window: what closing windows costs.
  double closings_per_second_max = 2e6;
};

struct Counters {
  std::array<std::uint64_t, sample_fates_count> fates{};  ///< by SampleFate
  std::uint64_t late = 0;          ///< (sample, subscription) that came for a closed window
  std::uint64_t late_parts = 0;    ///< … of a volume, in part
  std::uint64_t steps_back = 0;    ///< of the clock
  std::uint64_t windows_lost = 0;  ///< open windows with samples, lost to such a step
  std::uint64_t reports = 0;
  std::uint64_t of(SampleFate fate) const { return fates[static_cast<std::size_t>(fate)]; }
};

class Engine {
 public:
  explicit Engine(const EngineLimits& limits = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Targets. The caller keeps the names that belong to the handles.
  Result<TargetId> add_ue();
  Result<TargetId> add_stream(TargetId from, TargetId to);  ///< both are UEs
  /// False while a subscription or a stream uses it, or if there is none.
  bool remove_target(TargetId target);

  // Subscriptions.

  /// All targets are of one kind, none is there twice. `progress` where it continues one from
  /// before a restart. An immediate report is told in the call if values are known, else with the
  /// first sample of each target.
  Result<SubscriptionId> add(const Rule& rule, std::span<const TargetId> targets, Instant now,
                             ReportSink& sink, const Progress& progress = {});
  /// Another rule, other targets. Kept: the count of reports, the sides of thresholds that stay as
  /// they are, that an immediate report was told, and open windows where start and window stay.
  Result<void> update(SubscriptionId id, const Rule& rule, std::span<const TargetId> targets,
                      Instant now, ReportSink& sink);
  /// Ends without a word; false if there is none.
  bool remove(SubscriptionId id);
  /// Ends with a last report of what has been measured since the one before.
  bool terminate(SubscriptionId id, Termination why, Instant now, ReportSink& sink);

  /// Tells what is due by `now`, then takes the sample.
  SampleFate feed(const Sample& sample, Instant now, ReportSink& sink);
  /// Tells what is due by `now`. O(due), whatever time has passed.
  void advance(Instant now, ReportSink& sink);
  /// When advance() has something to do; none: not before the next call of another kind.
  std::optional<Instant> next_deadline() const;

  // Views.
  std::optional<Progress> progress(SubscriptionId id) const;
  bool contains(SubscriptionId id) const;
  /// The measurement period is over and nothing has terminated it: it says nothing more.
  bool over(SubscriptionId id) const;
  /// When the newest sample of this measure was taken; none: not since somebody subscribed to it.
  std::optional<Instant> last_sample(TargetId target, Measure measure) const;
  std::size_t subscriptions() const;
  std::size_t targets() const;
  const Counters& counters() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace lobo::seal_nrm::monitor
