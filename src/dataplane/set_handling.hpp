#pragma once
// Tracker and queue joined: a marked PDU finds its set, its set finds its place in the queue. Many
// flows may share one queue.

#include <cstdint>
#include <optional>

#include "dataplane/drop_reason.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/set_queue.hpp"
#include "dataplane/set_tracker.hpp"
#include "model/pdu_set.hpp"

namespace lobo::dataplane {

class SetHandling {
  struct Closer {
    SetQueue* queue;
    void operator()(const TrackedSet& set) const { queue->close_set(SetId{set.queue_set}); }
  };

 public:
  explicit SetHandling(const QueueConfig& config) : queue_(config) {}

  /// Takes a marked PDU of `flow`, or tells why not. A duplicate stays with its set; what belongs
  /// to a set that is forgotten is a lone PDU.
  std::optional<DropReason> offer(SetTracker& flow, const PduSetMark& mark,
                                  std::optional<std::uint16_t> rtp_sequence, const QueuedPdu& pdu,
                                  Elapsed now) {
    // Plain tail drop knows no sets and pays for none.
    if (queue_.config().policy == Policy::taildrop) return offer(pdu, now);
    const auto tracked = flow.track(mark, rtp_sequence, pdu.bytes, now, Closer{&queue_});
    if (tracked.set == nullptr) return offer(pdu, now);
    if (tracked.arrival == SetTracker::Arrival::first_of_set)
      tracked.set->queue_set =
          static_cast<std::uint32_t>(queue_.open_set(mark.psi, mark.pdu_set_size.value_or(0), now));
    const SetId set{tracked.set->queue_set};
    if (tracked.set->lost_a_pdu()) queue_.doom(set, DropReason::set_lost_pdu);
    return queue_.enqueue(set, pdu, now);
  }
  /// Takes a PDU that carries no mark, or one that cannot be trusted.
  std::optional<DropReason> offer(const QueuedPdu& pdu, Elapsed now) {
    return queue_.enqueue(SetId::none, pdu, now);
  }
  /// Forgets what `flow` knows, or only what is older than `age`.
  void forget(SetTracker& flow) { flow.clear(Closer{&queue_}); }
  void expire(SetTracker& flow, Elapsed now, Elapsed age) {
    flow.expire(now, age, Closer{&queue_});
  }

  SetQueue& queue() { return queue_; }
  const SetQueue& queue() const { return queue_; }

 private:
  SetQueue queue_;
};

}  // namespace lobo::dataplane
