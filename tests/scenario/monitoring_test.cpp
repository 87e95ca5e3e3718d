// QoS monitoring through the whole server on virtual time: applications, the simulated core and its
// measurements, reports, crashes.

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/ss_nrm.hpp"
#include "model/date_time.hpp"
#include "monitoring_world.hpp"
#include "services/seal_nrm/series.hpp"
#include "support/system.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;

TEST_F(Monitoring, periodic_reports_come_in_order_and_show_what_the_network_does) {
  const auto id = create(body(every_second));
  system.loop.run_for(11s);
  auto told = reports();
  ASSERT_GE(told.size(), 4U);
  for (std::size_t i = 0; i < told.size(); ++i) {
    EXPECT_EQ(told[i].seq, static_cast<std::int64_t>(i + 1));
    EXPECT_EQ(told[i].subscription_id, id);
    EXPECT_EQ(told[i].val_ue_ids->front().val_ue_id, "ue1");
  }
  ASSERT_TRUE(told.back().meas_data);
  EXPECT_LT(*told.back().meas_data->dl_delay, 20);
  degrade("ue1", R"({"delayMs":80})");
  system.loop.run_for(8s);
  told = reports();
  EXPECT_GT(*told.back().meas_data->dl_delay, 80);
  const auto now = shown(id);
  EXPECT_EQ(state_of(now, 0), "flowing");
  EXPECT_TRUE(now.mon_state->measures[0].simulated.value_or(false));
}

TEST_F(Monitoring, all_kinds_of_measurements_arrive_from_their_sources) {
  create(body(R"("measReqs":{"measDataTypes":["DL_DELAY","UL_DELAY","RT_DELAY","AVG_PLR",)"
              R"("AVG_DATA_RATE","MAX_DATA_RATE","AVG_DL_TRAFFIC_VOLUME",)"
              R"("AVG_UL_TRAFFIC_VOLUME"],"measAggrGranWnd":2000},)"
              R"("reportReqs":{"reportingMode":"PERIODIC","reportingPeriod":4})"));
  degrade("ue1", R"({"lossPercent":1.5})");
  system.loop.run_for(30s);
  const auto told = reports();
  ASSERT_FALSE(told.empty());
  const auto& last = told.back();
  ASSERT_TRUE(last.meas_data) << json::write(last);
  EXPECT_TRUE(last.meas_data->dl_delay);
  EXPECT_TRUE(last.meas_data->ul_delay);
  EXPECT_TRUE(last.meas_data->rt_delay);
  EXPECT_EQ(last.meas_data->avg_plr, 15);
  EXPECT_TRUE(last.meas_data->avg_data_rate);
  EXPECT_TRUE(last.meas_data->max_data_rate);
  // Default traffic is a megabit a second each way: 250,000 octets in two seconds.
  ASSERT_TRUE(last.meas_data->avr_dl_traffic_vol);
  EXPECT_NEAR(static_cast<double>(*last.meas_data->avr_dl_traffic_vol), 250'000, 30'000);
  EXPECT_FALSE(last.failure_rep) << json::write(last);
  EXPECT_EQ(sources(), 4U);
}

TEST_F(Monitoring, a_threshold_is_told_when_it_is_crossed_and_when_it_is_crossed_back) {
  create(body(R"("measReqs":{"measDataTypes":["DL_DELAY"],"measAggrGranWnd":1000},)"
              R"("reportReqs":{"reportingMode":"ON_EVENT_DETECTION","reportingThrs":[)"
              R"({"measThrValues":{"dlDelay":50},"thrDirection":"CROSSED"}]})"));
  system.loop.run_for(20s);
  EXPECT_TRUE(reports().empty());
  degrade("ue1", R"({"delayMs":90})");
  system.loop.run_for(4s);
  auto told = reports();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_GT(*told[0].meas_data->dl_delay, 50);
  system.loop.run_for(20s);
  EXPECT_TRUE(reports().empty());
  degrade("ue1", R"({"delayMs":0})");
  system.loop.run_for(4s);
  told = reports();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_LT(*told[0].meas_data->dl_delay, 50);
}

