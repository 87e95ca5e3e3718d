#include "dataplane/radio/conveyed.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <initializer_list>
#include <vector>

#include "model/pdu_set.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/packet.hpp"

namespace lobo::dataplane {
namespace {

/// A G-PDU whose header is followed by these octets, from the type of the first extension on.
std::vector<std::byte> g_pdu(std::initializer_list<unsigned> chain) {
  const std::size_t length = 3 + chain.size();
  std::vector<std::byte> octets{
      std::byte{0x34}, std::byte{255}, std::byte{0}, static_cast<std::byte>(length),
      std::byte{0},    std::byte{0},   std::byte{0}, std::byte{1},
      std::byte{0},    std::byte{0},   std::byte{0}};
  for (const unsigned octet : chain) octets.push_back(static_cast<std::byte>(octet));
  return octets;
}

Conveyed read(std::initializer_list<unsigned> chain) {
  const auto octets = g_pdu(chain);
  const auto view = gtpu::parse_gtpu(octets);
  EXPECT_TRUE(view.ok()) << to_string(view.fault);
  return read_conveyed(view, gtpu::Release::rel19);
}

TEST(conveyed, both_containers_tell_flow_and_mark) {
  const auto conveyed =
      read({0x85, 1, 0x00, 0x09, 0x04, 2, 0x04, 0x25, 0x55, 0x01, 0x2A, 0x00, 0x00, 0x45});
  EXPECT_EQ(conveyed.odd, 0U);
  EXPECT_EQ(conveyed.qfi, 9);
  ASSERT_TRUE(conveyed.mark);
  EXPECT_EQ(conveyed.mark->pssn, Pssn::wrapped(341));
  EXPECT_EQ(conveyed.mark->psn, Psn::wrapped(42));
  EXPECT_TRUE(conveyed.mark->end_of_pdu_set);
}

TEST(conveyed, a_time_stamp_asks_for_an_answer) {
  const auto conveyed = read({0x85, 3, 0x08, 0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x00, 0x45});
  EXPECT_EQ(conveyed.sending_time, 0x0102030405060708U);
}

TEST(conveyed, what_is_odd_is_named_and_its_mark_is_not_believed) {
  const auto alone = read({0x04, 2, 0x04, 0x25, 0x55, 0x01, 0x2A, 0x00, 0x00, 0x45});
  EXPECT_EQ(alone.odd, bit_of(Oddity::no_session_container) | bit_of(Oddity::set_without_session));
  EXPECT_FALSE(alone.mark);
  const auto other =
      read({0x85, 1, 0x00, 0x08, 0x86, 2, 0x04, 0x25, 0x55, 0x01, 0x2A, 0x00, 0x00, 0x45});
  EXPECT_EQ(other.odd, bit_of(Oddity::qfi_differs));
  EXPECT_EQ(other.qfi, 8);
  EXPECT_FALSE(other.mark);
  const auto uplink = read({0x85, 1, 0x10, 0x09, 0x00, 0x45});
  EXPECT_EQ(uplink.odd, bit_of(Oddity::session_container_unread));
  const auto cut = read({0x85, 1, 0x00, 0x09, 0x04, 1, 0x04, 0x25, 0x00, 0x45});
  EXPECT_EQ(cut.odd, bit_of(Oddity::set_container_unread));
  EXPECT_EQ(cut.qfi, 9);
  EXPECT_EQ(read({0x00, 0x45}).odd, bit_of(Oddity::no_session_container));
}

}  // namespace
}  // namespace lobo::dataplane
