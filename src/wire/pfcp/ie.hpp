#pragma once
// Information elements: type, length, value (TS 29.244 clause 8.1). A grouped one holds others.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"

namespace lobo::pfcp {

inline constexpr std::size_t ie_header_bytes = 4;
/// Types from here on are a vendor's: two octets of enterprise number follow the length.
inline constexpr std::uint16_t vendor_types_first = 0x8000;

/// Table 8.1.2-1, as far as it is read or written here; other numbers are kept as they came.
enum class IeType : std::uint16_t {
  create_pdr = 1,
  pdi = 2,
  create_far = 3,
  forwarding_parameters = 4,
  duplicating_parameters = 5,
  create_urr = 6,
  create_qer = 7,
  created_pdr = 8,
  update_pdr = 9,
  update_far = 10,
  update_forwarding_parameters = 11,
  update_bar_in_report_response = 12,
  update_urr = 13,
  update_qer = 14,
  remove_pdr = 15,
  remove_far = 16,
  remove_urr = 17,
  remove_qer = 18,
  cause = 19,
  source_interface = 20,
  f_teid = 21,
  network_instance = 22,
  sdf_filter = 23,
  application_id = 24,
  gate_status = 25,
  mbr = 26,
  gbr = 27,
  qer_correlation_id = 28,
  precedence = 29,
  transport_level_marking = 30,
  volume_threshold = 31,
  time_threshold = 32,
  inactivity_detection_time = 36,
  reporting_triggers = 37,
  redirect_information = 38,
  report_type = 39,
  offending_ie = 40,
  forwarding_policy = 41,
  destination_interface = 42,
  up_function_features = 43,
  apply_action = 44,
  downlink_data_notification_delay = 46,
  pfcpsm_req_flags = 49,
  pfcpsr_rsp_flags = 50,
  pdr_id = 56,
  f_seid = 57,
  node_id = 60,
  measurement_method = 62,
  usage_report_trigger = 63,
  measurement_period = 64,
  volume_measurement = 66,
  duration_measurement = 67,
  time_of_first_packet = 69,
  time_of_last_packet = 70,
  volume_quota = 73,
  time_quota = 74,
  start_time = 75,
  end_time = 76,
  query_urr = 77,
  usage_report_in_modification_response = 78,
  usage_report_in_deletion_response = 79,
  usage_report_in_report_request = 80,
  urr_id = 81,
  linked_urr_id = 82,
  downlink_data_report = 83,
  outer_header_creation = 84,
  create_bar = 85,
  update_bar = 86,
  remove_bar = 87,
  bar_id = 88,
  cp_function_features = 89,
  ue_ip_address = 93,
  packet_rate = 94,
  outer_header_removal = 95,
  recovery_time_stamp = 96,
  dl_flow_level_marking = 97,
  header_enrichment = 98,
  error_indication_report = 99,
  measurement_information = 100,
  ur_seqn = 104,
  activate_predefined_rules = 106,
  deactivate_predefined_rules = 107,
  far_id = 108,
  qer_id = 109,
  association_release_request = 111,
  graceful_release_period = 112,
  pdn_type = 113,
  failed_rule_id = 114,
  user_plane_inactivity_timer = 117,
  rqi = 123,
  qfi = 124,
  query_urr_reference = 125,
  create_traffic_endpoint = 127,
  traffic_endpoint_id = 131,
  ethernet_packet_filter = 132,
  suggested_buffering_packets_count = 140,
  ethernet_pdu_session_information = 142,
  framed_route = 153,
  framed_ipv6_route = 155,
  time_stamp = 156,
  averaging_window = 157,
  paging_policy_indicator = 158,
  create_mar = 165,
  mar_id = 170,
  number_of_reports = 182,
  ip_multicast_addressing_info = 188,
  remove_srr = 211,
  create_srr = 212,
  update_srr = 213,
  session_report = 214,
  srr_id = 215,
  qos_monitoring_control = 242,
  requested_qos_monitoring = 243,
  reporting_frequency = 244,
  packet_delay_thresholds = 245,
  minimum_wait_time = 246,
  qos_monitoring_report = 247,
  qos_monitoring_measurement = 248,
  redundant_transmission_parameters = 255,
  address_and_port_replacement = 293,
  dns_query_filter = 294,
  local_ingress_tunnel = 308,
  qer_indications = 319,
  protocol_description = 334,
  media_transport_protocol = 339,
  rtp_header_extension_information = 340,
  rtp_payload_information = 341,
  rtp_header_extension_type = 342,
  rtp_header_extension_id = 343,
  rtp_payload_type = 344,
  rtp_payload_format = 345,
  rtp_header_extension_additional_information = 349,
  on_path_n6_connection_information = 374,
  extended_transport_level_marking = 383,
  pdu_set_importance = 384,
  media_related_information_transfer = 388,
  expedited_transfer_indication = 395,
};
/// The name as above; "unknown" for any other.
std::string_view to_string(IeType type);

/// What a control plane asks for with these types is not done here: a rule that has one of them
/// would treat packets otherwise than it says, so a reader counts them apart from what is unknown.
bool is_unserved(IeType type);

struct Ie {
  IeType type{};
  std::uint16_t enterprise = 0;  ///< of a vendor's type
  Bytes value;
  constexpr bool is_vendors() const {
    return static_cast<std::uint16_t>(type) >= vendor_types_first;
  }
};

/// Goes through the information elements of a message or of a grouped one, in their order.
class Ies {
 public:
  constexpr explicit Ies(Bytes in) : in_(in) {}

  /// Nothing at the end, or where what is left is no information element.
  std::optional<Ie> next() noexcept;
  /// Whether something was left that is none: its length leads beyond the group, or it has no room
  /// for type and length.
  constexpr bool cut() const { return cut_; }
  /// Of the one that is cut, if its type is there.
  constexpr IeType cut_type() const { return cut_type_; }

 private:
  Bytes in_;
  std::size_t at_ = 0;
  IeType cut_type_{};
  bool cut_ = false;
};

/// Writes type and length around what the caller writes between construction and close().
class IeFrame {
 public:
  IeFrame(ByteWriter& out, IeType type);
  void close();

 private:
  ByteWriter& out_;
  std::size_t value_at_;
};

}  // namespace lobo::pfcp
