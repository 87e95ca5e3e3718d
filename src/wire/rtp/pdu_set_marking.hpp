#pragma once
// The header extension for PDU Set marking (TS 26.522 clause 4.2): 3 bytes that must be there, then
// PSSize, then NPDS where they are announced. The four lengths differ, so the length says which.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "model/pdu_set.hpp"

namespace lobo::rtp {

inline constexpr std::string_view pdu_set_marking_urn = "urn:3gpp:pdu-set-marking:rel-18";
inline constexpr std::size_t pdu_set_marking_bytes_max = 8;

/// The 24 bits E RR D PSI PSSN PSN, as the UDP option has them as well. RR is sent 0.
constexpr std::uint32_t mandatory_bits(const PduSetMark& mark) {
  return (mark.end_of_pdu_set ? 0x800000U : 0U) | (mark.end_of_data_burst ? 0x100000U : 0U) |
         std::uint32_t{mark.psi.value()} << 16U | std::uint32_t{mark.pssn.value()} << 6U |
         std::uint32_t{mark.psn.value()};
}
constexpr void set_mandatory(PduSetMark& mark, std::uint32_t bits) {
  mark.end_of_pdu_set = (bits & 0x800000U) != 0;
  mark.end_of_data_burst = (bits & 0x100000U) != 0;
  mark.psi = Psi::low_bits_of(bits >> 16U);
  mark.pssn = Pssn::wrapped(bits >> 6U);
  mark.psn = Psn::wrapped(bits);
}

constexpr std::size_t pdu_set_marking_bytes(const PduSetMark& mark) {
  return 3U + (mark.pdu_set_size ? 3U : 0U) + (mark.pdus_in_set ? 2U : 0U);
}

/// Writes 3, 5, 6 or 8 bytes. What else the mark has, this extension cannot carry.
constexpr void write_pdu_set_marking(ByteWriter& out, const PduSetMark& mark) {
  out.be24(mandatory_bits(mark));
  if (mark.pdu_set_size) out.be24(*mark.pdu_set_size);
  if (mark.pdus_in_set) out.be16(*mark.pdus_in_set);
}

/// False, and `mark` as it was, if `value` has another length than the four.
constexpr bool read_pdu_set_marking(Bytes value, PduSetMark& mark) {
  const std::size_t length = value.size();
  if (length == pdu_set_marking_bytes_max) {  // all of it, as ours is sent: one load
    const std::uint64_t all = be64_at(value, 0);
    set_mandatory(mark, static_cast<std::uint32_t>(all >> 40U));
    mark.pdu_set_size = static_cast<std::uint32_t>(all >> 16U & 0xFFFFFFU);
    mark.pdus_in_set = static_cast<std::uint16_t>(all);
    return true;
  }
  if (length != 3 && length != 5 && length != 6) return false;
  set_mandatory(mark, be24_at(value, 0));
  mark.pdu_set_size = length == 6 ? std::optional(be24_at(value, 3)) : std::nullopt;
  mark.pdus_in_set = length == 5 ? std::optional(be16_at(value, 3)) : std::nullopt;
  return true;
}

}  // namespace lobo::rtp
