#include "wire/pfcp/ie.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"

namespace lobo::pfcp {
namespace {

// Each of these would narrow what a rule matches, or change what is done with a packet.
constexpr std::array unserved{
    IeType::duplicating_parameters,
    IeType::application_id,
    IeType::redirect_information,
    IeType::forwarding_policy,
    IeType::packet_rate,
    IeType::dl_flow_level_marking,
    IeType::header_enrichment,
    IeType::deactivate_predefined_rules,
    IeType::create_traffic_endpoint,
    IeType::traffic_endpoint_id,
    IeType::ethernet_packet_filter,
    IeType::ethernet_pdu_session_information,
    IeType::framed_route,
    IeType::framed_ipv6_route,
    IeType::create_mar,
    IeType::ip_multicast_addressing_info,
    IeType::redundant_transmission_parameters,
    IeType::address_and_port_replacement,
    IeType::dns_query_filter,
    IeType::local_ingress_tunnel,
    IeType::expedited_transfer_indication,
};

}  // namespace

bool is_unserved(IeType type) { return std::ranges::find(unserved, type) != unserved.end(); }

std::string_view to_string(IeType type) {
  switch (type) {
    case IeType::create_pdr: return "create_pdr";
    case IeType::pdi: return "pdi";
    case IeType::create_far: return "create_far";
    case IeType::forwarding_parameters: return "forwarding_parameters";
    case IeType::duplicating_parameters: return "duplicating_parameters";
    case IeType::create_urr: return "create_urr";
    case IeType::create_qer: return "create_qer";
    case IeType::created_pdr: return "created_pdr";
    case IeType::update_pdr: return "update_pdr";
    case IeType::update_far: return "update_far";
    case IeType::update_forwarding_parameters: return "update_forwarding_parameters";
    case IeType::update_bar_in_report_response: return "update_bar_in_report_response";
    case IeType::update_urr: return "update_urr";
    case IeType::update_qer: return "update_qer";
    case IeType::remove_pdr: return "remove_pdr";
    case IeType::remove_far: return "remove_far";
    case IeType::remove_urr: return "remove_urr";
    case IeType::remove_qer: return "remove_qer";
    case IeType::cause: return "cause";
    case IeType::source_interface: return "source_interface";
    case IeType::f_teid: return "f_teid";
    case IeType::network_instance: return "network_instance";
    case IeType::sdf_filter: return "sdf_filter";
    case IeType::application_id: return "application_id";
    case IeType::gate_status: return "gate_status";
    case IeType::mbr: return "mbr";
    case IeType::gbr: return "gbr";
    case IeType::qer_correlation_id: return "qer_correlation_id";
    case IeType::precedence: return "precedence";
    case IeType::transport_level_marking: return "transport_level_marking";
    case IeType::volume_threshold: return "volume_threshold";
    case IeType::time_threshold: return "time_threshold";
    case IeType::inactivity_detection_time: return "inactivity_detection_time";
    case IeType::reporting_triggers: return "reporting_triggers";
    case IeType::redirect_information: return "redirect_information";
    case IeType::report_type: return "report_type";
    case IeType::offending_ie: return "offending_ie";
    case IeType::forwarding_policy: return "forwarding_policy";
    case IeType::destination_interface: return "destination_interface";
    case IeType::up_function_features: return "up_function_features";
    case IeType::apply_action: return "apply_action";
    case IeType::downlink_data_notification_delay: return "downlink_data_notification_delay";
    case IeType::pfcpsm_req_flags: return "pfcpsm_req_flags";
    case IeType::pfcpsr_rsp_flags: return "pfcpsr_rsp_flags";
    case IeType::pdr_id: return "pdr_id";
    case IeType::f_seid: return "f_seid";
    case IeType::node_id: return "node_id";
    case IeType::measurement_method: return "measurement_method";
    case IeType::usage_report_trigger: return "usage_report_trigger";
    case IeType::measurement_period: return "measurement_period";
    case IeType::volume_measurement: return "volume_measurement";
    case IeType::duration_measurement: return "duration_measurement";
    case IeType::time_of_first_packet: return "time_of_first_packet";
    case IeType::time_of_last_packet: return "time_of_last_packet";
    case IeType::volume_quota: return "volume_quota";
    case IeType::time_quota: return "time_quota";
    case IeType::start_time: return "start_time";
    case IeType::end_time: return "end_time";
    case IeType::query_urr: return "query_urr";
    case IeType::usage_report_in_modification_response:
      return "usage_report_in_modification_response";
    case IeType::usage_report_in_deletion_response: return "usage_report_in_deletion_response";
    case IeType::usage_report_in_report_request: return "usage_report_in_report_request";
    case IeType::urr_id: return "urr_id";
    case IeType::linked_urr_id: return "linked_urr_id";
    case IeType::downlink_data_report: return "downlink_data_report";
    case IeType::outer_header_creation: return "outer_header_creation";
    case IeType::create_bar: return "create_bar";
    case IeType::update_bar: return "update_bar";
    case IeType::remove_bar: return "remove_bar";
    case IeType::bar_id: return "bar_id";
    case IeType::cp_function_features: return "cp_function_features";
    case IeType::ue_ip_address: return "ue_ip_address";
    case IeType::packet_rate: return "packet_rate";
    case IeType::outer_header_removal: return "outer_header_removal";
    case IeType::recovery_time_stamp: return "recovery_time_stamp";
    case IeType::dl_flow_level_marking: return "dl_flow_level_marking";
    case IeType::header_enrichment: return "header_enrichment";
    case IeType::error_indication_report: return "error_indication_report";
    case IeType::measurement_information: return "measurement_information";
    case IeType::ur_seqn: return "ur_seqn";
    case IeType::activate_predefined_rules: return "activate_predefined_rules";
    case IeType::deactivate_predefined_rules: return "deactivate_predefined_rules";
    case IeType::far_id: return "far_id";
    case IeType::qer_id: return "qer_id";
    case IeType::association_release_request: return "association_release_request";
    case IeType::graceful_release_period: return "graceful_release_period";
    case IeType::pdn_type: return "pdn_type";
    case IeType::failed_rule_id: return "failed_rule_id";
    case IeType::user_plane_inactivity_timer: return "user_plane_inactivity_timer";
    case IeType::rqi: return "rqi";
    case IeType::qfi: return "qfi";
    case IeType::query_urr_reference: return "query_urr_reference";
    case IeType::create_traffic_endpoint: return "create_traffic_endpoint";
    case IeType::traffic_endpoint_id: return "traffic_endpoint_id";
    case IeType::ethernet_packet_filter: return "ethernet_packet_filter";
    case IeType::suggested_buffering_packets_count: return "suggested_buffering_packets_count";
    case IeType::ethernet_pdu_session_information: return "ethernet_pdu_session_information";
    case IeType::framed_route: return "framed_route";
    case IeType::framed_ipv6_route: return "framed_ipv6_route";
    case IeType::time_stamp: return "time_stamp";
    case IeType::averaging_window: return "averaging_window";
    case IeType::paging_policy_indicator: return "paging_policy_indicator";
    case IeType::create_mar: return "create_mar";
    case IeType::mar_id: return "mar_id";
    case IeType::number_of_reports: return "number_of_reports";
    case IeType::ip_multicast_addressing_info: return "ip_multicast_addressing_info";
    case IeType::remove_srr: return "remove_srr";
    case IeType::create_srr: return "create_srr";
    case IeType::update_srr: return "update_srr";
    case IeType::session_report: return "session_report";
    case IeType::srr_id: return "srr_id";
    case IeType::qos_monitoring_control: return "qos_monitoring_control";
    case IeType::requested_qos_monitoring: return "requested_qos_monitoring";
    case IeType::reporting_frequency: return "reporting_frequency";
    case IeType::packet_delay_thresholds: return "packet_delay_thresholds";
    case IeType::minimum_wait_time: return "minimum_wait_time";
    case IeType::qos_monitoring_report: return "qos_monitoring_report";
    case IeType::qos_monitoring_measurement: return "qos_monitoring_measurement";
    case IeType::redundant_transmission_parameters: return "redundant_transmission_parameters";
    case IeType::address_and_port_replacement: return "address_and_port_replacement";
    case IeType::dns_query_filter: return "dns_query_filter";
    case IeType::local_ingress_tunnel: return "local_ingress_tunnel";
    case IeType::qer_indications: return "qer_indications";
    case IeType::protocol_description: return "protocol_description";
    case IeType::media_transport_protocol: return "media_transport_protocol";
    case IeType::rtp_header_extension_information: return "rtp_header_extension_information";
    case IeType::rtp_payload_information: return "rtp_payload_information";
    case IeType::rtp_header_extension_type: return "rtp_header_extension_type";
    case IeType::rtp_header_extension_id: return "rtp_header_extension_id";
    case IeType::rtp_payload_type: return "rtp_payload_type";
    case IeType::rtp_payload_format: return "rtp_payload_format";
    case IeType::rtp_header_extension_additional_information:
      return "rtp_header_extension_additional_information";
    case IeType::on_path_n6_connection_information: return "on_path_n6_connection_information";
    case IeType::extended_transport_level_marking: return "extended_transport_level_marking";
    case IeType::pdu_set_importance: return "pdu_set_importance";
    case IeType::media_related_information_transfer: return "media_related_information_transfer";
    case IeType::expedited_transfer_indication: return "expedited_transfer_indication";
  }
  return "unknown";
}

std::optional<Ie> Ies::next() noexcept {
  if (cut_ || at_ == in_.size()) return std::nullopt;
  ByteReader in(in_.subspan(at_));
  Ie ie;
  ie.type = static_cast<IeType>(in.be16());
  const std::size_t length = in.be16();
  const Bytes content = in.bytes(length);
  if (!in.ok()) {
    cut_ = true;
    if (in_.size() - at_ >= 2) cut_type_ = ie.type;
    return std::nullopt;
  }
  at_ += ie_header_bytes + length;
  ByteReader value(content);
  if (ie.is_vendors()) ie.enterprise = value.be16();
  ie.value = value.rest();
  return ie;
}

IeFrame::IeFrame(ByteWriter& out, IeType type) : out_(out), value_at_(out.position()) {
  out_.be16(static_cast<std::uint16_t>(type));
  out_.be16(0);
  value_at_ = out_.position();
}

void IeFrame::close() {
  // Messages end at 65,539 octets; close_message() refuses what is longer.
  if (!out_.ok()) return;
  const std::size_t length = out_.position() - value_at_;
  put_be16_at(out_.written(), value_at_ - 2, static_cast<std::uint16_t>(length));
}

}  // namespace lobo::pfcp
