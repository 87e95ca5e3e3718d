#include "live/counter_lease.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <ios>
#include <string>

#include "base/result.hpp"
#include "support/temp_dir.hpp"
#include "wire/xrm/sender.hpp"

namespace lobo::app {
namespace {

TEST(counter_lease, a_clean_end_gives_back_what_was_not_used) {
  const testing::TempDir folder;
  const std::string file = folder.file("counter");
  {
    auto lease = CounterLease::open(file);
    ASSERT_TRUE(lease.has_value());
    EXPECT_EQ(lease->first(), 0U);
    EXPECT_TRUE(lease->cover(1000));
    lease->give_back(1000);
  }
  const auto again = CounterLease::open(file);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->first(), 1000U);
}

TEST(counter_lease, after_a_crash_no_counter_that_may_have_been_used_comes_again) {
  const testing::TempDir folder;
  const std::string file = folder.file("counter");
  const std::uint32_t used = 3 * lease_block;
  {
    auto lease = CounterLease::open(file);
    ASSERT_TRUE(lease.has_value());
    for (std::uint32_t next = 0; next <= used; next += lease_block / 4)
      ASSERT_TRUE(lease->cover(next));
  }
  const auto again = CounterLease::open(file);
  ASSERT_TRUE(again.has_value());
  EXPECT_GT(again->first(), used);
  EXPECT_LE(again->first(), used + lease_block);
}

TEST(counter_lease, a_second_process_with_the_same_key_and_sid_is_refused) {
  const testing::TempDir folder;
  const std::string file = folder.file("counter");
  const auto lease = CounterLease::open(file);
  ASSERT_TRUE(lease.has_value());
  const auto second = CounterLease::open(file);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Errc::conflict);
}

TEST(counter_lease, a_file_that_is_none_is_refused_and_not_taken_for_zero) {
  const testing::TempDir folder;
  const std::string file = folder.file("counter");
  for (const char* text :
       {"lobodon-xrm-counter 1\nfree from \n", "17\n",
        "lobodon-xrm-counter 1\nfree from 9999999999\n", "lobodon-xrm-counter 1\nfree from 12"}) {
    std::ofstream(file, std::ios::trunc) << text;
    EXPECT_FALSE(CounterLease::open(file).has_value()) << text;
  }
}

TEST(counter_lease, the_last_counters_of_a_key_are_reserved_and_no_more) {
  const testing::TempDir folder;
  const std::string file = folder.file("counter");
  auto lease = CounterLease::open(file);
  ASSERT_TRUE(lease.has_value());
  EXPECT_TRUE(lease->cover(xrm::counters_per_key - 10));
  EXPECT_TRUE(lease->cover(xrm::counters_per_key));
  lease->give_back(xrm::counters_per_key);
}

}  // namespace
}  // namespace lobo::app
