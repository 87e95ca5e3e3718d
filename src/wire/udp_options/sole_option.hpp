#pragma once
// The surplus area of nearly every marked packet: its checksum, one option, and nothing else. Read
// in one pass without a walk; whatever is otherwise, read_surplus() is to be asked.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.hpp"

namespace lobo::udp_options {

namespace detail {

inline std::uint64_t plus(std::uint64_t sum, std::uint64_t word) {
  sum += word;
  return sum + static_cast<std::uint64_t>(sum < word);
}
inline std::uint64_t native_word(const std::byte* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

/// Whether the words of `in`, of at least eight octets, and `addend` sum up to all ones (RFC 1071);
/// for little-endian processors.
inline bool sums_to_ones(Bytes in, std::uint16_t addend) {
  const std::byte* at = in.data();
  const std::byte* const end = at + in.size();
  std::uint64_t sum = __builtin_bswap16(addend);
  for (; end - at >= 8; at += 8) sum = plus(sum, native_word(at));
  // The last octets once more, without those that were counted.
  if (const auto left = static_cast<unsigned>(end - at); left != 0)
    sum = plus(sum, native_word(end - 8) >> (64U - 8U * left));
  sum = (sum >> 32U) + (sum & 0xFFFFFFFFU);
  sum = (sum >> 16U) + (sum & 0xFFFFU);
  sum = (sum >> 16U) + (sum & 0xFFFFU);
  sum = (sum >> 16U) + (sum & 0xFFFFU);
  return sum == 0xFFFF;
}

}  // namespace detail

/// The value of the option that alone fills the area, behind a checksum that is there and holds.
/// `kind` is an experiment or a SAFE kind without a meaning of its own. Empty: it is not so.
inline Bytes sole_option(Bytes area, bool odd, std::uint8_t kind) {
  constexpr std::size_t checksum_bytes = 2;
  constexpr std::size_t least = 10;  // of the area: so that its last eight octets can be read
  constexpr std::size_t most = 254;  // of the option: 255 would mean another form
  if constexpr (std::endian::native != std::endian::little) return {};
  const std::size_t pad = odd ? 1 : 0;
  const std::size_t at = pad + checksum_bytes;
  if (area.size() < least || area.size() > at + most) return {};
  if (u8_at(area, at) != kind || u8_at(area, at + 1) != area.size() - at) return {};
  if ((odd && u8_at(area, 0) != 0) || be16_at(area, pad) == 0) return {};
  if (!detail::sums_to_ones(area.subspan(pad), static_cast<std::uint16_t>(area.size()))) return {};
  return area.subspan(at + 2);
}

}  // namespace lobo::udp_options
