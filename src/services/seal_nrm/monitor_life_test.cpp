// How subscriptions of the monitoring engine begin, change and end: one rule a test.

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "services/seal_nrm/monitor_engine.hpp"
#include "services/seal_nrm/monitor_engine_test_support.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"

namespace lobo::seal_nrm::monitor {
namespace {

using monitor_termination = EngineTest;
using monitor_update = EngineTest;
using monitor_immediate = EngineTest;
using monitor_one_time = EngineTest;

// Termination --------------------------------------------------------------------------------

TEST_F(monitor_termination, by_count_the_last_report_carries_data_and_cause) {
  const auto a = ue();
  Rule two = rule(Mode::on_event);
  two.reports_max = 2;
  const auto id = add(two, {a});
  delay(a, 1, 0.5);
  delay(a, 2, 1.5);
  delay(a, 3, 2.5);
  const auto reports = until(10);
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_FALSE(reports[0].termination);
  EXPECT_EQ(reports[1].termination, Termination::count);
  EXPECT_EQ(reports[1].find(Measure::dl_delay)->average, 2);
  EXPECT_FALSE(engine.contains(id));
  EXPECT_FALSE(engine.next_deadline());
}

TEST_F(monitor_termination, by_count_what_is_told_of_several_targets_at_once_is_one_report) {
  const auto a = ue();
  const auto b = ue();
  Rule two = rule(Mode::on_event);
  two.reports_max = 2;
  add(two, {a, b});
  for (int s = 0; s < 3; ++s) {
    delay(a, 1, s + 0.3);
    delay(b, 2, s + 0.6);
  }
  const auto reports = until(10);
  ASSERT_EQ(reports.size(), 4U);
  EXPECT_EQ(reports[1].number, 1U);
  EXPECT_EQ(reports[2].number, 2U);
  EXPECT_FALSE(reports[2].termination);
  EXPECT_EQ(reports[3].termination, Termination::count);
}

TEST_F(monitor_termination, by_count_a_report_without_any_value_does_not_count) {
  const auto a = ue();
  Rule one = rule(Mode::periodic);
  one.reporting_period = seconds{1};
  one.reports_max = 1;
  const auto id = add(one, {a});
  for (int s = 1; s < 5; ++s) EXPECT_EQ(until(s).size(), 1U);
  EXPECT_TRUE(engine.contains(id));
  delay(a, 1, 5);
  EXPECT_EQ(until(6).back().termination, Termination::count);
}

TEST_F(monitor_termination, by_time_the_open_window_is_cut_and_told) {
  const auto a = ue();
  Rule until_then = rule(Mode::on_event, seconds{10});
  until_then.until = at(4);
  until_then.thresholds = {{Measure::dl_delay, 100, Direction::ascending}};
  const auto id = add(until_then, {a});
  delay(a, 1, 3);
  const auto reports = until(4);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].cause, Cause::final);
  EXPECT_EQ(reports[0].termination, Termination::time);
  EXPECT_EQ(reports[0].to, at(4));
  EXPECT_EQ(reports[0].find(Measure::dl_delay)->average, 1);
  EXPECT_FALSE(engine.contains(id));
}

TEST_F(monitor_termination, by_time_without_anything_measured_the_end_is_told_all_the_same) {
  const auto a = ue();
  Rule until_then = by_threshold(1, Direction::ascending);
  until_then.until = at(4);
  add(until_then, {a});
  EXPECT_EQ(engine.next_deadline(), at(4));
  const auto reports = until(4);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_TRUE(reports[0].present.empty());
  EXPECT_EQ(reports[0].termination, Termination::time);
}

TEST_F(monitor_termination, by_any_threshold_the_first_that_is_reached_ends) {
  const auto a = ue();
  Rule any = rule(Mode::periodic);
  any.reporting_period = seconds{100};
  any.measures.add(Measure::loss_rate);
  any.until_thresholds = {{Measure::dl_delay, 50, Direction::ascending},
                          {Measure::loss_rate, 10, Direction::ascending}};
  add(any, {a});
  delay(a, 49, 0.5);
  EXPECT_TRUE(until(1).empty());
  feed(a, Measure::loss_rate, 10, 1.5);
  const auto reports = until(2);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].cause, Cause::final);
  EXPECT_EQ(reports[0].termination, Termination::threshold);
  EXPECT_EQ(reports[0].find(Measure::loss_rate)->average, 10);
}

