#include "services/core_sim/admission.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/quantity.hpp"

namespace lobo::core_sim {
namespace {

constexpr BitsPerSecond bps(std::uint64_t count) { return {count}; }

Admission one_cell() {
  return Admission({{.name = "c", .capacity_dl = bps(1000), .capacity_ul = bps(500)}});
}

TEST(admission, takes_to_the_last_bit_and_no_further) {
  auto admission = one_cell();
  EXPECT_TRUE(admission.take(0, {bps(1000), bps(500)}));
  EXPECT_FALSE(admission.take(0, {bps(1), bps(0)}));
  EXPECT_FALSE(admission.take(0, {bps(0), bps(1)}));
  EXPECT_TRUE(admission.take(0, {}));
}

TEST(admission, one_full_direction_refuses_the_whole) {
  auto admission = one_cell();
  ASSERT_TRUE(admission.take(0, {bps(0), bps(500)}));
  EXPECT_FALSE(admission.take(0, {bps(1), bps(1)}));
  EXPECT_EQ(admission.used(0), (Share{bps(0), bps(500)}));
}

TEST(admission, a_narrowed_cell_grants_nothing_until_enough_came_back) {
  auto admission = one_cell();
  ASSERT_TRUE(admission.take(0, {bps(600), bps(0)}));
  admission.resize(0, {bps(400), bps(500)});
  EXPECT_TRUE(admission.overbooked(0));
  EXPECT_EQ(admission.left(0).dl, bps(0));
  EXPECT_FALSE(admission.take(0, {bps(1), bps(0)}));
  admission.give_back(0, {bps(600), bps(0)});
  EXPECT_TRUE(admission.take(0, {bps(400), bps(0)}));
}

RC_GTEST_PROP(admission, never_promises_more_than_there_is_and_returns_exactly_what_was_taken, ()) {
  auto admission = one_cell();
  std::vector<Share> held;
  Share sum;
  const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(0, 700), rc::gen::inRange(-1, 400)));
  for (const auto& [dl, ul] : steps) {
    if (ul < 0 && !held.empty()) {
      const auto given = held.back();
      held.pop_back();
      admission.give_back(0, given);
      sum = {sum.dl - given.dl, sum.ul - given.ul};
    } else {
      const Share wanted{bps(static_cast<std::uint64_t>(dl)),
                         bps(static_cast<std::uint64_t>(std::max(ul, 0)))};
      if (admission.take(0, wanted)) {
        held.push_back(wanted);
        sum = {sum.dl + wanted.dl, sum.ul + wanted.ul};
      }
    }
    RC_ASSERT(admission.used(0) == sum);
    RC_ASSERT(!admission.overbooked(0));
  }
}

}  // namespace
}  // namespace lobo::core_sim
