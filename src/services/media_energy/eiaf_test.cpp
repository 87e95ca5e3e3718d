// What media clients, servers and recipients see of the Energy Information AF: every parameter of a
// policy, when it changes, changes something here.

#include "services/media_energy/eiaf.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "support/media_driver.hpp"

namespace lobo::media_energy {
namespace {

using namespace std::chrono_literals;
using lobo::testing::MediaDriver;
using Action = api::media_types::EnergyAction;
using Reason = api::media_types::EnergyReportingReason;
using Reports = std::map<std::string, MediaDriver::Reported>;

const std::string hot =
    R"("thresholds":[{"thresholdRef":"hot","metric":"POWER_W","direction":"UP",)"
    R"("crossing":150,"clear":130}])";
const std::string reselect =
    R"("adaptationGuidance":[{"action":"RESELECT_SERVICE_LOCATION","triggerThresholdRef":"hot"}])";
const std::string quiet = R"("reporting":{"mode":"THRESHOLD","minReportSpacing":1})";

std::string reduce(std::string_view rate = "2 Mbps") {
  return R"("adaptationGuidance":[{"action":"REDUCE_MAX_BITRATE","triggerThresholdRef":"hot",)"
         R"("params":{"maxBitRate":")" +
         std::string(rate) + R"("}}])";
}
std::string object(std::initializer_list<std::string> members) {
  std::string out = "{";
  for (const auto& one : members) out += (out.size() > 1 ? "," : "") + one;
  return out + "}";
}

class eiaf : public ::testing::Test {
 protected:
  eiaf() : session(d.session()) {
    d.host(session);
    d.expose(session);
    d.server("as1", "SL1");
    d.server("as2", "SL2");
  }
  /// A policy, and a session under it that plays from SL1.
  std::string playing(const std::string& policy_text, std::string_view more = {}) {
    policy = d.policy(session, policy_text);
    return d.subscribe(session, policy, "play-" + std::to_string(++players),
                       R"(,"serviceLocationId":"SL1")" + std::string(more));
  }
  static Reports power(double first, double second = 120) {
    return {{"as1", {.power_w = first}}, {"as2", {.power_w = second}}};
  }
  void change(const std::string& text) {
    const auto answer =
        d.ask("PUT", MediaDriver::session_path(session) + "/energy-policies/" + policy, text);
    ASSERT_EQ(answer.status, 204) << answer.body;
  }
  static std::vector<Reason> reasons(const std::vector<api::media_e5::ClientEnergyReport>& events) {
    std::vector<Reason> out;
    for (const auto& one : events) out.push_back(one.energy_reporting_reason);
    return out;
  }
  bool did(std::string_view number) const {
    return std::ranges::any_of(d.steps, [&](const auto& one) { return one.number == number; });
  }

  MediaDriver d;
  std::string session;
  std::string policy;
  int players = 0;
};

TEST_F(eiaf, recommends_another_location_when_this_one_takes_too_much) {
  const auto client = playing(object({hot, reselect, quiet}));
  d.run(3, power(120));
  EXPECT_TRUE(d.recommended(client).empty());
  d.run(2, power(180));
  const auto told = d.recommended(client);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].action, Action::reselect_service_location);
  EXPECT_EQ(*told[0].service_location_priority, std::vector<std::string>{"SL2"});
  EXPECT_GT(told[0].not_after, told[0].not_before);
  EXPECT_EQ(d.moved(client, "SL2", told[0].move_id).status, 204);
  EXPECT_EQ(d.eiaf.placements().find("play-1")->location, "SL2");
  d.run(5, power(180));
  EXPECT_TRUE(d.recommended(client).empty()) << "it is elsewhere now";
  for (const auto* number : {"1", "3", "4", "8", "30", "32", "35f", "1319"})
    EXPECT_TRUE(did(number)) << number;
}

