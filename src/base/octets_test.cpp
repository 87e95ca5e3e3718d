#include "base/octets.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

namespace lobo {
namespace {

constexpr auto no_lower_case = [](auto c) { return (c < 'a') | (c > 'z'); };

TEST(octets, the_first_of_a_set_is_found_at_every_place_of_every_length) {
  for (std::size_t size = 0; size <= 70; ++size) {
    const std::string sound(size, 'q');
    EXPECT_EQ(find_octet(sound, no_lower_case), size);
    EXPECT_FALSE(has_octet(sound, no_lower_case));
    for (std::size_t at = 0; at < size; ++at) {
      auto text = sound;
      text[at] = '-';
      text.back() = '-';  // a later one changes nothing
      ASSERT_EQ(find_octet(text, no_lower_case), at) << size;
      ASSERT_TRUE(has_octet(text, no_lower_case)) << size;
    }
  }
}

TEST(octets, sixteen_at_once_are_judged_like_one_for_every_octet) {
  for (unsigned octet = 0; octet < 256; ++octet) {
    const bool lower = octet >= 'a' && octet <= 'z';
    for (const std::size_t size : {1U, 15U, 16U, 33U}) {
      const std::string text(size, static_cast<char>(octet));
      EXPECT_EQ(find_octet(text, no_lower_case), lower ? size : 0) << octet;
    }
  }
}

}  // namespace
}  // namespace lobo
