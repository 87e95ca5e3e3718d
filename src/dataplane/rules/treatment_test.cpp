#include "dataplane/rules/treatment.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <variant>

#include "base/rng.hpp"
#include "dataplane/rules/match_line.hpp"
#include "dataplane/rules/packet_facts.hpp"
#include "dataplane/rules/rule_set.hpp"
#include "dataplane/rules/session.hpp"
#include "model/address.hpp"
#include "model/flow_description.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/flow_filter.hpp"
#include "wire/pfcp/media.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {
namespace {

using pfcp::Interface;

template <class T, std::size_t count>
const T& one_of(SeededRng& rng, const std::array<T, count>& values) {
  return values[rng.below(count)];
}

constexpr std::array<std::string_view, 6> addresses{
    "10.45.0.2", "10.45.0.3", "192.0.2.1", "2001:db8:1::5", "2001:db8:1::6", "2001:db8:2::1"};

pfcp::UeIpAddress any_ue(SeededRng& rng) {
  pfcp::UeIpAddress ue{.is_destination = rng.below(2) == 0};
  const auto address = *model::parse_ip_address(one_of(rng, addresses));
  if (const auto* v4 = std::get_if<model::Ipv4Address>(&address)) ue.v4 = *v4;
  if (const auto* v6 = std::get_if<model::Ipv6Address>(&address)) ue.v6 = *v6;
  if (rng.below(4) == 0) ue.v4 = model::Ipv4Address::parse("10.45.0.2");
  if (rng.below(2) == 0) ue.v6_prefix_length = 128;
  return ue;
}
SdfMatch any_filter(SeededRng& rng) {
  constexpr std::array<std::string_view, 7> texts{
      "permit out ip from any to assigned",
      "permit out 17 from any 5004 to assigned",
      "permit out 17 from 192.0.2.0/24 5004-5006 to assigned 40000",
      "permit out 6 from any 5004,5006 to assigned",
      "permit out 17 from any to 10.45.0.2 40000-40010",
      "permit in 17 from 10.45.0.2 to 192.0.2.1 5004",
      "permit out ip from 2001:db8:2::/64 to any"};
  SdfMatch match;
  if (rng.below(5) != 0)
    match.flow = packet::FlowFilter(model::FlowDescription::parse(one_of(rng, texts)).value());
  if (rng.below(4) == 0)
    match.traffic_class = pfcp::TrafficClass{static_cast<std::uint8_t>(rng.below(4) << 6U), 0xC0};
  return match;
}
Rule any_rule(SeededRng& rng) {
  Rule rule;
  const bool up = rng.below(3) == 0;
  rule.source = up ? Interface::access : Interface::core;
  rule.travel = up ? packet::Travel::from_ue : packet::Travel::to_ue;
  if (rng.below(3) == 0) rule.qfis = rng.next();
  if (up && rng.below(4) != 0) rule.teid = static_cast<std::uint32_t>(rng.below(3));
  for (std::uint64_t n = rng.below(3); n > 0; --n) rule.ue_addresses.push_back(any_ue(rng));
  for (std::uint64_t n = rng.below(3); n > 0; --n) rule.filters.push_back(any_filter(rng));
  return rule;
}
PacketFacts any_packet(SeededRng& rng) {
  PacketFacts packet{.from = rng.below(3) == 0 ? Interface::access : Interface::core};
  const auto from = *model::parse_ip_address(one_of(rng, addresses));
  auto to = *model::parse_ip_address(one_of(rng, addresses));
  if (to.index() != from.index()) to = from;
  constexpr std::array<std::uint16_t, 5> ports{5004, 5005, 5006, 40000, 0};
  packet.flow = packet::flow_between(from, one_of(rng, ports), to, one_of(rng, ports));
  if (rng.below(3) == 0) packet.flow.protocol = 6;
  packet.traffic_class = static_cast<std::uint8_t>(rng.below(256));
  packet.teid = static_cast<std::uint32_t>(rng.below(3));
  if (rng.below(2) == 0) packet.qfi = static_cast<std::uint8_t>(rng.below(64));
  return packet;
}

RC_GTEST_PROP(match_line, says_what_its_rule_says, ()) {
  SeededRng rng(*rc::gen::arbitrary<std::uint64_t>());
  for (int i = 0; i < 200; ++i) {
    const Rule rule = any_rule(rng);
    const MatchLine line(rule);
    const PacketFacts packet = any_packet(rng);
    const bool matches = rule.matches(packet);
    if (line.sufficient()) {
      RC_ASSERT(line.holds(MatchKey(packet)) == matches);
    } else if (matches) {
      RC_ASSERT(line.holds(MatchKey(packet)));
    }
  }
}

TEST(match_line, is_sufficient_for_what_control_planes_write) {
  Rule rule;
  pfcp::UeIpAddress ue{.v4 = model::Ipv4Address::parse("10.45.0.2"), .is_destination = true};
  rule.ue_addresses = {ue};
  for (const std::string_view text :
       {"permit out ip from any to assigned", "permit out 17 from 192.0.2.10 5004 to assigned",
        "permit out 17 from 192.0.2.10 5004 to 10.45.0.2 40000"}) {
    rule.filters = {{.flow = packet::FlowFilter(model::FlowDescription::parse(text).value())}};
    rule.source = Interface::core;
    EXPECT_TRUE(MatchLine(rule).sufficient()) << text;
  }
}

Session media_session() {
  Session session{.seid = 1};
  session.fars[{1}] = {.action = {pfcp::Action::forw}, .destination = Interface::core};
  session.qers[{1}] = {.id = {1},
                       .maximum_bit_rate = pfcp::BitRates{{1000}, {8000}},
                       .qfi = pfcp::Qfi{9},
                       .averaging_window = pfcp::Milliseconds32{1000},
                       .indications = pfcp::QerIndications{pfcp::QerIndication::pdusm}};
  Pdr down{.source = Interface::core, .far = {1}};
  down.protocol =
      pfcp::ProtocolDescription{.metadata_transfer = pfcp::MetadataTransfer::outer_udp_option};
  EXPECT_TRUE(down.qers.add({1}));
  Pdr up{.source = Interface::access, .far = {1}};
  EXPECT_TRUE(up.qers.add({1}));
  session.pdrs = {{{1}, down}, {{2}, up}};
  return session;
}

TEST(treatment, says_what_far_qer_and_protocol_description_ask_for) {
  const SessionRules rules(media_session());
  const Treatment& down = rules.treatments()[0];
  EXPECT_EQ(down.source, MarkSource::udp_option);
  EXPECT_TRUE(down.mark_sets);
  EXPECT_EQ(down.qfi, 9);
  EXPECT_EQ(down.to, Treatment::To::n6);
  EXPECT_TRUE(down.policers.empty());
  ASSERT_NE(down.sets, nullptr);
  EXPECT_TRUE(down.sets->alone);
  EXPECT_DOUBLE_EQ(down.sets->whole_limits.octets_per_ns, 0.001);
  EXPECT_DOUBLE_EQ(down.sets->whole_limits.depth, 125'000) << "an eighth of a second";
  ASSERT_NE(down.tracker, nullptr);
  const Treatment& up = rules.treatments()[1];
  EXPECT_EQ(up.source, MarkSource::none);
  EXPECT_EQ(up.tracker, nullptr);
  EXPECT_EQ(up.sets, nullptr);
  ASSERT_EQ(up.policers.size(), 1U);
  EXPECT_DOUBLE_EQ(up.policers[0].limits.octets_per_ns, 0.000125);
  EXPECT_DOUBLE_EQ(up.policers[0].limits.depth, 6250) << "a twentieth of a second";
}

TEST(treatment, states_live_on_by_the_identifier_of_their_rule) {
  Session session = media_session();
  const SessionRules first(session);
  session.pdrs[{3}] = session.pdrs.at({1});
  session.pdrs.at({3}).precedence = 1;
  session.pdrs.at({1}).precedence = 2;
  session.qers[{0}] = {.id = {0}};
  const SessionRules second(session, &first);
  const Treatment& before = first.treatments()[0];
  const Treatment* after = nullptr;
  for (const Treatment& treatment : second.treatments())
    if (treatment.rule->id == pfcp::PdrId{1}) after = &treatment;
  ASSERT_NE(after, nullptr);
  EXPECT_EQ(after->tracker, before.tracker);
  EXPECT_EQ(after->sets->share, before.sets->share);
  EXPECT_EQ(after->sets->qer, before.sets->qer);
  EXPECT_FALSE(after->sets->alone);
  EXPECT_DOUBLE_EQ(after->sets->share_limits.octets_per_ns, 0.0005);
  EXPECT_NE(after->told, before.told);
  session.pdrs.at({1}).protocol.reset();
  const SessionRules third(session, &second);
  for (const Treatment& treatment : third.treatments())
    EXPECT_EQ(treatment.tracker != nullptr, treatment.rule->id == pfcp::PdrId{3});
}

TEST(rule_set, knows_who_sends_into_a_tunnel_of_a_peer) {
  Session session = media_session();
  pfcp::OuterHeaderCreation header{.teid = 0x99, .v4 = *model::Ipv4Address::parse("192.168.3.2")};
  header.description.set(pfcp::OuterHeader::gtpu_udp_ipv4);
  session.fars.at({1}).outer_header = header;
  const RuleSet rules({std::make_shared<const SessionRules>(session)});
  EXPECT_EQ(rules.seid_of_peer(0xC0A80302, 0x99), 1U);
  EXPECT_EQ(rules.seid_of_peer(0xC0A80302, 0x98), 0U);
  EXPECT_EQ(rules.seid_of_peer(0xC0A80303, 0x99), 0U);
}

}  // namespace
}  // namespace lobo::dataplane
