#include "wire/udp_options/surplus.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "support/golden.hpp"
#include "wire/packet/checksum.hpp"
#include "wire/packet/parse.hpp"
#include "wire/udp_options/kinds.hpp"

namespace lobo::udp_options {
namespace {

void add_remark(std::string& text, const char* name, unsigned value) {
  if (value != 0) text += fmt::format("{} = {}\n", name, value);
}

std::string described(const packet::PacketView& view) {
  const Surplus surplus = read_surplus(view);
  std::string text = fmt::format("verdict = {}\n", to_string(surplus.verdict));
  if (!surplus.accepted()) return text;
  text += fmt::format("ocs = {:04x}\n", surplus.checksum);
  for (const Option& option : surplus.options()) {
    const auto name = name_of(option.kind);
    const std::string value = test::to_hex(surplus.value(option));
    text += fmt::format("option = {} {} {} {}\n", option.at,
                        name.empty() ? std::to_string(option.kind) : std::string(name),
                        option.length, value.empty() ? "-" : value);
  }
  if (const Apc apc = verify_apc(surplus, view.user_data()); apc != Apc::absent)
    text += fmt::format("apc = {}\n", apc == Apc::good ? "good" : "bad");
  add_remark(text, "nop_run", surplus.remarks.nop_run_longest);
  add_remark(text, "repeated", surplus.remarks.repeated);
  add_remark(text, "unknown_safe", surplus.remarks.unknown_safe);
  add_remark(text, "unexpected_length", surplus.remarks.unexpected_length);
  add_remark(text, "must_support_late", surplus.remarks.must_support_late ? 1 : 0);
  add_remark(text, "trailing_not_zero", surplus.remarks.trailing_not_zero ? 1 : 0);
  add_remark(text, "checksum_unused", surplus.remarks.checksum_unused ? 1 : 0);
  if (surplus.frag())
    text += fmt::format("fragment_data = {}\n", test::to_hex(surplus.fragment_data()));
  return text;
}

TEST(udp_options, every_golden_packet_is_read_as_its_text_says) {
  for (const auto& golden : test::goldens("udp_options")) {
    SCOPED_TRACE(golden.name);
    EXPECT_EQ(described(packet::parse_ip(golden.bytes)), golden.expected);
  }
}

std::vector<std::byte> any_bytes(std::size_t least = 0) {
  std::vector<std::byte> out;
  for (const auto value :
       *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::arbitrary<std::uint8_t>()))
    out.push_back(std::byte{value});
  if (out.size() < least) out.resize(least);
  return out;
}

void set_checksum(std::vector<std::byte>& area, bool odd) {
  if (odd) area[0] = std::byte{};
  put_be16_at(area, odd ? 1 : 0, option_checksum(area, odd));
}

// What a middlebox does that knows nothing of UDP options (the reason for the length in OCS): it
// sums the whole IP payload with a pseudo-header that has the IP length.
RC_GTEST_PROP(udp_options, a_checksum_over_the_whole_ip_payload_still_holds, ()) {
  const auto data = any_bytes();
  const bool odd = data.size() % 2 != 0;
  auto area = any_bytes(odd ? 3 : 2);
  set_checksum(area, odd);
  std::vector<std::byte> udp(8);
  put_be16_at(udp, 4, static_cast<std::uint16_t>(8 + data.size()));
  udp.insert(udp.end(), data.begin(), data.end());
  const auto with_length = [](std::vector<std::byte> bytes) {
    const std::size_t length = bytes.size();
    if (bytes.size() % 2 != 0) bytes.push_back(std::byte{});
    bytes.resize(bytes.size() + 2);
    put_be16_at(bytes, bytes.size() - 2, static_cast<std::uint16_t>(length));
    return packet::ones_sum(bytes);
  };
  const std::uint16_t plain = with_length(udp);
  udp.insert(udp.end(), area.begin(), area.end());
  const std::uint16_t whole = with_length(udp);
  RC_ASSERT(whole == plain || (plain % 0xFFFF == 0 && whole % 0xFFFF == 0));
}

RC_GTEST_PROP(udp_options, one_changed_bit_is_noticed, ()) {
  const bool odd = *rc::gen::arbitrary<bool>();
  auto area = any_bytes(odd ? 3 : 2);
  set_checksum(area, odd);
  RC_ASSERT(option_checksum_holds(area, odd));
  const std::size_t first = odd ? 1 : 0;
  const std::size_t at = *rc::gen::inRange(first, area.size());
  area[at] ^= static_cast<std::byte>(1U << *rc::gen::inRange(0U, 8U));
  const Surplus read = read_surplus(area, {.odd = odd, .udp_checksum = 1});
  RC_ASSERT(!read.accepted());
  RC_ASSERT(read.options().empty());
}

RC_GTEST_PROP(udp_options, any_area_gives_options_that_lie_within_it, ()) {
  const bool odd = *rc::gen::arbitrary<bool>();
  auto area = any_bytes(odd ? 3 : 2);
  set_checksum(area, odd);
  const Surplus read = read_surplus(
      area, {.odd = odd, .udp_checksum = 1, .user_data_empty = *rc::gen::arbitrary<bool>()});
  RC_ASSERT(read.accepted() || read.options().empty());
  std::size_t behind = odd ? 3 : 2;
  for (const Option& option : read.options()) {
    RC_ASSERT(option.at >= behind);
    behind = std::size_t{option.at} + option.length;
    RC_ASSERT(read.value(option).size() + option.header_length == option.length);
  }
  if (read.accepted()) {
    RC_ASSERT(behind <= read.options_end);
    RC_ASSERT(read.options_end <= area.size());
  }
}

TEST(udp_options, every_strict_prefix_of_an_option_is_refused) {
  for (const auto& golden : test::goldens("udp_options")) {
    const auto view = packet::parse_ip(golden.bytes);
    const Surplus whole = read_surplus(view);
    if (!whole.accepted() || whole.options().empty() || whole.frag()) continue;
    SCOPED_TRACE(golden.name);
    const Option& last = whole.options().back();
    if (last.at + last.length != whole.options_end) continue;  // something passed over behind it
    for (std::size_t length = last.at + std::size_t{1}; length < whole.options_end; ++length) {
      std::vector<std::byte> area(whole.area.begin(),
                                  whole.area.begin() + static_cast<std::ptrdiff_t>(length));
      set_checksum(area, whole.odd);
      const Surplus part = read_surplus(area, {.odd = whole.odd, .udp_checksum = 1});
      EXPECT_EQ(part.verdict, Verdict::option_cut) << length;
    }
  }
}

TEST(udp_options, the_two_checksum_vectors_of_odd_and_even_lengths) {
  auto even = test::from_hex("0000 7f14 5852 0381 556a 0500 7530 0019 0501 86a0 00a7");
  EXPECT_EQ(option_checksum(even, false), 0xC905);
  auto odd = test::from_hex("00 0000 7f14 5852 0381 556a 0500 7530 0019 0501 86a0 00a7");
  EXPECT_EQ(option_checksum(odd, true), 0xC904);
}

TEST(udp_options, a_checksum_that_computes_to_zero_is_sent_as_all_ones) {
  // The words sum to FFFF together with the length of 6.
  auto area = test::from_hex("0000 0104 fef5");
  EXPECT_EQ(option_checksum(area, false), 0xFFFF);
  put_be16_at(area, 0, 0xFFFF);
  EXPECT_TRUE(option_checksum_holds(area, false));
}

TEST(udp_options, an_apc_over_other_data_is_bad) {
  for (const auto& golden : test::goldens("udp_options")) {
    if (golden.name != "all_kinds") continue;
    const Surplus surplus = read_surplus(packet::parse_ip(golden.bytes));
    EXPECT_EQ(verify_apc(surplus, test::from_hex("6162")), Apc::good);
    EXPECT_EQ(verify_apc(surplus, test::from_hex("6163")), Apc::bad);
    return;
  }
  FAIL() << "the vector is missing";
}

}  // namespace
}  // namespace lobo::udp_options
