#pragma once
// Bytes of the network, read and written in network order, without a cast of a buffer to a struct.
// A reader and a writer borrow their bytes; once one of them would pass the end it is spent: it
// moves no further, reads zeros, and `ok` says so. A codec asks once, at its end.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace lobo {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

constexpr std::uint16_t read_be16(std::span<const std::byte, 2> in) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(in[0]) << 8U |
                                    std::to_integer<unsigned>(in[1]));
}
static_assert(read_be16(std::array{std::byte{0x12}, std::byte{0x34}}) == 0x1234);

/// The number of `octets` octets at `at`, most significant first. The caller has checked that they
/// are there: what a packet path uses after it compared the length once.
template <std::size_t octets>
constexpr std::uint64_t number_at(Bytes in, std::size_t at) {
  static_assert(octets >= 1 && octets <= 8);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < octets; ++i)
    value = value << 8U | std::to_integer<std::uint64_t>(in[at + i]);
  return value;
}
constexpr std::uint8_t u8_at(Bytes in, std::size_t at) {
  return std::to_integer<std::uint8_t>(in[at]);
}
constexpr std::uint16_t be16_at(Bytes in, std::size_t at) {
  return static_cast<std::uint16_t>(number_at<2>(in, at));
}
constexpr std::uint32_t be24_at(Bytes in, std::size_t at) {
  return static_cast<std::uint32_t>(number_at<3>(in, at));
}
constexpr std::uint32_t be32_at(Bytes in, std::size_t at) {
  return static_cast<std::uint32_t>(number_at<4>(in, at));
}
constexpr std::uint64_t be64_at(Bytes in, std::size_t at) { return number_at<8>(in, at); }

/// Writes the low 16 bits of `value` where the caller has checked that there is room.
constexpr void put_be16_at(MutableBytes out, std::size_t at, std::uint16_t value) {
  out[at] = static_cast<std::byte>(value >> 8U);
  out[at + 1] = static_cast<std::byte>(value & 0xFFU);
}

/// Reads unsigned numbers of one to eight octets, most significant first.
class ByteReader {
 public:
  constexpr explicit ByteReader(Bytes in) : in_(in) {}

  constexpr bool ok() const { return ok_; }
  constexpr std::size_t left() const { return in_.size() - at_; }
  constexpr std::size_t position() const { return at_; }

  constexpr std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  constexpr std::uint16_t be16() { return static_cast<std::uint16_t>(number(2)); }
  constexpr std::uint32_t be24() { return static_cast<std::uint32_t>(number(3)); }
  constexpr std::uint32_t be32() { return static_cast<std::uint32_t>(number(4)); }
  constexpr std::uint64_t be64() { return number(8); }

  /// The next `count` bytes, or none if there are fewer.
  constexpr Bytes bytes(std::size_t count) {
    if (!has(count)) return {};
    at_ += count;
    return in_.subspan(at_ - count, count);
  }
  constexpr void skip(std::size_t count) { (void)bytes(count); }
  constexpr Bytes rest() { return bytes(left()); }

 private:
  constexpr bool has(std::size_t count) {
    ok_ = ok_ && count <= left();
    return ok_;
  }
  constexpr std::uint64_t number(std::size_t octets) {
    std::uint64_t value = 0;
    for (const std::byte b : bytes(octets)) value = value << 8U | std::to_integer<std::uint64_t>(b);
    return value;
  }

  Bytes in_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

/// Writes what ByteReader reads. What would not fit is not written at all.
class ByteWriter {
 public:
  constexpr explicit ByteWriter(MutableBytes out) : out_(out) {}

  constexpr bool ok() const { return ok_; }
  constexpr std::size_t left() const { return out_.size() - at_; }
  constexpr std::size_t position() const { return at_; }
  constexpr MutableBytes written() const { return out_.first(at_); }

  constexpr void u8(std::uint8_t value) { number(value, 1); }
  constexpr void be16(std::uint16_t value) { number(value, 2); }
  /// The upper eight bits of `value` are not written.
  constexpr void be24(std::uint32_t value) { number(value, 3); }
  constexpr void be32(std::uint32_t value) { number(value, 4); }
  constexpr void be64(std::uint64_t value) { number(value, 8); }

  constexpr void bytes(Bytes in) {
    if (!has(in.size())) return;
    for (const std::byte b : in) out_[at_++] = b;
  }
  constexpr void zeros(std::size_t count) {
    if (!has(count)) return;
    for (std::size_t i = 0; i < count; ++i) out_[at_++] = std::byte{};
  }

 private:
  constexpr bool has(std::size_t count) {
    ok_ = ok_ && count <= left();
    return ok_;
  }
  constexpr void number(std::uint64_t value, std::size_t octets) {
    if (!has(octets)) return;
    for (std::size_t i = octets; i > 0; --i)
      out_[at_++] = static_cast<std::byte>(value >> 8U * (i - 1) & 0xFFU);
  }

  MutableBytes out_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace lobo
