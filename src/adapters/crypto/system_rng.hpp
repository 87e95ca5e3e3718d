#pragma once
// Unguessable numbers for identifiers and secrets, from OpenSSL's generator.

#include <array>
#include <cstdint>

#include "base/rng.hpp"

namespace lobo::adapters::crypto {

/// Fetches a block at a time: a call to the generator costs more than the bytes.
class SystemRng final : public Rng {
 public:
  std::uint64_t next() override;

 private:
  static constexpr std::size_t words_per_fetch = 512;
  std::array<std::uint64_t, words_per_fetch> words_{};
  std::size_t used_ = words_per_fetch;
};

}  // namespace lobo::adapters::crypto
