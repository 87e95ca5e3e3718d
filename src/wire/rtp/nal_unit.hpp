#pragma once
// What H.264 and H.265 have in common in RTP: a payload carries NAL units, whole or in pieces, and
// each says a little of what depends on it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/bytes.hpp"

namespace lobo::rtp {

enum class VideoCodec : std::uint8_t { h264, h265 };

constexpr std::string_view to_string(VideoCodec codec) {
  switch (codec) {
    case VideoCodec::h264: return "h264";
    case VideoCodec::h265: return "h265";
  }
  std::abort();
}

/// Why a payload was not taken apart. What was read before the fault stands.
enum class PayloadFault : std::uint8_t {
  truncated,    ///< a length or a header passes the end
  empty,        ///< an aggregate of nothing, or a unit without octets
  fragment,     ///< a fragment that is first and last at once, or that carries an aggregate
  nested,       ///< an aggregate or a fragment inside an aggregate
  interleaved,  ///< STAP-B, MTAP and FU-B: decoding order numbers, which nobody here reorders by
  paci,         ///< a PACI packet of RFC 7798 clause 4.4.4
  reserved,     ///< a type that the payload format leaves undefined
};

constexpr std::string_view to_string(PayloadFault fault) {
  switch (fault) {
    case PayloadFault::truncated: return "truncated";
    case PayloadFault::empty: return "empty";
    case PayloadFault::fragment: return "fragment";
    case PayloadFault::nested: return "nested";
    case PayloadFault::interleaved: return "interleaved";
    case PayloadFault::paci: return "paci";
    case PayloadFault::reserved: return "reserved";
  }
  std::abort();
}

/// How a payload carries its NAL units.
enum class PayloadForm : std::uint8_t { single, aggregate, fragment };

constexpr std::string_view to_string(PayloadForm form) {
  switch (form) {
    case PayloadForm::single: return "single";
    case PayloadForm::aggregate: return "aggregate";
    case PayloadForm::fragment: return "fragment";
  }
  std::abort();
}

/// A NAL unit or a part of one: its header (that of the whole unit, whatever the fragment says) and
/// what follows of its body.
struct NalPiece {
  std::array<std::byte, 2> header{};
  std::uint8_t header_length = 0;  ///< 1 for H.264, 2 for H.265
  Bytes body;
  bool first = false;
  bool last = false;
};

enum class SliceKind : std::uint8_t { none, intra, predicted, bipredicted, unknown };

constexpr std::string_view to_string(SliceKind kind) {
  switch (kind) {
    case SliceKind::none: return "none";
    case SliceKind::intra: return "I";
    case SliceKind::predicted: return "P";
    case SliceKind::bipredicted: return "B";
    case SliceKind::unknown: return "unknown";
  }
  std::abort();
}

/// What a NAL unit says of itself. `slice` is known only from the piece that is first.
struct NalDescription {
  bool slice_data = false;     ///< a coded slice or a part of one (VCL)
  bool random_access = false;  ///< IDR (H.264), IRAP (H.265): decoding can begin here
  bool parameter_set = false;
  bool reference = false;  ///< another picture may need it
  /// Of a type, and with a header, that encoders send. A stream full of others is of another codec.
  bool usual = false;
  std::uint8_t temporal_id = 0;
  SliceKind slice = SliceKind::none;
};

}  // namespace lobo::rtp
