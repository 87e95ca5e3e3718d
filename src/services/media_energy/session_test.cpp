
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/media_energy/ports.hpp"
#include "support/media_driver.hpp"
#include "wire/http/message.hpp"

namespace lobo::media_energy {
namespace {

using lobo::testing::MediaDriver;
using Blamed = std::vector<std::string>;

class provisioning : public ::testing::Test {
 protected:
  provisioning() : id(d.session()) {}
  std::string at(std::string_view below) const {
    return MediaDriver::session_path(id) + std::string(below);
  }
  Blamed refused(const std::string& policy) {
    const auto answer = d.ask("POST", at("/energy-policies"), policy);
    EXPECT_EQ(answer.status, 400) << answer.body;
    return MediaDriver::blamed(answer);
  }
  static std::string threshold(std::string_view ref, std::string_view direction, double crossing,
                               double clear) {
    return R"({"thresholdRef":")" + std::string(ref) + R"(","metric":"POWER_W","direction":")" +
           std::string(direction) + R"(","crossing":)" + std::to_string(crossing) + R"(,"clear":)" +
           std::to_string(clear) + "}";
  }

  MediaDriver d;
  std::string id;
};

TEST_F(provisioning, names_what_belongs_to_the_session) {
  const auto policy = d.policy(id, "{}");
  const auto metrics = MediaDriver::id_of(d.ask("POST", at("/metrics-reporting-configurations"),
                                                R"({"reportingInterval":10,"samplingPeriod":1})"));
  const auto body = MediaDriver::body_of(d.ask("GET", at("")));
  EXPECT_EQ(*body.find("energyPolicyIds")->array()->at(0).text(), policy);
  EXPECT_EQ(*body.find("metricsReportingConfigurationIds")->array()->at(0).text(), metrics);
  EXPECT_EQ(*body.find("appId")->text(), "app-1");
}

TEST_F(provisioning, keeps_members_that_it_does_not_know) {
  const auto policy = d.policy(id, R"({"externalReference":"eco","x-later":{"a":[1,2.50]}})");
  const auto path = at("/energy-policies/") + policy;
  EXPECT_NE(d.ask("GET", path).body.find(R"("x-later":{"a":[1,2.50]})"), std::string::npos);
  d.ask("PATCH", path, R"({"reportValidityTime":60})");
  const auto after = d.ask("GET", path).body;
  EXPECT_NE(after.find(R"("x-later":{"a":[1,2.50]})"), std::string::npos);
  EXPECT_NE(after.find(R"("reportValidityTime":60)"), std::string::npos);
  EXPECT_NE(d.ask("GET", at("/energy-policies")).body.find("x-later"), std::string::npos);
}

TEST_F(provisioning, is_changed_by_the_operations_of_a_json_patch_or_not_at_all) {
  const auto path =
      at("/energy-policies/") + d.policy(id, R"({"reportValidityTime":60,"x-later":[1,2.50]})");
  const auto patch = [&](std::string operations) {
    http::Request request;
    request.method = "PATCH";
    request.target = path;
    request.headers.add("content-type", "application/json-patch+json");
    request.body = std::move(operations);
    return d.ask(std::move(request), "asp");
  };
  const auto done = patch(R"([{"op":"test","path":"/reportValidityTime","value":60},)"
                          R"({"op":"replace","path":"/reportValidityTime","value":90},)"
                          R"({"op":"add","path":"/x-later/-","value":3}])");
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_NE(done.body.find(R"("reportValidityTime":90,"x-later":[1,2.50,3])"), std::string::npos)
      << done.body;
  const auto untrue = patch(R"([{"op":"remove","path":"/x-later"},)"
                            R"({"op":"test","path":"/reportValidityTime","value":60}])");
  EXPECT_EQ(untrue.status, 409);
  EXPECT_EQ(MediaDriver::blamed(untrue), (std::vector<std::string>{"/1/value"}));
  const auto unfit = patch(R"([{"op":"replace","path":"/reportValidityTime","value":-1}])");
  EXPECT_EQ(unfit.status, 400);
  EXPECT_EQ(MediaDriver::blamed(unfit), (std::vector<std::string>{"/reportValidityTime"}));
  EXPECT_EQ(patch(R"({"reportValidityTime":70})").status, 400) << "that is a merge patch";
  EXPECT_NE(d.ask("GET", path).body.find(R"("reportValidityTime":90,"x-later":[1,2.50,3])"),
            std::string::npos);
}

