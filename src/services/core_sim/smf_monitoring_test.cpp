// What the UPF measures and the gNB cannot keep becomes what the network tells.

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

constexpr std::string_view monitoring =
    R"(,"qosMonInfo":{"reqQosMonParams":["DOWNLINK","ROUND_TRIP"],)"
    R"("repFreqs":["PERIODIC","EVENT_TRIGGERED"],"repPeriod":2,"repThreshDl":15,"waitTime":5})";

/// `event` beside QOS_MONITORING.
std::string with_monitoring(std::string_view more = monitoring, std::string_view event = {}) {
  auto body = session_body("control", "10.45.0.2", more);
  const std::string_view last = R"("QOS_GUARANTEED"])";
  body.replace(body.find(last), last.size(),
               R"("QOS_GUARANTEED","QOS_MONITORING")" + std::string(event) + "]");
  return body;
}

struct Monitored : SmfLab {
  explicit Monitored(const std::string& body = with_monitoring()) {
    register_ue("ue1");
    const auto created = post_session(body);
    EXPECT_EQ(created.status, 201) << created.body;
    path = location_path(created);
    run_for(100ms);
    EXPECT_EQ(events(), Texts{"SUCCESSFUL_RESOURCES_ALLOCATION"});
  }
  /// The report of flow 2 as the UPF sends it.
  std::vector<std::byte> delay_report(std::uint32_t dl_ms, bool failed = false) {
    pfcp::QosMonitoringReport one{.qfi = {2}};
    one.measurement.failed = failed;
    if (!failed)
      one.measurement.delay = {.downlink = pfcp::Milliseconds32(dl_ms),
                               .uplink = pfcp::Milliseconds32(4),
                               .round_trip = pfcp::Milliseconds32(dl_ms + 4)};
    pfcp::SessionReport of_flow{.srr = {2}};
    EXPECT_TRUE(of_flow.reports.add(one));
    const std::array reports{of_flow};
    pfcp::SessionReportRequest request{.report_type = {pfcp::Report::session},
                                       .session_reports = {reports}};
    return upf.request(only().cp_seid, request);
  }
  void usage(std::uint64_t dl, std::uint64_t ul, std::uint32_t seconds) {
    const std::array reports{pfcp::UsageReport{
        .urr = {2},
        .triggers = {pfcp::UsageReportTrigger::periodic},
        .volume = pfcp::VolumeMeasurement{.octets = {.uplink = pfcp::OctetCount{ul},
                                                     .downlink = pfcp::OctetCount{dl}}},
        .duration = pfcp::Seconds32(seconds)}};
    say(upf.request(only().cp_seid, pfcp::SessionReportRequest{.report_type = {pfcp::Report::usage},
                                                               .usage_reports = {reports}}));
  }
  /// The first report of the last callback.
  std::string last(std::string_view pointer) {
    return sent.empty() ? "" : member(sent.back().body, "/eventReports/0" + std::string(pointer));
  }
  std::string path;
};

TEST(smf_monitoring, is_asked_of_the_upf_as_it_was_asked_of_the_network) {
  Monitored lab;
  ASSERT_EQ(lab.only().srrs.size(), 1U);
  const auto& control = lab.only().srrs.at(2).monitored[0];
  EXPECT_EQ(control.qfis[0].value, 2);
  EXPECT_EQ(control.requested, (pfcp::RequestedQosMonitoring{pfcp::MonitoredDelay::downlink,
                                                             pfcp::MonitoredDelay::round_trip}));
  EXPECT_EQ(control.frequency, (pfcp::ReportingFrequency{pfcp::Frequency::periodic,
                                                         pfcp::Frequency::event_triggered}));
  EXPECT_EQ(control.period, pfcp::Seconds32(2));
  EXPECT_EQ(control.minimum_wait, pfcp::Seconds32(5));
  EXPECT_EQ(control.thresholds->downlink, pfcp::Milliseconds32(15));
  EXPECT_FALSE(control.thresholds->uplink);
}

TEST(smf_monitoring, nothing_is_invented_where_a_upf_measures) {
  Monitored lab;
  lab.control("/ues/ue1/degrade", R"({"delayMs":500,"lossPercent":50})");
  lab.run_for(20s);
  EXPECT_EQ(lab.events(), Texts{});
}

