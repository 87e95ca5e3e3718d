// What media clients, servers and recipients see of the Energy Information AF.

#include "services/media_energy/eiaf.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/media_e5.hpp"
#include "api/media_m5.hpp"
#include "api/media_types.hpp"
#include "services/media_energy/mapping.hpp"
#include "services/media_energy/ports.hpp"
#include "support/eiaf_world.hpp"
#include "support/media_driver.hpp"
#include "wire/json/json.hpp"

namespace lobo::media_energy {
namespace {

using namespace std::chrono_literals;

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
  const auto after = std::to_string(d.eiaf.events(client, 0)->last);
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

TEST_F(eiaf, begins_anew_for_whoever_has_a_number_of_a_clock_that_was_ahead) {
  const auto client = playing(object({hot, reselect, quiet}));
  const auto kept = *d.eiaf.events(client, 0);
  ASSERT_FALSE(kept.events.empty());
  const auto ahead = *d.eiaf.events(client, kept.last + 3'600'000);
  EXPECT_EQ(ahead.events, kept.events);
  EXPECT_EQ(ahead.last, kept.last);
  EXPECT_TRUE(ahead.lost.value_or(false));
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

TEST_F(eiaf, lets_no_second_client_speak_for_a_media_session) {
  const auto client = playing("{}");
  ASSERT_NE(d.eiaf.placements().find("play-1"), nullptr);
  const auto again = R"({"provisioningSessionId":")" + session + R"(","energyPolicyId":")" +
                     policy + R"(","mediaDeliverySessionId":"play-1","serviceLocationId":"SL2"})";
  const auto refused = d.ask("POST", "/x-e5/v1/subscriptions", again, "another");
  EXPECT_EQ(refused.status, 403) << refused.body;
  EXPECT_EQ(d.blamed(refused), std::vector<std::string>{"/mediaDeliverySessionId"});
  EXPECT_EQ(d.eiaf.placements().find("play-1")->location, "SL1");
  // Its own client may: a page that was loaded again. The older one takes nothing with it.
  const auto made = d.ask("POST", "/x-e5/v1/subscriptions", again, "ue");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(d.ask("DELETE", "/x-e5/v1/subscriptions/" + client, {}, "ue").status, 204);
  EXPECT_NE(d.eiaf.placements().find("play-1"), nullptr);
  EXPECT_EQ(d.ask("DELETE", "/x-e5/v1/subscriptions/" + MediaDriver::id_of(made), {}, "ue").status,
            204);
  EXPECT_EQ(d.eiaf.placements().find("play-1"), nullptr);
}

TEST_F(eiaf, lets_no_server_speak_for_the_urls_of_another_location) {
  const auto registration = [](std::string_view location, std::string_view url) {
    return R"({"serviceLocations":[{"serviceLocationId":")" + std::string(location) +
           R"(","baseUrls":[")" + std::string(url) +
           R"("]}],"host":{"capacityMbps":1000,"idlePowerW":100,"maxPowerW":200,)"
           R"("method":"MODEL_CPU","relUncertainty":0.15}})";
  };
  const std::string at = "/x-e3/v1/application-servers/as9";
  const auto refused = d.ask("PUT", at, registration("SL2", "http://sl1.example/m4/live/"), "as9");
  EXPECT_EQ(refused.status, 409) << refused.body;
  EXPECT_EQ(d.blamed(refused), std::vector<std::string>{"/serviceLocations/0/baseUrls/0"});
  EXPECT_EQ(d.ask("PUT", at, registration("SL2", "http://new.example/"), "as9").status, 201);
  EXPECT_EQ(d.eiaf.location_below("http://new.example/a"), "SL2");
  // It may move with what is its own.
  EXPECT_EQ(d.ask("PUT", at, registration("SL1", "http://new.example/"), "as9").status, 200);
  EXPECT_EQ(d.eiaf.location_below("http://new.example/a"), "SL1");
}

