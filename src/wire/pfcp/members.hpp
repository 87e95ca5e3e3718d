#pragma once
// Which information elements a group or a message has, under which type, and how needed: the tables
// of TS 29.244 clauses 7.4 and 7.5, one visit() each. Reader, writer and tests go through them.

#include <concepts>
#include <cstdint>
#include <optional>

#include "wire/pfcp/ie.hpp"
#include "wire/pfcp/media.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::pfcp {

/// M, C and O of the tables. A conditional one changes what is done with packets: if its value is
/// none, the request is refused; an optional one is then taken as absent.
enum class Presence : std::uint8_t { mandatory, conditional, optional };

/// visit(group, visitor) calls visitor(presence, type, member) for each member; check(group) says
/// which condition does not hold, where there are any.
template <class T>
struct Members;
template <class T>
concept Grouped = requires { sizeof(Members<T>); };

namespace members {
using enum Presence;
inline std::optional<Refusal> needs(bool held, Cause cause, IeType type) {
  return held ? std::nullopt : std::optional(Refusal{cause, type, std::nullopt});
}
inline std::optional<Refusal> needs(bool held, IeType type) {
  return needs(held, Cause::conditional_ie_missing, type);
}
/// Clause 8.2.26; the actions of multicast stand alone.
inline bool is_one_action(const ApplyAction& action) {
  const bool multicast = action.has(Action::ipma) || action.has(Action::ipmd) ||
                         action.has(Action::fssm) || action.has(Action::mbsu);
  const int chosen = (action.has(Action::drop) ? 1 : 0) + (action.has(Action::forw) ? 1 : 0) +
                     (action.has(Action::buff) ? 1 : 0);
  return chosen == 1 || (chosen == 0 && multicast);
}
}  // namespace members

template <>
struct Members<RtpExtensionInformation> {
  static void visit(auto& g, auto& v) {
    v(Presence::conditional, IeType::rtp_header_extension_type, g.type);
    v(Presence::conditional, IeType::rtp_header_extension_id, g.id);
    v(Presence::optional, IeType::rtp_header_extension_additional_information, g.details);
  }
};
template <>
struct Members<RtpPayloadInformation> {
  static void visit(auto& g, auto& v) {
    v(Presence::conditional, IeType::rtp_payload_type, g.type);
    v(Presence::conditional, IeType::rtp_payload_format, g.format);
  }
};
template <>
struct Members<ProtocolDescription> {
  static void visit(auto& g, auto& v) {
    v(Presence::conditional, IeType::media_transport_protocol, g.transport);
    v(Presence::conditional, IeType::rtp_header_extension_information, g.extensions);
    v(Presence::conditional, IeType::rtp_payload_information, g.payloads);
    v(Presence::conditional, IeType::media_related_information_transfer, g.metadata_transfer);
  }
};
template <>
struct Members<ExtendedTransportLevelMarking> {
  static void visit(auto& g, auto& v) {
    v(Presence::conditional, IeType::pdu_set_importance, g.importances);
    v(Presence::conditional, IeType::transport_level_marking, g.marking);
  }
};

template <>
struct Members<Pdi> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::source_interface, g.source_interface);
    v(Presence::conditional, IeType::f_teid, g.local_f_teid);
    v(Presence::conditional, IeType::network_instance, g.network_instance);
    v(Presence::conditional, IeType::ue_ip_address, g.ue_addresses);
    v(Presence::conditional, IeType::sdf_filter, g.sdf_filters);
    v(Presence::conditional, IeType::qfi, g.qfis);
    // Any doubt about metadata means that packets go unmarked, not that a session is refused.
    v(Presence::optional, IeType::protocol_description, g.protocol_description);
  }
};
template <>
struct Members<CreatePdr> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::pdr_id, g.id);
    v(Presence::mandatory, IeType::precedence, g.precedence);
    v(Presence::mandatory, IeType::pdi, g.pdi);
    v(Presence::conditional, IeType::outer_header_removal, g.outer_header_removal);
    v(Presence::conditional, IeType::far_id, g.far);
    v(Presence::conditional, IeType::urr_id, g.urrs);
    v(Presence::conditional, IeType::qer_id, g.qers);
    v(Presence::conditional, IeType::activate_predefined_rules, g.predefined_rules);
    v(Presence::conditional, IeType::mar_id, g.mar);
  }
  static std::optional<Refusal> check(const CreatePdr& g) {
    return members::needs(g.far || g.predefined_rules || g.mar, IeType::far_id);
  }
};
template <>
struct Members<UpdatePdr> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::pdr_id, g.id);
    v(Presence::conditional, IeType::precedence, g.precedence);
    v(Presence::conditional, IeType::pdi, g.pdi);
    v(Presence::conditional, IeType::outer_header_removal, g.outer_header_removal);
    v(Presence::conditional, IeType::far_id, g.far);
    v(Presence::conditional, IeType::urr_id, g.urrs);
    v(Presence::conditional, IeType::qer_id, g.qers);
    v(Presence::conditional, IeType::activate_predefined_rules, g.predefined_rules);
  }
};
template <>
struct Members<RemovePdr> {
  static void visit(auto& g, auto& v) { v(Presence::mandatory, IeType::pdr_id, g.id); }
};
template <>
struct Members<CreatedPdr> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::pdr_id, g.id);
    v(Presence::conditional, IeType::f_teid, g.local_f_teid);
    v(Presence::conditional, IeType::ue_ip_address, g.ue_address);
  }
};

