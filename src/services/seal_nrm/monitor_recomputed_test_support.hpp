#pragma once
// The monitoring engine once more, without any of its economies: every report is worked out from
// the whole list of samples, window after window. Slow, and as close to docs/monitoring.md as code
// can be.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"

namespace lobo::seal_nrm::monitor::recomputed {

using Micros = std::int64_t;
inline Micros us(Instant at) { return at.time_since_epoch().count(); }
inline Instant when(Micros at) { return Instant{Duration{at}}; }

/// A sample that nothing was wrong with, on our clock.
struct Raw {
  std::uint32_t target = 0;
  Measure measure = Measure::dl_delay;
  double value = 0;
  double weight = 0;
  Micros at = 0;
  Micros from = 0;
  Micros to = 0;
  Micros fed = 0;
};

/// What a target's measure is added up from.
using Parts = std::vector<std::pair<std::uint32_t, Measure>>;

struct Goal {
  TargetId id;
  std::optional<std::pair<std::uint32_t, std::uint32_t>> stream;  ///< the indexes of its UEs

  Parts parts(Measure measure) const {
    if (!stream || !is_delay(measure)) return {{id.index, measure}};
    const auto [a, b] = *stream;
    Parts forth{{a, Measure::ul_delay}, {b, Measure::dl_delay}};
    Parts back{{b, Measure::ul_delay}, {a, Measure::dl_delay}};
    if (measure == Measure::dl_delay) return forth;
    if (measure == Measure::ul_delay) return back;
    return {forth[0], forth[1], back[0], back[1]};
  }
};

/// The newest value of each measure of each target, for immediate reports.
using Newest = std::map<std::pair<std::uint32_t, Measure>, std::pair<Micros, double>>;

/// One subscription.
class Watch {
 public:
  Watch(Rule rule, std::vector<Goal> goals, Micros grace_max)
      : rule_(std::move(rule)), goals_(std::move(goals)), states_(goals_.size()) {
    length_ = rule_.window.count();
    if (rule_.mode == Mode::periodic) length_ = std::min(length_, rule_.reporting_period.count());
    grace_ = std::min(grace_max, length_);
    start_ = us(rule_.start);
    for (State& state : states_) {
      state.above.resize(rule_.thresholds.size());
      state.until_above.resize(rule_.until_thresholds.size());
      state.until_reached.resize(rule_.until_thresholds.size());
      state.immediate_due = rule_.immediate;
    }
  }

  SubscriptionId id;
  bool gone() const { return gone_; }
  bool over() const { return over_; }
  const Rule& rule() const { return rule_; }
  const std::vector<Goal>& goals() const { return goals_; }

  /// At first, after a restart of the process, after a step of the clock.
  void begin(Micros now) {
    since_ = std::max(now, start_);
    seen_.clear();
    over_ = false;
    stop_ = rule_.end ? us(*rule_.end) : INT64_MAX;
    at_stop_.reset();
    ends_.reset();
    const bool unmeasured =
        rule_.until && (us(*rule_.until) > stop_ || (us(*rule_.until) < start_ && now < start_));
    if (unmeasured) {
      ends_ = us(*rule_.until);
    } else if (rule_.until) {
      stop_ = us(*rule_.until);
      at_stop_ = Termination::time;
    }
    stop_ = std::max(stop_, since_ + 1);
    open_ = start_;
    while (open_ + length_ <= since_) open_ += length_;
    last_tick_ = open_;
    next_tick_.reset();
    if (rule_.mode == Mode::periodic) {
      next_tick_ = start_ + rule_.reporting_period.count();
      while (*next_tick_ <= since_) *next_tick_ += rule_.reporting_period.count();
    }
    if (rule_.mode == Mode::one_time && !rule_.end) next_tick_ = window_end();
    for (State& state : states_) {
      state.silent = false;
      state.told_to = open_;
    }
  }

