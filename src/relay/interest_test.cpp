#include "relay/interest.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "wire/sdd/control.hpp"

namespace lobo::relay {
namespace {

double squared(const sdd::Position& a, const sdd::Position& b) {
  const auto part = [](double p, double q) { return (p - q) * (p - q); };
  return part(a.x, b.x) + part(a.y, b.y) + part(a.z, b.z);
}

std::int32_t any_place(std::int32_t range) { return *rc::gen::inRange(-range, range + 1); }

RC_GTEST_PROP(nearest, nobody_who_was_left_out_is_nearer_than_one_who_was_chosen, ()) {
  const std::int32_t range = *rc::gen::element(10, 1000, 1'000'000, 1'000'000'000);
  const auto count = *rc::gen::inRange<std::size_t>(0, 200);
  std::vector<Placed> points;
  for (std::uint32_t i = 0; i < count; ++i)
    points.push_back({i, {any_place(range), any_place(range / 10), any_place(range)}});
  NearestGrid grid;
  grid.build(points);
  const auto k = *rc::gen::inRange<std::size_t>(0, 60);
  const sdd::Position from{any_place(2 * range), any_place(range), any_place(2 * range)};
  std::vector<std::uint32_t> found;
  grid.nearest(from, k, found);
  RC_ASSERT(found.size() == std::min(k, count));
  std::ranges::sort(found);
  RC_ASSERT(std::ranges::adjacent_find(found) == found.end());
  double furthest = 0;
  for (const std::uint32_t number : found)
    furthest = std::max(furthest, squared(points[number].at, from));
  // Distances are counted in steps of two millimetres.
  const double slack = 8 * (std::sqrt(furthest) + 4);
  for (const Placed& point : points)
    if (!std::ranges::binary_search(found, point.number))
      RC_ASSERT(squared(point.at, from) >= furthest - slack);
}

TEST(nearest, a_crowd_in_one_place_and_one_far_away_are_chosen_from_as_well) {
  std::vector<Placed> points;
  for (std::uint32_t i = 0; i < 500; ++i) points.push_back({i, {5, 5, 5}});
  points.push_back({500, {2'000'000'000, -2'000'000'000, 2'000'000'000}});
  NearestGrid grid;
  grid.build(points);
  std::vector<std::uint32_t> found;
  grid.nearest({2'000'000'000, -2'000'000'000, 2'000'000'000}, 1, found);
  EXPECT_EQ(found, (std::vector<std::uint32_t>{500}));
  grid.nearest({-2'000'000'000, 0, -2'000'000'000}, 500, found);
  EXPECT_EQ(std::ranges::count(found, 500U), 0);
  grid.nearest({0, 0, 0}, 1000, found);
  EXPECT_EQ(found.size(), 501U);
}

}  // namespace
}  // namespace lobo::relay