TEST_F(eiaf, answers_a_waiting_question_with_the_first_event) {
  const auto client = playing(object({hot, reselect, quiet}));
  d.heard(client);
  const auto after = std::to_string(1ULL << 52);
  const auto path = "/x-e5/v1/subscriptions/" + client + "/events?wait=10&after=";
  EXPECT_EQ(d.ask("GET", path + after, {}, "ue").status, 0);
  d.run(9);
  EXPECT_EQ(d.late().status, 0);
  d.run(2);
  EXPECT_EQ(d.late().status, 200) << "nothing came, and the time is over";
  const auto first = d.eiaf.events(client, 0)->last;
  EXPECT_EQ(d.ask("GET", path + std::to_string(first), {}, "ue").status, 0);
  const auto waiting = d.last_request;
  d.run(2, power(180));
  EXPECT_NE(d.replies[waiting].body.find("THRESHOLD_CROSSED"), std::string::npos);
}

TEST_F(eiaf, tells_that_events_were_lost) {
  const auto client =
      playing(R"({"reporting":{"mode":"PERIODIC","reportingInterval":1,"minReportSpacing":1}})");
  const auto first = d.eiaf.events(client, 0)->last;
  d.run(60, power(120));
  const auto events = *d.eiaf.events(client, first);
  EXPECT_EQ(events.events.size(), events_kept_max);
  EXPECT_TRUE(events.lost.value_or(false));
}

TEST_F(eiaf, ends_a_subscription_that_nobody_asks_for) {
  d.settings.subscription_idle = 5s;
  const auto client = playing("{}");
  d.run(4);
  d.ask("GET", "/x-e5/v1/subscriptions/" + client + "/events?wait=1", {}, "ue");
  d.run(4);
  EXPECT_EQ(d.ask("GET", "/x-e5/v1/subscriptions/" + client, {}, "ue").status, 200);
  d.run(6);
  EXPECT_EQ(d.ask("GET", "/x-e5/v1/subscriptions/" + client, {}, "ue").status, 404);
}

TEST_F(eiaf, does_not_send_anybody_where_nothing_is_known) {
  const auto client = playing(object({hot, reselect, quiet}));
  d.run(3, {{"as1", {.power_w = 180}}});
  EXPECT_TRUE(d.recommended(client).empty());
  const auto access = d.eiaf.service_access(session, d.now);
  EXPECT_EQ(access->streaming_access->entry_points->at(0).service_locations->at(1).state,
            api::media_m5::M5ServiceLocationState::unknown);
}

TEST_F(eiaf, calls_a_location_unknown_after_three_missed_reports) {
  playing(R"({"reporting":{"mode":"BOTH","reportingInterval":2}})");
  const auto state = [&] { return d.eiaf.fleet(d.now).locations.at(0).state; };
  d.run(1, power(120));
  EXPECT_EQ(state(), LocationState::active);
  d.run(5);
  EXPECT_EQ(state(), LocationState::active);
  d.run(1);
  EXPECT_EQ(state(), LocationState::unknown);
}

TEST_F(eiaf, keeps_away_from_a_location_that_failed_a_session) {
  const auto client = playing(object({hot, reselect, quiet}));
  d.run(2, power(180));
  const auto told = d.recommended(client);
  ASSERT_EQ(told.size(), 1U);
  d.moved(client, "SL2", told[0].move_id, "FAILED");
  d.run(40, power(180));
  EXPECT_TRUE(d.recommended(client).empty());
  EXPECT_EQ(d.eiaf.placements().find("play-1")->location, "SL1");
  EXPECT_TRUE(std::ranges::any_of(d.eiaf.fleet(d.now).groups, [](const auto& group) {
    return std::ranges::any_of(group.paths, [](const auto& path) { return path.vetoed; });
  }));
}

