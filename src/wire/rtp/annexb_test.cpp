#include "wire/rtp/annexb.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <vector>

#include "base/bytes.hpp"
#include "support/octets.hpp"
#include "wire/rtp/h264.hpp"
#include "wire/rtp/h265.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::rtp {
namespace {

using Octets = std::vector<std::byte>;

using test::octets;

std::vector<Octets> units_of(const Octets& stream) {
  std::vector<Octets> out;
  AnnexBReader reader(stream);
  while (const auto unit = reader.next()) out.emplace_back(unit->begin(), unit->end());
  return out;
}

TEST(annexb, units_stand_behind_start_codes_of_three_or_four_octets) {
  EXPECT_EQ(units_of(octets({0, 0, 0, 1, 0x67, 7, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x65, 9})),
            (std::vector<Octets>{octets({0x67, 7}), octets({0x68}), octets({0x65, 9})}));
}

TEST(annexb, zeros_behind_a_unit_and_noise_before_the_first_belong_to_none) {
  EXPECT_EQ(units_of(octets({5, 6, 0, 0, 1, 0x65, 9, 0, 0, 0})),
            (std::vector<Octets>{octets({0x65, 9})}));
  EXPECT_TRUE(units_of({}).empty());
  EXPECT_TRUE(units_of(octets({0, 0, 1})).empty());
  EXPECT_TRUE(units_of(octets({0, 0, 1, 0, 0, 1})).empty());
  EXPECT_TRUE(units_of(octets({1, 2, 3, 4})).empty());
}

/// What a receiver makes of the payloads of one unit.
Octets joined(VideoCodec codec, const std::vector<Octets>& payloads) {
  Octets out;
  const auto take = [&](const NalPiece& piece) {
    if (piece.first)
      out.insert(out.end(), piece.header.begin(), piece.header.begin() + piece.header_length);
    out.insert(out.end(), piece.body.begin(), piece.body.end());
  };
  for (const auto& payload : payloads)
    RC_ASSERT((codec == VideoCodec::h264 ? h264::for_each_nal(payload, take)
                                         : h265::for_each_nal(payload, take))
                  .has_value());
  return out;
}

RC_GTEST_PROP(annexb, a_unit_that_is_cut_and_joined_is_the_same_unit, (bool is_h264)) {
  const auto codec = is_h264 ? VideoCodec::h264 : VideoCodec::h265;
  const auto size = *rc::gen::inRange<std::size_t>(2, 5000);
  const auto payload_size = *rc::gen::inRange<std::size_t>(payload_size_min, 1500);
  Octets unit(size, std::byte{0xAB});
  unit[0] = is_h264 ? std::byte{0x65} : std::byte{19U << 1U};
  unit[1] = std::byte{1};
  std::vector<Octets> payloads;
  unsigned ends = 0;
  packetize(codec, unit, payload_size, [&](Bytes header, Bytes body, bool last) {
    Octets payload(header.begin(), header.end());
    payload.insert(payload.end(), body.begin(), body.end());
    RC_ASSERT(payload.size() <= payload_size);
    payloads.push_back(payload);
    ends += last ? 1U : 0U;
  });
  RC_ASSERT(ends == 1U);
  RC_ASSERT(joined(codec, payloads) == unit);
}

TEST(annexb, a_unit_that_fits_is_sent_as_it_is) {
  std::size_t payloads = 0;
  packetize(VideoCodec::h264, octets({0x65, 1, 2}), 1200, [&](Bytes header, Bytes body, bool last) {
    ++payloads;
    EXPECT_EQ(header.size(), 1U);
    EXPECT_EQ(body.size(), 2U);
    EXPECT_TRUE(last);
  });
  EXPECT_EQ(payloads, 1U);
}

TEST(annexb, several_units_share_a_payload_whose_header_speaks_for_all) {
  const auto whole = [](VideoCodec codec, const std::vector<Octets>& units) {
    const std::vector<Bytes> views(units.begin(), units.end());
    Octets payload(aggregate_bytes(codec, views));
    ByteWriter out(payload);
    aggregate(codec, views, out);
    EXPECT_TRUE(out.ok() && out.position() == payload.size());
    return payload;
  };
  EXPECT_EQ(whole(VideoCodec::h264, {octets({0x67, 0x42}), octets({0x06, 5, 1})}),
            octets({0x78, 0, 2, 0x67, 0x42, 0, 3, 0x06, 5, 1}));
  // Types 32 and 1, layers 33 and 32, temporal_id_plus1 1 and 3.
  EXPECT_EQ(whole(VideoCodec::h265, {octets({0x41, 0x09, 7}), octets({0x03, 0x03})}),
            octets({0x61, 0x01, 0, 3, 0x41, 0x09, 7, 0, 2, 0x03, 0x03}));
}

}  // namespace
}  // namespace lobo::rtp
