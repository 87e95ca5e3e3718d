#pragma once
// A queue of a bounded number of bytes before a slow link, with PDU-Set-integrated handling
// (TS 23.501 clause 5.37.5): what is dropped is dropped by whole PDU Sets, the unimportant first.
// Plain tail drop stands beside it, on the same bytes, to compare with.
//
// PDUs leave in the order in which they came. They hang in runs: a run is PDUs of one set that came
// in a row, the runs form the queue, and each set knows its runs. So a whole set leaves the queue
// in one step for each of its runs, which is one step in all where a set's PDUs come in a row, as
// those of a frame do; its chain of PDUs moves as a whole to the list of what was dropped.
//
// All memory is taken at construction. Not known here: sockets, clocks, where the bytes are.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <vector>

#include "dataplane/drop_reason.hpp"
#include "dataplane/elapsed.hpp"
#include "model/pdu_set.hpp"

namespace lobo::dataplane {

enum class Policy : std::uint8_t {
  taildrop,   ///< what does not fit is dropped, PDU by PDU
  psihi,      ///< and the rest of its set with it (PDU Set Integrated Handling Information)
  evict,      ///< sets are admitted as a whole; a more important one evicts less important ones
  threshold,  ///< and each importance may fill only its share of the queue
};

constexpr std::string_view to_string(Policy policy) {
  switch (policy) {
    case Policy::taildrop: return "taildrop";
    case Policy::psihi: return "psihi";
    case Policy::evict: return "evict";
    case Policy::threshold: return "threshold";
  }
  std::abort();
}
inline constexpr std::array policies{Policy::taildrop, Policy::psihi, Policy::evict,
                                     Policy::threshold};

inline constexpr std::size_t psi_values = 16;
/// The share of the queue, in percent, up to which a set of each PSI is admitted. PSI 0 is not
/// known to be unimportant: it has the whole queue and is never evicted.
using Thresholds = std::array<std::uint8_t, psi_values>;
inline constexpr Thresholds thresholds_default{100, 100, 90, 60, 60, 50, 50, 50,
                                               40,  40,  40, 40, 40, 40, 40, 40};

inline constexpr std::uint32_t queue_pdus_max = 1U << 20U;  ///< what a configuration may ask for
inline constexpr std::uint32_t queue_sets_max = 1U << 16U;  ///< likewise

struct QueueConfig {
  Policy policy = Policy::threshold;
  std::uint64_t bytes_max = 0;
  std::uint32_t pdus_max = 4096;
  std::uint32_t sets_max = 256;
  Thresholds thresholds = thresholds_default;
  /// PSDB, from the first PDU of a set; what is older is dropped. Zero: no budget.
  Elapsed delay_budget{};
};

struct QueuedPdu {
  std::uint64_t handle = 0;  ///< the caller's
  std::uint32_t bytes = 0;
  bool end_of_pdu_set = false;
  bool operator==(const QueuedPdu&) const = default;
};

struct DroppedPdu {
  std::uint64_t handle = 0;
  std::uint32_t bytes = 0;
  DropReason reason{};
  bool operator==(const DroppedPdu&) const = default;
};

/// A set of the queue; its number is used again after close_set().
enum class SetId : std::uint32_t { none = 0xFFFFFFFF };

class SetQueue {
 public:
  explicit SetQueue(const QueueConfig& config);

  /// A set begins, of which the sender says `pdu_set_size` bytes (0: unknown). `none` where the
  /// table of sets is full: its PDUs are then lone ones.
  SetId open_set(Psi psi, std::uint32_t pdu_set_size, Elapsed now);
  /// No further PDU of the set will come.
  void close_set(SetId set);
  /// The set is of no use any more: drops what waits of it and what will come (PSIHI). Tail drop
  /// knows no sets.
  void doom(SetId set, DropReason reason);

  /// Takes a PDU, or tells why not. A lone PDU belongs to SetId::none.
  std::optional<DropReason> enqueue(SetId set, const QueuedPdu& pdu, Elapsed now);
  /// The next PDU for the link.
  std::optional<QueuedPdu> dequeue(Elapsed now);
  /// A PDU that had been taken and was dropped since; each is told once.
  std::optional<DroppedPdu> next_dropped();

