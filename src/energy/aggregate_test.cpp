#include "energy/aggregate.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "energy/problem.hpp"

namespace lobo::energy {
namespace {

TEST(energy_aggregate, counters_after_any_changes_are_those_of_who_is_left) {
  SeededRng rng(11);
  const auto any = [&] {
    return Session{static_cast<std::uint32_t>(rng.below(7)),
                   rng.below(5) == 0 ? Session::nowhere : static_cast<std::uint32_t>(rng.below(4)),
                   static_cast<std::uint32_t>(rng.below(9000))};
  };
  Aggregate counters(7, 4);
  std::vector<Session> present;
  for (int i = 0; i < 5000; ++i) {
    const std::uint64_t what = rng.below(3);
    if (what == 0 || present.empty()) {
      present.push_back(any());
      ASSERT_TRUE(counters.join(present.back()).has_value());
      continue;
    }
    const std::size_t who = rng.below(present.size());
    if (what == 1) {
      const Session after = any();
      ASSERT_TRUE(counters.change(present[who], after).has_value());
      present[who] = after;
    } else {
      ASSERT_TRUE(counters.leave(present[who]).has_value());
      present.erase(present.begin() + static_cast<std::ptrdiff_t>(who));
    }
  }
  Aggregate anew(7, 4);
  for (const Session& session : present) ASSERT_TRUE(anew.join(session).has_value());
  EXPECT_EQ(counters, anew);
}

TEST(energy_aggregate, who_is_nowhere_yet_is_demand_and_no_flow) {
  Aggregate counters(1, 1);
  ASSERT_TRUE(counters.join({0, Session::nowhere, 2500}).has_value());
  ASSERT_TRUE(counters.join({0, 0, 1500}).has_value());
  EXPECT_EQ(counters.sessions(0), 2U);
  EXPECT_DOUBLE_EQ(counters.demand_mbps(0), 4.0);
  EXPECT_DOUBLE_EQ(counters.current_mbps(0, 0), 1.5);
}

TEST(energy_aggregate, what_is_unknown_or_not_counted_is_refused_and_changes_nothing) {
  Aggregate counters(2, 2);
  ASSERT_TRUE(counters.join({0, 1, 1000}).has_value());
  const Aggregate before = counters;
  EXPECT_EQ(counters.join({2, 0, 1}).error().code, Errc::not_found);
  EXPECT_EQ(counters.join({0, 2, 1}).error().code, Errc::not_found);
  EXPECT_EQ(counters.leave({1, 1, 1000}).error().code, Errc::conflict);
  EXPECT_EQ(counters.leave({0, 0, 1000}).error().code, Errc::conflict);
  EXPECT_EQ(counters.leave({0, 1, 1001}).error().code, Errc::conflict);
  EXPECT_EQ(counters.change({0, 1, 1000}, {5, 1, 1000}).error().code, Errc::not_found);
  EXPECT_EQ(counters, before);
}

TEST(energy_aggregate, a_problem_gets_the_counters_by_index) {
  Problem problem;
  problem.groups = {{.id = "a", .paths = {{.location = 1}, {.location = 0}}}, {.id = "b"}};
  Aggregate counters(2, 2);
  ASSERT_TRUE(counters.join({0, 1, 3000}).has_value());
  counters.write(problem);
  EXPECT_EQ(problem.groups[0].sessions, 1U);
  EXPECT_DOUBLE_EQ(problem.groups[0].demand_mbps, 3);
  EXPECT_DOUBLE_EQ(problem.groups[0].paths[0].current_mbps, 3);
  EXPECT_DOUBLE_EQ(problem.groups[0].paths[1].current_mbps, 0);
  EXPECT_EQ(problem.groups[1].sessions, 0U);
}

}  // namespace
}  // namespace lobo::energy
