#pragma once
// H.265 in RTP (RFC 7798): payloads to NAL units, and what a NAL unit is (ITU-T H.265).

#include <array>
#include <cstddef>
#include <cstdint>
#include <tl/expected.hpp>

#include "base/bytes.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::rtp::h265 {

/// ITU-T H.265 table 7-1, and RFC 7798 clause 4.4 from 48 on.
enum NalType : std::uint8_t {
  sub_layer_non_reference_max = 14,  ///< up to here an even type is a sub-layer non-reference
  irap_min = 16,
  irap_max = 23,
  slice_max = 31,
  video_parameter_set = 32,
  picture_parameter_set = 34,
  single_max = 47,
  aggregation = 48,
  fragmentation = 49,
  paci = 50,
};

inline constexpr std::size_t picture_parameter_sets_max = 64;  ///< ITU-T H.265 clause 7.4.3.3.1

using Header = std::array<std::byte, 2>;

constexpr std::uint8_t nal_type(Header header) {
  return std::to_integer<std::uint8_t>(header[0]) >> 1U & 63U;
}
constexpr std::uint8_t layer_id(Header header) {
  return static_cast<std::uint8_t>((std::to_integer<unsigned>(header[0]) & 1U) << 5U |
                                   std::to_integer<unsigned>(header[1]) >> 3U);
}
/// nuh_temporal_id_plus1 less one; 0 is forbidden on the wire and read as temporal layer 0.
constexpr std::uint8_t temporal_id(Header header) {
  const unsigned plus1 = std::to_integer<unsigned>(header[1]) & 7U;
  return static_cast<std::uint8_t>(plus1 == 0 ? 0 : plus1 - 1);
}

/// What the slice header's first bits depend on, by pps_pic_parameter_set_id; one for each stream.
class PictureParameters {
 public:
  /// Remembers a picture parameter set; leaves all else alone.
  void learn(const NalPiece& piece);

  struct Entry {
    bool known = false;
    std::uint8_t extra_slice_header_bits = 0;
  };
  const Entry* find(std::uint32_t id) const { return id < sets_.size() ? &sets_[id] : nullptr; }

 private:
  std::array<Entry, picture_parameter_sets_max> sets_{};
};

/// What the first octets of a unit say. The slice type is read from the first segment of a picture;
/// of later ones its place depends on the size of the picture, and `slice` is unknown.
NalDescription describe(const NalPiece& piece, const PictureParameters& parameters);

/// Calls `visit(const NalPiece&)` for each unit or piece of an RTP payload, in order. The stream is
/// one without decoding order numbers (sprop-max-don-diff 0, RFC 7798 clause 7.1).
template <class Visit>
tl::expected<PayloadForm, PayloadFault> for_each_nal(Bytes payload, Visit&& visit) {
  ByteReader in(payload);
  const Header header{std::byte{in.u8()}, std::byte{in.u8()}};
  if (payload.empty()) return tl::unexpected(PayloadFault::empty);
  if (!in.ok()) return tl::unexpected(PayloadFault::truncated);
  switch (const std::uint8_t type = nal_type(header); type) {
    case aggregation:
      // RFC 7798 clause 4.4.2: each unit behind its size of 16 bits.
      if (in.left() == 0) return tl::unexpected(PayloadFault::empty);
      while (in.left() > 0) {
        ByteReader unit(in.bytes(in.be16()));
        if (!in.ok()) return tl::unexpected(PayloadFault::truncated);
        const Header inner{std::byte{unit.u8()}, std::byte{unit.u8()}};
        if (!unit.ok()) return tl::unexpected(PayloadFault::empty);
        if (nal_type(inner) > single_max) return tl::unexpected(PayloadFault::nested);
        visit(NalPiece{
            .header = inner, .header_length = 2, .body = unit.rest(), .first = true, .last = true});
      }
      return PayloadForm::aggregate;
    case fragmentation: {
      // RFC 7798 clause 4.4.3: S, E and the type in the third octet.
      const std::uint8_t fu = in.u8();
      if (!in.ok()) return tl::unexpected(PayloadFault::truncated);
      const bool first = (fu & 0x80U) != 0;
      const bool last = (fu & 0x40U) != 0;
      if ((first && last) || (fu & 63U) > single_max) return tl::unexpected(PayloadFault::fragment);
      visit(NalPiece{
          .header = {(header[0] & std::byte{0x81}) | std::byte((fu & 63U) << 1U), header[1]},
          .header_length = 2,
          .body = in.rest(),
          .first = first,
          .last = last});
      return PayloadForm::fragment;
    }
    case paci: return tl::unexpected(PayloadFault::paci);
    default:
      if (type > single_max) return tl::unexpected(PayloadFault::reserved);
      visit(NalPiece{
          .header = header, .header_length = 2, .body = in.rest(), .first = true, .last = true});
      return PayloadForm::single;
  }
}

}  // namespace lobo::rtp::h265