TEST_F(Monitoring, reports_and_thresholds_go_on_after_the_process_was_killed) {
  const auto id = create(body(R"("measReqs":{"measDataTypes":["DL_DELAY"],"measAggrGranWnd":1000},)"
                              R"("reportReqs":{"reportingMode":"ON_EVENT_DETECTION",)"
                              R"("reportingThrs":[{"measThrValues":{"dlDelay":50},)"
                              R"("thrDirection":"CROSSED"}]})"));
  system.loop.run_for(5s);
  degrade("ue1", R"({"delayMs":90})");
  system.loop.run_for(5s);
  ASSERT_EQ(reports().size(), 1U);
  system.crash_and_restart();
  system.loop.run_for(10s);
  EXPECT_TRUE(reports().empty()) << "what was told before the crash is told again";
  EXPECT_EQ(state_of(shown(id), 0), "flowing");
  degrade("ue1", R"({"delayMs":0})");
  system.loop.run_for(5s);
  const auto told = reports();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].seq, 2);
  EXPECT_GT(told[0].gap_sec.value_or(0), 0);
}

TEST_F(Monitoring, ends_by_count_with_a_cause_and_leaves_nothing_at_the_core) {
  const auto id =
      create(body(R"("measReqs":{"measDataTypes":["DL_DELAY","AVG_PLR"],"measAggrGranWnd":1000},)"
                  R"("reportReqs":{"reportingMode":"PERIODIC","reportingPeriod":1,)"
                  R"("repTerminMode":"EVENT_TRIGGERED_NUM_REPORTS_REACHED","maxNumRep":3})"));
  system.loop.run_for(20s);
  const auto told = reports();
  ASSERT_EQ(told.size(), 3U);
  EXPECT_FALSE(told[1].termination_cause);
  ASSERT_TRUE(told[2].termination_cause);
  EXPECT_EQ(told[2].termination_cause->text, "NUM_REPORTS_REACHED");
  EXPECT_EQ(system.ask("GET", monitors + "/" + id).status, 404);
  system.loop.run_for(10s);
  EXPECT_EQ(sources(), 0U);
  EXPECT_TRUE(system.at_core().empty());
}

TEST_F(Monitoring, ends_by_time_also_when_the_time_passed_while_the_server_was_away) {
  create(body(R"("measReqs":{"measDataTypes":["DL_DELAY"],"measAggrGranWnd":1000},)"
              R"("reportReqs":{"reportingMode":"PERIODIC","reportingPeriod":1,)"
              R"("repTerminMode":"TIME_TRIGGERED","expirationTimer":10})"));
  system.loop.run_for(5s);
  system.crash_and_restart();
  system.loop.run_for(20s);
  const auto told = reports();
  ASSERT_FALSE(told.empty());
  ASSERT_TRUE(told.back().termination_cause) << json::write(told.back());
  EXPECT_EQ(told.back().termination_cause->text, "DURATION_EXPIRED");
  system.loop.run_for(10s);
  EXPECT_EQ(sources(), 0U);
}

TEST_F(Monitoring, ends_by_time_also_after_its_measurement_period_and_leaves_nothing) {
  const auto start = model::format_date_time(system.loop.now());
  const auto measured = R"("measReqs":{"measDataTypes":["DL_DELAY"],"measAggrGranWnd":1000,)"
                        R"("measPeriod":{"measStartTime":")" +
                        start + R"(","measDuration":4}},)";
  create(body(measured + R"("reportReqs":{"reportingMode":"PERIODIC","reportingPeriod":2,)"
                         R"("repTerminMode":"TIME_TRIGGERED","expirationTimer":9})"));
  const auto proposed = create(body(measured + R"("perUeRep":true)"));
  EXPECT_EQ(shown(proposed).report_reqs->expiration_timer, 4);
  system.loop.run_for(7s);
  EXPECT_EQ(system.ask("GET", monitors + "/" + proposed).status, 404);
  EXPECT_EQ(sources(), 1U);
  reports();
  system.loop.run_for(20s);
  const auto told = reports();
  ASSERT_EQ(told.size(), 1U);
  ASSERT_TRUE(told[0].termination_cause);
  EXPECT_EQ(told[0].termination_cause->text, "DURATION_EXPIRED");
  EXPECT_EQ(sources(), 0U);
  EXPECT_TRUE(system.at_core().empty());
}

