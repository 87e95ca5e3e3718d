#include "wire/rtp/h265.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "support/nal_pieces.hpp"
#include "support/octets.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::rtp::h265 {
namespace {

using test::octets;

test::NalPieces read(const std::vector<std::byte>& payload) {
  return test::nal_pieces(payload, [](Bytes in, auto&& take) { return for_each_nal(in, take); });
}

NalDescription described(const std::vector<std::byte>& payload,
                         const PictureParameters& parameters) {
  const auto pieces = read(payload).pieces;
  return pieces.empty() ? NalDescription{} : describe(pieces.front(), parameters);
}

/// What a picture parameter set with identifier 0 and these extra bits teaches.
PictureParameters parameters(unsigned extra_bits) {
  PictureParameters out;
  // pps id 0 "1", sps id 0 "1", two flags, three bits
  const auto payload = octets({34U << 1U, 1, 0b11'00'0000 | extra_bits << 1U});
  for (const auto& piece : read(payload).pieces) out.learn(piece);
  return out;
}

TEST(h265, a_single_unit_an_aggregate_and_a_fragment_are_taken_apart) {
  const auto single = octets({19U << 1U, 1, 0xAF});
  EXPECT_EQ(read(single).form, PayloadForm::single);
  EXPECT_EQ(nal_type(read(single).pieces.at(0).header), 19);
  const auto aggregate = octets({48U << 1U, 1, 0, 3, 32U << 1U, 1, 7, 0, 2, 33U << 1U, 1});
  const auto units = read(aggregate);
  EXPECT_EQ(units.form, PayloadForm::aggregate);
  ASSERT_EQ(units.pieces.size(), 2U);
  EXPECT_EQ(nal_type(units.pieces[0].header), video_parameter_set);
  EXPECT_EQ(units.pieces[1].body.size(), 0U);
  const auto fragment = octets({49U << 1U, 3, 0x80 | 1, 0x11});
  const auto begun = read(fragment);
  EXPECT_EQ(begun.form, PayloadForm::fragment);
  EXPECT_EQ(nal_type(begun.pieces.at(0).header), 1);
  EXPECT_EQ(temporal_id(begun.pieces.at(0).header), 2);
  EXPECT_TRUE(begun.pieces.at(0).first && !begun.pieces.at(0).last);
}

TEST(h265, what_the_payload_format_does_not_allow_is_named) {
  EXPECT_EQ(read({}).form, tl::unexpected(PayloadFault::empty));
  EXPECT_EQ(read(octets({2})).form, tl::unexpected(PayloadFault::truncated));
  EXPECT_EQ(read(octets({48U << 1U, 1})).form, tl::unexpected(PayloadFault::empty));
  EXPECT_EQ(read(octets({48U << 1U, 1, 0, 1, 2})).form, tl::unexpected(PayloadFault::empty));
  EXPECT_EQ(read(octets({48U << 1U, 1, 0, 9, 2, 1})).form, tl::unexpected(PayloadFault::truncated));
  EXPECT_EQ(read(octets({48U << 1U, 1, 0, 2, 49U << 1U, 1})).form,
            tl::unexpected(PayloadFault::nested));
  EXPECT_EQ(read(octets({49U << 1U, 1})).form, tl::unexpected(PayloadFault::truncated));
  EXPECT_EQ(read(octets({49U << 1U, 1, 0xC1})).form, tl::unexpected(PayloadFault::fragment));
  EXPECT_EQ(read(octets({50U << 1U, 1, 0, 0})).form, tl::unexpected(PayloadFault::paci));
  EXPECT_EQ(read(octets({51U << 1U, 1, 0})).form, tl::unexpected(PayloadFault::reserved));
}

// first_slice_segment_in_pic_flag, for IRAP a flag, pps id "1", extra bits, slice_type ue(v):
// 0 B "1", 1 P "010", 2 I "011".
TEST(h265, the_slice_type_stands_behind_the_extra_bits_of_the_parameter_set) {
  const auto none = parameters(0);
  EXPECT_EQ(described(octets({1U << 1U, 1, 0b1'1'1'00000}), none).slice, SliceKind::bipredicted);
  EXPECT_EQ(described(octets({1U << 1U, 1, 0b1'1'010'000}), none).slice, SliceKind::predicted);
  EXPECT_EQ(described(octets({19U << 1U, 1, 0b1'0'1'011'00}), none).slice, SliceKind::intra);
  const auto two = parameters(2);
  EXPECT_EQ(described(octets({1U << 1U, 1, 0b1'1'11'010'0}), two).slice, SliceKind::predicted);
  EXPECT_EQ(described(octets({1U << 1U, 1, 0b0'1'1'00000}), none).slice, SliceKind::unknown)
      << "a later segment";
  EXPECT_EQ(described(octets({1U << 1U, 1, 0b1'1'1'00000}), PictureParameters{}).slice,
            SliceKind::unknown)
      << "no parameter set was seen";
}

TEST(h265, sub_layer_non_references_random_access_and_layers_are_told_by_the_header) {
  const PictureParameters none;
  EXPECT_FALSE(described(octets({0U << 1U, 1, 0}), none).reference) << "TRAIL_N";
  EXPECT_TRUE(described(octets({1U << 1U, 1, 0}), none).reference) << "TRAIL_R";
  EXPECT_FALSE(described(octets({8U << 1U, 1, 0}), none).reference) << "RASL_N";
  const auto cra = described(octets({21U << 1U, 1, 0}), none);
  EXPECT_TRUE(cra.random_access && cra.reference && cra.slice_data);
  EXPECT_EQ(described(octets({2U << 1U, 4, 0}), none).temporal_id, 3);
  EXPECT_EQ(described(octets({2U << 1U, 0, 0}), none).temporal_id, 0) << "forbidden, read as 0";
  EXPECT_TRUE(described(octets({33U << 1U, 1, 0}), none).parameter_set);
  EXPECT_FALSE(described(octets({39U << 1U, 1, 0}), none).slice_data) << "SEI";
  EXPECT_EQ(layer_id({std::byte{1}, std::byte{9}}), 33);
}

RC_GTEST_PROP(h265, any_bytes_are_read_without_passing_their_end, (std::vector<std::uint8_t> raw)) {
  std::vector<std::byte> payload;
  payload.reserve(raw.size());
  for (const auto value : raw) payload.push_back(std::byte{value});
  PictureParameters known;
  std::size_t seen = 0;
  const auto form = for_each_nal(payload, [&](const NalPiece& piece) {
    seen += piece.body.size();
    known.learn(piece);
    (void)describe(piece, known);
  });
  RC_ASSERT(seen <= payload.size());
  if (payload.size() < 2) RC_ASSERT(!form.has_value());
}

}  // namespace
}  // namespace lobo::rtp::h265
