// The eleven parameters of a policy (TR 26.942 clause 7.13.5.1): each, when it changes, changes
// what a media client, a server or a recipient sees.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "api/media_e3.hpp"
#include "api/media_types.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/ports.hpp"
#include "support/eiaf_world.hpp"
#include "wire/json/json.hpp"

namespace lobo::media_energy {
namespace {

using namespace std::chrono_literals;

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

TEST_F(eiaf, parameter_2_holds_a_threshold_against_each_data_flow) {
  const auto text = [](std::string_view level) {
    return object({R"("monitoringScope":{"level":")" + std::string(level) + R"("})", hot, reduce(),
                   R"("reporting":{"mode":"BOTH","reportingInterval":1,"minReportSpacing":1})"});
  };
  const auto flows = [](double part) {
    return Reports{{"as1", {.power_w = 200, .flows = {{"sl1.example", part}, {"other", 0.1}}}},
                   {"as2", {.power_w = 120}}};
  };
  const auto client = playing(text("SERVICE_DATA_FLOW"));
  const auto asked = d.eiaf.configuration("as1");
  EXPECT_EQ(asked.scope, api::media_types::EnergyScope::service_data_flow);
  ASSERT_TRUE(asked.service_data_flows);
  ASSERT_EQ(asked.service_data_flows->size(), 1U);
  EXPECT_EQ(asked.service_data_flows->front().service_location_id, "SL1");
  EXPECT_EQ(asked.service_data_flows->front().domain_name, "sl1.example");
  d.run(1, flows(0.5));
  d.heard(client);
  d.run(3, flows(0.5));
  const auto heard = d.heard(client);
  ASSERT_FALSE(heard.empty());
  EXPECT_EQ(heard.back().energy_measurement_scope.level,
            api::media_types::EnergyScope::service_data_flow);
  EXPECT_NEAR(heard.back().energy_consumption_value->value, 300.0 / 3600, 1e-6);
  EXPECT_FALSE(std::ranges::any_of(heard, [](const auto& one) {
    return one.energy_adaptation_recommendation.has_value();
  })) << "half of 200 W";
  d.run(2, flows(0.9));
  EXPECT_EQ(d.recommended(client).size(), 1U);
  change(text("SERVICE_LOCATION"));
  EXPECT_EQ(d.eiaf.configuration("as1").scope, api::media_types::EnergyScope::service_location);
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
  const auto told_to_a_newcomer = [&] {
    const auto made =
        d.ask("PUT", "/x-e3/v1/application-servers/as7", MediaDriver::registration("SL1"), "as");
    EXPECT_EQ(made.status, 201) << made.body;
    d.ask("DELETE", "/x-e3/v1/application-servers/as7", {}, "as");
    return json::read<api::media_e3::ApplicationServer>(made.body)->configuration;
  };
  const auto before = configuration();
  playing(object({hot, R"("reporting":{"mode":"BOTH","reportingInterval":3,"samplingPeriod":2})"}));
  EXPECT_EQ(configuration().reporting_interval, 3);
  EXPECT_EQ(configuration().sampling_period, 2);
  EXPECT_EQ(configuration().triggers->at(0).crossing, 150);
  const auto at_once = told_to_a_newcomer();
  EXPECT_EQ(at_once.reporting_interval, 3) << "with its registration";
  EXPECT_EQ(at_once.triggers->at(0).crossing, 150);
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

TEST_F(eiaf, a_session_counts_with_no_more_than_a_session_can_take) {
  playing("{}");
  d.subscribe(session, policy, "greedy", R"(,"serviceLocationId":"SL1","bitRate":"900 Tbps")");
  d.run(1, power(120));
  const auto fleet = d.eiaf.fleet(d.now);
  const auto group = std::ranges::find(fleet.groups, session + "/" + policy, &FleetGroup::id);
  ASSERT_NE(group, fleet.groups.end());
  EXPECT_EQ(group->demand_mbps, 4 + session_mbps_max);
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

}  // namespace
}  // namespace lobo::media_energy
