#include "wire/xrm/option.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "base/bytes.hpp"
#include "model/pdu_set.hpp"
#include "wire/udp_options/surplus.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::xrm {
namespace {

std::vector<std::byte> octets(std::initializer_list<unsigned> values) {
  std::vector<std::byte> out;
  for (const unsigned value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

/// Behind a datagram with a UDP checksum.
tl::expected<Bytes, Unmarked> found(const std::vector<std::byte>& area, bool odd,
                                    OptionKind kind = {}) {
  const auto surplus = udp_options::read_surplus(area, {.odd = odd, .udp_checksum = 0x1234});
  const auto body = find_body(surplus, kind);
  if (!body) return body;
  // Borrowed from `area`, which outlives the walk.
  const auto at = static_cast<std::size_t>(body->data() - area.data());
  return Bytes(area).subspan(at, body->size());
}

// All fields of both releases, behind an OCS that was added up by hand.
const auto even = octets({0xC9, 0x05, 0x7F, 0x14, 0x58, 0x52, 0x03, 0x81, 0x55, 0x6A, 0x05,
                          0x00, 0x75, 0x30, 0x00, 0x19, 0x05, 0x01, 0x86, 0xA0, 0x00, 0xA7});
const auto odd = octets({0x00, 0xC9, 0x04, 0x7F, 0x14, 0x58, 0x52, 0x03, 0x81, 0x55, 0x6A, 0x05,
                         0x00, 0x75, 0x30, 0x00, 0x19, 0x05, 0x01, 0x86, 0xA0, 0x00, 0xA7});

TEST(xrm_surplus, an_option_is_found_behind_even_and_odd_user_data) {
  for (const bool is_odd : {false, true}) {
    const auto body = found(is_odd ? odd : even, is_odd);
    ASSERT_TRUE(body);
    const auto read = read_body(*body, Padding::none, Leniency::strict);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->mark.pssn.value(), 341);
    EXPECT_EQ(read->mark.time_to_next_burst, 167);
  }
}

TEST(xrm_surplus, the_protected_option_is_found_behind_its_checksum) {
  const auto area = octets({0x83, 0x73, 0x7F, 0x2C, 0x58, 0x52, 0x80, 0x07, 0x00, 0x01, 0x00, 0x00,
                            0x00, 0x2A, 0x0E, 0x2A, 0x06, 0xA3, 0xDB, 0x84, 0xA2, 0x87, 0x6E, 0xD5,
                            0x6B, 0x00, 0xA7, 0x15, 0x80, 0x6C, 0x6B, 0xD9, 0x70, 0x9C, 0x18, 0x14,
                            0x2A, 0x49, 0x45, 0x51, 0xBA, 0x4F, 0x00, 0xC1, 0x71, 0x46});
  const auto body = found(area, false);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->size(), 40U);
  EXPECT_EQ(form_of(body->front()), Form::protected_);
}

TEST(xrm_surplus, one_without_the_option_or_with_a_bad_checksum_says_which) {
  EXPECT_EQ(found({}, false).error(), Unmarked::no_option);
  EXPECT_EQ(found(even, false, *OptionKind::safe(100)).error(), Unmarked::no_option);
  EXPECT_EQ(found(even, false, OptionKind::experimental(1)).error(), Unmarked::no_option);
  auto damaged = even;
  damaged[9] ^= std::byte{1};
  EXPECT_EQ(found(damaged, false).error(), Unmarked::options_refused);
  EXPECT_EQ(found(even, true).error(), Unmarked::options_refused);
}

TEST(xrm_surplus, a_kind_of_the_safe_range_is_found_by_its_number) {
  std::array<std::byte, 8> place{};
  ByteWriter out(place);
  out.be16(0);
  write_option(out, *OptionKind::safe(42), octets({3, 0x81, 0x55, 0x6A}));
  ASSERT_TRUE(out.ok());
  auto area = std::vector<std::byte>(place.begin(), place.end());
  const std::uint16_t ocs = udp_options::option_checksum(area, false);
  area[0] = static_cast<std::byte>(ocs >> 8U);
  area[1] = static_cast<std::byte>(ocs & 0xFFU);
  const auto body = found(area, false, *OptionKind::safe(42));
  ASSERT_TRUE(body);
  EXPECT_EQ(body->size(), 4U);
}

}  // namespace
}  // namespace lobo::xrm
