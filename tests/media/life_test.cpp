// The media application function over time: what survives a crash, what is told, what the planner
// of src/energy makes of a fleet.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "api/media_e5.hpp"
#include "graph/media_planner.hpp"
#include "media/world.hpp"
#include "services/media_energy/ports.hpp"
#include "support/media_driver.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;
using Driver = lobo::testing::MediaDriver;
using media_energy::FleetGroup;
using media_energy::FleetLocation;
using media_energy::FleetPath;
using media_energy::FleetState;
using media_energy::LocationState;
using media_energy::Objective;
using media_energy::PlanGroup;
using media_energy::PlanTable;
using media_energy::Settings;

const std::string watched =
    R"({"thresholds":[{"thresholdRef":"t","metric":"POWER_W","direction":"UP","crossing":150,"clear":130}],)"
    R"("reporting":{"mode":"THRESHOLD","minReportSpacing":1},"recipients":[{"type":"EIC"},)"
    R"({"type":"ASP_CALLBACK","notificationUri":"http://asp.example/n"}],)"
    R"("adaptationGuidance":[{"action":"DEFER_DOWNLOAD","triggerThresholdRef":"t"}]})";

class media_life : public ::testing::Test {
 protected:
  media_life() : session(w.session()) {
    w.ask("POST", session + "/content-hosting-configuration", Driver::hosting_text());
    w.ask("POST", session + "/energy-information-exposure", Driver::everything_exposed());
    policy = MediaWorld::id_of(w.ask("POST", session + "/energy-policies", watched));
    w.ask("PUT", "/x-e3/v1/application-servers/as1", Driver::registration("SL1"), {}, "as");
    client = "/x-e5/v1/subscriptions/" +
             MediaWorld::id_of(
                 w.ask("POST", "/x-e5/v1/subscriptions",
                       R"({"provisioningSessionId":")" + session.substr(session.rfind('/') + 1) +
                           R"(","energyPolicyId":")" + policy +
                           R"(","mediaDeliverySessionId":"m","serviceLocationId":"SL1"})",
                       {}, "ue"));
  }
  http::Response report(double watts, std::uint64_t sequence) {
    Driver text;  // Only for the words of a report.
    text.now = w.loop.now();
    return w.ask(
        "POST", "/x-e3/v1/as-energy-reports",
        text.report_text("as1", "SL1", {.power_w = watts}, 100.0 * static_cast<double>(sequence), 0,
                         1000 * sequence, sequence),
        {}, "as");
  }
  std::string events(std::uint64_t after = 0, int wait = 0) {
    const auto answer = w.ask(
        "GET", client + "/events?after=" + std::to_string(after) + "&wait=" + std::to_string(wait),
        {}, {}, "ue");
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.body;
  }
  static std::uint64_t last(const std::string& body) {
    const auto read = json::read<api::media_e5::EnergyEvents>(body);
    return read ? read->last : 0;
  }

  MediaWorld w;
  std::string session, policy, client;
};

TEST_F(media_life, a_question_waits_for_the_event_and_the_provider_is_notified) {
  EXPECT_EQ(report(180, 1).status, 200);
  const auto first = last(events());
  const auto before = w.loop.now();
  const auto body = events(first, 10);
  EXPECT_NE(body.find("THRESHOLD_CROSSED"), std::string::npos) << body;
  EXPECT_LE(w.loop.now() - before, 3s);
  w.loop.run_for(1s);
  ASSERT_EQ(w.sink.seen.size(), 1U);
  EXPECT_NE(w.sink.seen[0].body.find(R"("sequence":1)"), std::string::npos);
}

TEST_F(media_life, a_question_without_an_event_is_answered_when_its_time_is_over) {
  const auto first = last(events());
  const auto before = w.loop.now();
  EXPECT_NE(events(first, 5).find(R"("events":[])"), std::string::npos);
  EXPECT_GE(w.loop.now() - before, 5s);
  EXPECT_LE(w.loop.now() - before, 7s);
}

TEST_F(media_life, what_was_acknowledged_survives_a_crash) {
  const auto before = last(events());
  w.loop.run_for(2s);
  w.crash_and_restart();
  EXPECT_EQ(w.ask("GET", session + "/energy-policies/" + policy).status, 200);
  EXPECT_EQ(w.ask("GET", client, {}, {}, "ue").status, 200);
  EXPECT_EQ(w.ask("GET", "/x-e3/v1/application-servers/as1", {}, {}, "as").status, 200);
  // Numbers go on upwards, so that nobody takes a new event for an old one.
  const auto body = events(before);
  EXPECT_GT(last(body), before);
  EXPECT_EQ(report(180, 1).status, 200);
  w.loop.run_for(3s);
  EXPECT_NE(events(last(body)).find("DEFER_DOWNLOAD"), std::string::npos);
}

