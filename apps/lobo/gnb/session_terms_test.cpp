#include "gnb/session_terms.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "api/net_control.hpp"
#include "base/bytes.hpp"
#include "dataplane/radio/guarantee.hpp"
#include "dataplane/radio/radio.hpp"
#include "model/address.hpp"
#include "wire/json/json.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using dataplane::Breach;

constexpr std::string_view shown = R"({"ue":"ue1","version":3,"state":"ESTABLISHED","gnbId":"gnb1",
  "gnbTeid":7,"ueIpv4Addr":"10.45.0.2","dnn":"internet","upfN3Addr":"10.100.3.1","upfTeid":4294967295,
  "sessionAmbrDl":"1 Gbps","sessionAmbrUl":"1 Gbps","link":{"lossPercent":2.5,"delayMs":40,"rateDl":"3 Mbps"},
  "qosFlows":[
    {"qfi":2,"isDefault":false,"quality":{"gbrDl":"8 Mbps","packetDelayBudget":20,"packetErrorRate":"1E-3"},
     "pduSetQosDl":{"pduSetDelayBudget":1500,"pduSetErrRate":"5E-2","pduSetHandlingInfo":"ALL_PDUS_NOT_NEEDED"},
     "filtersUl":["permit out 17 from 10.100.6.2 6000 to 10.45.0.2 5004"],
     "alternatives":[{"gbrDl":"6 Mbps"},{"gbrDl":"2 Mbps"}]},
    {"qfi":3,"isDefault":false,"quality":{"gbrDl":"1 Mbps","packetDelayBudget":20,"packetErrorRate":"1E-3"}},
    {"qfi":1,"isDefault":true,"fiveQi":9}]})";

SessionTerms terms() {
  const auto session = json::read<api::net_control::NetPduSession>(shown);
  EXPECT_TRUE(session) << session.error().detail;
  const auto read = terms_of(*session);
  EXPECT_TRUE(read) << read.error().detail;
  return *read;
}

