#pragma once
// The messages of TS 29.244 clauses 7.4 and 7.5 between a control plane and a UPF, one structure
// for reading and writing. What a structure does not name is passed over and counted (Remarks).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <tl/expected.hpp>

#include "base/bytes.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/repeated.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::pfcp {

struct HeartbeatRequest {
  static constexpr auto type = MessageType::heartbeat_request;
  NtpSeconds recovery_time_stamp;  ///< when the sender came to life: another one means a restart
  bool operator==(const HeartbeatRequest&) const = default;
};
struct HeartbeatResponse {
  static constexpr auto type = MessageType::heartbeat_response;
  NtpSeconds recovery_time_stamp;
  bool operator==(const HeartbeatResponse&) const = default;
};

struct AssociationSetupRequest {
  static constexpr auto type = MessageType::association_setup_request;
  NodeId node;
  NtpSeconds recovery_time_stamp;
  std::optional<UpFeatures> up_features;
  std::optional<CpFeatures> cp_features;
  bool operator==(const AssociationSetupRequest&) const = default;
};
struct AssociationSetupResponse {
  static constexpr auto type = MessageType::association_setup_response;
  NodeId node;
  Cause cause = Cause::request_accepted;
  NtpSeconds recovery_time_stamp;
  std::optional<UpFeatures> up_features;
  std::optional<CpFeatures> cp_features;
  bool operator==(const AssociationSetupResponse&) const = default;
};
struct AssociationUpdateRequest {
  static constexpr auto type = MessageType::association_update_request;
  NodeId node;
  std::optional<UpFeatures> up_features;
  std::optional<CpFeatures> cp_features;
  std::optional<AssociationReleaseFlags> release;
  std::optional<GracefulReleasePeriod> release_period;
  bool operator==(const AssociationUpdateRequest&) const = default;
};
struct AssociationUpdateResponse {
  static constexpr auto type = MessageType::association_update_response;
  NodeId node;
  Cause cause = Cause::request_accepted;
  std::optional<UpFeatures> up_features;
  std::optional<CpFeatures> cp_features;
  bool operator==(const AssociationUpdateResponse&) const = default;
};
struct AssociationReleaseRequest {
  static constexpr auto type = MessageType::association_release_request;
  NodeId node;
  bool operator==(const AssociationReleaseRequest&) const = default;
};
struct AssociationReleaseResponse {
  static constexpr auto type = MessageType::association_release_response;
  NodeId node;
  Cause cause = Cause::request_accepted;
  bool operator==(const AssociationReleaseResponse&) const = default;
};

// Of procedures that nobody here serves: what a request is refused with.
struct PfdManagementResponse {
  static constexpr auto type = MessageType::pfd_management_response;
  Cause cause = Cause::request_accepted;
  std::optional<OffendingIe> offending_ie;
  bool operator==(const PfdManagementResponse&) const = default;
};
struct SessionSetDeletionResponse {
  static constexpr auto type = MessageType::session_set_deletion_response;
  NodeId node;
  Cause cause = Cause::request_accepted;
  std::optional<OffendingIe> offending_ie;
  bool operator==(const SessionSetDeletionResponse&) const = default;
};
struct SessionSetModificationResponse {
  static constexpr auto type = MessageType::session_set_modification_response;
  NodeId node;
  Cause cause = Cause::request_accepted;
  std::optional<OffendingIe> offending_ie;
  bool operator==(const SessionSetModificationResponse&) const = default;
};

struct SessionEstablishmentRequest {
  static constexpr auto type = MessageType::session_establishment_request;
  NodeId node;
  FSeid cp_f_seid;
  Repeated<CreatePdr> create_pdrs;
  Repeated<CreateFar> create_fars;
  Repeated<CreateUrr> create_urrs;
  Repeated<CreateQer> create_qers;
  std::optional<Bar> create_bar;
  Repeated<Srr> create_srrs;
  std::optional<PdnType> pdn_type;
  std::optional<Seconds32> inactivity_timer;
  bool operator==(const SessionEstablishmentRequest&) const = default;
};
struct SessionEstablishmentResponse {
  static constexpr auto type = MessageType::session_establishment_response;
  NodeId node;
  Cause cause = Cause::request_accepted;
  std::optional<OffendingIe> offending_ie;
  std::optional<FSeid> up_f_seid;  ///< there where the cause is an acceptance
  Repeated<CreatedPdr> created_pdrs;
  std::optional<FailedRuleId> failed_rule;
  bool operator==(const SessionEstablishmentResponse&) const = default;
};

