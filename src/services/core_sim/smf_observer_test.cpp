// Who asks for nothing but measurements of a UE has no flow, and is told of all its packets.

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/core_sim/smf_flow.hpp"
#include "services/core_sim/smf_rules.hpp"
#include "services/core_sim/test_lab.hpp"
#include "services/core_sim/test_upf.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::core_sim {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;
using Measured = std::pair<std::uint8_t, std::uint32_t>;  ///< QFI, ms

constexpr std::string_view of_delay =
    R"("qosMonInfo":{"reqQosMonParams":["DOWNLINK"],"repFreqs":["PERIODIC"],"repPeriod":2})";
constexpr std::string_view of_rate = R"("qosMonDatRate":{"reqQosMonParams":["DOWNLINK_DATA_RATE"],)"
                                     R"("repFreqs":["PERIODIC"],"repPeriod":3})";

struct ObserverLab : SmfLab {
  ObserverLab() { register_ue("ue1"); }
  std::string add(const std::string& body) {
    const auto made = post_session(body);
    EXPECT_EQ(made.status, 201) << made.body;
    run_for(100ms);
    return location_path(made);
  }
  bool is_watched() const { return only().srrs.contains(session_srr.value); }
  std::vector<int> watched() const {
    std::vector<int> all;
    if (!is_watched()) return all;
    for (const auto qfi : only().srrs.at(session_srr.value).monitored[0].qfis)
      all.push_back(qfi.value);
    return all;
  }
  std::chrono::seconds usage_period() const { return only().urr_periods.at(session_urr.value); }
  void measure(std::initializer_list<Measured> all) {
    pfcp::SessionReport of_session{.srr = session_srr};
    for (const auto& [qfi, ms] : all) {
      pfcp::QosMonitoringReport one{.qfi = {qfi}};
      one.measurement.failed = ms == 0;
      if (ms > 0) one.measurement.delay.downlink = pfcp::Milliseconds32(ms);
      EXPECT_TRUE(of_session.reports.add(one));
    }
    const std::array reports{of_session};
    say(upf.request(only().cp_seid,
                    pfcp::SessionReportRequest{.report_type = {pfcp::Report::session},
                                               .session_reports = {reports}}));
  }
  void count(pfcp::UrrId urr, std::uint64_t octets, std::uint32_t seconds) {
    const std::array reports{pfcp::UsageReport{
        .urr = urr,
        .triggers = {pfcp::UsageReportTrigger::periodic},
        .volume = pfcp::VolumeMeasurement{.octets = {.uplink = pfcp::OctetCount{0},
                                                     .downlink = pfcp::OctetCount{octets}}},
        .duration = pfcp::Seconds32(seconds)}};
    say(upf.request(only().cp_seid, pfcp::SessionReportRequest{.report_type = {pfcp::Report::usage},
                                                               .usage_reports = {reports}}));
  }
  std::string last(std::string_view pointer) {
    return sent.empty() ? "" : member(sent.back().body, "/eventReports/0" + std::string(pointer));
  }
};

TEST(smf_observer, has_no_flow_of_its_own_and_the_flows_of_the_ue_are_watched) {
  ObserverLab lab;
  const auto path = lab.add(observer_body());
  EXPECT_EQ(lab.events(), Texts{"SUCCESSFUL_RESOURCES_ALLOCATION"});
  EXPECT_EQ(lab.only().pdrs.size(), 2U);
  EXPECT_EQ(lab.watched(), std::vector<int>{1});
  const auto flow = lab.add(session_body("control", "10.45.0.2", ""));
  EXPECT_EQ(lab.watched(), (std::vector{1, 2}));
  EXPECT_EQ(lab.send("DELETE", flow).status, 204);
  lab.run_for(100ms);
  EXPECT_EQ(lab.watched(), std::vector<int>{1});
  EXPECT_EQ(lab.send("DELETE", path).status, 204);
  lab.run_for(100ms);
  EXPECT_FALSE(lab.is_watched());
}