template <>
struct Members<ForwardingParameters> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::destination_interface, g.destination_interface);
    v(Presence::conditional, IeType::network_instance, g.network_instance);
    v(Presence::conditional, IeType::outer_header_creation, g.outer_header_creation);
    v(Presence::conditional, IeType::transport_level_marking, g.transport_level_marking);
    v(Presence::optional, IeType::extended_transport_level_marking, g.extended_markings);
    v(Presence::optional, IeType::on_path_n6_connection_information, g.on_path_n6_connection);
  }
};
template <>
struct Members<UpdateForwardingParameters> {
  static void visit(auto& g, auto& v) {
    v(Presence::conditional, IeType::destination_interface, g.destination_interface);
    v(Presence::conditional, IeType::network_instance, g.network_instance);
    v(Presence::conditional, IeType::outer_header_creation, g.outer_header_creation);
    v(Presence::conditional, IeType::transport_level_marking, g.transport_level_marking);
    v(Presence::optional, IeType::extended_transport_level_marking, g.extended_markings);
    v(Presence::optional, IeType::on_path_n6_connection_information, g.on_path_n6_connection);
    v(Presence::conditional, IeType::pfcpsm_req_flags, g.flags);
  }
};
template <>
struct Members<CreateFar> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::far_id, g.id);
    v(Presence::mandatory, IeType::apply_action, g.apply_action);
    v(Presence::conditional, IeType::forwarding_parameters, g.forwarding_parameters);
    v(Presence::conditional, IeType::bar_id, g.bar);
  }
  static std::optional<Refusal> check(const CreateFar& g) {
    if (auto fault = members::needs(members::is_one_action(g.apply_action),
                                    Cause::mandatory_ie_incorrect, IeType::apply_action))
      return fault;
    return members::needs(!g.apply_action.has(Action::forw) || g.forwarding_parameters,
                          IeType::forwarding_parameters);
  }
};
template <>
struct Members<UpdateFar> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::far_id, g.id);
    v(Presence::conditional, IeType::apply_action, g.apply_action);
    v(Presence::conditional, IeType::update_forwarding_parameters, g.forwarding_parameters);
    v(Presence::conditional, IeType::bar_id, g.bar);
  }
  static std::optional<Refusal> check(const UpdateFar& g) {
    return members::needs(!g.apply_action || members::is_one_action(*g.apply_action),
                          Cause::mandatory_ie_incorrect, IeType::apply_action);
  }
};
template <>
struct Members<RemoveFar> {
  static void visit(auto& g, auto& v) { v(Presence::mandatory, IeType::far_id, g.id); }
};

namespace members {
/// What CreateQer and UpdateQer have in common behind the gates.
void visit_qos(auto& g, auto& v) {
  v(conditional, IeType::mbr, g.maximum_bit_rate);
  v(conditional, IeType::gbr, g.guaranteed_bit_rate);
  v(conditional, IeType::qfi, g.qfi);
  v(conditional, IeType::rqi, g.reflective_qos);
  v(optional, IeType::paging_policy_indicator, g.paging_policy);
  v(optional, IeType::averaging_window, g.averaging_window);
  v(optional, IeType::qer_indications, g.indications);
}
/// What CreateUrr and UpdateUrr have in common behind method and triggers.
void visit_measured(auto& g, auto& v) {
  v(conditional, IeType::measurement_period, g.period);
  v(conditional, IeType::volume_threshold, g.volume_threshold);
  v(conditional, IeType::volume_quota, g.volume_quota);
  v(conditional, IeType::time_threshold, g.time_threshold);
  v(conditional, IeType::time_quota, g.time_quota);
  v(conditional, IeType::inactivity_detection_time, g.inactivity_detection_time);
  v(conditional, IeType::linked_urr_id, g.linked);
  v(conditional, IeType::measurement_information, g.information);
  v(optional, IeType::number_of_reports, g.number_of_reports);
}
}  // namespace members

template <>
struct Members<CreateQer> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::qer_id, g.id);
    v(Presence::conditional, IeType::qer_correlation_id, g.correlation_id);
    v(Presence::mandatory, IeType::gate_status, g.gate_status);
    members::visit_qos(g, v);
  }
};
template <>
struct Members<UpdateQer> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::qer_id, g.id);
    v(Presence::conditional, IeType::qer_correlation_id, g.correlation_id);
    v(Presence::conditional, IeType::gate_status, g.gate_status);
    members::visit_qos(g, v);
  }
};
template <>
struct Members<RemoveQer> {
  static void visit(auto& g, auto& v) { v(Presence::mandatory, IeType::qer_id, g.id); }
};

