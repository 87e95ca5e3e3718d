#include "base/bytes.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace lobo {
namespace {

TEST(bytes, numbers_are_read_most_significant_octet_first) {
  constexpr std::array in{std::byte{0x01}, std::byte{0x02}, std::byte{0x03},
                          std::byte{0x04}, std::byte{0x05}, std::byte{0x06}};
  ByteReader reader(in);
  EXPECT_EQ(reader.u8(), 0x01);
  EXPECT_EQ(reader.be24(), 0x020304U);
  EXPECT_EQ(reader.be16(), 0x0506);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.left(), 0U);
}

TEST(bytes, a_reader_that_passed_the_end_reads_zeros_and_says_so) {
  constexpr std::array in{std::byte{0xFF}, std::byte{0xFF}, std::byte{0xFF}};
  ByteReader reader(in);
  EXPECT_EQ(reader.be32(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0) << "a spent reader does not recover, though an octet is left";
  EXPECT_EQ(reader.position(), 0U);
}

TEST(bytes, what_does_not_fit_is_not_written_at_all) {
  std::array<std::byte, 3> out{};
  ByteWriter writer(out);
  writer.u8(7);
  writer.be32(0xFFFFFFFF);
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(writer.written().size(), 1U);
  EXPECT_EQ(out[1], std::byte{});
}

RC_GTEST_PROP(bytes, what_was_written_is_read,
              (std::uint8_t a, std::uint16_t b, std::uint32_t c, std::uint64_t d)) {
  std::array<std::byte, 18> out{};
  ByteWriter writer(out);
  writer.u8(a);
  writer.be16(b);
  writer.be32(c);
  writer.be24(c & 0xFFFFFFU);
  writer.be64(d);
  RC_ASSERT(writer.ok() && writer.left() == 0);
  ByteReader reader(writer.written());
  RC_ASSERT(reader.u8() == a && reader.be16() == b && reader.be32() == c);
  RC_ASSERT(reader.be24() == (c & 0xFFFFFFU) && reader.be64() == d && reader.ok());
}

}  // namespace
}  // namespace lobo
