
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/core_sim/test_lab.hpp"
#include "wire/json/value.hpp"

namespace lobo::core_sim {
namespace {

using namespace std::chrono_literals;

const std::string path = "/3gpp-monitoring-event/v1/lobo/subscriptions";

std::string watch_body(std::string_view type,
                       std::string_view more = R"("maximumNumberOfReports":9)") {
  return R"({"notificationDestination":"http://app.example/watch","externalId":"ue1@lab.example",)"
         R"("monitoringType":")" +
         std::string(type) + "\"," + std::string(more) + "}";
}

TEST(monitoring_event, the_present_addresses_come_with_the_201_when_asked_for_at_once) {
  Lab lab;
  const auto made = lab.send(
      "POST", path,
      watch_body("PDN_CONNECTIVITY_STATUS", R"("maximumNumberOfReports":5,"immediateRep":true)"));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(member(made.body, "/monitoringEventReport/pdnConnInfoList/0/status"), "CREATED");
  EXPECT_EQ(member(made.body, "/monitoringEventReport/pdnConnInfoList/0/ipv4Addr"), "10.45.0.2");
  EXPECT_EQ(member(made.body, "/monitoringEventReport/pdnConnInfoList/0/ipv6Addrs/0"),
            "2001:db8::2");
  EXPECT_EQ(member(made.body, "/self"), made.headers.find("location"));
  const auto read = lab.send("GET", location_path(made));
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(member(read.body, "/monitoringEventReport"), "");
}

TEST(monitoring_event, one_report_at_once_needs_no_subscription) {
  Lab lab;
  const auto answer = lab.send(
      "POST", path,
      watch_body("PDN_CONNECTIVITY_STATUS", R"("maximumNumberOfReports":1,"immediateRep":true)"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(member(answer.body, "/pdnConnInfoList/0/ipv4Addr"), "10.45.0.2");
  EXPECT_EQ(lab.core.counts().watches, 0U);
  const auto place =
      lab.send("POST", path, watch_body("LOCATION_REPORTING", R"("maximumNumberOfReports":1)"));
  EXPECT_EQ(place.status, 200);
  EXPECT_EQ(member(place.body, "/locationInfo/cellId"), "cell1");
}

TEST(monitoring_event, a_new_address_is_told_with_the_old_one_gone) {
  Lab lab;
  const auto made = lab.send("POST", path, watch_body("PDN_CONNECTIVITY_STATUS"));
  lab.control("/ues/ue1/address", R"({"ipv4Addr":"10.45.0.77"})");
  lab.run_for(1s);
  ASSERT_EQ(lab.sent.size(), 1U);
  const auto& body = lab.sent[0].body;
  EXPECT_EQ(lab.sent[0].to, "http://app.example/watch");
  EXPECT_EQ(member(body, "/subscription"), made.headers.find("location"));
  EXPECT_EQ(member(body, "/monitoringEventReports/0/pdnConnInfoList/0/status"), "RELEASED");
  EXPECT_EQ(member(body, "/monitoringEventReports/0/pdnConnInfoList/0/ipv4Addr"), "10.45.0.2");
  EXPECT_EQ(member(body, "/monitoringEventReports/1/pdnConnInfoList/0/status"), "CREATED");
  EXPECT_EQ(member(body, "/monitoringEventReports/1/pdnConnInfoList/0/ipv4Addr"), "10.45.0.77");
}

TEST(monitoring_event, loss_and_return_of_a_ue_are_told_to_those_who_watch_for_it) {
  Lab lab;
  lab.send("POST", path, watch_body("LOSS_OF_CONNECTIVITY"));
  lab.send(
      "POST", path,
      watch_body("UE_REACHABILITY", R"("maximumNumberOfReports":9,"reachabilityType":"DATA")"));
  lab.control("/ues/ue1/detach");
  lab.run_for(1s);
  ASSERT_EQ(lab.sent.size(), 1U);
  EXPECT_EQ(member(lab.sent[0].body, "/monitoringEventReports/0/monitoringType"),
            "LOSS_OF_CONNECTIVITY");
  lab.control("/ues/ue1/attach");
  lab.run_for(1s);
  ASSERT_EQ(lab.sent.size(), 2U);
  EXPECT_EQ(member(lab.sent[1].body, "/monitoringEventReports/0/reachabilityType"), "DATA");
}

TEST(monitoring_event, a_handover_is_told_and_the_last_report_ends_the_subscription) {
  Lab lab;
  const auto made =
      lab.send("POST", path, watch_body("LOCATION_REPORTING", R"("maximumNumberOfReports":2)"));
  ASSERT_EQ(made.status, 201);
  for (const auto* cell : {R"({"cell":"cell2"})", R"({"cell":"cell1"})", R"({"cell":"cell2"})"})
    lab.control("/ues/ue1/move", cell);
  lab.run_for(1s);
  ASSERT_EQ(lab.sent.size(), 2U);
  EXPECT_EQ(member(lab.sent[0].body, "/monitoringEventReports/0/locationInfo/cellId"), "cell2");
  EXPECT_EQ(lab.send("GET", location_path(made)).status, 404);
}

TEST(monitoring_event, an_expired_subscription_is_gone) {
  Lab lab;
  const auto made = lab.send(
      "POST", path,
      watch_body("PDN_CONNECTIVITY_STATUS", R"("monitorExpireTime":"2026-01-01T00:00:00Z")"));
  ASSERT_EQ(made.status, 201) << made.body;
  lab.run_for(24h * 366);
  EXPECT_EQ(lab.send("GET", location_path(made)).status, 404);
  const auto late = lab.send(
      "POST", path,
      watch_body("PDN_CONNECTIVITY_STATUS", R"("monitorExpireTime":"2026-01-01T00:00:00Z")"));
  EXPECT_EQ(late.status, 400);
}

TEST(monitoring_event, list_put_and_delete_work_and_patch_is_no_method) {
  Lab lab;
  const auto made = lab.send("POST", path, watch_body("PDN_CONNECTIVITY_STATUS"));
  EXPECT_EQ(json::parse(lab.send("GET", path).body)->array()->size(), 1U);
  const auto self = location_path(made);
  EXPECT_EQ(
      lab.send("PUT", self, watch_body("PDN_CONNECTIVITY_STATUS", R"("maximumNumberOfReports":3)"))
          .status,
      200);
  EXPECT_EQ(lab.send("PUT", self, watch_body("LOSS_OF_CONNECTIVITY")).status, 400);
  EXPECT_EQ(lab.send("PATCH", self, "[]", "application/json-patch+json").status, 405);
  EXPECT_EQ(lab.send("DELETE", self).status, 204);
  EXPECT_EQ(lab.send("DELETE", self).status, 404);
}

TEST(monitoring_event, what_does_not_fit_together_is_refused_with_its_member) {
  Lab lab;
  const std::vector<std::pair<std::string, std::string>> bad{
      {watch_body("ROAMING_STATUS"), "/monitoringType"},
      {watch_body("SOMETHING_NEW"), "/monitoringType"},
      {watch_body("UE_REACHABILITY"), "/reachabilityType"},
      {watch_body("LOSS_OF_CONNECTIVITY", R"("maximumNumberOfReports":1,"msisdn":"15551230001")"),
       "/externalId"},
      {watch_body("LOSS_OF_CONNECTIVITY", R"("maximumNumberOfReports":0)"),
       "/maximumNumberOfReports"},
      {R"({"monitoringType":"LOSS_OF_CONNECTIVITY","maximumNumberOfReports":1})",
       "/notificationDestination"}};
  for (const auto& [body, where] : bad) {
    const auto answer = lab.send("POST", path, body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(member(answer.body, "/invalidParams/0/param"), where) << answer.body;
  }
  EXPECT_EQ(lab.core.counts().watches, 0U);
}

}  // namespace
}  // namespace lobo::core_sim
