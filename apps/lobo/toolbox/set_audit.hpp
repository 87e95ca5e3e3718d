#pragma once
// Whether the PDU Sets of one flow are what their marks say: numbers without gaps, one end, PSSize
// and NPDS that add up. Sets are judged when they are left behind; a few are open at a time, so
// that reordering does no harm.

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "model/pdu_set.hpp"
#include "toolbox/reason.hpp"

namespace lobo::app {

inline constexpr std::uint32_t open_sets_max = 16;
/// PDUs of one set that are told apart; of a longer set only the sum is known.
inline constexpr std::size_t set_pdus_max = 2048;

struct AuditedPdu {
  PduSetMark mark;
  std::uint32_t ip_bytes = 0;
  std::optional<std::uint16_t> rtp_sequence;  ///< orders sets of over 64 PDUs
  std::int64_t at_ns = 0;
};

struct AuditedSet {
  Pssn pssn;
  Psi psi;
  std::uint32_t pdus = 0;
  std::uint64_t bytes = 0;
  std::uint32_t missing = 0;
  std::optional<std::uint32_t> pdu_set_size;
  std::optional<std::uint16_t> pdus_in_set;
  bool end_of_data_burst = false;
  std::int64_t first_at_ns = 0;
  std::int64_t last_at_ns = 0;
  Reason reason = Reason::marked;  ///< marked: all is well
};

class SetAudit {
 public:
  /// What is wrong with this PDU, whatever its set: set_late, pdu_repeated; else marked.
  /// Calls `judged(const AuditedSet&)` for each set that is left behind, also for one that never
  /// came (set_missing).
  template <class Judged>
  Reason add(const AuditedPdu& pdu, Judged&& judged) {
    const Pssn pssn = pdu.mark.pssn;
    if (!begun_) {
      begun_ = first_set_ = true;
      newest_ = pssn;
    }
    const std::uint32_t ahead = pssn.distance_from(newest_);
    if (ahead > Pssn::count_of_values / 2) {
      const bool in_window = Pssn::count_of_values - ahead < open_sets_max;
      if (!in_window || !(of(pssn).open || of(pssn).awaited)) return Reason::set_late;
    } else {
      for (std::uint32_t step = 0; step < ahead; ++step) {
        newest_ = newest_.next();
        leave(of(newest_), judged);
        of(newest_).awaited = true;
        of(newest_).seen.pssn = newest_;
      }
    }
    OpenSet& set = of(pssn);
    if (!set.open) open(set, pdu);
    return note(set, pdu) ? Reason::marked : Reason::pdu_repeated;
  }

  /// The capture ends: what is open is judged; a newest set without an end is an edge.
  template <class Judged>
  void finish(Judged&& judged) {
    if (!begun_) return;
    for (std::uint32_t back = 0; back < open_sets_max; ++back) {
      OpenSet& set =
          of(Pssn::wrapped(newest_.value() + Pssn::count_of_values - open_sets_max + 1 + back));
      at_end_ = back + 1 == open_sets_max;
      leave(set, judged);
    }
    at_end_ = false;
  }

 private:
  struct OpenSet {
    bool open = false;
    bool awaited = false;  ///< jumped over, and not yet here
    bool first_of_flow = false;
    bool fields_differ = false;
    bool behind_end = false;
    AuditedSet seen;
    std::uint16_t sequence_of_psn_0 = 0;
    std::optional<std::uint32_t> end_number;
    std::uint32_t highest = 0;
    std::bitset<set_pdus_max> numbers;
  };

  static std::size_t slot(Pssn pssn) { return pssn.value() % open_sets_max; }
  OpenSet& of(Pssn pssn) { return sets_[slot(pssn)]; }

  template <class Judged>
  void leave(OpenSet& set, Judged&& judged) {
    if (!set.open && !set.awaited) return;
    if (set.open)
      judge(set);
    else
      set.seen = {.pssn = set.seen.pssn, .reason = Reason::set_missing};
    judged(static_cast<const AuditedSet&>(set.seen));
    set.open = set.awaited = false;
  }

  void open(OpenSet& set, const AuditedPdu& pdu);
  /// False if this PDU was there before.
  static bool note(OpenSet& set, const AuditedPdu& pdu);
  void judge(OpenSet& set) const;

  std::array<OpenSet, open_sets_max> sets_;
  Pssn newest_;
  bool begun_ = false;
  bool first_set_ = false;
  bool at_end_ = false;
};

}  // namespace lobo::app
