#include "wire/packet/checksum.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "support/golden.hpp"

namespace lobo::packet {
namespace {

// RFC 1071 clause 1, word by word: the slow way to say the same.
std::uint16_t plain_sum(Bytes in) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < in.size(); i += 2) {
    sum += std::to_integer<std::uint32_t>(in[i]) << 8U;
    if (i + 1 < in.size()) sum += std::to_integer<std::uint32_t>(in[i + 1]);
    sum = (sum & 0xFFFFU) + (sum >> 16U);
  }
  return static_cast<std::uint16_t>(sum);
}

std::vector<std::byte> any_bytes() {
  std::vector<std::byte> out;
  for (const auto value :
       *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::arbitrary<std::uint8_t>()))
    out.push_back(std::byte{value});
  return out;
}

TEST(packet_checksum, the_example_of_rfc_1071_clause_3_sums_to_ddf2) {
  EXPECT_EQ(ones_sum(test::from_hex("0001 f203 f4f5 f6f7")), 0xDDF2);
  EXPECT_EQ(internet_checksum(test::from_hex("0001 f203 f4f5 f6f7")), 0x220D);
}

TEST(packet_checksum, all_ones_sum_to_all_ones_and_nothing_to_zero) {
  for (std::size_t length = 1; length < 200; ++length) {
    const std::vector<std::byte> ones(length, std::byte{0xFF});
    EXPECT_EQ(ones_sum(ones), length % 2 == 0 ? 0xFFFF : plain_sum(ones)) << length;
    const std::vector<std::byte> zeros(length);
    EXPECT_EQ(ones_sum(zeros), 0) << length;
  }
  EXPECT_EQ(ones_sum({}), 0);
}

RC_GTEST_PROP(packet_checksum, wide_steps_give_what_single_words_give, ()) {
  const auto bytes = any_bytes();
  const std::size_t from = *rc::gen::inRange<std::size_t>(0, bytes.size() + 1);
  const Bytes part = Bytes(bytes).subspan(from);
  RC_ASSERT(ones_sum(part) == plain_sum(part));
}

RC_GTEST_PROP(packet_checksum, an_update_gives_what_a_new_sum_gives, ()) {
  auto bytes = any_bytes();
  bytes.resize(bytes.size() / 2 * 2 + 4);
  bytes[0] = std::byte{0x45};  // a header is never all zero, where -0 and +0 would differ
  put_be16_at(bytes, 2, 0);
  const std::uint16_t before = internet_checksum(bytes);
  const std::size_t at = *rc::gen::inRange<std::size_t>(2, bytes.size() / 2) * 2;
  RC_PRE(at + 2 <= bytes.size());
  const std::uint16_t old_word = be16_at(bytes, at);
  const auto new_word = *rc::gen::arbitrary<std::uint16_t>();
  put_be16_at(bytes, at, new_word);
  RC_ASSERT(updated_checksum(before, old_word, new_word) == internet_checksum(bytes));
}

TEST(packet_checksum, crc32c_gives_the_published_values) {
  // RFC 7143 appendix B.4, and the check value of the CRC catalogues.
  EXPECT_EQ(crc32c(std::vector<std::byte>(32)), 0x8A9136AA);
  EXPECT_EQ(crc32c(std::vector<std::byte>(32, std::byte{0xFF})), 0x62A8AB43);
  EXPECT_EQ(crc32c(test::from_hex("313233343536373839")), 0xE3069283);
  EXPECT_EQ(crc32c({}), 0U);
}

RC_GTEST_PROP(packet_checksum, crc32c_by_instruction_and_by_table_agree_over_any_split, ()) {
  const auto bytes = any_bytes();
  const std::size_t cut = *rc::gen::inRange<std::size_t>(0, bytes.size() + 1);
  const std::uint32_t whole = detail::crc32c_by_table(bytes, 0);
  RC_ASSERT(crc32c(bytes) == whole);
  RC_ASSERT(crc32c(Bytes(bytes).subspan(cut), crc32c(Bytes(bytes).first(cut))) == whole);
}

}  // namespace
}  // namespace lobo::packet
