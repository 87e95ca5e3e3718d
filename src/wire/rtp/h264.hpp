#pragma once
// H.264 in RTP (RFC 6184): payloads to NAL units, and what a NAL unit is (ITU-T H.264).

#include <cstdint>
#include <tl/expected.hpp>

#include "base/bytes.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::rtp::h264 {

/// ITU-T H.264 table 7-1, and RFC 6184 table 1 from 24 on.
enum NalType : std::uint8_t {
  slice = 1,
  slice_partition_a = 2,
  slice_partition_c = 4,
  slice_idr = 5,
  sequence_parameter_set = 7,
  picture_parameter_set = 8,
  prefix = 14,
  subset_sequence_parameter_set = 15,
  single_max = 23,
  stap_a = 24,
  stap_b = 25,
  mtap16 = 26,
  mtap24 = 27,
  fu_a = 28,
  fu_b = 29,
};

constexpr std::uint8_t nal_type(std::byte header) {
  return std::to_integer<std::uint8_t>(header) & 31U;
}
/// nal_ref_idc: 0 where no other picture needs this one.
constexpr std::uint8_t nal_ref_idc(std::byte header) {
  return std::to_integer<std::uint8_t>(header) >> 5U & 3U;
}

/// What the first octets of a unit say. A fragment that is not the first has no slice header.
NalDescription describe(const NalPiece& piece);

/// Calls `visit(const NalPiece&)` for each unit or piece of an RTP payload, in order.
template <class Visit>
tl::expected<PayloadForm, PayloadFault> for_each_nal(Bytes payload, Visit&& visit) {
  ByteReader in(payload);
  const auto header = std::byte{in.u8()};
  if (!in.ok()) return tl::unexpected(PayloadFault::empty);
  switch (const std::uint8_t type = nal_type(header); type) {
    case stap_a:
      // RFC 6184 clause 5.7.1: each unit behind its size of 16 bits.
      if (in.left() == 0) return tl::unexpected(PayloadFault::empty);
      while (in.left() > 0) {
        ByteReader unit(in.bytes(in.be16()));
        if (!in.ok()) return tl::unexpected(PayloadFault::truncated);
        const auto inner = std::byte{unit.u8()};
        if (!unit.ok()) return tl::unexpected(PayloadFault::empty);
        if (nal_type(inner) > single_max) return tl::unexpected(PayloadFault::nested);
        visit(NalPiece{.header = {inner, {}},
                       .header_length = 1,
                       .body = unit.rest(),
                       .first = true,
                       .last = true});
      }
      return PayloadForm::aggregate;
    case fu_a: {
      // RFC 6184 clause 5.8: S, E and the type in the second octet, F and NRI in the first.
      const std::uint8_t fu = in.u8();
      if (!in.ok()) return tl::unexpected(PayloadFault::truncated);
      const bool first = (fu & 0x80U) != 0;
      const bool last = (fu & 0x40U) != 0;
      if ((first && last) || (fu & 31U) > single_max) return tl::unexpected(PayloadFault::fragment);
      visit(NalPiece{.header = {(header & std::byte{0xE0}) | std::byte(fu & 31U), {}},
                     .header_length = 1,
                     .body = in.rest(),
                     .first = first,
                     .last = last});
      return PayloadForm::fragment;
    }
    case stap_b:
    case mtap16:
    case mtap24:
    case fu_b: return tl::unexpected(PayloadFault::interleaved);
    default:
      if (type == 0 || type > single_max) return tl::unexpected(PayloadFault::reserved);
      visit(NalPiece{.header = {header, {}},
                     .header_length = 1,
                     .body = in.rest(),
                     .first = true,
                     .last = true});
      return PayloadForm::single;
  }
}

}  // namespace lobo::rtp::h264