TEST_F(eiaf, learns_where_a_session_is_from_what_it_consumed) {
  const auto path = "/3gpp-m5/v2/consumption-reporting/" + session;
  const auto report = [](std::string_view url) {
    return R"({"mediaPlayerEntry":"http://x.example/","reportingClientId":"c1",)"
           R"("consumptionReportingUnits":[{"mediaConsumed":")" +
           std::string(url) + R"(","startTime":"2026-11-22T12:00:00Z","duration":10}]})";
  };
  EXPECT_EQ(d.ask("POST", path, report("http://sl2.example/m4/v/1.mp4?sig=1"), "ue").status, 204);
  EXPECT_EQ(d.eiaf.placements().find("c1")->location, "SL2");
  d.ask("POST", path, report("http://elsewhere.example/1.mp4"), "ue");
  EXPECT_EQ(d.eiaf.placements().unmapped(), 1U);
}

TEST_F(eiaf, parameter_1_identifies_the_policy_in_every_report) {
  const auto client = playing(R"({"externalReference":"eco-live"})");
  EXPECT_EQ(d.heard(client).at(0).energy_policy_id, policy);
  const auto bindings = d.eiaf.service_access(session, d.now)
                            ->client_energy_information_configuration->energy_policy_bindings;
  EXPECT_EQ(bindings.at(0).external_reference, "eco-live");
  EXPECT_EQ(bindings.at(0).energy_policy_id, policy);
}

TEST_F(eiaf, parameter_2_scope_decides_what_a_threshold_is_held_against) {
  const auto text = [](std::string_view level) {
    return object({R"("monitoringScope":{"level":")" + std::string(level) + R"("})",
                   R"("thresholds":[{"thresholdRef":"hot","metric":"POWER_W","direction":"UP",)"
                   R"("crossing":220,"clear":200}])",
                   reduce(), quiet});
  };
  const auto client = playing(text("SERVICE_LOCATION"));
  d.run(3, power(120));
  EXPECT_TRUE(d.recommended(client).empty());
  change(text("SERVICE"));  // Both places together take 240 W.
  d.run(2, power(120));
  EXPECT_EQ(d.recommended(client).size(), 1U);
}

TEST_F(eiaf, parameter_2_locations_and_samples_narrow_what_is_metered) {
  const auto text = [](std::string_view scope) {
    return object({R"("monitoringScope":{"level":"SERVICE_LOCATION")" + std::string(scope) + "}",
                   hot, reduce(),
                   R"("reporting":{"mode":"BOTH","reportingInterval":1,"minReportSpacing":1})"});
  };
  const auto client = playing(text(R"(,"locations":["SL2"],"samplePercentage":0)"));
  d.heard(client);
  d.run(3, power(180));
  EXPECT_TRUE(d.heard(client).empty());
  change(text(R"(,"samplePercentage":100)"));
  d.run(3, power(180));
  EXPECT_FALSE(d.heard(client).empty());
}

TEST_F(eiaf, parameter_3_reporting_decides_when_a_client_hears) {
  const auto text = [](std::string_view reporting) {
    return object({hot, R"("reporting":{)" + std::string(reporting) + "}"});
  };
  const auto client =
      playing(text(R"("mode":"PERIODIC","reportingInterval":2,"minReportSpacing":1)"));
  d.heard(client);
  d.run(6, power(120));
  EXPECT_EQ(d.heard(client).size(), 3U);
  d.run(1, power(180));
  EXPECT_EQ(std::ranges::count(reasons(d.heard(client)), Reason::threshold_crossed), 0);
  change(text(R"("mode":"THRESHOLD","minReportSpacing":1)"));
  d.run(1, power(120));
  d.run(3, power(180));
  EXPECT_EQ(reasons(d.heard(client)),
            (std::vector{Reason::threshold_cleared, Reason::threshold_crossed}));
  change(text(R"("mode":"PERIODIC","reportingInterval":1,"minReportSpacing":4)"));
  d.run(12, power(180));
  EXPECT_EQ(d.heard(client).size(), 3U) << "spaced by four seconds";
}

