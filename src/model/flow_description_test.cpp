#include "model/flow_description.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::model {
namespace {

TEST(flow_description, a_full_rule_is_taken_apart) {
  const auto flow =
      FlowDescription::parse("permit out 17 from 192.0.2.10 5004 to 10.45.0.2 40000-40010,50000");
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->direction, FlowDescription::Direction::out);
  EXPECT_EQ(flow->protocol, 17);
  EXPECT_EQ(flow->from, FlowEndpoint::host(*parse_ip_address("192.0.2.10"), {{5004, 5004}}));
  EXPECT_EQ(flow->to,
            FlowEndpoint::host(*parse_ip_address("10.45.0.2"), {{40000, 40010}, {50000, 50000}}));
}

TEST(flow_description, any_protocol_any_address_and_networks_are_read) {
  const auto flow = FlowDescription::parse("permit in ip from 2001:db8::77/64 to any");
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->direction, FlowDescription::Direction::in);
  EXPECT_EQ(flow->protocol, std::nullopt);
  EXPECT_EQ(flow->text(), "permit in ip from 2001:db8::/64 to any");
  EXPECT_TRUE(FlowDescription::parse("permit out ip from any to assigned"));
}

TEST(flow_description, the_canonical_text_has_single_spaces_and_no_host_prefix) {
  const auto flow =
      FlowDescription::parse("permit  out 6 from 192.0.2.10/32 80-80 to  10.45.0.129/25");
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->text(), "permit out 6 from 192.0.2.10 80 to 10.45.0.128/25");
}

// A PCF that got the first of these stopped; nothing without both addresses may ever pass.
TEST(flow_description, a_rule_without_its_addresses_is_refused) {
  for (const auto* text : {"permit in", "permit out", "permit", "", "permit out 17",
                           "permit out 17 from", "permit out 17 from to", "permit out 17 from any",
                           "permit out 17 from any to", "permit out 17 from any 5004",
                           "permit out 17 from any 5004 to", "permit out 17 to any from any"})
    EXPECT_FALSE(FlowDescription::parse(text)) << text;
}

TEST(flow_description, what_ts_29_214_clause_5_3_8_forbids_is_refused) {
  for (const auto* text :
       {"deny out ip from any to any", "permit out ip from !192.0.2.1 to any",
        "permit out ip from any to any frag", "permit out 6 from any to any established",
        "permit out ip from any to any 80 setup", "permit both ip from any to any"})
    EXPECT_FALSE(FlowDescription::parse(text)) << text;
}

TEST(flow_description, malformed_parts_are_refused) {
  for (const auto* text :
       {"permit out 256 from any to any", "permit out udp from any to any",
        "permit out 017 from any to any", "permit out 17 from 192.0.2 to any",
        "permit out 17 from 192.0.2.1/33 to any", "permit out 17 from 192.0.2.1/ to any",
        "permit out 17 from 2001:db8::/129 to any", "permit out 17 from any 65536 to any",
        "permit out 17 from any 20-10 to any", "permit out 17 from any 1,,2 to any",
        "permit out 17 from any 1- to any", "permit out 17 from 192.0.2.1 to 2001:db8::1",
        " permit out ip from any to any", "permit out ip from any to any ",
        "PERMIT OUT IP FROM ANY TO ANY", "permit\tout ip from any to any",
        "permit out ip from any to any 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"})
    EXPECT_FALSE(FlowDescription::parse(text)) << text;
  EXPECT_FALSE(
      FlowDescription::parse("permit out ip from any to any" + std::string(512, ' ') + "1"));
}

TEST(flow_description, a_refusal_says_what_is_wrong) {
  const auto flow = FlowDescription::parse("permit out 17 from any to 10.45.0.300");
  ASSERT_FALSE(flow);
  ASSERT_EQ(flow.error().faults.size(), 1U);
  EXPECT_EQ(flow.error().faults[0].code, Errc::pattern);
  EXPECT_NE(flow.error().faults[0].reason.find("10.45.0.300"), std::string::npos);
}

FlowEndpoint any_endpoint(std::size_t family) {
  FlowEndpoint end;
  end.kind = *rc::gen::element(FlowEndpoint::Kind::any, FlowEndpoint::Kind::assigned,
                               FlowEndpoint::Kind::network);
  if (end.kind == FlowEndpoint::Kind::network) {
    const IpAddress address =
        family == 0 ? IpAddress{Ipv4Address{*rc::gen::arbitrary<std::array<std::uint8_t, 4>>()}}
                    : IpAddress{Ipv6Address{*rc::gen::arbitrary<std::array<std::uint8_t, 16>>()}};
    end.prefix_length = static_cast<std::uint8_t>(*rc::gen::inRange(0U, address_bits(address) + 1));
    end.address = network_of(address, end.prefix_length);
  }
  const auto count = *rc::gen::inRange(0, 4);
  for (int i = 0; i < count; ++i) {
    const auto a = *rc::gen::arbitrary<std::uint16_t>();
    const auto b = *rc::gen::arbitrary<std::uint16_t>();
    end.ports.push_back({std::min(a, b), std::max(a, b)});
  }
  return end;
}

FlowDescription any_flow() {
  const auto family = *rc::gen::inRange<std::size_t>(0, 2);
  FlowDescription flow;
  flow.direction =
      *rc::gen::element(FlowDescription::Direction::out, FlowDescription::Direction::in);
  if (*rc::gen::arbitrary<bool>()) flow.protocol = *rc::gen::arbitrary<std::uint8_t>();
  flow.from = any_endpoint(family);
  flow.to = any_endpoint(family);
  return flow;
}

RC_GTEST_PROP(flow_description, what_is_written_is_read_back, ()) {
  const auto flow = any_flow();
  const auto again = FlowDescription::parse(flow.text());
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == flow);
}

RC_GTEST_PROP(flow_description, each_prefix_that_ends_before_the_second_address_is_refused, ()) {
  const auto text = any_flow().text();
  const auto second_address = text.find(" to ") + 4;
  const auto length = *rc::gen::inRange<std::size_t>(0, second_address + 1);
  RC_ASSERT(!FlowDescription::parse(text.substr(0, length)));
}

}  // namespace
}  // namespace lobo::model
