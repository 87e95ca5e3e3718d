// Windows, periods and thresholds of the monitoring engine, one rule a test.

#include "services/seal_nrm/monitor_engine.hpp"

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

}  // namespace
}  // namespace lobo::seal_nrm::monitor
