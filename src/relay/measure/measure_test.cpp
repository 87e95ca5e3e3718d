#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "base/rng.hpp"
#include "relay/measure/bitrate.hpp"
#include "relay/measure/clock_offset.hpp"
#include "relay/measure/histogram.hpp"
#include "relay/measure/jitter.hpp"
#include "relay/measure/loss.hpp"
#include "relay/measure/loss_guard.hpp"
#include "relay/measure/spread.hpp"
#include "relay/measure/stream_meter.hpp"
#include "relay/measure/threshold.hpp"
#include "wire/sdd/sequence_window.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {
namespace {

using namespace std::chrono_literals;

Histogram of(const std::vector<std::uint32_t>& values) {
  Histogram made;
  for (const auto value : values) made.add(value % (1U << 24U));
  return made;
}

RC_GTEST_PROP(histogram, a_percentile_is_at_most_a_sixteenth_above_the_value_it_stands_for,
              (std::vector<std::uint32_t> values)) {
  RC_PRE(!values.empty());
  for (auto& value : values) value %= 1U << 24U;
  const Histogram counted = of(values);
  std::ranges::sort(values);
  for (const double k : {1.0, 50.0, 99.0, 100.0}) {
    const auto rank =
        static_cast<std::size_t>(std::ceil(static_cast<double>(values.size()) * k / 100));
    const std::uint64_t exact = values[std::max<std::size_t>(rank, 1) - 1];
    const std::uint64_t told = *counted.percentile(k);
    RC_ASSERT(told >= exact);
    RC_ASSERT(told <= exact + exact / 16);
  }
}

RC_GTEST_PROP(histogram, merging_is_counting_both_whatever_the_order,
              (const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b)) {
  Histogram one = of(a);
  one.merge(of(b));
  Histogram other = of(b);
  other.merge(of(a));
  auto both = a;
  both.insert(both.end(), b.begin(), b.end());
  RC_ASSERT(one == of(both));
  RC_ASSERT(other == one);
}

RC_GTEST_PROP(histogram, sparse_pairs_are_read_back, (const std::vector<std::uint32_t>& values)) {
  const Histogram counted = of(values);
  const auto read = Histogram::from_sparse(counted.sparse());
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == counted);
}

TEST(histogram, pairs_that_name_no_bucket_are_refused) {
  using Pairs = std::vector<std::uint32_t>;
  for (const Pairs& pairs :
       {Pairs{1}, Pairs{336, 1}, Pairs{0xFFFFFFFF, 1}, Pairs{3, 0}, Pairs{3, 1, 0, 1},
        Pairs{3, 1, 333, 1}, Pairs{0, 0xFFFFFFFF, 1, 0xFFFFFFFF}})
    EXPECT_FALSE(Histogram::from_sparse(pairs));
  EXPECT_TRUE(Histogram::from_sparse(Pairs{0, 1, 335, 1}));
}

TEST(histogram, what_is_beyond_the_last_bucket_is_counted_there) {
  Histogram counted;
  counted.add(~std::uint64_t{0});
  EXPECT_EQ(counted.count(Histogram::buckets - 1), 1U);
  EXPECT_EQ(Histogram().percentile(99), std::nullopt);
}

RC_GTEST_PROP(spread, merged_halves_are_the_whole, (std::vector<std::uint16_t> values)) {
  Spread whole;
  Spread halves[2];
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    whole.add(values[i]);
    halves[i % 2].add(values[i]);
    sum += values[i];
  }
  halves[0].merge(halves[1]);
  RC_ASSERT(halves[0].count() == whole.count());
  RC_ASSERT(std::abs(halves[0].mean() - whole.mean()) < 1e-6);
  RC_ASSERT(std::abs(halves[0].deviation() - whole.deviation()) < 1e-6);
  if (values.empty()) return;
  const double mean = sum / static_cast<double>(values.size());
  double squares = 0;
  for (const auto value : values) squares += (value - mean) * (value - mean);
  RC_ASSERT(
      std::abs(whole.deviation() -
               (values.size() < 2 ? 0 : std::sqrt(squares / static_cast<double>(values.size())))) <
      1e-6);
}

