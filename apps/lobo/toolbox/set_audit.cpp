#include "toolbox/set_audit.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "model/pdu_set.hpp"
#include "toolbox/reason.hpp"

namespace lobo::app {
namespace {

/// A number that says "unknown" is as good as none.
template <class Number>
std::optional<Number> known(std::optional<Number> value) {
  return value && *value != 0 ? value : std::nullopt;
}

}  // namespace

void SetAudit::open(OpenSet& set, const AuditedPdu& pdu) {
  set.open = true;
  set.awaited = false;
  set.first_of_flow = std::exchange(first_set_, false);
  set.fields_differ = false;
  set.behind_end = false;
  set.seen = {.pssn = pdu.mark.pssn,
              .psi = pdu.mark.psi,
              .pdu_set_size = known(pdu.mark.pdu_set_size),
              .pdus_in_set = known(pdu.mark.pdus_in_set),
              .first_at_ns = pdu.at_ns};
  const std::uint32_t number = pdu.mark.psn16 ? *pdu.mark.psn16 : pdu.mark.psn.value();
  set.sequence_of_psn_0 = static_cast<std::uint16_t>(pdu.rtp_sequence.value_or(0) - number);
  set.end_number.reset();
  set.highest = 0;
  set.numbers.reset();
}

bool SetAudit::note(OpenSet& set, const AuditedPdu& pdu) {
  // 1. Its number in the set: told in full, or by the RTP sequence number where PSN agrees, else
  // PSN
  //    with the turns that the numbers before it imply.
  std::uint32_t number = pdu.mark.psn.value();
  if (pdu.mark.psn16) {
    number = *pdu.mark.psn16;
  } else if (pdu.rtp_sequence) {
    const auto by_sequence = static_cast<std::uint16_t>(*pdu.rtp_sequence - set.sequence_of_psn_0);
    if (Psn::wrapped(by_sequence) == pdu.mark.psn && by_sequence < 0x8000) number = by_sequence;
  } else if (set.seen.pdus > 0) {
    const std::uint32_t turns = set.highest / Psn::count_of_values;
    number += turns * Psn::count_of_values;
    if (number + Psn::count_of_values / 2 < set.highest) number += Psn::count_of_values;
  }
  // 2. Not the same one twice.
  if (number < set_pdus_max) {
    if (set.numbers[number]) return false;
    set.numbers[number] = true;
  }
  // 3. What it adds, and what all of a set must say alike.
  set.highest = std::max(set.highest, number);
  ++set.seen.pdus;
  set.seen.bytes += pdu.ip_bytes;
  set.seen.last_at_ns = pdu.at_ns;
  set.seen.end_of_data_burst = set.seen.end_of_data_burst || pdu.mark.end_of_data_burst;
  if (pdu.mark.end_of_pdu_set) {
    if (set.end_number && *set.end_number != number) set.behind_end = true;
    set.end_number = number;
  }
  if (pdu.mark.psi != set.seen.psi || known(pdu.mark.pdu_set_size) != set.seen.pdu_set_size ||
      known(pdu.mark.pdus_in_set) != set.seen.pdus_in_set)
    set.fields_differ = true;
  return true;
}

void SetAudit::judge(OpenSet& set) const {
  AuditedSet& seen = set.seen;
  const std::uint32_t expected = (set.end_number ? *set.end_number : set.highest) + 1;
  seen.missing = expected > seen.pdus ? expected - seen.pdus : 0;
  if (set.behind_end || (set.end_number && set.highest > *set.end_number))
    seen.reason = Reason::pdu_behind_end;
  else if (set.fields_differ)
    seen.reason = Reason::fields_differ;
  else if (!set.end_number)
    seen.reason = at_end_ || set.first_of_flow ? Reason::edge : Reason::end_missing;
  else if (seen.missing > 0)
    seen.reason = set.first_of_flow && !set.numbers[0] ? Reason::edge : Reason::pdu_missing;
  else if (seen.pdus_in_set && *seen.pdus_in_set != seen.pdus)
    seen.reason = Reason::count_wrong;
  else if (seen.pdu_set_size && *seen.pdu_set_size != seen.bytes)
    seen.reason = Reason::size_wrong;
  else
    seen.reason = Reason::marked;
}

}  // namespace lobo::app
