#include "wire/xrm/metadata.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "model/pdu_set.hpp"
#include "wire/xrm/option.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::xrm {
namespace {

template <class Number>
std::optional<Number> maybe(std::uint32_t max) {
  if (!*rc::gen::arbitrary<bool>()) return std::nullopt;
  return static_cast<Number>(*rc::gen::inRange<std::uint32_t>(0, max + 1));
}

PduSetMark any_mark() {
  return {.end_of_pdu_set = *rc::gen::arbitrary<bool>(),
          .end_of_data_burst = *rc::gen::arbitrary<bool>(),
          .psi = *Psi::from(*rc::gen::inRange(0U, 16U)),
          .pssn = *Pssn::from(*rc::gen::inRange(0U, 1024U)),
          .psn = *Psn::from(*rc::gen::inRange(0U, 64U)),
          .pdu_set_size = maybe<std::uint32_t>(pdu_set_size_max),
          .pdus_in_set = maybe<std::uint16_t>(0xFFFF),
          .burst_size = maybe<std::uint32_t>(pdu_set_size_max),
          .time_to_next_burst = maybe<std::uint16_t>(0xFFFF),
          .psn16 = maybe<std::uint16_t>(0xFFFF)};
}

std::vector<std::byte> body_of_mark(const PduSetMark& mark) {
  std::vector<std::byte> body(body_bytes_max);
  ByteWriter out(body);
  write_body(out, mark);
  EXPECT_TRUE(out.ok());
  body.resize(out.position());
  return body;
}

tl::expected<Metadata, Unmarked> read_strictly(Bytes body, Padding padding = Padding::none) {
  return read_body(body, padding, Leniency::strict);
}

/// A PSN16 brings BSize and TTNB with it, as unknown.
PduSetMark as_sent(PduSetMark mark) {
  if (mark.psn16 && !mark.burst_size) mark.burst_size = 0;
  if (mark.psn16 && !mark.time_to_next_burst) mark.time_to_next_burst = ttnb_unknown;
  return mark;
}

RC_GTEST_PROP(xrm_metadata, what_was_written_is_read_the_same, ()) {
  const PduSetMark mark = any_mark();
  const auto read = read_strictly(body_of_mark(mark));
  RC_ASSERT(read.has_value());
  RC_ASSERT(read->mark == as_sent(mark));
  RC_ASSERT(read->warnings.none());
}

RC_GTEST_PROP(xrm_metadata, what_was_read_without_a_warning_is_written_the_same,
              (std::vector<std::uint8_t> tail)) {
  // A body that a random tail makes interesting: most are refused, the others are written again.
  std::vector<std::byte> body{std::byte{3}};
  for (const std::uint8_t octet : tail) body.push_back(std::byte{octet});
  const auto read = read_body(body, Padding::none, Leniency::lenient);
  if (read && read->warnings.none()) {
    const auto again = read_strictly(body_of_mark(read->mark));
    RC_ASSERT(again.has_value());
    RC_ASSERT(again->mark == read->mark);
  }
}

RC_GTEST_PROP(xrm_metadata, each_strict_prefix_of_a_body_is_refused, ()) {
  const auto body = body_of_mark(any_mark());
  for (std::size_t size = 0; size < body.size(); ++size) {
    const auto read = read_strictly(Bytes(body).first(size));
    RC_ASSERT(!read.has_value());
    RC_ASSERT(read.error() == Unmarked::truncated);
  }
}

RC_GTEST_PROP(xrm_metadata, zeros_behind_it_are_padding_where_there_may_be_any, ()) {
  auto body = body_of_mark(any_mark());
  body.resize(2 * block_bytes);
  RC_ASSERT(read_strictly(body, Padding::zeros).has_value());
  RC_ASSERT(read_strictly(body).error() == Unmarked::trailing_octets);
  body.back() = std::byte{1};
  RC_ASSERT(read_strictly(body, Padding::zeros).error() == Unmarked::trailing_octets);
}

TEST(xrm_metadata, all_fields_of_both_releases_fill_one_block) {
  PduSetMark mark{.pdu_set_size = 1, .pdus_in_set = 2, .burst_size = 3, .time_to_next_burst = 4};
  EXPECT_EQ(body_of_mark(mark).size(), block_bytes);
  mark.psn16 = 5;
  EXPECT_EQ(body_of_mark(mark).size(), body_bytes_max);
}

TEST(xrm_metadata, a_size_that_24_bits_do_not_hold_is_sent_as_unknown) {
  const PduSetMark mark{.pdu_set_size = pdu_set_size_max + 1, .burst_size = 0xFFFFFFFF};
  const auto read = read_strictly(body_of_mark(mark));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->mark.pdu_set_size, 0U);
  EXPECT_EQ(read->mark.burst_size, 0U);
}

