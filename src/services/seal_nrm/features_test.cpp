#include "services/seal_nrm/features.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace lobo::seal_nrm {
namespace {

TEST(features, that_both_sides_have_are_negotiated) {
  // Bit n-1 counted from the right: feature 41 is the lowest bit of the eleventh digit.
  EXPECT_EQ(negotiate("10000000000"), "10000000000");
  EXPECT_EQ(negotiate("70000000001"), "70000000001");
  EXPECT_EQ(negotiate("fFFFFFFFFFFFF"), "70000000001");
  EXPECT_EQ(negotiate("6"), "0");
  EXPECT_EQ(negotiate("F"), "1");
  EXPECT_EQ(negotiate(""), "0");
  EXPECT_EQ(negotiate(std::nullopt), std::nullopt);
}

TEST(features, that_were_not_negotiated_are_off) {
  EXPECT_FALSE(negotiated(std::nullopt, Feature::qos_events));
  EXPECT_FALSE(negotiated("1", Feature::qos_events));
  EXPECT_FALSE(negotiated("20000000000", Feature::qos_events));
  EXPECT_TRUE(negotiated("20000000000", Feature::qos_state));
  EXPECT_TRUE(negotiated("40000000000", Feature::modify_and_list));
}

}  // namespace
}  // namespace lobo::seal_nrm
