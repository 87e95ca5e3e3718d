#pragma once
// What a UPF measures and reports: usage (URR, clause 7.5.2.4) and the delay of QoS flows (SRR,
// clauses 5.24.4 and 7.5.2.9) of TS 29.244.

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/few.hpp"
#include "wire/pfcp/flags.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::pfcp {

inline constexpr std::size_t linked_urrs_max = 8;
inline constexpr std::size_t monitored_flows_per_srr_max = 16;
inline constexpr std::size_t pdrs_per_downlink_report_max = 16;
inline constexpr std::size_t tunnels_per_error_report_max = 16;

/// Clause 8.2.40.
enum class Measurement : std::uint8_t {
  duration = flag_at(5, 1),
  volume = flag_at(5, 2),
  event = flag_at(5, 3),
};
using MeasurementMethod = Flags<Measurement, 1>;

/// Clause 8.2.19: what is to make a report.
enum class ReportingTrigger : std::uint8_t {
  periodic = flag_at(5, 1),
  volume_threshold = flag_at(5, 2),
  time_threshold = flag_at(5, 3),
  quota_holding_time = flag_at(5, 4),
  start_of_traffic = flag_at(5, 5),
  stop_of_traffic = flag_at(5, 6),
  dropped_dl_traffic_threshold = flag_at(5, 7),
  linked_usage = flag_at(5, 8),
  volume_quota = flag_at(6, 1),
  time_quota = flag_at(6, 2),
  envelope_closure = flag_at(6, 3),
  mac_addresses = flag_at(6, 4),
  event_threshold = flag_at(6, 5),
  event_quota = flag_at(6, 6),
  multicast_join_leave = flag_at(6, 7),
  quota_validity_time = flag_at(6, 8),
  end_marker_reception = flag_at(7, 1),
  user_plane_inactivity = flag_at(7, 2),
};
using ReportingTriggers = Flags<ReportingTrigger, 3, 2>;

/// Clause 8.2.41: what made it. The bits stand elsewhere than those of ReportingTrigger.
enum class UsageReportTrigger : std::uint8_t {
  periodic = flag_at(5, 1),
  volume_threshold = flag_at(5, 2),
  time_threshold = flag_at(5, 3),
  quota_holding_time = flag_at(5, 4),
  start_of_traffic = flag_at(5, 5),
  stop_of_traffic = flag_at(5, 6),
  dropped_dl_traffic_threshold = flag_at(5, 7),
  immediate = flag_at(5, 8),
  volume_quota = flag_at(6, 1),
  time_quota = flag_at(6, 2),
  linked_usage = flag_at(6, 3),
  termination = flag_at(6, 4),
  monitoring_time = flag_at(6, 5),
  envelope_closure = flag_at(6, 6),
  mac_addresses = flag_at(6, 7),
  event_threshold = flag_at(6, 8),
  event_quota = flag_at(7, 1),
  termination_by_up = flag_at(7, 2),
  multicast_join_leave = flag_at(7, 3),
  quota_validity_time = flag_at(7, 4),
  end_marker_reception = flag_at(7, 5),
  user_plane_inactivity = flag_at(7, 6),
};
using UsageReportTriggers = Flags<UsageReportTrigger, 3, 2>;

/// Clause 8.2.68.
enum class MeasurementDetail : std::uint8_t {
  before_qos_enforcement = flag_at(5, 1),  ///< MBQE
  inactive = flag_at(5, 2),                ///< INAM
  reduced_detection = flag_at(5, 3),       ///< RADI
  immediate_start = flag_at(5, 4),         ///< ISTM
  number_of_packets = flag_at(5, 5),       ///< MNOP
};
using MeasurementInformation = Flags<MeasurementDetail, 1>;

struct CreateUrr {
  UrrId id;
  MeasurementMethod method;
  ReportingTriggers triggers;
  std::optional<Seconds32> period;
  std::optional<Volume> volume_threshold;
  std::optional<Volume> volume_quota;
  std::optional<Seconds32> time_threshold;
  std::optional<Seconds32> time_quota;
  std::optional<Seconds32> inactivity_detection_time;
  Few<UrrId, linked_urrs_max> linked;
  std::optional<MeasurementInformation> information;
  std::optional<ReportCount> number_of_reports;
  bool operator==(const CreateUrr&) const = default;
};
struct UpdateUrr {
  UrrId id;
  std::optional<MeasurementMethod> method;
  std::optional<ReportingTriggers> triggers;
  std::optional<Seconds32> period;
  std::optional<Volume> volume_threshold;
  std::optional<Volume> volume_quota;
  std::optional<Seconds32> time_threshold;
  std::optional<Seconds32> time_quota;
  std::optional<Seconds32> inactivity_detection_time;
  Few<UrrId, linked_urrs_max> linked;
  std::optional<MeasurementInformation> information;
  std::optional<ReportCount> number_of_reports;
  bool operator==(const UpdateUrr&) const = default;
};
struct RemoveUrr {
  UrrId id;
  bool operator==(const RemoveUrr&) const = default;
};
struct QueryUrr {
  UrrId id;
  bool operator==(const QueryUrr&) const = default;
};