TEST(xrm_metadata, other_readings_of_the_draft_are_for_the_lenient_only) {
  const std::vector<std::vector<std::uint8_t>> bodies{
      {4, 0x81, 0x55, 0x6A, 1, 1}, {6, 0x81, 0x55, 0x6A, 1, 1}, {3, 0x81, 0x55, 0x6A}};
  const std::array warnings{Warning::lengths_count_themselves,
                            Warning::len_em_counts_kind_and_length,
                            Warning::trailing_groups_omitted};
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    const Bytes body = std::as_bytes(std::span(bodies[i]));
    EXPECT_FALSE(read_strictly(body));
    const auto read = read_body(body, Padding::none, Leniency::lenient);
    ASSERT_TRUE(read);
    EXPECT_TRUE(read->warnings.has(warnings[i]));
    EXPECT_EQ(read->mark.pssn.value(), 341);
  }
}

TEST(xrm_option, a_kind_is_exp_or_of_the_safe_range) {
  EXPECT_TRUE(OptionKind().has_exid());
  EXPECT_EQ(OptionKind().exid(), exid_placeholder);
  for (unsigned kind = 0; kind < 256; ++kind)
    EXPECT_EQ(OptionKind::safe(static_cast<std::uint8_t>(kind)).has_value(),
              kind >= 10 && kind <= 126);
}

RC_GTEST_PROP(xrm_option, what_is_wrapped_is_unwrapped, (std::uint16_t exid, bool exp)) {
  const OptionKind kind = exp ? OptionKind::experimental(exid)
                              : *OptionKind::safe(*rc::gen::inRange<std::uint8_t>(10, 127));
  const auto body = body_of_mark(any_mark());
  std::array<std::byte, 64> place{};
  ByteWriter out(place);
  write_option(out, kind, body);
  RC_ASSERT(out.ok());
  const auto unwrapped = body_of(out.written(), kind);
  RC_ASSERT(unwrapped.has_value());
  RC_ASSERT(std::ranges::equal(*unwrapped, body));
  for (std::size_t size = 0; size < out.position(); ++size)
    RC_ASSERT(!body_of(Bytes(out.written()).first(size), kind).has_value());
  RC_ASSERT(
      !body_of(out.written(), OptionKind::experimental(static_cast<std::uint16_t>(exid + 1))));
  RC_ASSERT(!body_of(out.written(), *OptionKind::safe(kind.kind() == 10 ? 11 : 10)));
}

TEST(xrm_option, what_does_not_fit_is_not_written) {
  const std::vector<std::byte> body(option_bytes_max);
  std::array<std::byte, 512> place{};
  ByteWriter too_long(place);
  write_option(too_long, OptionKind(), body);
  EXPECT_FALSE(too_long.ok());
  ByteWriter too_small(MutableBytes(place).first(10));
  write_option(too_small, OptionKind(), Bytes(body).first(7));
  EXPECT_FALSE(too_small.ok());
  EXPECT_EQ(place, (std::array<std::byte, 512>{}));
  ByteWriter right(place);
  write_option(right, OptionKind(), Bytes(body).first(option_bytes_max - 4));
  EXPECT_TRUE(right.ok());
}

TEST(xrm_unmarked, each_reason_and_each_warning_has_a_name_of_its_own) {
  std::vector<std::string_view> names;
  names.reserve(unmarked_reasons + warning_kinds);
  for (std::size_t i = 0; i < unmarked_reasons; ++i)
    names.push_back(to_string(static_cast<Unmarked>(i)));
  for (std::size_t i = 0; i < warning_kinds; ++i)
    names.push_back(to_string(static_cast<Warning>(i)));
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

// One octet of padding more, and the general reader reads it.
RC_GTEST_PROP(xrm_metadata, a_block_is_read_alike_the_short_way_and_the_general_one, ()) {
  std::array<std::byte, block_bytes + 1> body{};
  for (std::size_t i = 0; i < block_bytes; ++i)
    body[i] = std::byte{*rc::gen::arbitrary<std::uint8_t>()};
  if (*rc::gen::inRange(0, 8) != 0) body[0] = std::byte{3};
  if (*rc::gen::inRange(0, 8) != 0) body[4] = std::byte{5};
  if (*rc::gen::arbitrary<bool>())
    body[10] = std::byte{5};
  else
    std::fill(body.begin() + 10, body.end(), std::byte{});
  if (*rc::gen::inRange(0, 8) == 0) body[15] = std::byte{1};
  for (const auto leniency : {Leniency::strict, Leniency::lenient}) {
    const auto block = read_body(Bytes(body).first(block_bytes), Padding::zeros, leniency);
    // An octet more is read the general way. Only of a block that ends within a group does it make
    // another one, and that is never the usual block.
    RC_ASSERT((block == read_body(body, Padding::zeros, leniency) ||
               block == tl::unexpected(Unmarked::truncated)));
  }
}

}  // namespace
}  // namespace lobo::xrm
