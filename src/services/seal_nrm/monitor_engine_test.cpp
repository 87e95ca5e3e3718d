// Windows, periods and thresholds of the monitoring engine, one rule a test.

#include "services/seal_nrm/monitor_engine.hpp"

#include <chrono>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "services/seal_nrm/monitor_engine_test_support.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"

namespace lobo::seal_nrm::monitor {
namespace {

using monitor_windows = EngineTest;
using monitor_periods = EngineTest;
using monitor_thresholds = EngineTest;

TEST_F(monitor_windows, a_sample_belongs_to_the_window_that_begins_with_or_before_it) {
  const auto a = ue();
  add(rule(Mode::on_event), {a});
  delay(a, 10, 0);
  delay(a, 30, 0.999999);
  delay(a, 50, 1);
  const auto reports = until(2);
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].from, at(0));
  EXPECT_EQ(reports[0].to, at(1));
  EXPECT_EQ(reports[0].cause, Cause::window);
  EXPECT_EQ(reports[0].find(Measure::dl_delay)->average, 20);
  EXPECT_EQ(reports[0].find(Measure::dl_delay)->minimum, 10);
  EXPECT_EQ(reports[0].find(Measure::dl_delay)->maximum, 30);
  EXPECT_EQ(reports[0].find(Measure::dl_delay)->samples, 2U);
  EXPECT_EQ(reports[1].find(Measure::dl_delay)->average, 50);
  EXPECT_EQ(reports[1].number, 2U);
}

TEST_F(monitor_windows, a_window_closes_at_its_end_and_the_deadline_says_so) {
  const auto a = ue();
  add(rule(Mode::on_event), {a});
  delay(a, 10, 0.5);
  EXPECT_EQ(engine.next_deadline(), at(1));
  EXPECT_TRUE(until(0.999999).empty());
  EXPECT_EQ(until(1).size(), 1U);
}

TEST_F(monitor_windows,
       windows_are_counted_from_the_start_of_the_period_not_from_the_subscription) {
  const auto a = ue();
  add(rule(Mode::on_event), {a}, 10.4);
  delay(a, 10, 10.5);
  const auto reports = until(11);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].from, at(10.4));  // measured from here on
  EXPECT_EQ(reports[0].to, at(11));
}

TEST_F(monitor_windows, a_window_without_samples_is_told_once_and_counted_in_the_next_report) {
  const auto a = ue();
  add(rule(Mode::on_event), {a});
  EXPECT_EQ(until(1).size(), 1U);
  for (int s = 2; s < 100; ++s) EXPECT_TRUE(until(s).empty()) << s;
  EXPECT_FALSE(engine.next_deadline());
  delay(a, 10, 100.5);
  const auto reports = until(101);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].windows, 1U);
  EXPECT_EQ(reports[0].windows_empty, 99U);
  EXPECT_EQ(reports[0].number, 1U);  // the empty one did not count
}

TEST_F(monitor_periods, a_report_comes_each_period_with_or_without_data) {
  const auto a = ue();
  Rule each = rule(Mode::periodic);
  each.reporting_period = seconds{10};
  add(each, {a});
  for (int s = 0; s < 7; ++s) delay(a, s, s + 0.5);
  const auto first = until(10);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].cause, Cause::period);
  EXPECT_EQ(first[0].from, at(0));
  EXPECT_EQ(first[0].to, at(10));
  EXPECT_EQ(first[0].windows, 7U);
  EXPECT_EQ(first[0].windows_empty, 3U);
  EXPECT_EQ(first[0].find(Measure::dl_delay)->average, 3);
  EXPECT_EQ(first[0].find(Measure::dl_delay)->maximum, 6);
  const auto second = until(20);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_TRUE(second[0].present.empty());
  EXPECT_EQ(second[0].windows_empty, 10U);
}

TEST_F(monitor_thresholds, ascending_is_told_at_the_threshold_once_until_it_was_below_again) {
  const auto a = ue();
  add(by_threshold(50, Direction::ascending), {a});
  const double values[] = {10, 50, 60, 50, 49, 50};
  for (int s = 0; s < 6; ++s) delay(a, values[s], s + 0.5);
  const auto reports = until(6);
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].from, at(1));
  EXPECT_EQ(reports[0].cause, Cause::threshold);
  EXPECT_EQ(reports[0].ascended, 1U);
  EXPECT_EQ(reports[0].descended, 0U);
  EXPECT_EQ(reports[1].from, at(5));
}

TEST_F(monitor_thresholds, descending_is_told_at_the_threshold_coming_from_above) {
  const auto a = ue();
  add(by_threshold(50, Direction::descending), {a});
  const double values[] = {60, 50, 40, 51, 50};
  for (int s = 0; s < 5; ++s) delay(a, values[s], s + 0.5);
  const auto reports = until(5);
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].from, at(1));
  EXPECT_EQ(reports[0].descended, 1U);
  EXPECT_EQ(reports[1].from, at(4));
}

TEST_F(monitor_thresholds, crossed_is_told_both_ways_and_staying_at_it_is_no_crossing) {
  const auto a = ue();
  add(by_threshold(50, Direction::crossed), {a});
  const double values[] = {60, 50, 60, 50, 40, 50, 50, 51};
  for (int s = 0; s < 8; ++s) delay(a, values[s], s + 0.5);
  const auto reports = until(8);
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].from, at(4));
  EXPECT_EQ(reports[0].descended, 1U);
  EXPECT_EQ(reports[1].from, at(7));
  EXPECT_EQ(reports[1].ascended, 1U);
}

