#include "dataplane/radio/radio.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/quantity.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/radio/cell.hpp"
#include "dataplane/radio/conveyed.hpp"
#include "dataplane/radio/guarantee.hpp"
#include "dataplane/radio/rate_trace.hpp"
#include "dataplane/set_queue.hpp"
#include "model/pdu_set.hpp"

namespace lobo::dataplane {
namespace {

using namespace std::chrono_literals;

constexpr std::uint8_t video = 2;
constexpr std::uint8_t other = 9;

RadioConfig at_rate(BitsPerSecond rate) {
  RadioConfig config;
  config.rate = RateTrace::constant(rate);
  return config;
}

struct Air {
  explicit Air(const RadioConfig& config = at_rate({8'000'000})) : radio(config) {
    const std::vector<RadioFlow> flows{{.qfi = other}, {.qfi = video, .promise = promise}};
    EXPECT_TRUE(radio.set_flows(0, flows, 0ms, fates));
  }
  void down(std::uint64_t handle, std::uint32_t octets, Elapsed at, std::uint8_t qfi = video,
            const std::optional<PduSetMark>& mark = std::nullopt) {
    Conveyed conveyed;
    conveyed.qfi = qfi;
    conveyed.mark = mark;
    radio.downlink(0, conveyed, handle, octets, at, fates);
  }
  void run_until(Elapsed at) { radio.advance(at, fates); }
  std::vector<std::uint64_t> there() const {
    std::vector<std::uint64_t> handles;
    for (const auto& fate : fates)
      if (!fate.dropped) handles.push_back(fate.handle);
    return handles;
  }
  std::size_t dropped_for(RadioDrop reason) const {
    return static_cast<std::size_t>(
        std::ranges::count(fates, std::optional(reason), &RadioFate::dropped));
  }
  const FlowTallies& tallies(std::uint8_t qfi = video) const {
    return radio.flows(0).at(qfi).tallies;
  }

