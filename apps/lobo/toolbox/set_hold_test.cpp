// What waits for the end of its PDU Set, and for how long it may.
#include "toolbox/set_hold.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/pdu_set.hpp"
#include "toolbox/stream_key.hpp"
#include "wire/capture/capture.hpp"

namespace lobo::app {
namespace {

struct Held {
  SetHold hold;
  std::size_t out = 0;

  void pdu(std::uint32_t ssrc, std::uint32_t pssn, std::uint16_t npds) {
    const std::vector<std::byte> bytes(100);
    const PduSetMark mark{.pssn = Pssn::wrapped(pssn), .pdus_in_set = npds};
    hold.marked({.kind = capture::Item::Kind::packet, .raw = bytes, .packet = {.bytes = bytes}},
                StreamKey{{}, ssrc}, mark, 100, [&](const SetHold::Held&) { ++out; });
  }
  void other(std::size_t size) {
    const std::vector<std::byte> bytes(size);
    hold.pass({.raw = bytes}, [&](const SetHold::Held&) { ++out; });
  }
};

TEST(set_hold, a_set_goes_on_when_it_is_whole_and_what_came_behind_it_with_it) {
  Held held;
  held.pdu(1, 0, 2);
  held.other(10);
  EXPECT_EQ(held.out, 0U);
  held.pdu(1, 0, 2);
  EXPECT_EQ(held.out, 3U);
}

TEST(set_hold, sets_of_two_streams_with_one_number_are_two) {
  Held held;
  held.pdu(1, 0, 2);
  held.pdu(2, 0, 2);
  EXPECT_EQ(held.out, 0U);
  held.pdu(1, 0, 2);
  EXPECT_EQ(held.out, 1U);
}

TEST(set_hold, large_blocks_behind_a_set_that_stays_open_do_not_pile_up) {
  Held held;
  held.pdu(1, 0, 2);
  constexpr std::size_t block = 16U << 20U;
  for (std::size_t i = 0; i < held_bytes_max / block; ++i) held.other(block);
  EXPECT_EQ(held.out, held_bytes_max / block + 1);
}

}  // namespace
}  // namespace lobo::app
