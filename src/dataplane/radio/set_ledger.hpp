#pragma once
// What became of the PDU Sets of one QoS flow: each is judged once, when all of its PDUs have come
// and been settled, or when no more will come. And what is odd in their marks.
//
// Who comes is told by a SetTracker; a set is open here as long as PDUs of it may come or are under
// way, which with a long queue is longer than the tracker's ring lasts.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/elapsed.hpp"
#include "dataplane/radio/conveyed.hpp"
#include "dataplane/set_queue.hpp"
#include "dataplane/set_tracker.hpp"
#include "model/pdu_set.hpp"

namespace lobo::dataplane {

/// Open at a time; a set that finds no room is not judged, and counted as such.
inline constexpr std::size_t ledger_sets_max = 1024;
/// A set of which nothing came for so long has ended.
inline constexpr Elapsed ledger_age_max = std::chrono::milliseconds{500};

struct SetTallies {
  std::uint64_t sets = 0;
  std::uint64_t delivered = 0;   ///< whole
  std::uint64_t damaged = 0;     ///< in part
  std::uint64_t lost = 0;        ///< not at all
  std::uint64_t incomplete = 0;  ///< of the damaged and lost: came with holes
  std::uint64_t late = 0;        ///< delivered whole, after the delay budget
  std::uint64_t unjudged = 0;    ///< there was no room
  struct ByPsi {
    std::uint64_t sets = 0;
    std::uint64_t delivered = 0;
    bool operator==(const ByPsi&) const = default;
  };
  std::array<ByPsi, psi_values> by_psi{};
  bool operator==(const SetTallies&) const = default;
};

/// What the guarantee is asked about: sets that came whole.
struct LedgerVerdict {
  bool whole = false;
  bool late = false;
};

class SetLedger {
 public:
  /// Which set a PDU belongs to; none where it is not judged with one.
  struct Ticket {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
  };

  SetLedger() : records_(ledger_sets_max) {
    for (std::uint32_t i = ledger_sets_max; i-- > 0;) free_.push_back(i);
  }

  /// Zero: none.
  void set_delay_budget(Elapsed budget) { delay_budget_ = budget; }

  std::optional<Ticket> arrive(const PduSetMark& mark, std::uint32_t octets, Elapsed now);
  /// The PDU was delivered or not. The verdict, if it was the last one of a set that came whole.
  std::optional<LedgerVerdict> settle(const Ticket& ticket, bool delivered, Elapsed at);
  /// Sets that ended without their end.
  void expire(Elapsed now);

  const SetTallies& tallies() const { return tallies_; }
  /// Those of single packets are the caller's.
  Oddities& oddities() { return oddities_; }
  const Oddities& oddities() const { return oddities_; }

 private:
  struct Record {
    std::uint32_t generation = 0;
    std::uint32_t octets = 0;
    std::uint32_t size_said = 0;
    std::uint32_t outstanding = 0;
    std::uint32_t delivered = 0;
    std::uint32_t failed = 0;
    Elapsed begun{};
    Elapsed last_delivered{};
    std::uint8_t psi = 0;
    bool open = false;
    bool complete = false;  ///< all PDUs have come
    bool ended = false;     ///< none will come
    bool judged = false;
  };

  void note_change(Record& record, const PduSetMark& mark);
  void end(const TrackedSet& set);
  std::optional<LedgerVerdict> judge(Record& record);
  void free_if_done(std::uint32_t slot);

  std::vector<Record> records_;
  std::vector<std::uint32_t> free_;
  SetTracker tracker_;
  std::uint64_t skipped_told_ = 0;
  Elapsed delay_budget_{};
  SetTallies tallies_;
  Oddities oddities_;
};

}  // namespace lobo::dataplane
