#include "wire/rtp/h265.hpp"

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "wire/rtp/bits.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::rtp::h265 {
namespace {

/// The slice type, ITU-T H.265 clause 7.3.6.1 and table 7-7.
SliceKind slice_kind(Bytes slice_header, bool irap, const PictureParameters& parameters) {
  BitReader in(slice_header);
  const bool first_segment_in_picture = in.flag();
  if (!first_segment_in_picture) return SliceKind::unknown;
  if (irap) (void)in.flag();  // no_output_of_prior_pics_flag
  const auto* set = parameters.find(in.ue());
  if (!in.ok() || set == nullptr || !set->known) return SliceKind::unknown;
  (void)in.bits(set->extra_slice_header_bits);
  const std::uint32_t type = in.ue();
  if (!in.ok()) return SliceKind::unknown;
  switch (type) {
    case 0: return SliceKind::bipredicted;
    case 1: return SliceKind::predicted;
    case 2: return SliceKind::intra;
    default: return SliceKind::unknown;
  }
}

/// Of the base layer, of a type that is not reserved, with the temporal layer that every unit has.
constexpr bool is_usual(Header header, std::uint8_t type) {
  const bool pictures = type <= 9 || (type >= irap_min && type <= 21);
  const bool others = type >= video_parameter_set && type <= 40;
  const bool header_holds = (header[0] & std::byte{0x81}) == std::byte{0} &&
                            (header[1] & std::byte{0xF8}) == std::byte{0} &&
                            (header[1] & std::byte{0x07}) != std::byte{0};
  return header_holds && (pictures || others);
}

}  // namespace

void PictureParameters::learn(const NalPiece& piece) {
  if (!piece.first || nal_type(piece.header) != picture_parameter_set) return;
  // ITU-T H.265 clause 7.3.2.3.1
  BitReader in(piece.body);
  const std::uint32_t id = in.ue();
  (void)in.ue();    // pps_seq_parameter_set_id
  (void)in.flag();  // dependent_slice_segments_enabled_flag
  (void)in.flag();  // output_flag_present_flag
  const std::uint32_t extra = in.bits(3);
  if (!in.ok() || id >= sets_.size()) return;
  sets_[id] = {.known = true, .extra_slice_header_bits = static_cast<std::uint8_t>(extra)};
}

NalDescription describe(const NalPiece& piece, const PictureParameters& parameters) {
  NalDescription out;
  const std::uint8_t type = nal_type(piece.header);
  out.usual = is_usual(piece.header, type);
  out.temporal_id = temporal_id(piece.header);
  out.parameter_set = type >= video_parameter_set && type <= picture_parameter_set;
  if (type > slice_max) return out;
  out.slice_data = true;
  out.random_access = type >= irap_min && type <= irap_max;
  out.reference = type > sub_layer_non_reference_max || type % 2 == 1;
  out.slice =
      piece.first ? slice_kind(piece.body, out.random_access, parameters) : SliceKind::unknown;
  return out;
}

}  // namespace lobo::rtp::h265
