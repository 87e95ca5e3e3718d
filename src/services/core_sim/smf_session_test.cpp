// Registrations and QoS requests, and the rules that a UPF gets of them.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/core_sim/smf_rules.hpp"
#include "services/core_sim/test_lab.hpp"
#include "services/core_sim/test_upf.hpp"
#include "wire/http/message.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/media.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::core_sim {
namespace {

using namespace std::chrono_literals;
using pfcp::MessageType;
using Texts = std::vector<std::string>;

constexpr std::string_view enforced = "netsim; user-plane=enforced";

std::string simulated_header_of(const http::Response& response) {
  return std::string(response.headers.find("x-lobo-simulated").value_or(""));
}

/// Figures instead of a reference, with PDU Sets and how they are marked.
std::string xr_body(std::string_view more = {}) {
  std::string body =
      R"({"notificationDestination":"http://app.example/cb/1","ueIpv4Addr":"10.45.0.2",)"
      R"("flowInfo":[{"flowId":65537,"flowDescriptions":[)"
      R"("permit out 17 from 192.0.2.10 5004 to 10.45.0.2 40000",)"
      R"("permit in 17 from 10.45.0.2 40000 to 192.0.2.10 5004"]}],)"
      R"("tscQosReq":{"reqGbrDl":"20 Mbps","reqGbrUl":"1 Mbps","reqMbrDl":"30 Mbps",)"
      R"("reqMbrUl":"2 Mbps","req5Gsdelay":20,"reqPer":"1E-3"},)"
      R"("pduSetQosDl":{"pduSetDelayBudget":1500,"pduSetErrRate":"1E-4",)"
      R"("pduSetHandlingInfo":"ALL_PDUS_NEEDED"},)"
      R"("protoDescDl":{"transportProto":"SRTP","rtpHeaderExtInfo":{"rtpHeaderExtType":)"
      R"("PDU_SET_MARKING","rtpHeaderExtId":7,"longFormat":true,"pduSetSizeActive":true},)"
      R"("rtpPayloadInfoList":[{"rtpPayloadTypeList":[96,97],"rtpPayloadFormat":"H264"}],)"
      R"("mriTransferInfo":"UDP_OPTION"},"datBurstSizeInd":true,"events":)";
  body += all_events;
  body += more;
  return body + "}";
}

TEST(smf, greets_each_upf_and_tells_who_is_there) {
  SmfLab lab;
  EXPECT_TRUE(lab.upf.associated);
  const auto upfs = lab.send("GET", "/netsim-control/v1/upfs");
  EXPECT_EQ(member(upfs.body, "/upfs/0/associated"), "true");
  EXPECT_EQ(member(upfs.body, "/upfs/0/pduSets"), "true");
  EXPECT_EQ(member(upfs.body, "/upfs/0/qosMonitoring"), "false");
}

TEST(smf, gives_a_registered_ue_a_session_with_a_default_flow) {
  SmfLab lab;
  const auto registered = lab.register_ue("ue1", 0x77);
  ASSERT_EQ(registered.status, 201);
  ASSERT_EQ(lab.upf.sessions.size(), 1U);
  const auto& rules = lab.only();
  ASSERT_EQ(rules.pdrs.size(), 2U);
  EXPECT_EQ(rules.pdrs.at(1).source, pfcp::Interface::core);
  EXPECT_EQ(rules.pdrs.at(2).source, pfcp::Interface::access);
  EXPECT_EQ(rules.far_teids.at(rules.pdrs.at(1).far), 0x77U);
  EXPECT_EQ(rules.far_teids.at(rules.pdrs.at(2).far), 0U);
  EXPECT_EQ(rules.qers.at(1).maximum_bit_rate->downlink.count, 1'000'000U) << "the session's AMBR";
  EXPECT_EQ(rules.pdrs.at(1).qers, (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(rules.qers.at(2).qfi->value, 1);

  const auto told = lab.session_of("ue1");
  EXPECT_EQ(member(told, "/state"), "ESTABLISHED");
  EXPECT_EQ(member(told, "/ueIpv4Addr"), "10.45.0.2");
  EXPECT_EQ(member(told, "/upfN3Addr"), "10.9.0.1");
  EXPECT_EQ(member(told, "/upfTeid"), std::to_string(rules.pdrs.at(2).teid));
  EXPECT_EQ(member(told, "/qosFlows/0/qfi"), "1");
}

TEST(smf, lends_an_address_to_a_ue_that_has_none_until_the_upf_has_let_go) {
  SmfLab lab;
  ASSERT_EQ(lab.register_ue("pool1").status, 201);
  EXPECT_EQ(member(lab.session_of("pool1"), "/ueIpv4Addr"), "10.60.0.2");
  lab.upf.silent = true;
  ASSERT_EQ(lab.send("DELETE", "/netsim-control/v1/ues/pool1/pdu-session").status, 204);
  ASSERT_EQ(lab.register_ue("pool2").status, 201);
  EXPECT_EQ(member(lab.session_of("pool2"), "/ueIpv4Addr"), "10.60.0.3");
  const auto body = session_body("best-effort", "10.60.0.2");
  EXPECT_EQ(lab.post_session(body).status, 500) << "nobody has it";
}

TEST(smf, says_what_is_allocated_only_after_the_upf_has_confirmed_it) {
  SmfLab lab;
  ASSERT_EQ(lab.register_ue("ue1").status, 201);
  lab.upf.silent = true;
  const auto created = lab.post_session(session_body("video-hd"));
  ASSERT_EQ(created.status, 201);
  EXPECT_EQ(simulated_header_of(created), "netsim");
  lab.run_for(900ms);
  EXPECT_EQ(lab.events(), Texts{});
  lab.upf.silent = false;
  lab.run_for(1s);  // The request is sent again after T1.
  ASSERT_EQ(lab.sent.size(), 1U);
  EXPECT_EQ(lab.sent[0].simulated, enforced);
  EXPECT_EQ(lab.events(), Texts{"SUCCESSFUL_RESOURCES_ALLOCATION"});
  EXPECT_EQ(simulated_header_of(lab.send("GET", location_path(created))), enforced);
}

TEST(smf, turns_a_request_for_pdu_sets_into_rules) {
  SmfLab lab;
  ASSERT_EQ(lab.register_ue("ue1").status, 201);
  ASSERT_EQ(lab.post_session(xr_body()).status, 201);
  lab.run_for(100ms);
  ASSERT_EQ(lab.events(), Texts{"SUCCESSFUL_RESOURCES_ALLOCATION"});
  const auto& rules = lab.only();
  ASSERT_EQ(rules.pdrs.size(), 4U);
  const auto& down = rules.pdrs.at(3);
  const auto& up = rules.pdrs.at(4);
  EXPECT_LT(down.precedence, rules.pdrs.at(1).precedence);
  EXPECT_EQ(down.filters, Texts{"permit out 17 from 192.0.2.10 5004 to 10.45.0.2 40000"});
  EXPECT_EQ(up.filters, Texts{"permit out 17 from 192.0.2.10 5004 to 10.45.0.2 40000"})
      << "written towards the UE, whichever way the packets go";
  EXPECT_EQ(up.teid, rules.pdrs.at(2).teid) << "one tunnel for all flows";
  EXPECT_EQ(down.qers, std::vector<std::uint32_t>{3}) << "a guaranteed flow is not under the AMBR";

  const auto& qer = rules.qers.at(3);
  EXPECT_EQ(qer.qfi->value, 2);
  EXPECT_EQ(qer.guaranteed_bit_rate->downlink.count, 20'000U);
  EXPECT_EQ(qer.guaranteed_bit_rate->uplink.count, 1'000U);
  EXPECT_EQ(qer.maximum_bit_rate->downlink.count, 30'000U);
  EXPECT_EQ(qer.maximum_bit_rate->uplink.count, 2'000U);
  using enum pfcp::QerIndication;
  EXPECT_EQ(qer.indications, (pfcp::QerIndications{pdusm, edbmi, dbsmi}));

  ASSERT_TRUE(down.protocol);
  EXPECT_FALSE(up.protocol);
  EXPECT_EQ(down.protocol->transport, pfcp::MediaTransportProtocol::srtp);
  EXPECT_EQ(down.protocol->metadata_transfer, pfcp::MetadataTransfer::outer_udp_option);
  ASSERT_EQ(down.protocol->extensions.size(), 1U);
  EXPECT_EQ(down.protocol->extensions[0].id->value, 7);
  EXPECT_EQ(down.protocol->extensions[0].details->format, pfcp::RtpExtensionFormat::two_byte);
  EXPECT_EQ(down.protocol->extensions[0].details->pdu_set_size, true);
  ASSERT_EQ(down.protocol->payloads.size(), 2U);
  EXPECT_EQ(down.protocol->payloads[1].type->value, 97);
  EXPECT_EQ(down.protocol->payloads[1].format, pfcp::RtpPayloadFormat::h264);

  const auto told = lab.session_of("ue1");
  EXPECT_EQ(member(told, "/qosFlows/1/qfi"), "2");
  EXPECT_EQ(member(told, "/qosFlows/1/quality/gbrDl"), "20 Mbps");
  EXPECT_EQ(member(told, "/qosFlows/1/quality/packetDelayBudget"), "20");
  EXPECT_EQ(member(told, "/qosFlows/1/quality/packetErrorRate"), "1E-3");
  EXPECT_EQ(member(told, "/qosFlows/1/pduSetQosDl/pduSetDelayBudget"), "1500");
  EXPECT_EQ(member(told, "/qosFlows/1/pduSetQosDl/pduSetHandlingInfo"), "ALL_PDUS_NEEDED");
}

TEST(smf, a_flow_that_takes_all_packets_of_a_ue_hides_no_other) {
  SmfLab lab;
  ASSERT_EQ(lab.register_ue("ue1").status, 201);
  auto all = session_body("control");
  const std::string_view named = "permit out 17 from 192.0.2.10 5004 to 10.45.0.2 40000";
  all.replace(all.find(named), named.size(), "permit out ip from any to 10.45.0.2");
  lab.post_session(all);
  lab.post_session(session_body("control"));
  lab.run_for(100ms);
  const auto& pdrs = lab.only().pdrs;
  EXPECT_LT(pdrs.at(5).precedence, pdrs.at(3).precedence);
  EXPECT_LT(pdrs.at(3).precedence, pdrs.at(1).precedence);
}

TEST(smf, a_refusal_of_the_upf_fails_the_allocation_and_leaves_nothing) {
  SmfLab lab;
  ASSERT_EQ(lab.register_ue("ue1").status, 201);
  lab.upf.refuse_modifications = pfcp::Cause::no_resources_available;
  const auto created = lab.post_session(session_body("video-hd"));
  ASSERT_EQ(created.status, 201);
  lab.run_for(100ms);
  EXPECT_EQ(lab.events(), Texts{"FAILED_RESOURCES_ALLOCATION"});
  EXPECT_EQ(lab.only().pdrs.size(), 2U);
  EXPECT_EQ(lab.only().qers.size(), 2U);
  EXPECT_TRUE(lab.core.books_balance());
  const auto cells = lab.send("GET", "/netsim-control/v1/cells");
  EXPECT_EQ(member(cells.body, "/cells/0/reservedDl"), "0 bps");
  EXPECT_EQ(simulated_header_of(lab.send("GET", location_path(created))), "netsim");
  EXPECT_EQ(member(lab.session_of("ue1"), "/qosFlows/1/qfi"), "");
}

TEST(smf, a_refused_change_takes_the_flow_away_and_another_try_brings_it_back) {
  SmfLab lab;
  ASSERT_EQ(lab.register_ue("ue1").status, 201);
  const auto path = location_path(lab.post_session(session_body("video-hd")));
  lab.run_for(100ms);
  lab.events();
  lab.upf.refuse_modifications = pfcp::Cause::request_rejected;
  lab.upf.refuse_count = 1;
  const auto patch = [&](std::string_view reference) {
    return lab.send("PATCH", path, R"({"qosReference":")" + std::string(reference) + R"("})",
                    "application/merge-patch+json");
  };
  ASSERT_EQ(patch("video-sd").status, 200);
  lab.run_for(100ms);
  EXPECT_EQ(lab.events(), Texts{"FAILED_RESOURCES_ALLOCATION"});
  EXPECT_EQ(lab.only().pdrs.size(), 2U) << "the flow as it was before is nobody's any more";
  ASSERT_EQ(patch("video-hd").status, 200);
  lab.run_for(100ms);
  EXPECT_EQ(lab.events(), Texts{"SUCCESSFUL_RESOURCES_ALLOCATION"});
  EXPECT_EQ(lab.only().qers.at(3).guaranteed_bit_rate->downlink.count, 60'000U);
}

TEST(smf, a_change_of_rates_filters_and_marks_changes_the_rules) {
  SmfLab lab;
  ASSERT_EQ(lab.register_ue("ue1").status, 201);
  const auto path = location_path(lab.post_session(xr_body()));
  lab.run_for(100ms);
  lab.events();
  const auto changed = lab.send(
      "PATCH", path,
      R"({"tscQosReq":{"reqGbrDl":"10 Mbps","reqMbrDl":"12 Mbps"},"datBurstSizeInd":null,)"
      R"("protoDescDl":null,"pduSetQosDl":null,"flowInfo":[{"flowId":65537,"flowDescriptions":[)"
      R"("permit out 17 from 192.0.2.11 6000 to 10.45.0.2 41000"]}]})",
      "application/merge-patch+json");
  ASSERT_EQ(changed.status, 200) << changed.body;
  lab.run_for(100ms);
  EXPECT_EQ(lab.events(), Texts{"SUCCESSFUL_RESOURCES_ALLOCATION"});
  const auto& rules = lab.only();
  EXPECT_EQ(rules.pdrs.size(), 3U) << "there is no uplink filter any more";
  EXPECT_EQ(rules.pdrs.at(3).filters,
            Texts{"permit out 17 from 192.0.2.11 6000 to 10.45.0.2 41000"});
  EXPECT_FALSE(rules.pdrs.at(3).protocol);
  EXPECT_EQ(rules.qers.at(3).guaranteed_bit_rate->downlink.count, 10'000U);
  EXPECT_EQ(rules.qers.at(3).maximum_bit_rate->downlink.count, 12'000U);
  EXPECT_EQ(rules.qers.at(3).indications, pfcp::QerIndications{});
}

TEST(smf, the_end_of_a_session_with_qos_is_the_end_of_its_flow) {
  SmfLab lab;
  ASSERT_EQ(lab.register_ue("ue1").status, 201);
  const auto path = location_path(lab.post_session(session_body("control")));
  lab.run_for(100ms);
  ASSERT_EQ(lab.only().pdrs.size(), 3U);
  EXPECT_EQ(lab.send("DELETE", path).status, 204);
  EXPECT_EQ(lab.only().pdrs.size(), 2U);
  EXPECT_EQ(lab.only().qers.size(), 2U);
  EXPECT_EQ(lab.only().urr_periods.size(), 2U);
}

TEST(smf, a_session_of_a_ue_that_has_not_registered_is_simulated) {
  SmfLab lab;
  lab.post_session(session_body("control"));
  lab.run_for(100ms);
  ASSERT_EQ(lab.sent.size(), 1U);
  EXPECT_EQ(lab.sent[0].simulated, "netsim");
  EXPECT_EQ(lab.upf.heard_of(MessageType::session_establishment_request), 0U);
}

TEST(smf, what_a_ue_holds_when_it_registers_is_asked_of_the_upf) {
  SmfLab lab;
  const auto path = location_path(lab.post_session(session_body("control")));
  lab.run_for(100ms);
  lab.events();
  ASSERT_EQ(lab.register_ue("ue1").status, 201);
  EXPECT_EQ(lab.only().pdrs.size(), 3U);
  EXPECT_EQ(simulated_header_of(lab.send("GET", path)), enforced);
  EXPECT_EQ(lab.events(), Texts{}) << "it was told that it has its resources";
}

TEST(smf, flows_without_descriptions_stay_simulated) {
  SmfLab lab;
  ASSERT_EQ(lab.register_ue("ue1").status, 201);
  const auto created = lab.post_session(
      R"({"notificationDestination":"http://app.example/cb","ueIpv4Addr":"10.45.0.2",)"
      R"("exterAppId":"game","qosReference":"control","events":)" +
      std::string(all_events) + "}");
  ASSERT_EQ(created.status, 201) << created.body;
  lab.run_for(100ms);
  EXPECT_EQ(lab.events(), Texts{"SUCCESSFUL_RESOURCES_ALLOCATION"});
  EXPECT_EQ(simulated_header_of(lab.send("GET", location_path(created))), "netsim");
  EXPECT_EQ(lab.only().pdrs.size(), 2U);
}

TEST(smf, an_application_session_of_a_pcf_becomes_rules_too) {
  SmfLab lab;
  ASSERT_EQ(lab.register_ue("ue1").status, 201);
  const auto created = lab.send(
      "POST", "/npcf-policyauthorization/v1/app-sessions",
      R"({"ascReqData":{"notifUri":"http://app.example/n5","suppFeat":"0","ueIpv4":"10.45.0.2",)"
      R"("evSubsc":{"events":[{"event":"SUCCESSFUL_RESOURCES_ALLOCATION"}]},)"
      R"("medComponents":{"1":{"medCompN":1,"medType":"VIDEO","marBwDl":"8 Mbps","mirBwDl":"4 Mbps",)"
      R"("pduSetQosDl":{"pduSetHandlingInfo":"ALL_PDUS_NEEDED"},)"
      R"("medSubComps":{"1":{"fNum":1,"fDescs":["permit out ip from 192.0.2.9 to 10.45.0.2"]}}}}}})");
  ASSERT_EQ(created.status, 201) << created.body;
  lab.run_for(100ms);
  const auto& rules = lab.only();
  EXPECT_EQ(rules.pdrs.at(3).filters, Texts{"permit out ip from 192.0.2.9 to 10.45.0.2"});
  EXPECT_EQ(rules.qers.at(3).guaranteed_bit_rate->downlink.count, 4'000U);
  EXPECT_EQ(rules.qers.at(3).maximum_bit_rate->downlink.count, 8'000U);
  EXPECT_EQ(rules.qers.at(3).indications, pfcp::QerIndications{pfcp::QerIndication::pdusm});
  ASSERT_EQ(lab.sent.size(), 1U);
  EXPECT_EQ(lab.sent[0].simulated, enforced);
}

TEST(smf, a_ue_that_moves_takes_its_flows_along) {
  SmfLab lab;
  ASSERT_EQ(lab.register_ue("ue1", 0x77).status, 201);
  lab.post_session(session_body("control"));
  lab.run_for(100ms);
  lab.control("/gnbs", R"({"gnbId":"gnb2","n3Addr":"10.100.0.3"})");
  const auto moved = lab.control("/ues/ue1/pdu-session", R"({"gnbId":"gnb2","teid":136})");
  EXPECT_EQ(moved.status, 200);
  EXPECT_EQ(lab.upf.sessions.size(), 1U);
  EXPECT_EQ(lab.only().far_teids.at(1), 136U);
  EXPECT_EQ(lab.only().pdrs.size(), 3U);
  EXPECT_EQ(member(lab.session_of("ue1"), "/gnbId"), "gnb2");
}

TEST(smf, a_ue_that_leaves_leaves_nothing) {
  SmfLab lab;
  ASSERT_EQ(lab.register_ue("ue1").status, 201);
  lab.post_session(session_body("control"));
  lab.run_for(100ms);
  lab.events();
  EXPECT_EQ(lab.send("DELETE", "/netsim-control/v1/ues/ue1/pdu-session").status, 204);
  lab.run_for(1ms);
  EXPECT_TRUE(lab.upf.sessions.empty());
  EXPECT_EQ(lab.events(), Texts{"SESSION_TERMINATION"});
  EXPECT_EQ(lab.send("GET", "/netsim-control/v1/ues/ue1/pdu-session").status, 404);
  ASSERT_EQ(lab.register_ue("ue1").status, 201);
  EXPECT_EQ(lab.upf.sessions.size(), 1U);
}

TEST(smf, a_gnb_that_is_removed_takes_its_ues_along) {
  SmfLab lab;
  lab.register_ue("ue1", 1);
  lab.register_ue("ue2", 2);
  ASSERT_EQ(lab.upf.sessions.size(), 2U);
  EXPECT_EQ(lab.send("DELETE", "/netsim-control/v1/gnbs/gnb1").status, 204);
  EXPECT_TRUE(lab.upf.sessions.empty());
  EXPECT_EQ(lab.register_ue("ue1").status, 404) << "the gNB is not known any more";
}

TEST(smf, a_gnb_learns_by_the_version_whether_something_is_new) {
  SmfLab lab;
  lab.register_ue("ue1");
  const auto version = member(lab.session_of("ue1"), "/version");
  const std::string path = "/netsim-control/v1/ues/ue1/pdu-session?after=" + version;
  EXPECT_EQ(lab.send("GET", path).status, 204);
  lab.control("/ues/ue1/degrade", R"({"rateDl":"5 Mbps"})");
  const auto degraded = lab.send("GET", path);
  ASSERT_EQ(degraded.status, 200);
  EXPECT_EQ(member(degraded.body, "/link/rateDl"), "5 Mbps");
  EXPECT_EQ(lab.send("GET", "/netsim-control/v1/ues/ue1/pdu-session?after=soon").status, 400);
}

TEST(smf, gnbs_ask_from_networks_of_the_ran_alone) {
  auto config = smf_config();
  config.smf->ran_networks = {"10.100.0.0/24"};
  SmfLab lab(config);
  const auto status_from = [&](std::string address, std::string path) {
    auto request = lab.request("GET", "/netsim-control/v1" + path);
    request.peer = {.address = std::move(address), .loopback = false, .certificate_subject = {}};
    return lab.ask(request).response->status;
  };
  EXPECT_EQ(status_from("10.100.0.2", "/gnbs"), 200);
  EXPECT_EQ(status_from("10.100.1.2", "/gnbs"), 403);
  EXPECT_EQ(status_from("10.100.0.2", "/ues"), 403) << "only what a gNB needs";
}

TEST(smf, a_network_without_a_upf_has_no_ran) {
  Lab lab;
  EXPECT_EQ(lab.send("GET", "/netsim-control/v1/upfs").status, 404);
  EXPECT_TRUE(lab.core.take_datagrams().empty());
}

TEST(smf, more_flows_than_a_session_may_have_are_refused_one_by_one) {
  SmfLab lab;
  ASSERT_EQ(lab.register_ue("ue1").status, 201);
  for (int i = 0; i < dedicated_flows_max + 1; ++i) lab.post_session(session_body("best-effort"));
  lab.run_for(100ms);
  const auto events = lab.events();
  EXPECT_EQ(std::ranges::count(events, "SUCCESSFUL_RESOURCES_ALLOCATION"), dedicated_flows_max);
  EXPECT_EQ(std::ranges::count(events, "FAILED_RESOURCES_ALLOCATION"), 1);
}

}  // namespace
}  // namespace lobo::core_sim
