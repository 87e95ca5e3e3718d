#pragma once
// Why a PDU was not delivered: a closed list, so that what is dropped can be counted in full.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace lobo::dataplane {

enum class DropReason : std::uint8_t {
  queue_full,      ///< it did not fit
  not_admitted,    ///< its PDU Set did not fit as a whole, or its importance's share is used up
  set_incomplete,  ///< another PDU of its PDU Set was dropped, so it is of no use (PSIHI)
  set_lost_pdu,    ///< another PDU of its PDU Set was lost before it came here (PSIHI)
  evicted,         ///< its PDU Set made room for a more important one
  expired,         ///< its PDU Set is older than its delay budget (PSDB)
  no_slot,         ///< the queue's table of PDUs is full
};
inline constexpr std::size_t drop_reasons_count = 7;

constexpr std::string_view to_string(DropReason reason) {
  switch (reason) {
    case DropReason::queue_full: return "queue_full";
    case DropReason::not_admitted: return "not_admitted";
    case DropReason::set_incomplete: return "set_incomplete";
    case DropReason::set_lost_pdu: return "set_lost_pdu";
    case DropReason::evicted: return "evicted";
    case DropReason::expired: return "expired";
    case DropReason::no_slot: return "no_slot";
  }
  std::abort();
}

struct Tally {
  std::uint64_t pdus = 0;
  std::uint64_t bytes = 0;
  bool operator==(const Tally&) const = default;
};

using DropTallies = std::array<Tally, drop_reasons_count>;

}  // namespace lobo::dataplane
