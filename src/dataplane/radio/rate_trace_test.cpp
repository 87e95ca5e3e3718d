#include "dataplane/radio/rate_trace.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstdint>

#include "base/quantity.hpp"
#include "base/result.hpp"
#include "dataplane/elapsed.hpp"

namespace lobo::dataplane {
namespace {

using namespace std::chrono_literals;

TEST(rate_trace, a_constant_rate_sends_octets_at_that_rate) {
  const auto trace = RateTrace::constant({8'000'000});  // a byte is a microsecond
  EXPECT_EQ(trace.end_of(5ms, 1500), 6500us);
  EXPECT_EQ(trace.at(100h).count, 8'000'000U);
}

TEST(rate_trace, lines_are_steps_that_repeat) {
  const auto trace = RateTrace::parse("# a cell\n0.5 8 Mbps\n\n0.25 800 Kbps  # narrow\n");
  ASSERT_TRUE(trace);
  ASSERT_EQ(trace->steps().size(), 2U);
  EXPECT_EQ(trace->at(0ms).count, 8'000'000U);
  EXPECT_EQ(trace->at(499ms).count, 8'000'000U);
  EXPECT_EQ(trace->at(500ms).count, 800'000U);
  EXPECT_EQ(trace->at(750ms).count, 8'000'000U);
  EXPECT_EQ(trace->at(75s + 600ms).count, 800'000U);
}

TEST(rate_trace, what_is_sent_across_a_step_takes_of_each_what_it_gives) {
  const auto trace = RateTrace::parse("0.001 8 Mbps\n0.010 800 Kbps\n");
  ASSERT_TRUE(trace);
  // 1,000 octets in the first millisecond, 100 at a tenth of the rate.
  EXPECT_EQ(trace->end_of(0ms, 1100), 2ms);
}

TEST(rate_trace, an_outage_is_waited_for) {
  const auto trace = RateTrace::parse("0.010 8 Mbps\n2 0 bps\n");
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->end_of(10ms, 1000), 2s + 11ms);
}

TEST(rate_trace, lines_that_say_nothing_are_refused_by_number) {
  for (const auto* text : {"1\n", "x 1 Mbps\n", "1 fast\n", "-1 1 Mbps\n", "0 1 Mbps\n",
                           "1 10 bps\n", "100000 1 Mbps\n", "nan 1 Mbps\n", "1 2 Tbps\n"}) {
    const auto trace = RateTrace::parse(text);
    ASSERT_FALSE(trace) << text;
    EXPECT_NE(trace.error().detail.find("line 1 "), std::string::npos) << trace.error().detail;
  }
  EXPECT_FALSE(RateTrace::parse("")) << "no line at all";
  EXPECT_FALSE(RateTrace::parse("1 0 bps\n")) << "an outage for ever";
}

RC_GTEST_PROP(rate_trace, what_is_sent_after_the_other_takes_as_long_as_both_together,
              (std::uint16_t first, std::uint16_t second, std::uint8_t begin)) {
  const auto trace = RateTrace::parse("0.003 5 Mbps\n0.002 0 bps\n0.004 20 Mbps\n");
  RC_ASSERT(trace.has_value());
  const Elapsed start = begin * 1ms;
  const Elapsed apart = trace->end_of(trace->end_of(start, first), second);
  const Elapsed together = trace->end_of(start, std::uint32_t{first} + second);
  // Each end is rounded up to a nanosecond; at the edge of an outage that may cost all of it.
  const Elapsed difference = apart - together;
  RC_ASSERT(difference >= -2ns);
  RC_ASSERT(difference <= 2ns || (second == 0 || difference <= 2ms + 4ns));
}

}  // namespace
}  // namespace lobo::dataplane
