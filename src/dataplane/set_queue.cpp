#include "dataplane/set_queue.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/require.hpp"
#include "dataplane/drop_reason.hpp"
#include "dataplane/elapsed.hpp"
#include "model/pdu_set.hpp"

namespace lobo::dataplane {
namespace {

constexpr std::uint32_t index_of(SetId set) { return static_cast<std::uint32_t>(set); }

/// What the other PDUs of a set are dropped for, where one was for `reason`.
constexpr DropReason reason_for_siblings(DropReason reason) {
  const bool alone = reason == DropReason::queue_full || reason == DropReason::no_slot;
  return alone ? DropReason::set_incomplete : reason;
}

}  // namespace

SetQueue::SetQueue(const QueueConfig& config) : config_(config) {
  require(config.pdus_max > 0 && config.pdus_max <= queue_pdus_max);
  require(config.sets_max > 0 && config.sets_max <= queue_sets_max);
  slots_.resize(config.pdus_max);
  sets_.resize(config.sets_max);
  for (std::uint32_t i = config.pdus_max; i-- > 0; free_slot_ = i) slots_[i].next = free_slot_;
  for (std::uint32_t i = config.sets_max; i-- > 0; free_set_ = i) sets_[i].after = free_set_;
}

SetId SetQueue::open_set(Psi psi, std::uint32_t pdu_set_size, Elapsed now) {
  if (free_set_ == none) return SetId::none;
  const std::uint32_t index = free_set_;
  Set& set = sets_[index];
  free_set_ = set.after;
  set = Set{.reserved = pdu_set_size, .begun = now, .psi = psi.value(), .state = SetState::fresh};
  return SetId{index};
}

void SetQueue::close_set(SetId id) {
  if (id == SetId::none) return;
  Set& set = sets_[index_of(id)];
  require(set.state != SetState::free && !set.closed);
  set.closed = true;
  if (set.state == SetState::admitted) unreserve(set, set.reserved);
  free_if_done(index_of(id));
}

void SetQueue::doom(SetId id, DropReason reason) {
  if (id != SetId::none && config_.policy != Policy::taildrop) doom_set(index_of(id), reason);
}

std::optional<DropReason> SetQueue::enqueue(SetId id, const QueuedPdu& pdu, Elapsed now) {
  const std::uint32_t index = index_of(id);
  const bool integrated = config_.policy != Policy::taildrop && id != SetId::none;
  if (integrated) {
    Set& set = sets_[index];
    require(set.state != SetState::free && !set.closed);
    if (set.state != SetState::doomed && expired(set, now)) doom_set(index, DropReason::expired);
    if (set.state == SetState::doomed) return refuse(pdu, reason_for_siblings(set.reason));
    if (set.state == SetState::fresh) {
      if (const auto reason = admit(index, pdu)) return reason;
    }
    set.arrived += pdu.bytes;
    unreserve(set, std::min(set.reserved, pdu.bytes));
  }
  const std::uint8_t psi = integrated ? sets_[index].psi : 0;
  // What a set says of its size must not cost a PDU that says nothing its place.
  const std::uint64_t taken = integrated ? occupied() : bytes_;
  const bool fits =
      taken + pdu.bytes <= config_.bytes_max || (integrated && config_.policy >= Policy::evict &&
                                                 make_room(pdu.bytes, config_.bytes_max, psi));
  if (!fits || free_slot_ == none) {
    const auto reason = fits ? DropReason::no_slot : DropReason::queue_full;
    if (integrated) doom_set(index, reason);
    return refuse(pdu, reason);
  }
  append(index, pdu);
  if (integrated && pdu.end_of_pdu_set) {
    Set& set = sets_[index];
    unreserve(set, set.reserved);
    std::uint32_t& mean = mean_size_[psi];
    mean = mean == 0 ? set.arrived : mean - mean / 8 + set.arrived / 8;
  }
  return std::nullopt;
}

/// The first PDU decides for its whole set.
std::optional<DropReason> SetQueue::admit(std::uint32_t index, const QueuedPdu& pdu) {
  Set& set = sets_[index];
  if (config_.policy == Policy::psihi) {
    set.reserved = 0;
    set.state = SetState::admitted;
    return std::nullopt;
  }
  const std::uint64_t limit = limit_of(set.psi);
  const std::uint32_t said = set.reserved != 0 ? set.reserved : mean_size_[set.psi];
  set.reserved = 0;
  // A set that is larger than its share gets in when nothing else is there; it may drain in time.
  const auto needed = std::min<std::uint64_t>(std::max(said, pdu.bytes), limit);
  if (occupied() + needed > limit && !make_room(needed, limit, set.psi)) {
    doom_set(index, DropReason::not_admitted);
    return refuse(pdu, DropReason::not_admitted);
  }
  set.state = SetState::admitted;
  set.reserved = static_cast<std::uint32_t>(needed);
  reserved_ += needed;
  enter_bucket(index);
  return std::nullopt;
}

/// Evicts sets that are less important than `psi`, the least important and newest first, until
/// `bytes` more stay within `limit`. Evicts none where all of them would not be enough.
bool SetQueue::make_room(std::uint64_t bytes, std::uint64_t limit, std::uint8_t psi) {
  if (psi == 0) return false;
  std::uint64_t evictable = 0;
  for (std::size_t i = psi + 1U; i < psi_values; ++i) evictable += buckets_[i].bytes;
  if (occupied() + bytes > limit + evictable) return false;
  for (std::size_t i = psi_values; i-- > psi + 1U;)
    while (occupied() + bytes > limit && buckets_[i].last != none)
      doom_set(buckets_[i].last, DropReason::evicted);
  return occupied() + bytes <= limit;
}

std::optional<QueuedPdu> SetQueue::dequeue(Elapsed now) {
  // Each turn but the last dooms a set, so there are at most sets_max.
  while (head_ != none && config_.policy != Policy::taildrop && slots_[head_].set != none &&
         expired(sets_[slots_[head_].set], now))
    doom_set(slots_[head_].set, DropReason::expired);
  if (head_ == none) return std::nullopt;

  const std::uint32_t first = head_;
  Slot& slot = slots_[first];
  const std::uint32_t index = slot.set;
  if (index != none) {
    leave_bucket(index);  // something of it is sent: evicting the rest would waste that
    Set& set = sets_[index];
    set.bytes -= slot.bytes;
    --set.pdus;
  }
  if (slot.next != none) {
    // The next PDU of the run speaks for it now.
    Slot& next = slots_[slot.next];
    next.run_last = slot.run_last;
    next.run_before = none;
    next.run_after = slot.run_after;
    next.run_of_set = slot.run_of_set;
    if (slot.run_after != none) slots_[slot.run_after].run_before = slot.next;
    if (tail_ == first) tail_ = slot.next;
    head_ = slot.next;
    if (index != none) {
      Set& set = sets_[index];
      set.first_run = slot.next;
      if (set.last_run == first) set.last_run = slot.next;
    }
  } else {
    head_ = slot.run_after;
    if (head_ == none)
      tail_ = none;
    else
      slots_[head_].run_before = none;
    if (index != none) {
      Set& set = sets_[index];
      set.first_run = slot.run_of_set;
      if (set.first_run == none) set.last_run = none;
    }
  }
  const QueuedPdu out{slot.handle, slot.bytes, slot.end_of_pdu_set};
  bytes_ -= out.bytes;
  --pdus_;
  ++delivered_.pdus;
  delivered_.bytes += out.bytes;
  slot.next = free_slot_;
  free_slot_ = first;
  if (index != none) free_if_done(index);
  return out;
}

std::optional<DroppedPdu> SetQueue::next_dropped() {
  if (dropped_head_ == none) return std::nullopt;
  const std::uint32_t first = dropped_head_;
  Slot& slot = slots_[first];
  const DroppedPdu out{slot.handle, slot.bytes, slot.reason};
  if (slot.next != none) {
    Slot& next = slots_[slot.next];
    next.run_after = slot.run_after;
    next.reason = slot.reason;
    if (dropped_tail_ == first) dropped_tail_ = slot.next;
    dropped_head_ = slot.next;
  } else {
    dropped_head_ = slot.run_after;
    if (dropped_head_ == none) dropped_tail_ = none;
  }
  slot.next = free_slot_;
  free_slot_ = first;
  return out;
}

std::optional<DropReason> SetQueue::refuse(const QueuedPdu& pdu, DropReason reason) {
  Tally& tally = dropped_[static_cast<std::size_t>(reason)];
  ++tally.pdus;
  tally.bytes += pdu.bytes;
  return reason;
}

void SetQueue::append(std::uint32_t index, const QueuedPdu& pdu) {
  const std::uint32_t at = free_slot_;
  free_slot_ = slots_[at].next;
  slots_[at] = Slot{.handle = pdu.handle,
                    .bytes = pdu.bytes,
                    .set = index,
                    .run_last = at,
                    .end_of_pdu_set = pdu.end_of_pdu_set};
  bytes_ += pdu.bytes;
  ++pdus_;
  if (tail_ != none && slots_[tail_].set == index) {
    slots_[slots_[tail_].run_last].next = at;
    slots_[tail_].run_last = at;
  } else {
    slots_[at].run_before = tail_;
    (tail_ == none ? head_ : slots_[tail_].run_after) = at;
    tail_ = at;
    if (index != none) {
      Set& set = sets_[index];
      (set.last_run == none ? set.first_run : slots_[set.last_run].run_of_set) = at;
      set.last_run = at;
    }
  }
  if (index == none) return;
  Set& set = sets_[index];
  set.bytes += pdu.bytes;
  ++set.pdus;
  if (set.bucketed) buckets_[set.psi].bytes += pdu.bytes;
}

void SetQueue::unlink_run(std::uint32_t run) {
  const Slot& slot = slots_[run];
  (slot.run_before == none ? head_ : slots_[slot.run_before].run_after) = slot.run_after;
  (slot.run_after == none ? tail_ : slots_[slot.run_after].run_before) = slot.run_before;
}

/// Moves what waits of a set to the list of what was dropped: one step for each of its runs.
void SetQueue::drop_waiting(std::uint32_t index, DropReason reason) {
  Set& set = sets_[index];
  for (std::uint32_t run = set.first_run; run != none;) {
    unlink_run(run);
    Slot& slot = slots_[run];
    const std::uint32_t next = slot.run_of_set;
    slot.run_after = none;
    slot.reason = reason;
    (dropped_tail_ == none ? dropped_head_ : slots_[dropped_tail_].run_after) = run;
    dropped_tail_ = run;
    run = next;
  }
  Tally& tally = dropped_[static_cast<std::size_t>(reason)];
  tally.pdus += set.pdus;
  tally.bytes += set.bytes;
  bytes_ -= set.bytes;
  pdus_ -= set.pdus;
  set.first_run = set.last_run = none;
  set.bytes = set.pdus = 0;
}

void SetQueue::doom_set(std::uint32_t index, DropReason reason) {
  Set& set = sets_[index];
  if (set.state == SetState::doomed) return;
  leave_bucket(index);
  if (set.state == SetState::admitted) unreserve(set, set.reserved);
  set.state = SetState::doomed;
  set.reason = reason;
  ++sets_dropped_[set.psi];
  drop_waiting(index, reason_for_siblings(reason));
  free_if_done(index);
}

void SetQueue::enter_bucket(std::uint32_t index) {
  Set& set = sets_[index];
  if (set.psi == 0) return;
  Bucket& bucket = buckets_[set.psi];
  set.bucketed = true;
  set.before = bucket.last;
  set.after = none;
  (bucket.last == none ? bucket.first : sets_[bucket.last].after) = index;
  bucket.last = index;
  bucket.bytes += set.reserved;
}

void SetQueue::leave_bucket(std::uint32_t index) {
  Set& set = sets_[index];
  if (!set.bucketed) return;
  Bucket& bucket = buckets_[set.psi];
  (set.before == none ? bucket.first : sets_[set.before].after) = set.after;
  (set.after == none ? bucket.last : sets_[set.after].before) = set.before;
  bucket.bytes -= set.bytes + set.reserved;
  set.bucketed = false;
}

void SetQueue::unreserve(Set& set, std::uint32_t bytes) {
  set.reserved -= bytes;
  reserved_ -= bytes;
  if (set.bucketed) buckets_[set.psi].bytes -= bytes;
}

/// Gives the record back once nothing waits of the set and nothing will come.
void SetQueue::free_if_done(std::uint32_t index) {
  Set& set = sets_[index];
  if (!set.closed || set.pdus != 0) return;
  leave_bucket(index);
  set.state = SetState::free;
  set.closed = false;
  set.after = free_set_;
  free_set_ = index;
}

bool SetQueue::expired(const Set& set, Elapsed now) const {
  return config_.delay_budget > Elapsed{} && now - set.begun > config_.delay_budget;
}

std::uint64_t SetQueue::limit_of(std::uint8_t psi) const {
  return config_.policy == Policy::threshold ? config_.bytes_max * config_.thresholds[psi] / 100
                                             : config_.bytes_max;
}

}  // namespace lobo::dataplane