TEST_F(monitor_termination, by_all_thresholds_the_last_known_values_must_stand_together) {
  const auto a = ue();
  Rule all = rule(Mode::periodic);
  all.reporting_period = seconds{100};
  all.measures.add(Measure::loss_rate);
  all.until_all = true;
  all.until_thresholds = {{Measure::dl_delay, 50, Direction::ascending},
                          {Measure::loss_rate, 10, Direction::descending}};
  add(all, {a});
  delay(a, 60, 0.5);
  delay(a, 40, 1.5);
  feed(a, Measure::loss_rate, 5, 2.5);
  EXPECT_TRUE(until(3).empty());  // the delay has fallen again
  delay(a, 50, 3.5);
  EXPECT_EQ(until(4).size(), 1U);  // the loss rate still stands
}

TEST_F(monitor_termination, the_target_that_reached_the_threshold_is_told_last) {
  const auto a = ue();
  const auto b = ue();
  const auto c = ue();
  Rule any = rule(Mode::on_event);
  any.until_thresholds = {{Measure::dl_delay, 50, Direction::ascending}};
  add(any, {a, b, c});
  delay(a, 1, 0.5);
  delay(b, 60, 0.5);
  delay(c, 2, 0.5);
  const auto reports = until(1);
  ASSERT_EQ(reports.size(), 3U);
  EXPECT_EQ(reports[2].target, b);
  EXPECT_EQ(reports[2].termination, Termination::threshold);
  EXPECT_FALSE(reports[0].termination || reports[1].termination);
}

TEST_F(monitor_termination, the_end_of_the_measurement_period_alone_ends_nothing) {
  const auto a = ue();
  Rule short_one = rule(Mode::on_event, seconds{10});
  short_one.end = at(4);
  const auto id = add(short_one, {a});
  delay(a, 1, 3);
  const auto reports = until(4);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].to, at(4));
  EXPECT_FALSE(reports[0].termination);
  EXPECT_TRUE(engine.contains(id));
  EXPECT_TRUE(engine.over(id));
  EXPECT_FALSE(engine.next_deadline());
  EXPECT_EQ(delay(a, 1, 5), SampleFate::unwanted);
}

TEST_F(monitor_termination, by_time_after_the_measurement_period_is_told_when_it_comes) {
  const auto a = ue();
  Rule short_one = rule(Mode::periodic);
  short_one.reporting_period = seconds{2};
  short_one.end = at(4);
  short_one.until = at(9);
  const auto id = add(short_one, {a});
  EXPECT_EQ(until(4).size(), 2U);
  EXPECT_TRUE(engine.over(id));
  EXPECT_EQ(engine.next_deadline(), at(9));
  EXPECT_TRUE(until(8.9).empty());
  const auto reports = until(9);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].cause, Cause::final);
  EXPECT_EQ(reports[0].termination, Termination::time);
  EXPECT_EQ(reports[0].target, TargetId{});
  EXPECT_FALSE(engine.contains(id));
  EXPECT_TRUE(engine.remove_target(a));
}

TEST_F(monitor_termination, by_time_before_the_measurement_period_does_not_wait_for_it) {
  const auto a = ue();
  Rule tomorrow = rule(Mode::on_event);
  tomorrow.start = at(1000);
  tomorrow.end = at(2000);
  tomorrow.until = at(5);
  tomorrow.reports_max = 1;
  const auto id = add(tomorrow, {a});
  EXPECT_TRUE(until(4.9).empty());
  const auto reports = until(5);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].termination, Termination::time);
  EXPECT_FALSE(engine.contains(id));
}

TEST_F(monitor_termination, explicitly_before_and_after_the_period_has_its_own_cause) {
  for (const double start : {1000.0, 0.0}) {
    Rule timed = rule(Mode::on_event);
    timed.start = at(start);
    timed.end = at(start + 1);
    timed.until = at(start == 0 ? 500 : 50);
    const auto id = add(timed, {ue()}, 2);
    engine.advance(at(4), sink);
    take();
    EXPECT_TRUE(engine.terminate(id, Termination::explicitly, at(4), sink));
    const auto reports = take();
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports[0].termination, Termination::explicitly);
  }
}

