#pragma once
// The members of the messages themselves; see members.hpp.

#include <optional>

#include "wire/pfcp/ie.hpp"
#include "wire/pfcp/members.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/usage.hpp"

namespace lobo::pfcp {

template <>
struct Members<HeartbeatRequest> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::recovery_time_stamp, g.recovery_time_stamp);
  }
};
template <>
struct Members<HeartbeatResponse> : Members<HeartbeatRequest> {};

template <>
struct Members<AssociationSetupRequest> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::node_id, g.node);
    v(Presence::mandatory, IeType::recovery_time_stamp, g.recovery_time_stamp);
    v(Presence::conditional, IeType::up_function_features, g.up_features);
    v(Presence::conditional, IeType::cp_function_features, g.cp_features);
  }
};
template <>
struct Members<AssociationSetupResponse> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::node_id, g.node);
    v(Presence::mandatory, IeType::cause, g.cause);
    v(Presence::mandatory, IeType::recovery_time_stamp, g.recovery_time_stamp);
    v(Presence::conditional, IeType::up_function_features, g.up_features);
    v(Presence::conditional, IeType::cp_function_features, g.cp_features);
  }
};
template <>
struct Members<AssociationUpdateRequest> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::node_id, g.node);
    v(Presence::optional, IeType::up_function_features, g.up_features);
    v(Presence::optional, IeType::cp_function_features, g.cp_features);
    v(Presence::conditional, IeType::association_release_request, g.release);
    v(Presence::conditional, IeType::graceful_release_period, g.release_period);
  }
};
template <>
struct Members<AssociationUpdateResponse> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::node_id, g.node);
    v(Presence::mandatory, IeType::cause, g.cause);
    v(Presence::optional, IeType::up_function_features, g.up_features);
    v(Presence::optional, IeType::cp_function_features, g.cp_features);
  }
};
template <>
struct Members<AssociationReleaseRequest> {
  static void visit(auto& g, auto& v) { v(Presence::mandatory, IeType::node_id, g.node); }
};
template <>
struct Members<AssociationReleaseResponse> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::node_id, g.node);
    v(Presence::mandatory, IeType::cause, g.cause);
  }
};

template <>
struct Members<PfdManagementResponse> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::cause, g.cause);
    v(Presence::conditional, IeType::offending_ie, g.offending_ie);
  }
};
template <>
struct Members<SessionSetDeletionResponse> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::node_id, g.node);
    v(Presence::mandatory, IeType::cause, g.cause);
    v(Presence::conditional, IeType::offending_ie, g.offending_ie);
  }
};
template <>
struct Members<SessionSetModificationResponse> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::node_id, g.node);
    v(Presence::mandatory, IeType::cause, g.cause);
    v(Presence::conditional, IeType::offending_ie, g.offending_ie);
  }
};

namespace members {
/// Rules that an establishment and a modification create.
void visit_created(Presence pdrs_and_fars, auto& g, auto& v) {
  v(pdrs_and_fars, IeType::create_pdr, g.create_pdrs);
  v(pdrs_and_fars, IeType::create_far, g.create_fars);
  v(conditional, IeType::create_urr, g.create_urrs);
  v(conditional, IeType::create_qer, g.create_qers);
  v(conditional, IeType::create_bar, g.create_bar);
  v(conditional, IeType::create_srr, g.create_srrs);
}
}  // namespace members

