#pragma once
// A link of a fixed rate behind a queue: arrival times in, departures and drops out. PDUs are
// served one after the other without a pause; the one in service has left the queue.

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/quantity.hpp"
#include "base/require.hpp"
#include "dataplane/drop_reason.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/set_handling.hpp"

namespace lobo::dataplane {

/// What became of a PDU, told once for each.
struct Fate {
  std::uint64_t handle = 0;
  std::uint32_t bytes = 0;
  std::optional<DropReason> dropped;
  Elapsed at{};  ///< its last bit has left, or it was dropped
};

/// The bytes that a link of this rate sends in `time`.
constexpr std::uint64_t bytes_in(BitsPerSecond rate, Elapsed time) {
  return static_cast<std::uint64_t>(static_cast<double>(rate.count) / 8.0 *
                                    std::chrono::duration<double>(time).count());
}

class Bottleneck {
 public:
  Bottleneck(BitsPerSecond rate, const QueueConfig& queue) : rate_(rate), handling_(queue) {
    require(rate.count > 0);
  }

  /// A PDU arrives, marked or not (`mark` null). Times never go back. Calls `tell(const Fate&)` for
  /// each PDU whose fate is decided by then.
  template <class Tell>
  void arrive(SetTracker& flow, const PduSetMark* mark, std::optional<std::uint16_t> rtp_sequence,
              const QueuedPdu& pdu, Elapsed now, Tell&& tell) {
    serve_until(now, tell);
    if (handling_.queue().empty() && free_at_ < now) free_at_ = now;
    const auto refused = mark == nullptr ? handling_.offer(pdu, now)
                                         : handling_.offer(flow, *mark, rtp_sequence, pdu, now);
    if (refused) tell(Fate{pdu.handle, pdu.bytes, refused, now});
    tell_dropped(now, tell);
  }

  /// Nothing more arrives: serves what waits.
  template <class Tell>
  void drain(Tell&& tell) {
    while (!handling_.queue().empty()) serve_one(tell);
  }

  SetHandling& handling() { return handling_; }
  const SetQueue& queue() const { return handling_.queue(); }

 private:
  template <class Tell>
  void serve_until(Elapsed now, Tell&& tell) {
    while (!handling_.queue().empty() && free_at_ <= now) serve_one(tell);
  }

  template <class Tell>
  void serve_one(Tell&& tell) {
    const auto pdu = handling_.queue().dequeue(free_at_);
    tell_dropped(free_at_, tell);
    if (!pdu) return;
    free_at_ += service_time(pdu->bytes);
    tell(Fate{pdu->handle, pdu->bytes, std::nullopt, free_at_});
  }

  template <class Tell>
  void tell_dropped(Elapsed now, Tell&& tell) {
    while (const auto pdu = handling_.queue().next_dropped())
      tell(Fate{pdu->handle, pdu->bytes, pdu->reason, now});
  }

  /// Rounded to nanoseconds with the rest carried on, so that a long run keeps its rate.
  Elapsed service_time(std::uint32_t bytes) {
    constexpr std::uint64_t nanoseconds_per_second = 1'000'000'000;
    const std::uint64_t bit_ns = std::uint64_t{bytes} * 8 * nanoseconds_per_second + rest_;
    rest_ = bit_ns % rate_.count;
    return Elapsed{static_cast<std::int64_t>(bit_ns / rate_.count)};
  }

  BitsPerSecond rate_;
  SetHandling handling_;
  Elapsed free_at_{};
  std::uint64_t rest_ = 0;  ///< in bit-nanoseconds, below rate_
};

}  // namespace lobo::dataplane
