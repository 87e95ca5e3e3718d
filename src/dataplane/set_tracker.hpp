#pragma once
// Which PDU Set a marked PDU belongs to, and what is known of that set so far. One tracker for each
// flow: a ring of sixteen sets by PSSN, 32 octets each, so that a flow costs half a kilobyte.
//
// The PSSN has ten bits and wraps within seconds, so a state must not outlive a quarter of the wrap
// or one second, whichever ends first: a PDU that stands further from the newest set than that
// begins anew.

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/elapsed.hpp"
#include "model/pdu_set.hpp"

namespace lobo::dataplane {

inline constexpr std::size_t tracked_sets_max = 16;
inline constexpr std::uint32_t pssn_quarter = Pssn::count_of_values / 4;
inline constexpr Elapsed tracked_age_max = std::chrono::seconds{1};
/// A PDU is lost, not late, once one that follows it by more than this has come.
inline constexpr unsigned reordered_pdus_max = 8;
inline constexpr std::uint32_t no_queue_set = 0xFFFFFFFF;
inline constexpr std::uint8_t no_surplus_yet = 0xFF;

/// What is known of one PDU Set.
struct TrackedSet {
  std::uint64_t seen = 0;                  ///< bit i: the PDU that is i before psn_high has come
  std::uint32_t first_seen_us = 0;         ///< wraps; it is asked for differences below a second
  std::uint32_t bytes = 0;                 ///< of the PDUs that have come
  std::uint32_t queue_set = no_queue_set;  ///< the caller's, kept with the set
  std::uint16_t pdus = 0;                  ///< that have come, duplicates left out
  std::uint16_t pdus_in_set = 0;           ///< NPDS or what E says; 0 is unknown
  std::uint16_t psn_high = 0;              ///< the greatest PSN that has come, unwrapped
  std::uint16_t first_rtp_sequence = 0;    ///< the RTP sequence number of PSN 0
  std::uint16_t pssn = 0;
  std::uint8_t surplus_each =
      no_surplus_yet;  ///< the caller's: what PSSize is corrected by, per PDU
  bool open : 1 = false;
  bool rtp_known : 1 = false;

  bool operator==(const TrackedSet&) const = default;
  bool complete() const { return pdus_in_set != 0 && pdus >= pdus_in_set; }
  /// A PDU before the newest is missing and will not come any more.
  bool lost_a_pdu() const {
    const unsigned known = psn_high < 63U ? psn_high + 1U : 64U;
    if (known <= reordered_pdus_max) return false;
    const std::uint64_t all = ~std::uint64_t{0} >> (64U - known);
    return (~seen & all) >> reordered_pdus_max != 0;
  }
};
static_assert(sizeof(TrackedSet) == 32);

struct TrackerTallies {
  std::uint64_t sets_begun = 0;
  std::uint64_t sets_complete = 0;    ///< counted when they are closed
  std::uint64_t sets_incomplete = 0;  ///< likewise; those whose number of PDUs is unknown included
  std::uint64_t sets_skipped = 0;     ///< PSSN that were never seen
  std::uint64_t pdus_reordered = 0;
  std::uint64_t pdus_duplicate = 0;
  std::uint64_t pdus_late = 0;  ///< of sets that left the ring
  std::uint64_t restarts = 0;   ///< after a silence or a jump
  bool operator==(const TrackerTallies&) const = default;
};

class alignas(64) SetTracker {
 public:
  enum class Arrival : std::uint8_t { first_of_set, member, duplicate, late };
  struct Tracked {
    Arrival arrival = Arrival::late;
    TrackedSet* set = nullptr;  ///< none for `late`; valid until the next call
  };

  /// Takes note of a marked PDU. `rtp_sequence` where the header is readable: it orders sets of
  /// over 64 PDUs. Calls `closed(const TrackedSet&)` for each set that is forgotten thereby.
  template <class Closed>
  Tracked track(const PduSetMark& mark, std::optional<std::uint16_t> rtp_sequence,
                std::uint32_t bytes, Elapsed now, Closed&& closed) {
    if (TrackedSet* const set = follow(mark, rtp_sequence, bytes, now, microseconds_of(now)))
      return {Arrival::member, set};
    return track_any(mark, rtp_sequence, bytes, now, closed);
  }

  /// The same without the short way that most PDUs go: what track() has to agree with.
  template <class Closed>
  Tracked track_any(const PduSetMark& mark, std::optional<std::uint16_t> rtp_sequence,
                    std::uint32_t bytes, Elapsed now, Closed&& closed) {
    const std::uint32_t now_us = microseconds_of(now);
    if (!place(mark.pssn, now, closed)) {
      ++tallies_.pdus_late;
      return {};
    }
    TrackedSet& set = ring_[mark.pssn.value() % tracked_sets_max];
    const bool stale = now_us - set.first_seen_us > age_max_us;
    const bool first = !set.open || set.pssn != mark.pssn.value() || stale;
    if (first) {
      close(set, closed);
      open(set, mark, rtp_sequence, now_us);
      if (mark.pssn != newest_ && tallies_.sets_skipped > 0) --tallies_.sets_skipped;
    }
    const bool fresh = note(set, mark, rtp_sequence);
    if (!fresh) {
      ++tallies_.pdus_duplicate;
      return {Arrival::duplicate, &set};
    }
    ++set.pdus;
    set.bytes += bytes;
    return {first ? Arrival::first_of_set : Arrival::member, &set};
  }