TEST_F(media_life, a_broken_promise_of_the_network_survives_a_crash) {
  w.ask(
      "PUT", session + "/energy-policies/" + policy,
      R"({"thresholds":[{"thresholdRef":"t","metric":"POWER_W","direction":"UP","crossing":150,)"
      R"("clear":130}],"reporting":{"mode":"THRESHOLD","minReportSpacing":1},"adaptationGuidance":)"
      R"([{"action":"REDUCE_MAX_BITRATE","triggerThresholdRef":"t","params":{"maxBitRate":"1 Mbps"}}]})");
  const auto shown = Driver::body_of(w.ask("GET", client, {}, {}, "ue"));
  const auto uri = std::string(*shown.find("networkNotificationUris")->find("userPlane")->text());
  const auto at = uri.substr(std::string_view("http://af.example").size());
  const auto say = [&](std::string_view event) {
    return w
        .ask("POST", at,
             R"({"transaction":"http://nef.example/1","eventReports":[{"event":")" +
                 std::string(event) + R"("}]})",
             {}, "")
        .status;
  };
  EXPECT_EQ(say("QOS_NOT_GUARANTEED"), 204);
  w.crash_and_restart();
  w.loop.run_for(3s);
  EXPECT_NE(events().find("REDUCE_MAX_BITRATE"), std::string::npos) << "nobody says it again";
  EXPECT_EQ(say("QOS_GUARANTEED"), 204);
  w.crash_and_restart();
  w.loop.run_for(3s);
  EXPECT_EQ(events().find("REDUCE_MAX_BITRATE"), std::string::npos);
}

TEST_F(media_life, a_session_that_goes_takes_its_subscriptions_along) {
  EXPECT_EQ(w.ask("DELETE", session).status, 204);
  w.loop.run_for(1s);
  EXPECT_EQ(w.ask("GET", client, {}, {}, "ue").status, 404);
}

TEST_F(media_life, reports_cost_no_commit) {
  const auto before = w.durable();
  for (std::uint64_t i = 1; i <= 20; ++i) EXPECT_EQ(report(120, i).status, 200);
  EXPECT_TRUE(before == w.durable());
}

// ---- the planner behind the port ----------------------------------------------------------------

FleetLocation location(const std::string& id, double idle_w,
                       LocationState state = LocationState::active) {
  FleetLocation out;
  out.id = id;
  out.state = state;
  out.servers = 10;
  out.server_mbps = 1000;
  out.idle_w = idle_w;
  out.max_w = idle_w + 50;
  out.carbon_g_per_kwh = 400;
  return out;
}
FleetGroup group(const std::string& id, double mbps, std::vector<FleetPath> paths) {
  FleetGroup out;
  out.id = id;
  out.sessions = static_cast<std::uint32_t>(mbps / 4);
  out.demand_mbps = mbps;
  out.latency_ms_max = 100;
  out.paths = std::move(paths);
  return out;
}

class media_planner : public ::testing::Test {
 protected:
  double share(const PlanTable& table, std::string_view of, std::string_view at) {
    for (const auto& one : table.groups)
      if (one.id == of)
        for (const auto& part : one.shares)
          if (part.location == at) return part.weight;
    return 0;
  }
  Settings settings;
  MediaPlanner planner{settings};
  Instant now{24h};
};

TEST_F(media_planner, leads_a_fleet_to_the_cheaper_place_step_by_step) {
  FleetState fleet{{location("dear", 300), location("cheap", 100)},
                   {group("g", 1000, {{0, 10, 1000, false}, {1, 10, 0, false}})}};
  double before = 0;
  for (int i = 0; i < 200; ++i) {
    const auto table = planner.plan(fleet, now);
    ASSERT_TRUE(table) << table.error().detail;
    const auto cheap = share(*table, "g", "cheap");
    EXPECT_GE(cheap, before - 1e-6);
    EXPECT_LE(cheap - before, 101)
        << "no more than a tenth of a place, or a twentieth of the demand";
    EXPECT_LT(table->gap, 0.2);
    before = cheap;
    fleet.groups[0].paths[0].current_mbps = 1000 - cheap;
    fleet.groups[0].paths[1].current_mbps = cheap;
    now += 60s;
  }
  EXPECT_NEAR(before, 1000, 1);
  EXPECT_EQ(planner.plan(fleet, now)->locations.at(1).servers, 0U) << "dear stands by";
}

