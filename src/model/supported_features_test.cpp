#include "model/supported_features.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>

namespace lobo::model {
namespace {

TEST(supported_features, the_last_digit_stands_for_features_1_to_4) {
  const auto features = SupportedFeatures::parse("8001");
  ASSERT_TRUE(features);
  EXPECT_TRUE(features->has(1));
  EXPECT_FALSE(features->has(2));
  EXPECT_TRUE(features->has(16));
  EXPECT_FALSE(features->has(17));
  EXPECT_FALSE(features->has(0));
  EXPECT_FALSE(features->has(SupportedFeatures::feature_max + 1));
}

TEST(supported_features, an_empty_text_is_no_feature_and_written_as_a_zero) {
  ASSERT_TRUE(SupportedFeatures::parse(""));
  EXPECT_EQ(SupportedFeatures::parse("")->text(), "0");
  EXPECT_EQ(SupportedFeatures::parse("000aF")->text(), "af");
}

TEST(supported_features, what_is_no_hexadecimal_is_refused) {
  for (const auto* text : {"g", "0x1", " 1", "1 ", "-1", "1.0"})
    EXPECT_FALSE(SupportedFeatures::parse(text)) << text;
  EXPECT_FALSE(SupportedFeatures::parse("x" + std::string(100, '0')));
}

TEST(supported_features, features_beyond_the_last_are_read_over) {
  const auto features = SupportedFeatures::parse("f" + std::string(63, '0') + "1");
  ASSERT_TRUE(features);
  EXPECT_EQ(features->text(), "1");
}

RC_GTEST_PROP(supported_features, only_what_both_have_is_shared, ()) {
  const auto one = *rc::gen::inRange<std::size_t>(1, SupportedFeatures::feature_max + 1);
  const auto two = *rc::gen::inRange<std::size_t>(1, SupportedFeatures::feature_max + 1);
  const auto ours = SupportedFeatures{}.with(one).with(two);
  const auto shared = ours.shared_with(SupportedFeatures{}.with(two));
  RC_ASSERT(shared.has(two));
  RC_ASSERT(shared.has(one) == (one == two));
  RC_ASSERT(SupportedFeatures::parse(ours.text()) == ours);
}

}  // namespace
}  // namespace lobo::model
