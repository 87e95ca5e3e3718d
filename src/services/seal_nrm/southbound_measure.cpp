#include "services/seal_nrm/southbound_measure.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/analytics_exposure.hpp"
#include "api/as_session_with_qos.hpp"
#include "api/state/nrm_monitor.hpp"
#include "base/result.hpp"
#include "model/bit_rate.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "services/seal_nrm/southbound_request.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::seal_nrm {

namespace as = api::as_session_with_qos;
namespace analytics = api::analytics_exposure;
using api::state::nrm_monitor::Sample;
using api::state::nrm_monitor::SampleIndex;

namespace {

// 5QI 9 of TS 23.501 table 5.7.4-1: what default traffic gets, so that measuring promises nothing.
constexpr std::int64_t default_delay_budget_ms = 300;

std::string collection(const Settings& settings, SourceKind kind) {
  const std::string_view root = kind == SourceKind::analytics ? "/3gpp-analyticsexposure/v1/"
                                                              : "/3gpp-as-session-with-qos/v1/";
  return std::string(root) + http::percent_encode(nef_of(settings).scs_as_id) + "/subscriptions";
}

as::QosMonitoringInformation monitoring(std::vector<as::RequestedQosMonitoringParameter> of,
                                        std::int64_t period) {
  as::QosMonitoringInformation info;
  info.req_qos_mon_params = std::move(of);
  info.rep_freqs = {as::ReportingFrequencyKnown::periodic};
  info.rep_period = period;
  return info;
}

void put_wish(as::AsSessionWithQoSSubscription& body, SourceKind kind, std::int64_t period) {
  using enum as::RequestedQosMonitoringParameterKnown;
  using enum as::UserPlaneEventKnown;
  switch (kind) {
    case SourceKind::delay:
      body.events = {{qos_monitoring}};
      body.qos_mon_info = monitoring({downlink, uplink, round_trip}, period);
      return;
    case SourceKind::rate:
      body.events = {{qos_monitoring}};
      body.qos_mon_dat_rate = monitoring({downlink_data_rate, uplink_data_rate}, period);
      return;
    case SourceKind::usage:
      body.events = {{usage_report}};
      body.usage_threshold.emplace().duration = period;
      return;
    case SourceKind::analytics: return;
  }
}

http::Request session_request(const Settings& settings, SourceKind kind,
                              const std::string& callback, const UeAddress& ue,
                              std::int64_t period) {
  as::AsSessionWithQoSSubscription body;
  body.notification_destination = callback;
  body.supported_features = nef_of(settings).supported_features;
  body.dnn = nef_of(settings).dnn;
  const auto address = session_address(ue, {});
  if (ue.ipv4 == address)
    body.ue_ipv4_addr = address;
  else if (ue.ipv6 == address)
    body.ue_ipv6_addr = address;
  else
    body.mac_addr = address;
  if (body.mac_addr) {
    as::EthFlowDescription down;
    down.eth_type = "0800";
    down.f_desc = "permit out ip from any to any";
    down.dest_mac_addr = address;
    down.f_dir = as::FlowDirection(as::FlowDirectionKnown::downlink);
    body.eth_flow_info = {{down}};
  } else {
    as::FlowInfo all;
    all.flow_id = nef_of(settings).flow_id_first;
    all.flow_descriptions = {
        {"permit out ip from any to " + address, "permit in ip from " + address + " to any"}};
    body.flow_info = {{all}};
  }
  if (settings.monitoring.qos_reference)
    body.qos_reference = settings.monitoring.qos_reference;
  else
    body.tsc_qos_req.emplace().req5_gsdelay = default_delay_budget_ms;
  put_wish(body, kind, period);
  return request_of("POST", collection(settings, kind), "application/json", json::write(body));
}

http::Request analytics_request(const Settings& settings, const std::string& callback,
                                std::string_view gpsi, std::int64_t period) {
  analytics::AnalyticsExposureSubsc body;
  auto& wanted = body.analy_events_subs.emplace_back();
  wanted.analy_event = analytics::AnalyticsEventKnown::dn_performance;
  wanted.tgt_ue.emplace().gpsi = std::string(gpsi);
  body.notif_uri = callback;
  body.notif_id = std::string(gpsi);
  auto& reporting = body.analy_rep_info.emplace();
  reporting.notif_method =
      analytics::NotificationMethod(analytics::NotificationMethodKnown::periodic);
  reporting.rep_period = period;
  return request_of("POST", collection(settings, SourceKind::analytics), "application/json",
                    json::write(body));
}

class Samples {
 public:
  explicit Samples(std::vector<Sample>& to) : to_(to) {}
  void add(SampleIndex index, double value, std::optional<std::int64_t> seconds = {}) {
    if (!(value >= 0) || value > sample_value_max || to_.size() >= samples_per_callback_max) return;
    if (seconds && *seconds > std::chrono::seconds(sample_interval_max).count()) return;
    Sample sample;
    sample.index = index;
    sample.value = value;
    sample.seconds = seconds;
    to_.push_back(sample);
  }
  void add(SampleIndex index, const std::optional<std::vector<std::int64_t>>& values) {
    if (!values) return;
    for (const auto value : *values) add(index, static_cast<double>(value));
  }

