// What becomes due: windows close, periods end, thresholds are reached, subscriptions end.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "services/seal_nrm/monitor_core.hpp"
#include "services/seal_nrm/monitor_engine.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"
#include "services/seal_nrm/monitor_threshold.hpp"
#include "services/seal_nrm/monitor_window.hpp"

namespace lobo::seal_nrm::monitor {

/// The reports of one subscription at one instant. The last one is held back, since only at the end
/// it is known whether the subscription ends with it.
class Engine::Core::Round {
 public:
  Round(Core& core, std::uint32_t index, ReportSink& sink)
      : core_(core), subscription_(core.subscriptions_[index]), sink_(sink) {}

  /// `ends`: this one is to be the last.
  void tell(const Report& report, bool ends = false) {
    valued_ = valued_ || !report.present.empty();
    if (!may_end()) return emit(report);
    if (!held_) {
      core_.held_ = report;
      held_ = true;
    } else if (ends_) {
      emit(report);
      return;
    } else {
      emit(core_.held_);
      core_.held_ = report;
    }
    ends_ = ends;
  }

  /// True if the subscription has ended, and is gone.
  bool finish(std::optional<Termination> why) {
    if (valued_) ++subscription_.rounds;
    const Rule& rule = subscription_.rule;
    if (!why && rule.reports_max && valued_ && subscription_.rounds >= *rule.reports_max)
      why = Termination::count;
    if (held_) {
      core_.held_.termination = why;
      emit(core_.held_);
    }
    return why.has_value();
  }

  bool told() const { return held_ || emitted_; }

 private:
  bool may_end() const {
    const Rule& rule = subscription_.rule;
    return rule.reports_max || !rule.until_thresholds.empty() || rule.mode == Mode::one_time ||
           subscription_.at_stop;
  }
  void emit(const Report& report) {
    emitted_ = true;
    ++core_.counters_.reports;
    sink_.report(report);
  }