TEST_F(Monitoring, that_says_nothing_of_how_long_is_over_after_five_minutes) {
  const auto id = create(body(R"("measReqs":{"measDataTypes":["DL_DELAY"]})"));
  system.loop.run_for(299s);
  EXPECT_EQ(system.ask("GET", monitors + "/" + id).status, 200);
  system.loop.run_for(10s);
  EXPECT_EQ(system.ask("GET", monitors + "/" + id).status, 404);
  const auto told = reports();
  ASSERT_FALSE(told.empty());
  ASSERT_TRUE(told.back().termination_cause) << json::write(told.back());
  EXPECT_EQ(told.back().termination_cause->text, "DURATION_EXPIRED");
  EXPECT_EQ(sources(), 0U);
}

TEST_F(Monitoring, counts_the_reports_of_before_an_update_also_after_the_process_was_killed) {
  const std::string count = R"("repTerminMode":"EVENT_TRIGGERED_NUM_REPORTS_REACHED","maxNumRep":)";
  const auto id = create(body(R"("measReqs":{"measDataTypes":["DL_DELAY"],"measAggrGranWnd":1000},)"
                              R"("reportReqs":{"reportingMode":"PERIODIC","reportingPeriod":1,)" +
                              count + "8}"));
  system.loop.run_for(6500ms);
  ASSERT_GE(reports().size(), 4U);
  ASSERT_EQ(system.ask("PATCH", monitors + "/" + id, R"({"reportReqs":{"maxNumRep":7}})").status,
            200);
  system.crash_and_restart();
  system.loop.run_for(30s);
  const auto told = reports();
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.back().seq, 7);
  ASSERT_TRUE(told.back().termination_cause);
  EXPECT_EQ(told.back().termination_cause->text, "NUM_REPORTS_REACHED");
}

TEST_F(Monitoring, ends_all_the_same_when_its_end_comes_while_the_store_is_full) {
  const auto id = create(body(R"("measReqs":{"measDataTypes":["DL_DELAY"],"measAggrGranWnd":500},)"
                              R"("reportReqs":{"reportingMode":"PERIODIC","reportingPeriod":1,)"
                              R"("repTerminMode":"TIME_TRIGGERED","expirationTimer":100})"));
  system.loop.run_for(5s);
  system.server().store.set_full(true);
  system.loop.run_for(5min);
  system.server().store.set_full(false);
  system.loop.run_for(3min);
  const auto told = reports();
  ASSERT_FALSE(told.empty());
  ASSERT_TRUE(told.back().termination_cause);
  EXPECT_EQ(told.back().seq, std::ssize(told));
  EXPECT_EQ(system.ask("GET", monitors + "/" + id).status, 404);
  EXPECT_EQ(sources(), 0U);
}

TEST_F(Monitoring, sources_are_shared_and_released_with_the_last_that_wants_them) {
  const auto first = create(body(every_second));
  const auto second = create(body(every_second));
  system.loop.run_for(5s);
  EXPECT_EQ(sources(), 1U);
  EXPECT_EQ(system.at_core().size(), 1U);
  EXPECT_EQ(system.ask("DELETE", monitors + "/" + first).status, 204);
  system.loop.run_for(5s);
  EXPECT_EQ(system.at_core().size(), 1U);
  EXPECT_EQ(system.ask("DELETE", monitors + "/" + second).status, 204);
  system.loop.run_for(5s);
  EXPECT_EQ(sources(), 0U);
  EXPECT_TRUE(system.at_core().empty());
  system.loop.run_for(60s);
  EXPECT_EQ(system.watches_at_core(), 0);
}

TEST_F(Monitoring, a_ue_that_moves_to_another_address_is_measured_there) {
  const auto id = create(body(every_second));
  system.loop.run_for(5s);
  EXPECT_EQ(
      system.operate("POST", "/netsim-control/v1/ues/ue1/address", R"({"ipv4Addr":"10.45.7.7"})")
          .status,
      200);
  system.loop.run_for(20s);
  EXPECT_EQ(state_of(shown(id), 0), "flowing");
  EXPECT_EQ(system.at_core().size(), 1U);
}

