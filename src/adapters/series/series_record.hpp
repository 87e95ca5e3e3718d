#pragma once
// A record as it lies on disk. Little-endian; the checksum covers all that follows it.
//
//   0 checksum (CRC32c)   4 version   5 kind   6 zero   8 key, 128 bits   24 from   32 to
//  40 four values        72 covered  80 samples  84 zero   (times in microseconds since 1970)

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "adapters/series/series_log.hpp"
#include "base/clock.hpp"
#include "wire/packet/checksum.hpp"

namespace lobo::adapters::series {

static_assert(std::endian::native == std::endian::little);

using RecordOctets = std::array<std::byte, record_octets>;

/// FNV-1a of 128 bits: names come from configuration, so nobody looks for two that are alike.
struct Key {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const Key&) const = default;

  static Key of(std::string_view name) {
    using Wide = unsigned __int128;
    const Wide prime = (Wide{1} << 88U) + 0x13B;
    Wide hash = (Wide{0x6C62272E07BB0142ULL} << 64U) | 0x62B821756295C58DULL;
    for (const char c : name) {
      hash ^= static_cast<unsigned char>(c);
      hash *= prime;
    }
    return {static_cast<std::uint64_t>(hash >> 64U), static_cast<std::uint64_t>(hash)};
  }
  /// What the table in memory holds of it.
  std::uint32_t brief() const { return static_cast<std::uint32_t>(low ^ high >> 32U); }
};

struct StoredRecord {
  Key key;
  SeriesRecord record;
};

inline constexpr std::uint8_t record_version = 1;

namespace detail {
template <class Number>
void put(RecordOctets& out, std::size_t at, const Number& value) {
  std::memcpy(out.data() + at, &value, sizeof value);
}
template <class Number>
Number at(const RecordOctets& in, std::size_t place) {
  Number value{};
  std::memcpy(&value, in.data() + place, sizeof value);
  return value;
}
}  // namespace detail

inline RecordOctets encode(const StoredRecord& stored) {
  const SeriesRecord& record = stored.record;
  RecordOctets out{};
  detail::put(out, 4, record_version);
  detail::put(out, 5, record.kind);
  detail::put(out, 8, stored.key.high);
  detail::put(out, 16, stored.key.low);
  detail::put(out, 24, std::int64_t{record.from.time_since_epoch().count()});
  detail::put(out, 32, std::int64_t{record.to.time_since_epoch().count()});
  detail::put(out, 40, record.values);
  detail::put(out, 72, record.covered);
  detail::put(out, 80, record.samples);
  detail::put(out, 0, packet::crc32c(std::span(out).subspan(4)));
  return out;
}

/// Nothing where the checksum or the version says that this is no record of ours.
inline std::optional<StoredRecord> decode(const RecordOctets& in) {
  if (detail::at<std::uint32_t>(in, 0) != packet::crc32c(std::span(in).subspan(4)))
    return std::nullopt;
  if (detail::at<std::uint8_t>(in, 4) != record_version) return std::nullopt;
  const auto time = [&](std::size_t at) {
    return Instant{std::chrono::microseconds{detail::at<std::int64_t>(in, at)}};
  };
  return StoredRecord{.key = {detail::at<std::uint64_t>(in, 8), detail::at<std::uint64_t>(in, 16)},
                      .record = {.kind = detail::at<std::uint8_t>(in, 5),
                                 .samples = detail::at<std::uint32_t>(in, 80),
                                 .from = time(24),
                                 .to = time(32),
                                 .values = detail::at<std::array<double, 4>>(in, 40),
                                 .covered = detail::at<std::int64_t>(in, 72)}};
}

}  // namespace lobo::adapters::series
