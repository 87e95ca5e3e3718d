#include "sync/schedule.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "api/sync_types.hpp"
#include "base/clock.hpp"
#include "model/date_time.hpp"
#include "sync/tier.hpp"
#include "wire/json/json.hpp"

namespace lobo::sync {
namespace {

Schedule one(std::string_view text) {
  auto window = json::read<api::sync_types::ScheduledCommunicationTime>(text);
  EXPECT_TRUE(window) << text;
  return {window ? *window : api::sync_types::ScheduledCommunicationTime{}};
}
Instant at(std::string_view text) { return *model::parse_date_time(text); }
std::string text_of(std::optional<Instant> at) {
  return at ? model::format_date_time(*at) : "never";
}

// 2026-11-22 is a Sunday.
TEST(sync_schedule, is_open_between_its_times_on_its_days) {
  const auto office =
      one(R"({"daysOfWeek":[1,2],"timeOfDayStart":"09:00","timeOfDayEnd":"17:30:00Z"})");
  EXPECT_FALSE(is_open(office, at("2026-11-22T10:00:00Z")));
  EXPECT_FALSE(is_open(office, at("2026-11-23T08:59:59Z")));
  EXPECT_TRUE(is_open(office, at("2026-11-23T09:00:00Z")));
  EXPECT_FALSE(is_open(office, at("2026-11-23T17:30:00Z")));
  EXPECT_EQ(text_of(next_edge(office, at("2026-11-22T10:00:00Z"))), "2026-11-23T09:00:00Z");
  EXPECT_EQ(text_of(next_edge(office, at("2026-11-23T09:00:00Z"))), "2026-11-23T17:30:00Z");
  EXPECT_EQ(text_of(next_edge(office, at("2026-11-24T18:00:00Z"))), "2026-11-30T09:00:00Z");
}

TEST(sync_schedule, a_window_past_midnight_belongs_to_the_day_on_which_it_begins) {
  const auto night = one(R"({"daysOfWeek":[7],"timeOfDayStart":"22:00","timeOfDayEnd":"02:00"})");
  EXPECT_TRUE(is_open(night, at("2026-11-22T23:00:00Z")));
  EXPECT_TRUE(is_open(night, at("2026-11-23T01:59:00Z")));
  EXPECT_FALSE(is_open(night, at("2026-11-22T01:00:00Z")));
  EXPECT_EQ(text_of(next_edge(night, at("2026-11-22T23:00:00Z"))), "2026-11-23T02:00:00Z");
}

TEST(sync_schedule, without_windows_or_with_one_of_all_time_it_never_closes) {
  EXPECT_TRUE(is_open({}, at("2026-11-22T23:00:00Z")));
  EXPECT_FALSE(next_edge({}, at("2026-11-22T23:00:00Z")));
  EXPECT_TRUE(is_open(one("{}"), at("2026-11-22T23:00:00Z")));
  EXPECT_FALSE(next_edge(one("{}"), at("2026-11-22T23:00:00Z")));
}

TEST(sync_schedule, a_time_of_day_is_read_strictly) {
  for (const auto* bad :
       {"", "9:00", "24:00", "09:60", "09", "09:00:00:00", "09:00+01:00", "ab:cd"})
    EXPECT_FALSE(time_of_day(bad)) << bad;
  EXPECT_EQ(time_of_day("23:59:59Z"), std::chrono::seconds{86399});
}

TEST(sync_tier, goes_down_after_two_bad_windows_and_up_after_ten_good_ones) {
  Tier tier;
  const auto windows = [&](int count, bool bad) {
    for (int i = 0; i < count; ++i) tier = after_window(tier, bad, 2);
    return tier.step;
  };
  EXPECT_EQ(windows(1, true), 0);
  EXPECT_EQ(windows(1, false), 0);  // A good one between them breaks the row.
  EXPECT_EQ(windows(2, true), 1);
  EXPECT_EQ(windows(2, true), 2);
  EXPECT_EQ(windows(20, true), 2);  // No step below the last.
  EXPECT_EQ(windows(9, false), 2);
  EXPECT_EQ(windows(1, false), 1);
  EXPECT_EQ(windows(9, false), 1);
  EXPECT_EQ(windows(1, true), 1);
  EXPECT_EQ(windows(9, false), 1);  // Counted anew.
  EXPECT_EQ(windows(1, false), 0);
  EXPECT_EQ(windows(50, false), 0);
  EXPECT_EQ(tier, Tier{});
}

}  // namespace
}  // namespace lobo::sync
