#pragma once
// What `lobo pcap inspect` says of a packet and of a PDU Set: a closed list, the same in the table,
// in JSON and in docs/toolbox.md. Whatever is said, the user data is delivered as it was.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lobo::app {

enum class Reason : std::uint8_t {
  // Nothing is wrong.
  marked,    ///< a mark was read
  unmarked,  ///< there is none to read
  sealed,    ///< a protected mark, and no keys were given
  not_udp,   ///< other traffic
  fragment,  ///< of an IP packet: the end of the datagram is not here
  edge,      ///< a PDU Set that the capture has in part, because it begins or ends there
  // The packet.
  link_unknown,         ///< a link type, or an interface, that we cannot look into
  packet_cut,           ///< captured in part
  packet_malformed,     ///< headers that contradict themselves
  gtpu_malformed,       ///< a G-PDU that contradicts itself
  container_malformed,  ///< a PDU Set Information or PDU Session Container that does
  // The surplus area (RFC 9868).
  surplus_too_short,
  pad_not_zero,
  ocs_wrong,
  ocs_missing,
  option_cut,
  option_length,
  too_many_options,
  unsafe_option,
  fragment_misplaced,
  apc_wrong,   ///< the user data are not what its APC says; the mark stands
  auth_wrong,  ///< a MAC of a key that we have, and it does not hold: the mark is not believed
  // The header extension (RFC 8285, TS 26.522).
  extension_damaged,
  extension_length,
  // The XRM option.
  truncated,
  length_invalid,
  trailing_octets,
  clear_not_accepted,
  version_unknown,
  key_unknown,
  short_tag_refused,
  sid_refused,
  replayed,
  too_old,
  not_authentic,
  senders_exhausted,
  // Marks that contradict each other.
  carriages_differ,  ///< one packet, two marks
  // PDU Sets.
  pdu_missing,
  pdu_repeated,
  end_missing,     ///< no PDU says E
  pdu_behind_end,  ///< a PSN beyond that of the PDU that says E
  size_wrong,      ///< PSSize is not what its PDUs add up to
  count_wrong,     ///< NPDS is not how many they are
  fields_differ,   ///< its PDUs say different PSI, PSSize or NPDS
  set_missing,     ///< the PSSN jumps
  set_late,        ///< a PSSN of long ago
  too_many_flows,  ///< its PDU Sets are not followed
};
inline constexpr std::size_t reasons = 47;

constexpr std::array<std::string_view, reasons> reason_names{"marked",
                                                             "unmarked",
                                                             "sealed",
                                                             "not_udp",
                                                             "fragment",
                                                             "edge",
                                                             "link_unknown",
                                                             "packet_cut",
                                                             "packet_malformed",
                                                             "gtpu_malformed",
                                                             "container_malformed",
                                                             "surplus_too_short",
                                                             "pad_not_zero",
                                                             "ocs_wrong",
                                                             "ocs_missing",
                                                             "option_cut",
                                                             "option_length",
                                                             "too_many_options",
                                                             "unsafe_option",
                                                             "fragment_misplaced",
                                                             "apc_wrong",
                                                             "auth_wrong",
                                                             "extension_damaged",
                                                             "extension_length",
                                                             "truncated",
                                                             "length_invalid",
                                                             "trailing_octets",
                                                             "clear_not_accepted",
                                                             "version_unknown",
                                                             "key_unknown",
                                                             "short_tag_refused",
                                                             "sid_refused",
                                                             "replayed",
                                                             "too_old",
                                                             "not_authentic",
                                                             "senders_exhausted",
                                                             "carriages_differ",
                                                             "pdu_missing",
                                                             "pdu_repeated",
                                                             "end_missing",
                                                             "pdu_behind_end",
                                                             "size_wrong",
                                                             "count_wrong",
                                                             "fields_differ",
                                                             "set_missing",
                                                             "set_late",
                                                             "too_many_flows"};
static_assert(static_cast<std::size_t>(Reason::too_many_flows) + 1 == reasons);

constexpr std::string_view to_string(Reason reason) {
  return reason_names[static_cast<std::size_t>(reason)];
}
constexpr bool is_wrong(Reason reason) { return reason > Reason::edge; }

/// How often each was said.
class ReasonCounts {
 public:
  void add(Reason reason) { ++counts_[static_cast<std::size_t>(reason)]; }
  std::uint64_t of(Reason reason) const { return counts_[static_cast<std::size_t>(reason)]; }
  std::uint64_t wrong() const {
    std::uint64_t sum = 0;
    for (std::size_t i = static_cast<std::size_t>(Reason::edge) + 1; i < reasons; ++i)
      sum += counts_[i];
    return sum;
  }

 private:
  std::array<std::uint64_t, reasons> counts_{};
};

}  // namespace lobo::app
