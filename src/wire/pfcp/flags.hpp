#pragma once
// Bit masks over a few octets. TS 29.244 numbers octets from 5 and bits from 1, and later releases
// append octets: missing ones read as zeros, those beyond what is known are not looked at.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace lobo::pfcp {

/// The number that an enumerator of Flags has for "bit B of octet O".
constexpr std::uint8_t flag_at(unsigned octet, unsigned bit) {
  return static_cast<std::uint8_t>((octet - 5) * 8 + bit - 1);
}

/// `written_min` octets are sent at least, because older peers expect them; zeros behind that are
/// not.
template <class Bit, std::size_t octet_count, std::size_t written_min = 1>
class Flags {
 public:
  static constexpr std::size_t octets_max = octet_count;

  constexpr Flags() = default;
  constexpr Flags(std::initializer_list<Bit> bits) {
    for (const Bit bit : bits) set(bit);
  }
  static constexpr Flags from(std::span<const std::uint8_t> octets) {
    Flags flags;
    std::copy_n(octets.begin(), std::min(octets.size(), octet_count), flags.octets_.begin());
    return flags;
  }

  constexpr bool has(Bit bit) const { return (octets_[place(bit)] & mask(bit)) != 0; }
  constexpr void set(Bit bit) {
    octets_[place(bit)] = static_cast<std::uint8_t>(octets_[place(bit)] | mask(bit));
  }
  constexpr bool any() const { return *this != Flags{}; }

  /// What is sent.
  constexpr std::span<const std::uint8_t> octets() const {
    std::size_t count = octet_count;
    while (count > written_min && octets_[count - 1] == 0) --count;
    return std::span(octets_).first(count);
  }
  /// All of them, known or not.
  constexpr std::span<const std::uint8_t, octet_count> all_octets() const { return octets_; }
  constexpr bool operator==(const Flags&) const = default;

 private:
  static constexpr std::size_t place(Bit bit) { return static_cast<std::size_t>(bit) / 8; }
  static constexpr unsigned mask(Bit bit) { return 1U << (static_cast<unsigned>(bit) % 8); }
  static_assert(written_min >= 1 && written_min <= octet_count);

  std::array<std::uint8_t, octet_count> octets_{};
};

}  // namespace lobo::pfcp
