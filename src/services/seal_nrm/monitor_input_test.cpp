// What the monitoring engine does with samples and clocks, after a restart, and at its bounds: one
// rule a test.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/monitor_engine.hpp"
#include "services/seal_nrm/monitor_engine_test_support.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"

namespace lobo::seal_nrm::monitor {
namespace {

using monitor_samples = EngineTest;
using monitor_clocks = EngineTest;
using monitor_restart = EngineTest;
using monitor_bounds = EngineTest;

// Samples ------------------------------------------------------------------------------------

TEST_F(monitor_samples, each_wrong_sample_is_refused_by_name_and_counted) {
  const auto a = ue();
  Rule all = rule(Mode::on_event);
  for (const Measure measure : all_measures) all.measures.add(measure);
  add(all, {a});
  const auto fate = [&](Sample sample) { return engine.feed(sample, at(100), sink); };
  const Sample good{.target = a, .value = 1, .taken_at = at(100)};
  auto wrong = [&](auto change) {
    Sample sample = good;
    change(sample);
    return fate(sample);
  };
  EXPECT_EQ(fate(good), SampleFate::taken);
  EXPECT_EQ(fate(good), SampleFate::duplicate);
  EXPECT_EQ(wrong([](Sample& s) { s.value = std::nan(""); }), SampleFate::not_a_number);
  EXPECT_EQ(wrong([](Sample& s) { s.value = HUGE_VAL; }), SampleFate::not_a_number);
  EXPECT_EQ(wrong([](Sample& s) { s.value = -0.001; }), SampleFate::negative);
  EXPECT_EQ(wrong([](Sample& s) { s.value = delay_ms_max * 1.01; }), SampleFate::absurd_value);
  EXPECT_EQ(wrong([](Sample& s) {
              s.measure = Measure::loss_rate;
              s.value = 1000.5;
            }),
            SampleFate::absurd_value);
  EXPECT_EQ(wrong([](Sample& s) { s.taken_at = Instant::max(); }), SampleFate::absurd_time);
  EXPECT_EQ(wrong([](Sample& s) { s.taken_at = Instant::min(); }), SampleFate::absurd_time);
  EXPECT_EQ(wrong([](Sample& s) { s.taken_at = at(102.1); }), SampleFate::from_future);
  EXPECT_EQ(wrong([](Sample& s) { s.source = sources_max; }), SampleFate::unknown_source);
  EXPECT_EQ(wrong([](Sample& s) { s.measure = Measure::ul_volume; }), SampleFate::bad_interval);
  EXPECT_EQ(wrong([](Sample& s) {
              s.from = at(99);
              s.to = at(98);
            }),
            SampleFate::bad_interval);
  EXPECT_EQ(wrong([](Sample& s) { s.target.generation += 1; }), SampleFate::unknown_target);
  EXPECT_EQ(wrong([](Sample& s) { s.taken_at = at(-50); }), SampleFate::outside);
  EXPECT_EQ(wrong([](Sample& s) { s.taken_at = at(98.5); }), SampleFate::late);
  EXPECT_EQ(engine.counters().of(SampleFate::not_a_number), 2U);
  EXPECT_EQ(engine.counters().late, 1U);
  const auto reports = until(101);
  EXPECT_EQ(reports.back().find(Measure::dl_delay)->samples, 1U);
}

TEST_F(monitor_samples, a_measure_that_nobody_wants_costs_nothing_and_says_so) {
  const auto a = ue();
  add(rule(Mode::on_event), {a});
  EXPECT_EQ(feed(a, Measure::loss_rate, 1, 0.5), SampleFate::unwanted);
}

TEST_F(monitor_samples, two_sources_at_the_same_time_are_two_samples) {
  const auto a = ue();
  add(rule(Mode::on_event), {a});
  Sample sample{.target = a, .value = 1, .taken_at = at(0.5)};
  EXPECT_EQ(engine.feed(sample, at(0.5), sink), SampleFate::taken);
  sample.source = 1;
  EXPECT_EQ(engine.feed(sample, at(0.5), sink), SampleFate::taken);
}

TEST_F(monitor_samples, a_volume_is_spread_over_the_windows_that_it_was_measured_in) {
  const auto a = ue();
  Rule volume = rule(Mode::on_event);
  volume.measures = {Measure::dl_volume};
  add(volume, {a});
  engine.feed({.target = a,
               .measure = Measure::dl_volume,
               .value = 1000,
               .taken_at = at(1.75),
               .from = at(-0.25),
               .to = at(1.75)},
              at(1.75), sink);
  take();  // that the first window had nothing
  const auto reports = until(2);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_DOUBLE_EQ(reports[0].find(Measure::dl_volume)->average, 375);
  EXPECT_EQ(reports[0].find(Measure::dl_volume)->covered, milliseconds{750});
  EXPECT_EQ(engine.counters().late_parts, 1U);
}

TEST_F(monitor_samples, the_volume_of_a_period_is_the_mean_of_its_windows) {
  const auto a = ue();
  Rule volume = rule(Mode::periodic);
  volume.reporting_period = seconds{4};
  volume.measures = {Measure::ul_volume};
  add(volume, {a});
  for (int s = 0; s < 3; ++s)
    engine.feed({.target = a,
                 .measure = Measure::ul_volume,
                 .value = 100.0 * (s + 1),
                 .taken_at = at(s + 1),
                 .from = at(s),
                 .to = at(s + 1)},
                at(s + 0.999), sink);
  const auto reports = until(4);
  const Aggregate* found = reports.front().find(Measure::ul_volume);
  ASSERT_NE(found, nullptr);
  EXPECT_NEAR(found->total, 600, 1);
  EXPECT_NEAR(found->average, 200, 1);
  EXPECT_NEAR(found->maximum, 300, 1);
  EXPECT_EQ(reports.front().windows_empty, 1U);
}

TEST_F(monitor_samples, rates_weigh_by_duration_and_losses_by_packets) {
  const auto a = ue();
  Rule both = rule(Mode::on_event, seconds{10});
  both.measures = {Measure::rate_average, Measure::loss_rate};
  add(both, {a});
  const auto rate = [&](double value, double from, double to) {
    engine.feed({.target = a,
                 .measure = Measure::rate_average,
                 .value = value,
                 .taken_at = at(to),
                 .from = at(from),
                 .to = at(to)},
                at(to), sink);
  };
  rate(100, 0, 1);
  rate(400, 1, 4);
  Sample loss{.target = a, .measure = Measure::loss_rate, .value = 100, .taken_at = at(4)};
  loss.packets = 1;
  engine.feed(loss, at(4), sink);
  loss.value = 0;
  loss.packets = 9;
  loss.taken_at = at(5);
  engine.feed(loss, at(5), sink);
  const auto reports = until(10);
  EXPECT_DOUBLE_EQ(reports[0].find(Measure::rate_average)->average, 325);
  EXPECT_DOUBLE_EQ(reports[0].find(Measure::loss_rate)->average, 10);
}

TEST_F(monitor_samples, where_one_weight_is_not_known_the_mean_is_plain) {
  const auto a = ue();
  Rule loss = rule(Mode::on_event);
  loss.measures = {Measure::loss_rate};
  add(loss, {a});
  Sample sample{.target = a, .measure = Measure::loss_rate, .value = 100, .taken_at = at(0.1)};
  sample.packets = 1000;
  engine.feed(sample, at(0.2), sink);
  sample.taken_at = at(0.2);
  sample.value = 0;
  sample.packets = 0;
  engine.feed(sample, at(0.2), sink);
  EXPECT_DOUBLE_EQ(until(1).front().find(Measure::loss_rate)->average, 50);
}

TEST_F(monitor_samples, the_maximum_rate_is_held_against_its_threshold_not_the_mean) {
  const auto a = ue();
  Rule peak = rule(Mode::on_event);
  peak.measures = {Measure::rate_maximum};
  peak.thresholds = {{Measure::rate_maximum, 90, Direction::ascending}};
  add(peak, {a});
  feed(a, Measure::rate_maximum, 10, 0.2);
  feed(a, Measure::rate_maximum, 90, 0.4);
  EXPECT_EQ(until(1).size(), 1U);
}

TEST_F(monitor_samples, the_delay_of_a_stream_is_up_at_one_end_and_down_at_the_other) {
  const auto a = ue();
  const auto b = ue();
  const auto stream = engine.add_stream(a, b).value();
  Rule delays = rule(Mode::on_event);
  delays.measures = {Measure::dl_delay, Measure::ul_delay, Measure::rt_delay};
  add(delays, {stream});
  feed(a, Measure::ul_delay, 1, 0.5);
  feed(b, Measure::dl_delay, 20, 0.5);
  auto reports = until(1);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].find(Measure::dl_delay)->average, 21);
  EXPECT_EQ(reports[0].find(Measure::ul_delay), nullptr);  // half of it is not known
  EXPECT_EQ(reports[0].find(Measure::rt_delay), nullptr);
  feed(a, Measure::ul_delay, 1, 1.5);
  feed(b, Measure::dl_delay, 20, 1.5);
  feed(b, Measure::ul_delay, 300, 1.5);
  feed(a, Measure::dl_delay, 4000, 1.5);
  reports = until(2);
  EXPECT_EQ(reports[0].find(Measure::ul_delay)->average, 4300);
  EXPECT_EQ(reports[0].find(Measure::rt_delay)->average, 4321);
}