TEST_F(provisioning, is_changed_replaced_and_taken_away_part_by_part) {
  const std::pair<std::string_view, std::string> parts[] = {
      {"/content-hosting-configuration", MediaDriver::hosting_text()},
      {"/consumption-reporting-configuration", R"({"reportingInterval":5})"},
      {"/energy-information-exposure", MediaDriver::everything_exposed()}};
  for (const auto& [below, text] : parts) {
    SCOPED_TRACE(std::string(below));
    EXPECT_EQ(d.ask("GET", at(below)).status, 404);
    EXPECT_EQ(d.ask("PUT", at(below), text).status, 404);
    EXPECT_EQ(d.ask("POST", at(below), text).status, 201);
    EXPECT_EQ(d.ask("POST", at(below), text).status, 409);
    EXPECT_EQ(d.ask("PUT", at(below), text).status, 204);
    EXPECT_EQ(d.ask("PATCH", at(below), R"({"x-new":1})").status, 200);
    EXPECT_NE(d.ask("GET", at(below)).body.find("x-new"), std::string::npos);
    EXPECT_EQ(d.ask("DELETE", at(below)).status, 204);
    EXPECT_EQ(d.ask("GET", at(below)).status, 404);
  }
}

TEST_F(provisioning, of_a_kind_that_is_not_served_is_refused_by_its_member) {
  const auto of_type = [&](const std::string& type) {
    return d.ask("POST", "/3gpp-m1/v2/provisioning-sessions",
                 R"({"provisioningSessionType":")" + type + R"(","appId":"app"})");
  };
  for (const auto* type : {"DOWNLINK", "UPLINK", "RTC"}) EXPECT_EQ(of_type(type).status, 201);
  const auto answer = of_type("SIDEWAYS");
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find(R"("param":"/provisioningSessionType")"), std::string::npos)
      << answer.body;
}

TEST_F(provisioning, of_somebody_else_is_not_seen) {
  const auto policy = d.policy(id, "{}");
  for (const auto* method : {"GET", "DELETE"})
    for (const auto& path : {at(""), at("/energy-policies/") + policy})
      EXPECT_EQ(d.ask(method, path, {}, "other").status, 404) << method << ' ' << path;
  EXPECT_EQ(d.ask("POST", at("/energy-policies"), "{}", "other").status, 404);
}

TEST_F(provisioning, ends_with_all_that_belongs_to_it) {
  d.policy(id, "{}");
  EXPECT_EQ(d.ask("DELETE", at("")).status, 204);
  EXPECT_EQ(d.ask("GET", at("/energy-policies")).status, 404);
  EXPECT_TRUE(d.records.all.empty());
}

TEST_F(provisioning, has_a_bound_on_policies) {
  for (std::size_t i = 0; i < policies_max; ++i) d.policy(id, "{}");
  EXPECT_EQ(d.ask("POST", at("/energy-policies"), "{}").status, 429);
}

// ---- rules between members ----------------------------------------------------------------------

TEST_F(provisioning, wants_the_clearing_value_on_the_safe_side_of_the_crossing_one) {
  EXPECT_EQ(refused(R"({"thresholds":[)" + threshold("a", "UP", 100, 100) + "]}"),
            Blamed{"/thresholds/0/clear"});
  EXPECT_EQ(refused(R"({"thresholds":[)" + threshold("a", "DOWN", 100, 99) + "]}"),
            Blamed{"/thresholds/0/clear"});
  d.policy(id, R"({"thresholds":[)" + threshold("a", "UP", 100, 90) + ',' +
                   threshold("b", "DOWN", 100, 110) + "]}");
}

