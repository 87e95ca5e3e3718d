#pragma once
// Numbers of a capture file, in the byte order of the machine that wrote it. The caller has checked
// that the bytes are there.

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "wire/capture/capture.hpp"

namespace lobo::capture {

template <class Number>
constexpr Number number_at(Bytes in, std::size_t at, ByteOrder order) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    const std::size_t from = order == ByteOrder::big ? i : sizeof(Number) - 1 - i;
    value = value << 8U | std::to_integer<std::uint64_t>(in[at + from]);
  }
  return static_cast<Number>(value);
}

template <class Number>
constexpr void put_number(MutableBytes out, std::size_t at, Number value, ByteOrder order) {
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    const std::size_t octet = order == ByteOrder::big ? sizeof(Number) - 1 - i : i;
    out[at + i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> 8U * octet & 0xFFU);
  }
}

constexpr std::size_t padded_to_4(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

}  // namespace lobo::capture
