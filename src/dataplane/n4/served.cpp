#include "dataplane/n4/served.hpp"

#include <array>
#include <cstddef>
#include <optional>

#include "dataplane/n4/limits.hpp"
#include "dataplane/rules/apply.hpp"
#include "dataplane/rules/session.hpp"
#include "wire/pfcp/ie.hpp"
#include "wire/pfcp/members.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {
namespace {

using pfcp::Cause;
using pfcp::IeType;

RuleRefusal refusal(Cause cause, IeType type, IeType within) {
  return {{cause, type, within}, std::nullopt};
}

// They need what is not measured: events, Ethernet addresses, multicast, end markers, times of day
// of a quota, dropped packets, the end of traffic.
bool has_served_triggers(const Urr& urr) {
  using enum pfcp::ReportingTrigger;
  constexpr std::array unserved{
      quota_holding_time,   stop_of_traffic,      dropped_dl_traffic_threshold,
      envelope_closure,     mac_addresses,        event_threshold,
      event_quota,          multicast_join_leave, quota_validity_time,
      end_marker_reception, user_plane_inactivity};
  for (const auto trigger : unserved)
    if (urr.triggers.has(trigger)) return false;
  return true;
}

// A figure of zero is met for ever.
std::optional<IeType> zero_of(const Urr& urr) {
  using enum pfcp::ReportingTrigger;
  const auto is_zero = [](const pfcp::Volume& volume) {
    return (volume.total && volume.total->count == 0) ||
           (volume.uplink && volume.uplink->count == 0) ||
           (volume.downlink && volume.downlink->count == 0);
  };
  if (urr.triggers.has(periodic) && urr.period->count() == 0) return IeType::measurement_period;
  if (urr.triggers.has(volume_threshold) && is_zero(*urr.volume_threshold))
    return IeType::volume_threshold;
  if (urr.triggers.has(time_threshold) && urr.time_threshold->count() == 0)
    return IeType::time_threshold;
  return std::nullopt;
}

std::optional<RuleRefusal> refuse(const Urr& urr) {
  // An update may have brought a trigger without its figure.
  if (const auto fault = pfcp::Members<pfcp::CreateUrr>::check(urr))
    return RuleRefusal{*fault, std::nullopt};
  if (urr.method.has(pfcp::Measurement::event))
    return refusal(Cause::service_not_supported, IeType::measurement_method, IeType::create_urr);
  if (!has_served_triggers(urr))
    return refusal(Cause::service_not_supported, IeType::reporting_triggers, IeType::create_urr);
  // Packets are counted where they leave.
  if (urr.information && urr.information->has(pfcp::MeasurementDetail::before_qos_enforcement))
    return refusal(Cause::service_not_supported, IeType::measurement_information,
                   IeType::create_urr);
  if (const auto zero = zero_of(urr))
    return refusal(Cause::mandatory_ie_incorrect, *zero, IeType::create_urr);
  return std::nullopt;
}

std::optional<RuleRefusal> refuse(const Srr& srr, std::size_t& flows) {
  for (const pfcp::QosMonitoringControl& control : srr.monitored) {
    flows += control.qfis.size();
    if (control.requested.has(pfcp::MonitoredDelay::gtpu_path))
      return refusal(Cause::service_not_supported, IeType::requested_qos_monitoring,
                     IeType::qos_monitoring_control);
    if (control.frequency.has(pfcp::Frequency::periodic) && control.period->count() == 0)
      return refusal(Cause::mandatory_ie_incorrect, IeType::measurement_period,
                     IeType::qos_monitoring_control);
  }
  return std::nullopt;
}

}  // namespace

std::optional<RuleRefusal> refuse_measurements(const Session& session) {
  for (const auto& [id, urr] : session.urrs)
    if (auto fault = refuse(urr)) return fault;
  std::size_t flows = 0;
  for (const auto& [id, srr] : session.srrs)
    if (auto fault = refuse(srr, flows)) return fault;
  if (flows > flows_monitored_per_session_max)
    return refusal(Cause::no_resources_available, IeType::qfi, IeType::qos_monitoring_control);
  return std::nullopt;
}

}  // namespace lobo::dataplane::n4
