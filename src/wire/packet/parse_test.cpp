#include "wire/packet/parse.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "model/address.hpp"
#include "support/golden.hpp"
#include "wire/packet/build.hpp"
#include "wire/packet/edit.hpp"
#include "wire/packet/flow.hpp"

namespace lobo::packet {
namespace {

std::string_view to_text(UdpChecksum verdict) {
  switch (verdict) {
    case UdpChecksum::good: return "good";
    case UdpChecksum::bad: return "bad";
    case UdpChecksum::absent: return "absent";
    case UdpChecksum::unknown: return "unknown";
  }
  return "";
}

std::string described(const PacketView& view) {
  std::string text = fmt::format("unread = {}\n", to_string(view.unread));
  if (!view.has_ip()) return text;
  text += fmt::format("vlan_tags = {}\n", view.vlan_tags);
  text += fmt::format("ip = {} at {} to {}\n", view.flow.ip_version, view.ip_at, view.ip_end);
  text += fmt::format("protocol = {} at {}\n", view.flow.protocol, view.transport_at);
  text += fmt::format("flow = {} {} > {} {}\n", model::to_text(view.flow.source()),
                      view.flow.source_port, model::to_text(view.flow.destination()),
                      view.flow.destination_port);
  const Fragment& part = view.fragment;
  text += part.whole() ? "fragment = 0 whole\n"
                       : fmt::format("fragment = {} at {} {}\n", part.identification,
                                     part.offset_bytes, part.more ? "more" : "last");
  text += view.has_udp ? fmt::format("user_data = {} to {}\n", view.user_at(), view.user_end)
                       : "user_data = none\n";
  text += fmt::format("surplus = {}\n", view.surplus().size());
  text += fmt::format("udp_checksum = {}\n", to_text(verify_udp_checksum(view)));
  return text;
}

TEST(packet_parse, every_golden_frame_is_read_as_its_text_says) {
  for (const auto& golden : test::goldens("packet")) {
    SCOPED_TRACE(golden.name);
    const bool raw = golden.expected.starts_with("link = raw_ip\n");
    const PacketView view = raw ? parse_ip(golden.bytes) : parse_ethernet(golden.bytes);
    const std::string link = raw ? "link = raw_ip\n" : "link = ethernet\n";
    EXPECT_EQ(link + described(view), golden.expected);
  }
}

TEST(packet_parse, every_golden_ipv4_header_sums_up) {
  int seen = 0;
  for (const auto& golden : test::goldens("packet")) {
    const PacketView view = parse_ethernet(golden.bytes);
    if (view.flow.ip_version != 4) continue;
    EXPECT_TRUE(ip_header_checksum_ok(view)) << golden.name;
    ++seen;
  }
  EXPECT_GT(seen, 5);
}

void expect_parts_within(const PacketView& view) {
  if (!view.has_ip()) return;
  ASSERT_LE(view.ip_at, view.transport_at);
  ASSERT_LE(view.transport_at, view.ip_end);
  ASSERT_LE(view.ip_end, view.frame.size());
  if (!view.has_udp) return;
  ASSERT_LE(view.user_at(), view.user_end);
  ASSERT_LE(view.user_end, view.ip_end);
}

TEST(packet_parse, no_strict_prefix_of_an_unpadded_frame_is_a_whole_datagram) {
  for (const auto& golden : test::goldens("packet")) {
    SCOPED_TRACE(golden.name);
    if (golden.name == "ipv4_link_padding") continue;  // its end is not its packet's
    const bool raw = golden.expected.starts_with("link = raw_ip\n");
    for (std::size_t length = 0; length < golden.bytes.size(); ++length) {
      const Bytes part = Bytes(golden.bytes).first(length);
      const PacketView view = raw ? parse_ip(part) : parse_ethernet(part);
      EXPECT_FALSE(view.whole_udp()) << length;
      expect_parts_within(view);
    }
  }
}

RC_GTEST_PROP(packet_parse, any_bytes_give_parts_that_lie_within_the_frame, ()) {
  std::vector<std::byte> frame;
  for (const int value : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 256)))
    frame.push_back(static_cast<std::byte>(value));
  const auto golden = *rc::gen::elementOf(test::goldens("packet"));
  if (*rc::gen::arbitrary<bool>()) {
    // Nearer to what is read: a good frame with some bytes changed.
    std::vector<std::byte> changed = golden.bytes;
    for (std::size_t i = 0; i + 1 < frame.size(); i += 2)
      changed[std::to_integer<std::size_t>(frame[i]) % changed.size()] = frame[i + 1];
    frame = changed;
  }
  expect_parts_within(parse_ethernet(frame));
  expect_parts_within(parse_ip(frame));
}

