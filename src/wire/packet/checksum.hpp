#pragma once
// The Internet checksum (RFC 1071, RFC 1624) and CRC32c (RFC 9260 appendix A).

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"

namespace lobo::packet {

/// Adds two numbers in one's complement: a carry out of the top comes in at the bottom.
constexpr std::uint16_t ones_add(std::uint16_t a, std::uint16_t b) {
  const std::uint32_t sum = std::uint32_t{a} + b;
  return static_cast<std::uint16_t>((sum & 0xFFFFU) + (sum >> 16U));
}

/// The one's-complement sum of the big-endian 16-bit words of `in`; an odd last byte is the high
/// byte of its word. Cost: 8 bytes an iteration, 32 in the long run.
std::uint16_t ones_sum(Bytes in) noexcept;

/// What a header carries so that the sum over all of it is 0xFFFF (RFC 1071).
inline std::uint16_t internet_checksum(Bytes in) noexcept {
  return static_cast<std::uint16_t>(~ones_sum(in));
}

/// The checksum after one 16-bit word under it changed (RFC 1624 equation 3).
constexpr std::uint16_t updated_checksum(std::uint16_t checksum, std::uint16_t old_word,
                                         std::uint16_t new_word) {
  std::uint32_t sum =
      (~std::uint32_t{checksum} & 0xFFFFU) + (~std::uint32_t{old_word} & 0xFFFFU) + new_word;
  sum = (sum & 0xFFFFU) + (sum >> 16U);
  sum = (sum & 0xFFFFU) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum);
}

/// CRC32c, with hardware where the processor has it. Feeding `crc` back continues over more bytes.
std::uint32_t crc32c(Bytes in, std::uint32_t crc = 0) noexcept;

namespace detail {
/// The same by table, eight bytes a step: for processors without the instruction, and the judge
/// of the other one.
std::uint32_t crc32c_by_table(Bytes in, std::uint32_t crc) noexcept;
}  // namespace detail

}  // namespace lobo::packet