TEST_F(monitor_termination, explicitly_what_was_measured_since_is_told_at_once) {
  const auto a = ue();
  Rule each = rule(Mode::periodic);
  each.reporting_period = seconds{10};
  const auto id = add(each, {a});
  delay(a, 1, 0.5);
  delay(a, 3, 1.5);
  EXPECT_TRUE(engine.terminate(id, Termination::explicitly, at(1.6), sink));
  const auto reports = take();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].cause, Cause::final);
  EXPECT_EQ(reports[0].termination, Termination::explicitly);
  EXPECT_EQ(reports[0].find(Measure::dl_delay)->average, 2);
  EXPECT_EQ(reports[0].to, at(1.6));
  EXPECT_FALSE(engine.terminate(id, Termination::explicitly, at(1.6), sink));
}

TEST_F(monitor_termination, a_subscription_whose_targets_are_all_gone_still_ends_in_time) {
  Rule until_then = rule(Mode::on_event);
  until_then.until = at(4);
  add(until_then, {});
  const auto reports = until(4);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].target, TargetId{});
  EXPECT_EQ(reports[0].termination, Termination::time);
}

TEST_F(monitor_termination, what_has_ended_frees_its_targets) {
  const auto a = ue();
  Rule one = rule(Mode::on_event);
  one.reports_max = 1;
  add(one, {a});
  EXPECT_FALSE(engine.remove_target(a));
  delay(a, 1, 0.5);
  until(1);
  EXPECT_TRUE(engine.remove_target(a));
  EXPECT_EQ(delay(a, 1, 2), SampleFate::unknown_target);
  EXPECT_NE(ue(), a);
}

// One time and immediate ---------------------------------------------------------------------

TEST_F(monitor_one_time, one_report_over_the_whole_period_and_it_is_gone) {
  const auto a = ue();
  Rule once = rule(Mode::one_time);
  once.end = at(5);
  add(once, {a});
  for (int s = 0; s < 5; ++s) delay(a, s, s + 0.5);
  const auto reports = until(5);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].cause, Cause::one_time);
  EXPECT_EQ(reports[0].termination, Termination::one_time);
  EXPECT_EQ(reports[0].windows, 5U);
  EXPECT_EQ(reports[0].find(Measure::dl_delay)->average, 2);
}

TEST_F(monitor_one_time, without_an_end_the_first_window_is_told_even_if_empty) {
  add(rule(Mode::one_time), {ue()});
  const auto reports = until(1);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_TRUE(reports[0].present.empty());
  EXPECT_EQ(reports[0].termination, Termination::one_time);
}

TEST_F(monitor_immediate, the_first_sample_of_each_target_is_told_at_once) {
  const auto a = ue();
  const auto b = ue();
  Rule now = by_threshold(100, Direction::ascending);
  now.immediate = true;
  add(now, {a, b});
  EXPECT_TRUE(take().empty());
  delay(a, 7, 0.25);
  auto reports = take();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].cause, Cause::immediate);
  EXPECT_EQ(reports[0].find(Measure::dl_delay)->average, 7);
  delay(a, 8, 0.5);
  EXPECT_TRUE(take().empty());
  delay(b, 9, 0.5);
  reports = take();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].target, b);
}

TEST_F(monitor_immediate, what_others_measure_already_is_told_inside_the_call) {
  const auto a = ue();
  add(rule(Mode::on_event, seconds{10}), {a});
  delay(a, 7, 0.5);
  Rule now = rule(Mode::on_event, seconds{10});
  now.immediate = true;
  add(now, {a}, 1);
  const auto reports = take();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].cause, Cause::immediate);
  EXPECT_EQ(reports[0].from, at(0.5));
}

TEST_F(monitor_immediate, a_value_older_than_a_window_is_not_told_as_if_it_were_new) {
  const auto a = ue();
  add(rule(Mode::on_event), {a});
  delay(a, 7, 0.5);
  Rule now = rule(Mode::on_event);
  now.immediate = true;
  until(3);
  take();
  add(now, {a}, 3);
  EXPECT_TRUE(take().empty());
}

TEST_F(monitor_immediate, it_may_be_the_report_that_ends_the_subscription) {
  const auto a = ue();
  Rule now = rule(Mode::on_event);
  now.immediate = true;
  now.reports_max = 1;
  const auto id = add(now, {a});
  EXPECT_EQ(delay(a, 7, 0.25), SampleFate::taken);
  EXPECT_EQ(take().front().termination, Termination::count);
  EXPECT_FALSE(engine.contains(id));
}

// Update -------------------------------------------------------------------------------------