TEST_F(Monitoring, a_group_is_followed_as_its_members_change) {
  system.set_group("crew", {"ue1", "ue2"});
  const auto id =
      create(body(std::string(every_second) + R"(,"perUeRep":true)", R"("valGroupId":"crew")"));
  system.loop.run_for(8s);
  auto told = reports();
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.back().val_group_id, "crew");
  EXPECT_EQ(told.back().ue_reports->size(), 2U);
  system.set_group("crew", {"ue2", "ue3", "stranger"});
  system.loop.run_for(12s);
  told = reports();
  ASSERT_EQ(told.back().ue_reports->size(), 2U) << json::write(told.back());
  EXPECT_EQ(told.back().ue_reports->at(1).val_ue->val_ue_id, "ue3");
  ASSERT_TRUE(told.back().failure_rep);
  EXPECT_EQ(told.back().failure_rep->front().failure_reason->text, "USER_NOT_FOUND");
  EXPECT_EQ(shown(id).mon_state->unknown, std::vector<std::string>{"stranger"});
  EXPECT_EQ(sources(), 2U);
  system.set_group("crew", {});
  system.loop.run_for(10s);
  EXPECT_EQ(shown(id).mon_state->targets, 0);
  EXPECT_EQ(sources(), 0U);
}

TEST_F(Monitoring, ends_by_time_also_when_its_group_has_become_empty) {
  system.set_group("crew", {"ue1", "ue2"});
  const auto id = create(body(R"("measReqs":{"measDataTypes":["DL_DELAY"],"measAggrGranWnd":2000},)"
                              R"("reportReqs":{"reportingMode":"PERIODIC","reportingPeriod":2,)"
                              R"("repTerminMode":"TIME_TRIGGERED","expirationTimer":24})",
                              R"("valGroupId":"crew")"));
  system.loop.run_for(9s);
  system.set_group("crew", {});
  system.loop.run_for(30s);
  EXPECT_EQ(system.ask("GET", monitors + "/" + id).status, 404);
  const auto told = reports();
  ASSERT_FALSE(told.empty());
  ASSERT_TRUE(told.back().termination_cause);
  EXPECT_EQ(told.back().termination_cause->text, "DURATION_EXPIRED");
}

TEST_F(Monitoring, a_group_that_grows_to_a_hundred_thousand_is_followed_up_to_the_bound) {
  system.set_group("crew", {"ue1"});
  const auto id = create(body(every_second, R"("valGroupId":"crew")"));
  std::vector<std::string> many{"ue1", "ue2"};
  for (int i = 0; i < 100'000; ++i) many.push_back("x" + std::to_string(i));
  system.set_group("crew", many);
  system.loop.run_for(10s);
  const auto now = shown(id);
  EXPECT_EQ(now.mon_state->targets, 2);
  EXPECT_EQ(now.mon_state->not_monitored, 100'002 - 1000);
  const auto told = reports();
  ASSERT_FALSE(told.empty());
  EXPECT_LE(told.back().failure_rep->front().val_ue_ids->size(), 256U);
}

TEST_F(Monitoring, a_usage_report_that_comes_twice_is_counted_once) {
  create(body(R"("measReqs":{"measDataTypes":["AVG_DL_TRAFFIC_VOLUME"],"measAggrGranWnd":2000},)"
              R"("reportReqs":{"reportingMode":"PERIODIC","reportingPeriod":4})"));
  EXPECT_EQ(system
                .operate("POST", "/netsim-control/v1/faults",
                         R"({"kind":"DUPLICATE_CALLBACK","count":1000})")
                .status,
            200);
  system.loop.run_for(30s);
  const auto told = reports();
  ASSERT_FALSE(told.empty());
  EXPECT_NEAR(static_cast<double>(*told.back().meas_data->avr_dl_traffic_vol), 250'000, 30'000);
}

TEST_F(Monitoring, of_a_stream_the_delays_of_both_legs_are_put_together) {
  create(body(every_second, R"("valStreamIds":["s1"])"));
  degrade("ue2", R"({"delayMs":100})");
  system.loop.run_for(12s);
  const auto told = reports();
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.back().val_stream_ids, std::vector<std::string>{"s1"});
  // Uplink of ue1 (12 ms) and downlink of ue2 (8 ms and what was added).
  ASSERT_TRUE(told.back().meas_data) << json::write(told.back());
  EXPECT_GE(*told.back().meas_data->dl_delay, 120);
  EXPECT_LE(*told.back().meas_data->dl_delay, 130);
}

TEST_F(Monitoring, one_report_is_answered_at_once_of_the_past_and_after_a_moment_of_now) {
  const auto ask = [&](std::string_view more) {
    return system.ask(
        "POST", monitors,
        R"({"valUeIds":[{"valUeId":"ue1"},{"valUeId":"stranger"}],)" + std::string(more) + "}");
  };
  const auto now = ask(R"("measReqs":{"measDataTypes":["DL_DELAY"]})");
  ASSERT_EQ(now.status, 200) << now.body;
  const auto report = *json::read<MonitoringReport>(now.body);
  EXPECT_GT(*report.meas_data->dl_delay, 0);
  EXPECT_EQ(report.val_ue_ids->size(), 1U);
  ASSERT_TRUE(report.failure_rep);
  EXPECT_EQ(report.failure_rep->front().failure_reason->text, "USER_NOT_FOUND");
  system.loop.run_for(30s);
  EXPECT_EQ(sources(), 0U) << "what was measured for one report is released";
  const auto start = model::format_date_time(system.loop.now() - 60s);
  const auto past =
      ask(R"("measReqs":{"measDataTypes":["DL_DELAY"],"measPeriod":{"measStartTime":")" + start +
          R"(","measDuration":50}})");
  ASSERT_EQ(past.status, 200) << past.body;
  EXPECT_TRUE(json::read<MonitoringReport>(past.body)->meas_data->dl_delay);
  const auto nothing =
      ask(R"("measReqs":{"measDataTypes":["AVG_PLR"],"measPeriod":{"measStartTime":")" + start +
          R"(","measDuration":50}})");
  EXPECT_EQ(nothing.status, 404);
  EXPECT_NE(nothing.body.find("DATA_NOT_AVAILABLE"), std::string::npos);
}