TEST_F(eiaf, parameter_3_tells_servers_how_often_to_report) {
  const auto configuration = [&] { return d.eiaf.configuration("as1"); };
  const auto before = configuration();
  playing(object({hot, R"("reporting":{"mode":"BOTH","reportingInterval":3,"samplingPeriod":2})"}));
  EXPECT_EQ(configuration().reporting_interval, 3);
  EXPECT_EQ(configuration().sampling_period, 2);
  EXPECT_EQ(configuration().triggers->at(0).crossing, 150);
  EXPECT_NE(configuration().revision, before.revision);
  // It comes with the receipt of a report that follows another revision.
  const auto receipt = d.report("as1", "SL1", {});
  EXPECT_NE(receipt.body.find(R"("reportingInterval":3)"), std::string::npos) << receipt.body;
}

TEST_F(eiaf, parameter_3_one_shot_reports_once) {
  const auto client =
      playing(R"({"reporting":{"mode":"PERIODIC","reportingInterval":1,"oneShotAfter":5}})");
  d.heard(client);
  d.run(4, power(120));
  EXPECT_TRUE(d.heard(client).empty());
  d.run(10, power(120));
  EXPECT_EQ(d.heard(client).size(), 1U);
}

TEST_F(eiaf, parameter_4_thresholds_decide_at_what_value) {
  const auto client = playing(object({hot, reduce(), quiet}));
  d.run(3, power(140));
  EXPECT_TRUE(d.recommended(client).empty());
  change(object({R"("thresholds":[{"thresholdRef":"hot","metric":"POWER_W","direction":"UP",)"
                 R"("crossing":135,"clear":130,"dwell":2}])",
                 reduce(), quiet}));
  d.run(2, power(140));
  EXPECT_TRUE(d.recommended(client).empty()) << "it has not lasted yet";
  d.run(2, power(140));
  EXPECT_EQ(d.recommended(client).size(), 1U);
}

TEST_F(eiaf, parameter_5_takes_the_first_guidance_that_is_feasible) {
  const std::string guidance =
      R"("adaptationGuidance":[)"
      R"({"action":"PREFER_CODEC","triggerThresholdRef":"hot","params":{"codecs":["av01.0.04M.08"]}},)"
      R"({"action":"DROP_COMPONENT","triggerThresholdRef":"hot","params":{"componentTypes":["VIDEO"]}},)"
      R"({"action":"REDUCE_MAX_RESOLUTION","triggerThresholdRef":"hot","params":{"maxHeight":720}}])";
  const auto text = object({hot, guidance, quiet});
  const auto plain = playing(text, R"(,"componentTypes":["VIDEO"])");
  const auto with_audio = d.subscribe(
      session, policy, "b", R"(,"serviceLocationId":"SL1","componentTypes":["VIDEO","AUDIO"])");
  const auto with_av1 =
      d.subscribe(session, policy, "c", R"(,"serviceLocationId":"SL1","codecs":["av01.0.05M.08"])");
  d.run(2, power(180));
  EXPECT_EQ(d.recommended(plain).at(0).max_height, 720);
  EXPECT_EQ(d.recommended(with_audio).at(0).action, Action::drop_component);
  EXPECT_EQ(d.recommended(with_av1).at(0).action, Action::prefer_codec);
}

TEST_F(eiaf, parameter_6_suspends_who_agrees_and_never_for_longer_than_allowed) {
  const auto text = [](std::string_view target) {
    return object({hot, quiet,
                   R"("suspensionPolicy":{"conditions":["hot"],"target":)" + std::string(target) +
                       R"(,"maxDuration":5})"});
  };
  const auto refuses = playing(text(R"("COMPONENT","componentTypes":["VIDEO"])"),
                               R"(,"componentTypes":["VIDEO","AUDIO"])");
  const auto agrees = d.subscribe(
      session, policy, "b",
      R"(,"serviceLocationId":"SL1","componentTypes":["VIDEO","AUDIO"],"userConsent":true)");
  d.run(2, power(180));
  EXPECT_TRUE(d.recommended(refuses).empty());
  const auto dropped = d.recommended(agrees);
  ASSERT_EQ(dropped.size(), 1U);
  EXPECT_EQ(dropped[0].action, Action::drop_component);
  EXPECT_EQ(dropped[0].component_types->at(0), api::media_types::ComponentType::video);
  d.run(6, power(180));
  ASSERT_EQ(d.recommended(agrees).at(0).action, Action::resume);
  d.run(20, power(180));
  EXPECT_TRUE(d.recommended(agrees).empty()) << "not again while the same condition lasts";
  d.run(2, power(120));
  change(text(R"("SESSION")"));
  d.run(2, power(180));
  EXPECT_EQ(d.recommended(agrees).at(0).action, Action::suspend_session);
}

