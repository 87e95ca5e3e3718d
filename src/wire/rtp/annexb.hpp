#pragma once
// The byte stream form of H.264 and H.265 (Annex B of either): NAL units behind start codes, and
// the RTP payloads that a sender makes of them.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::rtp {

/// Walks the NAL units of a byte stream that is whole in memory. Bytes before the first start code
/// and zeros behind a unit belong to none.
class AnnexBReader {
 public:
  explicit AnnexBReader(Bytes stream);
  /// The next unit, header included; none at the end. Never empty.
  std::optional<Bytes> next();

 private:
  std::size_t start_code_after(std::size_t from) const;

  Bytes stream_;
  std::size_t at_;  ///< behind a start code, or the end
};

inline constexpr std::array annexb_start_code{std::byte{0}, std::byte{0}, std::byte{0},
                                              std::byte{1}};

inline constexpr std::size_t payload_size_min = 16;  ///< room for the headers of a fragment

/// Cuts one NAL unit (header included) into RTP payloads of at most `payload_size` bytes: one
/// payload, or fragments (FU-A of RFC 6184 clause 5.8, FU of RFC 7798 clause 4.4.3). Calls
/// `emit(Bytes header, Bytes body, bool last)`: the payload is `header` and `body` joined.
template <class Emit>
void packetize(VideoCodec codec, Bytes unit, std::size_t payload_size, Emit&& emit) {
  const std::size_t header_length = codec == VideoCodec::h264 ? 1 : 2;
  require(payload_size >= payload_size_min && unit.size() >= header_length);
  if (unit.size() <= payload_size) {
    emit(unit.first(header_length), unit.subspan(header_length), true);
    return;
  }
  std::array<std::byte, 3> fu{};
  std::byte type{};
  if (codec == VideoCodec::h264) {
    fu[0] = (unit[0] & std::byte{0xE0}) | std::byte{28};
    type = unit[0] & std::byte{31};
  } else {
    fu[0] = (unit[0] & std::byte{0x81}) | std::byte{49U << 1U};
    fu[1] = unit[1];
    type = unit[0] >> 1 & std::byte{63};
  }
  const std::size_t room = payload_size - header_length - 1;
  Bytes rest = unit.subspan(header_length);
  for (bool first = true; !rest.empty(); first = false) {
    const Bytes body = rest.first(std::min(room, rest.size()));
    rest = rest.subspan(body.size());
    fu[header_length] = type | (first ? std::byte{0x80} : std::byte{}) |
                        (rest.empty() ? std::byte{0x40} : std::byte{});
    emit(Bytes(fu).first(header_length + 1), body, rest.empty());
  }
}

/// Bytes of the payload that aggregate() makes of these units.
std::size_t aggregate_bytes(VideoCodec codec, std::span<const Bytes> units);

/// Several whole units in one payload: STAP-A of RFC 6184 clause 5.7.1, AP of RFC 7798 clause
/// 4.4.2. `out` has room for it; each unit is shorter than 64 KiB.
void aggregate(VideoCodec codec, std::span<const Bytes> units, ByteWriter& out);

}  // namespace lobo::rtp
