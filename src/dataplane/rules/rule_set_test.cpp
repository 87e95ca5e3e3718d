#include "dataplane/rules/rule_set.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/rng.hpp"
#include "dataplane/rules/packet_facts.hpp"
#include "dataplane/rules/session.hpp"
#include "model/address.hpp"
#include "model/flow_description.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/flow_filter.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {
namespace {

using pfcp::Interface;

SdfMatch filter(std::string_view text) {
  return {.flow = packet::FlowFilter(model::FlowDescription::parse(text).value())};
}

/// PDR 1: one video flow; PDR 2: all else towards the UE; PDR 3: all that comes from it.
Session video_session(std::uint64_t seid, std::string_view ue, std::uint32_t teid) {
  Session session{.seid = seid};
  session.fars[{1}] = {.action = {pfcp::Action::forw}};
  session.fars[{2}] = {.action = {pfcp::Action::drop}};
  session.qers[{5}] = {.id = {5}, .qfi = pfcp::Qfi{9}};
  pfcp::UeIpAddress address{.is_destination = true};
  if (ue.find(':') == std::string_view::npos) {
    address.v4 = model::Ipv4Address::parse(ue);
  } else {
    address.v6 = model::Ipv6Address::parse(ue);
  }
  Pdr video{.precedence = 10, .source = Interface::core, .far = {1}};
  EXPECT_TRUE(video.ue_addresses.add(address));
  video.filters = {filter("permit out 17 from any 5004 to assigned")};
  EXPECT_TRUE(video.qers.add({5}));
  Pdr rest{.precedence = 20, .source = Interface::core, .far = {2}};
  EXPECT_TRUE(rest.ue_addresses.add(address));
  Pdr up{.precedence = 30, .source = Interface::access, .far = {1}};
  up.tunnel = pfcp::FTeid{.teid = teid};
  address.is_destination = false;
  EXPECT_TRUE(up.ue_addresses.add(address));
  EXPECT_TRUE(up.qfis.add({9}));
  session.pdrs = {{{1}, video}, {{2}, rest}, {{3}, up}};
  return session;
}
std::shared_ptr<const SessionRules> compiled(const Session& session) {
  return std::make_shared<const SessionRules>(session);
}
packet::FlowKey flow(std::string_view from, std::uint16_t from_port, std::string_view to) {
  return packet::flow_between(*model::parse_ip_address(from), from_port,
                              *model::parse_ip_address(to), 40000);
}
std::optional<std::uint16_t> pdr_of(const RuleSet::Found& found) {
  return found.rule == nullptr ? std::nullopt : std::optional(found.rule->id.value);
}

TEST(rule_set, finds_the_session_and_the_first_rule_by_precedence) {
  const RuleSet set({compiled(video_session(1, "10.45.0.2", 0x10)),
                     compiled(video_session(2, "10.45.0.3", 0x20))});
  EXPECT_EQ(set.sessions(), 2U);
  EXPECT_EQ(set.conflicts(), 0U);
  const auto video = set.classify({.flow = flow("192.0.2.1", 5004, "10.45.0.3")});
  ASSERT_NE(video.session, nullptr);
  EXPECT_EQ(video.session->seid(), 2U);
  EXPECT_EQ(pdr_of(video), 1);
  EXPECT_TRUE(video.session->far(*video.rule).action.has(pfcp::Action::forw));
  ASSERT_EQ(video.rule->qers.size(), 1U);
  EXPECT_EQ(video.session->qers()[video.rule->qers[0]].qfi, pfcp::Qfi{9});
  EXPECT_EQ(pdr_of(set.classify({.flow = flow("192.0.2.1", 5005, "10.45.0.3")})), 2);
  EXPECT_EQ(set.classify({.flow = flow("192.0.2.1", 5004, "10.45.0.4")}).session, nullptr);
}

TEST(rule_set, what_comes_from_the_ran_is_known_by_tunnel_qfi_and_source) {
  const RuleSet set({compiled(video_session(1, "10.45.0.2", 0x10))});
  PacketFacts packet{.from = Interface::access,
                     .flow = flow("10.45.0.2", 40000, "192.0.2.1"),
                     .teid = 0x10,
                     .qfi = std::uint8_t{9}};
  EXPECT_EQ(pdr_of(set.classify(packet)), 3);
  packet.qfi = 8;
  EXPECT_EQ(pdr_of(set.classify(packet)), std::nullopt);
  packet.qfi = 9;
  packet.flow = flow("10.45.0.9", 40000, "192.0.2.1");
  EXPECT_EQ(pdr_of(set.classify(packet)), std::nullopt) << "an address of another UE";
  packet.teid = 0x11;
  EXPECT_EQ(set.classify(packet).session, nullptr);
}

TEST(rule_set, an_ipv6_ue_has_a_prefix_or_one_address) {
  auto host = video_session(2, "2001:db8:1::5", 0x20);
  for (auto& [id, pdr] : host.pdrs) {
    auto address = pdr.ue_addresses[0];
    address.v6_prefix_length = 128;
    pdr.ue_addresses.clear();
    ASSERT_TRUE(pdr.ue_addresses.add(address));
  }
  const RuleSet set({compiled(video_session(1, "2001:db8:1::", 0x10)), compiled(host)});
  const auto seid = [&](std::string_view to) {
    const auto found = set.classify({.flow = flow("2001:db8::1", 5004, to)});
    return found.session == nullptr ? 0 : found.session->seid();
  };
  EXPECT_EQ(seid("2001:db8:1::5"), 2U);
  EXPECT_EQ(seid("2001:db8:1::6"), 1U);
  EXPECT_EQ(seid("2001:db8:2::6"), 0U);
}

TEST(rule_set, an_address_that_two_sessions_claim_stays_with_the_first) {
  const RuleSet set({compiled(video_session(1, "10.45.0.2", 0x10)),
                     compiled(video_session(2, "10.45.0.2", 0x20))});
  EXPECT_EQ(set.conflicts(), 1U) << "however many of its rules name it";
  EXPECT_EQ(set.classify({.flow = flow("192.0.2.1", 1, "10.45.0.2")}).session->seid(), 1U);
}

TEST(rule_set, a_session_stands_once_in_an_index_however_many_rules_name_it) {
  const SessionRules rules(video_session(1, "10.45.0.2", 0x10));
  const auto keys = rules.keys();
  ASSERT_EQ(keys.size(), 2U) << "its address and its tunnel";
  EXPECT_EQ(keys[0], (SessionKey{SessionKey::Kind::ipv4, 0, 0x0A2D0002}));
  EXPECT_EQ(keys[1], (SessionKey{SessionKey::Kind::tunnel, 0, 0x10}));
}

TEST(rule_set, an_empty_one_knows_nobody) {
  EXPECT_EQ(RuleSet().classify({.flow = flow("192.0.2.1", 1, "10.45.0.2")}).session, nullptr);
  const RuleSet none{std::vector<std::shared_ptr<const SessionRules>>()};
  EXPECT_EQ(none.classify({.from = Interface::access, .teid = 1}).session, nullptr);
}

TEST(rule_set, a_traffic_class_is_compared_under_its_mask) {
  auto session = video_session(1, "10.45.0.2", 0x10);
  session.pdrs.at({1}).filters[0].traffic_class = pfcp::TrafficClass{.value = 0xB8, .mask = 0xFC};
  const RuleSet set({compiled(session)});
  PacketFacts packet{.flow = flow("192.0.2.1", 5004, "10.45.0.2"), .traffic_class = 0xBA};
  EXPECT_EQ(pdr_of(set.classify(packet)), 1);
  packet.traffic_class = 0;
  EXPECT_EQ(pdr_of(set.classify(packet)), 2);
}

RC_GTEST_PROP(rule_set, finds_what_a_search_through_all_sessions_finds, ()) {
  SeededRng rng(*rc::gen::arbitrary<std::uint64_t>());
  std::vector<std::shared_ptr<const SessionRules>> sessions;
  const auto count = 1 + rng.below(200);
  const auto address = [](std::uint64_t n) {
    return model::Ipv4Address{
        {10, 0, static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n & 255U)}};
  };
  for (std::uint64_t n = 0; n < count; ++n)
    sessions.push_back(
        compiled(video_session(n, address(n).text(), static_cast<std::uint32_t>(n * 7919))));
  const RuleSet set(sessions);
  RC_ASSERT(set.conflicts() == 0);
  for (int i = 0; i < 50; ++i) {
    const auto n = rng.below(2 * count);
    PacketFacts packet{.qfi = std::uint8_t{9}};
    packet.from = rng.below(2) == 0 ? Interface::access : Interface::core;
    const auto port = static_cast<std::uint16_t>(5003 + rng.below(3));
    packet.flow = flow("192.0.2.1", port, address(n).text());
    if (packet.from == Interface::access) {
      packet.flow = packet.flow.reversed();
      packet.teid = static_cast<std::uint32_t>(n * 7919);
    }
    const Rule* expected = nullptr;
    for (const auto& session : sessions)
      if (expected == nullptr) expected = session->match(packet);
    RC_ASSERT(set.classify(packet).rule == expected);
    RC_ASSERT((expected != nullptr) == (n < count));
  }
}

}  // namespace
}  // namespace lobo::dataplane
