#include "energy/steering/token.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "energy/steering/steering_test_support.hpp"

namespace lobo::energy::steering {
namespace {

const Token sample{.group = "west-live",
                   .session = 0x0123456789abcdef,
                   .expires_s = 1'795'370'000,
                   .sent_to = 0xcafef00d,
                   .demoted = {{0xdeadbeef, 1'795'369'000}}};

TEST(steering_token, is_read_as_it_was_written_and_needs_no_escape_in_a_uri) {
  const PlainMac mac("k1");
  const auto text = write_token(sample, mac);
  EXPECT_EQ(read_token(text, mac), sample);
  EXPECT_EQ(
      text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."),
      std::string::npos);
}

TEST(steering_token, any_changed_character_makes_it_foreign) {
  const PlainMac mac("k1");
  const auto text = write_token(sample, mac);
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] = changed[i] == 'a' ? 'b' : 'a';
    EXPECT_FALSE(read_token(changed, mac)) << i;
    EXPECT_FALSE(read_token(text.substr(0, i), mac)) << i;
  }
}

std::string base64url(const Tag& tag) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string bits, out;
  for (const unsigned char octet : tag)
    for (int i = 7; i >= 0; --i) bits += (octet >> i & 1) != 0 ? '1' : '0';
  while (bits.size() % 6 != 0) bits += '0';
  for (std::size_t i = 0; i < bits.size(); i += 6)
    out += letters[std::stoul(bits.substr(i, 6), nullptr, 2)];
  return out;
}

TEST(steering_token, of_the_version_before_names_the_same_session) {
  const PlainMac mac("k1");
  const std::string before = "1.k1.west-live.0123456789abcdef.006b032990.deadbeef006b0325a8";
  const auto read = read_token(before + '.' + base64url(*mac.tag("k1", before)), mac);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->session, sample.session);
  EXPECT_EQ(read->sent_to, 0U);
  EXPECT_EQ(read->demoted.size(), 1U);
}

TEST(steering_token, of_an_old_key_is_good_and_of_an_unknown_one_is_not) {
  const auto old = write_token(sample, PlainMac("k1"));
  EXPECT_EQ(read_token(old, PlainMac("k2", {"k1"})), sample);
  EXPECT_FALSE(read_token(old, PlainMac("k2")));
}

TEST(steering_token, more_demotions_than_it_holds_are_cut) {
  const PlainMac mac("k1");
  auto many = sample;
  many.demoted.resize(demotions_max + 3);
  const auto text = write_token(many, mac);
  EXPECT_LE(text.size(), token_bytes_max);
  EXPECT_EQ(read_token(text, mac)->demoted.size(), demotions_max);
}

RC_GTEST_PROP(steering_token, decode_of_encode_is_the_token, ()) {
  Token token{.group = "g" + std::to_string(*rc::gen::inRange(0, 100'000)),
              .session = *rc::gen::arbitrary<std::uint64_t>(),
              .expires_s = *rc::gen::inRange<std::int64_t>(0, token_seconds_max),
              .sent_to = *rc::gen::arbitrary<std::uint32_t>(),
              .demoted = {}};
  const auto demoted = *rc::gen::container<std::vector<std::pair<std::uint32_t, std::uint32_t>>>(
      rc::gen::arbitrary<std::pair<std::uint32_t, std::uint32_t>>());
  for (const auto& [location, until] : demoted)
    if (token.demoted.size() < demotions_max) token.demoted.push_back({location, until});
  const PlainMac mac("k1");
  RC_ASSERT(read_token(write_token(token, mac), mac) == token);
}

}  // namespace
}  // namespace lobo::energy::steering