TEST_F(provisioning, wants_ratios_that_can_be_crossed_and_cleared) {
  EXPECT_EQ(refused(R"({"thresholds":[{"thresholdRef":"r","metric":"RENEWABLE_RATIO",)"
                    R"("direction":"DOWN","crossing":0.5,"clear":1.5}]})"),
            Blamed{"/thresholds/0/clear"});
}

TEST_F(provisioning, wants_a_validity_of_at_least_one_reporting_interval) {
  EXPECT_EQ(
      refused(R"({"reporting":{"mode":"BOTH","reportingInterval":20},"reportValidityTime":19})"),
      Blamed{"/reportValidityTime"});
  EXPECT_EQ(refused(R"({"reportValidityTime":9})"), Blamed{"/reportValidityTime"});
  EXPECT_EQ(refused(R"({"reporting":{"mode":"BOTH","reportingInterval":5,"samplingPeriod":6}})"),
            Blamed{"/reporting/samplingPeriod"});
}

TEST_F(provisioning, refuses_intervals_of_zero_and_below) {
  for (const auto* value : {"0", "-1"})
    for (const auto* member : {"reportingInterval", "samplingPeriod", "minReportSpacing"})
      EXPECT_EQ(refused(R"({"reporting":{"mode":"PERIODIC",")" + std::string(member) +
                        "\":" + value + "}}"),
                Blamed{"/reporting/" + std::string(member)});
}

TEST_F(provisioning, wants_every_reference_to_resolve) {
  EXPECT_EQ(refused(R"({"adaptationGuidance":[{"action":"NONE","triggerThresholdRef":"x"}],)"
                    R"("suspensionPolicy":{"conditions":["x"],"target":"SESSION","maxDuration":9},)"
                    R"("recoveryPolicy":{"conditions":["x"],"rampSessionsPerSecond":1}})"),
            (Blamed{"/adaptationGuidance/0/triggerThresholdRef", "/suspensionPolicy/conditions/0",
                    "/recoveryPolicy/conditions/0"}));
  EXPECT_EQ(refused(R"({"thresholds":[)" + threshold("a", "UP", 2, 1) + ',' +
                    threshold("a", "UP", 3, 1) + "]}"),
            Blamed{"/thresholds/1/thresholdRef"});
}

TEST_F(provisioning, wants_actions_to_say_what_they_need) {
  const std::string head = R"({"thresholds":[)" + threshold("a", "UP", 2, 1) +
                           R"(],"adaptationGuidance":[{"triggerThresholdRef":"a","action":")";
  const std::pair<std::string_view, std::string_view> needs[] = {
      {"REDUCE_MAX_BITRATE", "/adaptationGuidance/0/params/maxBitRate"},
      {"REDUCE_MAX_RESOLUTION", "/adaptationGuidance/0/params/maxHeight"},
      {"PREFER_CODEC", "/adaptationGuidance/0/params/codecs"},
      {"DROP_COMPONENT", "/adaptationGuidance/0/params/componentTypes"},
      {"SUSPEND_SESSION", "/adaptationGuidance/0/action"},
      {"RESUME", "/adaptationGuidance/0/action"}};
  for (const auto& [action, where] : needs)
    EXPECT_EQ(refused(head + std::string(action) + R"("}]})"), Blamed{std::string(where)});
}

