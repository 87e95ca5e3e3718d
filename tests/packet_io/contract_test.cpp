// What every port does, be it memory, a capture or an interface.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "adapters/packet_io/wait.hpp"
#include "base/bytes.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"
#include "world.hpp"

namespace lobo::packet_io_test {
namespace {

class packet_port : public ::testing::TestWithParam<Kind> {
 protected:
  bool captured() const { return is_capture(GetParam()); }
};

std::string name_of(const ::testing::TestParamInfo<Kind>& info) { return to_string(info.param); }
INSTANTIATE_TEST_SUITE_P(each, packet_port, ::testing::ValuesIn(kinds), name_of);

/// A capture that is read is not written, and never has to be waited for.
class two_way_port : public packet_port {};
INSTANTIATE_TEST_SUITE_P(each, two_way_port,
                         ::testing::Values(Kind::memory, Kind::dpdk_memif, Kind::af_packet,
                                           Kind::af_packet_plain, Kind::af_xdp,
                                           Kind::dpdk_af_packet),
                         name_of);

Frames numbered_frames(std::size_t count, std::size_t size) {
  Frames frames;
  for (std::size_t i = 0; i < count; ++i)
    frames.push_back(numbered(static_cast<std::uint32_t>(i), size));
  return frames;
}

TEST_P(packet_port, what_is_sent_arrives_once_in_order_byte_by_byte) {
  World world(GetParam(), {});
  LOBO_NEED(world);
  Frames frames;
  for (std::size_t size = 18; size <= 1514; size += 11)
    frames.push_back(numbered(static_cast<std::uint32_t>(frames.size()), size));
  std::size_t bytes = 0;
  for (const auto& frame : frames) bytes += frame.size();
  EXPECT_TRUE(same(world.transfer(frames), frames));
  EXPECT_EQ(world.sender().counters().sent, (packet_io::Tally{frames.size(), bytes}));
  EXPECT_EQ(world.receiver().counters().received, (packet_io::Tally{frames.size(), bytes}));
  EXPECT_EQ(world.receiver().counters().dropped,
            (std::array<std::uint64_t, packet_io::drop_reasons_count>{}));
}

TEST_P(packet_port, tags_of_vlans_arrive_where_they_stood) {
  World world(GetParam(), {});
  LOBO_NEED(world);
  using Tags = std::vector<std::array<std::uint16_t, 2>>;
  const Frames frames{
      tagged(numbered(1, 100), Tags{{0x8100, 7}}),
      tagged(numbered(2, 101), Tags{{0x8100, 0xE123}}),
      tagged(numbered(3, 102), Tags{{0x88A8, 100}, {0x8100, 200}}),
      numbered(4, 103),
      tagged(numbered(5, 1514), Tags{{0x8100, 4094}}),
  };
  auto expected = frames;
  // The kernel takes the outer tag off and tells its type, which DPDK's device passes over.
  if (GetParam() == Kind::dpdk_af_packet) put_be16_at(expected[2], 12, 0x8100);
  EXPECT_TRUE(same(world.transfer(frames), expected));
}

TEST_P(packet_port, jumbo_frames_arrive_where_the_interface_carries_them) {
  World world(GetParam(), {.mtu = 9000});
  if (GetParam() == Kind::af_xdp || GetParam() == Kind::dpdk_af_packet) {
    // Refused with the reason; that it falls back to AF_PACKET is a test of its own.
    if (!world.why_not().empty()) GTEST_SKIP() << world.why_not();
    EXPECT_NE(world.what_failed().find("do not fit"), std::string::npos) << world.what_failed();
    return;
  }
  LOBO_NEED(world);
  if (GetParam() == Kind::dpdk_memif) {
    Frames frames{numbered(1, 2049), numbered(2, 2048), numbered(3, 9014), numbered(4, 60)};
    ASSERT_EQ(world.offer(frames), frames.size());
    EXPECT_TRUE(same(world.collect(2), {frames[1], frames[3]}));
    EXPECT_EQ(world.sender().counters()[DropReason::too_long], 2U);
    return;
  }
  const Frames frames{numbered(1, 9014), numbered(2, 9013), numbered(3, 60), numbered(4, 5001)};
  EXPECT_TRUE(same(world.transfer(frames), frames));
}

TEST_P(packet_port, more_frames_than_the_ring_has_room_for_arrive_when_somebody_receives) {
  World world(GetParam(), {.ring_packets = 128});
  LOBO_NEED(world);
  const auto frames = numbered_frames(3000, 200);
  EXPECT_TRUE(same(world.transfer(frames), frames));
}

TEST_P(packet_port, a_full_ring_loses_from_its_end_counts_it_and_goes_on) {
  World world(GetParam(), {.ring_packets = 256});
  LOBO_NEED(world);
  auto frames = numbered_frames(20000, 900);
  const std::size_t taken = world.offer(frames);
  ASSERT_GT(taken, 0U);
  world.turn();
  // No waiting for a number that nobody can tell: what is here is here now, within a block's time.
  Frames arrived;
  Batch batch;
  while (arrived.size() < taken && world.next(batch, std::chrono::milliseconds{300}))
    for (const auto& packet : batch.packets()) arrived.push_back(copy_of(packet));
  ASSERT_FALSE(arrived.empty());
  std::size_t at = 0;
  for (const auto& frame : arrived) {
    while (at < taken && frames[at] != frame) ++at;
    ASSERT_LT(at++, taken) << "changed, twice, or out of order";
  }
  EXPECT_EQ(world.receiver().counters().received.packets, arrived.size());
  if (GetParam() == Kind::memory) {
    EXPECT_EQ(taken, 256U);
    EXPECT_EQ(arrived.size(), taken);
  }
  if (captured()) {
    EXPECT_EQ(arrived.size(), frames.size());
    return;
  }
  EXPECT_TRUE(same(world.transfer({numbered(1, 77)}), {numbered(1, 77)}));
}

TEST_P(packet_port, the_rooms_around_a_packet_belong_to_it_alone) {
  World world(GetParam(), {});
  LOBO_NEED(world);
  auto frames = numbered_frames(700, 333);
  for (std::size_t i = 0; i < frames.size(); i += 3)
    frames[i] = numbered(static_cast<std::uint32_t>(i), 60 + i);
  std::size_t seen = 0;
  for (std::size_t begin = 0; begin < frames.size(); begin += 140) {
    Frames some(frames.begin() + static_cast<std::ptrdiff_t>(begin),
                frames.begin() + static_cast<std::ptrdiff_t>(begin + 140));
    ASSERT_EQ(world.offer(some), some.size());
    if (captured()) continue;
    for (Batch batch; seen < begin + 140;) {
      ASSERT_TRUE(world.next(batch));
      for (auto& packet : batch.packets()) {
        ASSERT_GE(packet.headroom(), packet_io::headroom_min);
        ASSERT_GE(packet.tailroom(), packet_io::tailroom_min);
        auto larger = packet;
        ASSERT_TRUE(larger.grow_front(packet_io::headroom_min));
        ASSERT_TRUE(larger.grow_back(packet_io::tailroom_min));
        const auto all = larger.bytes();
        std::fill_n(all.begin(), packet_io::headroom_min, std::byte{0xEE});
        std::fill_n(all.end() - packet_io::tailroom_min, packet_io::tailroom_min, std::byte{0xEE});
      }
      for (const auto& packet : batch.packets()) ASSERT_EQ(copy_of(packet), frames[seen++]);
    }
  }
  if (!captured()) return;
  world.turn();
  Batch batch;
  while (seen < frames.size() && world.next(batch))
    for (const auto& packet : batch.packets()) {
      EXPECT_GE(packet.headroom(), packet_io::headroom_min);
      EXPECT_GE(packet.tailroom(), packet_io::tailroom_min);
      ASSERT_EQ(copy_of(packet), frames[seen++]);
    }
  EXPECT_EQ(seen, frames.size());
}

TEST_P(packet_port, a_frame_that_can_never_be_sent_is_counted_and_those_behind_it_go) {
  World world(GetParam(), {});
  LOBO_NEED(world);
  const auto too_long = std::size_t{70} << 10U;
  Frames frames{numbered(1, 60), numbered(2, too_long), numbered(3, 60)};
  ASSERT_EQ(world.offer(frames), frames.size());
  world.turn();
  const auto arrived = world.collect(2);
  EXPECT_TRUE(same(arrived, {numbered(1, 60), numbered(3, 60)}));
  EXPECT_EQ(world.sender().counters()[DropReason::too_long], 1U);
  EXPECT_EQ(world.sender().counters().sent.packets, 2U);
}

TEST_P(packet_port, a_port_that_was_closed_in_the_middle_does_nothing_more) {
  World world(GetParam(), {});
  LOBO_NEED(world);
  auto frames = numbered_frames(200, 100);
  ASSERT_EQ(world.offer(frames), frames.size());
  world.turn();
  Batch batch;
  ASSERT_TRUE(world.next(batch));
  world.receiver().close();
  world.receiver().close();
  EXPECT_EQ(world.receiver().state(), PortState::closed);
  EXPECT_EQ(world.receiver().receive(batch), 0U);
  EXPECT_TRUE(batch.empty());
  world.sender().close();
  EXPECT_EQ(world.sender().state(), PortState::closed);
  EXPECT_EQ(world.offer(frames), 0U);
}

TEST_P(packet_port, what_was_accepted_before_its_sender_closed_arrives) {
  World world(GetParam(), {});
  LOBO_NEED(world);
  auto frames = numbered_frames(100, 100);
  ASSERT_EQ(world.offer(frames), frames.size());
  if (GetParam() == Kind::dpdk_memif) {
    // The memory is the sender's, and goes with it: what is not taken by then is lost.
    EXPECT_TRUE(same(world.collect(frames.size()), frames));
    world.sender().close();
    Batch batch;
    EXPECT_FALSE(world.next(batch, std::chrono::milliseconds{50}));
    EXPECT_EQ(world.receiver().state(), PortState::link_down);
    EXPECT_NE(world.receiver().trouble().find("nobody is connected"), std::string::npos);
    return;
  }
  world.sender().close();
  world.turn();
  EXPECT_TRUE(same(world.collect(frames.size()), frames));
  if (!is_live(GetParam())) { EXPECT_EQ(world.receiver().state(), PortState::ended); }
}

TEST_P(two_way_port, a_lent_frame_may_be_sent_on_larger_than_it_came) {
  World world(GetParam(), {});
  LOBO_NEED(world);
  auto frames = numbered_frames(40, 100);
  ASSERT_EQ(world.offer(frames), frames.size());
  std::size_t sent_on = 0;
  Batch batch;
  while (sent_on < frames.size() && world.next(batch)) {
    for (auto& packet : batch.packets()) {
      ASSERT_TRUE(packet.grow_front(20));
      std::copy_n(packet.bytes().begin() + 20, 14, packet.bytes().begin());
    }
    sent_on += world.receiver().send(batch.packets());
  }
  std::size_t back = 0;
  while (back < frames.size()) {
    Port* const ports[] = {&world.sender()};
    if (world.sender().receive(batch) == 0) {
      ASSERT_TRUE(adapters::packet_io::wait_for_packets(ports, patience));
      continue;
    }
    for (const auto& packet : batch.packets()) {
      const auto frame = packet.bytes();
      ASSERT_EQ(frame.size(), 120U);
      ASSERT_TRUE(std::ranges::equal(frame.subspan(34), Bytes(frames[back++]).subspan(14)));
    }
  }
}

TEST_P(two_way_port, waiting_ends_when_something_comes_and_when_the_time_is_over) {
  World world(GetParam(), {});
  LOBO_NEED(world);
  Port* const ports[] = {&world.receiver()};
  Batch batch;
  if (is_polled(GetParam())) {
    EXPECT_EQ(world.receiver().descriptor(), -1);
    EXPECT_TRUE(adapters::packet_io::wait_for_packets(ports, patience)) << "at once, to look again";
    return;
  }
  // An interface may have said something when it came up.
  while (world.receiver().receive(batch) > 0) continue;
  (void)adapters::packet_io::wait_for_packets(ports, std::chrono::milliseconds{0});
  while (world.receiver().receive(batch) > 0) continue;
  EXPECT_FALSE(adapters::packet_io::wait_for_packets(ports, std::chrono::milliseconds{1}));
  Frames one{numbered(1, 60)};
  ASSERT_EQ(world.offer(one), 1U);
  EXPECT_TRUE(adapters::packet_io::wait_for_packets(ports, patience));
  EXPECT_TRUE(same(world.collect(1), one));
}

}  // namespace
}  // namespace lobo::packet_io_test
