#include "base/text.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace lobo {
namespace {

TEST(text, a_decimal_number_is_the_whole_text_or_nothing) {
  EXPECT_EQ(parse_decimal("0"), 0U);
  EXPECT_EQ(parse_decimal("18446744073709551615"), 18446744073709551615ULL);
  for (const char* bad : {"", "-1", "+1", " 1", "1 ", "18446744073709551616", "0x1"})
    EXPECT_FALSE(parse_decimal(bad)) << bad;
}

TEST(text, split_keeps_empty_parts) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), (std::vector<std::string_view>{""}));
}

TEST(text, utf8_refuses_overlong_forms_surrogates_and_what_lies_beyond_unicode) {
  for (const char* good : {"", "abc", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"})
    EXPECT_TRUE(is_utf8(good));
  for (const char* bad : {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC3",
                          "\x80", "\xFF", "\xF0\x9F\x98"})
    EXPECT_FALSE(is_utf8(bad));
}

TEST(text, the_nearest_candidate_is_found_within_three_edits) {
  EXPECT_EQ(nearest("adress", {"address", "port"}), "address");
  EXPECT_EQ(nearest("completely", {"address", "port"}), std::nullopt);
}

}  // namespace
}  // namespace lobo