TEST_F(eiaf, takes_as_many_further_bases_from_reports_as_it_says) {
  d.now += 1s;
  const auto report = [&](std::uint64_t sequence, const std::string& urls) {
    auto text = d.report_text("as2", "SL2", {}, 100, 20, 1000, sequence);
    const std::string_view before = R"("activeSessions")";
    text.insert(text.find(before), R"("baseUrls":[)" + urls + "],");
    return d.ask("POST", "/x-e3/v1/as-energy-reports", text, "as");
  };
  EXPECT_EQ(report(1, R"("http://cdn.example/x/","http://sl1.example/m4/stolen/")").status, 200);
  EXPECT_EQ(d.eiaf.location_below("http://cdn.example/x/1"), "SL2");
  EXPECT_EQ(d.eiaf.location_below("http://sl1.example/m4/stolen/1"), "SL1");
  EXPECT_EQ(d.eiaf.refused_bases(), 1U);
  for (std::uint64_t i = 2; i < 2 * reported_bases_max; ++i)
    report(i, "\"http://cdn" + std::to_string(i) + ".example/\"");
  EXPECT_TRUE(d.eiaf.location_below("http://cdn64.example/"));
  EXPECT_FALSE(d.eiaf.location_below("http://cdn100.example/"));
  // They stay when something else changes.
  d.server("as3", "SL2");
  EXPECT_EQ(d.eiaf.location_below("http://cdn.example/x/1"), "SL2");
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

TEST_F(eiaf, learns_where_a_session_is_from_the_server_that_serves_it) {
  d.run(1, power(120));
  std::uint64_t second = 2;
  const auto serves = [&](std::string_view member) {
    d.now += 1s;
    auto text = d.report_text("as2", "SL2", {}, 100.0 * static_cast<double>(second), 0,
                              1000 * second, second);
    const std::string before = R"("activeSessions")";
    text.insert(text.find(before), R"(")" + std::string(member) + R"(":["play-9"],)");
    ++second;
    const auto answer = d.ask("POST", "/x-e3/v1/as-energy-reports", text, "as");
    EXPECT_EQ(answer.status, 200) << answer.body;
  };
  serves("accessLogSessionIds");
  ASSERT_NE(d.eiaf.placements().find("play-9"), nullptr);
  EXPECT_EQ(d.eiaf.placements().find("play-9")->location, "SL2");
  EXPECT_EQ(d.eiaf.placements().find("play-9")->source, Source::access_log);
  EXPECT_TRUE(did("10g"));
  serves("cmcdSessionIds");
  EXPECT_EQ(d.eiaf.placements().find("play-9")->source, Source::cmcd);
  d.subscribe(session, d.policy(session, "{}"), "play-9", R"(,"serviceLocationId":"SL1")");
  serves("cmcdSessionIds");
  EXPECT_EQ(d.eiaf.placements().find("play-9")->location, "SL1")
      << "its collector knows better, as long as it speaks";
}

TEST_F(eiaf, sums_what_was_consumed_by_location_and_once) {
  const auto path = "/3gpp-m5/v2/consumption-reporting/" + session;
  const auto unit = [](std::string_view url, std::string_view start, int seconds) {
    return R"({"mediaConsumed":")" + std::string(url) + R"(","startTime":"2026-11-22T)" +
           std::string(start) + R"(Z","duration":)" + std::to_string(seconds) + "}";
  };
  const auto report = [](const std::string& units) {
    return R"({"mediaPlayerEntry":"http://x.example/","reportingClientId":"c1",)"
           R"("consumptionReportingUnits":[)" +
           units + "]}";
  };
  d.now += std::chrono::minutes{10};
  // Not in order, and one of nobody's.
  const auto first = report(unit("http://sl2.example/m4/b", "12:01:00", 30) + ',' +
                            unit("http://sl1.example/m4/a", "12:00:00", 60) + ',' +
                            unit("http://elsewhere.example/", "12:01:30", 600));
  EXPECT_EQ(d.ask("POST", path, first, "ue").status, 204);
  EXPECT_EQ(d.ask("POST", path, first, "ue").status, 204);
  EXPECT_EQ(d.consumed_s, (std::map<std::string, double>{{"SL1", 60}, {"SL2", 30}}));
  EXPECT_EQ(d.eiaf.placements().find("c1")->location, "SL2") << "of the newest that is known";
  // From ahead of now, and by who served it.
  d.ask("POST", path,
        report(R"({"mediaConsumed":"x","startTime":"2026-11-22T12:09:00Z","duration":86400,)"
               R"("serverEndpointAddress":{"hostname":"sl1.example","portNumber":80}})"),
        "ue");
  EXPECT_EQ(d.consumed_s.at("SL1"), 120);
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

TEST_F(eiaf, tells_newcomers_the_place_that_the_plan_has_for_them) {
  const auto one = d.policy(session, R"({"externalReference":"eco"})");
  d.planner.shares = {{"SL1", 1}};
  d.run(32, power(200, 110));
  const auto first = [&](const std::string& query) {
    const auto answer =
        d.ask("GET", "/3gpp-m5/v2/service-access-information/" + session + query, {}, "ue");
    EXPECT_EQ(answer.status, 200) << answer.body;
    const auto read = json::read<api::media_m5::ServiceAccessInformationResource>(answer.body);
    return read ? read->streaming_access->entry_points->at(0)
                      .service_locations->at(0)
                      .service_location_id
                : "";
  };
  EXPECT_EQ(first(""), "SL2") << "the one that takes less";
  EXPECT_EQ(first("?media-delivery-session-id=new"), "SL1") << "where the plan would send it";
  EXPECT_EQ(first("?media-delivery-session-id=new&energy-policy=eco"), "SL1");
  EXPECT_EQ(first("?media-delivery-session-id=new&energy-policy=" + one), "SL1");
  d.run(3, {{"as1", {.power_w = 120, .state = "DRAINING"}}, {"as2", {.power_w = 120}}});
  EXPECT_EQ(first("?media-delivery-session-id=new"), "SL2") << "the other one takes nobody new";
  const auto refused = d.ask("GET",
                             "/3gpp-m5/v2/service-access-information/" + session +
                                 "?media-delivery-session-id=" + std::string(129, 'a'),
                             {}, "ue");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(MediaDriver::blamed(refused),
            (std::vector<std::string>{"query:media-delivery-session-id"}));
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