struct SessionModificationRequest {
  static constexpr auto type = MessageType::session_modification_request;
  std::optional<FSeid> cp_f_seid;  ///< where the control plane moved
  Repeated<RemovePdr> remove_pdrs;
  Repeated<RemoveFar> remove_fars;
  Repeated<RemoveUrr> remove_urrs;
  Repeated<RemoveQer> remove_qers;
  std::optional<RemoveBar> remove_bar;
  Repeated<RemoveSrr> remove_srrs;
  Repeated<CreatePdr> create_pdrs;
  Repeated<CreateFar> create_fars;
  Repeated<CreateUrr> create_urrs;
  Repeated<CreateQer> create_qers;
  std::optional<Bar> create_bar;
  Repeated<Srr> create_srrs;
  Repeated<UpdatePdr> update_pdrs;
  Repeated<UpdateFar> update_fars;
  Repeated<UpdateUrr> update_urrs;
  Repeated<UpdateQer> update_qers;
  std::optional<Bar> update_bar;
  Repeated<Srr> update_srrs;
  std::optional<ModificationFlags> flags;
  Repeated<QueryUrr> query_urrs;
  std::optional<Seconds32> inactivity_timer;
  bool operator==(const SessionModificationRequest&) const = default;
};
struct SessionModificationResponse {
  static constexpr auto type = MessageType::session_modification_response;
  Cause cause = Cause::request_accepted;
  std::optional<OffendingIe> offending_ie;
  Repeated<CreatedPdr> created_pdrs;
  Repeated<UsageReport> usage_reports;
  std::optional<FailedRuleId> failed_rule;
  bool operator==(const SessionModificationResponse&) const = default;
};

struct SessionDeletionRequest {
  static constexpr auto type = MessageType::session_deletion_request;
  bool operator==(const SessionDeletionRequest&) const = default;
};
struct SessionDeletionResponse {
  static constexpr auto type = MessageType::session_deletion_response;
  Cause cause = Cause::request_accepted;
  std::optional<OffendingIe> offending_ie;
  Repeated<UsageReport> usage_reports;
  Repeated<SessionReport> session_reports;
  bool operator==(const SessionDeletionResponse&) const = default;
};

struct SessionReportRequest {
  static constexpr auto type = MessageType::session_report_request;
  ReportType report_type;
  std::optional<DownlinkDataReport> downlink_data;
  Repeated<UsageReport> usage_reports;
  std::optional<ErrorIndicationReport> error_indication;
  Repeated<SessionReport> session_reports;
  bool operator==(const SessionReportRequest&) const = default;
};
/// Clause 8.2.32.
enum class ReportResponseFlag : std::uint8_t { drobu = flag_at(5, 1) };
using ReportResponseFlags = Flags<ReportResponseFlag, 1>;
struct SessionReportResponse {
  static constexpr auto type = MessageType::session_report_response;
  Cause cause = Cause::request_accepted;
  std::optional<OffendingIe> offending_ie;
  std::optional<Bar> update_bar;
  std::optional<ReportResponseFlags> flags;
  bool operator==(const SessionReportResponse&) const = default;
};

/// Reads the information elements of a message, in any order (clause 7.6):
///  - a mandatory one that is missing, a conditional one whose condition is seen to hold and that
///  is
///    missing, and either of them with a value that is none: refused, with the type that is to
///    blame. The first fault in the order of the message is told; a missing one after all others;
///  - an optional one whose value is none: taken as absent;
///  - one that stands once and comes again: the first counts;
///  - unknown ones, vendors' among them: passed over. `remarks` counts all three.
/// What is returned borrows from the message.
template <class Message>
tl::expected<Message, Refusal> read_message(const MessageView& view, Remarks& remarks);

/// The message with its header; its size, or 0 where `out` has no room.
template <class Message>
std::size_t write_message(MutableBytes out, const Envelope& envelope, const Message& message);

/// For the answer to a session's request that cannot be read: the F-SEID in it, if that can.
std::optional<FSeid> find_f_seid(const MessageView& view);

/// The Offending IE of a response.
constexpr std::optional<OffendingIe> offending_ie_of(const Refusal& refusal) {
  if (!refusal.offending) return std::nullopt;
  return OffendingIe{static_cast<std::uint16_t>(*refusal.offending)};
}

}  // namespace lobo::pfcp