/// Clause 8.2.44: what was counted.
struct VolumeMeasurement {
  Volume octets;
  std::optional<PacketNumber> total_packets;
  std::optional<PacketNumber> uplink_packets;
  std::optional<PacketNumber> downlink_packets;
  bool operator==(const VolumeMeasurement&) const = default;
};

/// Tables 7.5.5.2-1, 7.5.7.2-1, 7.5.8.3-1: one content under three types.
struct UsageReport {
  UrrId urr;
  ReportSequenceNumber sequence_number;
  UsageReportTriggers triggers;
  std::optional<NtpSeconds> start_time;
  std::optional<NtpSeconds> end_time;
  std::optional<VolumeMeasurement> volume;
  std::optional<Seconds32> duration;
  std::optional<NtpSeconds> first_packet;
  std::optional<NtpSeconds> last_packet;
  std::optional<QueryUrrReference> query;
  bool operator==(const UsageReport&) const = default;
};

/// Clause 8.2.21.
enum class Report : std::uint8_t {
  downlink_data = flag_at(5, 1),
  usage = flag_at(5, 2),
  error_indication = flag_at(5, 3),
  user_plane_inactivity = flag_at(5, 4),
  tsc_management = flag_at(5, 5),
  session = flag_at(5, 6),
  up_initiated_session = flag_at(5, 7),
};
using ReportType = Flags<Report, 1>;

/// Table 7.5.8.2-1.
struct DownlinkDataReport {
  Few<PdrId, pdrs_per_downlink_report_max> pdrs;
  bool operator==(const DownlinkDataReport&) const = default;
};
/// Table 7.5.8.4-1: tunnels whose other end does not know them.
struct ErrorIndicationReport {
  Few<FTeid, tunnels_per_error_report_max> tunnels;
  bool operator==(const ErrorIndicationReport&) const = default;
};

/// Clause 8.2.167, with the bits of Rel-17: later releases ask for more than delays.
enum class MonitoredDelay : std::uint8_t {
  downlink = flag_at(5, 1),
  uplink = flag_at(5, 2),
  round_trip = flag_at(5, 3),
  gtpu_path = flag_at(5, 4),
};
using RequestedQosMonitoring = Flags<MonitoredDelay, 1>;

/// Clause 8.2.168.
enum class Frequency : std::uint8_t {
  event_triggered = flag_at(5, 1),
  periodic = flag_at(5, 2),
  at_session_release = flag_at(5, 3),
};
using ReportingFrequency = Flags<Frequency, 1>;

/// Clause 8.2.169. What Rel-18 put behind these three is read past.
struct PacketDelayThresholds {
  std::optional<Milliseconds32> downlink;
  std::optional<Milliseconds32> uplink;
  std::optional<Milliseconds32> round_trip;
  bool operator==(const PacketDelayThresholds&) const = default;
};
/// Clause 8.2.171.
struct QosMonitoringMeasurement {
  PacketDelayThresholds delay;
  bool failed = false;  ///< PLMF: nothing could be measured
  bool operator==(const QosMonitoringMeasurement&) const = default;
};

/// Table 7.5.2.9-3.
struct QosMonitoringControl {
  Few<Qfi, 64> qfis;
  RequestedQosMonitoring requested;
  ReportingFrequency frequency;
  std::optional<PacketDelayThresholds> thresholds;
  std::optional<Seconds32> minimum_wait;
  std::optional<Seconds32> period;
  bool operator==(const QosMonitoringControl&) const = default;
};
/// Tables 7.5.2.9-1 and 7.5.4.21-1.
struct Srr {
  SrrId id;
  Few<QosMonitoringControl, monitored_flows_per_srr_max> monitored;
  bool operator==(const Srr&) const = default;
};
struct RemoveSrr {
  SrrId id;
  bool operator==(const RemoveSrr&) const = default;
};

/// Table 7.5.8.6-3.
struct QosMonitoringReport {
  Qfi qfi;
  QosMonitoringMeasurement measurement;
  NtpSeconds time_stamp;
  std::optional<NtpSeconds> start_time;
  bool operator==(const QosMonitoringReport&) const = default;
};
/// Table 7.5.8.7-1.
struct SessionReport {
  SrrId srr;
  Few<QosMonitoringReport, monitored_flows_per_srr_max> reports;
  bool operator==(const SessionReport&) const = default;
};

}  // namespace lobo::pfcp