TEST_F(eiaf, parameter_7_recovery_waits_and_then_ramps) {
  policy = d.policy(session, object({hot, reduce(), quiet,
                                     R"("recoveryPolicy":{"conditions":["hot"],"holdOff":5,)"
                                     R"("rampSessionsPerSecond":2})"}));
  std::vector<std::string> clients;
  for (int i = 0; i < 6; ++i)
    clients.push_back(
        d.subscribe(session, policy, "s" + std::to_string(i), R"(,"serviceLocationId":"SL1")"));
  d.run(2, power(180));
  for (const auto& client : clients) EXPECT_EQ(d.recommended(client).size(), 1U);
  const auto resumed = [&] {
    std::size_t count = 0;
    for (const auto& client : clients)
      for (const auto& one : d.recommended(client)) count += one.action == Action::resume ? 1 : 0;
    return count;
  };
  d.run(5, power(120));
  EXPECT_EQ(resumed(), 0U) << "the hold-off";
  d.run(1, power(120));
  EXPECT_EQ(resumed(), 2U);
  d.run(1, power(120));
  EXPECT_EQ(resumed(), 2U);
  d.run(3, power(120));
  EXPECT_EQ(resumed(), 2U);
}

TEST_F(eiaf, parameter_8_recipients_decide_who_hears) {
  const auto text = [](std::string_view recipients) {
    return object({hot, quiet, R"("recipients":[)" + std::string(recipients) + "]"});
  };
  const std::string asp =
      R"({"type":"ASP_CALLBACK","notificationUri":"http://asp.example/n","dataAccessProfileRef":"p1"})";
  const auto client = playing(text(asp));
  EXPECT_TRUE(d.heard(client).empty()) << "only the provider hears";
  d.run(2, power(180));
  ASSERT_EQ(d.notified.size(), 1U);
  EXPECT_EQ(d.notified[0].to, "http://asp.example/n");
  EXPECT_EQ(d.notified[0].sequence, 1U);
  EXPECT_NE(d.notified[0].body.find("THRESHOLD_CROSSED"), std::string::npos);
  EXPECT_NE(d.notified[0].body.find(R"("dataAccessProfileRef":"p1")"), std::string::npos);
  change(text(asp + R"(,{"type":"EIC"})"));
  d.run(2, power(120));
  EXPECT_EQ(d.notified.size(), 2U);
  EXPECT_EQ(d.notified[1].sequence, 2U);
  EXPECT_EQ(reasons(d.heard(client)), std::vector{Reason::threshold_cleared});
  // Feedback of the collector reaches the provider.
  d.moved(client, "SL2", "");
  EXPECT_NE(d.notified.back().body.find("RESELECTION"), std::string::npos);
}

TEST_F(eiaf, parameter_9_profile_decides_what_is_reacted_to_and_how_often_one_moves) {
  const auto text = [](std::string_view profile) {
    return object(
        {hot, reselect, quiet, R"("serviceEnergyProfile":{)" + std::string(profile) + "}"});
  };
  const auto client = playing(text(R"("mode":"PERFORMANCE")"));
  d.run(3, power(180));
  EXPECT_TRUE(d.recommended(client).empty()) << "a warning is nothing to it";
  change(text(R"("mode":"STANDARD","maxMovesPerSessionPerHour":0)"));
  d.run(3, power(180));
  EXPECT_TRUE(d.recommended(client).empty()) << "it may not move";
  change(text(R"("mode":"STANDARD","qoeFloor":{"maxLatencyMs":20})"));
  d.run(3, power(180));
  EXPECT_TRUE(d.recommended(client).empty()) << "SL2 is too far";
  change(text(R"("mode":"STANDARD")"));
  d.run(3, power(180));
  EXPECT_EQ(d.recommended(client).size(), 1U);
}