  /// What is told when it is `now`, before anything else happens then.
  std::vector<Report> due(Micros now) {
    std::vector<Report> told;
    const Micros tau = now - grace_;
    bool idle = false;  // the last thing told was a period without anything
    if (ends_ && *ends_ < since_ && *ends_ <= now) over_ = true;
    while (!gone_ && !over_) {
      const Micros end = window_end();
      if (next_tick_ && *next_tick_ < end && *next_tick_ < stop_ && *next_tick_ <= tau) {
        idle = tell_tick(*next_tick_, told, idle);
      } else if (end <= tau) {
        close(told);
        if (gone_) break;
        if (end == stop_) {
          if (rule_.mode != Mode::on_event) tell_tick(stop_, told, false);
          over_ = true;
        } else {
          open_ = end;
        }
      } else {
        break;
      }
    }
    if (over_ && !gone_ && ends_ && *ends_ <= now) {
      Report end = bare(Cause::final, *ends_, *ends_);
      end.from = end.to;
      end_round({end}, {}, Termination::time, told);
    }
    return told;
  }

  SampleFate feed(const Raw& raw) {
    bool taken = false;
    bool late = false;
    for (const Goal& goal : goals_)
      for (const Measure measure : all_measures) {
        if (!rule_.measures.has(measure)) continue;
        for (const auto& part : goal.parts(measure)) {
          if (part != std::pair(raw.target, raw.measure)) continue;
          const Micros last = is_volume(raw.measure) ? raw.to - 1 : raw.at;
          const Micros first = is_volume(raw.measure) ? raw.from : raw.at;
          const bool too_old = last < std::max(open_, since_);
          taken = taken || (!too_old && first < stop_);
          late = late || (too_old && raw.at >= since_);
        }
      }
    if (!taken) return late ? SampleFate::late : SampleFate::outside;
    seen_.push_back(raw);
    return SampleFate::taken;
  }

  bool wants(std::uint32_t target, Measure measure) const {
    for (const Goal& goal : goals_)
      for (const Measure own : all_measures)
        if (rule_.measures.has(own))
          for (const auto& part : goal.parts(own))
            if (part == std::pair(target, measure)) return true;
    return false;
  }

  /// Of those targets that are fed by `fed`, or of all in one round.
  std::vector<Report> immediate(Micros now, const Newest& newest, const Raw* fed) {
    std::vector<Report> told;
    if (now < start_ || over_) return told;
    std::vector<Report> round;
    for (std::size_t m = 0; m < goals_.size() && !gone_; ++m) {
      if (!states_[m].immediate_due) continue;
      if (fed != nullptr && !feeds(goals_[m], *fed)) continue;
      Report made = report(m, Cause::immediate);
      Micros oldest = now;
      for (const Measure measure : all_measures) {
        if (!rule_.measures.has(measure) || is_volume(measure)) continue;
        double value = 0;
        Micros from = now;
        bool known = true;
        for (const auto& part : goals_[m].parts(measure)) {
          const auto found = newest.find(part);
          known = known && found != newest.end() && found->second.first >= now - length_;
          if (!known) break;
          value += found->second.second;
          from = std::min(from, found->second.first);
        }
        if (!known) continue;
        oldest = std::min(oldest, from);
        made.present.add(measure);
        made.values[index_of(measure)] = {
            .average = value, .minimum = value, .maximum = value, .samples = 1};
      }
      if (made.present.empty()) continue;
      made.from = when(oldest);
      made.to = when(now);
      states_[m].immediate_due = false;
      round.push_back(made);
      if (fed == nullptr) continue;
      end_round(std::move(round), {}, {}, told);
      round.clear();
    }
    if (!round.empty()) end_round(std::move(round), {}, {}, told);
    return told;
  }

 private:
  struct Sum {
    double weighted = 0;
    double weight = 0;
    double plain = 0;
    double minimum = 0;
    double maximum = 0;
    std::uint32_t samples = 0;
    bool all_weighted = true;