// Clocks -------------------------------------------------------------------------------------

TEST_F(monitor_clocks, a_thousand_million_empty_windows_pass_in_one_step) {
  const auto a = ue();
  Rule each = rule(Mode::periodic, milliseconds{1});
  each.reporting_period = milliseconds{1};
  add(each, {a});
  add(rule(Mode::on_event, milliseconds{1}), {a});
  delay(a, 1, 0.0005);
  const auto reports = until(1'000'000);
  ASSERT_EQ(reports.size(), 4U);  // each: the window with the sample, and one for all the others
  std::uint64_t empty = 0;
  for (const Report& report : reports)
    if (report.cause == Cause::period) empty += report.windows_empty;
  EXPECT_EQ(empty, 999'999'999U);
}

TEST_F(monitor_clocks, a_small_step_back_is_taken_as_standing_still) {
  const auto a = ue();
  add(rule(Mode::on_event), {a});
  delay(a, 1, 0.5);
  EXPECT_EQ(until(1.2).size(), 1U);
  delay(a, 2, 1.3);
  engine.advance(at(0.5), sink);
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(engine.counters().steps_back, 0U);
  const auto reports = until(2);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].from, at(1));
}

TEST_F(monitor_clocks, a_large_step_back_begins_anew_and_does_not_go_dark) {
  const auto a = ue();
  add(rule(Mode::on_event), {a});
  delay(a, 1, 1000.5);
  until(1000.6);
  take();
  engine.advance(at(10.5), sink);
  EXPECT_EQ(engine.counters().steps_back, 1U);
  EXPECT_EQ(engine.counters().windows_lost, 1U);
  EXPECT_TRUE(take().empty());
  delay(a, 5, 10.7);
  const auto reports = until(11);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].from, at(10.5));
  EXPECT_EQ(reports[0].find(Measure::dl_delay)->average, 5);
}