TEST(session_terms, are_what_the_network_shows) {
  const auto read = terms();
  EXPECT_EQ(read.v4, model::Ipv4Address::parse("10.45.0.2"));
  EXPECT_EQ(read.upf_teid, 0xFFFFFFFFU);
  ASSERT_EQ(read.flows.size(), 3U);
  EXPECT_EQ(read.default_qfi(), 1) << "the default flow comes first";
  EXPECT_FALSE(read.flows[0].promise.any());
  const auto& video = read.flows[1].promise;
  EXPECT_EQ(video.guaranteed.count, 8'000'000U);
  EXPECT_EQ(video.set_delay_budget, 15ms);
  EXPECT_DOUBLE_EQ(video.set_error_rate.value(), 0.05);
  EXPECT_FALSE(video.packet_delay_budget) << "sets are what is promised";
  EXPECT_FALSE(read.flows[1].whole_sets);
  EXPECT_EQ(read.flows[2].promise.packet_delay_budget, 20ms);
  EXPECT_TRUE(read.flows[2].whole_sets);
  EXPECT_EQ(read.worse.delay, 40ms);
  EXPECT_EQ(read.worse.loss_ppm, 25'000U);
  EXPECT_EQ(read.worse.rate_dl.count, 3'000'000U);
}

TEST(session_terms, without_an_address_a_tunnel_or_a_flow_are_none) {
  auto session = *json::read<api::net_control::NetPduSession>(shown);
  auto without = session;
  without.ue_ipv4_addr.reset();
  EXPECT_FALSE(terms_of(without));
  without = session;
  without.upf_teid.reset();
  EXPECT_FALSE(terms_of(without));
  without = session;
  without.qos_flows.clear();
  EXPECT_FALSE(terms_of(without));
}

TEST(session_terms, an_uplink_packet_belongs_to_the_flow_whose_filter_it_meets) {
  std::array<std::byte, 28> packet{};
  const std::array<unsigned, 28> octets{0x45, 0,    0,    28,   0, 0, 0,  0,   64, 17,
                                        0,    0,    10,   45,   0, 2, 10, 100, 6,  2,
                                        0x13, 0x8C, 0x17, 0x70, 0, 8, 0,  0};
  for (std::size_t i = 0; i < packet.size(); ++i) packet[i] = static_cast<std::byte>(octets[i]);
  EXPECT_EQ(terms().uplink_qfi(packet), 2);
  packet[23] = std::byte{0x71};
  EXPECT_EQ(terms().uplink_qfi(packet), 1);
  EXPECT_EQ(terms().uplink_qfi({}), 1);
}

TEST(session_terms, two_links_after_each_other_lose_and_delay_as_both) {
  const auto both = joined({.delay = 5ms, .loss_ppm = 100'000, .rate_dl = {2'000'000}},
                           {.delay = 10ms, .loss_ppm = 100'000, .rate_dl = {3'000'000}});
  EXPECT_EQ(both.delay, 15ms);
  EXPECT_EQ(both.loss_ppm, 190'000U);
  EXPECT_EQ(both.rate_dl.count, 2'000'000U);
  EXPECT_EQ(joined({}, {.delay = {}, .loss_ppm = 1'000'000, .rate_dl = {}}).loss_ppm, 1'000'000U);
}

TEST(session_terms, error_rates_are_read_as_they_are_written) {
  EXPECT_DOUBLE_EQ(parse_error_rate("1E-4").value(), 1e-4);
  EXPECT_DOUBLE_EQ(parse_error_rate("5E-0").value(), 5);
  for (const auto* text : {"", "1E-", "1e-4", "E-4", "10E-4", "1E+4", "xE-4"})
    EXPECT_FALSE(parse_error_rate(text)) << text;
}

TEST(session_terms, a_notice_names_causes_figures_and_what_could_be_kept) {
  dataplane::RadioNotice notice{.ue = 0, .qfi = 2, .news = {}};
  notice.news.breaches =
      static_cast<dataplane::Breaches>(bit_of(Breach::gfbr) | bit_of(Breach::pser));
  notice.news.window.octets_offered = 500'000;
  notice.news.window.octets_delivered = 125'000;
  notice.news.window.sets = 60;
  notice.news.window.sets_failed = 31;
  const auto told = notice_of(notice, terms().alternatives.at(2), 500ms);
  EXPECT_EQ(
      json::write(told),
      R"({"qfi":2,"fulfilled":false,"alternative":1,"causes":["GFBR","PSER"],)"
      R"("offeredDl":"8 Mbps","deliveredDl":"2 Mbps","sets":60,"setsFailed":31,"setsLate":0})");
  notice.news.window.octets_delivered = 1000;
  EXPECT_FALSE(notice_of(notice, terms().alternatives.at(2), 500ms).alternative);
  notice.news.held = true;
  notice.news.breaches = 0;
  const auto held = notice_of(notice, {}, 500ms);
  EXPECT_TRUE(held.fulfilled);
  EXPECT_FALSE(held.causes);
}

TEST(session_terms, what_a_ue_was_carried_is_summed_over_its_flows) {
  dataplane::Radio::Flows flows;
  for (const auto qfi : {std::uint8_t{1}, std::uint8_t{9}}) {
    auto& tallies = flows.try_emplace(qfi, dataplane::GuaranteeConfig{}).first->second.tallies;
    tallies.delivered = 10U * qfi;
    tallies.delivered_octets = 1000U * qfi;
    tallies.dropped.front() = 1;
    tallies.dropped.back() = qfi;
    tallies.delay_sum = 3ms;
  }
  EXPECT_EQ(json::write(counters_of(flows)),
            R"({"deliveredDl":100,"lostDl":12,"octetsDl":10000,"delayDl":6000})");
}

}  // namespace
}  // namespace lobo::app