    void add(double value, double of) {
      minimum = samples == 0 ? value : std::min(minimum, value);
      maximum = samples == 0 ? value : std::max(maximum, value);
      weighted += value * of;
      weight += of;
      plain += value;
      ++samples;
      all_weighted = all_weighted && of > 0;
    }
    double mean() const { return all_weighted ? weighted / weight : plain / samples; }
  };
  struct State {
    bool silent = false;
    bool immediate_due = false;
    Micros told_to = 0;
    std::vector<std::optional<bool>> above;
    std::vector<std::optional<bool>> until_above;
    std::vector<bool> until_reached;
  };

  Micros window_end() const { return std::min(open_ + length_, stop_); }

  bool feeds(const Goal& goal, const Raw& raw) const {
    for (const Measure measure : all_measures)
      if (rule_.measures.has(measure))
        for (const auto& part : goal.parts(measure))
          if (part == std::pair(raw.target, raw.measure)) return true;
    return false;
  }

  /// One part of one measure in the window [from, to), from everything that came in time.
  Sum sum_of(std::pair<std::uint32_t, Measure> part, Micros from, Micros to) const {
    Sum sum;
    const Micros first = std::max(from, since_);
    for (const Raw& raw : seen_) {
      if (std::pair(raw.target, raw.measure) != part || raw.fed - grace_ >= to) continue;
      if (!is_volume(raw.measure)) {
        if (first <= raw.at && raw.at < to) sum.add(raw.value, raw.weight);
        continue;
      }
      const Micros overlap = std::min(raw.to, to) - std::max(raw.from, first);
      if (overlap <= 0) continue;
      const double share = static_cast<double>(overlap) / static_cast<double>(raw.to - raw.from);
      sum.add(raw.value * share, static_cast<double>(overlap));
    }
    return sum;
  }

  Sum window_of(const Goal& goal, Measure measure, Micros from, Micros to) const {
    const Parts parts = goal.parts(measure);
    if (parts.size() == 1) {
      Sum sum = sum_of(parts[0], from, to);
      if (is_volume(measure)) sum.minimum = sum.maximum = sum.plain;
      return sum;
    }
    Sum sum;
    sum.samples = UINT32_MAX;
    double mean = 0;
    for (const auto& part : parts) {
      const Sum one = sum_of(part, from, to);
      if (one.samples == 0) return {};
      mean += one.mean();
      sum.minimum += one.minimum;
      sum.maximum += one.maximum;
      sum.samples = std::min(sum.samples, one.samples);
    }
    sum.plain = mean * sum.samples;
    sum.all_weighted = false;
    return sum;
  }

  static Aggregate aggregate(const Sum& sum, Measure measure, std::uint64_t windows) {
    Aggregate out{.minimum = sum.minimum, .maximum = sum.maximum, .samples = sum.samples};
    if (is_volume(measure)) {
      out.total = sum.plain;
      out.average = sum.plain / static_cast<double>(windows);
      out.covered = Duration{static_cast<Micros>(sum.weight)};
    } else {
      out.average = sum.mean();
    }
    return out;
  }

  Report report(std::size_t member, Cause cause) const {
    Report made;
    made.subscription = id;
    made.number = rounds_ + 1;
    made.target = goals_[member].id;
    made.target_at = static_cast<std::uint32_t>(member);
    made.cause = cause;
    return made;
  }

  /// Of no target: only that it ends.
  Report bare(Cause cause, Micros from, Micros to) const {
    Report made;
    made.subscription = id;
    made.number = rounds_ + 1;
    made.cause = cause;
    made.from = when(std::max(from, since_));
    made.to = when(to);
    return made;
  }

  void end_round(std::vector<Report> round, std::optional<std::size_t> last,
                 std::optional<Termination> why, std::vector<Report>& told) {
    bool valued = false;
    for (const Report& one : round) valued = valued || !one.present.empty();
    if (valued) ++rounds_;
    if (!why && rule_.reports_max && valued && rounds_ >= *rule_.reports_max)
      why = Termination::count;
    if (last) {
      const Report moved = round[*last];
      round.erase(round.begin() + static_cast<std::ptrdiff_t>(*last));
      round.push_back(moved);
    }
    if (why) {
      round.back().termination = why;
      gone_ = true;
    }
    told.insert(told.end(), round.begin(), round.end());
  }