TEST(smf_monitoring, a_report_of_the_upf_is_a_report_of_the_network_once) {
  Monitored lab;
  const auto report = lab.delay_report(17);
  lab.say(report);
  ASSERT_EQ(lab.sent.size(), 1U);
  EXPECT_EQ(lab.last("/event"), "QOS_MONITORING");
  EXPECT_EQ(lab.last("/qosMonReports/0/dlDelays/0"), "17");
  EXPECT_EQ(lab.last("/qosMonReports/0/rtDelays/0"), "21");
  EXPECT_EQ(lab.last("/qosMonReports/0/ulDelays"), "") << "it was not asked for";
  EXPECT_EQ(lab.last("/flowIds/0"), "65537");
  const auto answers = lab.upf.heard_of(pfcp::MessageType::session_report_response);
  EXPECT_EQ(answers, 1U);
  lab.say(report);
  EXPECT_EQ(lab.sent.size(), 1U) << "it came again, and is no news";
  EXPECT_EQ(lab.upf.heard_of(pfcp::MessageType::session_report_response), 2U);
}

TEST(smf_monitoring, what_cannot_be_measured_is_said) {
  Monitored lab;
  lab.say(lab.delay_report(0, true));
  EXPECT_EQ(lab.last("/qosMonReports/0/pdmf"), "true");
}

TEST(smf_monitoring, a_report_of_a_session_that_we_do_not_know_is_refused) {
  Monitored lab;
  auto report = lab.delay_report(17);
  report[4 + 7] = std::byte{0xEE};  // Its SEID.
  lab.say(report);
  EXPECT_TRUE(lab.sent.empty());
  pfcp::Remarks remarks;
  const auto view = pfcp::parse_message(lab.upf.heard.back());
  const auto answer = pfcp::read_message<pfcp::SessionReportResponse>(view, remarks);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->cause, pfcp::Cause::session_context_not_found);
}

TEST(smf_monitoring, rates_are_what_the_upf_counted) {
  Monitored lab(with_monitoring(
      R"(,"qosMonDatRate":{"reqQosMonParams":["DOWNLINK_DATA_RATE"],"repFreqs":["PERIODIC"],)"
      R"("repPeriod":3})"));
  EXPECT_EQ(lab.only().urr_periods.at(2), 3s);
  lab.usage(3'000'000, 0, 3);
  EXPECT_EQ(lab.last("/qosMonDatRateReps/0/dlDataRate"), "8 Mbps");
}

