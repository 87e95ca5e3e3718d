#pragma once
// The inside of monitor::Engine. Split by what happens: monitor_engine.cpp has targets and samples,
// monitor_subscribe.cpp how a subscription begins and changes, monitor_rounds.cpp what becomes due.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/monitor_deadlines.hpp"
#include "services/seal_nrm/monitor_engine.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"
#include "services/seal_nrm/monitor_threshold.hpp"
#include "services/seal_nrm/monitor_window.hpp"

namespace lobo::seal_nrm::monitor {

inline constexpr std::uint32_t none = UINT32_MAX;
inline constexpr std::size_t parts_max = 4;  ///< the round trip of a stream

struct Target {
  std::uint32_t generation = 1;
  bool used = false;
  std::uint32_t from = none;  ///< the UEs of a stream
  std::uint32_t to = none;
  std::uint32_t users = 0;  ///< members of subscriptions, and streams
  std::array<std::uint32_t, measures_count> streams{};
  bool is_stream() const { return from != none; }
};

/// The samples of one measure of one target, and who wants them.
struct Stream {
  std::array<std::uint64_t, samples_remembered> seen{};
  std::size_t seen_next = 0;
  Micros newest_at = -1;
  double newest = 0;
  std::uint32_t target = none;
  Measure measure = Measure::dl_delay;
  std::vector<Cell*> cells;
};

struct Member {
  TargetId target;
  Micros since = 0;    ///< measured from here on
  Micros told_to = 0;  ///< by windows: those before have been told of
  Sides sides;
  Sides until_sides;
  std::uint32_t until_reached = 0;
  std::uint32_t windows = 0;  ///< with data, since the last periodic report
  bool silent = false;        ///< by windows: that nothing comes has been told
  bool immediate_due = false;
};

struct PeriodSum {
  Accumulator sum;
  std::uint32_t windows = 0;
};

struct Subscription {
  std::uint32_t generation = 1;
  bool used = false;
  bool over = false;
  Rule rule;
  Grid windows;
  Grid ticks;
  Micros grace = 0;
  Micros since = 0;
  Micros window_from = 0;  ///< aligned start of open[0]
  Micros boundary = 0;     ///< its end
  Micros stop = never;     ///< of the measurement period, or by termination
  std::optional<Termination> at_stop;
  Micros ends = never;  ///< by time, where nothing is measured then: before the period or after it
  Micros last_tick = 0;
  Micros next_tick = never;
  std::uint32_t rounds = 0;
  std::array<std::uint32_t, 2> filled{};  ///< cells with samples in open[0], open[1]
  std::uint32_t loud = 0;                 ///< members that are not silent
  bool period_data = false;               ///< a sum has something
  std::uint32_t cells_per_member = 0;
  std::vector<Member> members;
  std::vector<Cell> cells;      ///< cells_per_member each member; their addresses are in streams
  std::vector<PeriodSum> sums;  ///< one each member and measure; only where reports are periodic

  bool by_window() const { return rule.mode == Mode::on_event && rule.thresholds.empty(); }
  bool by_period() const { return rule.mode != Mode::on_event; }
  bool has_samples() const { return filled[0] + filled[1] != 0; }
  bool quiet() const { return !has_samples() && !(by_window() && loud > 0); }
  /// Nothing is measured when `ends` comes, so no window is cut and none is waited for.
  bool ends_unmeasured_by(Micros at) const { return ends <= at && (over || ends < since); }
};

/// What the measure of a target is made of.
struct Part {
  std::uint32_t target = none;
  Measure measure = Measure::dl_delay;
};
struct Parts {
  std::array<Part, parts_max> part;
  std::size_t count = 0;
};
Parts parts_of(const Target& target, std::uint32_t index, Measure measure);

class Engine::Core {
 public:
  explicit Core(const EngineLimits& limits) : limits_(limits) {}