  static bool changed(const Threshold& threshold, double value, std::optional<bool>& above) {
    std::optional<bool> now = above;
    switch (threshold.direction) {
      case Direction::ascending: now = value >= threshold.value; break;
      case Direction::descending: now = value > threshold.value; break;
      case Direction::crossed:
        if (value != threshold.value) now = value > threshold.value;
        break;
    }
    const std::optional<bool> before = std::exchange(above, now);
    if (!now || before == now) return false;
    switch (threshold.direction) {
      case Direction::ascending: return *now;
      case Direction::descending: return !*now;
      case Direction::crossed: return before.has_value();
    }
    return false;
  }

  void judge(State& state, Report& made) const {
    for (std::size_t i = 0; i < rule_.thresholds.size(); ++i) {
      const Threshold& threshold = rule_.thresholds[i];
      const Aggregate* found = made.find(threshold.measure);
      if (found == nullptr) continue;
      if (!changed(threshold, found->value(threshold.measure), state.above[i])) continue;
      (*state.above[i] ? made.ascended : made.descended) |= std::uint32_t{1} << i;
    }
  }

  bool ends(State& state, const Report& made) const {
    for (std::size_t i = 0; i < rule_.until_thresholds.size(); ++i) {
      const Threshold& threshold = rule_.until_thresholds[i];
      const Aggregate* found = made.find(threshold.measure);
      if (found == nullptr) continue;
      const double value = found->value(threshold.measure);
      const bool event = changed(threshold, value, state.until_above[i]);
      switch (threshold.direction) {
        case Direction::ascending: state.until_reached[i] = value >= threshold.value; break;
        case Direction::descending: state.until_reached[i] = value <= threshold.value; break;
        case Direction::crossed: state.until_reached[i] = state.until_reached[i] || event; break;
      }
    }
    const auto reached = std::count(state.until_reached.begin(), state.until_reached.end(), true);
    if (rule_.until_thresholds.empty() || made.present.empty()) return false;
    return rule_.until_all ? reached == std::ssize(state.until_reached) : reached > 0;
  }

  /// The window that begins at open_.
  void close(std::vector<Report>& told) {
    const Micros end = window_end();
    const bool last = end == stop_ && at_stop_.has_value();
    const bool events = rule_.mode == Mode::on_event;
    std::vector<Report> round;
    std::optional<std::size_t> ender;
    for (std::size_t m = 0; m < goals_.size(); ++m) {
      State& state = states_[m];
      Report made = report(m, Cause::final);
      made.from = when(std::max(open_, since_));
      made.to = when(end);
      for (const Measure measure : all_measures) {
        if (!rule_.measures.has(measure)) continue;
        const Sum sum = window_of(goals_[m], measure, open_, end);
        if (sum.samples == 0) continue;
        made.present.add(measure);
        made.values[index_of(measure)] = aggregate(sum, measure, 1);
      }
      const bool any = !made.present.empty();
      made.windows = any ? 1 : 0;
      judge(state, made);
      const bool meets = ends(state, made) && !ender;
      bool tell = meets || (last && any && events);
      if ((made.ascended | made.descended) != 0) {
        made.cause = Cause::threshold;
        tell = true;
      } else if (events && rule_.thresholds.empty() && (any || !state.silent)) {
        made.cause = Cause::window;
        tell = true;
        const Micros counted = any ? open_ : open_ + length_;
        made.windows_empty = static_cast<std::uint64_t>((counted - state.told_to) / length_);
        state.told_to = open_ + length_;
        state.silent = !any;
      }
      if (!tell) continue;
      if (meets) ender = round.size();
      round.push_back(made);
    }
    if (last && events && round.empty()) round.push_back(bare(Cause::final, open_, end));
    if (round.empty()) return;
    std::optional<Termination> why;
    if (ender)
      why = Termination::threshold;
    else if (last && events)
      why = at_stop_;
    end_round(std::move(round), ender, why, told);
  }

