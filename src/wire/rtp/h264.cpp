#include "wire/rtp/h264.hpp"

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "wire/rtp/bits.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::rtp::h264 {
namespace {

/// The slice type, ITU-T H.264 clause 7.3.3 and table 7-6; SP and SI count as P and I.
SliceKind slice_kind(Bytes slice_header) {
  BitReader in(slice_header);
  (void)in.ue();  // first_mb_in_slice
  const std::uint32_t type = in.ue();
  if (!in.ok() || type > 9) return SliceKind::unknown;
  switch (type % 5) {
    case 0:
    case 3: return SliceKind::predicted;
    case 1: return SliceKind::bipredicted;
    default: return SliceKind::intra;
  }
}

/// temporal_id of a prefix NAL unit, ITU-T H.264 clause F.7.3.1.1; 0 where the unit is of MVC.
std::uint8_t prefix_temporal_id(Bytes body) {
  BitReader in(body);
  if (!in.flag()) return 0;
  (void)in.bits(15);  // idr_flag, priority_id, no_inter_layer_pred_flag, dependency_id, quality_id
  return static_cast<std::uint8_t>(in.bits(3));
}

/// Types of the profiles in use: no data partitions (2 to 4), none that are reserved.
constexpr bool is_usual(std::byte header, std::uint8_t type) {
  constexpr std::uint32_t usual_types = 1U << slice | 0b111'1111'1111U << slice_idr | 0b111U << 19U;
  return (header & std::byte{0x80}) == std::byte{0} && (usual_types >> type & 1U) != 0;
}

}  // namespace

NalDescription describe(const NalPiece& piece) {
  NalDescription out;
  const std::uint8_t type = nal_type(piece.header[0]);
  out.usual = is_usual(piece.header[0], type);
  out.reference = nal_ref_idc(piece.header[0]) != 0;
  switch (type) {
    case slice:
    case slice_partition_a:
    case slice_partition_a + 1:
    case slice_partition_c:
    case slice_idr:
      out.slice_data = true;
      out.random_access = type == slice_idr;
      // Partitions B and C begin with a slice_id instead of a slice header.
      out.slice = piece.first && (type <= slice_partition_a || type == slice_idr)
                      ? slice_kind(piece.body)
                      : SliceKind::unknown;
      break;
    case sequence_parameter_set:
    case picture_parameter_set:
    case subset_sequence_parameter_set: out.parameter_set = true; break;
    case prefix:
      if (piece.first) out.temporal_id = prefix_temporal_id(piece.body);
      break;
    default: break;
  }
  return out;
}

}  // namespace lobo::rtp::h264