template <>
struct Members<CreateUrr> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::urr_id, g.id);
    v(Presence::mandatory, IeType::measurement_method, g.method);
    v(Presence::mandatory, IeType::reporting_triggers, g.triggers);
    members::visit_measured(g, v);
  }
  /// A trigger without its figure could never, or always, be met.
  static std::optional<Refusal> check(const CreateUrr& g) {
    using enum ReportingTrigger;
    if (!g.method.any())
      return Refusal{Cause::mandatory_ie_incorrect, IeType::measurement_method, std::nullopt};
    if (g.triggers.has(periodic) && !g.period)
      return members::needs(false, IeType::measurement_period);
    if (g.triggers.has(ReportingTrigger::volume_threshold) && !g.volume_threshold)
      return members::needs(false, IeType::volume_threshold);
    if (g.triggers.has(ReportingTrigger::time_threshold) && !g.time_threshold)
      return members::needs(false, IeType::time_threshold);
    if (g.triggers.has(ReportingTrigger::volume_quota) && !g.volume_quota)
      return members::needs(false, IeType::volume_quota);
    return members::needs(!g.triggers.has(ReportingTrigger::time_quota) || g.time_quota,
                          IeType::time_quota);
  }
};
template <>
struct Members<UpdateUrr> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::urr_id, g.id);
    v(Presence::conditional, IeType::measurement_method, g.method);
    v(Presence::conditional, IeType::reporting_triggers, g.triggers);
    members::visit_measured(g, v);
  }
};
template <>
struct Members<RemoveUrr> {
  static void visit(auto& g, auto& v) { v(Presence::mandatory, IeType::urr_id, g.id); }
};
template <>
struct Members<QueryUrr> {
  static void visit(auto& g, auto& v) { v(Presence::mandatory, IeType::urr_id, g.id); }
};
template <>
struct Members<UsageReport> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::urr_id, g.urr);
    v(Presence::mandatory, IeType::ur_seqn, g.sequence_number);
    v(Presence::mandatory, IeType::usage_report_trigger, g.triggers);
    v(Presence::conditional, IeType::start_time, g.start_time);
    v(Presence::conditional, IeType::end_time, g.end_time);
    v(Presence::conditional, IeType::volume_measurement, g.volume);
    v(Presence::conditional, IeType::duration_measurement, g.duration);
    v(Presence::conditional, IeType::time_of_first_packet, g.first_packet);
    v(Presence::conditional, IeType::time_of_last_packet, g.last_packet);
    v(Presence::conditional, IeType::query_urr_reference, g.query);
  }
};

template <>
struct Members<Bar> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::bar_id, g.id);
    v(Presence::optional, IeType::downlink_data_notification_delay, g.notification_delay);
    v(Presence::optional, IeType::suggested_buffering_packets_count, g.suggested_packets);
  }
};
template <>
struct Members<RemoveBar> {
  static void visit(auto& g, auto& v) { v(Presence::mandatory, IeType::bar_id, g.id); }
};

template <>
struct Members<QosMonitoringControl> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::qfi, g.qfis);
    v(Presence::mandatory, IeType::requested_qos_monitoring, g.requested);
    v(Presence::mandatory, IeType::reporting_frequency, g.frequency);
    v(Presence::conditional, IeType::packet_delay_thresholds, g.thresholds);
    v(Presence::conditional, IeType::minimum_wait_time, g.minimum_wait);
    v(Presence::conditional, IeType::measurement_period, g.period);
  }
  static std::optional<Refusal> check(const QosMonitoringControl& g) {
    if (g.frequency.has(Frequency::event_triggered) && !g.thresholds)
      return members::needs(false, IeType::packet_delay_thresholds);
    return members::needs(!g.frequency.has(Frequency::periodic) || g.period,
                          IeType::measurement_period);
  }
};
template <>
struct Members<Srr> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::srr_id, g.id);
    v(Presence::conditional, IeType::qos_monitoring_control, g.monitored);
  }
};
template <>
struct Members<RemoveSrr> {
  static void visit(auto& g, auto& v) { v(Presence::mandatory, IeType::srr_id, g.id); }
};
template <>
struct Members<QosMonitoringReport> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::qfi, g.qfi);
    v(Presence::mandatory, IeType::qos_monitoring_measurement, g.measurement);
    v(Presence::mandatory, IeType::time_stamp, g.time_stamp);
    v(Presence::optional, IeType::start_time, g.start_time);
  }
};
template <>
struct Members<SessionReport> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::srr_id, g.srr);
    v(Presence::conditional, IeType::qos_monitoring_report, g.reports);
  }
};
template <>
struct Members<DownlinkDataReport> {
  static void visit(auto& g, auto& v) { v(Presence::mandatory, IeType::pdr_id, g.pdrs); }
};
template <>
struct Members<ErrorIndicationReport> {
  static void visit(auto& g, auto& v) { v(Presence::mandatory, IeType::f_teid, g.tunnels); }
};

}  // namespace lobo::pfcp