  Core& core_;
  Subscription& subscription_;
  ReportSink& sink_;
  bool held_ = false;
  bool ends_ = false;
  bool valued_ = false;
  bool emitted_ = false;
};

// Windows ------------------------------------------------------------------------------------

void Engine::Core::set_open(Subscription& subscription, Micros window_from) {
  const Micros window = subscription.windows.length;
  subscription.window_from = window_from;
  subscription.boundary = std::min(window_from + window, subscription.stop);
  const Micros limit = std::min(subscription.boundary + window, subscription.stop);
  for (Cell& cell : subscription.cells) {
    cell.from = std::max(cell.from, window_from);
    cell.boundary = subscription.boundary;
    cell.limit = limit;
  }
}

/// Windows without samples that are over by `horizon` are stepped over, whatever their number.
void Engine::Core::skip_empty(Subscription& subscription, Micros horizon) {
  const Micros to = subscription.windows.last_by(std::min(horizon, subscription.stop - 1));
  if (to > subscription.window_from) set_open(subscription, to);
}

/// The window after the one that was closed.
void Engine::Core::roll(Subscription& subscription) {
  for (Cell& cell : subscription.cells) {
    cell.open[0] = cell.open[1];
    cell.open[1] = {};
  }
  subscription.filled = {subscription.filled[1], 0};
  set_open(subscription, subscription.window_from + subscription.windows.length);
}

void Engine::Core::schedule(std::uint32_t index) {
  const Subscription& subscription = subscriptions_[index];
  Micros due = std::min(subscription.stop, subscription.next_tick);
  if (!subscription.quiet()) due = std::min(due, subscription.boundary);
  if (subscription.over || subscription.ends < subscription.since)
    deadlines_.set(index, subscription.ends);
  else if (due == never)
    deadlines_.set(index, never);
  else
    deadlines_.set(index, due + subscription.grace);
}

/// Tells all that was due by `tau`, our time less grace. Each turn closes a window with samples, of
/// which there are two, or steps over all that have none, or is the last.
void Engine::Core::serve(std::uint32_t index, Micros tau, ReportSink& sink) {
  if (subscriptions_[index].ends_unmeasured_by(tau + subscriptions_[index].grace))
    return end_unmeasured(index, sink);
  for (;;) {
    Subscription& subscription = subscriptions_[index];
    const Micros horizon = std::min(tau, subscription.stop);
    const Micros before_stop = std::min(horizon, subscription.stop - 1);
    if (subscription.quiet()) {
      Micros tick = subscription.next_tick;
      if (tick <= before_stop) {
        // A run of periods without anything is told as one.
        if (!subscription.period_data && subscription.rule.mode == Mode::periodic)
          tick = subscription.ticks.last_by(before_stop);
        skip_empty(subscription, tick);
        if (tell_period(index, tick, sink)) return;
        continue;
      }
      skip_empty(subscription, before_stop);
    }
    if (subscription.next_tick < subscription.boundary && subscription.next_tick <= before_stop) {
      if (tell_period(index, subscription.next_tick, sink)) return;
      continue;
    }
    if (subscription.boundary > horizon) break;
    if (close_window(index, sink)) return;
    if (subscription.boundary != subscription.stop) {
      roll(subscription);
      continue;
    }
    finish(index, sink);
    return;
  }
  schedule(index);
}

// Reports ------------------------------------------------------------------------------------

void Engine::Core::begin_report(std::uint32_t index, std::size_t member, Cause cause) {
  const Subscription& subscription = subscriptions_[index];
  report_.subscription = {index, subscription.generation};
  report_.number = subscription.rounds + 1;
  report_.target = subscription.members[member].target;
  report_.target_at = static_cast<std::uint32_t>(member);
  report_.cause = cause;
  report_.termination.reset();
  report_.windows = 0;
  report_.windows_empty = 0;
  report_.present.clear();
  report_.ascended = 0;
  report_.descended = 0;
}

namespace {

/// The window of a measure that is made of several; nothing unless each has something.
Accumulator window_of(std::span<const Cell> parts, Measure measure) {
  if (parts.size() == 1) return closed(parts.front().open[0], measure);
  Accumulator sum;
  sum.samples = UINT32_MAX;
  double mean = 0;
  for (const Cell& part : parts) {
    const Accumulator& open = part.open[0];
    if (open.empty()) return {};
    mean += open.mean();
    sum.minimum += open.minimum;
    sum.maximum += open.maximum;
    sum.samples = std::min(sum.samples, open.samples);
  }
  sum.plain = mean * sum.samples;
  sum.unweighted = sum.samples;
  return sum;
}

/// Calls `each(measure, place among the measures, cells)`.
template <class Each>
void for_measures(const Subscription& subscription, const Target& target, std::size_t member,
                  Each&& each) {
  if (subscription.cells.empty()) return;
  const Cell* cell = &subscription.cells[member * subscription.cells_per_member];
  std::size_t place = 0;
  for (const Measure measure : all_measures) {
    if (!subscription.rule.measures.has(measure)) continue;
    const std::size_t count = target.is_stream() ? parts_of(target, 0, measure).count : 1;
    each(measure, place++, std::span(cell, count));
    cell += count;
  }
}

}  // namespace

void Engine::Core::fill_window(const Subscription& subscription, std::size_t member,
                               Report& report) const {
  const Member& of = subscription.members[member];
  const auto& target = targets_[of.target.index];
  for_measures(subscription, target, member, [&](Measure measure, std::size_t, auto cells) {
    const Accumulator window = window_of(cells, measure);
    if (window.empty()) return;
    report.present.add(measure);
    report.values[index_of(measure)] = aggregate(window, measure, 1);
  });
  report.from = instant(std::max(subscription.window_from, of.since));
  report.to = instant(subscription.boundary);
  report.windows = report.present.empty() ? 0 : 1;
}

void Engine::Core::add_to_period(Subscription& subscription, std::size_t member) {
  Member& of = subscription.members[member];
  const std::size_t measures = subscription.rule.measures.count();
  bool any = false;
  for_measures(subscription, targets_[of.target.index], member,
               [&](Measure measure, std::size_t place, auto cells) {
                 const Accumulator window = window_of(cells, measure);
                 if (window.empty()) return;
                 PeriodSum& sum = subscription.sums[member * measures + place];
                 sum.sum.merge(window);
                 ++sum.windows;
                 any = true;
               });
  if (any) ++of.windows;
  subscription.period_data = subscription.period_data || any;
}

void Engine::Core::fill_period(const Subscription& subscription, std::size_t member,
                               Report& report) const {
  if (subscription.sums.empty()) return;
  const Member& of = subscription.members[member];
  const std::size_t measures = subscription.rule.measures.count();
  std::size_t place = member * measures;
  for (const Measure measure : all_measures) {
    if (!subscription.rule.measures.has(measure)) continue;
    const PeriodSum& sum = subscription.sums[place++];
    if (sum.windows == 0) continue;
    report.present.add(measure);
    report.values[index_of(measure)] = aggregate(sum.sum, measure, sum.windows);
  }
  report.windows = of.windows;
}

bool Engine::Core::close_window(std::uint32_t index, ReportSink& sink) {
  Subscription& subscription = subscriptions_[index];
  const Rule& rule = subscription.rule;
  const bool last = subscription.boundary == subscription.stop && subscription.at_stop;
  const Micros window = subscription.windows.length;
  Round round(*this, index, sink);
  bool ends = false;
  bool progressed = false;
  for (std::size_t m = 0; m < subscription.members.size(); ++m) {
    Member& member = subscription.members[m];
    if (subscription.by_period()) add_to_period(subscription, m);
    if (subscription.by_period() && rule.until_thresholds.empty()) continue;
    begin_report(index, m, Cause::final);
    fill_window(subscription, m, report_);
    const bool any = !report_.present.empty();
    const std::uint64_t before = member.sides.bits() ^ member.until_sides.bits() << 1U;
    const Reached reached = judge(rule.thresholds, report_, member.sides);
    const bool meets = judge_end(rule.until_thresholds, rule.until_all, report_, member.until_sides,
                                 member.until_reached) &&
                       any && !ends;
    ends = ends || meets;
    progressed = progressed || before != (member.sides.bits() ^ member.until_sides.bits() << 1U);
    report_.ascended = reached.up;
    report_.descended = reached.down;
    bool tell = meets || (last && any && !subscription.by_period());
    if (reached.any()) {
      report_.cause = Cause::threshold;
      tell = true;
    } else if (subscription.by_window() && (any || !member.silent)) {
      const Micros told = any ? subscription.window_from : subscription.window_from + window;
      report_.windows_empty = static_cast<std::uint64_t>((told - member.told_to) / window);
      report_.cause = Cause::window;
      tell = true;
      member.told_to = subscription.window_from + window;
      if (member.silent == any) any ? ++subscription.loud : --subscription.loud;
      member.silent = !any;
    }
    if (tell) round.tell(report_, meets);
  }
  if (last && !subscription.by_period() && !round.told()) {
    // Nothing to say but the end.
    if (subscription.members.empty()) {
      report_ = {.subscription = {index, subscription.generation}};
    } else {
      begin_report(index, 0, Cause::final);
      report_.target = {};
    }
    report_.number = subscription.rounds + 1;
    report_.cause = Cause::final;
    report_.from = instant(std::max(subscription.window_from, subscription.since));
    report_.to = instant(subscription.boundary);
    round.tell(report_);
  }
  if (progressed && !round.told()) sink.progressed({index, subscription.generation});
  std::optional<Termination> why;
  if (ends)
    why = Termination::threshold;
  else if (last && !subscription.by_period())
    why = subscription.at_stop;
  if (!round.finish(why)) return false;
  drop(index);
  return true;
}

/// The period has ended, and its last window is closed.
void Engine::Core::finish(std::uint32_t index, ReportSink& sink) {
  if (subscriptions_[index].by_period() && tell_period(index, subscriptions_[index].stop, sink))
    return;
  Subscription& subscription = subscriptions_[index];
  unlink(subscription);
  subscription.over = true;
  subscription.filled = {};
  schedule(index);
}

/// Its time has come where nothing is measured: there is nothing to say but the end.
void Engine::Core::end_unmeasured(std::uint32_t index, ReportSink& sink) {
  Subscription& subscription = subscriptions_[index];
  subscription.at_stop = Termination::time;
  report_ = {.subscription = {index, subscription.generation}};
  report_.number = subscription.rounds + 1;
  report_.cause = Cause::final;
  report_.from = report_.to = instant(subscription.ends);
  Round round(*this, index, sink);
  round.tell(report_);
  round.finish(subscription.at_stop);
  drop(index);
}

bool Engine::Core::tell_period(std::uint32_t index, Micros tick, ReportSink& sink) {
  Subscription& subscription = subscriptions_[index];
  const bool one_time = subscription.rule.mode == Mode::one_time;
  const bool last = tick == subscription.stop && subscription.at_stop;
  const auto closed_by = [&](Micros at) {
    const Micros whole = subscription.windows.over_by(at);
    const bool cut = at == subscription.stop && subscription.windows.last_by(at) != at;
    return whole + (cut ? 1 : 0);
  };
  const Micros windows = closed_by(tick) - closed_by(subscription.last_tick);
  Round round(*this, index, sink);
  Cause cause = one_time ? Cause::one_time : Cause::period;
  if (last && (one_time || subscription.ticks.last_by(tick) != tick)) cause = Cause::final;
  for (std::size_t m = 0; m < subscription.members.size(); ++m) {
    Member& member = subscription.members[m];
    begin_report(index, m, cause);
    fill_period(subscription, m, report_);
    report_.windows_empty = static_cast<std::uint64_t>(windows) - report_.windows;
    report_.from = instant(std::max(subscription.last_tick, member.since));
    report_.to = instant(tick);
    member.windows = 0;
    round.tell(report_);
  }
  if (subscription.members.empty() && (last || one_time)) {
    report_ = {.subscription = {index, subscription.generation}};
    report_.number = subscription.rounds + 1;
    report_.cause = cause;
    report_.from = instant(std::max(subscription.last_tick, subscription.since));
    report_.to = instant(tick);
    round.tell(report_);
  }
  for (PeriodSum& sum : subscription.sums) sum = {};
  subscription.period_data = false;
  subscription.last_tick = tick;
  subscription.next_tick = one_time ? never : subscription.ticks.next_after(tick);
  std::optional<Termination> why;
  if (last)
    why = subscription.at_stop;
  else if (one_time)
    why = Termination::one_time;
  if (!round.finish(why)) return false;
  drop(index);
  return true;
}

bool Engine::Core::tell_immediate(std::uint32_t index, std::span<const std::uint32_t> members,
                                  Micros now, ReportSink& sink) {
  Subscription& subscription = subscriptions_[index];
  if (!subscription.used || subscription.over || now < subscription.windows.start) return false;
  Round round(*this, index, sink);
  for (const std::uint32_t m : members) {
    Member& member = subscription.members[m];
    if (!member.immediate_due) continue;  // the same sample feeds two of its cells
    begin_report(index, m, Cause::immediate);
    Micros oldest = now;
    for_measures(subscription, targets_[member.target.index], m,
                 [&](Measure measure, std::size_t, auto cells) {
                   if (is_volume(measure)) return;  // a volume has no value at an instant
                   double value = 0;
                   Micros from = now;
                   for (const Cell& cell : cells) {
                     const Stream& stream = streams_[cell.stream];
                     if (stream.newest_at < now - subscription.windows.length) return;
                     value += stream.newest;
                     from = std::min(from, stream.newest_at);
                   }
                   oldest = std::min(oldest, from);
                   report_.present.add(measure);
                   report_.values[index_of(measure)] = {
                       .average = value, .minimum = value, .maximum = value, .samples = 1};
                 });
    if (report_.present.empty()) continue;
    report_.from = instant(oldest);
    report_.to = instant(now);
    member.immediate_due = false;
    for (std::size_t c = 0; c < subscription.cells_per_member; ++c)
      subscription.cells[m * subscription.cells_per_member + c].immediate = false;
    round.tell(report_);
  }
  if (!round.finish(std::nullopt)) return false;
  drop(index);
  return true;
}

}  // namespace lobo::seal_nrm::monitor