  /// Forgets the sets that began before `now - age`.
  template <class Closed>
  void expire(Elapsed now, Elapsed age, Closed&& closed) {
    const std::uint32_t now_us = microseconds_of(now);
    const std::uint32_t age_us = microseconds_of(age);
    for (auto& set : ring_)
      if (set.open && now_us - set.first_seen_us > age_us) close(set, closed);
  }

  /// Forgets all.
  template <class Closed>
  void clear(Closed&& closed) {
    for (std::uint32_t left = open_; left != 0; left &= left - 1)
      close(ring_[static_cast<std::size_t>(std::countr_zero(left))], closed);
    begun_ = false;
  }

  const TrackerTallies& tallies() const { return tallies_; }
  /// What track() will read of a set, to be fetched ahead.
  const void* place_of(Pssn pssn) const { return &ring_[pssn.value() % tracked_sets_max]; }

 private:
  static constexpr std::uint32_t age_max_us =
      std::chrono::duration_cast<std::chrono::microseconds>(tracked_age_max).count();

  /// What nearly every PDU is: the next one of the newest set. Null, and nothing changed, where it
  /// is another one.
  TrackedSet* follow(const PduSetMark& mark, const std::optional<std::uint16_t>& rtp_sequence,
                     std::uint32_t bytes, Elapsed now, std::uint32_t now_us) {
    TrackedSet& set = ring_[mark.pssn.value() % tracked_sets_max];
    if (!begun_ || mark.pssn != newest_ || now - last_at_ > tracked_age_max) return nullptr;
    if (!set.open || set.pssn != mark.pssn.value() || now_us - set.first_seen_us > age_max_us)
      return nullptr;
    if (mark.psn16 || (rtp_sequence && set.rtp_known)) return nullptr;
    const auto next = static_cast<std::uint16_t>(set.psn_high + 1U);
    if (Psn::wrapped(next) != mark.psn) return nullptr;
    last_at_ = now;
    set.psn_high = next;
    set.seen = set.seen << 1U | 1U;
    ++set.pdus;
    set.bytes += bytes;
    if (mark.pdus_in_set.value_or(0) != 0) {
      set.pdus_in_set = *mark.pdus_in_set;
    } else if (mark.end_of_pdu_set) {
      set.pdus_in_set = static_cast<std::uint16_t>(next + 1U);
    }
    return &set;
  }

  static std::uint32_t microseconds_of(Elapsed time) {
    return static_cast<std::uint32_t>(time.count() / 1000);
  }

  /// Where the set stands against the newest; false where it is too old to be in the ring.
  template <class Closed>
  bool place(Pssn pssn, Elapsed now, Closed&& closed) {
    const std::uint32_t ahead = pssn.distance_from(newest_);
    const std::uint32_t behind = (Pssn::count_of_values - ahead) % Pssn::count_of_values;
    const bool lost_sight =
        now - last_at_ > tracked_age_max || (ahead > pssn_quarter && behind > pssn_quarter);
    last_at_ = now;
    if (!begun_ || lost_sight) {
      if (begun_) ++tallies_.restarts;
      clear(closed);
      begun_ = true;
      newest_ = pssn;
      return true;
    }
    if (ahead == 0) return true;
    if (ahead <= pssn_quarter) {
      tallies_.sets_skipped += ahead - 1;
      newest_ = pssn;
      return true;
    }
    return behind < tracked_sets_max;
  }

  template <class Closed>
  void close(TrackedSet& set, Closed&& closed) {
    if (!set.open) return;
    ++(set.complete() ? tallies_.sets_complete : tallies_.sets_incomplete);
    closed(static_cast<const TrackedSet&>(set));
    set.open = false;
    open_ &= ~(1U << static_cast<unsigned>(&set - ring_.data()));
  }

  void open(TrackedSet& set, const PduSetMark& mark, std::optional<std::uint16_t> rtp_sequence,
            std::uint32_t now_us);
  /// Enters the PDU's number; false where that number was there before.
  bool note(TrackedSet& set, const PduSetMark& mark, std::optional<std::uint16_t> rtp_sequence);
  int steps_from_high(TrackedSet& set, const PduSetMark& mark,
                      std::optional<std::uint16_t> rtp_sequence) const;

  // What every packet reads comes first, its set after that: two lines of a cache.
  Elapsed last_at_{};
  Pssn newest_;
  bool begun_ = false;
  std::uint32_t open_ = 0;  ///< bit i: ring_[i] is open
  TrackerTallies tallies_;
  std::array<TrackedSet, tracked_sets_max> ring_{};
};

}  // namespace lobo::dataplane
