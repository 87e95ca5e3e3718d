#include "wire/impair/line.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"

namespace lobo::impair {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{std::chrono::hours{500'000}};

struct Arrival {
  std::uint32_t number;
  std::chrono::microseconds delay;
  Instant at;
};

/// So many datagrams of `octets` each, one every `gap`; what comes out, in the order it does.
std::vector<Arrival> through(Line& line, std::uint32_t count, std::chrono::microseconds gap,
                             std::size_t octets = 200) {
  std::vector<Arrival> out;
  const std::vector<std::byte> datagram(octets);
  const auto take = [&](Instant until) {
    while (line.next_due() && *line.next_due() <= until) {
      const Instant now = *line.next_due();
      const auto one = line.pop(now);
      if (!one) break;
      out.push_back({one->to, now - (start + one->to * gap), now});
    }
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    const Instant now = start + i * gap;
    take(now);
    line.push(datagram, i, now);
  }
  take(start + std::chrono::hours{24});
  return out;
}

TEST(impair_line, a_line_without_faults_gives_back_everything_at_once_and_in_order) {
  Line line({}, 1);
  const auto out = through(line, 1000, 1ms);
  ASSERT_EQ(out.size(), 1000U);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(out[i].number, i);
    EXPECT_EQ(out[i].delay, 0us);
  }
  EXPECT_EQ(line.statistics().delivered, 1000U);
  EXPECT_EQ(line.statistics().octets_delivered, 200'000U);
}

TEST(impair_line, the_share_that_is_lost_is_what_was_asked_for) {
  for (const std::uint32_t share : {10'000U, 50'000U, 200'000U}) {
    for (const std::uint32_t run : {1U, 4U}) {
      Line line({.loss = {share}, .loss_run = run}, 42);
      const auto out = through(line, 200'000, 1ms);
      const double measured = 1.0 - static_cast<double>(out.size()) / 200'000.0;
      const double wanted = share / 1e6;
      // Runs are fewer chances: the spread grows with their length.
      EXPECT_NEAR(measured, wanted, 5 * std::sqrt(wanted * 2 * run / 200'000.0)) << share << run;
      EXPECT_EQ(line.statistics().lost + out.size(), 200'000U);
      EXPECT_EQ(line.statistics().octets_lost + line.statistics().octets_delivered,
                line.statistics().octets_taken);
    }
  }
}

TEST(impair_line, losses_come_in_runs_of_the_length_that_was_asked_for) {
  Line line({.loss = {50'000}, .loss_run = 5}, 3);
  const auto out = through(line, 200'000, 1ms);
  std::uint32_t runs = 0;
  std::uint32_t next = 0;
  for (const auto& one : out) {
    runs += one.number != next ? 1U : 0U;
    next = one.number + 1;
  }
  EXPECT_NEAR(static_cast<double>(line.statistics().lost) / runs, 5.0, 0.3);
}

TEST(impair_line, delays_lie_within_the_jitter_around_what_was_asked_for_and_nobody_overtakes) {
  Line line({.delay = 20ms, .jitter = 5ms}, 7);
  const auto out = through(line, 20'000, 16ms);
  ASSERT_EQ(out.size(), 20'000U);
  double sum = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(out[i].number, i);
    ASSERT_GE(out[i].delay, 15ms);
    ASSERT_LE(out[i].delay, 25ms);
    sum += static_cast<double>(out[i].delay.count());
  }
  EXPECT_NEAR(sum / 20'000, 20'000, 100);
  EXPECT_NEAR(static_cast<double>(line.statistics().delay_min.count()), 15'000, 50);
  EXPECT_NEAR(static_cast<double>(line.statistics().delay_max.count()), 25'000, 50);
}

TEST(impair_line, the_share_that_overtakes_is_what_was_asked_for) {
  Line line({.delay = 20ms, .reorder = {30'000}}, 9);
  const auto out = through(line, 50'000, 2ms);
  ASSERT_EQ(out.size(), 50'000U);
  std::uint32_t highest = 0;
  std::uint32_t late = 0;
  for (const auto& one : out) {
    late += one.number < highest ? 1U : 0U;
    highest = std::max(highest, one.number);
  }
  EXPECT_GT(late, 0U);
  EXPECT_NEAR(static_cast<double>(line.statistics().reordered) / 50'000, 0.03, 0.004);
}

TEST(impair_line, a_narrow_link_lets_through_its_rate_and_drops_what_would_wait_too_long) {
  // 2 Mbit/s offered to a link of 1: half of it comes through, each 100 ms late.
  Line line({.rate = {1'000'000}, .queue_max = 100ms}, 1);
  const auto out = through(line, 10'000, 800us, 200);
  const auto took = out.back().at - out.front().at;
  const double rate =
      static_cast<double>((out.size() - 1) * 200 * 8) / std::chrono::duration<double>(took).count();
  EXPECT_NEAR(rate, 1e6, 1e4);
  EXPECT_NEAR(static_cast<double>(out.size()), 5000, 100);
  EXPECT_EQ(line.statistics().dropped + out.size(), 10'000U);
  EXPECT_LE(line.statistics().delay_max, 102ms);
}

TEST(impair_line, one_seed_is_one_history_and_another_is_another) {
  const Settings bad{.loss = {100'000}, .delay = 5ms, .jitter = 4ms, .reorder = {50'000}};
  Line one(bad, 5);
  Line same(bad, 5);
  Line other(bad, 6);
  const auto first = through(one, 5000, 1ms);
  const auto second = through(same, 5000, 1ms);
  ASSERT_EQ(first.size(), second.size());
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i].at, second[i].at);
  EXPECT_EQ(one.statistics(), same.statistics());
  (void)through(other, 5000, 1ms);
  EXPECT_FALSE(one.statistics() == other.statistics());
}

TEST(impair_line, what_it_holds_is_bounded) {
  Line line({.delay = 1h}, 1);
  const std::array<std::byte, 1> datagram{};
  for (std::size_t i = 0; i < held_datagrams_max + 10; ++i) line.push(datagram, 0, start);
  EXPECT_EQ(line.statistics().dropped, 10U);
}

TEST(impair_line, new_settings_hold_for_what_comes_after_them) {
  Line line({.delay = 10ms}, 1);
  const std::array<std::byte, 1> datagram{};
  line.push(datagram, 1, start);
  line.set({.loss = everything});
  line.push(datagram, 2, start);
  EXPECT_FALSE(line.pop(start + 9ms));
  EXPECT_EQ(line.pop(start + 10ms)->to, 1U);
  EXPECT_FALSE(line.next_due());
  EXPECT_EQ(line.statistics().lost, 1U);
}

}  // namespace
}  // namespace lobo::impair