TEST_F(media_planner, keeps_one_place_awake_for_the_first_of_all_and_none_more_where_somebody_is) {
  const auto nobody = group("g", 0, {{0, 10, 0, false}, {1, 10, 0, false}});
  FleetState fleet{{location("dear", 300), location("cheap", 100)}, {nobody}};
  const auto table = planner.plan(fleet, now);
  ASSERT_TRUE(table) << table.error().detail;
  EXPECT_GT(share(*table, "g", "cheap"), 0);
  EXPECT_EQ(share(*table, "g", "dear"), 0);
  EXPECT_GT(table->locations.at(0).servers, 0U) << "cheap";
  EXPECT_EQ(table->locations.at(1).servers, 0U) << "dear";
  // Others who may only use the dear place have it awake already.
  auto others = group("h", 400, {{0, 10, 400, false}});
  others.objective = Objective::carbon;
  fleet.groups.push_back(others);
  MediaPlanner fresh{settings};
  const auto both = fresh.plan(fleet, now);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->locations.at(0).servers, 0U) << "cheap is not woken for nobody";
  EXPECT_GT(both->locations.at(1).servers, 0U);
}

TEST_F(media_planner, moves_the_few_of_a_small_group_in_the_end) {
  auto few = group("g", 4, {{0, 10, 4, false}, {1, 10, 0, false}});
  few.switch_cost_j = 0;
  const FleetState fleet{{location("dear", 300), location("cheap", 100)}, {few}};
  double cheap = 0;
  // The only session hears shares that grow, although it has not moved yet.
  for (int i = 0; i < 30; ++i, now += 60s) cheap = share(*planner.plan(fleet, now), "g", "cheap");
  EXPECT_NEAR(cheap, 4, 1e-6);
}

TEST_F(media_planner, leaves_alone_who_is_where_nothing_is_known) {
  const FleetState fleet{{location("dark", 100, LocationState::unknown), location("lit", 100)},
                         {group("g", 800, {{0, 10, 500, false}, {1, 10, 300, false}})}};
  const auto table = planner.plan(fleet, now);
  ASSERT_TRUE(table) << table.error().detail;
  EXPECT_EQ(share(*table, "g", "dark"), 500);
  EXPECT_NEAR(share(*table, "g", "lit"), 300, 1e-6);
}

TEST_F(media_planner, never_goes_below_a_floor) {
  auto far = group("g", 400, {{0, 10, 400, false}, {1, 90, 0, false}});
  far.latency_ms_max = 50;
  const FleetState fleet{{location("near", 500), location("far", 10)}, {far}};
  for (int i = 0; i < 10; ++i, now += 60s) {
    const auto table = planner.plan(fleet, now);
    ASSERT_TRUE(table);
    EXPECT_EQ(share(*table, "g", "far"), 0);
  }
}

TEST_F(media_planner, gives_a_place_that_claims_the_moon_no_more_than_the_released_share) {
  auto liar = location("liar", 0.5);  // nearly nothing drawn, and ten times what it can
  liar.server_mbps = 10'000;
  liar.max_w = 0.6;
  FleetState fleet{{location("honest", 100), liar},
                   {group("g", 4000, {{0, 10, 4000, false}, {1, 10, 0, false}})}};
  const auto table = planner.plan(fleet, now);
  ASSERT_TRUE(table) << table.error().detail;
  const auto moved = share(*table, "g", "liar");
  EXPECT_GT(moved, 0);
  EXPECT_LE(moved, 4000 * settings.release_share + 1e-6);
  // It breaks down under what came, as its sessions say: nobody new is sent there.
  fleet.groups[0].paths[1].vetoed = true;
  fleet.groups[0].paths[1].current_mbps = moved;
  fleet.groups[0].paths[0].current_mbps = 4000 - moved;
  const auto after = planner.plan(fleet, now + 60s);
  ASSERT_TRUE(after);
  EXPECT_EQ(share(*after, "g", "liar"), 0);
}

