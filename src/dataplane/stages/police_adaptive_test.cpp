// A sender that adapts as TCP's congestion avoidance does (RFC 5681), behind the policer.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "dataplane/elapsed.hpp"
#include "dataplane/stages/path_test_support.hpp"

namespace lobo::dataplane {
namespace {

using namespace std::chrono_literals;
using test::Octets;
using test::Upf;

constexpr std::size_t packet_octets = 1400;

/// Octets that come through in `time`: one more packet each round trip, half as many after one
/// with losses, twice as many before the first loss.
std::uint64_t adaptive(Upf& upf, Elapsed round_trip, Elapsed time) {
  const Octets frame = test::down_frame(Octets(packet_octets - 28, std::byte{1}));
  std::uint64_t window = 10;
  bool slow_start = true;
  std::uint64_t passed = 0;
  for (const Elapsed end = upf.now + time; upf.now < end;) {
    std::uint64_t arrived = 0;
    for (std::uint64_t i = 0; i < window; ++i) {
      arrived += upf.downlink({frame}).n3.size();
      upf.now += round_trip / static_cast<std::int64_t>(window);
    }
    passed += arrived * packet_octets;
    const bool lost = arrived < window;
    slow_start = slow_start && !lost;
    if (lost) {
      window = std::max<std::uint64_t>(window / 2, 2);
    } else {
      window = slow_start ? 2 * window : window + 1;
    }
  }
  return passed;
}

TEST(policer, an_adaptive_sender_gets_most_of_the_rate_and_never_more) {
  for (const std::uint64_t kbps : {2000U, 20'000U, 100'000U}) {
    for (const Elapsed round_trip : {1ms, 10ms, 40ms}) {
      auto session = test::session();
      session.qers.at({1}).maximum_bit_rate = test::kbps(kbps, kbps);
      Upf upf;
      upf.serve({session});
      const std::uint64_t full = kbps * 125 * 10;
      const std::uint64_t passed = adaptive(upf, round_trip, 10s);
      EXPECT_GE(passed * 100, full * 85) << kbps << " kbit/s, " << round_trip / 1ms << " ms";
      EXPECT_LE(passed * 100, full * 102) << kbps << " kbit/s, " << round_trip / 1ms << " ms";
    }
  }
}

}  // namespace
}  // namespace lobo::dataplane