rc::Gen<FlowKey> any_flow() {
  return rc::gen::map(
      rc::gen::tuple(
          rc::gen::arbitrary<bool>(),
          rc::gen::container<std::array<std::uint64_t, 4>>(rc::gen::arbitrary<std::uint64_t>()),
          rc::gen::arbitrary<std::uint16_t>(), rc::gen::arbitrary<std::uint16_t>()),
      [](const auto& in) {
        const auto& [six, words, from, to] = in;
        FlowKey flow{.source_low = words[0] & 0xFFFFFFFFU,
                     .destination_low = words[1] & 0xFFFFFFFFU,
                     .source_port = from,
                     .destination_port = to,
                     .protocol = protocol_udp,
                     .ip_version = 4};
        if (six) flow = {words[0], words[1], words[2], words[3], from, to, protocol_udp, 6};
        return flow;
      });
}

RC_GTEST_PROP(packet_parse, what_is_built_is_read_back, ()) {
  const FlowKey flow = *any_flow();
  const auto text =
      *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::arbitrary<std::uint8_t>());
  std::vector<std::byte> data;
  data.reserve(text.size());
  for (const std::uint8_t b : text) data.push_back(std::byte{b});
  const std::array<VlanTag, 2> tags{{{0x88A8, 7}, {0x8100, 9}}};
  const std::size_t tag_count = *rc::gen::inRange<std::size_t>(0, 3);
  const EthernetFields link{.vlans = std::span(tags).first(tag_count)};
  const IpFields ip{.traffic_class = *rc::gen::arbitrary<std::uint8_t>()};
  std::array<std::byte, 4096> out{};
  const auto length = build_udp_frame(out, link, flow, ip, data);
  RC_ASSERT(length.has_value());
  const PacketView view = parse_ethernet(Bytes(out).first(*length));
  RC_ASSERT(view.whole_udp());
  RC_ASSERT(view.flow == flow);
  RC_ASSERT(flow_between(flow.source(), flow.source_port, flow.destination(),
                         flow.destination_port) == flow);
  RC_ASSERT(flow.reversed().reversed() == flow);
  RC_ASSERT(view.traffic_class == ip.traffic_class);
  RC_ASSERT(view.vlan_tags == tag_count);
  RC_ASSERT(test::to_hex(view.user_data()) == test::to_hex(data));
  RC_ASSERT(view.surplus().empty());
  RC_ASSERT(ip_header_checksum_ok(view));
  RC_ASSERT(verify_udp_checksum(view) == UdpChecksum::good);
}

TEST(packet_parse, a_chain_of_nine_extension_headers_is_too_long) {
  const FlowKey flow{.source_low = 1, .destination_low = 2, .protocol = 60, .ip_version = 6};
  for (const std::size_t count : {ipv6_extension_headers_max, ipv6_extension_headers_max + 1}) {
    std::array<std::byte, 256> out{};
    ByteWriter writer(out);
    ASSERT_TRUE(write_ip(writer, flow, {}, count * 8 + 8));
    for (std::size_t i = 0; i < count; ++i) {
      writer.u8(i + 1 == count ? 17 : 60);
      writer.u8(0);
      writer.be16(0x0104);  // PadN of four bytes
      writer.be32(0);
    }
    ASSERT_TRUE(write_udp(writer, flow, {}));
    const PacketView view = parse_ip(writer.written());
    EXPECT_EQ(view.unread,
              count == ipv6_extension_headers_max ? Unread::nothing : Unread::ipv6_chain_too_long);
  }
}

