#pragma once
// What a receiver of a flow's states measures: fed with each state as it comes, read once a window.
// A flow has one window, of three histograms (1.3 kB each), and a meter for each of its components,
// whose sequences are their own.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "relay/measure/histogram.hpp"
#include "relay/measure/jitter.hpp"
#include "relay/measure/loss.hpp"
#include "relay/measure/spread.hpp"
#include "wire/sdd/sequence_window.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {

/// The node's clock as it stands in frames.
constexpr sdd::NodeTime node_time(Instant now) {
  return static_cast<sdd::NodeTime>(static_cast<std::uint64_t>(now.time_since_epoch().count()) &
                                    0xFFFFFFFFU);
}

/// Counts and distributions of a window, of one flow or of many together.
struct Window {
  std::uint64_t states = 0;  ///< for the first time, late ones as well
  std::uint64_t bytes = 0;
  LossCount loss;
  std::uint64_t duplicates = 0;
  std::uint64_t too_old = 0;
  std::uint64_t too_far = 0;
  std::chrono::microseconds jitter{};
  Spread delay_spread;  ///< microseconds
  Histogram delay;      ///< from the publisher's clock to ours, microseconds
  Histogram age;        ///< of the state that a new one replaces
  Histogram gap;        ///< between two updates

  /// That of the worst, where it is no sum.
  void merge(const Window& other) {
    states += other.states;
    bytes += other.bytes;
    loss.merge(other.loss);
    duplicates += other.duplicates;
    too_old += other.too_old;
    too_far += other.too_far;
    jitter = std::max(jitter, other.jitter);
    delay_spread.merge(other.delay_spread);
    delay.merge(other.delay);
    age.merge(other.age);
    gap.merge(other.gap);
  }
};

/// One component as one receiver sees it come. What it counts goes into the window of its flow.
class StreamMeter {
 public:
  /// `arrival` is what the window of this component's sequences said of it.
  void add(Window& window, sdd::Sequence seq, sdd::Arrival arrival, std::size_t bytes,
           std::optional<sdd::NodeTime> sent, Instant now) {
    switch (arrival) {
      case sdd::Arrival::duplicate: ++window.duplicates; return;
      case sdd::Arrival::too_old: ++window.too_old; return;
      case sdd::Arrival::too_far: ++window.too_far; return;
      case sdd::Arrival::newest:
      case sdd::Arrival::late: break;
    }
    ++window.states;
    window.bytes += bytes;
    gaps_.add(seq);
    if (sent) add_delay(window, *sent, now);
    if (arrival == sdd::Arrival::newest) add_update(window, sent, now);
  }

  /// At the end of the window, for each component of the flow.
  void finish(Window& window) {
    window.loss.merge(gaps_.take());
    window.jitter = std::max(window.jitter, jitter_.value());
  }

  /// The sequence or the publisher's clock begins anew.
  void restart() {
    gaps_.restart();
    jitter_.restart();
    newest_sent_.reset();
  }

 private:
  void add_delay(Window& window, sdd::NodeTime sent, Instant now) {
    const std::uint32_t transit = node_time(now) - sent;
    jitter_.add(transit);
    // A clock that is a little ahead of ours makes it negative: no time then.
    const auto delay = std::max(static_cast<std::int32_t>(transit), 0);
    window.delay.add(static_cast<std::uint64_t>(delay));
    window.delay_spread.add(delay);
  }
  void add_update(Window& window, std::optional<sdd::NodeTime> sent, Instant now) {
    if (newest_at_ && now >= *newest_at_)
      window.gap.add(static_cast<std::uint64_t>((now - *newest_at_).count()));
    if (newest_sent_) {
      const auto age = static_cast<std::int32_t>(node_time(now) - *newest_sent_);
      window.age.add(static_cast<std::uint64_t>(std::max(age, 0)));
    }
    newest_at_ = now;
    newest_sent_ = sent;
  }

  GapLoss gaps_;
  Jitter jitter_;
  std::optional<Instant> newest_at_;
  std::optional<sdd::NodeTime> newest_sent_;
};

}  // namespace lobo::relay
