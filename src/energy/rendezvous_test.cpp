#include "energy/rendezvous.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <set>
#include <string>
#include <vector>

namespace lobo::energy {
namespace {

constexpr std::uint64_t sessions = 40'000;

std::vector<Share> shares_of(const std::vector<double>& weights) {
  std::vector<Share> shares;
  for (std::size_t i = 0; i < weights.size(); ++i)
    shares.push_back({stable_hash("location-" + std::to_string(i)), weights[i]});
  return shares;
}

std::uint64_t session(std::uint64_t i) { return stable_hash("session-" + std::to_string(i)); }

TEST(energy_rendezvous, locations_get_their_shares) {
  const auto shares = shares_of({5, 1, 0, 3, 1});
  std::vector<double> counted(shares.size());
  for (std::uint64_t i = 0; i < sessions; ++i) ++counted[pick(session(i), shares)];
  EXPECT_EQ(counted[2], 0);
  for (std::size_t p = 0; p < shares.size(); ++p)
    EXPECT_NEAR(counted[p] / sessions, shares[p].weight / 10, 0.01) << p;
}

TEST(energy_rendezvous, the_order_of_the_shares_is_immaterial) {
  auto shares = shares_of({5, 1, 2, 3});
  auto turned = shares;
  std::reverse(turned.begin(), turned.end());
  for (std::uint64_t i = 0; i < 1000; ++i)
    EXPECT_EQ(shares[pick(session(i), shares)].location, turned[pick(session(i), turned)].location);
}

TEST(energy_rendezvous, nobody_moves_but_those_whose_location_is_gone) {
  const auto before = shares_of({4, 3, 2, 1});
  auto after = before;
  after[1].weight = 0;
  for (std::uint64_t i = 0; i < sessions; ++i) {
    const std::size_t was = pick(session(i), before);
    const std::size_t is = pick(session(i), after);
    if (was != 1) { EXPECT_EQ(was, is); }
    EXPECT_NE(is, 1U);
  }
}

TEST(energy_rendezvous, a_small_change_of_shares_moves_few_and_only_from_losers_to_winners) {
  const auto before = shares_of({30, 30, 20, 20});
  auto after = before;
  after[0].weight -= 3;  // three percent of all, the least that can move
  after[3].weight += 3;
  std::uint64_t moved = 0;
  for (std::uint64_t i = 0; i < sessions; ++i) {
    const std::size_t was = pick(session(i), before);
    const std::size_t is = pick(session(i), after);
    if (was == is) continue;
    ++moved;
    EXPECT_TRUE(was == 0 || is == 3) << was << " to " << is;
  }
  EXPECT_GE(moved, sessions * 25 / 1000);
  EXPECT_LE(moved, sessions * 43 / 1000);  // at most 1.43 times the least
}

TEST(energy_rendezvous, the_first_rank_is_the_pick_and_the_others_spread_as_the_shares_do) {
  const auto shares = shares_of({6, 2, 1, 0});
  const std::vector<Share> reserve{
      {stable_hash("reserve"), 5}, shares[0], {stable_hash("full"), 0}};
  std::vector<double> second(4);
  double firsts = 0;
  for (std::uint64_t i = 0; i < sessions; ++i) {
    const auto order = ranks(session(i), shares, reserve);
    ASSERT_EQ(order.size(), 4U);  // three shares above zero, one new reserve with headroom
    EXPECT_EQ(order[0], pick(session(i), shares));
    EXPECT_EQ(order[3], 4U);
    EXPECT_EQ(std::set<std::size_t>(order.begin(), order.end()).size(), order.size());
    if (order[0] != 0) continue;
    ++firsts;
    ++second[order[1]];
  }
  EXPECT_NEAR(second[1] / firsts, 2.0 / 3, 0.02);
  EXPECT_NEAR(second[2] / firsts, 1.0 / 3, 0.02);
}

TEST(energy_rendezvous, who_loses_a_place_spreads_as_the_failover_weights_say_not_as_the_shares) {
  const auto shares = shares_of({6, 2, 1, 1});
  const std::vector<Share> next{{shares[1].location, 1}, {stable_hash("reserve"), 9}};
  double lost = 0, reserve = 0;
  for (std::uint64_t i = 0; i < sessions; ++i) {
    if (pick(session(i), shares) != 0) continue;
    ++lost;
    const auto order = failover_ranks(session(i), shares[0].location, next);
    ASSERT_EQ(order.size(), 2U);
    EXPECT_EQ(order, failover_ranks(session(i), shares[0].location, next));
    if (order.front() == 1) ++reserve;
  }
  EXPECT_NEAR(reserve / lost, 0.9, 0.01);
  EXPECT_TRUE(failover_ranks(1, 2, {}).empty());
}

TEST(energy_rendezvous, without_any_share_there_is_no_location) {
  EXPECT_EQ(pick(1, {}), no_location);
  EXPECT_EQ(pick(1, shares_of({0, 0})), no_location);
  EXPECT_TRUE(ranks(1, {}, {}).empty());
}

TEST(energy_rendezvous, whole_sessions_are_within_one_of_their_share_and_sum_up) {
  for (std::uint32_t count = 0; count < 60; ++count) {
    const auto shares = shares_of({3, 1, 0, 2.5, 0.01});
    const auto whole = whole_sessions(count, shares);
    EXPECT_EQ(std::accumulate(whole.begin(), whole.end(), 0U), count);
    for (std::size_t p = 0; p < shares.size(); ++p)
      EXPECT_LT(std::abs(whole[p] - count * shares[p].weight / 6.51), 1) << p;
  }
  EXPECT_EQ(whole_sessions(5, shares_of({0, 0})), (std::vector<std::uint32_t>{0, 0}));
}

TEST(energy_rendezvous, a_name_hashes_alike_for_ever) {
  EXPECT_EQ(stable_hash(""), 0xF52A15E9A9B5E89BULL);
  EXPECT_EQ(stable_hash("a") == stable_hash("b"), false);
}

}  // namespace
}  // namespace lobo::energy
