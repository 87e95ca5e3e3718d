// The protocol description of a request as IE 334 (TS 29.571 ProtocolDescription, TS 29.244 clause
// 5.38).

#include <cstdint>
#include <optional>

#include "api/common.hpp"
#include "services/core_sim/smf_rules.hpp"
#include "wire/pfcp/media.hpp"

namespace lobo::core_sim {

namespace {

/// What is more than the information element has room for is left out: the UPF looks for less.
template <class List, class Value>
void add(List& list, const Value& value) {
  (void)list.add(value);
}

using api::common::MediaTransportProtoKnown;
using api::common::RtpHeaderExtInfo;
using api::common::RtpHeaderExtTypeKnown;

pfcp::RtpExtensionInformation extension_of(const RtpHeaderExtInfo& from) {
  pfcp::RtpExtensionInformation info;
  if (const auto type = from.rtp_header_ext_type ? from.rtp_header_ext_type->known() : std::nullopt)
    switch (*type) {
      case RtpHeaderExtTypeKnown::pdu_set_marking:
        info.type = pfcp::RtpExtensionType::pdu_set_marking;
        break;
      case RtpHeaderExtTypeKnown::dyn_changing_traffic_char:
        info.type = pfcp::RtpExtensionType::dynamic_characteristics;
        break;
      case RtpHeaderExtTypeKnown::expedited_transfer_ind:
        info.type = pfcp::RtpExtensionType::expedited_transfer;
        break;
    }
  if (from.rtp_header_ext_id)
    info.id = pfcp::RtpExtensionId{static_cast<std::uint8_t>(*from.rtp_header_ext_id)};
  pfcp::RtpExtensionDetails details{.pdu_set_size = from.pdu_set_size_active,
                                    .pdus_in_set = from.pdu_set_pdu_count_active};
  if (from.long_format)
    details.format =
        *from.long_format ? pfcp::RtpExtensionFormat::two_byte : pfcp::RtpExtensionFormat::one_byte;
  if (details != pfcp::RtpExtensionDetails{}) info.details = details;
  return info;
}

}  // namespace

// What has no number in the information element is left out as well.
pfcp::ProtocolDescription protocol_of(const api::common::ProtocolDescription& from) {
  pfcp::ProtocolDescription out;
  if (const auto transport = from.transport_proto ? from.transport_proto->known() : std::nullopt)
    switch (*transport) {
      case MediaTransportProtoKnown::rtp: out.transport = pfcp::MediaTransportProtocol::rtp; break;
      case MediaTransportProtoKnown::srtp:
        out.transport = pfcp::MediaTransportProtocol::srtp;
        break;
      case MediaTransportProtoKnown::moqt:
        out.transport = pfcp::MediaTransportProtocol::moqt;
        break;
    }
  if (from.rtp_header_ext_info) add(out.extensions, extension_of(*from.rtp_header_ext_info));
  if (from.add_rtp_header_ext_info)
    for (const auto& extension : *from.add_rtp_header_ext_info)
      add(out.extensions, extension_of(extension));
  using Format = api::common::RtpPayloadFormatKnown;
  if (from.rtp_payload_info_list)
    for (const auto& payload : *from.rtp_payload_info_list) {
      pfcp::RtpPayloadInformation info;
      const auto format =
          payload.rtp_payload_format ? payload.rtp_payload_format->known() : std::nullopt;
      if (format)
        info.format =
            *format == Format::h264 ? pfcp::RtpPayloadFormat::h264 : pfcp::RtpPayloadFormat::h265;
      if (!payload.rtp_payload_type_list) {
        add(out.payloads, info);
        continue;
      }
      for (const auto type : *payload.rtp_payload_type_list) {
        info.type = pfcp::RtpPayloadType{static_cast<std::uint8_t>(type)};
        add(out.payloads, info);
      }
    }
  if (from.mri_transfer_info &&
      from.mri_transfer_info->known() == api::common::MriTransferMethodKnown::udp_option)
    out.metadata_transfer = pfcp::MetadataTransfer::outer_udp_option;
  return out;
}

}  // namespace lobo::core_sim