TEST(smf_observer, of_one_thing_leaves_packets_to_the_observer_of_another) {
  ObserverLab lab;
  const auto rate = lab.add(observer_body(of_rate));
  lab.add(observer_body());
  EXPECT_EQ(lab.only().pdrs.size(), 2U);
  EXPECT_EQ(lab.usage_period(), 3s);
  lab.sent.clear();
  lab.count(session_urr, 3'000'000, 3);
  EXPECT_EQ(lab.last("/qosMonDatRateReps/0/dlDataRate"), "8 Mbps");
  lab.measure({{1, 17}});
  EXPECT_EQ(lab.last("/qosMonReports/0/dlDelays/0"), "17");
  EXPECT_EQ(lab.sent.size(), 2U);
  lab.send("DELETE", rate);
  lab.run_for(100ms);
  EXPECT_EQ(lab.usage_period(), usage_period_default);
}

TEST(smf_observer, is_told_of_every_flow_that_carried_something) {
  ObserverLab lab;
  lab.add(observer_body());
  lab.sent.clear();
  lab.measure({{1, 0}, {2, 30}, {3, 12}});
  EXPECT_EQ(lab.last("/qosMonReports/0/dlDelays/0"), "30");
  EXPECT_EQ(lab.last("/qosMonReports/0/dlDelays/1"), "12");
  EXPECT_EQ(lab.last("/qosMonReports/0/pdmf"), "");
  lab.measure({{1, 0}, {2, 0}});
  EXPECT_EQ(lab.last("/qosMonReports/0/pdmf"), "true");
  EXPECT_EQ(lab.last("/qosMonReports/0/dlDelays"), "");
  EXPECT_EQ(lab.sent.size(), 2U);
}

TEST(smf_observer, who_wants_more_than_default_traffic_has_is_given_a_flow) {
  for (const auto* figures : {R"("req5Gsdelay":20)", R"("req5Gsdelay":300,"reqMbrDl":"5 Mbps")",
                              R"("req5Gsdelay":300,"reqGbrDl":"1 Mbps","reqGbrUl":"1 Mbps")"}) {
    ObserverLab lab;
    lab.add(observer_body(of_delay, figures));
    EXPECT_EQ(lab.only().pdrs.size(), 4U) << figures;
    EXPECT_FALSE(lab.is_watched()) << figures;
  }
}

TEST(smf_observer, that_the_upf_refuses_has_failed_and_is_not_asked_again) {
  ObserverLab lab;
  lab.upf.refuse_modifications = pfcp::Cause::no_resources_available;
  lab.add(observer_body());
  EXPECT_EQ(lab.events(), Texts{"FAILED_RESOURCES_ALLOCATION"});
  const auto asked = lab.upf.heard_of(pfcp::MessageType::session_modification_request);
  lab.run_for(10s);
  EXPECT_EQ(lab.upf.heard_of(pfcp::MessageType::session_modification_request), asked);
  EXPECT_EQ(lab.upf.sessions.size(), 1U);
}

TEST(smf_observer, watches_again_when_a_lost_upf_is_back) {
  ObserverLab lab;
  lab.add(observer_body());
  lab.upf.restart();
  lab.run_for(30s);
  ASSERT_EQ(lab.upf.sessions.size(), 1U);
  EXPECT_EQ(lab.watched(), std::vector<int>{1});
  lab.sent.clear();
  lab.measure({{1, 17}});
  EXPECT_EQ(lab.last("/qosMonReports/0/dlDelays/0"), "17");
}

TEST(smf_observer, becomes_a_flow_and_an_observer_again_as_it_is_changed) {
  ObserverLab lab;
  const auto path = lab.add(observer_body());
  const auto patch = [&](std::string_view figures) {
    const auto done = lab.send("PATCH", path, R"({"tscQosReq":{)" + std::string(figures) + "}}",
                               "application/merge-patch+json");
    EXPECT_EQ(done.status, 200) << done.body;
    lab.run_for(100ms);
  };
  patch(R"("req5Gsdelay":20)");
  EXPECT_EQ(lab.only().pdrs.size(), 4U);
  EXPECT_FALSE(lab.is_watched());
  patch(R"("req5Gsdelay":300)");
  EXPECT_EQ(lab.only().pdrs.size(), 2U);
  EXPECT_EQ(lab.watched(), std::vector<int>{1});
}