TEST_F(Monitoring, one_report_that_is_asked_for_twice_while_it_waits_says_to_ask_again) {
  const auto request = system.request(
      "POST", monitors,
      R"({"valUeIds":[{"valUeId":"ue1"}],"measReqs":{"measDataTypes":["DL_DELAY"]}})",
      {{"idempotency-key", "k1"}});
  int status = 0;
  system.server().control_plane.router().handle(
      request, [&](http::Response response) { status = response.status; });
  system.loop.run_for(10ms);
  EXPECT_EQ(system.ask(request).status, 409);
  system.loop.run_for(10s);
  EXPECT_EQ(status, 200);
}

TEST_F(Monitoring, one_report_of_more_than_an_answer_has_is_refused_with_the_advice) {
  const auto target = "extid-ue1@lobodon.example";
  const auto from = system.loop.now() - 1h;
  seal_nrm::monitor::SeriesPoint point;
  point.value.samples = 1;
  for (std::size_t i = 0; i <= seal_nrm::monitor::series_points_max; ++i) {
    point.from = from + std::chrono::milliseconds(i);
    point.to = point.from + 1ms;
    ASSERT_TRUE(system.series.append(target, point, system.loop.now()));
  }
  const auto refused =
      system.ask("POST", monitors,
                 R"({"valUeIds":[{"valUeId":"ue1"}],"measReqs":{"measDataTypes":["DL_DELAY"],)"
                 R"("measPeriod":{"measStartTime":")" +
                     model::format_date_time(from) + R"(","measDuration":600}}})");
  EXPECT_EQ(refused.status, 400) << refused.body;
  EXPECT_NE(refused.body.find("/measReqs/measPeriod"), std::string::npos);
  EXPECT_NE(refused.body.find("shorter time"), std::string::npos);
}

TEST_F(Monitoring, an_update_keeps_the_target_and_changes_the_rest) {
  const auto id = create(body(every_second));
  system.loop.run_for(6s);
  reports();
  const auto changed =
      system.ask("PATCH", monitors + "/" + id,
                 R"({"measReqs":{"measDataTypes":["RT_DELAY","AVG_PLR"],"measAggrGranWnd":1000},)"
                 R"("reportReqs":{"reportingMode":"PERIODIC","reportingPeriod":3}})");
  ASSERT_EQ(changed.status, 200) << changed.body;
  system.loop.run_for(15s);
  const auto told = reports();
  ASSERT_FALSE(told.empty());
  EXPECT_TRUE(told.back().meas_data->rt_delay);
  EXPECT_TRUE(told.back().meas_data->avg_plr);
  EXPECT_FALSE(told.back().meas_data->dl_delay);
  EXPECT_EQ(sources(), 2U);
  const auto replaced = system.ask("PUT", monitors + "/" + id, body(every_second));
  ASSERT_EQ(replaced.status, 200) << replaced.body;
  system.loop.run_for(5s);
  EXPECT_EQ(sources(), 1U);
}

