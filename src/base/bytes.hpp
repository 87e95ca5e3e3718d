#pragma once
// Bytes of the network, read and written in network order, without a cast of a buffer to a struct.
// A reader and a writer borrow their bytes; once one of them would pass the end it is spent: it
// moves no further, reads zeros, and `ok` says so. A codec asks once, at its end.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace lobo {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

constexpr std::uint16_t read_be16(std::span<const std::byte, 2> in) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(in[0]) << 8U |
                                    std::to_integer<unsigned>(in[1]));
}
static_assert(read_be16(std::array{std::byte{0x12}, std::byte{0x34}}) == 0x1234);

namespace detail {

constexpr bool little = std::endian::native == std::endian::little;
constexpr std::uint16_t network_order(std::uint16_t word) {
  return little ? __builtin_bswap16(word) : word;
}
constexpr std::uint32_t network_order(std::uint32_t word) {
  return little ? __builtin_bswap32(word) : word;
}
constexpr std::uint64_t network_order(std::uint64_t word) {
  return little ? __builtin_bswap64(word) : word;
}

// One load and one swap. GCC 12 at -O2 leaves a loop over octets a loop: it cost 3 ns a number.
template <class Word>
constexpr Word word_at(Bytes in, std::size_t at) {
  if (std::is_constant_evaluated()) {
    Word value = 0;
    for (std::size_t i = 0; i < sizeof(Word); ++i)
      value = static_cast<Word>(value << 8U | std::to_integer<Word>(in[at + i]));
    return value;
  }
  Word word;
  std::memcpy(&word, in.data() + at, sizeof word);
  return network_order(word);
}

template <class Word>
constexpr void put_word_at(MutableBytes out, std::size_t at, Word word) {
  if (std::is_constant_evaluated()) {
    for (std::size_t i = 0; i < sizeof(Word); ++i)
      out[at + i] = static_cast<std::byte>(word >> 8U * (sizeof(Word) - 1 - i) & 0xFFU);
    return;
  }
  word = network_order(word);
  std::memcpy(out.data() + at, &word, sizeof word);
}

}  // namespace detail

/// The number at `at`, most significant octet first. The caller has checked that its octets are
/// there: what a packet path uses after it compared the length once.
constexpr std::uint8_t u8_at(Bytes in, std::size_t at) {
  return std::to_integer<std::uint8_t>(in[at]);
}
constexpr std::uint16_t be16_at(Bytes in, std::size_t at) {
  return detail::word_at<std::uint16_t>(in, at);
}
constexpr std::uint32_t be24_at(Bytes in, std::size_t at) {
  return std::uint32_t{be16_at(in, at)} << 8U | u8_at(in, at + 2);
}
constexpr std::uint32_t be32_at(Bytes in, std::size_t at) {
  return detail::word_at<std::uint32_t>(in, at);
}
constexpr std::uint64_t be64_at(Bytes in, std::size_t at) {
  return detail::word_at<std::uint64_t>(in, at);
}
static_assert(be32_at(std::array{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}}, 0) ==
              0x01020304);

/// Writes `value` where the caller has checked that there is room.
constexpr void put_be16_at(MutableBytes out, std::size_t at, std::uint16_t value) {
  detail::put_word_at(out, at, value);
}
constexpr void put_be32_at(MutableBytes out, std::size_t at, std::uint32_t value) {
  detail::put_word_at(out, at, value);
}
constexpr void put_be64_at(MutableBytes out, std::size_t at, std::uint64_t value) {
  detail::put_word_at(out, at, value);
}

/// Reads unsigned numbers of one to eight octets, most significant first.
class ByteReader {
 public:
  constexpr explicit ByteReader(Bytes in) : in_(in) {}

  constexpr bool ok() const { return ok_; }
  constexpr std::size_t left() const { return in_.size() - at_; }
  constexpr std::size_t position() const { return at_; }

  constexpr std::uint8_t u8() { return take(1) ? u8_at(in_, at_ - 1) : std::uint8_t{0}; }
  constexpr std::uint16_t be16() { return take(2) ? be16_at(in_, at_ - 2) : std::uint16_t{0}; }
  constexpr std::uint32_t be24() { return take(3) ? be24_at(in_, at_ - 3) : 0; }
  constexpr std::uint32_t be32() { return take(4) ? be32_at(in_, at_ - 4) : 0; }
  constexpr std::uint64_t be64() { return take(8) ? be64_at(in_, at_ - 8) : 0; }

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
  constexpr bool take(std::size_t count) {
    if (!has(count)) return false;
    at_ += count;
    return true;
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

  constexpr void u8(std::uint8_t value) {
    if (has(1)) out_[at_++] = std::byte{value};
  }
  constexpr void be16(std::uint16_t value) { word(value); }
  /// The upper eight bits of `value` are not written.
  constexpr void be24(std::uint32_t value) {
    if (!has(3)) return;
    out_[at_++] = static_cast<std::byte>(value >> 16U & 0xFFU);
    word(static_cast<std::uint16_t>(value & 0xFFFFU));
  }
  constexpr void be32(std::uint32_t value) { word(value); }
  constexpr void be64(std::uint64_t value) { word(value); }

  constexpr void bytes(Bytes in) {
    if (!has(in.size())) return;
    std::copy(in.begin(), in.end(), out_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ += in.size();
  }
  constexpr void zeros(std::size_t count) {
    if (!has(count)) return;
    std::fill_n(out_.begin() + static_cast<std::ptrdiff_t>(at_), count, std::byte{});
    at_ += count;
  }

 private:
  constexpr bool has(std::size_t count) {
    ok_ = ok_ && count <= left();
    return ok_;
  }
  template <class Word>
  constexpr void word(Word value) {
    if (!has(sizeof(Word))) return;
    detail::put_word_at(out_, at_, value);
    at_ += sizeof(Word);
  }

  MutableBytes out_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace lobo
