#pragma once
// Bytes in bins of a second: the lowest, mean and highest rate of the last minute.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "base/quantity.hpp"

namespace lobo::relay {

class Bitrate {
 public:
  static constexpr std::chrono::seconds bin{1};
  static constexpr std::size_t bins_max = 60;

  struct Rates {
    BitsPerSecond min;
    BitsPerSecond mean;
    BitsPerSecond max;
    bool operator==(const Rates&) const = default;
  };

  void add(std::uint64_t bytes, Instant now) {
    roll(now);
    filling_ += bytes;
  }
  /// Over the bins that are full; nothing before the first of them is.
  std::optional<Rates> rates(Instant now) {
    roll(now);
    if (count_ == 0) return std::nullopt;
    std::uint64_t sum = 0;
    std::uint64_t low = bins_[0];
    std::uint64_t high = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      sum += bins_[i];
      low = std::min(low, bins_[i]);
      high = std::max(high, bins_[i]);
    }
    return Rates{{low * 8}, {sum * 8 / count_}, {high * 8}};
  }

 private:
  void roll(Instant now) {
    if (!begin_) begin_ = now;
    // More bins than are kept are empty ones all the same.
    for (std::size_t i = 0; i <= bins_max && now >= *begin_ + bin; ++i) {
      bins_[next_] = filling_;
      next_ = (next_ + 1) % bins_max;
      count_ = std::min(count_ + 1, bins_max);
      filling_ = 0;
      *begin_ += bin;
    }
    if (now >= *begin_ + bin) begin_ = now;
  }

  std::array<std::uint64_t, bins_max> bins_{};
  std::size_t next_ = 0;
  std::size_t count_ = 0;
  std::uint64_t filling_ = 0;
  std::optional<Instant> begin_;
};

}  // namespace lobo::relay
