#include "base/lru_map.hpp"

#include <gtest/gtest.h>

#include <string>

namespace lobo {
namespace {

using Map = LruMap<std::string, int>;

TEST(LruMap, finds_what_was_put_and_nothing_else) {
  Map map(10);
  map.put("a", 1, 1);
  map.put("a", 2, 3);
  ASSERT_NE(map.find("a"), nullptr);
  EXPECT_EQ(*map.find("a"), 2);
  EXPECT_EQ(map.weight(), 3U);
  EXPECT_EQ(map.find("b"), nullptr);
  map.erase("a");
  map.erase("a");
  EXPECT_EQ(map.find("a"), nullptr);
  EXPECT_EQ(map.weight(), 0U);
}

TEST(LruMap, forgets_what_was_not_looked_at_for_longest) {
  Map map(3);
  for (const char* key : {"a", "b", "c"}) map.put(key, 0, 1);
  map.find("a");
  map.put("d", 0, 1);
  EXPECT_EQ(map.find("b"), nullptr);
  EXPECT_NE(map.find("a"), nullptr);
  EXPECT_EQ(map.size(), 3U);
}

TEST(LruMap, a_heavy_one_drives_out_several_and_one_that_is_too_heavy_is_not_kept) {
  Map map(4);
  for (const char* key : {"a", "b", "c", "d"}) map.put(key, 0, 1);
  map.put("heavy", 0, 3);
  EXPECT_EQ(map.size(), 2U);
  EXPECT_NE(map.find("d"), nullptr);
  map.put("heavy", 0, 5);
  EXPECT_EQ(map.find("heavy"), nullptr);
  EXPECT_EQ(map.size(), 1U);
}

}  // namespace
}  // namespace lobo