TEST(packet_edit, a_new_length_keeps_the_header_checksum_right) {
  const FlowKey flow{
      .source_low = 0x0A000001, .destination_low = 0x0A000002, .protocol = 17, .ip_version = 4};
  std::array<std::byte, 64> out{};
  const auto length = build_udp_packet(out, flow, {}, {});
  ASSERT_EQ(length, 28U);
  for (const std::size_t transport : {std::size_t{8}, std::size_t{9}, std::size_t{44}}) {
    ASSERT_TRUE(set_transport_length(out, parse_ip(Bytes(out).first(*length)), transport));
    const PacketView after = parse_ip(Bytes(out).first(20 + transport));
    EXPECT_TRUE(ip_header_checksum_ok(after));
    EXPECT_TRUE(after.whole_udp());
    EXPECT_EQ(after.surplus().size(), transport - 8);
  }
  EXPECT_FALSE(set_transport_length(out, parse_ip(out), 0xFFFF - 19));
  EXPECT_EQ(transport_bytes_max(parse_ip(out)), 0xFFFFU - 20);
}

// parse_ip() goes the general way, so that it judges the short one of parse_ethernet().
RC_GTEST_PROP(packet_parse, frames_are_read_alike_the_short_way_and_the_general_one, ()) {
  const auto size = *rc::gen::inRange<std::size_t>(0, 60);
  std::vector<std::byte> frame(200);
  const auto built = build_udp_frame(frame, {},
                                     flow_between(*model::parse_ip_address("192.0.2.1"), 1111,
                                                  *model::parse_ip_address("192.0.2.9"), 2222),
                                     {.traffic_class = *rc::gen::arbitrary<std::uint8_t>(),
                                      .identification = *rc::gen::arbitrary<std::uint16_t>()},
                                     std::vector<std::byte>(size));
  RC_ASSERT(built.has_value());
  frame.resize(*built + *rc::gen::inRange<std::size_t>(0, 40));  // a surplus area or padding
  const auto changed = *rc::gen::inRange(0, 4);  // of the octets that the short way looks at
  for (int i = 0; i < changed; ++i)
    frame[*rc::gen::inRange<std::size_t>(14, 42)] = std::byte{*rc::gen::arbitrary<std::uint8_t>()};
  if (*rc::gen::inRange(0, 5) == 0)
    frame.resize(*rc::gen::inRange<std::size_t>(15, frame.size() + 1));
  PacketView one;
  one.vlan_tags = 3;  // what stood there before does not count
  parse_ethernet(frame, one);
  const PacketView other = parse_ip(frame, ethernet_header_bytes);
  if ((u8_at(frame, 14) >> 4U) != 4) return;  // the EtherType says otherwise
  RC_ASSERT(one.flow == other.flow);
  RC_ASSERT(one.fragment == other.fragment);
  RC_ASSERT(one.frame.data() == other.frame.data());
  RC_ASSERT(one.ip_at == other.ip_at);
  RC_ASSERT(one.transport_at == other.transport_at);
  RC_ASSERT(one.user_end == other.user_end);
  RC_ASSERT(one.ip_end == other.ip_end);
  RC_ASSERT(one.udp_checksum == other.udp_checksum);
  RC_ASSERT(one.vlan_tags == other.vlan_tags);
  RC_ASSERT(one.vlan == other.vlan);
  RC_ASSERT(one.traffic_class == other.traffic_class);
  RC_ASSERT(one.has_udp == other.has_udp);
  RC_ASSERT(one.jumbo == other.jumbo);
  RC_ASSERT(one.unread == other.unread);
}

TEST(packet_edit, a_jumbogram_keeps_its_length) {
  for (const auto& golden : test::goldens("packet")) {
    if (golden.name != "raw_ipv6_jumbogram") continue;
    auto bytes = golden.bytes;
    EXPECT_FALSE(set_transport_length(bytes, parse_ip(golden.bytes), 20));
    EXPECT_EQ(bytes, golden.bytes);
  }
}

TEST(packet_flow, the_hash_depends_on_every_part_of_the_key_and_on_the_seed) {
  const FlowKey base{1, 2, 3, 4, 5, 6, 17, 6};
  std::vector<FlowKey> others{base, base, base, base, base, base, base, base.reversed()};
  others[0].source_high ^= 1;
  others[1].source_low ^= 1;
  others[2].destination_high ^= 1;
  others[3].destination_low ^= 1;
  others[4].source_port ^= 1;
  others[5].destination_port ^= 1;
  others[6].protocol ^= 1;
  for (const auto& other : others) EXPECT_NE(flow_hash(other, 42), flow_hash(base, 42));
  EXPECT_NE(flow_hash(base, 42), flow_hash(base, 43));
}

}  // namespace
}  // namespace lobo::packet