 private:
  std::vector<Sample>& to_;
};

std::optional<double> bits(const std::optional<std::string>& text) {
  const auto rate = text ? model::parse_bit_rate(*text) : std::nullopt;
  if (!rate) return std::nullopt;
  return static_cast<double>(rate->count);
}

/// Both directions together, or the one that was told.
void add_rate(Samples& samples, const std::optional<std::string>& dl,
              const std::optional<std::string>& ul) {
  const auto down = bits(dl);
  const auto up = bits(ul);
  if (down || up) samples.add(SampleIndex::rate, down.value_or(0) + up.value_or(0));
}

void read_report(const as::UserPlaneEventReport& report, SourceKind kind, SamplesSeen& out) {
  Samples samples(out.samples);
  if (kind == SourceKind::delay && report.qos_mon_reports)
    for (const auto& one : *report.qos_mon_reports) {
      if (one.pdmf.value_or(false)) out.failed = true;
      samples.add(SampleIndex::dl_delay, one.dl_delays);
      samples.add(SampleIndex::ul_delay, one.ul_delays);
      samples.add(SampleIndex::rt_delay, one.rt_delays);
    }
  if (kind == SourceKind::rate && report.qos_mon_dat_rate_reps)
    for (const auto& one : *report.qos_mon_dat_rate_reps)
      add_rate(samples, one.dl_data_rate, one.ul_data_rate);
  if (kind == SourceKind::usage && report.accumulated_usage) {
    const auto& usage = *report.accumulated_usage;
    if (usage.downlink_volume)
      samples.add(SampleIndex::dl_volume, static_cast<double>(*usage.downlink_volume),
                  usage.duration);
    if (usage.uplink_volume)
      samples.add(SampleIndex::ul_volume, static_cast<double>(*usage.uplink_volume),
                  usage.duration);
  }
}

Result<MeasureNews> read_analytics(std::string_view text) {
  const auto body = json::read<analytics::AnalyticsEventNotification>(text);
  if (!body) return fail(body.error());
  MeasureNews news;
  Samples samples(news.samples.samples);
  news.samples.timed = true;  // TS 29.522: each event has its timeStamp.
  for (const auto& event : body->analy_event_notifs) {
    if (!event.dn_perf_infos) continue;
    for (const auto& info : *event.dn_perf_infos)
      for (const auto& one : info.dn_perf)
        if (one.perf_data.avg_packet_loss_rate)
          samples.add(SampleIndex::loss, static_cast<double>(*one.perf_data.avg_packet_loss_rate));
  }
  return news;
}

}  // namespace

bool needs_address(SourceKind kind) { return kind != SourceKind::analytics; }

http::Request measure_request(const Settings& settings, SourceKind kind,
                              const std::string& callback, std::string_view gpsi,
                              const UeAddress& address) {
  const std::int64_t period =
      std::chrono::ceil<std::chrono::seconds>(settings.monitoring.sample_period).count();
  if (kind == SourceKind::analytics) return analytics_request(settings, callback, gpsi, period);
  return session_request(settings, kind, callback, address, period);
}

http::Request measure_get_request(const Settings& settings, SourceKind kind, std::string_view id) {
  return request_of("GET", collection(settings, kind) + "/" + http::percent_encode(id));
}
http::Request measure_release_request(const Settings& settings, SourceKind kind,
                                      std::string_view id) {
  return request_of("DELETE", collection(settings, kind) + "/" + http::percent_encode(id));
}
http::Request measure_list_request(const Settings& settings, SourceKind kind) {
  return request_of("GET", collection(settings, kind));
}

Result<MeasureNews> read_measurements(std::string_view text, SourceKind kind) {
  if (kind == SourceKind::analytics) return read_analytics(text);
  const auto body = json::read<as::UserPlaneNotificationData>(text);
  if (!body) return fail(body.error());
  MeasureNews news;
  news.session = last_segment(body->transaction);
  for (const auto& report : body->event_reports) {
    const auto event = report.event.known();
    if (event == as::UserPlaneEventKnown::session_termination ||
        event == as::UserPlaneEventKnown::release_of_bearer)
      news.ended = true;
    read_report(report, kind, news.samples);
  }
  return news;
}

}  // namespace lobo::seal_nrm
