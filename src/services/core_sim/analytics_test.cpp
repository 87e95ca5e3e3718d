
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "services/core_sim/test_lab.hpp"

namespace lobo::core_sim {
namespace {

using namespace std::chrono_literals;

const std::string path = "/3gpp-analyticsexposure/v1/lobo/subscriptions";

std::string body(std::string_view reporting = R"({"notifMethod":"PERIODIC","repPeriod":2})",
                 std::string_view gpsi = "extid-ue1@lab.example",
                 std::string_view event = "DN_PERFORMANCE") {
  return R"({"notifUri":"http://app.example/analytics","notifId":"n1","analyEventsSubs":[{)"
         R"("analyEvent":")" +
         std::string(event) + R"(","tgtUe":{"gpsi":")" + std::string(gpsi) +
         R"("}}],"analyRepInfo":)" + std::string(reporting) + "}";
}

constexpr std::string_view loss =
    "/analyEventNotifs/0/dnPerfInfos/0/dnPerf/0/perfData/avgPacketLossRate";

TEST(analytics, tell_the_loss_of_a_ue_each_period_and_see_it_degrade) {
  Lab lab;
  const auto made = lab.send("POST", path, body());
  ASSERT_EQ(made.status, 201) << made.body;
  lab.run_for(2s);
  ASSERT_EQ(lab.sent.size(), 1U);
  EXPECT_EQ(lab.sent[0].to, "http://app.example/analytics");
  EXPECT_EQ(member(lab.sent[0].body, loss), "0");
  EXPECT_EQ(lab.control("/ues/ue1/degrade", R"({"lossPercent":2.5,"delayMs":40})").status, 200);
  lab.run_for(2s);
  ASSERT_EQ(lab.sent.size(), 2U);
  EXPECT_EQ(member(lab.sent[1].body, loss), "25");  // in tenths of a percent
  EXPECT_EQ(member(lab.sent[1].body,
                   "/analyEventNotifs/0/dnPerfInfos/0/dnPerf/0/perfData/avePacketDelay"),
            "50");
}

TEST(analytics, are_listed_read_replaced_and_deleted) {
  Lab lab;
  const auto at = location_path(lab.send("POST", path, body()));
  EXPECT_EQ(member(lab.send("GET", path).body, "/0/notifId"), "n1");
  EXPECT_EQ(lab.send("GET", at).status, 200);
  EXPECT_EQ(lab.send("PUT", at, body(R"({"notifMethod":"PERIODIC","repPeriod":5})")).status, 200);
  lab.run_for(4s);
  EXPECT_TRUE(lab.sent.empty());
  EXPECT_EQ(lab.core.counts().analytics, 1U);
  EXPECT_EQ(lab.send("DELETE", at).status, 204);
  EXPECT_EQ(lab.send("GET", at).status, 404);
  EXPECT_EQ(lab.core.counts().analytics, 0U);
  lab.run_for(10s);
  EXPECT_TRUE(lab.sent.empty());
}

TEST(analytics, end_after_so_many_reports_or_at_their_time) {
  Lab lab;
  lab.send("POST", path, body(R"({"notifMethod":"PERIODIC","repPeriod":1,"maxReportNbr":2})"));
  lab.run_for(10s);
  EXPECT_EQ(lab.sent.size(), 2U);
  EXPECT_EQ(lab.core.counts().analytics, 0U);
}

TEST(analytics, at_once_come_with_the_201) {
  Lab lab;
  const auto made =
      lab.send("POST", path, body(R"({"immRep":true,"notifMethod":"PERIODIC","repPeriod":60})"));
  EXPECT_EQ(member(made.body, "/eventNotifis/0/analyEvent"), "DN_PERFORMANCE");
}

TEST(analytics, that_the_network_cannot_serve_are_refused_by_the_name_of_the_member) {
  Lab lab;
  const auto other = lab.send(
      "POST", path,
      body(R"({"notifMethod":"PERIODIC","repPeriod":2})", "extid-ue1@lab.example", "UE_MOBILITY"));
  EXPECT_EQ(other.status, 400);
  EXPECT_EQ(member(other.body, "/invalidParams/0/param"), "/analyEventsSubs/0/analyEvent");
  const auto no_period = lab.send("POST", path, body(R"({"notifMethod":"PERIODIC"})"));
  EXPECT_EQ(member(no_period.body, "/invalidParams/0/param"), "/analyRepInfo/repPeriod");
  EXPECT_EQ(lab.send("POST", path, body(R"({"immRep":true})", "extid-nobody@lab.example")).status,
            404);
}

TEST(events_that_are_mute, are_accepted_and_never_sent) {
  auto config = lab_config();
  config.mute_events = {"DN_PERFORMANCE", "QOS_MONITORING"};
  Lab lab(config);
  EXPECT_EQ(lab.send("POST", path, body()).status, 201);
  const auto monitored = session_body("best-effort", "10.45.0.2",
                                      R"(,"qosMonInfo":{"reqQosMonParams":["DOWNLINK"],)"
                                      R"("repFreqs":["PERIODIC"],"repPeriod":1})");
  auto wanted = monitored;
  wanted.replace(wanted.find(R"("QOS_GUARANTEED")"), 16, R"("QOS_MONITORING")");
  EXPECT_EQ(lab.post_session(wanted).status, 201);
  lab.run_for(20s);
  for (const auto& one : lab.sent)
    EXPECT_EQ(member(one.body, "/eventReports/0/event"), "SUCCESSFUL_RESOURCES_ALLOCATION");
  EXPECT_EQ(lab.sent.size(), 1U);
}

}  // namespace
}  // namespace lobo::core_sim
