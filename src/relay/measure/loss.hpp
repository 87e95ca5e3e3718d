#pragma once
// What was lost: at the receiver by gaps in the sequence, at the sender by what its transport says
// of each datagram.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "wire/sdd/types.hpp"

namespace lobo::relay {

struct LossCount {
  std::uint64_t expected = 0;
  std::uint64_t lost = 0;
  /// In a million; 0 where nothing was expected.
  std::uint64_t ppm() const { return expected == 0 ? 0 : lost * 1'000'000 / expected; }
  void merge(const LossCount& other) {
    expected += other.expected;
    lost += other.lost;
  }
  bool operator==(const LossCount&) const = default;
};

/// Fed with each state that came for the first time, late ones as well.
class GapLoss {
 public:
  void add(sdd::Sequence seq) {
    if (!highest_) {
      highest_ = seq;
      ++expected_;
    } else if (const auto ahead = sdd::distance(seq, *highest_); ahead > 0) {
      highest_ = seq;
      expected_ += static_cast<std::uint64_t>(ahead);
    }
    ++received_;
  }
  /// Since the last call. What came late after it was counted as lost is made good in the next.
  LossCount take() {
    const std::uint64_t lost = expected_ > received_ ? expected_ - received_ : 0;
    LossCount window{expected_ - told_expected_, lost > told_lost_ ? lost - told_lost_ : 0};
    // A debt stays: what came late makes the next windows' losses less.
    told_lost_ = std::max(told_lost_, lost);
    told_expected_ = expected_;
    window.lost = std::min(window.lost, window.expected);
    return window;
  }
  /// The sequence begins anew.
  void restart() { highest_.reset(); }

 private:
  std::optional<sdd::Sequence> highest_;
  std::uint64_t expected_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t told_expected_ = 0;
  std::uint64_t told_lost_ = 0;
};

/// Fed with what the transport says of datagrams by their tags, which rise by one.
class DatagramLoss {
 public:
  struct Counts {
    std::uint64_t acked = 0;
    std::uint64_t lost = 0;
    std::uint64_t spurious = 0;  ///< of the lost ones: acknowledged after all
    bool operator==(const Counts&) const = default;
  };

  void acked(std::uint64_t tag) {
    auto& place = lost_tags_[tag % remembered];
    if (place == tag + 1) {
      ++counts_.spurious;
      place = 0;
    } else {
      ++counts_.acked;
    }
  }
  void lost(std::uint64_t tag) {
    ++counts_.lost;
    lost_tags_[tag % remembered] = tag + 1;
  }
  const Counts& counts() const { return counts_; }
  Counts take() {
    const Counts taken = counts_;
    counts_ = {};
    return taken;
  }

 private:
  static constexpr std::size_t remembered =
      256;  ///< what is acknowledged later than that stays lost
  Counts counts_;
  std::array<std::uint64_t, remembered> lost_tags_{};  ///< a tag and one; 0: none
};

}  // namespace lobo::relay