TEST_F(monitor_update, reports_that_were_told_still_count) {
  const auto a = ue();
  Rule five = rule(Mode::on_event);
  five.reports_max = 5;
  const auto id = add(five, {a});
  delay(a, 1, 0.5);
  delay(a, 1, 1.5);
  Rule three = five;
  three.reports_max = 3;
  const std::vector<TargetId> targets{a};
  ASSERT_TRUE(engine.update(id, three, targets, at(2), sink));
  take();
  delay(a, 1, 2.5);
  const auto reports = until(3);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].number, 3U);
  EXPECT_EQ(reports[0].termination, Termination::count);
}

TEST_F(monitor_update, fewer_reports_than_were_told_end_it) {
  const auto a = ue();
  const auto id = add(rule(Mode::on_event), {a});
  delay(a, 1, 0.5);
  delay(a, 1, 1.5);
  Rule two = rule(Mode::on_event);
  two.reports_max = 2;
  until(2);
  take();
  const std::vector<TargetId> targets{a};
  ASSERT_TRUE(engine.update(id, two, targets, at(2.5), sink));
  EXPECT_EQ(take().back().termination, Termination::count);
  EXPECT_FALSE(engine.contains(id));
}

TEST_F(monitor_update, the_side_of_a_threshold_that_stays_is_kept) {
  const auto a = ue();
  const auto id = add(by_threshold(50, Direction::ascending), {a});
  delay(a, 60, 0.5);
  EXPECT_EQ(until(1).size(), 1U);
  Rule more = by_threshold(20, Direction::descending);
  more.thresholds.push_back({Measure::dl_delay, 50, Direction::ascending});
  const std::vector<TargetId> targets{a};
  ASSERT_TRUE(engine.update(id, more, targets, at(1), sink));
  delay(a, 60, 1.5);
  EXPECT_TRUE(until(2).empty());
}

TEST_F(monitor_update, the_open_window_goes_on_where_start_and_window_stay) {
  const auto a = ue();
  const auto b = ue();
  const auto id = add(rule(Mode::on_event), {a});
  delay(a, 10, 0.2);
  Rule more = rule(Mode::on_event);
  more.measures.add(Measure::loss_rate);
  const std::vector<TargetId> targets{b, a};
  ASSERT_TRUE(engine.update(id, more, targets, at(0.5), sink));
  delay(a, 20, 0.6);
  const auto reports = until(1);
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[1].target, a);
  EXPECT_EQ(reports[1].target_at, 1U);
  EXPECT_EQ(reports[1].find(Measure::dl_delay)->samples, 2U);
  EXPECT_EQ(reports[0].from, at(0.5));  // the new one was not measured before
}

TEST_F(monitor_update, another_window_begins_anew) {
  const auto a = ue();
  const auto id = add(rule(Mode::on_event), {a});
  delay(a, 10, 0.2);
  const std::vector<TargetId> targets{a};
  ASSERT_TRUE(engine.update(id, rule(Mode::on_event, seconds{2}), targets, at(0.5), sink));
  delay(a, 20, 0.6);
  const auto reports = until(2);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].from, at(0.5));
  EXPECT_EQ(reports[0].find(Measure::dl_delay)->average, 20);
}

TEST_F(monitor_update, a_period_that_was_over_goes_on_when_it_is_extended) {
  const auto a = ue();
  Rule short_one = rule(Mode::on_event);
  short_one.end = at(2);
  const auto id = add(short_one, {a});
  until(5);
  ASSERT_TRUE(engine.over(id));
  short_one.end = at(20);
  const std::vector<TargetId> targets{a};
  ASSERT_TRUE(engine.update(id, short_one, targets, at(5), sink));
  EXPECT_FALSE(engine.over(id));
  take();
  delay(a, 3, 5.5);
  EXPECT_EQ(until(6).front().find(Measure::dl_delay)->average, 3);
}

TEST_F(monitor_update, a_group_that_empties_and_fills_again_goes_on) {
  const auto a = ue();
  const auto id = add(rule(Mode::on_event), {a});
  ASSERT_TRUE(engine.update(id, rule(Mode::on_event), {}, at(0.5), sink));
  EXPECT_TRUE(engine.remove_target(a));
  EXPECT_TRUE(until(5).empty());
  const auto b = ue();
  const std::vector<TargetId> targets{b};
  ASSERT_TRUE(engine.update(id, rule(Mode::on_event), targets, at(5), sink));
  delay(b, 3, 5.5);
  EXPECT_EQ(until(6).front().target, b);
}

}  // namespace
}  // namespace lobo::seal_nrm::monitor
