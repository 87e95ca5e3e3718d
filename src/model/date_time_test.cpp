#include "model/date_time.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace lobo::model {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

TEST(date_time, the_examples_of_rfc_3339_clause_5_8_are_read) {
  EXPECT_EQ(parse_date_time("1985-04-12T23:20:50.52Z"), Instant{microseconds{482196050'520000}});
  EXPECT_EQ(parse_date_time("1996-12-19T16:39:57-08:00"), Instant{seconds{851042397}});
  EXPECT_EQ(parse_date_time("1990-12-31T23:59:60Z"), Instant{seconds{662688000}});
  EXPECT_EQ(parse_date_time("1990-12-31T15:59:60-08:00"), Instant{seconds{662688000}});
}

TEST(date_time, what_is_finer_than_a_microsecond_is_cut) {
  EXPECT_EQ(parse_date_time("1970-01-01T00:00:00.1234569Z"), Instant{microseconds{123456}});
}

TEST(date_time, six_decimals_are_written_unless_they_are_zero) {
  EXPECT_EQ(format_date_time(Instant{seconds{851042397}}), "1996-12-20T00:39:57Z");
  EXPECT_EQ(format_date_time(Instant{microseconds{1}}), "1970-01-01T00:00:00.000001Z");
}

TEST(date_time, whatever_is_no_date_time_is_refused) {
  for (const auto* text : {"",
                           "2026-11-22",
                           "2026-11-22T00:00:00",
                           "2026-11-22 00:00:00Z",
                           "2026-11-22T00:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-02-29T00:00:00Z",
                           "2026-11-22T24:00:00Z",
                           "2026-11-22T00:60:00Z",
                           "2026-11-22T00:00:61Z",
                           "2026-11-22T12:00:60Z",
                           "2026-11-22T00:00:00.Z",
                           "2026-11-22T00:00:00+24:00",
                           "2026-11-22T00:00:00+0100",
                           "2026-11-22T00:00:00Zx",
                           "+026-11-22T00:00:00Z",
                           "1969-12-31T23:59:59Z",
                           "1970-01-01T00:00:00+01:00",
                           "9999-12-31T23:59:59-01:00",
                           "2026-1-22T00:00:00Z",
                           " 2026-11-22T00:00:00Z"})
    EXPECT_FALSE(parse_date_time(text)) << text;
}

RC_GTEST_PROP(date_time, what_is_written_is_read_back, ()) {
  const auto micros = *rc::gen::inRange<std::int64_t>(0, 253402300799'999999);
  const Instant at{microseconds{micros}};
  RC_ASSERT(parse_date_time(format_date_time(at)) == at);
}

RC_GTEST_PROP(date_time, each_strict_prefix_is_refused, ()) {
  const Instant at{microseconds{*rc::gen::inRange<std::int64_t>(0, 253402300799'999999)}};
  const auto text = format_date_time(at);
  const auto length = *rc::gen::inRange<std::size_t>(0, text.size());
  RC_ASSERT(!parse_date_time(text.substr(0, length)));
}

}  // namespace
}  // namespace lobo::model