TEST(smf_monitoring, a_rate_below_its_threshold_is_told_once) {
  Monitored lab(
      with_monitoring(R"(,"qosMonDatRate":{"reqQosMonParams":["DOWNLINK_DATA_RATE"],)"
                      R"("repFreqs":["EVENT_TRIGGERED"],"repThreshDatRateDl":"5 Mbps"})"));
  lab.usage(1'000'000, 0, 1);
  EXPECT_EQ(lab.events(), Texts{});
  lab.usage(100'000, 0, 1);
  lab.usage(100'000, 0, 1);
  EXPECT_EQ(lab.events(), Texts{"QOS_MONITORING"});
  lab.usage(1'000'000, 0, 1);
  lab.usage(100'000, 0, 1);
  EXPECT_EQ(lab.events(), Texts{"QOS_MONITORING"});
}

TEST(smf_monitoring, usage_is_what_the_upf_counted) {
  Monitored lab(with_monitoring(
      std::string(monitoring) + R"(,"usageThreshold":{"totalVolume":5000})", R"(,"USAGE_REPORT")"));
  lab.run_for(5s);
  EXPECT_EQ(lab.events(), Texts{}) << "no packet has passed";
  lab.usage(3'000, 1'000, 10);
  EXPECT_EQ(lab.events(), Texts{});
  lab.usage(1'500, 0, 10);
  lab.run_for(10ms);
  ASSERT_EQ(lab.sent.size(), 1U);
  EXPECT_EQ(lab.last("/accumulatedUsage/totalVolume"), "5500");
  EXPECT_EQ(lab.last("/accumulatedUsage/downlinkVolume"), "4500");
}

TEST(smf_monitoring, ends_and_changes_with_the_request) {
  Monitored lab;
  const auto patch = [&](std::string body) {
    const auto changed =
        lab.send("PATCH", lab.path, std::move(body), "application/merge-patch+json");
    EXPECT_EQ(changed.status, 200) << changed.body;
    lab.run_for(100ms);
  };
  patch(R"({"qosMonInfo":{"repPeriod":9}})");
  EXPECT_EQ(lab.only().srrs.at(2).monitored[0].period, pfcp::Seconds32(9));
  patch(R"({"qosMonInfo":null,"events":["QOS_GUARANTEED"]})");
  EXPECT_TRUE(lab.only().srrs.empty());
  EXPECT_EQ(lab.only().pdrs.size(), 3U);
}

// ---- what a gNB says --------------------------------------------------------------------------

std::string notice(bool fulfilled, std::string_view more = {}) {
  return std::string(R"({"qfi":2,"fulfilled":)") + (fulfilled ? "true" : "false") +
         std::string(more) + "}";
}

TEST(smf_notice, of_a_gnb_that_cannot_keep_a_guarantee_becomes_an_event) {
  SmfLab lab;
  lab.register_ue("ue1");
  lab.post_session(session_body("video-hd", "10.45.0.2", R"(,"altQoSReferences":["video-sd"])"));
  lab.run_for(100ms);
  lab.events();
  const std::string path = "/ues/ue1/pdu-session/notify";
  EXPECT_EQ(lab.control(path, notice(false)).status, 204);
  lab.run_for(1ms);
  EXPECT_EQ(lab.events(), Texts{"QOS_NOT_GUARANTEED"});
  EXPECT_EQ(lab.control(path, notice(false, R"(,"alternative":0)")).status, 204);
  lab.run_for(1ms);
  EXPECT_EQ(lab.events(), Texts{"QOS_NOT_GUARANTEED video-sd"});
  EXPECT_EQ(lab.only().qers.at(3).guaranteed_bit_rate->downlink.count, 60'000U)
      << "the promise stays what it is, so that it can be kept again";
  EXPECT_EQ(lab.control(path, notice(true)).status, 204);
  EXPECT_EQ(lab.control(path, notice(true)).status, 204);
  lab.run_for(1ms);
  EXPECT_EQ(lab.events(), Texts{"QOS_GUARANTEED"}) << "once";
}

TEST(smf_notice, stands_in_the_journal_with_its_causes_before_what_follows_from_it) {
  SmfLab lab;
  lab.register_ue("ue1");
  lab.post_session(session_body("video-hd", "10.45.0.2", ""));
  lab.run_for(100ms);
  lab.send("DELETE", "/netsim-control/v1/journal");
  const std::string why =
      R"(,"causes":["GFBR","PSER"],"offeredDl":"8 Mbps","deliveredDl":"3 Mbps","sets":60,"setsFailed":31)";
  EXPECT_EQ(lab.control("/ues/ue1/pdu-session/notify", notice(false, why)).status, 204);
  lab.run_for(1ms);
  const auto page = lab.send("GET", "/netsim-control/v1/journal").body;
  const auto reason = page.find(R"(\"causes\":[\"GFBR\",\"PSER\"])");
  const auto told = page.find("QOS_NOT_GUARANTEED");
  EXPECT_NE(page.find("NotifyNetPduSession"), std::string::npos) << page;
  ASSERT_NE(reason, std::string::npos) << page;
  ASSERT_NE(told, std::string::npos) << page;
  EXPECT_LT(reason, told);
}

TEST(smf_notice, of_a_stranger_is_refused_and_not_in_the_journal) {
  SmfLab lab;
  lab.register_ue("ue1");
  auto request =
      lab.request("POST", "/netsim-control/v1/ues/ue1/pdu-session/notify", notice(false));
  request.peer = {.address = "192.0.2.1", .loopback = false, .certificate_subject = {}};
  EXPECT_EQ(lab.ask(request).response->status, 403);
  EXPECT_EQ(lab.send("GET", "/netsim-control/v1/journal").body.find("NotifyNetPduSession"),
            std::string::npos);
}

TEST(smf_notice, of_a_flow_that_is_not_there_is_refused) {
  SmfLab lab;
  EXPECT_EQ(lab.control("/ues/ue1/pdu-session/notify", notice(false)).status, 404);
  lab.register_ue("ue1");
  EXPECT_EQ(lab.control("/ues/ue1/pdu-session/notify", notice(false)).status, 404);
  EXPECT_EQ(lab.control("/ues/ue1/pdu-session/notify", R"({"qfi":64,"fulfilled":true})").status,
            400);
}

TEST(smf_notice, a_narrowed_cell_lowers_what_the_upf_has_to_keep) {
  SmfLab lab;
  lab.register_ue("ue1");
  lab.post_session(session_body("video-hd", "10.45.0.2", R"(,"altQoSReferences":["video-sd"])"));
  lab.run_for(100ms);
  lab.events();
  lab.control("/cells/cell1/capacity", R"({"capacityDl":"30 Mbps"})");
  lab.run_for(1ms);
  EXPECT_EQ(lab.events(), Texts{"QOS_NOT_GUARANTEED video-sd"});
  EXPECT_EQ(lab.only().qers.at(3).guaranteed_bit_rate->downlink.count, 20'000U);
  lab.control("/cells/cell1/capacity", R"({"capacityDl":"100 Mbps"})");
  lab.run_for(1ms);
  EXPECT_EQ(lab.events(), Texts{"QOS_GUARANTEED"});
  EXPECT_EQ(lab.only().qers.at(3).guaranteed_bit_rate->downlink.count, 60'000U);
}

}  // namespace
}  // namespace lobo::core_sim
