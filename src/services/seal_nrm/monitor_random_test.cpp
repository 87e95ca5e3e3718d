// Random histories of samples, clocks, restarts: the engine tells what the plain recomputation
// tells, report for report.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/rng.hpp"
#include "services/seal_nrm/monitor_engine.hpp"
#include "services/seal_nrm/monitor_recomputed_test_support.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"

namespace lobo::seal_nrm::monitor {

std::ostream& operator<<(std::ostream& out, const Report& report) {
  out << to_string(report.cause) << " #" << report.number << " target " << report.target.index
      << " [" << report.from.time_since_epoch().count() << ", "
      << report.to.time_since_epoch().count() << ") windows " << report.windows << "+"
      << report.windows_empty << " up " << report.ascended << " down " << report.descended;
  for (const Measure measure : all_measures)
    if (const Aggregate* found = report.find(measure))
      out << ", " << to_string(measure) << " " << found->minimum << "/" << found->average << "/"
          << found->maximum << " total " << found->total << " covered " << found->covered.count()
          << " of " << found->samples;
  if (report.termination) out << ", ends by " << to_string(*report.termination);
  return out;
}

namespace recomputed {

std::ostream& operator<<(std::ostream& out, const Watch& watch) {
  const Rule& rule = watch.rule();
  out << "rule: window " << rule.window.count() << " start " << us(rule.start) << " mode "
      << static_cast<int>(rule.mode) << " period " << rule.reporting_period.count();
  if (rule.end) out << " end " << us(*rule.end);
  if (rule.until) out << " until " << us(*rule.until);
  if (rule.reports_max) out << " reports_max " << *rule.reports_max;
  out << ", thresholds " << rule.thresholds.size() << ", until " << rule.until_thresholds.size();
  for (const Threshold& threshold : rule.thresholds)
    out << " [" << to_string(threshold.measure) << " " << threshold.value << " "
        << static_cast<int>(threshold.direction) << "]";
  return out << ", targets " << watch.goals().size();
}

}  // namespace recomputed

namespace {

using recomputed::Goal;
using recomputed::Micros;
using recomputed::Newest;
using recomputed::Raw;
using recomputed::us;
using recomputed::Watch;

bool near(double a, double b) {
  return std::abs(a - b) <= 1e-9 * std::max({1.0, std::abs(a), std::abs(b)});
}

bool same(const Aggregate& a, const Aggregate& b) {
  return near(a.average, b.average) && near(a.minimum, b.minimum) && near(a.maximum, b.maximum) &&
         near(a.total, b.total) && a.covered == b.covered && a.samples == b.samples;
}

bool same(const Report& a, const Report& b) {
  for (const Measure measure : all_measures)
    if (a.present.has(measure) && b.present.has(measure) &&
        !same(*a.find(measure), *b.find(measure)))
      return false;
  return a.subscription == b.subscription && a.number == b.number && a.target == b.target &&
         a.cause == b.cause && a.termination == b.termination && a.from == b.from && a.to == b.to &&
         a.windows == b.windows && a.windows_empty == b.windows_empty && a.present == b.present &&
         a.ascended == b.ascended && a.descended == b.descended;
}

class History {
 public:
  explicit History(std::uint64_t seed) : rng_(seed) {
    const Duration graces[] = {Duration{0}, Duration{300'000}, Duration{5'000'000}};
    limits_.grace = graces[rng_.below(3)];
    start_process();
  }

  void run() {
    for (int step = 0; step < 150 && !::testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE(step);
      move_clock();
      const std::uint64_t what = rng_.below(100);
      if (what < 6)
        subscribe();
      else if (what < 8)
        restart_process();
      else if (what < 25)
        check_calls([&] { engine_->advance(clock_, sink_); });
      else
        feed();
    }
  }

  std::map<Cause, int> causes;
  std::map<Termination, int> terminations;
  std::map<SampleFate, int> fates;

 private:
  bool one_in(std::uint64_t n) { return rng_.below(n) == 0; }
  Micros millis(std::uint64_t below) { return static_cast<Micros>(rng_.below(below)) * 1000; }

  void start_process() {
    engine_ = std::make_unique<Engine>(limits_);
    goals_.clear();
    seen_.clear();
    newest_.clear();
    for (int i = 0; i < 3; ++i) goals_.push_back({*engine_->add_ue(), {}});
    for (const auto& [a, b] : {std::pair(0U, 1U), std::pair(2U, 0U)})
      goals_.push_back({*engine_->add_stream(goals_[a].id, goals_[b].id),
                        std::pair(goals_[a].id.index, goals_[b].id.index)});
    // Keeps every stream of samples alive, so that doubles are remembered.
    Rule keeper{.window = std::chrono::hours{1}, .start = clock_, .mode = Mode::on_event};
    for (const Measure measure : all_measures) keeper.measures.add(measure);
    keeper.thresholds = {{Measure::dl_delay, 1e6, Direction::ascending}};
    std::vector<TargetId> ues;
    for (std::size_t i = 0; i < 3; ++i) ues.push_back(goals_[i].id);
    keeper_ = *engine_->add(keeper, ues, clock_, sink_);
    const std::vector<TargetId> streams{goals_[3].id, goals_[4].id};
    keeper_of_streams_ = *engine_->add(keeper, streams, clock_, sink_);
  }

  void move_clock() {
    const std::uint64_t how = rng_.below(100);
    if (how < 20) return;
    if (how < 90)
      clock_ += Duration{one_in(3) ? 100'000 * static_cast<Micros>(rng_.below(8)) : millis(700)};
    else if (how < 95)
      clock_ += Duration{millis(30'000)};
    else if (how < 98)
      clock_ -= Duration{millis(1000)};
    else
      clock_ -= Duration{1'000'001 + millis(20'000)};
    if (us(clock_) >= now_) {
      now_ = us(clock_);
    } else if (now_ - us(clock_) > limits_.step_back_max.count()) {
      now_ = us(clock_);
      for (Watch& watch : watches_)
        if (!watch.gone() && !watch.over()) watch.begin(now_);
    }
  }

  Threshold threshold(Measures measures) {
    Measure measure = Measure::dl_delay;
    do measure = all_measures[rng_.below(measures_count)];
    while (!measures.has(measure));
    return {measure, static_cast<double>(rng_.below(11)), static_cast<Direction>(rng_.below(3))};
  }

  Rule random_rule() {
    Rule rule;
    for (std::uint64_t n = 1 + rng_.below(3); n > 0; --n)
      rule.measures.add(all_measures[rng_.below(measures_count)]);
    const Micros windows[] = {200'000, 1'000'000, 1'500'000, 7'000'000};
    rule.window = Duration{windows[rng_.below(4)]};
    rule.start = clock_ + Duration{(static_cast<Micros>(rng_.below(30)) - 22) * 500'000};
    if (one_in(3)) rule.end = rule.start + Duration{500'000 + millis(40'000)};
    rule.mode = static_cast<Mode>(rng_.below(3));
    const Micros periods[] = {500'000, 1'000'000, 2'500'000, 10'000'000};
    if (rule.mode == Mode::periodic) rule.reporting_period = Duration{periods[rng_.below(4)]};
    if (rule.mode == Mode::on_event && !one_in(3))
      for (std::uint64_t n = 1 + rng_.below(4); n > 0; --n)
        rule.thresholds.push_back(threshold(rule.measures));
    rule.immediate = one_in(3);
    if (one_in(4)) rule.until = clock_ + Duration{millis(40'000)};
    if (one_in(4)) rule.reports_max = 1 + static_cast<std::uint32_t>(rng_.below(6));
    if (one_in(4)) {
      for (const Measure measure : all_measures)
        if (rule.measures.has(measure) && !one_in(3))
          rule.until_thresholds.push_back({measure, static_cast<double>(rng_.below(11)),
                                           static_cast<Direction>(rng_.below(3))});
      rule.until_all = one_in(2);
    }
    return rule;
  }

  void subscribe() {
    const Rule rule = random_rule();
    std::vector<Goal> wanted;
    const bool streams = one_in(4);
    for (std::size_t i = streams ? 3 : 0; i < (streams ? 5U : 3U); ++i)
      if (one_in(2)) wanted.push_back(goals_[i]);
    std::vector<TargetId> ids;
    for (const Goal& goal : wanted) ids.push_back(goal.id);
    Watch watch(rule, wanted, limits_.grace.count());
    watch.begin(now_);
    const auto made = engine_->add(rule, ids, clock_, sink_);
    ASSERT_TRUE(made) << made.error().detail;
    watch.id = *made;
    auto expected = watch.immediate(now_, newest_, nullptr);
    rules_.push_back(rule);
    watches_.push_back(std::move(watch));
    compare(watches_.size() - 1, expected);
    sink_.reports.clear();
  }

  /// The process dies and another goes on: rules, targets and progress are what it finds.
  void restart_process() {
    std::vector<std::optional<Progress>> progress;
    std::vector<bool> over;
    for (const Watch& watch : watches_) {
      progress.push_back(engine_->progress(watch.id));
      EXPECT_EQ(progress.back().has_value(), !watch.gone());
      EXPECT_EQ(engine_->over(watch.id), watch.over() && !watch.gone());
    }
    now_ = us(clock_);
    start_process();
    sink_.reports.clear();
    std::vector<Watch> still;
    for (std::size_t i = 0; i < watches_.size(); ++i) {
      Watch& watch = watches_[i];
      if (watch.gone() || watch.over()) continue;
      std::vector<TargetId> ids;
      for (const Goal& goal : watch.goals()) ids.push_back(goal.id);
      const auto made = engine_->add(watch.rule(), ids, clock_, sink_, *progress[i]);
      ASSERT_TRUE(made) << made.error().detail;
      watch.id = *made;
      watch.begin(now_);
      still.push_back(std::move(watch));
      compare(still, still.size() - 1, still.back().immediate(now_, newest_, nullptr));
      sink_.reports.clear();
    }
    watches_ = std::move(still);
  }

  Sample random_sample() {
    if (!sent_.empty() && one_in(8)) return sent_[rng_.below(sent_.size())];
    Sample sample;
    sample.measure = all_measures[rng_.below(measures_count)];
    // Delays of a stream are its UEs'.
    sample.target = goals_[rng_.below(is_delay(sample.measure) ? 3 : goals_.size())].id;
    sample.value = static_cast<double>(rng_.below(11));
    sample.taken_at = clock_ - Duration{millis(one_in(3) ? 5000 : 400)};
    if (one_in(3))  // at the edge of a window
      sample.taken_at = Instant{Duration{us(sample.taken_at) / 500'000 * 500'000}};
    if (one_in(20)) sample.taken_at = clock_ + Duration{millis(3000)};
    sample.source = static_cast<std::uint16_t>(rng_.below(3));
    if (is_volume(sample.measure) || one_in(2)) {
      sample.to = sample.taken_at;
      sample.from = sample.to - Duration{1 + millis(4000)};
    }
    sample.packets = rng_.below(4);
    if (one_in(50)) sample.value = -1;
    sent_.push_back(sample);
    if (sent_.size() > 12) sent_.pop_front();
    return sample;
  }

  /// What the sample is, apart from what anybody wants of it.
  std::optional<Raw> accept(const Sample& sample, SampleFate& fate) {
    const Micros ahead = 2'000'000;
    if (sample.value < 0) {
      fate = SampleFate::negative;
    } else if (us(sample.taken_at) > now_ + ahead || us(sample.to) > now_ + ahead) {
      fate = SampleFate::from_future;
    } else {
      auto& seen = seen_[{sample.target.index, sample.measure}];
      const std::pair<Micros, std::uint16_t> key{us(sample.taken_at), sample.source};
      if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
        fate = SampleFate::duplicate;
        return std::nullopt;
      }
      seen.push_back(key);
      if (seen.size() > samples_remembered) seen.pop_front();
      Raw raw{.target = sample.target.index,
              .measure = sample.measure,
              .value = sample.value,
              .at = std::min(us(sample.taken_at), now_),
              .fed = now_};
      const Micros shift = std::max<Micros>(0, us(sample.to) - now_);
      raw.from = us(sample.from) - shift;
      raw.to = us(sample.to) - shift;
      if (raw.to > raw.from) raw.at = raw.to - 1;
      if (sample.measure == Measure::loss_rate)
        raw.weight = static_cast<double>(sample.packets);
      else if (!is_delay(sample.measure))
        raw.weight = static_cast<double>(raw.to - raw.from);
      return raw;
    }
    return std::nullopt;
  }

  void feed() {
    const Sample sample = random_sample();
    SampleFate fate = SampleFate::outside;
    SampleFate got = SampleFate::outside;
    const auto raw = accept(sample, fate);
    if (raw) {
      auto& newest =
          newest_.try_emplace({raw->target, raw->measure}, Micros{-1}, 0.0).first->second;
      if (raw->at >= newest.first) newest = {raw->at, raw->value};
    }
    std::vector<std::vector<Report>> expected;
    bool late = false;
    bool taken = false;
    for (Watch& watch : watches_) {
      expected.push_back(watch.gone() ? std::vector<Report>{} : watch.due(now_));
      if (!raw || watch.gone() || watch.over() || !watch.wants(raw->target, raw->measure)) continue;
      const SampleFate here = watch.feed(*raw);
      taken = taken || here == SampleFate::taken;
      late = late || here == SampleFate::late;
      if (here != SampleFate::taken) continue;
      const auto more = watch.immediate(now_, newest_, &*raw);
      expected.back().insert(expected.back().end(), more.begin(), more.end());
    }
    got = engine_->feed(sample, clock_, sink_);
    ++fates[got];
    if (!raw) {
      EXPECT_EQ(got, fate) << to_string(got);
    } else if (taken) {
      EXPECT_EQ(got, SampleFate::taken) << to_string(got);
    }
    // The keeper takes what is in its hour, so nothing is said of the others.
    for (std::size_t i = 0; i < watches_.size(); ++i) compare(i, expected[i]);
    sink_.reports.clear();
  }

  template <class Call>
  void check_calls(Call&& call) {
    std::vector<std::vector<Report>> expected;
    for (Watch& watch : watches_)
      expected.push_back(watch.gone() ? std::vector<Report>{} : watch.due(now_));
    call();
    for (std::size_t i = 0; i < watches_.size(); ++i) compare(i, expected[i]);
    sink_.reports.clear();
  }

  void compare(std::size_t which, const std::vector<Report>& expected) {
    compare(watches_, which, expected);
  }
  void compare(const std::vector<Watch>& watches, std::size_t which,
               const std::vector<Report>& expected) {
    const Watch& watch = watches[which];
    std::vector<Report> told;
    for (const Report& report : sink_.reports)
      if (report.subscription == watch.id) told.push_back(report);
    for (std::size_t i = 0; i < std::max(told.size(), expected.size()); ++i) {
      ASSERT_LT(i, told.size()) << "untold: " << expected[i] << " " << watch;
      ASSERT_LT(i, expected.size()) << "told too much: " << told[i] << " " << watch;
      ASSERT_TRUE(same(told[i], expected[i]))
          << "told:     " << told[i] << "\nexpected: " << expected[i] << "\n"
          << watch;
      ++causes[told[i].cause];
      if (told[i].termination) ++terminations[*told[i].termination];
    }
    if (watch.gone() && !expected.empty()) { EXPECT_FALSE(engine_->contains(watch.id)); }
  }

  SeededRng rng_;
  EngineLimits limits_;
  Instant clock_{std::chrono::hours{24 * 365 * 56}};
  Micros now_ = us(clock_);
  std::unique_ptr<Engine> engine_;
  ReportList sink_;
  std::vector<Goal> goals_;
  SubscriptionId keeper_;
  SubscriptionId keeper_of_streams_;
  std::vector<Rule> rules_;
  std::vector<Watch> watches_;
  Newest newest_;
  std::map<std::pair<std::uint32_t, Measure>, std::deque<std::pair<Micros, std::uint16_t>>> seen_;
  std::deque<Sample> sent_;
};

TEST(monitor_random, reports_are_what_a_plain_recomputation_of_all_samples_says) {
  std::map<Cause, int> causes;
  std::map<Termination, int> terminations;
  std::map<SampleFate, int> fates;
  for (std::uint64_t seed = 1; seed <= 1500 && !HasFailure(); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    History history(seed);
    history.run();
    for (const auto& [cause, count] : history.causes) causes[cause] += count;
    for (const auto& [why, count] : history.terminations) terminations[why] += count;
    for (const auto& [fate, count] : history.fates) fates[fate] += count;
  }
  // All that there is has been met, and often enough to mean something.
  for (const Cause cause : {Cause::threshold, Cause::window, Cause::period, Cause::immediate,
                            Cause::one_time, Cause::final})
    EXPECT_GT(causes[cause], 50) << to_string(cause);
  for (const Termination why :
       {Termination::time, Termination::count, Termination::threshold, Termination::one_time})
    EXPECT_GT(terminations[why], 50) << to_string(why);
  for (const SampleFate fate :
       {SampleFate::taken, SampleFate::duplicate, SampleFate::negative, SampleFate::from_future})
    EXPECT_GT(fates[fate], 50) << to_string(fate);
}

}  // namespace
}  // namespace lobo::seal_nrm::monitor
