#pragma once
// A cell's downlink: a rate that all bearers share, and a queue before it for each of them. Packets
// come and time passes; who leaves when, and what is dropped for which reason, comes out.
//
// By flow: bearers with a guaranteed rate are served first, as far as it goes; what is left is
// shared evenly (deficit round robin). Plain: one queue, first come first served, no flow and no
// PDU Set is known.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/quantity.hpp"
#include "dataplane/drop_reason.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/radio/rate_trace.hpp"
#include "dataplane/set_handling.hpp"
#include "dataplane/set_queue.hpp"
#include "dataplane/set_tracker.hpp"
#include "model/pdu_set.hpp"

namespace lobo::dataplane {

enum class CellScheduler : std::uint8_t { by_flow, plain };
constexpr std::string_view to_string(CellScheduler scheduler) {
  switch (scheduler) {
    case CellScheduler::by_flow: return "by_flow";
    case CellScheduler::plain: return "plain";
  }
  std::abort();
}

inline constexpr std::size_t bearers_max = 256;

/// Why a packet did not arrive: those of the queue, and what else can happen to it at a gNB.
enum class RadioDrop : std::uint8_t {
  queue_full,
  not_admitted,
  set_incomplete,
  set_lost_pdu,
  evicted,
  expired,
  no_slot,
  radio,         ///< lost on the link of the UE
  reconfigured,  ///< it waited in a queue that is no more
  no_room,       ///< more packets are under way than may be
};
inline constexpr std::size_t radio_drops_count = 10;
constexpr std::string_view to_string(RadioDrop reason) {
  switch (reason) {
    case RadioDrop::queue_full: return "queue_full";
    case RadioDrop::not_admitted: return "not_admitted";
    case RadioDrop::set_incomplete: return "set_incomplete";
    case RadioDrop::set_lost_pdu: return "set_lost_pdu";
    case RadioDrop::evicted: return "evicted";
    case RadioDrop::expired: return "expired";
    case RadioDrop::no_slot: return "no_slot";
    case RadioDrop::radio: return "radio";
    case RadioDrop::reconfigured: return "reconfigured";
    case RadioDrop::no_room: return "no_room";
  }
  std::abort();
}
constexpr RadioDrop radio_drop_of(DropReason reason) {
  switch (reason) {
    case DropReason::queue_full: return RadioDrop::queue_full;
    case DropReason::not_admitted: return RadioDrop::not_admitted;
    case DropReason::set_incomplete: return RadioDrop::set_incomplete;
    case DropReason::set_lost_pdu: return RadioDrop::set_lost_pdu;
    case DropReason::evicted: return RadioDrop::evicted;
    case DropReason::expired: return RadioDrop::expired;
    case DropReason::no_slot: return RadioDrop::no_slot;
  }
  std::abort();
}

struct CellConfig {
  CellScheduler scheduler = CellScheduler::by_flow;
  Policy policy = Policy::threshold;
  std::uint64_t queue_octets = 500'000;  ///< of each queue
  Thresholds thresholds = thresholds_default;
  Elapsed delay_budget{};  ///< PSDB where the flow has none; zero: none
};

struct BearerTerms {
  BitsPerSecond guaranteed;  ///< 0: none
  Elapsed delay_budget{};    ///< PSDB; zero: the cell's
  /// A set of which a PDU is missing is of no use (PSIHI). Where it is, sets are not dropped whole.
  bool whole_sets = true;
  bool operator==(const BearerTerms&) const = default;
};

/// A number of the cell's; it is used again after close().
enum class BearerId : std::uint32_t {};

struct CellFate {
  std::uint32_t handle = 0;
  std::optional<RadioDrop> dropped;
  Elapsed at{};  ///< its last bit leaves, perhaps later than now; or it was dropped
};
using CellFates = std::vector<CellFate>;

class Cell {
 public:
  Cell(const CellConfig& config, RateTrace rate);

  /// Nothing where there are bearers_max. `ue` tells which bearers share a limit.
  std::optional<BearerId> open(std::uint32_t ue, const BearerTerms& terms);
  /// What waits is dropped, as `reconfigured`.
  void close(BearerId bearer, Elapsed now, CellFates& out);
  /// Other terms; what waits is dropped where the queue becomes another.
  void change(BearerId bearer, const BearerTerms& terms, Elapsed now, CellFates& out);
  /// At most so much to this UE, beside the cell's rate; 0: no limit.
  void limit(std::uint32_t ue, BitsPerSecond rate);

  /// For what begins to be sent from now on; what is being sent does not hold it up.
  void set_rate(RateTrace rate, Elapsed now, CellFates& out);
  /// Other queues; what waits is dropped.
  void reconfigure(const CellConfig& config, Elapsed now, CellFates& out);

  /// A packet comes, marked or not (`mark` null). Times never go back.
  void arrive(BearerId bearer, const PduSetMark* mark, std::uint32_t handle, std::uint32_t octets,
              Elapsed now, CellFates& out);
  /// Serves what begins to be sent until `now`.
  void advance(Elapsed now, CellFates& out);
  /// When the next packet begins to be sent; nothing where none waits.
  std::optional<Elapsed> next_at() const;

  const CellConfig& config() const { return config_; }
  const RateTrace& rate() const { return rate_; }
  std::uint64_t queued_octets() const;
  /// Of the queue that the bearer uses.
  std::uint64_t queued_octets(BearerId bearer) const;

 private:
  /// A queue; in a plain cell there is one, of no bearer.
  struct Line {
    explicit Line(const QueueConfig& config) : handling(config) {}
    SetHandling handling;
    SetTracker tracker;
  };
  struct Bearer {
    std::uint32_t ue = 0;
    BearerTerms terms;
    std::unique_ptr<Line> line;  ///< null in a plain cell
    double credit = 0;           ///< octets of the guaranteed rate
    Elapsed credited_at{};
    double deficit = 0;  ///< octets
  };
  struct Limit {
    std::uint32_t ue = 0;
    BitsPerSecond rate;
    Elapsed free_at{};
  };

  QueueConfig queue_config(const BearerTerms& terms) const;
  Line& line_of(std::size_t bearer);
  void give_line(Bearer& bearer);
  void drop_all(Line& line, Elapsed now, CellFates& out);
  void tell_dropped(Line& line, Elapsed now, CellFates& out);
  bool waits(const Bearer& bearer) const { return !bearer.line->handling.queue().empty(); }
  Limit* limit_of(std::uint32_t ue);
  const Limit* limit_of(std::uint32_t ue) const;
  Elapsed eligible_at(const Bearer& bearer) const;
  void serve(Line& line, Elapsed start, CellFates& out, double* charged);
  void serve_by_flow(Elapsed start, CellFates& out);
  void refill(Bearer& bearer, Elapsed now) const;
  std::size_t pick_even(Elapsed start);

  CellConfig config_;
  RateTrace rate_;
  std::vector<std::optional<Bearer>> bearers_;
  std::unique_ptr<Line> shared_;  ///< of a plain cell
  std::vector<Limit> limits_;
  Elapsed free_at_{};
  std::uint32_t octets_in_service_ = 0;  ///< until free_at_
  std::size_t turn_guaranteed_ = 0;      ///< whose turn it is
  std::size_t turn_even_ = 0;
  bool turn_even_begins_ = true;
};

}  // namespace lobo::dataplane