TEST_F(eiaf, parameter_9_objective_floor_and_switch_cost_reach_the_planner) {
  playing(R"({"serviceEnergyProfile":{"objective":"CARBON","switchCostJoule":7,)"
          R"("qoeFloor":{"minBitRate":"3 Mbps","maxLatencyMs":30}}})");
  d.run(1, power(120));
  const auto fleet = d.eiaf.fleet(d.now);
  const auto group = std::ranges::find(fleet.groups, session + "/" + policy, &FleetGroup::id);
  ASSERT_NE(group, fleet.groups.end());
  EXPECT_EQ(group->objective, Objective::carbon);
  EXPECT_EQ(group->switch_cost_j, 7);
  EXPECT_EQ(group->bit_rate_mbps_min, 3);
  EXPECT_EQ(group->latency_ms_max, 30);
  EXPECT_EQ(group->sessions, 1U);
  EXPECT_EQ(group->demand_mbps, 4);
}

TEST_F(eiaf, parameter_10_measurement_time_decides_when_anything_is_held_against_the_policy) {
  const auto client =
      playing(object({hot, reduce(), quiet,
                      R"("measurementTime":{"start":"2026-11-22T12:00:10Z","duration":10})"}));
  d.run(5, power(180));
  EXPECT_TRUE(d.recommended(client).empty());
  d.run(7, power(180));
  EXPECT_EQ(d.recommended(client).size(), 1U);
  d.run(9, power(180));
  d.heard(client);
  d.run(20, power(120));
  EXPECT_TRUE(d.heard(client).empty()) << "it is over";
}

TEST_F(eiaf, parameter_11_validity_goes_with_each_report_and_recommendation) {
  const auto client = playing(object({hot, reselect, quiet, R"("reportValidityTime":44)"}));
  d.run(2, power(180));
  for (const auto& event : d.heard(client)) {
    EXPECT_EQ(event.energy_report_validity_time, 44);
    if (const auto& told = event.energy_adaptation_recommendation) {
      EXPECT_EQ(told->not_after - told->not_before, 44s);
    }
  }
  EXPECT_EQ(d.eiaf.configuration("as1").report_validity_time, 44);
}

TEST_F(eiaf, a_budget_leads_from_segment_to_segment) {
  const auto client = playing(object(
      {quiet, R"("energyBudget":{"period":3600,"segments":[{"lowerWh":0,"upperWh":0.1,)"
              R"("action":"NONE"},{"lowerWh":0.1,"upperWh":0.3,"action":"REDUCE_MAX_BITRATE",)"
              R"("params":{"maxBitRate":"1 Mbps"}}]})"}));
  d.run(1, power(120));
  EXPECT_EQ(d.heard(client).back().energy_reporting_reason, Reason::initial);
  d.run(3, power(120));  // 2 x 120 J a second is 0.067 Wh.
  const auto events = d.heard(client);
  const auto told = std::ranges::find_if(
      events, [](const auto& one) { return one.energy_adaptation_recommendation.has_value(); });
  ASSERT_NE(told, events.end());
  EXPECT_EQ(told->energy_reporting_reason, Reason::budget_changed);
  EXPECT_EQ(told->energy_budget_status->segment_index, 1);
  EXPECT_EQ(told->energy_budget_status->state, api::media_e5::BudgetState::warning);
}

