#pragma once
// Bits of a NAL unit, most significant first, with the emulation prevention bytes left out
// (ITU-T H.264 clause 7.3.1, H.265 clause 7.3.1.1). Once the end is passed the reader is spent, as
// ByteReader is.

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"

namespace lobo::rtp {

class BitReader {
 public:
  constexpr explicit BitReader(Bytes in) : in_(in) {}

  constexpr bool ok() const { return ok_; }

  constexpr bool flag() { return bits(1) != 0; }

  /// u(count), at most 32 bits.
  constexpr std::uint32_t bits(unsigned count) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < count; ++i) value = value << 1U | bit();
    return ok_ ? value : 0;
  }

  /// ue(v), H.264 and H.265 clause 9.1 and 9.2: at most 31 zeros lead, as their syntax elements do.
  constexpr std::uint32_t ue() {
    unsigned zeros = 0;
    while (ok_ && bit() == 0) ok_ = ok_ && ++zeros <= leading_zeros_max;
    const std::uint32_t rest = bits(zeros);
    return ok_ ? ((1U << zeros) - 1U) + rest : 0;
  }

 private:
  static constexpr unsigned leading_zeros_max = 31;

  constexpr std::uint32_t bit() {
    if (bits_left_ == 0) next_byte();
    if (!ok_) return 0;
    --bits_left_;
    return current_ >> bits_left_ & 1U;
  }

  constexpr void next_byte() {
    const auto at = [this](std::size_t i) { return std::to_integer<unsigned>(in_[i]); };
    if (next_ >= 2 && next_ < in_.size() && at(next_) == 3 && at(next_ - 1) == 0 &&
        at(next_ - 2) == 0)
      ++next_;
    if (next_ >= in_.size()) {
      ok_ = false;
      return;
    }
    current_ = at(next_++);
    bits_left_ = 8;
  }

  Bytes in_;
  std::size_t next_ = 0;
  unsigned current_ = 0;
  unsigned bits_left_ = 0;
  bool ok_ = true;
};

}  // namespace lobo::rtp
