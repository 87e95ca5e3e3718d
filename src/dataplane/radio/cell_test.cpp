#include "dataplane/radio/cell.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/quantity.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/radio/rate_trace.hpp"
#include "dataplane/set_queue.hpp"
#include "model/pdu_set.hpp"

namespace lobo::dataplane {
namespace {

using namespace std::chrono_literals;

constexpr BitsPerSecond byte_a_microsecond{8'000'000};

struct Link {
  explicit Link(const CellConfig& config, BitsPerSecond rate = byte_a_microsecond)
      : cell(config, RateTrace::constant(rate)) {}
  BearerId open(std::uint32_t ue, BitsPerSecond guaranteed = {}) {
    return *cell.open(ue, {.guaranteed = guaranteed, .delay_budget = {}, .whole_sets = true});
  }
  void offer(BearerId bearer, std::uint32_t handle, std::uint32_t octets, Elapsed at) {
    cell.arrive(bearer, nullptr, handle, octets, at, fates);
    sizes[handle] = octets;
  }
  void run_until(Elapsed at) { cell.advance(at, fates); }
  Elapsed left_at(std::uint32_t handle) const {
    const auto at = std::ranges::find_if(
        fates, [&](const CellFate& fate) { return fate.handle == handle && !fate.dropped; });
    return at == fates.end() ? Elapsed{-1} : at->at;
  }
  /// Octets of the handles in [first, last) that have left by `until`.
  std::uint64_t octets_left(std::uint32_t first, std::uint32_t last, Elapsed until) const {
    std::uint64_t octets = 0;
    for (const CellFate& fate : fates)
      if (!fate.dropped && fate.handle >= first && fate.handle < last && fate.at <= until)
        octets += sizes.at(fate.handle);
    return octets;
  }
  Cell cell;
  CellFates fates;
  std::map<std::uint32_t, std::uint32_t> sizes;
};

TEST(cell, packets_leave_one_after_the_other_at_its_rate) {
  Link link({});
  const auto bearer = link.open(0);
  link.offer(bearer, 1, 1000, 0ms);
  link.offer(bearer, 2, 500, 0ms);
  link.run_until(5ms);
  link.offer(bearer, 3, 100, 10ms);
  link.run_until(20ms);
  EXPECT_EQ(link.left_at(1), 1000us);
  EXPECT_EQ(link.left_at(2), 1500us);
  EXPECT_EQ(link.left_at(3), 10'100us) << "the cell stood idle between";
  EXPECT_FALSE(link.cell.next_at());
}

TEST(cell, who_has_no_guarantee_gets_an_even_share) {
  Link link({});
  const auto one = link.open(0);
  const auto other = link.open(1);
  for (std::uint32_t i = 0; i < 300; ++i) link.offer(one, i, 1500, 0ms);
  for (std::uint32_t i = 1000; i < 2500; ++i) link.offer(other, i, 300, 0ms);
  link.run_until(200ms);
  const auto first = link.octets_left(0, 1000, 200ms);
  const auto second = link.octets_left(1000, 3000, 200ms);
  EXPECT_NEAR(static_cast<double>(first), static_cast<double>(second), 3100);
}

TEST(cell, a_guaranteed_rate_holds_against_a_flood) {
  CellConfig config;
  config.queue_octets = 4'000'000;
  Link link(config);
  const auto flood = link.open(0);
  const auto kept = link.open(1, {6'000'000});
  for (std::uint32_t i = 0; i < 2000; ++i) link.offer(flood, i, 1500, 0ms);
  std::uint32_t handle = 10'000;
  for (Elapsed at{}; at < 1s; at += 2ms) link.offer(kept, handle++, 1500, at);  // 6 Mbit/s
  link.run_until(1s);
  EXPECT_GE(link.octets_left(10'000, 20'000, 1s), 740'000U);
  EXPECT_GE(link.octets_left(0, 10'000, 1s), 240'000U) << "and the flood gets what is left";
}

TEST(cell, plain_knows_neither_flows_nor_guarantees) {
  CellConfig config;
  config.scheduler = CellScheduler::plain;
  config.queue_octets = 4'000'000;
  Link link(config);
  const auto flood = link.open(0);
  const auto other = link.open(1, {6'000'000});
  for (std::uint32_t i = 0; i < 100; ++i) link.offer(flood, i, 1500, 0ms);
  link.offer(other, 1000, 1500, 0ms);
  link.run_until(1s);
  EXPECT_EQ(link.left_at(1000), 151'500us) << "behind all that came before";
}

TEST(cell, a_limited_ue_does_not_hold_up_others) {
  Link link({});
  const auto slow = link.open(0);
  const auto fast = link.open(1);
  link.cell.limit(0, {800'000});  // a tenth
  for (std::uint32_t i = 0; i < 10; ++i) link.offer(slow, i, 1000, 0ms);
  for (std::uint32_t i = 100; i < 120; ++i) link.offer(fast, i, 1000, 0ms);
  link.run_until(1s);
  EXPECT_EQ(link.left_at(9), 100ms);
  EXPECT_LE(link.left_at(119), 25ms);
  link.cell.limit(0, {});
  link.offer(slow, 200, 1000, 2s);
  link.run_until(3s);
  EXPECT_EQ(link.left_at(200), 2s + 1ms);
}

TEST(cell, another_rate_counts_from_the_next_packet_on) {
  Link link({}, {1000});
  const auto bearer = link.open(0);
  link.offer(bearer, 1, 1000, 0ms);  // eight seconds
  link.offer(bearer, 2, 1000, 0ms);
  link.run_until(1ms);
  link.cell.set_rate(RateTrace::constant(byte_a_microsecond), 10ms, link.fates);
  link.run_until(20ms);
  EXPECT_EQ(link.left_at(2), 12ms) << "the one that is being sent does not hold it up";
}

TEST(cell, what_waits_when_queues_change_is_dropped_and_told) {
  Link link({}, {8000});
  const auto bearer = link.open(0);
  for (std::uint32_t i = 0; i < 3; ++i) link.offer(bearer, i, 1000, 0ms);
  link.run_until(1ms);
  CellConfig other;
  other.scheduler = CellScheduler::plain;
  link.cell.reconfigure(other, 2ms, link.fates);
  EXPECT_EQ(link.cell.queued_octets(), 0U);
  ASSERT_EQ(link.fates.size(), 3U);
  EXPECT_EQ(link.fates[1].dropped, RadioDrop::reconfigured);
  EXPECT_EQ(link.fates[2].dropped, RadioDrop::reconfigured);
  link.offer(bearer, 7, 10, 5s);
  link.run_until(9s);
  EXPECT_GT(link.left_at(7), 0s);
}

TEST(cell, a_flow_whose_sets_need_not_be_whole_is_not_dropped_by_sets) {
  CellConfig config;
  config.policy = Policy::psihi;
  config.queue_octets = 1500;
  for (const bool whole : {true, false}) {
    Link link(config, {8000});
    const auto bearer =
        *link.cell.open(0, {.guaranteed = {}, .delay_budget = {}, .whole_sets = whole});
    PduSetMark mark;
    mark.psi = *Psi::from(2);
    link.cell.arrive(bearer, nullptr, 0, 1, 0ms, link.fates);  // in service
    for (std::uint32_t i = 1; i <= 3; ++i) {
      mark.psn = Psn::wrapped(i - 1);
      link.cell.arrive(bearer, &mark, i, i == 2 ? 2000 : 100, 0ms, link.fates);
    }
    const auto dropped = std::ranges::count_if(
        link.fates, [](const CellFate& fate) { return fate.dropped.has_value(); });
    EXPECT_EQ(dropped, whole ? 3 : 1);
  }
}

RC_GTEST_PROP(cell, each_packet_is_told_once_and_no_two_are_sent_at_a_time,
              (const std::vector<std::uint16_t>& sizes, bool plain)) {
  CellConfig config;
  config.queue_octets = 20'000;
  if (plain) config.scheduler = CellScheduler::plain;
  Link link(config, {1'000'000});
  const std::vector<BearerId> bearers{link.open(0), link.open(0, {300'000}), link.open(1)};
  link.cell.limit(1, {400'000});
  Elapsed at{};
  for (std::size_t i = 0; i < sizes.size(); ++i)
    link.offer(bearers[sizes[i] % 3], static_cast<std::uint32_t>(i), 1U + sizes[i] % 1500U,
               at += std::chrono::milliseconds(sizes[i] % 9));
  link.run_until(at + 1h);
  RC_ASSERT(link.fates.size() == sizes.size());
  std::vector<bool> told(sizes.size(), false);
  std::uint64_t octets = 0;
  for (const auto& fate : link.fates) {
    RC_ASSERT(!told.at(fate.handle));
    told[fate.handle] = true;
    if (!fate.dropped) octets += link.sizes.at(fate.handle);
  }
  Elapsed last{};
  for (const auto& fate : link.fates)
    if (!fate.dropped) last = std::max(last, fate.at);
  RC_ASSERT(std::chrono::duration<double>(last).count() * 1'000'000 / 8 + 1 >=
            static_cast<double>(octets));
  RC_ASSERT(link.cell.queued_octets() == 0U);
}

}  // namespace
}  // namespace lobo::dataplane
