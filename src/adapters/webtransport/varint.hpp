#pragma once
// Numbers as QUIC writes them (RFC 9000 clause 16): two bits say whether one, two, four or eight
// octets follow.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"

namespace lobo::adapters::webtransport {

inline constexpr std::size_t varint_bytes_max = 8;

struct Varint {
  std::uint64_t value = 0;
  std::size_t octets = 0;
};

/// The number at the front of `in`; nothing where it is not all there.
constexpr std::optional<Varint> read_varint(Bytes in) {
  if (in.empty()) return std::nullopt;
  const auto first = std::to_integer<std::uint64_t>(in[0]);
  const std::size_t octets = std::size_t{1} << (first >> 6U);
  if (in.size() < octets) return std::nullopt;
  std::uint64_t value = first & 0x3FU;
  for (std::size_t i = 1; i < octets; ++i)
    value = value << 8U | std::to_integer<std::uint64_t>(in[i]);
  return Varint{value, octets};
}

/// In as few octets as do. `value` has at most 62 bits.
inline void append_varint(std::vector<std::byte>& out, std::uint64_t value) {
  const unsigned form = value < 0x40 ? 0U : value < 0x4000 ? 1U : value < 0x4000'0000 ? 2U : 3U;
  const std::size_t octets = std::size_t{1} << form;
  value |= std::uint64_t{form} << (octets * 8 - 2);
  for (std::size_t i = octets; i-- > 0;)
    out.push_back(static_cast<std::byte>(value >> (8 * i) & 0xFFU));
}
constexpr std::size_t varint_octets(std::uint64_t value) {
  return value < 0x40 ? 1U : value < 0x4000 ? 2U : value < 0x4000'0000 ? 4U : 8U;
}

}  // namespace lobo::adapters::webtransport