TEST_F(monitor_clocks,
       a_step_back_to_before_the_beginning_does_not_go_dark_where_none_was_asked_for) {
  const auto a = ue();
  Rule at_once = rule(Mode::periodic);
  at_once.start = at(1000);
  at_once.reporting_period = seconds{2};
  at_once.starts_at_once = true;
  const auto id = add(at_once, {a}, 1000);
  Rule asked_for = at_once;
  asked_for.starts_at_once = false;
  add(asked_for, {a}, 1000);
  engine.advance(at(1000.5), sink);
  engine.advance(at(10), sink);
  EXPECT_EQ(delay(a, 5, 11), SampleFate::taken);
  const auto reports = until(12);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].subscription, id);
  EXPECT_EQ(reports[0].find(Measure::dl_delay)->average, 5);
  // An update, as made from what is stored, changes nothing of that.
  const std::vector<TargetId> targets{a};
  ASSERT_TRUE(engine.update(id, at_once, targets, at(13), sink));
  EXPECT_EQ(delay(a, 7, 14), SampleFate::taken);
  EXPECT_EQ(until(15).back().find(Measure::dl_delay)->average, 7);
}

TEST_F(monitor_clocks, a_clock_that_flaps_tells_nothing_twice_and_never_floods) {
  const auto a = ue();
  Rule each = rule(Mode::periodic);
  each.reporting_period = seconds{1};
  add(each, {a});
  for (int turn = 0; turn < 100; ++turn) {
    engine.advance(at(1'000'000), sink);
    engine.advance(at(5), sink);
  }
  EXPECT_LE(take().size(), 100U);
}

