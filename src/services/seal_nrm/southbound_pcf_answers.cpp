// Answers of a BSF, and callbacks of a PCF. Hostile input, as that of a NEF.

#include "services/seal_nrm/southbound_pcf_answers.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/as_session_with_qos.hpp"
#include "api/bsf.hpp"
#include "api/policy_authorization.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "services/seal_nrm/southbound.hpp"
#include "wire/http/ip.hpp"
#include "wire/http/message.hpp"
#include "wire/http/ssrf.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::seal_nrm {

namespace n5 = api::policy_authorization;

namespace {

using Ours = api::as_session_with_qos::UserPlaneEventKnown;

constexpr std::string_view termination_suffix = "/terminate";
constexpr std::string_view events_suffix = "/events-subscription";

/// TS 29.510 clause 6.1.6.2.5: an end point without an address tells the port of the FQDN.
std::optional<http::Url> url_of(const api::bsf::PcfBinding& binding, std::string_view scheme) {
  std::string host = binding.pcf_fqdn.value_or("");
  std::string port;
  if (binding.pcf_ip_end_points) {
    const auto& at = binding.pcf_ip_end_points->front();
    if (at.ipv4_address) host = *at.ipv4_address;
    if (at.ipv6_address) host = "[" + *at.ipv6_address + "]";
    if (at.port) port = ":" + std::to_string(*at.port);
  }
  if (host.empty()) return std::nullopt;
  auto url = http::parse_url(std::string(scheme) + "://" + host + port);
  if (!url || url->target != "/") return std::nullopt;  // More than a host stood there.
  return std::move(*url);
}

/// Only what is listed: a core's functions have addresses of its own, and no others.
bool allowed(const http::SinkPolicy& pcfs, const http::Url& url) {
  if (std::ranges::find(pcfs.hosts, url.host) != pcfs.hosts.end()) return true;
  const auto address = http::IpAddress::parse(url.host);
  return address && std::ranges::any_of(pcfs.networks, [&](const http::Cidr& network) {
           return network.contains(*address);
         });
}

Refusal not_found_refusal(std::string_view detail) {
  return {503, "The network cannot be reached", "NETWORK_UNAVAILABLE", std::string(detail)};
}

api::as_session_with_qos::UserPlaneEventReport& add(CoreNews& news, Ours event) {
  auto& report = news.event_reports.emplace_back();
  report.event = api::as_session_with_qos::UserPlaneEvent(event);
  return report;
}

void add_notification_control(CoreNews& news, const n5::EventsNotification& told) {
  if (!told.qnc_reports) return;
  for (const auto& control : *told.qnc_reports) {
    const auto type = control.notif_type.known();
    if (type == n5::QosNotifTypeKnown::guaranteed)
      add(news, Ours::qos_guaranteed);
    else if (type == n5::QosNotifTypeKnown::not_guaranteed)
      add(news, Ours::qos_not_guaranteed).applied_qos_ref = control.alt_ser_req;
  }
}

/// The resource that the events belong to, whose URI has the subscription below it.
std::string session_of(std::string_view subscription) {
  if (subscription.ends_with(events_suffix)) subscription.remove_suffix(events_suffix.size());
  return std::string(subscription);
}

Result<CoreNews> read_termination(std::string_view body) {
  const auto end = json::read<n5::TerminationInfo>(body);
  if (!end) return fail(end.error());
  CoreNews news;
  news.transaction = end->res_uri;
  add(news, Ours::session_termination);
  return news;
}

}  // namespace

tl::expected<std::string, Refusal> read_binding(const Settings& settings,
                                                const Result<http::Response>& response,
                                                std::string_view gpsi) {
  if (!response) return tl::unexpected<Refusal>(unreachable_refusal(response));
  if (response->status == 204 || response->status == 404)
    return tl::unexpected<Refusal>(not_connected_refusal());
  if (response->status != 200) return tl::unexpected<Refusal>(core_refusal(*response, {}));
  const auto binding = json::read<api::bsf::PcfBinding>(response->body);
  if (!binding)
    return tl::unexpected<Refusal>(not_found_refusal("the BSF's answer cannot be read"));
  // An address is lent to one UE after the other; whose session it is now the BSF may know. Of the
  // two kinds of GPSI only one may be told, so only the same kind can contradict.
  const auto kind = [](std::string_view id) { return id.substr(0, id.find('-')); };
  if (binding->gpsi && kind(*binding->gpsi) == kind(gpsi) && *binding->gpsi != gpsi)
    return tl::unexpected<Refusal>(other_ue_refusal());
  const auto url = url_of(*binding, settings.core.bsf_scheme);
  if (!url) return tl::unexpected<Refusal>(not_found_refusal("the BSF names no PCF to ask"));
  if (!allowed(settings.core.pcfs, *url))
    return tl::unexpected<Refusal>(
        not_found_refusal("the BSF names a PCF that the configuration does not allow"));
  return url->origin();
}

Result<CoreNews> read_app_session_news(const http::Request& request) {
  if (http::split_target(request.target).path.ends_with(termination_suffix))
    return read_termination(request.body);
  const auto told = json::read<n5::EventsNotification>(request.body);
  if (!told) return fail(told.error());
  CoreNews news;
  news.transaction = session_of(told->ev_subs_uri);
  for (const auto& one : told->ev_notifs) {
    const auto event = one.event.known();
    if (event == n5::AfEventKnown::qos_notif) {
      add_notification_control(news, *told);
    } else if (event == n5::AfEventKnown::successful_resources_allocation) {
      auto& report = add(news, Ours::successful_resources_allocation);
      if (told->succ_resourc_alloc_reports)
        report.applied_qos_ref = told->succ_resourc_alloc_reports->front().alt_ser_req;
    } else if (event == n5::AfEventKnown::failed_resources_allocation) {
      add(news, Ours::failed_resources_allocation);
    } else if (event == n5::AfEventKnown::usage_report) {
      add(news, Ours::usage_report).accumulated_usage = told->usg_rep;
    } else {
      auto& report = news.event_reports.emplace_back();
      report.event = api::as_session_with_qos::UserPlaneEvent(one.event.text);
    }
  }
  return news;
}

}  // namespace lobo::seal_nrm
