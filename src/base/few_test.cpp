#include "base/few.hpp"

#include <gtest/gtest.h>

namespace lobo {
namespace {

TEST(few, takes_as_many_as_its_type_says_and_no_more) {
  Few<int, 2> few;
  EXPECT_TRUE(few.empty());
  EXPECT_TRUE(few.add(7));
  EXPECT_TRUE(few.add(8));
  EXPECT_FALSE(few.add(9));
  ASSERT_EQ(few.size(), 2U);
  EXPECT_EQ(few[0], 7);
  EXPECT_EQ(few[1], 8);
}

TEST(few, is_compared_by_what_is_in_it) {
  Few<int, 4> a;
  Few<int, 4> b;
  ASSERT_TRUE(a.add(1) && a.add(2) && b.add(1));
  EXPECT_FALSE(a == b);
  ASSERT_TRUE(b.add(2));
  EXPECT_EQ(a, b);
  a.clear();
  EXPECT_FALSE(a == b);
  EXPECT_EQ(a, (Few<int, 4>{}));
}

}  // namespace
}  // namespace lobo
