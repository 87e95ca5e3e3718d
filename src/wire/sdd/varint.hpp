#pragma once
// Numbers of one, two, four or eight octets (RFC 9000 clause 16): the two upper bits of the first
// octet say which.

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"

namespace lobo::sdd {

inline constexpr std::uint64_t varint_max = 0x3FFFFFFFFFFFFFFFULL;

constexpr std::size_t varint_bytes(std::uint64_t value) {
  if (value < 0x40) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x40000000) return 4;
  return 8;
}

/// `value` is at most varint_max.
constexpr void write_varint(ByteWriter& out, std::uint64_t value) {
  switch (varint_bytes(value)) {
    case 1: out.u8(static_cast<std::uint8_t>(value)); break;
    case 2: out.be16(static_cast<std::uint16_t>(value | 0x4000U)); break;
    case 4: out.be32(static_cast<std::uint32_t>(value | 0x80000000U)); break;
    default: out.be64(value | 0xC000000000000000ULL); break;
  }
}

constexpr std::uint64_t read_varint(ByteReader& in) {
  const std::uint8_t first = in.u8();
  const std::uint64_t top = first & 0x3FU;
  switch (first >> 6U) {
    case 0: return top;
    case 1: return top << 8U | in.u8();
    case 2: return top << 24U | in.be24();
    default: {
      const std::uint64_t upper = top << 24U | in.be24();
      return upper << 32U | in.be32();
    }
  }
}

}  // namespace lobo::sdd
