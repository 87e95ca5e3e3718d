#include "wire/rtp/h264.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "support/nal_pieces.hpp"
#include "support/octets.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::rtp::h264 {
namespace {

using test::octets;

test::NalPieces read(const std::vector<std::byte>& payload) {
  return test::nal_pieces(payload, [](Bytes in, auto&& take) { return for_each_nal(in, take); });
}

NalDescription described(const std::vector<std::byte>& payload) {
  const auto pieces = read(payload).pieces;
  return pieces.empty() ? NalDescription{} : describe(pieces.front());
}

TEST(h264, a_single_unit_is_its_own_payload) {
  const auto payload = octets({0x65, 0x88, 0x84});
  const auto found = read(payload);
  EXPECT_EQ(found.form, PayloadForm::single);
  ASSERT_EQ(found.pieces.size(), 1U);
  EXPECT_EQ(nal_type(found.pieces[0].header[0]), slice_idr);
  EXPECT_EQ(found.pieces[0].body.size(), 2U);
  EXPECT_TRUE(found.pieces[0].first && found.pieces[0].last);
}

TEST(h264, a_stap_a_carries_each_unit_behind_its_size) {
  const auto payload = octets({0x78, 0, 2, 0x67, 0x42, 0, 3, 0x68, 0xCE, 0x38});
  const auto found = read(payload);
  EXPECT_EQ(found.form, PayloadForm::aggregate);
  ASSERT_EQ(found.pieces.size(), 2U);
  EXPECT_EQ(nal_type(found.pieces[0].header[0]), sequence_parameter_set);
  EXPECT_EQ(nal_type(found.pieces[1].header[0]), picture_parameter_set);
  EXPECT_EQ(found.pieces[1].body.size(), 2U);
}

TEST(h264, a_fragment_tells_the_header_of_the_whole_unit) {
  const auto first = octets({0x7C, 0x85, 0x88});
  const auto last = octets({0x7C, 0x45, 0x99});
  const auto begun = read(first);
  const auto ended = read(last);
  ASSERT_EQ(begun.pieces.size(), 1U);
  ASSERT_EQ(ended.pieces.size(), 1U);
  EXPECT_EQ(begun.form, PayloadForm::fragment);
  EXPECT_EQ(begun.pieces[0].header[0], std::byte{0x65});
  EXPECT_TRUE(begun.pieces[0].first && !begun.pieces[0].last);
  EXPECT_TRUE(!ended.pieces[0].first && ended.pieces[0].last);
}

TEST(h264, what_the_payload_format_does_not_allow_is_named) {
  EXPECT_EQ(read({}).form, tl::unexpected(PayloadFault::empty));
  EXPECT_EQ(read(octets({0x78})).form, tl::unexpected(PayloadFault::empty));
  EXPECT_EQ(read(octets({0x78, 0, 0})).form, tl::unexpected(PayloadFault::empty));
  EXPECT_EQ(read(octets({0x78, 0, 3, 0x67, 0x42})).form, tl::unexpected(PayloadFault::truncated));
  EXPECT_EQ(read(octets({0x78, 0})).form, tl::unexpected(PayloadFault::truncated));
  EXPECT_EQ(read(octets({0x78, 0, 1, 0x7C})).form, tl::unexpected(PayloadFault::nested));
  EXPECT_EQ(read(octets({0x7C})).form, tl::unexpected(PayloadFault::truncated));
  EXPECT_EQ(read(octets({0x7C, 0xC5, 1})).form, tl::unexpected(PayloadFault::fragment));
  EXPECT_EQ(read(octets({0x7C, 0x98, 1})).form, tl::unexpected(PayloadFault::fragment));
  for (const unsigned type : {25U, 26U, 27U, 29U})
    EXPECT_EQ(read(octets({0x60 | type, 0, 0, 0})).form, tl::unexpected(PayloadFault::interleaved));
  for (const unsigned type : {0U, 30U, 31U})
    EXPECT_EQ(read(octets({0x60 | type, 1})).form, tl::unexpected(PayloadFault::reserved));
}

// The slice header begins with first_mb_in_slice and slice_type, both ue(v).
TEST(h264, the_slice_type_is_read_from_the_first_bits_of_the_slice_header) {
  // ue: 0 is "1", 5 is "00110", 6 is "00111", 7 is "0001000", 9 is "0001010"
  EXPECT_EQ(described(octets({0x41, 0b1'00110'00})).slice, SliceKind::predicted);
  EXPECT_EQ(described(octets({0x01, 0b1'00111'00})).slice, SliceKind::bipredicted);
  EXPECT_EQ(described(octets({0x65, 0b1'0001000})).slice, SliceKind::intra);
  EXPECT_EQ(described(octets({0x41, 0b1'1'000000})).slice, SliceKind::predicted);
  EXPECT_EQ(described(octets({0x41, 0b1'010'0000})).slice, SliceKind::bipredicted);
  EXPECT_EQ(described(octets({0x41, 0b1'011'0000})).slice, SliceKind::intra);
  // 10 is no slice type; nor is there one where the bits end.
  EXPECT_EQ(described(octets({0x41, 0b1'0001011})).slice, SliceKind::unknown);
  EXPECT_EQ(described(octets({0x41})).slice, SliceKind::unknown);
  EXPECT_EQ(described(octets({0x41, 0, 0, 0, 0, 0, 0})).slice, SliceKind::unknown);
}

TEST(h264, an_idr_slice_a_reference_and_a_parameter_set_are_told_apart) {
  const auto idr = described(octets({0x65, 0b1'0001000}));
  EXPECT_TRUE(idr.slice_data && idr.random_access && idr.reference);
  const auto disposable = described(octets({0x01, 0b1'00111'00}));
  EXPECT_TRUE(disposable.slice_data);
  EXPECT_FALSE(disposable.reference || disposable.random_access);
  const auto set = described(octets({0x67, 0x42}));
  EXPECT_TRUE(set.parameter_set);
  EXPECT_FALSE(set.slice_data);
  EXPECT_EQ(described(octets({0x7C, 0x41, 0xFF})).slice, SliceKind::unknown)
      << "a later fragment has no slice header";
}

TEST(h264, a_prefix_unit_tells_the_temporal_layer) {
  // svc_extension_flag 1, then 15 bits, then temporal_id 3.
  EXPECT_EQ(described(octets({0x6E, 0x80, 0x00, 0x60})).temporal_id, 3);
  EXPECT_EQ(described(octets({0x6E, 0x00, 0x00, 0x60})).temporal_id, 0) << "of MVC";
}

TEST(h264, emulation_prevention_bytes_are_no_bits_of_the_slice_header) {
  // first_mb_in_slice 65535 is 16 zeros, then the 17 bits of 65536: 00 00 | 80 00 | 0…; slice_type
  // 6 follows. The byte 03 stands where 00 00 00 would have been, after 00 00.
  EXPECT_EQ(described(octets({0x01, 0x00, 0x00, 0x80, 0x00, 0b0'00111'00})).slice,
            SliceKind::bipredicted);
  // 18 zeros lead: 00 00 03 20 00 0… stands for 00 00 20 00 0…
  EXPECT_EQ(described(octets({0x01, 0x00, 0x00, 0x03, 0x20, 0x00, 0b00000'001, 0b11'000000})).slice,
            SliceKind::bipredicted);
}

RC_GTEST_PROP(h264, any_bytes_are_read_without_passing_their_end, (std::vector<std::uint8_t> raw)) {
  std::vector<std::byte> payload;
  payload.reserve(raw.size());
  for (const auto value : raw) payload.push_back(std::byte{value});
  std::size_t seen = 0;
  const auto form = for_each_nal(payload, [&](const NalPiece& piece) {
    seen += piece.body.size();
    (void)describe(piece);
    RC_ASSERT(piece.header_length == 1);
  });
  RC_ASSERT(seen <= payload.size());
  if (payload.empty()) RC_ASSERT(!form.has_value());
}

}  // namespace
}  // namespace lobo::rtp::h264
