#pragma once
// The two extension headers that carry what the UPF knows of a packet to the gNB (TS 38.415): the
// PDU Session Container (QoS flow, burst size, time to next burst) and the PDU Set Information
// Container (the rest of the marking). NPDS is in neither.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "model/pdu_set.hpp"
#include "wire/gtpu/bits.hpp"

namespace lobo::gtpu {

inline constexpr std::size_t container_content_bytes_max = 32;

enum class NotContainer : std::uint8_t {
  it_is,
  pdu_type,            ///< another type than the one asked for
  cut,                 ///< fields lead beyond the content
  unknown_new_fields,  ///< UL: flags of a later release, so that the rest cannot be placed
  not_enabled,         ///< UL: reports are off
};
constexpr std::string_view to_string(NotContainer reason) {
  switch (reason) {
    case NotContainer::it_is: return "it_is";
    case NotContainer::pdu_type: return "pdu_type";
    case NotContainer::cut: return "cut";
    case NotContainer::unknown_new_fields: return "unknown_new_fields";
    case NotContainer::not_enabled: return "not_enabled";
  }
  std::abort();
}

/// DL PDU SESSION INFORMATION.
struct DlSession {
  std::uint8_t qfi = 0;  ///< 6 bits
  bool reflective_qos = false;
  std::optional<std::uint8_t> paging_policy;             ///< PPI, 3 bits
  std::optional<std::uint64_t> sending_time;             ///< QoS monitoring: DL sending time stamp
  std::optional<std::uint32_t> qfi_sequence_number;      ///< 24 bits
  std::optional<std::uint32_t> mbs_qfi_sequence_number;  ///< 32 bits
  std::optional<std::uint32_t> burst_size;               ///< BSize, 24 bits
  std::optional<std::uint16_t> time_to_next_burst;       ///< TTNB
  bool operator==(const DlSession&) const = default;
};

/// UL PDU SESSION INFORMATION: what the gNB reports back.
struct UlSession {
  std::uint8_t qfi = 0;
  std::optional<std::array<std::uint64_t, 3>>
      time_stamps;  ///< DL sent (repeated), DL received, UL sent
  std::optional<std::uint32_t> dl_delay;
  std::optional<std::uint32_t> ul_delay;
  std::optional<std::uint32_t> qfi_sequence_number;  ///< 24 bits
  std::optional<std::uint32_t> n3_n9_delay;
  std::optional<std::uint8_t> d1_ul_pdcp_delay;
  std::optional<std::uint16_t> ul_congestion;  ///< hundredths of a percent
  std::optional<std::uint16_t> dl_congestion;
  std::optional<std::uint32_t> ul_bitrate;
  std::optional<std::uint32_t> dl_bitrate;
  bool operator==(const UlSession&) const = default;
};

/// Which positions hold. The reports of UL frames beyond Rel-17 are off until their bits are
/// verified.
struct ContainerRules {
  Release release = Release::rel19;
  bool uplink_reports = false;
};

/// Writes the content of an extension header of type 0x85. A field that the release does not have
/// is left out; fields are cut to their width.
void write_dl_session(ByteWriter& out, const DlSession& session, Release release) noexcept;
NotContainer read_dl_session(Bytes content, Release release, DlSession& session) noexcept;

void write_ul_session(ByteWriter& out, const UlSession& session, Release release) noexcept;
NotContainer read_ul_session(Bytes content, const ContainerRules& rules,
                             UlSession& session) noexcept;

/// The content of an extension header of type 0x04 or 0x86 as one number of eight octets: E, D,
/// PSI, PSSN, PSN and PSSize. Where there is no PSSize the last three octets are not sent.
constexpr std::uint64_t pdu_set_information(std::uint8_t qfi, const PduSetMark& mark,
                                            bool end_of_data_burst,
                                            std::optional<std::uint32_t> pdu_set_size) {
  constexpr Bits bits;
  const unsigned flags = (end_of_data_burst ? bits.edb : 0U) |
                         (mark.end_of_pdu_set ? bits.epdu : 0U) | (pdu_set_size ? bits.pssi : 0U);
  constexpr std::uint64_t qfi_mask = 0x3F;
  return std::uint64_t{flags} << 56U | (qfi & qfi_mask) << 50U |
         std::uint64_t{mark.pssn.value()} << 40U | std::uint64_t{mark.psi.value()} << 32U |
         std::uint64_t{mark.psn.value()} << 24U | (pdu_set_size.value_or(0) & pdu_set_size_max);
}
constexpr std::uint64_t pdu_set_information(std::uint8_t qfi, const PduSetMark& mark) {
  return pdu_set_information(qfi, mark, mark.end_of_data_burst, mark.pdu_set_size);
}
constexpr std::size_t pdu_set_information_bytes(const PduSetMark& mark) {
  return mark.pdu_set_size ? 8 : 5;
}
void write_pdu_set_information(ByteWriter& out, std::uint8_t qfi, const PduSetMark& mark) noexcept;

struct PduSetInformation {
  std::uint8_t qfi = 0;
  PduSetMark mark;
};
NotContainer read_pdu_set_information(Bytes content, PduSetInformation& information) noexcept;

/// The PSSize to convey when each PDU of the set loses `removed_per_pdu` bytes on its way through
/// the UPF (its UDP options, as a rule). Without NPDS the sum is not known: then no size is better
/// than a wrong one. Unknown (0) stays unknown, and so does what would be less than nothing.
constexpr std::optional<std::uint32_t> fixed_pdu_set_size(std::optional<std::uint32_t> pdu_set_size,
                                                          std::optional<std::uint16_t> pdus_in_set,
                                                          std::uint32_t removed_per_pdu) {
  if (!pdu_set_size || *pdu_set_size == 0 || removed_per_pdu == 0) return pdu_set_size;
  if (!pdus_in_set || *pdus_in_set == 0) return std::nullopt;
  const std::uint64_t removed = std::uint64_t{*pdus_in_set} * removed_per_pdu;
  if (removed >= *pdu_set_size) return std::nullopt;
  return static_cast<std::uint32_t>(*pdu_set_size - removed);
}

}  // namespace lobo::gtpu