  /// True if nothing was measured in the period; a run of those within one call is one report.
  bool tell_tick(Micros at, std::vector<Report>& told, bool idle_before) {
    const bool one_time = rule_.mode == Mode::one_time;
    const bool last = at == stop_ && at_stop_.has_value();
    const Micros period = rule_.reporting_period.count();
    Cause cause = one_time ? Cause::one_time : Cause::period;
    if (last && (one_time || (at - start_) % period != 0)) cause = Cause::final;
    std::vector<Report> round;
    for (std::size_t m = 0; m < goals_.size(); ++m) {
      Report made = report(m, cause);
      std::uint64_t windows = 0;
      std::map<Measure, std::pair<Sum, std::uint64_t>> sums;
      for (Micros from = start_; from < at; from += length_) {
        const Micros to = std::min(from + length_, stop_);
        if (to <= last_tick_ || to > at) continue;
        ++windows;
        bool any = false;
        for (const Measure measure : all_measures) {
          if (!rule_.measures.has(measure)) continue;
          const Sum one = window_of(goals_[m], measure, from, to);
          if (one.samples == 0) continue;
          any = true;
          auto& [sum, count] = sums[measure];
          sum.minimum = count == 0 ? one.minimum : std::min(sum.minimum, one.minimum);
          sum.maximum = count == 0 ? one.maximum : std::max(sum.maximum, one.maximum);
          sum.weighted += one.weighted;
          sum.weight += one.weight;
          sum.plain += one.plain;
          sum.samples += one.samples;
          sum.all_weighted = sum.all_weighted && one.all_weighted;
          ++count;
        }
        if (any) ++made.windows;
      }
      for (const auto& [measure, sum] : sums) {
        made.present.add(measure);
        made.values[index_of(measure)] = aggregate(sum.first, measure, sum.second);
      }
      made.windows_empty = windows - made.windows;
      made.from = when(std::max(last_tick_, since_));
      made.to = when(at);
      round.push_back(made);
    }
    if (round.empty() && (last || one_time)) round.push_back(bare(cause, last_tick_, at));
    // A stream may have samples, of one of its UEs, without having a value.
    bool idle = std::none_of(seen_.begin(), seen_.end(), [&](const Raw& raw) {
      return (is_volume(raw.measure) ? raw.to - 1 : raw.at) >= open_;
    });
    for (const Report& one : round) idle = idle && one.present.empty();
    const bool merges = idle && idle_before && rule_.mode == Mode::periodic;
    if (merges) {
      for (std::size_t m = 0; m < round.size(); ++m) {
        Report& before = told[told.size() - round.size() + m];
        before.to = round[m].to;
        before.windows_empty += round[m].windows_empty;
      }
    }
    last_tick_ = at;
    if (next_tick_) *next_tick_ += period;
    if (one_time) next_tick_.reset();
    if (merges) return true;
    std::optional<Termination> why;
    if (last)
      why = at_stop_;
    else if (one_time)
      why = Termination::one_time;
    end_round(std::move(round), {}, why, told);
    return idle;
  }

  Rule rule_;
  std::vector<Goal> goals_;
  std::vector<State> states_;
  Micros grace_ = 0;
  Micros length_ = 0;
  Micros start_ = 0;
  Micros since_ = 0;
  Micros stop_ = 0;
  std::optional<Termination> at_stop_;
  std::optional<Micros> ends_;  ///< by time, where nothing is measured then
  Micros open_ = 0;             ///< where the first window begins that is not closed
  Micros last_tick_ = 0;
  std::optional<Micros> next_tick_;
  std::uint32_t rounds_ = 0;
  bool over_ = false;
  bool gone_ = false;
  std::vector<Raw> seen_;
};

}  // namespace lobo::seal_nrm::monitor::recomputed
