#include "wire/udp_options/reassembly.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "support/golden.hpp"
#include "wire/packet/build.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"
#include "wire/udp_options/edit.hpp"
#include "wire/udp_options/kinds.hpp"
#include "wire/udp_options/surplus.hpp"

namespace lobo::udp_options {
namespace {

constexpr Instant start{std::chrono::hours{1}};

// A packet with one fragment, bytes put together by hand.
std::vector<std::byte> fragment(std::uint16_t offset, Bytes data, std::optional<std::uint16_t> rdos,
                                std::uint32_t identification = 42, std::uint16_t port = 1) {
  const packet::FlowKey flow{.source_low = 1,
                             .destination_low = 2,
                             .source_port = port,
                             .destination_port = 5004,
                             .protocol = 17,
                             .ip_version = 4};
  std::vector<std::byte> bytes(28 + 16 + data.size());
  const std::size_t plain = packet::build_udp_packet(bytes, flow, {}, {}).value_or(0);
  std::vector<std::byte> options(14 + data.size());
  ByteWriter out(options);
  out.u8(3);
  out.u8(rdos ? 12 : 10);
  out.be16(rdos ? 22 : 20);
  out.be32(identification);
  out.be16(offset);
  if (rdos) out.be16(*rdos);
  out.bytes(data);
  const auto length =
      replace_all(bytes, packet::parse_ip(Bytes(bytes).first(plain)), out.written());
  bytes.resize(length.value_or(0));
  return bytes;
}

Taken give(Reassembler& to, const std::vector<std::byte>& bytes, Instant now = start) {
  const auto view = packet::parse_ip(bytes);
  return to.add(view, read_surplus(view), now);
}

TEST(udp_reassembly, fragments_in_any_order_make_the_datagram_with_its_own_options) {
  // "hello" (UDP Length 13, so a pad byte), OCS unused, MDS.
  const auto original = test::from_hex("68656c6c6f 00 0000 040405c0");
  const Bytes all(original);
  std::vector<int> order{0, 1, 2};
  do {
    Reassembler reassembler({});
    Taken last = Taken::kept;
    for (const int i : order) {
      EXPECT_EQ(last, Taken::kept);
      if (i == 0) last = give(reassembler, fragment(8, all.first(3), std::nullopt));
      if (i == 1) last = give(reassembler, fragment(11, all.subspan(3, 4), std::nullopt));
      if (i == 2) last = give(reassembler, fragment(15, all.subspan(7), std::uint16_t{13}));
    }
    ASSERT_EQ(last, Taken::complete);
    const Datagram& datagram = reassembler.datagram();
    EXPECT_EQ(test::to_hex(datagram.user_data), "68656c6c6f");
    const Surplus surplus = read_surplus(datagram.surplus, {.odd = datagram.odd});
    ASSERT_TRUE(surplus.accepted()) << to_string(surplus.verdict);
    EXPECT_NE(surplus.find(kind_mds), nullptr);
    EXPECT_EQ(reassembler.in_work(), 0U);
  } while (std::ranges::next_permutation(order).found);
}

TEST(udp_reassembly, one_fragment_may_be_the_whole_datagram) {
  Reassembler reassembler({});
  EXPECT_EQ(give(reassembler, fragment(8, test::from_hex("6869"), std::uint16_t{10})),
            Taken::complete);
  EXPECT_EQ(test::to_hex(reassembler.datagram().user_data), "6869");
  EXPECT_TRUE(reassembler.datagram().surplus.empty());
}

TEST(udp_reassembly, a_repeated_fragment_changes_nothing_and_another_overlap_ends_the_datagram) {
  Reassembler reassembler({});
  const auto data = test::from_hex("01020304");
  EXPECT_EQ(give(reassembler, fragment(8, data, std::nullopt)), Taken::kept);
  EXPECT_EQ(give(reassembler, fragment(8, data, std::nullopt)), Taken::repeated);
  EXPECT_EQ(give(reassembler, fragment(10, data, std::nullopt)), Taken::conflict);
  EXPECT_EQ(reassembler.in_work(), 0U);
}

TEST(udp_reassembly, places_that_cannot_be_end_the_datagram) {
  const auto data = test::from_hex("01020304");
  Reassembler reassembler({});
  EXPECT_EQ(give(reassembler, fragment(7, data, std::nullopt)), Taken::bounds);
  EXPECT_EQ(give(reassembler, fragment(0xFFFE, data, std::nullopt)), Taken::bounds);
  EXPECT_EQ(give(reassembler, fragment(8, data, std::uint16_t{13})), Taken::bounds);
  EXPECT_EQ(give(reassembler, fragment(8, data, std::uint16_t{7})), Taken::bounds);
  EXPECT_EQ(give(reassembler, fragment(8, {}, std::nullopt)), Taken::not_a_fragment);
}

TEST(udp_reassembly, two_ends_and_data_behind_the_end_are_conflicts) {
  const auto data = test::from_hex("01020304");
  Reassembler reassembler({});
  EXPECT_EQ(give(reassembler, fragment(20, data, std::uint16_t{24})), Taken::kept);
  EXPECT_EQ(give(reassembler, fragment(12, data, std::uint16_t{16})), Taken::conflict);
  EXPECT_EQ(give(reassembler, fragment(20, data, std::uint16_t{24})), Taken::kept);
  EXPECT_EQ(give(reassembler, fragment(24, data, std::nullopt)), Taken::conflict);
}

TEST(udp_reassembly, the_oldest_makes_room_and_what_waits_too_long_is_forgotten) {
  const auto data = test::from_hex("01020304");
  Reassembler reassembler({.datagrams = 2, .keep_for = std::chrono::seconds{10}});
  EXPECT_EQ(give(reassembler, fragment(8, data, std::nullopt, 1)), Taken::kept);
  EXPECT_EQ(give(reassembler, fragment(8, data, std::nullopt, 2), start + std::chrono::seconds{1}),
            Taken::kept);
  EXPECT_EQ(give(reassembler, fragment(8, data, std::nullopt, 3), start + std::chrono::seconds{2}),
            Taken::kept);
  EXPECT_EQ(reassembler.in_work(), 2U);
  const auto end_of = [&](std::uint32_t id, std::chrono::seconds after) {
    return give(reassembler, fragment(12, data, std::uint16_t{16}, id), start + after);
  };
  EXPECT_EQ(end_of(2, std::chrono::seconds{3}), Taken::complete);
  EXPECT_EQ(end_of(3, std::chrono::seconds{12}), Taken::kept) << "its beginning is forgotten";
}

TEST(udp_reassembly, fragments_of_other_flows_are_not_mixed) {
  const auto data = test::from_hex("01020304");
  Reassembler reassembler({});
  EXPECT_EQ(give(reassembler, fragment(8, data, std::nullopt, 1, 1000)), Taken::kept);
  EXPECT_EQ(give(reassembler, fragment(12, data, std::uint16_t{16}, 1, 1001)), Taken::kept);
  EXPECT_EQ(reassembler.in_work(), 2U);
}

TEST(udp_reassembly, sixty_five_fragments_are_too_many) {
  Reassembler reassembler({});
  const auto data = test::from_hex("01");
  for (std::uint16_t i = 0; i < fragments_per_datagram_max; ++i)
    ASSERT_EQ(give(reassembler, fragment(static_cast<std::uint16_t>(8 + i), data, std::nullopt)),
              Taken::kept);
  EXPECT_EQ(give(reassembler, fragment(200, data, std::nullopt)), Taken::too_many_fragments);
}

}  // namespace
}  // namespace lobo::udp_options