TEST_F(monitor_thresholds, a_first_value_beyond_an_ascending_threshold_is_told) {
  const auto a = ue();
  Rule all = by_threshold(50, Direction::ascending);
  all.thresholds.push_back({Measure::dl_delay, 50, Direction::descending});
  all.thresholds.push_back({Measure::dl_delay, 50, Direction::crossed});
  add(all, {a});
  delay(a, 70, 0.5);
  const auto reports = until(1);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].ascended, 1U);
  EXPECT_EQ(reports[0].descended, 0U);
}

TEST_F(monitor_thresholds, windows_without_data_leave_the_side_as_it_was) {
  const auto a = ue();
  add(by_threshold(50, Direction::ascending), {a});
  delay(a, 70, 0.5);
  EXPECT_EQ(until(1).size(), 1U);
  EXPECT_TRUE(until(50).empty());
  delay(a, 70, 50.5);
  EXPECT_TRUE(until(51).empty());
}

TEST_F(monitor_thresholds, the_example_of_the_document_is_true) {
  Instant begin_at = origin;
  const auto told_in = [&](Direction direction) {
    const auto a = ue();
    const double begin = std::chrono::duration<double>(begin_at - origin).count();
    Rule one = by_threshold(50, direction);
    one.start = begin_at;
    add(one, {a}, begin);
    const std::optional<double> values[] = {40, 50, 60, 50, std::nullopt, 30, 50, 70};
    for (int w = 0; w < 8; ++w)
      if (values[w]) delay(a, *values[w], begin + w + 0.5);
    std::vector<int> windows;
    for (const Report& report : until(begin + 8))
      windows.push_back(static_cast<int>((report.to - begin_at) / seconds{1}));
    begin_at += seconds{8};
    return windows;
  };
  EXPECT_EQ(told_in(Direction::ascending), (std::vector{2, 7}));
  EXPECT_EQ(told_in(Direction::descending), (std::vector{1, 4}));
  EXPECT_EQ(told_in(Direction::crossed), (std::vector{3, 6, 8}));
}

TEST_F(monitor_thresholds, each_target_has_its_own_sides) {
  const auto a = ue();
  const auto b = ue();
  add(by_threshold(50, Direction::ascending), {a, b});
  delay(a, 70, 0.5);
  delay(b, 10, 0.5);
  EXPECT_EQ(until(1).size(), 1U);
  delay(a, 70, 1.5);
  delay(b, 70, 1.5);
  const auto reports = until(2);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].target, b);
  EXPECT_EQ(reports[0].target_at, 1U);
}

TEST_F(monitor_periods, a_period_shorter_than_the_window_makes_the_window_as_short) {
  const auto a = ue();
  Rule each = rule(Mode::periodic, seconds{60});
  each.reporting_period = seconds{2};
  add(each, {a});
  delay(a, 1, 1);
  delay(a, 5, 3);
  const auto reports = until(4);
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[1].from, at(2));
  EXPECT_EQ(reports[1].find(Measure::dl_delay)->average, 5);
}

TEST_F(monitor_periods, a_period_that_is_no_multiple_of_the_window_covers_the_windows_that_ended) {
  const auto a = ue();
  Rule each = rule(Mode::periodic, seconds{2});
  each.reporting_period = seconds{3};
  add(each, {a});
  for (int s = 0; s < 6; ++s) delay(a, s, s + 0.5);
  const auto reports = until(6);
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].windows, 1U);  // [0, 2)
  EXPECT_EQ(reports[0].find(Measure::dl_delay)->average, 0.5);
  EXPECT_EQ(reports[1].windows, 2U);  // [2, 6)
  EXPECT_EQ(reports[1].find(Measure::dl_delay)->average, 3.5);
}

class monitor_grace : public EngineTest {
 protected:
  monitor_grace() : EngineTest({.grace = milliseconds{500}}) {}
};

TEST_F(monitor_grace, a_sample_may_come_until_grace_after_the_end_of_its_window) {
  const auto a = ue();
  add(rule(Mode::on_event), {a});
  const auto late = [&](double taken, double fed) {
    return engine.feed({.target = a, .value = taken, .taken_at = at(taken)}, at(fed), sink);
  };
  EXPECT_EQ(late(0.9, 1.499999), SampleFate::taken);
  EXPECT_EQ(late(1.2, 1.499999), SampleFate::taken);
  EXPECT_EQ(engine.next_deadline(), at(1.5));
  EXPECT_EQ(late(0.8, 1.5), SampleFate::late);
  const auto reports = take();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].to, at(1));
  EXPECT_EQ(reports[0].find(Measure::dl_delay)->samples, 1U);
}

TEST_F(monitor_grace, a_crossing_is_told_within_two_windows_however_long_grace_is) {
  const auto a = ue();
  Rule fast = by_threshold(50, Direction::ascending);
  fast.window = milliseconds{100};
  add(fast, {a});
  delay(a, 70, 0.0);
  EXPECT_EQ(engine.next_deadline(), at(0.2));
  EXPECT_EQ(until(0.2).size(), 1U);
}

}  // namespace
}  // namespace lobo::seal_nrm::monitor