template <>
struct Members<SessionEstablishmentRequest> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::node_id, g.node);
    v(Presence::mandatory, IeType::f_seid, g.cp_f_seid);
    members::visit_created(Presence::mandatory, g, v);
    v(Presence::optional, IeType::pdn_type, g.pdn_type);
    v(Presence::optional, IeType::user_plane_inactivity_timer, g.inactivity_timer);
  }
};
template <>
struct Members<SessionEstablishmentResponse> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::node_id, g.node);
    v(Presence::mandatory, IeType::cause, g.cause);
    v(Presence::conditional, IeType::offending_ie, g.offending_ie);
    v(Presence::conditional, IeType::f_seid, g.up_f_seid);
    v(Presence::conditional, IeType::created_pdr, g.created_pdrs);
    v(Presence::conditional, IeType::failed_rule_id, g.failed_rule);
  }
  static std::optional<Refusal> check(const SessionEstablishmentResponse& g) {
    return members::needs(!is_accepted(g.cause) || g.up_f_seid, IeType::f_seid);
  }
};
template <>
struct Members<SessionModificationRequest> {
  static void visit(auto& g, auto& v) {
    v(Presence::conditional, IeType::f_seid, g.cp_f_seid);
    v(Presence::conditional, IeType::remove_pdr, g.remove_pdrs);
    v(Presence::conditional, IeType::remove_far, g.remove_fars);
    v(Presence::conditional, IeType::remove_urr, g.remove_urrs);
    v(Presence::conditional, IeType::remove_qer, g.remove_qers);
    v(Presence::conditional, IeType::remove_bar, g.remove_bar);
    v(Presence::conditional, IeType::remove_srr, g.remove_srrs);
    members::visit_created(Presence::conditional, g, v);
    v(Presence::conditional, IeType::update_pdr, g.update_pdrs);
    v(Presence::conditional, IeType::update_far, g.update_fars);
    v(Presence::conditional, IeType::update_urr, g.update_urrs);
    v(Presence::conditional, IeType::update_qer, g.update_qers);
    v(Presence::conditional, IeType::update_bar, g.update_bar);
    v(Presence::conditional, IeType::update_srr, g.update_srrs);
    v(Presence::conditional, IeType::pfcpsm_req_flags, g.flags);
    v(Presence::conditional, IeType::query_urr, g.query_urrs);
    v(Presence::optional, IeType::user_plane_inactivity_timer, g.inactivity_timer);
  }
};
template <>
struct Members<SessionModificationResponse> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::cause, g.cause);
    v(Presence::conditional, IeType::offending_ie, g.offending_ie);
    v(Presence::conditional, IeType::created_pdr, g.created_pdrs);
    v(Presence::conditional, IeType::usage_report_in_modification_response, g.usage_reports);
    v(Presence::conditional, IeType::failed_rule_id, g.failed_rule);
  }
};
template <>
struct Members<SessionDeletionRequest> {
  static void visit(auto& /*group*/, auto& /*visitor*/) {}
};
template <>
struct Members<SessionDeletionResponse> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::cause, g.cause);
    v(Presence::conditional, IeType::offending_ie, g.offending_ie);
    v(Presence::conditional, IeType::usage_report_in_deletion_response, g.usage_reports);
    v(Presence::conditional, IeType::session_report, g.session_reports);
  }
};
template <>
struct Members<SessionReportRequest> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::report_type, g.report_type);
    v(Presence::conditional, IeType::downlink_data_report, g.downlink_data);
    v(Presence::conditional, IeType::usage_report_in_report_request, g.usage_reports);
    v(Presence::conditional, IeType::error_indication_report, g.error_indication);
    v(Presence::conditional, IeType::session_report, g.session_reports);
  }
  /// What the type announces is there.
  static std::optional<Refusal> check(const SessionReportRequest& g) {
    if (g.report_type.has(Report::downlink_data) && !g.downlink_data)
      return members::needs(false, IeType::downlink_data_report);
    if (g.report_type.has(Report::usage) && g.usage_reports.empty())
      return members::needs(false, IeType::usage_report_in_report_request);
    if (g.report_type.has(Report::error_indication) && !g.error_indication)
      return members::needs(false, IeType::error_indication_report);
    return members::needs(!g.report_type.has(Report::session) || !g.session_reports.empty(),
                          IeType::session_report);
  }
};
template <>
struct Members<SessionReportResponse> {
  static void visit(auto& g, auto& v) {
    v(Presence::mandatory, IeType::cause, g.cause);
    v(Presence::conditional, IeType::offending_ie, g.offending_ie);
    v(Presence::optional, IeType::update_bar_in_report_response, g.update_bar);
    v(Presence::optional, IeType::pfcpsr_rsp_flags, g.flags);
  }
};

}  // namespace lobo::pfcp
