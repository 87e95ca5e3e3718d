#include "energy/meter/attribution.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace lobo::energy::meter {
namespace {

TEST(attribution, idle_goes_by_capacity_and_dynamic_by_bytes) {
  const std::vector<Tenant> tenants{{3, 100}, {1, 300}};
  const auto parts = attribute(80, 40, tenants, 400);
  EXPECT_EQ(parts.of, (std::vector<Part>{{60, 5}, {20, 15}}));
  EXPECT_EQ(parts.other, (Part{0, 20}));
}

TEST(attribution, nobody_served_means_everything_by_capacity) {
  const std::vector<Tenant> tenants{{1, 0}, {3, 0}};
  EXPECT_EQ(attribute(80, 4, tenants, 0).of, (std::vector<Part>{{20, 1}, {60, 3}}));
  const std::vector<Tenant> equal{{0, 0}, {0, 0}};
  EXPECT_EQ(attribute(80, 4, equal, 0).of, (std::vector<Part>{{40, 2}, {40, 2}}));
}

TEST(attribution, without_locations_all_is_of_none) {
  EXPECT_EQ(attribute(80, 4, {}, 7).other, (Part{80, 4}));
}

RC_GTEST_PROP(attribution, the_parts_add_up_to_the_host, ()) {
  const auto drawn = *rc::gen::container<std::vector<std::pair<unsigned, std::uint64_t>>>(
      rc::gen::pair(rc::gen::inRange(0U, 100U), rc::gen::inRange<std::uint64_t>(0, 1ULL << 50U)));
  std::vector<Tenant> tenants;
  for (const auto& [share, bytes] : drawn) tenants.push_back({static_cast<double>(share), bytes});
  const auto idle = static_cast<double>(*rc::gen::inRange(0, 1'000'000));
  const auto dynamic = static_cast<double>(*rc::gen::inRange(0, 1'000'000));
  const auto parts = attribute(idle, dynamic, tenants, *rc::gen::inRange<std::uint64_t>(0, 1'000));
  double sum = parts.other.idle_j + parts.other.dynamic_j;
  for (const auto& part : parts.of) sum += part.idle_j + part.dynamic_j;
  RC_ASSERT(std::abs(sum - idle - dynamic) <= 1e-9 * std::max(1.0, idle + dynamic));
}

}  // namespace
}  // namespace lobo::energy::meter