  Result<TargetId> add_target(std::uint32_t from, std::uint32_t to);
  Result<TargetId> add_stream(TargetId from, TargetId to);
  bool remove_target(TargetId id);
  Result<SubscriptionId> add(const Rule& rule, std::span<const TargetId> targets, Instant now,
                             ReportSink& sink, const Progress& progress);
  Result<void> update(SubscriptionId id, const Rule& rule, std::span<const TargetId> targets,
                      Instant now, ReportSink& sink);
  bool remove(SubscriptionId id);
  bool terminate(SubscriptionId id, Termination why, Instant now, ReportSink& sink);
  SampleFate feed(const Sample& sample, Instant now, ReportSink& sink);
  void advance(Instant now, ReportSink& sink);
  std::optional<Instant> next_deadline() const;

  const Subscription* find(SubscriptionId id) const;
  const Target* find(TargetId id) const;
  Progress progress(const Subscription& subscription) const;
  std::optional<Instant> last_sample(TargetId id, Measure measure) const;

  Counters counters_;
  std::size_t subscriptions_used_ = 0;
  std::size_t targets_used_ = 0;

 private:
  class Round;
  struct Placed;
  enum class Filed : std::uint8_t { taken, late, outside };

  // monitor_engine.cpp
  Micros settle(Instant at);
  void tell_due(Micros now, ReportSink& sink);
  SampleFate take(const Sample& sample, Micros now, ReportSink& sink);
  Filed file(Cell& cell, const Placed& placed);
  void add_to(Cell& cell, std::size_t which, double value, double weight);

  // monitor_subscribe.cpp
  Result<void> check_targets(const Rule& rule, std::span<const TargetId> targets,
                             double load_freed) const;
  void build(Subscription& made, std::uint32_t index, const Rule& rule,
             std::span<const TargetId> targets);
  void carry_over(const Subscription& before, Subscription& made, Micros now);
  void restart(Subscription& subscription, Micros now);
  void link(Subscription& subscription);
  void unlink(Subscription& subscription);
  void release_targets(const Subscription& subscription);
  void drop(std::uint32_t index);
  void tell_known(std::uint32_t index, Micros now, ReportSink& sink);
  std::uint32_t stream_of(std::uint32_t target, Measure measure);
  double load_of(const Subscription& subscription) const;

  // monitor_rounds.cpp
  void set_open(Subscription& subscription, Micros window_from);
  void skip_empty(Subscription& subscription, Micros horizon);
  void schedule(std::uint32_t index);
  void serve(std::uint32_t index, Micros tau, ReportSink& sink);
  bool close_window(std::uint32_t index, ReportSink& sink);
  void finish(std::uint32_t index, ReportSink& sink);
  void end_unmeasured(std::uint32_t index, ReportSink& sink);
  bool tell_period(std::uint32_t index, Micros tick, ReportSink& sink);
  bool tell_immediate(std::uint32_t index, std::span<const std::uint32_t> members, Micros now,
                      ReportSink& sink);
  void fill_window(const Subscription& subscription, std::size_t member, Report& report) const;
  void add_to_period(Subscription& subscription, std::size_t member);
  void fill_period(const Subscription& subscription, std::size_t member, Report& report) const;
  void begin_report(std::uint32_t index, std::size_t member, Cause cause);
  void roll(Subscription& subscription);

  EngineLimits limits_;
  Micros now_ = 0;
  double load_ = 0;
  std::vector<Target> targets_;
  std::vector<std::uint32_t> targets_free_;
  std::vector<Stream> streams_;
  std::vector<std::uint32_t> streams_free_;
  std::vector<Subscription> subscriptions_;
  std::vector<std::uint32_t> subscriptions_free_;
  Deadlines deadlines_;
  Report report_;  ///< the one being written
  Report held_;    ///< … and the one before it, see Round
  struct Due {
    std::uint32_t subscription;
    std::uint32_t member;
  };
  std::vector<Due> immediate_;  ///< immediate reports that the sample in hand has brought
};

}  // namespace lobo::seal_nrm::monitor