TEST_F(monitor_clocks, times_that_no_clock_shows_are_brought_to_the_edge) {
  const auto a = ue();
  const auto id = add(rule(Mode::on_event), {a});
  engine.advance(Instant::max(), sink);
  engine.advance(Instant::min(), sink);
  engine.advance(at(1), sink);
  EXPECT_TRUE(engine.contains(id));
  delay(a, 5, 1.5);
  EXPECT_EQ(until(2).back().find(Measure::dl_delay)->average, 5);
}

// Restart ------------------------------------------------------------------------------------

TEST_F(monitor_restart, counts_and_sides_and_the_immediate_report_survive) {
  const auto a = ue();
  Rule all = by_threshold(50, Direction::ascending);
  all.immediate = true;
  all.reports_max = 3;
  const auto id = add(all, {a});
  delay(a, 60, 0.5);
  EXPECT_EQ(until(1).size(), 2U);  // immediate, threshold
  const Progress progress = *engine.progress(id);
  EXPECT_EQ(progress.rounds, 2U);

  Engine next{{.grace = milliseconds{0}}};
  const auto again = next.add_ue().value();
  const std::vector<TargetId> targets{again};
  ASSERT_TRUE(next.add(all, targets, at(3), sink, progress));
  const auto value = [&](double ms, double s) {
    next.feed({.target = again, .value = ms, .taken_at = at(s)}, at(s), sink);
  };
  value(60, 3.5);
  value(40, 4.5);
  next.advance(at(5), sink);
  EXPECT_TRUE(take().empty());
  value(50, 5.5);
  next.advance(at(6), sink);
  const auto reports = take();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].number, 3U);
  EXPECT_EQ(reports[0].termination, Termination::count);
}

TEST_F(monitor_restart, a_side_that_changes_without_a_report_is_told_of) {
  const auto a = ue();
  const auto id = add(by_threshold(50, Direction::ascending), {a});
  delay(a, 60, 0.5);
  until(1);
  EXPECT_TRUE(sink.changed.empty());
  delay(a, 10, 1.5);
  EXPECT_TRUE(until(2).empty());
  EXPECT_EQ(sink.changed, std::vector{id});
}

TEST_F(monitor_restart, an_end_that_passed_meanwhile_is_told_soon_after) {
  Rule past = rule(Mode::on_event);
  past.until = at(5);
  add(past, {ue()}, 100);
  const auto reports = until(101);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].termination, Termination::time);
}

TEST_F(monitor_restart, the_window_of_the_restart_tells_from_when_on_it_measured) {
  const auto a = ue();
  add(rule(Mode::on_event, seconds{10}), {a}, 14);
  delay(a, 3, 15);
  const auto reports = until(20);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].from, at(14));
  EXPECT_EQ(reports[0].to, at(20));
}

// Bounds -------------------------------------------------------------------------------------

