#pragma once
// What a path may be sent when more of it is lost than chance explains. Congestion control of the
// carrier is not asked to do this: it either takes each loss for a full queue or, where the flow is
// bounded by its application, none (docs/quic.md). As the loss-based part of congestion control for
// interactive media does it: above a fifth the rate falls by half the share that is lost, below a
// tenth it rises again, in between it stays. Radio that loses one in twenty must cost no rate.

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/clock.hpp"
#include "relay/measure/loss.hpp"

namespace lobo::relay {

class LossGuard {
 public:
  static constexpr std::chrono::milliseconds window{1000}, window_max{10'000};
  static constexpr std::uint64_t heavy_ppm = 200'000, light_ppm = 100'000;
  static constexpr std::uint64_t datagrams_min = 30;  ///< fewer are no reason to send less
  static constexpr std::uint64_t bps_min = 32'000;    ///< a root at 5 Hz for a dozen

  void sent(std::size_t bytes) { bytes_ += bytes; }
  void acked(std::uint64_t tag) { datagrams_.acked(tag); }
  void lost(std::uint64_t tag) { datagrams_.lost(tag); }

  /// To be called some times a window. What may be sent; 0: as much as there is.
  std::uint64_t look(Instant now) {
    if (from_ == Instant{}) from_ = now;
    const auto& told = datagrams_.counts();
    const std::uint64_t lost = told.lost - std::min(told.lost, told.spurious);
    const std::uint64_t all = told.acked + told.spurious + lost;
    // Of a path that is held back to a few datagrams a second, a window says something when it is
    // longer; else it would stay so for ever.
    if (now - from_ < (all < datagrams_min ? window_max : window)) return bps_;
    const auto passed = static_cast<std::uint64_t>((now - from_).count());
    const std::uint64_t rate = bytes_ * 8 * 1'000'000 / passed;
    from_ = now;
    bytes_ = 0;
    (void)datagrams_.take();
    if (all == 0) return bps_;
    const std::uint64_t ppm = lost * 1'000'000 / all;
    if (ppm > heavy_ppm && all >= datagrams_min) {
      const std::uint64_t from = bps_ == 0 ? rate : std::min(bps_, rate);
      bps_ = std::max(from - from * (ppm / 2) / 1'000'000, bps_min);
    } else if (ppm < light_ppm && bps_ > 0) {
      bps_ += bps_ / 8;
      // Twice what there is to send: it is not held back any more.
      if (bps_ > 2 * std::max(rate, bps_min)) bps_ = 0;
    }
    return bps_;
  }

 private:
  DatagramLoss datagrams_;
  Instant from_{};
  std::uint64_t bytes_ = 0;
  std::uint64_t bps_ = 0;
};

}  // namespace lobo::relay
