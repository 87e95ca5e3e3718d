#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/rng.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/stages/path_test_support.hpp"
#include "model/pdu_set.hpp"
#include "wire/gtpu/packet.hpp"

namespace lobo::dataplane {
namespace {

using test::Octets;
using test::Upf;

Session full_session() {
  Session session = test::marked_session(test::rtp_description());
  session.qers.at({1}).maximum_bit_rate = test::kbps(100'000, 100'000);
  session.urrs[{7}] = {.id = {7}};
  EXPECT_TRUE(session.pdrs.at({1}).urrs.add({7}));
  EXPECT_TRUE(session.pdrs.at({2}).urrs.add({7}));
  return session;
}
Octets good_down(std::uint64_t n) {
  return test::down_frame(test::rtp_packet(PduSetMark{.psi = Psi::low_bits_of(1),
                                                      .pssn = Pssn::wrapped(n / 4),
                                                      .psn = Psn::wrapped(n % 4),
                                                      .pdu_set_size = 800},
                                           static_cast<std::uint16_t>(n)));
}
Octets good_up() { return test::n3_frame(test::g_pdu(test::up_packet(Octets(60, std::byte{3})))); }

TEST(hostile, a_frame_cut_at_any_length_is_dropped_and_counted) {
  Upf upf;
  upf.serve({full_session()});
  const Octets down = good_down(0);
  const Octets up = good_up();
  for (std::size_t length = 0; length < down.size(); ++length)
    EXPECT_TRUE(upf.downlink({{down.begin(), down.begin() + static_cast<std::ptrdiff_t>(length)}})
                    .n3.empty())
        << length;
  for (std::size_t length = 0; length < up.size(); ++length)
    EXPECT_TRUE(
        upf.uplink({{up.begin(), up.begin() + static_cast<std::ptrdiff_t>(length)}}).n6.empty())
        << length;
  EXPECT_TRUE(test::adds_up(upf.pipeline->counters()));
  EXPECT_EQ(upf.pipeline->counters().downlink.sent.packets.value(), 0U);
  EXPECT_EQ(upf.downlink({down}).n3.size(), 1U);
  EXPECT_EQ(upf.uplink({up}).n6.size(), 1U);
}

TEST(hostile, a_message_cut_at_any_length_within_a_whole_datagram_is_dropped) {
  Upf upf;
  upf.serve({full_session()});
  const Octets message = test::g_pdu(test::up_packet(Octets(60, std::byte{3})));
  for (std::size_t length = 0; length < message.size(); ++length) {
    Octets cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_TRUE(upf.uplink({test::n3_frame(cut)}).n6.empty()) << length;
    if (length < gtpu::header_bytes) continue;
    cut[2] = static_cast<std::byte>((length - gtpu::header_bytes) >> 8U);
    cut[3] = static_cast<std::byte>((length - gtpu::header_bytes) & 0xFFU);
    EXPECT_TRUE(upf.uplink({test::n3_frame(cut)}).n6.empty()) << length;
  }
  EXPECT_TRUE(test::adds_up(upf.pipeline->counters()));
}

TEST(hostile, a_chain_of_extension_headers_ends_within_its_bound) {
  Upf upf;
  upf.serve({full_session()});
  for (std::size_t count = 0; count < 2 * gtpu::extension_headers_max; ++count) {
    Octets message{std::byte{0x34}, std::byte{255}, std::byte{}, std::byte{},
                   std::byte{},     std::byte{},    std::byte{}, std::byte{0x10},
                   std::byte{},     std::byte{},    std::byte{}};
    for (std::size_t i = 0; i < count; ++i)
      for (const unsigned octet : {0x20U, 1U, 0U, 0U})
        message.push_back(static_cast<std::byte>(octet));
    message.push_back(std::byte{});
    const Octets packet = test::up_packet(Octets(60, std::byte{3}));
    message.insert(message.end(), packet.begin(), packet.end());
    message[3] = static_cast<std::byte>(message.size() - gtpu::header_bytes);
    const bool passes = upf.uplink({test::n3_frame(message)}).n6.size() == 1U;
    EXPECT_EQ(passes, count <= gtpu::extension_headers_max) << count;
  }
}

RC_GTEST_PROP(hostile, whatever_bits_turn_all_packets_are_accounted_for, ()) {
  SeededRng rng(*rc::gen::arbitrary<std::uint64_t>());
  Upf upf;
  upf.serve({full_session(), test::session(2, "2001:db8:45::", 0x11)});
  std::size_t came_down = 0;
  for (int round = 0; round < 4; ++round) {
    std::vector<Octets> down;
    std::vector<Octets> up;
    for (std::uint64_t n = 0; n < 64; ++n) {
      for (auto* side : {&down, &up}) {
        Octets frame = side == &down ? good_down(rng.below(4096)) : good_up();
        for (std::uint64_t flips = rng.below(6); flips > 0; --flips)
          frame[rng.below(frame.size())] ^= static_cast<std::byte>(1U << rng.below(8));
        if (rng.below(4) == 0) frame.resize(rng.below(frame.size() + 40));
        side->push_back(frame);
      }
    }
    came_down += upf.downlink(down).n3.size();
    (void)upf.uplink(up);
    upf.now += std::chrono::milliseconds{rng.below(50)};
  }
  const auto& counters = upf.pipeline->counters();
  RC_ASSERT(test::adds_up(counters));
  RC_ASSERT(counters.downlink.received.packets.value() == 256U);
  RC_ASSERT(counters.downlink.sent.packets.value() == came_down);
}

RC_GTEST_PROP(hostile, marks_without_sense_harm_no_packet_below_the_rate, ()) {
  SeededRng rng(*rc::gen::arbitrary<std::uint64_t>());
  Upf upf;
  upf.serve({full_session()});  // 100 Mbit/s, of which 3 MB are in the bucket
  for (int i = 0; i < 300; ++i) {
    const PduSetMark mark{.end_of_pdu_set = rng.below(2) == 0,
                          .psi = Psi::low_bits_of(static_cast<std::uint32_t>(rng.below(3))),
                          .pssn = Pssn::wrapped(rng.next()),
                          .psn = Psn::wrapped(rng.next()),
                          .pdu_set_size = static_cast<std::uint32_t>(rng.below(5000)),
                          .pdus_in_set = static_cast<std::uint16_t>(rng.next())};
    const auto sequence = static_cast<std::uint16_t>(rng.next());
    RC_ASSERT(upf.downlink({test::down_frame(test::rtp_packet(mark, sequence))}).n3.size() == 1U);
    upf.now += std::chrono::microseconds{rng.below(5000)};
  }
}

TEST(hostile, one_batch_is_answered_as_its_packets_one_by_one) {
  SeededRng rng(7);
  std::vector<Octets> frames;
  for (std::uint64_t n = 0; n < 640; ++n) {
    const PduSetMark mark{.psi = Psi::low_bits_of(static_cast<std::uint32_t>(rng.below(16))),
                          .pssn = Pssn::wrapped(n),  // each packet a set of its own
                          .pdu_set_size = 1300};
    frames.push_back(test::down_frame(test::rtp_packet(mark, static_cast<std::uint16_t>(n), 1200)));
  }
  auto session = full_session();
  session.qers.at({1}).maximum_bit_rate = test::kbps(8000, 8000);
  Upf together;
  together.serve({session});
  Upf alone;
  alone.serve({session});
  std::vector<Octets> one_by_one;
  for (const Octets& frame : frames)
    for (const Octets& sent : alone.downlink({frame}).n3) one_by_one.push_back(sent);
  EXPECT_EQ(together.downlink(frames).n3, one_by_one);
  EXPECT_LT(one_by_one.size(), frames.size());
}

}  // namespace
}  // namespace lobo::dataplane
