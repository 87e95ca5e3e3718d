#include "dataplane/radio/set_ledger.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "dataplane/elapsed.hpp"
#include "dataplane/radio/conveyed.hpp"
#include "dataplane/set_tracker.hpp"
#include "model/pdu_set.hpp"

namespace lobo::dataplane {

std::optional<SetLedger::Ticket> SetLedger::arrive(const PduSetMark& mark, std::uint32_t octets,
                                                   Elapsed now) {
  const auto tracked =
      tracker_.track(mark, std::nullopt, octets, now, [this](const TrackedSet& set) { end(set); });
  // A number that was skipped may come yet: only what is more than before is told.
  if (const auto skipped = tracker_.tallies().sets_skipped; skipped > skipped_told_) {
    oddities_.add(Oddity::pssn_skipped, skipped - skipped_told_);
    skipped_told_ = skipped;
  }
  if (tracked.arrival == SetTracker::Arrival::late) oddities_.add(Oddity::late);
  if (tracked.arrival == SetTracker::Arrival::duplicate) oddities_.add(Oddity::duplicate);
  if (tracked.set == nullptr || tracked.arrival == SetTracker::Arrival::duplicate)
    return std::nullopt;
  if (tracked.arrival == SetTracker::Arrival::first_of_set) {
    ++tallies_.sets;
    ++tallies_.by_psi[mark.psi.value()].sets;
    if (free_.empty()) {
      ++tallies_.unjudged;
      return std::nullopt;
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    const std::uint32_t generation = records_[slot].generation + 1;
    records_[slot] = Record{.generation = generation,
                            .size_said = mark.pdu_set_size.value_or(0),
                            .begun = now,
                            .psi = mark.psi.value(),
                            .open = true};
    tracked.set->queue_set = slot;
  }
  const std::uint32_t slot = tracked.set->queue_set;
  if (slot == no_queue_set) return std::nullopt;
  Record& record = records_[slot];
  note_change(record, mark);
  record.octets += octets;
  ++record.outstanding;
  const bool whole = tracked.set->complete();
  if (whole && !record.complete && record.size_said != 0 && record.octets != record.size_said)
    oddities_.add(Oddity::size_differs);
  record.complete = record.complete || whole;
  const bool behind =
      tracked.set->pdus_in_set != 0 && tracked.set->psn_high >= tracked.set->pdus_in_set;
  if (behind) oddities_.add(Oddity::behind_end);
  return Ticket{slot, record.generation};
}

void SetLedger::note_change(Record& record, const PduSetMark& mark) {
  if (mark.psi.value() != record.psi) oddities_.add(Oddity::importance_changed);
  if (mark.pdu_set_size.value_or(0) != record.size_said) oddities_.add(Oddity::size_changed);
}

// The tracker forgets a set: no PDU of it will be counted any more.
void SetLedger::end(const TrackedSet& set) {
  if (set.pdus_in_set == 0) oddities_.add(Oddity::end_missing);
  if (set.psn_high + 1U > set.pdus || (set.pdus_in_set != 0 && set.pdus < set.pdus_in_set))
    oddities_.add(Oddity::set_with_holes);
  if (set.queue_set == no_queue_set) return;
  Record& record = records_[set.queue_set];
  record.ended = true;
  (void)judge(record);
  free_if_done(set.queue_set);
}

std::optional<LedgerVerdict> SetLedger::settle(const Ticket& ticket, bool delivered, Elapsed at) {
  Record& record = records_[ticket.slot];
  if (!record.open || record.generation != ticket.generation || record.outstanding == 0)
    return std::nullopt;
  --record.outstanding;
  ++(delivered ? record.delivered : record.failed);
  if (delivered) record.last_delivered = std::max(record.last_delivered, at);
  const auto verdict = judge(record);
  free_if_done(ticket.slot);
  return verdict;
}

std::optional<LedgerVerdict> SetLedger::judge(Record& record) {
  if (record.judged || record.outstanding > 0 || !(record.complete || record.ended))
    return std::nullopt;
  record.judged = true;
  if (!record.complete) {
    ++tallies_.incomplete;
    ++(record.delivered > 0 ? tallies_.damaged : tallies_.lost);
    return std::nullopt;
  }
  if (record.failed > 0) {
    ++(record.delivered > 0 ? tallies_.damaged : tallies_.lost);
    return LedgerVerdict{.whole = false, .late = false};
  }
  ++tallies_.delivered;
  ++tallies_.by_psi[record.psi].delivered;
  const bool late =
      delay_budget_ > Elapsed{} && record.last_delivered - record.begun > delay_budget_;
  if (late) ++tallies_.late;
  return LedgerVerdict{.whole = true, .late = late};
}

void SetLedger::free_if_done(std::uint32_t slot) {
  Record& record = records_[slot];
  if (!record.open || !record.ended || record.outstanding > 0) return;
  record.open = false;
  free_.push_back(slot);
}

void SetLedger::expire(Elapsed now) {
  tracker_.expire(now, ledger_age_max, [this](const TrackedSet& set) { end(set); });
}

}  // namespace lobo::dataplane
