#pragma once
// What tells a UPF how a stream carries its PDU Set marking, and what to do with it by importance
// (TS 29.244 Rel-19 clause 5.38; IE 334 and following). Numbers of types and values are those of
// V19.5.0. Two layouts were not seen in the text and are unverified against it; whoever has it
// corrects them in this header and nowhere else:
//   - octet 6 of IE 349 (RtpExtensionBits below), and bit 3 of its octet 5;
//   - the order of the bits of IE 384, and that IE 383 pairs it with a Transport Level Marking.

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/few.hpp"
#include "model/pdu_set.hpp"
#include "wire/pfcp/flags.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::pfcp {

inline constexpr std::size_t rtp_extensions_per_stream_max = 4;
inline constexpr std::size_t rtp_payloads_per_stream_max = 8;

/// IE 339.
enum class MediaTransportProtocol : std::uint8_t { unspecified = 0, rtp = 1, srtp = 2, moqt = 3 };

/// IE 342.
enum class RtpExtensionType : std::uint8_t {
  pdu_set_marking = 1,          ///< TS 26.522 clause 4.2
  dynamic_characteristics = 2,  ///< burst size and time to next burst
  expedited_transfer = 3,
};
/// IE 343: the identifier that SDP negotiated, 1 to 255.
using RtpExtensionId = Number<struct RtpExtensionIdTag, std::uint8_t>;

/// Where the fields of IE 349 stand.
struct RtpExtensionBits {
  static constexpr std::uint8_t has_format = 0x01;       ///< FI, octet 5
  static constexpr std::uint8_t has_size_active = 0x02;  ///< PSSAI
  static constexpr std::uint8_t has_npds_active = 0x04;  ///< NPDSI
  static constexpr std::uint8_t format_mask = 0x03;      ///< octet 6
  static constexpr std::uint8_t size_active = 0x04;      ///< PSSA
  static constexpr std::uint8_t npds_active = 0x08;      ///< NPDS
};
/// Forms of RFC 8285.
enum class RtpExtensionFormat : std::uint8_t { one_byte = 1, two_byte = 2 };

/// IE 349: what SDP said of the extension.
struct RtpExtensionDetails {
  std::optional<RtpExtensionFormat> format;
  std::optional<bool> pdu_set_size;  ///< whether PSSize is there
  std::optional<bool> pdus_in_set;   ///< whether NPDS is there
  bool operator==(const RtpExtensionDetails&) const = default;
};

/// IE 340.
struct RtpExtensionInformation {
  std::optional<RtpExtensionType> type;
  std::optional<RtpExtensionId> id;
  std::optional<RtpExtensionDetails> details;
  bool operator==(const RtpExtensionInformation&) const = default;
};

/// IE 344: 7 bits.
using RtpPayloadType = SmallNumber<struct RtpPayloadTypeTag, 7>;
/// IE 345.
enum class RtpPayloadFormat : std::uint8_t { h264 = 1, h265 = 2 };
/// IE 341.
struct RtpPayloadInformation {
  std::optional<RtpPayloadType> type;
  std::optional<RtpPayloadFormat> format;
  bool operator==(const RtpPayloadInformation&) const = default;
};

/// IE 388: how metadata of media that is encrypted reaches the UPF.
enum class MetadataTransfer : std::uint8_t {
  outer_udp_option = 1,  ///< a UDP option of the outer UDP datagram
};

/// IE 334.
struct ProtocolDescription {
  std::optional<MediaTransportProtocol> transport;
  Few<RtpExtensionInformation, rtp_extensions_per_stream_max> extensions;
  Few<RtpPayloadInformation, rtp_payloads_per_stream_max> payloads;
  std::optional<MetadataTransfer> metadata_transfer;
  bool operator==(const ProtocolDescription&) const = default;
};

/// IE 384: a set of importances.
struct PduSetImportances {
  std::uint16_t bits = 0;  ///< bit 0 for PSI 0, …
  constexpr bool has(Psi psi) const { return (bits >> psi.value() & 1U) != 0; }
  bool operator==(const PduSetImportances&) const = default;
};
/// IE 383: PDU Sets of these importances leave with this DSCP.
struct ExtendedTransportLevelMarking {
  std::optional<PduSetImportances> importances;
  std::optional<TrafficClass> marking;
  bool operator==(const ExtendedTransportLevelMarking&) const = default;
};

}  // namespace lobo::pfcp
