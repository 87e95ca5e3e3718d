#include "services/sealdd/histogram.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "api/sdd_relay.hpp"

namespace lobo::sealdd {
namespace {

TEST(sealdd_histogram, buckets_are_those_of_the_document) {
  EXPECT_EQ(bucket_of(0), 0);
  EXPECT_EQ(bucket_of(15), 15);
  EXPECT_EQ(bucket_of(16), 16);
  EXPECT_EQ(bucket_of(31), 31);
  EXPECT_EQ(bucket_of(32), 32);
  EXPECT_EQ(bucket_of(33), 32);
  EXPECT_EQ(bucket_of(34), 33);
  EXPECT_EQ(bucket_of(4294967295U), 463);
  EXPECT_EQ(bucket_floor(33), 34U);
}

RC_GTEST_PROP(sealdd_histogram, a_value_lies_in_its_bucket_to_a_sixteenth, (std::uint32_t value)) {
  const auto bucket = bucket_of(value);
  const auto low = bucket_floor(bucket);
  const auto next = bucket_floor(bucket + 1);
  RC_ASSERT(low <= value && value < next);
  RC_ASSERT(next - low <= std::max<std::uint64_t>(1, low / 16));
}

RC_GTEST_PROP(sealdd_histogram, parts_add_up_to_the_whole,
              (std::vector<std::uint32_t> values, std::uint8_t cut)) {
  Distribution whole, first, second;
  for (std::size_t i = 0; i < values.size(); ++i) {
    whole.add(values[i]);
    (i < cut ? first : second).add(values[i]);
  }
  first.add(second);
  RC_ASSERT(first.count() == whole.count());
  RC_ASSERT(first.min() == whole.min() && first.max() == whole.max());
  for (const int percent : {1, 50, 95, 99})
    RC_ASSERT(first.percentile(percent) == whole.percentile(percent));
}

RC_GTEST_PROP(sealdd_histogram, a_percentile_is_right_to_a_sixteenth,
              (const std::vector<std::uint32_t>& values)) {
  RC_PRE(!values.empty());
  Distribution all;
  for (const auto value : values) all.add(value);
  auto sorted = values;
  std::ranges::sort(sorted);
  for (const int percent : {50, 99}) {
    const auto rank =
        static_cast<std::size_t>(std::ceil(static_cast<double>(sorted.size()) * percent / 100.0));
    const auto exact = static_cast<double>(sorted[rank - 1]);
    const auto told = static_cast<double>(all.percentile(percent));
    RC_ASSERT(std::abs(told - exact) <= exact / 16 + 1);
  }
}

TEST(sealdd_histogram, mean_and_deviation_are_exact_where_the_node_says_its_sums) {
  api::sdd_relay::Histogram sent;
  sent.buckets = {bucket_of(1000), bucket_of(3000)};
  sent.counts = {1, 1};
  sent.sum = 4000;
  sent.sum_sq = 10'000'000;
  sent.min = 1000;
  sent.max = 3000;
  Distribution all;
  all.add(sent);
  EXPECT_DOUBLE_EQ(all.mean(), 2000);
  EXPECT_DOUBLE_EQ(all.deviation(), 1000);
  EXPECT_EQ(all.min(), 1000U);
  EXPECT_EQ(all.max(), 3000U);
}

}  // namespace
}  // namespace lobo::sealdd
