#include "model/bit_rate.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>

#include "base/quantity.hpp"

namespace lobo::model {
namespace {

TEST(bit_rate, each_unit_is_a_thousand_of_the_one_below) {
  EXPECT_EQ(parse_bit_rate("2 bps"), BitsPerSecond{2});
  EXPECT_EQ(parse_bit_rate("2 Kbps"), BitsPerSecond{2'000});
  EXPECT_EQ(parse_bit_rate("2 Mbps"), BitsPerSecond{2'000'000});
  EXPECT_EQ(parse_bit_rate("2 Gbps"), BitsPerSecond{2'000'000'000});
  EXPECT_EQ(parse_bit_rate("2 Tbps"), BitsPerSecond{2'000'000'000'000});
}

TEST(bit_rate, decimals_count_and_a_fraction_of_a_bit_is_cut) {
  EXPECT_EQ(parse_bit_rate("1.5 Kbps"), BitsPerSecond{1500});
  EXPECT_EQ(parse_bit_rate("0.0019 Kbps"), BitsPerSecond{1});
  EXPECT_EQ(parse_bit_rate("3.14159265358979 Mbps"), BitsPerSecond{3'141'592});
  EXPECT_EQ(parse_bit_rate("7.9 bps"), BitsPerSecond{7});
}

TEST(bit_rate, the_largest_unit_without_a_fraction_is_written) {
  EXPECT_EQ(format_bit_rate(BitsPerSecond{2'000'000}), "2 Mbps");
  EXPECT_EQ(format_bit_rate(BitsPerSecond{2'500'000}), "2500 Kbps");
  EXPECT_EQ(format_bit_rate(BitsPerSecond{0}), "0 bps");
}

TEST(bit_rate, whatever_is_no_bit_rate_is_refused) {
  for (const auto* text :
       {"", "2", "2Mbps", "2 mbps", "2  Mbps", " 2 Mbps", "2 Mbps ", "-2 Mbps", "2. Mbps",
        ".5 Mbps", "1e3 bps", "2 kbps", "2.5.1 Mbps", "2,5 Mbps", "2 Mbit/s"})
    EXPECT_FALSE(parse_bit_rate(text)) << text;
}

TEST(bit_rate, the_limit_is_64_bits) {
  EXPECT_EQ(parse_bit_rate("18446744073709551615 bps"), BitsPerSecond{18446744073709551615U});
  EXPECT_FALSE(parse_bit_rate("18446744073709551616 bps"));
  EXPECT_FALSE(parse_bit_rate("18446744.073709551616 Tbps"));
  EXPECT_FALSE(parse_bit_rate(std::string(1000, '9') + " Tbps"));
  EXPECT_EQ(parse_bit_rate(std::string(1000, '0') + "1 Tbps"), BitsPerSecond{1'000'000'000'000});
}

RC_GTEST_PROP(bit_rate, what_is_written_is_read_back, (std::uint64_t bits, unsigned exponent)) {
  std::uint64_t scaled = bits % 1'000'000;
  for (unsigned i = 0; i < exponent % 14; ++i) scaled *= 10;
  for (const auto count : {bits, scaled})
    RC_ASSERT(parse_bit_rate(format_bit_rate(BitsPerSecond{count})) == BitsPerSecond{count});
}

}  // namespace
}  // namespace lobo::model
