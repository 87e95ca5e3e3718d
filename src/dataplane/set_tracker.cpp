#include "dataplane/set_tracker.hpp"

#include <cstdint>
#include <optional>

#include "model/pdu_set.hpp"

namespace lobo::dataplane {
namespace {

constexpr unsigned window_bits = 64;
constexpr int psn_count = static_cast<int>(Psn::count_of_values);

}  // namespace

void SetTracker::open(TrackedSet& set, const PduSetMark& mark,
                      std::optional<std::uint16_t> rtp_sequence, std::uint32_t now_us) {
  ++tallies_.sets_begun;
  set = TrackedSet{.first_seen_us = now_us,
                   .pdus_in_set = mark.pdus_in_set.value_or(0),
                   .pssn = mark.pssn.value(),
                   .open = true};
  open_ |= 1U << static_cast<unsigned>(&set - ring_.data());
  const std::uint32_t psn = mark.psn16.value_or(mark.psn.value());
  set.psn_high = static_cast<std::uint16_t>(psn);
  if (!rtp_sequence) return;
  set.rtp_known = true;
  set.first_rtp_sequence = static_cast<std::uint16_t>(*rtp_sequence - psn);
  if (mark.psn16) return;
  // A set of over 64 PDUs whose first 64 were lost looks as if it began later. The end of the set
  // before says where it really began, if that fits the PSN.
  const TrackedSet& before = ring_[(mark.pssn.value() - 1U) % tracked_sets_max];
  const bool known = before.open && before.rtp_known && before.pdus_in_set != 0 &&
                     Pssn::wrapped(before.pssn).next() == mark.pssn;
  if (!known) return;
  const auto begin = static_cast<std::uint16_t>(before.first_rtp_sequence + before.pdus_in_set);
  const auto distance = static_cast<std::uint16_t>(*rtp_sequence - begin);
  if (distance % Psn::count_of_values != mark.psn.value() || distance >= 0x8000U) return;
  set.first_rtp_sequence = begin;
  set.psn_high = distance;
}

/// How far the PDU stands behind (negative) or ahead of the greatest PSN seen.
int SetTracker::steps_from_high(TrackedSet& set, const PduSetMark& mark,
                                std::optional<std::uint16_t> rtp_sequence) const {
  if (mark.psn16) return int{*mark.psn16} - int{set.psn_high};
  if (rtp_sequence && set.rtp_known) {
    const int psn = static_cast<std::int16_t>(
        static_cast<std::uint16_t>(*rtp_sequence - set.first_rtp_sequence));
    // The two numbers must agree in the six bits that they share; else the sequence is not the
    // sender's any more (a mixer between) and only the PSN counts.
    if ((psn & (psn_count - 1)) == mark.psn.value()) {
      if (psn >= 0) return psn - int{set.psn_high};
      // The set began 64, 128, … PDUs before what was taken for its beginning.
      const int shift = (psn_count - 1 - psn) / psn_count * psn_count;
      set.first_rtp_sequence = static_cast<std::uint16_t>(set.first_rtp_sequence - shift);
      set.psn_high = static_cast<std::uint16_t>(set.psn_high + shift);
      return psn + shift - int{set.psn_high};
    }
  }
  // The nearest number with these six bits.
  const int ahead = (mark.psn.value() - set.psn_high) & (psn_count - 1);
  const int step = ahead <= psn_count / 2 ? ahead : ahead - psn_count;
  return step + int{set.psn_high} >= 0 ? step : step + psn_count;
}

bool SetTracker::note(TrackedSet& set, const PduSetMark& mark,
                      std::optional<std::uint16_t> rtp_sequence) {
  const int step = steps_from_high(set, mark, rtp_sequence);
  if (step > 0) {
    const auto ahead = static_cast<unsigned>(step);
    set.seen = (ahead < window_bits ? set.seen << ahead : 0) | 1U;
    set.psn_high = static_cast<std::uint16_t>(int{set.psn_high} + step);
  } else {
    const auto behind = static_cast<unsigned>(-step);
    if (behind >= window_bits) return false;  // so late that it cannot be told from a duplicate
    const std::uint64_t bit = std::uint64_t{1} << behind;
    if ((set.seen & bit) != 0) return false;
    set.seen |= bit;
    if (set.pdus > 0) ++tallies_.pdus_reordered;
  }
  if (mark.pdus_in_set.value_or(0) != 0) {
    set.pdus_in_set = *mark.pdus_in_set;
  } else if (mark.end_of_pdu_set) {
    set.pdus_in_set = static_cast<std::uint16_t>(int{set.psn_high} + (step < 0 ? step : 0) + 1);
  }
  return true;
}

}  // namespace lobo::dataplane