  Promise promise{.guaranteed = {4'000'000}, .set_delay_budget = 200ms, .set_error_rate = 0.01};
  Radio radio;
  RadioFates fates;
};

TEST(radio, a_packet_is_there_after_cell_and_link_and_not_before) {
  Air air;
  air.radio.set_link(0, {.delay = 5ms, .loss_ppm = 0, .rate_dl = {}});
  air.down(7, 1000, 10ms);
  EXPECT_EQ(air.radio.packets(), 1U);
  air.run_until(15'999us);
  EXPECT_TRUE(air.fates.empty());
  air.run_until(16ms);
  EXPECT_EQ(air.there(), std::vector<std::uint64_t>{7});
  EXPECT_EQ(air.tallies().delay_max, 6ms);
  EXPECT_EQ(air.radio.packets(), 0U);
}

TEST(radio, next_at_leads_through_all_that_happens) {
  Air air;
  air.radio.set_link(0, {.delay = 5ms, .loss_ppm = 0, .rate_dl = {}});
  for (std::uint64_t i = 0; i < 50; ++i) air.down(i, 1400, 0ms);
  for (Elapsed now{}; air.fates.size() < 50 && now < 10s;) {
    now = std::max(now, air.radio.next_at().value());
    air.run_until(now);
  }
  EXPECT_EQ(air.there().size(), 50U);
}

TEST(radio, losses_follow_the_seed_and_nothing_else) {
  const auto lost_with = [](std::uint64_t seed) {
    auto config = at_rate({1'000'000'000});
    config.seed = seed;
    Air air(config);
    air.radio.set_link(0, {.delay = 1ms, .loss_ppm = 100'000, .rate_dl = {}});
    for (std::uint64_t i = 0; i < 2000; ++i) air.down(i, 100, i * 100us);
    air.run_until(10s);
    return air.there();
  };
  const auto once = lost_with(42);
  EXPECT_EQ(once, lost_with(42));
  EXPECT_NE(once, lost_with(43));
  EXPECT_NEAR(static_cast<double>(once.size()), 1800, 60);
}

TEST(radio, uplink_has_the_delay_of_the_link_and_counts_with_its_flow) {
  Air air;
  air.radio.set_link(0, {.delay = 20ms, .loss_ppm = 0, .rate_dl = {}});
  air.radio.uplink(0, video, 5, 300, 1ms, air.fates);
  air.run_until(20ms);
  EXPECT_TRUE(air.fates.empty());
  air.run_until(21ms);
  ASSERT_EQ(air.fates.size(), 1U);
  EXPECT_FALSE(air.fates[0].downlink);
  EXPECT_EQ(air.fates[0].qfi, video);
  EXPECT_EQ(air.tallies().uplink_octets, 300U);
}

TEST(radio, an_unknown_qos_flow_is_carried_as_the_default_one_and_counted) {
  Air air;
  air.down(1, 100, 0ms, 33);
  air.run_until(1s);
  EXPECT_EQ(air.there(), std::vector<std::uint64_t>{1});
  EXPECT_EQ(air.tallies(other).delivered, 1U);
  EXPECT_EQ(air.radio.flows(0).at(other).ledger.oddities().of(Oddity::qfi_unknown), 1U);
}

TEST(radio, flows_come_and_go_and_what_they_carried_stays_counted) {
  Air air;
  air.down(1, 1000, 0ms);
  air.down(2, 1000, 0ms);
  const std::vector<RadioFlow> only{{.qfi = other}};
  EXPECT_TRUE(air.radio.set_flows(0, only, 100us, air.fates));
  EXPECT_EQ(air.dropped_for(RadioDrop::reconfigured), 1U);
  air.down(3, 1000, 10ms);
  air.run_until(1s);
  EXPECT_EQ(air.tallies().received, 2U);
  EXPECT_EQ(air.tallies(other).received, 1U);
  air.radio.remove(0, 2s, air.fates);
  air.down(4, 1000, 3s);
  EXPECT_EQ(air.dropped_for(RadioDrop::no_room), 1U) << "nobody is there";
}

TEST(radio, a_flow_that_comes_anew_is_not_blamed_for_what_was_before) {
  Air air;
  air.radio.set_rate(RateTrace::constant({100'000}), 0ms, air.fates);
  std::uint64_t handle = 0;
  for (Elapsed at{}; at < 4s; at += 10ms) air.down(handle++, 1400, at);
  EXPECT_FALSE(air.radio.flows(0).at(video).watch.held());
  const std::vector<RadioFlow> only{{.qfi = other}};
  const std::vector<RadioFlow> both{{.qfi = other}, {.qfi = video, .promise = air.promise}};
  EXPECT_TRUE(air.radio.set_flows(0, only, 4s, air.fates));
  EXPECT_TRUE(air.radio.set_flows(0, both, 5s, air.fates));
  EXPECT_TRUE(air.radio.flows(0).at(video).watch.held());
}

/// Frames of video at 60 a second: an important one in twelve, four PDUs each.
void play(Air& air, Elapsed from, Elapsed until, std::uint32_t octets_of_a_pdu) {
  std::uint64_t handle = 0;
  std::uint32_t frame = 0;
  for (Elapsed at = from; at < until; at += 16'667us, ++frame)
    for (std::uint32_t i = 0; i < 4; ++i) {
      PduSetMark mark;
      mark.pssn = Pssn::wrapped(frame);
      mark.psn = Psn::wrapped(i);
      mark.end_of_pdu_set = i == 3;
      mark.psi = Psi::low_bits_of(frame % 12 == 0 ? 1 : 8);
      mark.pdu_set_size = octets_of_a_pdu * 4;
      air.down(handle++, octets_of_a_pdu, at, video, mark);
    }
}

TEST(radio, congestion_costs_the_unimportant_sets_where_sets_are_known) {
  const auto delivered = [](CellScheduler scheduler, Policy policy) {
    auto config = at_rate({2'000'000});  // of 2.9 Mbit/s
    config.cell.scheduler = scheduler;
    config.cell.policy = policy;
    config.cell.queue_octets = 60'000;
    Air air(config);
    play(air, 0ms, 20s, 1500);
    air.run_until(40s);
    const auto& sets = air.radio.flows(0).at(video).ledger.tallies();
    EXPECT_EQ(sets.delivered + sets.damaged + sets.lost, sets.sets);
    return sets.by_psi[1];
  };
  const auto aware = delivered(CellScheduler::by_flow, Policy::threshold);
  EXPECT_EQ(aware.delivered, aware.sets) << "all that is important";
  const auto plain = delivered(CellScheduler::plain, Policy::threshold);
  EXPECT_LT(plain.delivered, plain.sets * 3 / 4);
}

TEST(radio, a_squeezed_cell_breaks_the_guarantee_and_a_wide_one_heals_it) {
  Air air;
  std::vector<RadioNotice> told;
  const auto stage = [&](BitsPerSecond rate, Elapsed from, Elapsed until) {
    air.radio.set_rate(RateTrace::constant(rate), from, air.fates);
    play(air, from, until, 1500);
    while (const auto notice = air.radio.next_notice()) told.push_back(*notice);
  };
  stage({8'000'000}, 1s, 6s);
  EXPECT_TRUE(told.empty());
  stage({1'000'000}, 6s, 11s);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].qfi, video);
  EXPECT_FALSE(told[0].news.held);
  EXPECT_NE(told[0].news.breaches & bit_of(Breach::gfbr), 0);
  EXPECT_NE(told[0].news.breaches & bit_of(Breach::pser), 0);
  stage({8'000'000}, 11s, 21s);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_TRUE(told[1].news.held);
}

RC_GTEST_PROP(radio, every_packet_has_one_fate_whatever_happens,
              (std::vector<std::uint32_t> seeds)) {
  auto config = at_rate({2'000'000});
  config.cell.queue_octets = 10'000;
  Air air(config);
  air.radio.set_link(0, {.delay = 3ms, .loss_ppm = 50'000, .rate_dl = {1'500'000}});
  Elapsed now{};
  std::uint64_t handles = 0;
  for (const std::uint32_t seed : seeds) {
    now += std::chrono::microseconds(seed % 5000U);
    std::optional<PduSetMark> mark;
    if (seed % 3 != 0) {
      mark.emplace();
      mark->pssn = Pssn::wrapped(handles / 4);
      mark->psn = Psn::wrapped(handles % 4);
      mark->psi = Psi::low_bits_of(seed >> 8U);
      mark->end_of_pdu_set = handles % 4 == 3;
    }
    if (seed % 11 == 0)
      air.radio.uplink(0, other, handles++, 100, now, air.fates);
    else
      air.down(handles++, 40 + seed % 1400U, now, seed % 2 == 0 ? video : other, mark);
    if (seed % 37 == 0) {
      auto cell = air.radio.cell().config();
      cell.policy = policies[seed % policies.size()];
      cell.scheduler = seed % 2 == 0 ? CellScheduler::plain : CellScheduler::by_flow;
      air.radio.reconfigure(cell, now, air.fates);
    }
  }
  air.run_until(now + 10min);
  RC_ASSERT(air.fates.size() == handles);
  std::vector<bool> told(handles, false);
  for (const auto& fate : air.fates) {
    RC_ASSERT(!told.at(fate.handle));
    told[fate.handle] = true;
  }
  RC_ASSERT(air.radio.packets() == 0U);
}

}  // namespace
}  // namespace lobo::dataplane