TEST(jitter, it_is_that_of_rfc_3550_and_knows_no_offset) {
  // Transit alternates by 1,600 us: the filter approaches that from below, a sixteenth a step.
  for (const std::uint32_t offset : {0U, 0xFFFFFFF0U}) {
    Jitter jitter;
    jitter.add(offset);
    EXPECT_EQ(jitter.value(), 0us);
    jitter.add(offset + 1600);
    EXPECT_EQ(jitter.value(), 100us);
    for (int i = 0; i < 500; ++i) jitter.add(offset + (i % 2 == 0 ? 0 : 1600));
    EXPECT_NEAR(static_cast<double>(jitter.value().count()), 1600, 1);
  }
}

TEST(jitter, a_steady_stream_has_none) {
  Jitter jitter;
  for (int i = 0; i < 100; ++i) jitter.add(12'345);
  EXPECT_EQ(jitter.value(), 0us);
}

TEST(clock_offset, the_shortest_round_trip_decides_and_its_half_bounds_the_error) {
  SeededRng rng(7);
  ClockOffset clock;
  constexpr auto offset = -3'500'000us;
  for (int i = 0; i < 200; ++i) {
    // Each way takes 5 ms and up to 20 ms more, on its own.
    const auto there = 5ms + std::chrono::microseconds(rng.below(20'000));
    const auto back = 5ms + std::chrono::microseconds(rng.below(20'000));
    const auto sent = 10s + i * 1s;
    const auto received = sent + there + offset;
    EXPECT_TRUE(clock.add(sent, received, received + 100us, sent + there + 100us + back));
    const auto told = clock.estimate();
    ASSERT_TRUE(told);
    EXPECT_LE(std::chrono::abs(told->offset - offset), told->error) << "after ping " << i;
  }
  EXPECT_LT(clock.estimate()->error, 12ms);
}

TEST(clock_offset, timestamps_that_cannot_be_are_not_taken) {
  ClockOffset clock;
  EXPECT_FALSE(clock.add(10ms, 5ms, 6ms, 9ms));
  EXPECT_FALSE(clock.add(0ms, 6ms, 5ms, 9ms));
  EXPECT_FALSE(clock.add(0ms, 0ms, 20ms, 10ms));
  EXPECT_FALSE(clock.add(0ms, 0ms, 0ms, 2min));
  EXPECT_FALSE(clock.estimate());
}

TEST(gap_loss, what_is_missing_is_counted_and_what_comes_late_is_not) {
  GapLoss loss;
  for (const sdd::Sequence seq : {0xFFFFFFFEU, 0xFFFFFFFFU, 1U, 3U, 2U}) loss.add(seq);
  EXPECT_EQ(loss.take(), (LossCount{6, 1}));
  EXPECT_EQ(loss.take(), LossCount{});
}

TEST(gap_loss, over_windows_the_sum_is_right_where_states_come_late) {
  GapLoss loss;
  LossCount all;
  sdd::Sequence next = 0;
  // Each tenth is lost, each seventh comes three later.
  std::vector<sdd::Sequence> late;
  for (int window = 0; window < 50; ++window) {
    for (int i = 0; i < 100; ++i, ++next) {
      if (next % 10 == 0) continue;
      if (next % 7 == 0) {
        late.push_back(next);
        continue;
      }
      loss.add(next);
      if (next % 7 == 3)
        for (; !late.empty(); late.pop_back()) loss.add(late.back());
    }
    all.merge(loss.take());
  }
  EXPECT_NEAR(static_cast<double>(all.ppm()), 100'000, 1'500);
}

TEST(datagram_loss, a_lost_one_that_is_acknowledged_was_spurious) {
  DatagramLoss loss;
  loss.acked(0);
  loss.lost(1);
  loss.lost(2);
  loss.acked(1);
  EXPECT_EQ(loss.take(), (DatagramLoss::Counts{1, 2, 1}));
  EXPECT_EQ(loss.take(), DatagramLoss::Counts{});
}

/// A path that carries so much, and loses a share by chance: whoever sends asks the guard first.
struct GuardedPath {
  LossGuard guard;
  Instant now{std::chrono::seconds{1}};
  SeededRng chance{3};
  std::uint64_t tag = 0;
  std::uint64_t credit = 0;

  /// What was sent in the last second of that time, of 1000-octet datagrams, in bit/s.
  std::uint64_t run(std::chrono::seconds time, std::uint64_t wanted, std::uint64_t room,
                    unsigned lost_in_1000) {
    std::uint64_t sent = 0;
    for (std::int64_t second = 0; second < time.count(); ++second) {
      sent = 0;
      for (int tenth = 0; tenth < 10; ++tenth) {
        const auto most = guard.look(now);
        const auto rate = most == 0 ? wanted : std::min(wanted, most);
        credit += rate / 10;
        const auto datagrams = credit / 8000;
        credit %= 8000;
        for (std::uint64_t i = 0; i < datagrams; ++i, ++tag) {
          guard.sent(1000);
          const bool full = i >= room / 8000 / 10;
          full || chance.below(1000) < lost_in_1000 ? guard.lost(tag) : guard.acked(tag);
        }
        sent += datagrams * 8000;
        now += std::chrono::milliseconds{100};
      }
    }
    return sent;
  }
};

TEST(loss_guard, what_is_lost_by_chance_costs_no_rate) {
  GuardedPath path;
  for (int i = 0; i < 60; ++i) EXPECT_EQ(path.run(1s, 1'600'000, 8'000'000, 35), 1'600'000U);
}

TEST(loss_guard, a_path_that_is_too_narrow_is_filled_and_not_flooded_and_its_end_is_found) {
  GuardedPath path;
  EXPECT_EQ(path.run(1s, 1'600'000, 8'000'000, 0), 1'600'000U);
  (void)path.run(5s, 1'600'000, 800'000, 0);
  for (int i = 0; i < 20; ++i) {
    const auto sent = path.run(1s, 1'600'000, 800'000, 0);
    EXPECT_GE(sent, 560'000U);
    EXPECT_LE(sent, 1'040'000U);
  }
  // Wide again: all of it within ten seconds.
  EXPECT_EQ(path.run(10s, 1'600'000, 8'000'000, 0), 1'600'000U);
}

TEST(loss_guard, a_few_datagrams_say_nothing_and_all_of_them_lost_leave_a_little) {
  GuardedPath path;
  EXPECT_EQ(path.run(2s, 80'000, 0, 0), 80'000U);
  EXPECT_LT(path.run(60s, 1'600'000, 0, 0), 400'000U);
  EXPECT_GE(path.guard.look(path.now), LossGuard::bps_min);
}

TEST(loss_guard, whoever_was_held_back_to_a_few_datagrams_a_second_comes_back) {
  GuardedPath path;
  (void)path.run(60s, 1'600'000, 0, 0);
  EXPECT_EQ(path.run(300s, 1'600'000, 8'000'000, 0), 1'600'000U);
}

TEST(bitrate, bins_of_a_second_tell_the_lowest_mean_and_highest) {
  Bitrate rate;
  const Instant start{1h};
  rate.add(1000, start);
  EXPECT_FALSE(rate.rates(start + 999ms));
  rate.add(3000, start + 1500ms);
  EXPECT_EQ(rate.rates(start + 2s), (Bitrate::Rates{{8000}, {16000}, {24000}}));
  EXPECT_EQ(rate.rates(start + 4s), (Bitrate::Rates{{0}, {8000}, {24000}}));
  // After a long silence nothing of it is left.
  EXPECT_EQ(rate.rates(start + 24h), (Bitrate::Rates{{0}, {0}, {0}}));
}

TEST(threshold, each_crossing_is_told_once_after_two_windows_that_agree) {
  Threshold loss(Threshold::Bad::above, 100);
  EXPECT_FALSE(loss.window(100));
  EXPECT_FALSE(loss.window(99));
  EXPECT_FALSE(loss.window(100));
  EXPECT_EQ(loss.window(150), Crossing::entered);
  EXPECT_FALSE(loss.window(150));
  EXPECT_FALSE(loss.window(95));  // not yet nine tenths
  EXPECT_FALSE(loss.window(95));
  EXPECT_FALSE(loss.window(89));
  EXPECT_FALSE(loss.window(std::nullopt));
  EXPECT_EQ(loss.window(89), Crossing::left);
  EXPECT_FALSE(loss.window(89));
  EXPECT_FALSE(loss.exceeded());
}

TEST(threshold, a_floor_is_entered_below_and_left_above) {
  Threshold rate(Threshold::Bad::below, 90);
  rate.window(90);
  EXPECT_EQ(rate.window(80), Crossing::entered);
  rate.window(99);
  EXPECT_FALSE(rate.window(99));
  rate.window(101);
  EXPECT_EQ(rate.window(101), Crossing::left);
}

TEST(stream_meter, delay_age_gap_and_loss_of_a_window_are_told) {
  StreamMeter meter;
  Window window;
  sdd::SequenceWindow seen;
  const Instant start{1000h};
  for (sdd::Sequence seq = 0; seq < 100; ++seq) {
    if (seq == 50) continue;  // lost
    const Instant sent = start + seq * 20ms;
    meter.add(window, seq, seen.take(seq), 200, node_time(sent), sent + 10ms);
    if (seq == 10) meter.add(window, seq, seen.take(seq), 200, node_time(sent), sent + 12ms);
  }
  meter.finish(window);
  EXPECT_EQ(window.states, 99U);
  EXPECT_EQ(window.bytes, 99U * 200);
  EXPECT_EQ(window.duplicates, 1U);
  EXPECT_EQ(window.loss, (LossCount{100, 1}));
  EXPECT_EQ(window.jitter, 0us);
  EXPECT_NEAR(static_cast<double>(*window.delay.percentile(99)), 10'000, 625);
  EXPECT_NEAR(window.delay_spread.mean(), 10'000, 1e-6);
  // A state is 30 ms old when the next one comes; 50 ms where one was lost between.
  EXPECT_NEAR(static_cast<double>(*window.age.percentile(50)), 30'000, 1'875);
  EXPECT_NEAR(static_cast<double>(*window.age.percentile(100)), 50'000, 3'125);
  EXPECT_NEAR(static_cast<double>(*window.gap.percentile(50)), 20'000, 1'250);
}

RC_GTEST_PROP(sequence_window, each_state_counts_once_whatever_the_order,
              (std::vector<std::uint8_t> order, std::uint32_t start)) {
  sdd::SequenceWindow seen;
  std::vector<bool> came(256);
  for (const auto step : order) {
    const auto arrival = seen.take(start + step);
    const bool fresh = arrival == sdd::Arrival::newest || arrival == sdd::Arrival::late;
    RC_ASSERT(fresh == !came[step]);
    RC_ASSERT(fresh || arrival == sdd::Arrival::duplicate);
    came[step] = true;
  }
}

TEST(sequence_window, it_remembers_1024_and_believes_no_leap) {
  sdd::SequenceWindow seen;
  EXPECT_EQ(seen.take(5000), sdd::Arrival::newest);
  EXPECT_EQ(seen.take(5000 - 1023), sdd::Arrival::late);
  EXPECT_EQ(seen.take(5000 - 1024), sdd::Arrival::too_old);
  EXPECT_EQ(seen.take(5000 + 65'537), sdd::Arrival::too_far);
  EXPECT_EQ(seen.take(5000 + 0x80000000U), sdd::Arrival::too_old);
  EXPECT_EQ(seen.take(5000 + 65'536), sdd::Arrival::newest);
  EXPECT_EQ(seen.take(5000), sdd::Arrival::too_old);
}

}  // namespace
}  // namespace lobo::relay
