// That nothing is allocated for a packet: this program's operator new counts.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "dataplane/stages/path_test_support.hpp"
#include "dataplane/stages/pipeline.hpp"
#include "model/pdu_set.hpp"
#include "wire/packet_io/batch.hpp"

namespace {
std::atomic<std::uint64_t> allocations{0};
}

// Not inlined: GCC would see malloc() where it looks for new.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* const room = std::malloc(size == 0 ? 1 : size)) return room;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* room) noexcept { std::free(room); }
[[gnu::noinline]] void operator delete(void* room, std::size_t) noexcept { std::free(room); }

namespace lobo::dataplane {
namespace {

using test::Octets;

TEST(allocation, no_packet_costs_one_whatever_becomes_of_it) {
  auto session = test::marked_session(test::rtp_description());
  session.qers.at({1}).maximum_bit_rate = test::kbps(500, 500);
  session.urrs[{7}] = {.id = {7}};
  ASSERT_TRUE(session.pdrs.at({1}).urrs.add({7}));
  auto options = test::session(2, "10.45.0.3", 0x11);
  options.pdrs.at({1}).protocol = test::option_description();
  test::Upf upf;
  upf.serve({session, options});

  std::vector<Octets> frames;
  for (unsigned n = 0; n < 16; ++n)
    frames.push_back(test::down_frame(test::rtp_packet(PduSetMark{
        .psi = Psi::low_bits_of(n), .pssn = Pssn::wrapped(n / 2), .pdu_set_size = 5000})));
  frames.push_back(test::down_frame(Octets(9, std::byte{1})));
  frames.push_back(test::down_frame(Octets(9, std::byte{1}), 5004, "10.45.0.3"));
  frames.push_back(test::down_frame(Octets(9, std::byte{1}), 5004, "10.45.0.4"));
  frames.push_back(test::n3_frame(test::g_pdu(test::up_packet(Octets(20, std::byte{2})))));
  frames.push_back(test::n3_frame(test::g_pdu(test::up_packet(Octets(20, std::byte{2})), 0x77)));
  frames.push_back(test::n3_frame(Octets(30, std::byte{0x32})));
  std::vector<Octets> rooms;
  for (const Octets& frame : frames) {
    Octets& room =
        rooms.emplace_back(packet_io::headroom_min + frame.size() + packet_io::tailroom_min);
    std::ranges::copy(frame, room.begin() + packet_io::headroom_min);
  }
  packet_io::Batch down;
  packet_io::Batch up;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const packet_io::Packet packet(rooms[i], packet_io::headroom_min, frames[i].size(), {});
    (i < 19 ? down : up).push(packet);
  }
  const Turn turn{*upf.rules, *upf.neighbours, upf.now, upf.since_1970};
  Outgoing out;
  const std::uint64_t before = allocations.load(std::memory_order_relaxed);
  upf.pipeline->downlink(down, turn, out);
  upf.pipeline->uplink(up, turn, out);
  EXPECT_EQ(allocations.load(std::memory_order_relaxed), before);
  EXPECT_GT(upf.pipeline->counters().downlink.sent.packets.value(), 0U);
  EXPECT_EQ(upf.dropped(PathDrop::no_session), 1U);
  EXPECT_EQ(upf.dropped_uplink(PathDrop::unknown_tunnel), 1U);
}

}  // namespace
}  // namespace lobo::dataplane
