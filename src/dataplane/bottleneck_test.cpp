#include "dataplane/bottleneck.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/quantity.hpp"
#include "dataplane/drop_reason.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/set_queue.hpp"
#include "dataplane/set_tracker.hpp"

namespace lobo::dataplane {
namespace {

using namespace std::chrono_literals;

struct Link {
  explicit Link(BitsPerSecond rate, const QueueConfig& queue) : bottleneck(rate, queue) {}
  void offer(std::uint64_t handle, std::uint32_t bytes, Elapsed at) {
    bottleneck.arrive(flow, nullptr, std::nullopt, {handle, bytes}, at,
                      [this](const Fate& fate) { fates.push_back(fate); });
  }
  void drain() {
    bottleneck.drain([this](const Fate& fate) { fates.push_back(fate); });
  }
  Bottleneck bottleneck;
  SetTracker flow;
  std::vector<Fate> fates;
};

constexpr QueueConfig tail(std::uint64_t bytes) {
  return {.policy = Policy::taildrop, .bytes_max = bytes};
}

TEST(bottleneck, pdus_leave_one_after_the_other_at_the_rate_of_the_link) {
  Link link({8'000'000}, tail(10'000));  // a byte is a microsecond
  link.offer(1, 1000, 0ms);
  link.offer(2, 500, 0ms);
  link.offer(3, 100, 10ms);
  link.drain();
  ASSERT_EQ(link.fates.size(), 3U);
  EXPECT_EQ(link.fates[0].at, 1000us);
  EXPECT_EQ(link.fates[1].at, 1500us);
  EXPECT_EQ(link.fates[2].at, 10'100us) << "the link stood idle between";
}

TEST(bottleneck, the_pdu_in_service_has_left_the_queue) {
  Link link({8'000'000}, tail(1000));
  link.offer(1, 1000, 0ms);
  link.offer(2, 1000, 0ms);
  link.offer(3, 1, 0ms);
  link.drain();
  ASSERT_EQ(link.fates.size(), 3U);
  EXPECT_EQ(link.fates[1].handle, 3U);
  EXPECT_EQ(link.fates[1].dropped, DropReason::queue_full);
}

TEST(bottleneck, a_rate_that_does_not_divide_evenly_is_kept_over_a_long_time) {
  Link link({3'000'000}, tail(1'000'000));
  for (std::uint64_t i = 0; i < 3000; ++i) link.offer(i, 125, 0ms);
  link.drain();
  EXPECT_EQ(link.fates.back().at, 1s);
}

TEST(bottleneck, bytes_in_a_time_are_rate_times_time) {
  EXPECT_EQ(bytes_in({8'000'000}, 250ms), 250'000U);
}

RC_GTEST_PROP(bottleneck, each_pdu_is_told_once_and_departures_never_overlap,
              (const std::vector<std::uint16_t>& sizes)) {
  Link link({1'000'000}, tail(20'000));
  Elapsed at{};
  for (std::size_t i = 0; i < sizes.size(); ++i)
    link.offer(i, 1U + sizes[i] % 1500U, at += std::chrono::milliseconds(sizes[i] % 7));
  link.drain();
  std::vector<bool> told(sizes.size(), false);
  Elapsed busy_until{};
  for (const auto& fate : link.fates) {
    RC_ASSERT(!told.at(fate.handle));
    told[fate.handle] = true;
    if (fate.dropped) continue;
    RC_ASSERT(fate.at - busy_until >= std::chrono::nanoseconds(fate.bytes * 8000LL - 1));
    busy_until = fate.at;
  }
  RC_ASSERT(link.fates.size() == sizes.size());
}

}  // namespace
}  // namespace lobo::dataplane