TEST_F(eiaf, reports_carry_the_twelve_parameters_with_method_and_uncertainty) {
  const auto client = playing(object(
      {hot, reselect, R"("reporting":{"mode":"BOTH","reportingInterval":1,"minReportSpacing":1})",
       R"("energyBudget":{"period":60,"segments":[{"lowerWh":0,"action":"NONE"}]})"}));
  d.run(4, power(140));
  const auto event = d.heard(client).back();
  EXPECT_EQ(event.energy_policy_id, policy);
  EXPECT_EQ(event.app_id, "app-1");
  EXPECT_EQ(event.energy_measurement_scope.service_location_id, "SL1");
  EXPECT_GT(event.energy_measurement_time.end, event.energy_measurement_time.start);
  EXPECT_EQ(event.energy_threshold_status->at(0).value, 140);
  EXPECT_TRUE(event.energy_budget_status);
  EXPECT_EQ(event.energy_adaptation_status->state, api::media_e5::AdaptationState::none);
  EXPECT_EQ(event.energy_reporting_reason, Reason::periodic);
  EXPECT_EQ(event.energy_report_validity_time, 3);
  EXPECT_EQ(event.energy_information_timestamp, d.now);
  const auto& consumed = *event.energy_consumption_value;
  EXPECT_NEAR(consumed.value, 3 * 140 / 3600.0, 1e-9) << "since the first report";
  EXPECT_EQ(consumed.unit, "Wh");
  EXPECT_EQ(consumed.method, api::media_types::EnergyMethod::model_cpu);
  EXPECT_DOUBLE_EQ(consumed.rel_uncertainty, 0.15);
  EXPECT_NEAR(event.energy_efficiency_metric->bit_per_joule, 100e6 / 140, 1);
  EXPECT_EQ(event.carbon->intensity_g_per_k_wh, 400);
  EXPECT_EQ(event.carbon->source, "configured");
}

TEST_F(eiaf, exposes_nothing_that_is_not_listed) {
  const auto client = playing(object({hot, reduce(), quiet}));
  d.heard(client);
  const auto path = MediaDriver::session_path(session) + "/energy-information-exposure";
  d.ask("PUT", path, R"({"recipients":["EIC"],"parameters":["carbon"],"granularity":"SERVICE"})");
  d.run(2, power(180));
  const auto events = d.heard(client);
  ASSERT_FALSE(events.empty());
  for (const auto& event : events) {
    EXPECT_TRUE(event.carbon);
    EXPECT_FALSE(event.energy_consumption_value);
    EXPECT_FALSE(event.energy_threshold_status);
    EXPECT_FALSE(event.energy_adaptation_recommendation);
    EXPECT_FALSE(event.energy_measurement_scope.service_location_id)
        << "coarser than it is metered";
  }
  const auto points = d.eiaf.service_access(session, d.now)->streaming_access->entry_points;
  EXPECT_FALSE(points->at(0).service_locations->at(0).energy_characteristics);
  d.ask("DELETE", path);
  d.run(3, power(120));
  EXPECT_TRUE(d.heard(client).empty());
  EXPECT_FALSE(d.eiaf.service_access(session, d.now)->client_energy_information_configuration);
}

TEST_F(eiaf, shows_entry_points_with_what_each_location_takes) {
  d.policy(session, "{}");
  d.run(3, power(200, 110));
  const auto access = *d.eiaf.service_access(session, d.now);
  const auto& point = access.streaming_access->entry_points->at(0);
  EXPECT_EQ(point.locator, "http://sl2.example/m4/live.mpd") << "the one that takes less";
  const auto& best = point.service_locations->at(0);
  EXPECT_EQ(best.service_location_id, "SL2");
  EXPECT_EQ(best.priority, 1);
  const auto& shown = *best.energy_characteristics;
  // 110 W for 100 Mbit/s: 0.0306 Wh for 0.0125 GB in a second.
  EXPECT_NEAR(*shown.wh_per_gb, 110 / 3600.0 / 0.0125, 1e-9);
  EXPECT_NEAR(*shown.g_co2e_per_gb, 110 / 3600.0 / 0.0125 / 1000 * 400, 1e-9);
  EXPECT_EQ(shown.energy_class, api::media_m5::EnergyClass::a);
  EXPECT_EQ(shown.load_level, 10);
  EXPECT_EQ(point.service_locations->at(1).energy_characteristics->energy_class,
            api::media_m5::EnergyClass::d);
}

