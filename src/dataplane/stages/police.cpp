#include "dataplane/stages/police.hpp"

#include <algorithm>
#include <cstdint>

#include "dataplane/elapsed.hpp"
#include "dataplane/rules/path_state.hpp"
#include "dataplane/rules/treatment.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "dataplane/set_tracker.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "dataplane/stages/track.hpp"

namespace lobo::dataplane {
namespace {

using State = SetAdmission::State;

/// Who borrows leaves this part of the whole bucket to those whose own it is.
constexpr double lendable_above = 0.5;

void refill(const SetPolicing& sets, Elapsed now) {
  sets.share->tokens.refill(sets.share_limits, now);
  if (sets.guaranteed_limits.depth > 0) sets.qer->guaranteed.refill(sets.guaranteed_limits, now);
  if (!sets.alone) sets.qer->downlink.refill(sets.whole_limits, now);
}

bool within_guarantee(const SetPolicing& sets, double octets) {
  return sets.guaranteed_limits.depth > 0 && sets.qer->guaranteed.octets >= octets;
}

bool may_borrow(const SetPolicing& sets, double octets) {
  return !sets.alone &&
         sets.qer->downlink.octets - octets >= sets.whole_limits.depth * lendable_above;
}

/// Charges a packet that passes: to the PDR's own part unless it is borrowed, and to the whole.
void charge_sets(const SetPolicing& sets, double octets, bool borrowed) {
  if (!borrowed) sets.share->tokens.octets -= octets;
  if (!sets.alone) sets.qer->downlink.octets -= octets;
  if (sets.guaranteed_limits.depth > 0 && sets.qer->guaranteed.octets > 0)
    sets.qer->guaranteed.octets -= octets;
}

/// The octets that a packet takes out of its set's reservation.
void take_reserved(TrackedSet& set, ShareState& share, std::uint32_t octets) {
  const SetAdmission admission(set.queue_set);
  const std::uint32_t taken = std::min(admission.reserved(), octets);
  if (taken == 0) return;
  set.queue_set = SetAdmission(State::admitted, admission.reserved() - taken).bits();
  share.reserved -= std::min<std::uint64_t>(share.reserved, taken);
}

void give_up(TrackedSet& set, ShareState& share) {
  Unreserve{&share}(set);
  set.queue_set = SetAdmission(State::refused, 0).bits();
}

void end_set(const Passage& passage, TrackedSet& set, ShareState& share) {
  take_reserved(set, share, SetAdmission::reserved_max);
  std::uint32_t& mean = share.mean_set_octets[passage.mark.psi.value()];
  mean = mean == 0 ? set.bytes : mean - mean / 8 + set.bytes / 8;
}

}  // namespace

Policer::Policer(const PathSettings& settings, WorkerEvents& events, PathCounters& counters)
    : settings_(settings), events_(events), counters_(counters) {}

void Policer::police(Passage& passage, TrackedSet* set, const Turn& turn) noexcept {
  passage.drop = rule_drop(passage);
  if (passage.drop != PathDrop::nothing) return;
  count_usage(passage, true, turn);
  passage.drop = rates_drop(passage, set, turn.now);
  if (passage.drop == PathDrop::nothing) count_usage(passage, false, turn);
}

PathDrop Policer::rule_drop(const Passage& passage) noexcept {
  const Treatment& rule = *passage.treatment;
  if (rule.action == Treatment::Action::drop) return PathDrop::rule_drops;
  if (rule.action == Treatment::Action::buffer) {
    if (!rule.notify || *rule.told) return PathDrop::rule_buffers;
    // Once until the rules change; where the ring is full, by the next packet.
    *rule.told = events_.push({.kind = WorkerEvent::Kind::downlink_data,
                               .seid = passage.entry->session->seid(),
                               .id = rule.rule->id.value});
    if (!*rule.told) counters_.events_lost.add(1);
    return PathDrop::rule_buffers;
  }
  if (rule.to == Treatment::To::nowhere) return PathDrop::nowhere;
  if (!rule.gate_open) return PathDrop::gate_closed;
  const bool exhausted =
      std::ranges::any_of(rule.meters, [](const MeterUse& use) { return use.meter->exhausted(); });
  return exhausted ? PathDrop::quota_exhausted : PathDrop::nothing;
}

PathDrop Policer::rates_drop(Passage& passage, TrackedSet* set, Elapsed now) noexcept {
  const Treatment& rule = *passage.treatment;
  const double octets = passage.octets;
  if (rule.sets != nullptr) {
    refill(*rule.sets, now);
    // The set is decided about in any case, so that its other PDUs have their answer.
    const PathDrop drop = set == nullptr ? lone_drop(passage) : set_drop(passage, *set);
    if (drop != PathDrop::nothing) return drop;
  }
  for (const PolicerUse& use : rule.policers) {
    use.bucket->refill(use.limits, now);
    if (use.bucket->octets <= 0)
      return use.shared ? PathDrop::aggregate_rate_exceeded : PathDrop::rate_exceeded;
  }
  for (const PolicerUse& use : rule.policers) use.bucket->octets -= octets;
  if (rule.sets != nullptr)
    charge_sets(*rule.sets, octets, passage.verdict == SetVerdict::borrowed);
  return PathDrop::nothing;
}

PathDrop Policer::set_drop(Passage& passage, TrackedSet& set) noexcept {
  const SetPolicing& sets = *passage.treatment->sets;
  if (SetAdmission(set.queue_set).state() == State::undecided) decide(passage, set);
  const State state = SetAdmission(set.queue_set).state();
  if (state == State::refused) {
    passage.verdict = SetVerdict::refused;
    return PathDrop::set_not_admitted;
  }
  const bool borrowed = state == State::borrowed;
  passage.verdict = borrowed ? SetVerdict::borrowed : SetVerdict::admitted;
  if (!borrowed) take_reserved(set, *sets.share, passage.octets);
  if (passage.mark.end_of_pdu_set) end_set(passage, set, *sets.share);
  const bool overran = borrowed ? sets.qer->downlink.octets <= -sets.whole_limits.depth
                                : sets.share->tokens.octets <= -sets.share_limits.depth;
  if (!overran || within_guarantee(sets, 1)) return PathDrop::nothing;
  give_up(set, *sets.share);
  passage.verdict = SetVerdict::refused;
  return PathDrop::set_overran;
}

/// The first PDU that is seen decides for its whole set.
void Policer::decide(const Passage& passage, TrackedSet& set) noexcept {
  const SetPolicing& sets = *passage.treatment->sets;
  ShareState& share = *sets.share;
  const std::uint8_t psi = passage.mark.psi.value();
  const std::uint32_t size = passage.mark.pdu_set_size.value_or(0);
  const std::uint32_t said = size != 0 ? size : share.mean_set_octets[psi];
  const auto wanted = static_cast<double>(std::max(said, passage.octets));
  // A set that is larger than its share gets in when nothing else is there.
  const double limit = sets.share_limits.depth * settings_.thresholds[psi] / 100;
  const auto needed = static_cast<std::uint32_t>(
      std::min<double>(std::min(wanted, limit), SetAdmission::reserved_max));
  const double occupied =
      sets.share_limits.depth - share.tokens.octets + static_cast<double>(share.reserved);
  if (occupied + needed <= limit ||
      within_guarantee(sets, std::min(wanted, sets.guaranteed_limits.depth))) {
    set.queue_set = SetAdmission(State::admitted, needed).bits();
    share.reserved += needed;
    counters_.sets_admitted.add(1);
  } else if (may_borrow(sets, std::min(wanted, sets.whole_limits.depth * lendable_above))) {
    set.queue_set = SetAdmission(State::borrowed, 0).bits();
    counters_.sets_admitted.add(1);
    counters_.sets_borrowed.add(1);
  } else {
    set.queue_set = SetAdmission(State::refused, 0).bits();
    counters_.sets_refused.add(1);
  }
}

PathDrop Policer::lone_drop(Passage& passage) const noexcept {
  const SetPolicing& sets = *passage.treatment->sets;
  passage.verdict = SetVerdict::lone;
  if (sets.share->tokens.octets > 0 || within_guarantee(sets, 1)) return PathDrop::nothing;
  if (!may_borrow(sets, 0)) return PathDrop::rate_exceeded;
  passage.verdict = SetVerdict::borrowed;
  return PathDrop::nothing;
}

void Policer::count_usage(const Passage& passage, bool before_qos, const Turn& turn) noexcept {
  for (const MeterUse& use : passage.treatment->meters) {
    if (use.before_qos != before_qos) continue;
    const auto now_ns = static_cast<std::uint64_t>(turn.since_1970.count());
    if (use.meter->count(passage.travel(), passage.octets, now_ns))
      tell({.kind = WorkerEvent::Kind::usage,
            .seid = passage.entry->session->seid(),
            .id = use.id.value});
  }
}

void Policer::tell(const WorkerEvent& event) noexcept {
  if (!events_.push(event)) counters_.events_lost.add(1);
}

}  // namespace lobo::dataplane
