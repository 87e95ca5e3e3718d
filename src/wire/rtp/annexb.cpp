#include "wire/rtp/annexb.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::rtp {

AnnexBReader::AnnexBReader(Bytes stream) : stream_(stream), at_(start_code_after(0)) {
  at_ = std::min(at_ + 3, stream_.size());
}

/// Where the next 00 00 01 begins at or after `from`; the end where there is none.
std::size_t AnnexBReader::start_code_after(std::size_t from) const {
  for (std::size_t i = from; i + 3 <= stream_.size(); ++i)
    if (stream_[i] == std::byte{0} && stream_[i + 1] == std::byte{0} &&
        stream_[i + 2] == std::byte{1})
      return i;
  return stream_.size();
}

std::optional<Bytes> AnnexBReader::next() {
  while (at_ < stream_.size()) {
    const std::size_t end = start_code_after(at_);
    Bytes unit = stream_.subspan(at_, end - at_);
    at_ = std::min(end + 3, stream_.size());
    while (!unit.empty() && unit.back() == std::byte{0}) unit = unit.first(unit.size() - 1);
    if (!unit.empty()) return unit;
  }
  return std::nullopt;
}

std::size_t aggregate_bytes(VideoCodec codec, std::span<const Bytes> units) {
  std::size_t size = codec == VideoCodec::h264 ? 1 : 2;
  for (const Bytes unit : units) size += 2 + unit.size();
  return size;
}

void aggregate(VideoCodec codec, std::span<const Bytes> units, ByteWriter& out) {
  unsigned forbidden = 0;
  unsigned importance = 0;  // nal_ref_idc: the highest of them
  unsigned layer = 63;      // nuh_layer_id and nuh_temporal_id_plus1: the lowest
  unsigned temporal = 7;
  for (const Bytes unit : units) {
    const unsigned first = u8_at(unit, 0);
    forbidden |= first & 0x80U;
    importance = std::max(importance, first & 0x60U);
    if (codec == VideoCodec::h264) continue;
    const unsigned second = u8_at(unit, 1);
    layer = std::min(layer, (first & 1U) << 5U | second >> 3U);
    temporal = std::min(temporal, second & 7U);
  }
  constexpr unsigned stap_a = 24;
  constexpr unsigned ap = 48;
  if (codec == VideoCodec::h264) {
    out.u8(static_cast<std::uint8_t>(forbidden | importance | stap_a));
  } else {
    out.u8(static_cast<std::uint8_t>(forbidden | ap << 1U | layer >> 5U));
    out.u8(static_cast<std::uint8_t>((layer & 31U) << 3U | temporal));
  }
  for (const Bytes unit : units) {
    out.be16(static_cast<std::uint16_t>(unit.size()));
    out.bytes(unit);
  }
}

}  // namespace lobo::rtp