TEST_F(monitor_bounds, a_rule_that_cannot_be_followed_is_refused_with_its_member) {
  const auto fault = [](auto change) {
    Rule bad{.measures = {Measure::dl_delay}, .start = origin};
    change(bad);
    const auto checked = check(bad);
    return checked ? "" : checked.error().faults.front().where;
  };
  const Threshold one{Measure::dl_delay, 1, Direction::ascending};
  EXPECT_EQ(fault([](Rule&) {}), "");
  EXPECT_EQ(fault([](Rule& r) { r.measures.clear(); }), "measures");
  EXPECT_EQ(fault([](Rule& r) { r.window = Duration{999}; }), "window");
  EXPECT_EQ(fault([](Rule& r) { r.window = hours{2}; }), "window");
  EXPECT_EQ(fault([](Rule& r) { r.start = Instant::max(); }), "start");
  EXPECT_EQ(fault([](Rule& r) { r.end = r.start; }), "end");
  EXPECT_EQ(fault([](Rule& r) { r.mode = Mode::periodic; }), "reporting_period");
  EXPECT_EQ(fault([&](Rule& r) {
              r.mode = Mode::one_time;
              r.thresholds = {one};
            }),
            "thresholds");
  EXPECT_EQ(fault([&](Rule& r) { r.thresholds.assign(thresholds_max + 1, one); }), "thresholds");
  EXPECT_EQ(fault([](Rule& r) { r.thresholds = {{Measure::loss_rate, 1, Direction::ascending}}; }),
            "thresholds/0");
  EXPECT_EQ(fault([](Rule& r) {
              r.thresholds = {{Measure::dl_delay, std::nan(""), Direction::ascending}};
            }),
            "thresholds/0");
  EXPECT_EQ(fault([&](Rule& r) { r.until_thresholds = {one, one}; }), "until_thresholds");
  EXPECT_EQ(fault([](Rule& r) { r.reports_max = 0; }), "reports_max");
  EXPECT_EQ(fault([](Rule& r) { r.until = Instant::min(); }), "until");
}

TEST_F(monitor_bounds, targets_must_be_known_of_one_kind_and_there_once) {
  const auto a = ue();
  const auto b = ue();
  const auto stream = engine.add_stream(a, b).value();
  const auto refused = [&](std::vector<TargetId> targets) {
    const auto made = engine.add(rule(Mode::on_event), targets, at(0), sink);
    return made ? Errc::internal : made.error().code;
  };
  EXPECT_EQ(refused({a, a}), Errc::duplicate);
  EXPECT_EQ(refused({a, stream}), Errc::not_allowed);
  EXPECT_EQ(refused({TargetId{77, 1}}), Errc::not_found);
  EXPECT_FALSE(engine.add_stream(a, stream));
  EXPECT_FALSE(engine.remove_target(a));  // the stream needs it
  EXPECT_TRUE(engine.remove_target(stream));
  EXPECT_TRUE(engine.remove_target(a));
  EXPECT_EQ(engine.subscriptions(), 0U);
}

class monitor_small_bounds : public EngineTest {
 protected:
  monitor_small_bounds()
      : EngineTest({.grace = milliseconds{0},
                    .subscriptions_max = 2,
                    .targets_max = 3,
                    .targets_per_subscription_max = 2,
                    .closings_per_second_max = 10}) {}
};

TEST_F(monitor_small_bounds, too_many_is_refused_and_fits_again_when_something_went) {
  const auto a = ue();
  const auto b = ue();
  const auto c = ue();
  EXPECT_EQ(engine.add_ue().error().code, Errc::too_many);
  const auto code = [&](Duration window, std::vector<TargetId> targets) {
    const auto made = engine.add(rule(Mode::on_event, window), targets, at(0), sink);
    return made ? Errc::internal : made.error().code;
  };
  EXPECT_EQ(code(seconds{1}, {a, b, c}), Errc::too_many);
  EXPECT_EQ(code(milliseconds{99}, {a}), Errc::too_many);
  const auto first = add(rule(Mode::on_event, milliseconds{100}), {a});
  EXPECT_EQ(code(seconds{1}, {b}), Errc::too_many);
  EXPECT_TRUE(engine.remove(first));
  add(rule(Mode::on_event), {a});
  add(rule(Mode::on_event), {b});
  EXPECT_EQ(code(seconds{1}, {c}), Errc::too_many);
}

}  // namespace
}  // namespace lobo::seal_nrm::monitor
