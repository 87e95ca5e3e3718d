#include "wire/packet/flow_filter.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "model/address.hpp"
#include "model/flow_description.hpp"
#include "wire/packet/flow.hpp"

namespace lobo::packet {
namespace {

using model::FlowDescription;
using model::FlowEndpoint;
using model::IpAddress;

FlowFilter filter(std::string_view text, std::optional<IpAddress> ue = std::nullopt) {
  return FlowFilter(FlowDescription::parse(text).value(), ue);
}
FlowKey flow(std::string_view from, std::uint16_t from_port, std::string_view to,
             std::uint16_t to_port, std::uint8_t protocol = 17) {
  FlowKey key = flow_between(*model::parse_ip_address(from), from_port,
                             *model::parse_ip_address(to), to_port);
  key.protocol = protocol;
  return key;
}

TEST(flow_filter, holds_as_written_towards_the_ue_and_swapped_from_it) {
  const auto video = filter("permit out 17 from 192.0.2.10 5004 to assigned 40000-40010");
  const auto down = flow("192.0.2.10", 5004, "10.45.0.2", 40005);
  EXPECT_TRUE(video.matches(down, Travel::to_ue));
  EXPECT_FALSE(video.matches(down, Travel::from_ue));
  EXPECT_TRUE(video.matches(down.reversed(), Travel::from_ue));
  EXPECT_FALSE(video.matches(down.reversed(), Travel::to_ue));
  EXPECT_FALSE(video.matches(flow("192.0.2.11", 5004, "10.45.0.2", 40005), Travel::to_ue));
  EXPECT_FALSE(video.matches(flow("192.0.2.10", 5005, "10.45.0.2", 40005), Travel::to_ue));
  EXPECT_FALSE(video.matches(flow("192.0.2.10", 5004, "10.45.0.2", 40011), Travel::to_ue));
  EXPECT_FALSE(video.matches(flow("192.0.2.10", 5004, "10.45.0.2", 40005, 6), Travel::to_ue));
}

TEST(flow_filter, of_the_other_direction_is_the_same_filter_turned_round) {
  EXPECT_EQ(filter("permit in 17 from assigned 40000 to 192.0.2.10 5004"),
            filter("permit out 17 from 192.0.2.10 5004 to assigned 40000"));
}

TEST(flow_filter, assigned_is_the_address_of_the_ue_where_that_is_given) {
  const auto mine =
      filter("permit out ip from any to assigned", model::parse_ip_address("10.0.0.1"));
  EXPECT_TRUE(mine.matches(flow("192.0.2.1", 1, "10.0.0.1", 2), Travel::to_ue));
  EXPECT_FALSE(mine.matches(flow("192.0.2.1", 1, "10.0.0.2", 2), Travel::to_ue));
  EXPECT_TRUE(filter("permit out ip from any to assigned")
                  .matches(flow("192.0.2.1", 1, "10.0.0.2", 2), Travel::to_ue));
}

TEST(flow_filter, a_network_of_length_zero_is_of_its_ip_version) {
  const auto v4 = filter("permit out ip from 0.0.0.0/0 to any");
  EXPECT_TRUE(v4.matches(flow("192.0.2.1", 1, "10.0.0.1", 2), Travel::to_ue));
  EXPECT_FALSE(v4.matches(flow("2001:db8::1", 1, "2001:db8::2", 2), Travel::to_ue));
}

TEST(flow_filter, networks_of_ipv6_are_compared_beyond_the_first_half) {
  const auto narrow = filter("permit out ip from 2001:db8::ff00/120 to any");
  EXPECT_TRUE(narrow.matches(flow("2001:db8::ff7f", 1, "2001:db8::2", 2), Travel::to_ue));
  EXPECT_FALSE(narrow.matches(flow("2001:db8::fe7f", 1, "2001:db8::2", 2), Travel::to_ue));
  EXPECT_FALSE(narrow.matches(flow("2001:db9::ff7f", 1, "2001:db8::2", 2), Travel::to_ue));
}

// The same said slowly: by the rules of the text, end by end.
bool holds(const FlowEndpoint& end, const IpAddress& address, std::uint16_t port) {
  if (end.kind == FlowEndpoint::Kind::network &&
      (end.address.index() != address.index() ||
       model::network_of(address, end.prefix_length) != end.address))
    return false;
  return end.ports.empty() || std::ranges::any_of(end.ports, [&](const model::PortRange& range) {
           return port >= range.first && port <= range.last;
         });
}

// Few bits differ, so that about half of all comparisons hold.
IpAddress any_address(bool v6) {
  const auto byte = [] { return static_cast<std::uint8_t>(*rc::gen::inRange(0, 4)); };
  if (!v6) return model::Ipv4Address{{10, byte(), 0, byte()}};
  model::Ipv6Address address;
  address.octets[7] = byte();
  address.octets[15] = byte();
  return address;
}
FlowEndpoint any_end(bool v6) {
  FlowEndpoint end;
  end.kind = *rc::gen::element(FlowEndpoint::Kind::any, FlowEndpoint::Kind::network);
  if (end.kind == FlowEndpoint::Kind::network) {
    const auto address = any_address(v6);
    end.prefix_length =
        static_cast<std::uint8_t>(*rc::gen::inRange(0U, model::address_bits(address) + 1));
    end.address = model::network_of(address, end.prefix_length);
  }
  const auto ranges = *rc::gen::inRange(0, 3);
  for (int i = 0; i < ranges; ++i) {
    const auto first = *rc::gen::inRange<std::uint16_t>(0, 8);
    end.ports.push_back(
        {first, static_cast<std::uint16_t>(first + *rc::gen::inRange<std::uint16_t>(0, 4))});
  }
  return end;
}

RC_GTEST_PROP(flow_filter, says_what_the_text_says_in_both_directions, ()) {
  const bool filter_v6 = *rc::gen::arbitrary<bool>();
  const bool packet_v6 = *rc::gen::inRange(0, 4) == 0 ? !filter_v6 : filter_v6;
  FlowDescription description;
  if (*rc::gen::arbitrary<bool>()) description.protocol = *rc::gen::element<std::uint8_t>(6, 17);
  description.from = any_end(filter_v6);
  description.to = any_end(filter_v6);
  const auto source = any_address(packet_v6);
  const auto destination = any_address(packet_v6);
  const auto source_port = *rc::gen::inRange<std::uint16_t>(0, 12);
  const auto destination_port = *rc::gen::inRange<std::uint16_t>(0, 12);
  const FlowKey key = flow_between(source, source_port, destination, destination_port);
  const bool expected = (!description.protocol || *description.protocol == key.protocol) &&
                        holds(description.from, source, source_port) &&
                        holds(description.to, destination, destination_port);
  const FlowFilter compiled(description);
  RC_CLASSIFY(expected);
  RC_ASSERT(compiled.matches(key, Travel::to_ue) == expected);
  RC_ASSERT(compiled.matches(key.reversed(), Travel::from_ue) == expected);
}

}  // namespace
}  // namespace lobo::packet
