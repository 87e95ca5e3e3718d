#pragma once
// Randomness arrives in the constructor too, so that one seed gives one history.

#include <cstdint>
#include <string>
#include <string_view>

namespace lobo {

struct Rng {
  Rng() = default;
  Rng(const Rng&) = delete;
  Rng& operator=(const Rng&) = delete;
  virtual ~Rng() = default;
  virtual std::uint64_t next() = 0;

  /// Uniform in [0, bound); bound > 0. The bias is below bound / 2^64.
  std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64U);
  }
};

/// Repeatable: splitmix64. For tests, the simulator and jitter; never for secrets.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }

 private:
  std::uint64_t state_;
};

/// A URL-safe identifier of 32 hexadecimal digits (128 bits). Unguessable only if `rng` is.
inline std::string random_id(Rng& rng) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string id(32, '0');
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint64_t bits = rng.next();
    for (std::size_t i = 0; i < 16; ++i, bits >>= 4U) id[half * 16 + i] = digits[bits & 15U];
  }
  return id;
}

}  // namespace lobo