TEST_F(provisioning, refuses_a_floor_that_nobody_can_meet_or_guidance_goes_below) {
  d.host(id);
  EXPECT_EQ(refused(R"({"serviceEnergyProfile":{"qoeFloor":{"maxLatencyMs":9}}})"),
            Blamed{"/serviceEnergyProfile/qoeFloor/maxLatencyMs"});
  EXPECT_EQ(refused(R"({"serviceEnergyProfile":{"qoeFloor":{"minBitRate":"900 Gbps"}}})"),
            Blamed{"/serviceEnergyProfile/qoeFloor/minBitRate"});
  EXPECT_EQ(refused(R"({"thresholds":[)" + threshold("a", "UP", 2, 1) +
                    R"(],"adaptationGuidance":[{"triggerThresholdRef":"a","action":)"
                    R"("REDUCE_MAX_BITRATE","params":{"maxBitRate":"1 Mbps"}}],)"
                    R"("serviceEnergyProfile":{"qoeFloor":{"minBitRate":"2 Mbps"}}})"),
            Blamed{"/adaptationGuidance/0/params/maxBitRate"});
  d.policy(id, R"({"serviceEnergyProfile":{"qoeFloor":{"maxLatencyMs":15}}})");
  // And no other locations that would make the policy impossible.
  auto far = MediaDriver::hosting_text();
  far.replace(far.find("SL1"), 3, "SL3");
  const auto answer = d.ask("PUT", at("/content-hosting-configuration"), far);
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(MediaDriver::blamed(answer), Blamed{"/distributionConfigurations"});
}

TEST_F(provisioning, wants_budget_segments_without_a_gap) {
  EXPECT_EQ(refused(R"({"energyBudget":{"period":60,"segments":[{"lowerWh":1,"upperWh":5,)"
                    R"("action":"NONE"},{"lowerWh":6,"action":"NONE"}]}})"),
            (Blamed{"/energyBudget/segments/0/lowerWh", "/energyBudget/segments/1/lowerWh"}));
  EXPECT_EQ(refused(R"({"energyBudget":{"period":60,"segments":[{"lowerWh":0,"action":"NONE"},)"
                    R"({"lowerWh":0,"action":"NONE"}]}})"),
            Blamed{"/energyBudget/segments/0/upperWh"});
}

TEST_F(provisioning, notifies_only_where_it_may) {
  EXPECT_EQ(refused(R"({"recipients":[{"type":"ASP_CALLBACK"},)"
                    R"({"type":"OAM","notificationUri":"http://127.0.0.1/x"},)"
                    R"({"type":"EIC","notificationUri":"http://asp.example/x"}]})"),
            (Blamed{"/recipients/0/notificationUri", "/recipients/1/notificationUri",
                    "/recipients/2/notificationUri"}));
}

TEST_F(provisioning, says_what_it_cannot_meter) {
  EXPECT_EQ(refused(R"({"monitoringScope":{"level":"SERVICE_DATA_FLOW","dnn":"internet",)"
                    R"("sliceInfo":{"sst":1},"locations":["SL9"]}})"),
            (Blamed{"/monitoringScope/sliceInfo", "/monitoringScope/dnn",
                    "/monitoringScope/locations/0"}));
}

TEST_F(provisioning, wants_locations_of_the_operator_and_where_they_serve) {
  const auto answer = d.ask("POST", at("/content-hosting-configuration"),
                            R"({"name":"n","ingestConfiguration":{},"distributionConfigurations":[)"
                            R"({"serviceLocationId":"SL9","baseURL":"http://a.example/"},)"
                            R"({"serviceLocationId":"SL1"},{"baseURL":"ftp://a.example/"}]})");
  EXPECT_EQ(answer.status, 400) << answer.body;
  EXPECT_EQ(MediaDriver::blamed(answer), (Blamed{"/distributionConfigurations/0/serviceLocationId",
                                                 "/distributionConfigurations/1/baseURL",
                                                 "/distributionConfigurations/2/baseURL"}));
}

TEST_F(provisioning, knows_a_policy_by_one_external_reference_only) {
  d.policy(id, R"({"externalReference":"eco"})");
  EXPECT_EQ(refused(R"({"externalReference":"eco"})"), Blamed{"/externalReference"});
}

}  // namespace
}  // namespace lobo::media_energy