TEST_F(media_planner, serves_what_it_can_of_a_policy_that_cannot_be_met_and_says_what_is_missing) {
  const auto alone = location("a", 100);
  const auto crowded = planner.plan({{alone}, {group("g", 20'000, {{0, 10, 0, false}})}}, now);
  ASSERT_TRUE(crowded) << crowded.error().detail;
  EXPECT_GT(share(*crowded, "g", "a"), 0) << "where else should they go";
  EXPECT_NEAR(crowded->groups[0].short_mbps, 20'000 - 10 * 1000 * settings.utilisation, 1);
  auto strict = group("g", 400, {{0, 10, 400, false}});
  strict.latency_ms_max = 5;
  MediaPlanner fresh{settings};
  const auto none = fresh.plan({{alone}, {strict}}, now);
  ASSERT_TRUE(none) << none.error().detail;
  EXPECT_NEAR(none->groups[0].short_mbps, 400, 1e-6);
  EXPECT_EQ(share(*none, "g", "a"), 0) << "a floor is not traded";
}

/// One provider's session is no reason to plan for nobody.
TEST_F(media_planner,
       plans_for_the_others_where_a_group_has_nowhere_to_go_or_asks_beyond_all_bounds) {
  const auto near = location("a", 100);
  auto silent = location("b", 100);
  silent.state = LocationState::unknown;
  const auto honest = group("honest", 400, {{0, 10, 400, false}});
  auto greedy = group("greedy", 1e12, {{0, 10, 0, false}});
  greedy.bit_rate_mbps_min = 9e12;
  const std::vector<FleetGroup> odd = {group("nowhere", 0, {}), group("lost", 40, {}),
                                       group("unheard", 40, {{1, 10, 40, false}}),
                                       group("to_come", 0, {{1, 10, 0, false}}), greedy};
  for (const auto& other : odd) {
    SCOPED_TRACE(other.id);
    MediaPlanner fresh{settings};
    const auto made = fresh.plan({{near, silent}, {honest, other}}, now);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_GT(share(*made, "honest", "a"), 0);
  }
}

TEST_F(media_planner, has_room_elsewhere_for_whoever_loses_a_place_and_orders_by_it) {
  std::vector<FleetPath> paths;
  FleetState fleet;
  for (std::uint32_t l = 0; l < 4; ++l) {
    fleet.locations.push_back(location("p" + std::to_string(l), 100 + 50 * l));
    paths.push_back({l, 10, 0, false});
  }
  fleet.groups.push_back(group("g", 16'000, paths));
  const auto table = planner.plan(fleet, now);
  ASSERT_TRUE(table) << table.error().detail;
  EXPECT_LE(table->failover_peak, 0.95);
  const auto& plan = table->groups[0];
  ASSERT_GE(plan.shares.size(), 2U);
  ASSERT_EQ(plan.failover.size(), plan.shares.size());
  std::map<std::string, std::map<std::string, double>> second;
  std::map<std::string, double> first;
  for (int i = 0; i < 4000; ++i) {
    const auto order = planner.order("s" + std::to_string(i), plan);
    ASSERT_GE(order.size(), 2U);
    ++first[order[0]];
    ++second[order[0]][order[1]];
  }
  for (const auto& way : plan.failover) {
    double sum = 0;
    for (const auto& to : way.to) sum += to.weight;
    for (const auto& to : way.to)
      EXPECT_NEAR(second[way.lost][to.location] / first[way.lost], to.weight / sum, 0.06)
          << way.lost << " to " << to.location;
  }
}

TEST_F(media_planner, minds_the_objective_of_each_group) {
  auto clean = location("clean", 200);
  clean.carbon_g_per_kwh = 20;
  auto thrifty = location("thrifty", 100);
  thrifty.carbon_g_per_kwh = 600;
  auto by_carbon = group("c", 500, {{0, 10, 0, false}, {1, 10, 0, false}});
  by_carbon.objective = Objective::carbon;
  const FleetState fleet{{clean, thrifty},
                         {group("e", 500, {{0, 10, 0, false}, {1, 10, 0, false}}), by_carbon}};
  const auto table = planner.plan(fleet, now);
  ASSERT_TRUE(table) << table.error().detail;
  EXPECT_GT(share(*table, "e", "thrifty"), share(*table, "e", "clean"));
  EXPECT_GT(share(*table, "c", "clean"), share(*table, "c", "thrifty"));
}

TEST_F(media_planner, orders_locations_for_a_session_the_same_way_each_time) {
  PlanGroup of{"g", {{"a", 1}, {"b", 3}}, {{"c", 1}}, 0};
  int first_b = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto order = planner.order("s" + std::to_string(i), of);
    ASSERT_EQ(order.size(), 3U);
    EXPECT_EQ(order[2], "c") << "only if the others fail";
    first_b += order[0] == "b" ? 1 : 0;
    EXPECT_EQ(order, planner.order("s" + std::to_string(i), of));
  }
  EXPECT_NEAR(first_b, 750, 60);
}

}  // namespace
}  // namespace lobo::app::testing