// ---- what gNBs count --------------------------------------------------------------------------

constexpr std::string_view analytics = "/3gpp-analyticsexposure/v1/lobo/subscriptions";
constexpr std::string_view figures = "/analyEventNotifs/0/dnPerfInfos/0/dnPerf/0/perfData/";

struct CountedLab : ObserverLab {
  CountedLab() {
    const auto made =
        send("POST", std::string(analytics),
             R"({"notifUri":"http://app.example/analytics","notifId":"n1","analyEventsSubs":[{)"
             R"("analyEvent":"DN_PERFORMANCE","tgtUe":{"gpsi":"extid-ue1@lab.example"}}],)"
             R"("analyRepInfo":{"notifMethod":"PERIODIC","repPeriod":2}})");
    EXPECT_EQ(made.status, 201) << made.body;
  }
  void counted(int delivered, int lost, int octets, int delay_us) {
    const auto done =
        control("/ues/ue1/pdu-session/measurements",
                R"({"deliveredDl":)" + std::to_string(delivered) + R"(,"lostDl":)" +
                    std::to_string(lost) + R"(,"octetsDl":)" + std::to_string(octets) +
                    R"(,"delayDl":)" + std::to_string(delay_us) + "}");
    EXPECT_EQ(done.status, 204) << done.body;
  }
  std::string told(std::string_view member_name) {
    return sent.empty() ? ""
                        : member(sent.back().body, std::string(figures) + std::string(member_name));
  }
};

TEST(analytics_of_a_gnb, tell_what_became_of_packets_and_nothing_where_there_were_none) {
  CountedLab lab;
  lab.control("/ues/ue1/degrade", R"({"lossPercent":50,"delayMs":400})");
  lab.run_for(4s);
  EXPECT_TRUE(lab.sent.empty()) << "no packet, no loss";
  lab.counted(900, 100, 1'000'000, 900 * 25'000);
  lab.counted(900, 100, 1'000'000, 900 * 25'000);
  lab.run_for(2s);
  ASSERT_EQ(lab.sent.size(), 1U);
  EXPECT_EQ(lab.told("avgPacketLossRate"), "100") << "tenths of a percent";
  EXPECT_EQ(lab.told("avePacketDelay"), "25");
  EXPECT_EQ(lab.sent[0].simulated, "netsim; user-plane=enforced");
  lab.counted(1'900, 100, 2'000'000, 1'900 * 25'000);
  lab.run_for(2s);
  ASSERT_EQ(lab.sent.size(), 2U);
  EXPECT_EQ(lab.told("avgPacketLossRate"), "0");
  EXPECT_EQ(lab.told("avgTrafficRate"), "4 Mbps");
}

TEST(analytics_of_a_gnb, go_on_where_the_gnb_begins_anew) {
  CountedLab lab;
  lab.counted(1'000, 0, 1'000'000, 1'000);
  lab.run_for(2s);
  lab.counted(50, 50, 50'000, 1'000);
  lab.run_for(2s);
  EXPECT_EQ(lab.told("avgPacketLossRate"), "500");
  lab.register_ue("ue1", 0x200);
  lab.counted(60, 140, 60'000, 1'000);
  lab.run_for(2s);
  EXPECT_EQ(lab.told("avgPacketLossRate"), "700") << "another tunnel, counted from nothing";
}

TEST(analytics_of_a_gnb, take_no_counters_of_a_ue_that_is_not_there) {
  SmfLab lab;
  const std::string body = R"({"deliveredDl":1,"lostDl":0,"octetsDl":1,"delayDl":1})";
  EXPECT_EQ(lab.control("/ues/ue1/pdu-session/measurements", body).status, 404);
  lab.register_ue("ue1");
  EXPECT_EQ(lab.control("/ues/ue1/pdu-session/measurements", R"({"deliveredDl":-1})").status, 400);
  EXPECT_EQ(lab.control("/ues/ue1/pdu-session/measurements", body).status, 204);
}

}  // namespace
}  // namespace lobo::core_sim
