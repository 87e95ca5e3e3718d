#include "gnb/cell_change.hpp"

#include <gtest/gtest.h>

#include "dataplane/radio/cell.hpp"
#include "dataplane/set_queue.hpp"

namespace lobo::app {
namespace {

TEST(cell_change, takes_what_is_named_and_leaves_the_rest) {
  const auto rate = read_cell_change(R"({"rate":"3 Mbps"})");
  ASSERT_TRUE(rate);
  EXPECT_EQ(rate->rate->count, 3'000'000U);
  EXPECT_FALSE(rate->scheduler);
  const auto all = read_cell_change(R"({"rate":"1 Kbps","scheduler":"plain","policy":"psihi"})");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->scheduler, dataplane::CellScheduler::plain);
  EXPECT_EQ(all->policy, dataplane::Policy::psihi);
}

TEST(cell_change, names_all_that_is_wrong) {
  for (const auto* body :
       {"", "{}", "[]", "7", R"({"rate":3})", R"({"rate":"fast"})", R"({"rate":"1 bps"})",
        R"({"scheduler":"fair"})", R"({"policy":""})", R"({"delay":"3ms"})"})
    EXPECT_FALSE(read_cell_change(body)) << body;
  const auto two = read_cell_change(R"({"rate":"1 bps","colour":"red","policy":"evict"})");
  ASSERT_FALSE(two);
  ASSERT_EQ(two.error().faults.size(), 2U);
  EXPECT_EQ(two.error().faults[0].where, "/rate");
  EXPECT_EQ(two.error().faults[1].where, "/colour");
}

}  // namespace
}  // namespace lobo::app