TEST_F(eiaf, gives_a_saving_ue_a_lower_operation_point_before_another_place) {
  const auto client = playing(object(
      {hot, quiet,
       R"("adaptationGuidance":[{"action":"RESELECT_SERVICE_LOCATION","triggerThresholdRef":"hot"},)"
       R"({"action":"REDUCE_MAX_BITRATE","triggerThresholdRef":"hot","params":{"maxBitRate":"1 Mbps"}}])"}));
  EXPECT_EQ(d.ask("PUT", "/x-e5/v1/subscriptions/" + client + "/ue-energy-state",
                  R"({"battery":0.1,"powerSource":"BATTERY"})", "ue")
                .status,
            204);
  d.run(2, power(180));
  EXPECT_EQ(d.recommended(client).at(0).action, Action::reduce_max_bitrate);
  d.run(10, power(120));
  EXPECT_TRUE(d.recommended(client).empty()) << "it still saves";
  d.ask("PUT", "/x-e5/v1/subscriptions/" + client + "/ue-energy-state", R"({"battery":0.9})", "ue");
  d.run(2, power(120));
  EXPECT_EQ(d.recommended(client).at(0).action, Action::resume);
}

TEST_F(eiaf, moves_nobody_before_it_has_learned_who_is_where) {
  d.planner.shares = {{"SL2", 1}};
  const auto client = playing(object({hot, reselect, quiet}));
  d.run(29, power(120));
  EXPECT_EQ(d.planner.plans, 0);
  EXPECT_TRUE(d.recommended(client).empty());
  d.run(2, power(120));
  EXPECT_EQ(d.planner.plans, 1);
  const auto told = d.recommended(client);
  ASSERT_EQ(told.size(), 1U) << "the plan has it elsewhere";
  EXPECT_EQ(told[0].service_location_priority->front(), "SL2");
}

TEST_F(eiaf, leaves_alone_whose_policy_knows_no_reselection) {
  d.planner.shares = {{"SL2", 1}};
  const auto client = playing(object({hot, reduce(), quiet}));
  d.run(35, power(120));
  EXPECT_TRUE(d.recommended(client).empty());
}

TEST_F(eiaf, tells_servers_that_the_plan_does_not_need_to_stand_by) {
  playing("{}");
  d.planner.servers = {{"SL2", 0}};
  d.run(32, power(120));
  EXPECT_EQ(d.eiaf.configuration("as1").desired_state, api::media_types::AsState::active);
  EXPECT_EQ(d.eiaf.configuration("as2").desired_state, api::media_types::AsState::standby);
}

TEST_F(eiaf, plans_with_players_that_tell_nothing_about_themselves) {
  playing("{}");
  d.run(2, power(120));
  const auto fleet = d.eiaf.fleet(d.now);
  const auto group = std::ranges::find(fleet.groups, session + "/", &FleetGroup::id);
  ASSERT_NE(group, fleet.groups.end());
  EXPECT_DOUBLE_EQ(group->demand_mbps, 100 + 100 - 4) << "without the one that is known";
}

TEST_F(eiaf, keeps_the_last_plan_when_there_is_none) {
  playing("{}");
  d.run(32, power(120));
  const auto revision = d.eiaf.plan().revision;
  d.planner.refuses = true;
  d.run(31, power(120));
  EXPECT_EQ(d.eiaf.plan().revision, revision);
}

TEST_F(eiaf, spreads_a_herd) {
  policy = d.policy(session, object({hot, reselect, quiet}));
  std::vector<std::string> clients;
  for (int i = 0; i < 100; ++i)
    clients.push_back(
        d.subscribe(session, policy, "s" + std::to_string(i), R"(,"serviceLocationId":"SL1")"));
  d.run(2, power(180));
  std::int64_t longest = 0;
  for (const auto& client : clients)
    for (const auto& told : d.recommended(client)) longest = std::max(longest, told.jitter_ms);
  EXPECT_GE(longest, 1900) << "no more than fifty a second";
}

}  // namespace
}  // namespace lobo::media_energy