  std::uint64_t bytes() const { return bytes_; }
  std::uint32_t pdus() const { return pdus_; }
  bool empty() const { return head_ == none; }
  const QueueConfig& config() const { return config_; }
  const DropTallies& dropped() const { return dropped_; }
  const Tally& delivered() const { return delivered_; }
  /// Sets that were dropped in whole or in part, by PSI: the hook for who tells the application.
  const std::array<std::uint64_t, psi_values>& sets_dropped() const { return sets_dropped_; }

 private:
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  /// A PDU; the first of a run speaks for the run.
  struct Slot {
    std::uint64_t handle = 0;
    std::uint32_t bytes = 0;
    std::uint32_t next = none;  ///< in the run, or in the list of free slots
    std::uint32_t set = none;
    std::uint32_t run_last = none;
    std::uint32_t run_before = none;
    std::uint32_t run_after = none;  ///< in the queue, or in the list of what was dropped
    std::uint32_t run_of_set = none;
    bool end_of_pdu_set = false;
    DropReason reason{};
  };
  enum class SetState : std::uint8_t { free, fresh, admitted, doomed };
  struct Set {
    std::uint32_t first_run = none;
    std::uint32_t last_run = none;
    std::uint32_t bytes = 0;      ///< waiting
    std::uint32_t pdus = 0;       ///< waiting
    std::uint32_t reserved = 0;   ///< admitted and not yet come
    std::uint32_t arrived = 0;    ///< bytes in all
    std::uint32_t before = none;  ///< in its bucket, or in the list of free sets
    std::uint32_t after = none;
    Elapsed begun{};
    std::uint8_t psi = 0;
    SetState state = SetState::free;
    DropReason reason{};
    bool closed = false;
    bool bucketed = false;  ///< may be evicted: admitted, and nothing of it was sent
  };
  /// The sets of one PSI that may be evicted, newest last.
  struct Bucket {
    std::uint32_t first = none;
    std::uint32_t last = none;
    std::uint64_t bytes = 0;  ///< waiting and reserved
  };

  std::optional<DropReason> refuse(const QueuedPdu& pdu, DropReason reason);
  std::optional<DropReason> admit(std::uint32_t index, const QueuedPdu& pdu);
  bool make_room(std::uint64_t bytes, std::uint64_t limit, std::uint8_t psi);
  void append(std::uint32_t set, const QueuedPdu& pdu);
  void unlink_run(std::uint32_t run);
  void drop_waiting(std::uint32_t set, DropReason reason);
  void doom_set(std::uint32_t set, DropReason reason);
  void enter_bucket(std::uint32_t set);
  void leave_bucket(std::uint32_t set);
  void unreserve(Set& set, std::uint32_t bytes);
  void free_if_done(std::uint32_t set);
  bool expired(const Set& set, Elapsed now) const;
  std::uint64_t limit_of(std::uint8_t psi) const;
  std::uint64_t occupied() const { return bytes_ + reserved_; }

  QueueConfig config_;
  std::vector<Slot> slots_;
  std::vector<Set> sets_;
  std::array<Bucket, psi_values> buckets_{};
  std::array<std::uint32_t, psi_values> mean_size_{};  ///< of sets that came in whole, by PSI
  std::uint32_t free_slot_ = none;
  std::uint32_t free_set_ = none;
  std::uint32_t head_ = none;  ///< first run
  std::uint32_t tail_ = none;  ///< last run
  std::uint32_t dropped_head_ = none;
  std::uint32_t dropped_tail_ = none;
  std::uint64_t bytes_ = 0;
  std::uint64_t reserved_ = 0;
  std::uint32_t pdus_ = 0;
  DropTallies dropped_{};
  Tally delivered_;
  std::array<std::uint64_t, psi_values> sets_dropped_{};
};

}  // namespace lobo::dataplane