TEST_F(Monitoring, a_profile_is_stored_reused_and_its_owners_alone) {
  const auto id = create(body(R"("profile":{"measReqs":{"measDataTypes":["DL_DELAY"],)"
                              R"("measAggrGranWnd":1000},"reportReqs":{"reportingMode":"PERIODIC",)"
                              R"("reportingPeriod":2}})"));
  const auto first = shown(id);
  ASSERT_TRUE(first.profile_id);
  const std::string profile = "/ss-nrm/v1/monitoring-profiles/" + *first.profile_id;
  system.loop.run_for(1s);
  EXPECT_EQ(system.ask("GET", profile).status, 200);
  EXPECT_EQ(system.ask("GET", profile, {}, {}, "app2").status, 404);
  create(body(R"("profileId":")" + *first.profile_id + "\""));
  EXPECT_EQ(
      system.ask("POST", monitors, body(R"("profileId":")" + *first.profile_id + "\""), {}, "app2")
          .status,
      404);
  EXPECT_EQ(system.ask("DELETE", profile).status, 204);
  system.loop.run_for(8s);
  const auto told = reports();
  ASSERT_GE(told.size(), 4U) << "what was subscribed with it goes on";
  EXPECT_EQ(told.back().profile_id, first.profile_id);
}

TEST_F(Monitoring, profiles_of_one_client_are_bounded_whichever_way_they_are_made) {
  System::Setup setup;
  setup.adjust = [](ControlPlane::Config& config) { config.nrm.monitoring.profiles_max = 2; };
  System small(std::move(setup));
  const auto store = [&](std::string_view client) {
    return small
        .ask("POST", "/ss-nrm/v1/monitoring-profiles",
             R"({"measReqs":{"measDataTypes":["DL_DELAY"]}})", {}, client)
        .status;
  };
  EXPECT_EQ(store("app1"), 201);
  EXPECT_EQ(store("app1"), 201);
  EXPECT_EQ(store("app1"), 429);
  EXPECT_EQ(store("app2"), 201);
  EXPECT_EQ(
      small.ask("POST", monitors, body(R"("profile":{"measReqs":{"measDataTypes":["DL_DELAY"]}})"))
          .status,
      429);
}

TEST_F(Monitoring, without_features_reports_have_nothing_that_stage_3_does_not_know) {
  system.ask("POST", monitors,
             R"({"valUeIds":[{"valUeId":"ue1"}],"notifUri":"http://app1.example/m",)" +
                 std::string(every_second) + "}");
  system.loop.run_for(8s);
  const auto told = reports();
  ASSERT_FALSE(told.empty());
  for (const auto& report : told) {
    EXPECT_TRUE(report.meas_data);
    EXPECT_FALSE(report.seq || report.subscription_id || report.measured_from ||
                 report.ue_reports || report.termination_cause);
  }
}

TEST_F(Monitoring, a_network_that_began_anew_is_asked_again_for_what_fell_silent) {
  const auto id = create(body(every_second));
  system.loop.run_for(5s);
  EXPECT_EQ(system.operate("POST", "/netsim-control/v1/reset").status, 204);
  EXPECT_TRUE(system.at_core().empty());
  system.loop.run_for(30s);
  EXPECT_EQ(system.at_core().size(), 1U);
  EXPECT_EQ(state_of(shown(id), 0), "flowing");
}

TEST_F(Monitoring, samples_cost_no_commit) {
  create(body(R"("measReqs":{"measDataTypes":["DL_DELAY"],"aggrWindowSec":3600})"));
  system.loop.run_for(10s);
  const auto versions = [&] {
    std::uint64_t sum = 0;
    for (const auto& [key, record] : system.durable().records) sum += record.version;
    return sum;
  };
  const auto before = versions();
  system.loop.run_for(30s);
  EXPECT_EQ(versions(), before);
}

TEST_F(Monitoring, a_callback_without_the_secret_or_with_rubbish_is_refused) {
  create(body(every_second));
  system.loop.run_for(5s);
  std::string callback;
  for (const auto& one : system.at_core()) callback = one.notification_uri;
  const auto path = callback.substr(callback.find("/nrm-callbacks"));
  EXPECT_EQ(system.ask("POST", path, "{}", {}, "").status, 400);
  EXPECT_EQ(system
                .ask("POST", path + "x",
                     R"({"transaction":"http://c/1","eventReports":[)"
                     R"({"event":"QOS_MONITORING"}]})",
                     {}, "")
                .status,
            404);
}

}  // namespace
}  // namespace lobo::app::testing
