#include "dataplane/radio/guarantee.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/elapsed.hpp"

namespace lobo::dataplane {
namespace {

using namespace std::chrono_literals;

const Promise rate{.guaranteed = {8'000'000}};
const Promise sets{.set_delay_budget = 100ms, .set_error_rate = 0.01};

TEST(guarantee, of_a_rate_is_broken_where_less_arrives_than_was_offered_or_promised) {
  const auto of = [](std::uint64_t offered, std::uint64_t delivered) {
    WindowFigures window;
    window.octets_offered = offered;
    window.octets_delivered = delivered;
    return breaches_of(rate, window, 1s);
  };
  EXPECT_EQ(of(1'000'000, 1'000'000), 0);
  EXPECT_EQ(of(1'000'000, 900'000), bit_of(Breach::gfbr));
  EXPECT_EQ(of(2'000'000, 1'000'000), 0) << "more than the GFBR was never promised";
  EXPECT_EQ(of(500'000, 490'000), 0) << "who offers less is owed less";
  EXPECT_EQ(of(500'000, 400'000), bit_of(Breach::gfbr));
  EXPECT_EQ(of(0, 0), 0);
}

TEST(guarantee, of_sets_is_broken_by_more_failures_than_the_error_rate) {
  const auto of = [](std::uint64_t all, std::uint64_t failed, std::uint64_t late) {
    WindowFigures window;
    window.sets = all;
    window.sets_failed = failed;
    window.sets_late = late;
    return breaches_of(sets, window, 1s);
  };
  EXPECT_EQ(of(200, 2, 2), 0);
  EXPECT_EQ(of(200, 3, 0), bit_of(Breach::pser));
  EXPECT_EQ(of(200, 0, 3), bit_of(Breach::psdb));
  EXPECT_EQ(of(200, 3, 3), bit_of(Breach::psdb) | bit_of(Breach::pser));
}

TEST(guarantee, of_packets_is_asked_for_where_it_was_given) {
  GuaranteeWatch watch({});
  watch.promise({.packet_delay_budget = 20ms, .packet_error_rate = 0.1});
  for (int i = 0; i < 8; ++i) watch.settled(100, true, 30ms);
  watch.settled(100, false, 0ms);
  watch.settled(100, false, 0ms);
  (void)watch.advance(1ms);
  EXPECT_EQ(watch.breaches(), bit_of(Breach::pdb) | bit_of(Breach::per));
}

/// A flow of a megabyte a second, of which a part arrives.
struct Story {
  std::optional<bool> run_for(Elapsed time, double arrives) {
    std::optional<bool> told;
    for (const Elapsed until = now + time; now < until; now += 10ms) {
      watch.offered(10'000);
      watch.settled(static_cast<std::uint32_t>(10'000 * arrives), true, 1ms);
      if (const auto news = watch.advance(now)) {
        told = news->held;
        told_at.push_back(now);
        last = *news;
      }
    }
    return told;
  }
  GuaranteeWatch watch{{}};
  Elapsed now{};
  std::vector<Elapsed> told_at;
  GuaranteeNews last;
};

TEST(guarantee, is_told_as_broken_after_a_while_and_as_held_after_a_longer_one) {
  Story story;
  story.watch.promise(rate);
  EXPECT_FALSE(story.run_for(5s, 1.0));
  EXPECT_EQ(story.run_for(4s, 0.5), false);
  ASSERT_EQ(story.told_at.size(), 1U) << "once";
  EXPECT_GE(story.told_at[0], 7s);
  EXPECT_LE(story.told_at[0], 8s);
  EXPECT_EQ(story.last.breaches, bit_of(Breach::gfbr));
  EXPECT_FALSE(story.run_for(4s, 1.0)) << "not yet";
  EXPECT_EQ(story.run_for(4s, 1.0), true);
  EXPECT_TRUE(story.watch.held());
  EXPECT_EQ(story.told_at.size(), 2U);
}

TEST(guarantee, one_bad_moment_is_no_breach) {
  Story story;
  story.watch.promise(rate);
  story.run_for(3s, 1.0);
  story.run_for(300ms, 0.0);
  EXPECT_FALSE(story.run_for(10s, 1.0));
  EXPECT_TRUE(story.told_at.empty());
}

TEST(guarantee, a_flow_that_falls_silent_is_owed_nothing) {
  Story story;
  story.watch.promise(rate);
  story.run_for(3s, 1.0);
  EXPECT_EQ(story.run_for(4s, 0.2), false);
  for (Elapsed until = story.now + 10s; story.now < until; story.now += 50ms)
    if (const auto news = story.watch.advance(story.now)) { EXPECT_TRUE(news->held); }
  EXPECT_TRUE(story.watch.held());
}

}  // namespace
}  // namespace lobo::dataplane
