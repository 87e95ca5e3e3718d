#pragma once
// Fifth stage: gates, quotas and rates, in both directions, and what passed is counted.
//
// Rates are policed with token buckets (token_bucket.hpp) whose depths stand in treatment.hpp. All
// QERs of a PDR are asked before one is charged: what is dropped costs none of them anything.
//
// PDU Sets. A QER with PDUSM decides about a marked packet's set at its first PDU, for all of it,
// as SetQueue does: by PSSize, or the mean of earlier sets of that importance, against the share of
// the bucket that the importance has. Later PDUs of an admitted set pass and may owe up to one
// bucket; those of a refused set are dropped. PSI 0 and packets without a marking have the whole
// bucket, and what others reserved does not count against the latter.
//
// What a marking cannot do. Each PDR under the QER has an even part of the rate, with a bucket of
// its own; importance decides within that part and nowhere else. What a PDR does not use others may
// borrow, all at the same terms, whatever their importance. So who marks everything most important
// takes from nobody but himself. A QER without PDUSM (the Session-AMBR) sees no markings at all. A
// set that finds the room of its guaranteed rate (GBR) is admitted whatever its importance.

#include "dataplane/elapsed.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "dataplane/set_tracker.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "dataplane/stages/path_drop.hpp"

namespace lobo::dataplane {

class Policer {
 public:
  Policer(const PathSettings& settings, WorkerEvents& events, PathCounters& counters);

  /// FAR, gate and quota; then the rates; then usage. `set` is what track() found.
  void police(Passage& passage, TrackedSet* set, const Turn& turn) noexcept;

 private:
  PathDrop rule_drop(const Passage& passage) noexcept;
  PathDrop rates_drop(Passage& passage, TrackedSet* set, Elapsed now) noexcept;
  PathDrop set_drop(Passage& passage, TrackedSet& set) noexcept;
  void decide(const Passage& passage, TrackedSet& set) noexcept;
  PathDrop lone_drop(Passage& passage) const noexcept;
  void count_usage(const Passage& passage, bool before_qos, const Turn& turn) noexcept;
  void tell(const WorkerEvent& event) noexcept;

  const PathSettings& settings_;
  WorkerEvents& events_;
  PathCounters& counters_;
};

}  // namespace lobo::dataplane
