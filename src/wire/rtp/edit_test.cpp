#include "wire/rtp/edit.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "support/golden.hpp"
#include "wire/rtp/packet.hpp"

namespace lobo::rtp {
namespace {

constexpr std::string_view plain = "80e0 0102 00000abc 11223344 dead";
constexpr std::string_view head_with_extension = "90e0010200000abc11223344";

// The packet after `element` was put in, in hexadecimal, or the reason why not.
std::string put(std::string_view packet, std::uint8_t id, std::string_view value,
                const FormRules& rules = {}) {
  const auto bytes = test::from_hex(packet);
  const auto value_bytes = test::from_hex(value);
  std::array<std::byte, 512> out{};
  const Written written = write_with_element(out, parse_rtp(bytes), {id, value_bytes}, rules);
  if (!written) return std::string(to_string(written.error()));
  return test::to_hex(Bytes(out).first(*written));
}

std::string with_head(std::string_view rest) { return std::string(head_with_extension) += rest; }

TEST(rtp_edit, the_first_element_makes_the_extension_in_the_preferred_form) {
  EXPECT_EQ(put(plain, 1, "81556a"), with_head("bede00011281556adead"));
  EXPECT_EQ(put(plain, 1, "81556a", {.preferred = Form::two_byte}),
            with_head("10000002010381556a000000dead"));
}

TEST(rtp_edit, an_element_joins_those_that_are_there_in_their_form) {
  const std::string one = with_head("bede000130aa0000dead");
  EXPECT_EQ(put(one, 1, "81556a", {.preferred = Form::two_byte}),
            with_head("bede000230aa1281556a0000dead"));
  const std::string two = with_head("100500010301aa00dead");
  EXPECT_EQ(put(two, 1, "81556a"), with_head("100500020301aa010381556adead"));
}

TEST(rtp_edit, an_element_is_replaced_in_its_place_and_its_repetitions_go) {
  const std::string three = with_head("bede000310aa31bbcc10dd50ee000000dead");
  EXPECT_EQ(put(three, 1, "81556a"), with_head("bede00031281556a31bbcc50ee000000dead"));
}

TEST(rtp_edit, what_needs_the_two_byte_form_is_refused_unless_mixed_forms_are_allowed) {
  const std::string one = with_head("bede000130aa0000dead");
  EXPECT_EQ(put(one, 15, "81"), "bad_identifier");
  EXPECT_EQ(put(one, 1, ""), "form");
  EXPECT_EQ(put(one, 1, "00112233445566778899aabbccddeeff00"), "form");
  EXPECT_EQ(put(one, 15, "81", {.allow_mixed = true}), with_head("100000020301aa0f01810000dead"));
  EXPECT_EQ(put(one, 0, "81"), "bad_identifier");
  EXPECT_EQ(put(one, 1, std::string(512, '0')), "value_length");
  EXPECT_EQ(put(with_head("abcd000130aa0000dead"), 1, "81"), "other_profile");
  EXPECT_EQ(put(with_head("bede000137aa0000dead"), 1, "81"), "damaged_extension");
  EXPECT_EQ(put("40e0010200000abc11223344", 1, "81"), "not_rtp");
}

TEST(rtp_edit, padding_and_contributing_sources_stay) {
  EXPECT_EQ(put("a1e0 0102 00000abc 11223344 00000007 dead 0002", 1, "81556a"),
            "b1e0010200000abc1122334400000007bede00011281556adead0002");
}

TEST(rtp_edit, with_the_last_element_goes_the_extension) {
  const auto bytes = test::from_hex(with_head("bede00021281556a30aa0000dead"));
  std::array<std::byte, 64> out{};
  const Written once = write_without_element(out, parse_rtp(bytes), 1);
  ASSERT_TRUE(once);
  EXPECT_EQ(test::to_hex(Bytes(out).first(*once)), with_head("bede000130aa0000dead"));
  const std::vector<std::byte> less(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*once));
  const Written twice = write_without_element(out, parse_rtp(less), 3);
  ASSERT_TRUE(twice);
  EXPECT_EQ(test::to_hex(Bytes(out).first(*twice)), "80e0010200000abc11223344dead");
  EXPECT_EQ(write_without_element(out, parse_rtp(less), 9),
            Written(tl::unexpected(NotWritten::no_such_element)));
}

TEST(rtp_edit, a_value_of_the_same_length_is_replaced_in_place) {
  auto bytes = test::from_hex(with_head("bede00021281556a30aa0000dead"));
  EXPECT_TRUE(replace_value(bytes, parse_rtp(bytes), 1, test::from_hex("010203")));
  EXPECT_EQ(test::to_hex(bytes), with_head("bede00021201020330aa0000dead"));
  EXPECT_FALSE(replace_value(bytes, parse_rtp(bytes), 1, test::from_hex("0102")));
  EXPECT_FALSE(replace_value(bytes, parse_rtp(bytes), 2, test::from_hex("0102")));
}

TEST(rtp_edit, a_buffer_that_is_too_short_is_told) {
  const auto bytes = test::from_hex(plain);
  std::array<std::byte, 32> out{};
  for (std::size_t room = 0; room < 22; ++room)
    EXPECT_EQ(write_with_element(MutableBytes(out).first(room), parse_rtp(bytes),
                                 {1, Bytes(bytes).first(3)}, {}),
              Written(tl::unexpected(NotWritten::no_room)))
        << room;
}

RC_GTEST_PROP(rtp_edit, what_was_put_in_is_found_and_comes_out_again, ()) {
  const auto start = test::from_hex(plain);
  std::vector<std::byte> packet = start;
  const bool two_byte = *rc::gen::arbitrary<bool>();
  const FormRules rules{.preferred = two_byte ? Form::two_byte : Form::one_byte};
  std::vector<std::pair<std::uint8_t, std::vector<std::byte>>> elements;
  const int count = *rc::gen::inRange(1, 8);
  for (int i = 0; i < count; ++i) {
    std::vector<std::byte> value(*rc::gen::inRange<std::size_t>(1, two_byte ? 200 : 17));
    for (auto& b : value) b = static_cast<std::byte>(*rc::gen::inRange(0, 256));
    elements.emplace_back(static_cast<std::uint8_t>(i + 1), value);
  }
  std::array<std::byte, 4096> out{};
  for (const auto& [id, value] : elements) {
    const Written written = write_with_element(out, parse_rtp(packet), {id, value}, rules);
    RC_ASSERT(written.has_value());
    packet.assign(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*written));
  }
  for (const auto& [id, value] : elements) {
    const auto found = find_element(parse_rtp(packet), id);
    RC_ASSERT(found.has_value());
    RC_ASSERT(std::ranges::equal(*found, value));
  }
  for (const auto& [id, value] : elements) {
    const Written written = write_without_element(out, parse_rtp(packet), id);
    RC_ASSERT(written.has_value());
    packet.assign(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*written));
  }
  RC_ASSERT(test::to_hex(packet) == test::to_hex(start));
}

}  // namespace
}  // namespace lobo::rtp
