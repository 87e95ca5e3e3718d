#pragma once
// How far another clock is ahead of ours, from four timestamps of a ping. Of the last 16 pings the
// one with the shortest round trip says it best; half of that round trip is how wrong it can be.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace lobo::relay {

class ClockOffset {
 public:
  static constexpr std::size_t samples_max = 16;
  using Micros = std::chrono::microseconds;

  struct Estimate {
    Micros offset{};  ///< what must be added to our clock to have theirs
    Micros error{};   ///< at most so much off
    bool operator==(const Estimate&) const = default;
  };

  /// By our clock: `sent` and `heard`; by theirs: `received` and `answered`. What would be a round
  /// trip of less than nothing, or of more than a minute, is not taken.
  bool add(Micros sent, Micros received, Micros answered, Micros heard) {
    const Micros round = (heard - sent) - (answered - received);
    if (heard < sent || answered < received || round < Micros{0} || round > round_trip_max)
      return false;
    samples_[next_] = {((received - sent) + (answered - heard)) / 2, round};
    next_ = (next_ + 1) % samples_max;
    count_ = std::min(count_ + 1, samples_max);
    return true;
  }

  std::optional<Estimate> estimate() const {
    if (count_ == 0) return std::nullopt;
    const auto held = std::span(samples_).first(count_);
    const Sample& best = *std::ranges::min_element(held, {}, &Sample::round);
    return Estimate{best.offset, (best.round + Micros{1}) / 2};
  }

 private:
  static constexpr Micros round_trip_max = std::chrono::minutes{1};
  struct Sample {
    Micros offset{};
    Micros round{};
  };
  std::array<Sample, samples_max> samples_{};
  std::size_t next_ = 0;
  std::size_t count_ = 0;
};

}  // namespace lobo::relay
