// MonitoringEvent of type PDN_CONNECTIVITY_STATUS, and the plain question for a UE's address.

#include <optional>
#include <string>
#include <string_view>

#include "api/monitoring_event.hpp"
#include "api/ue_address.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "model/address.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "services/seal_nrm/southbound_request.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::seal_nrm {

namespace mon = api::monitoring_event;

namespace {

std::string collection(const Settings& settings) {
  return "/3gpp-monitoring-event/v1/" + http::percent_encode(nef_of(settings).scs_as_id) +
         "/subscriptions";
}

// Spelt our way, so that equal addresses are equal texts; what is none is as if it were not there.
std::optional<std::string> ipv4_of(const std::optional<std::string>& text) {
  const auto address = text ? model::Ipv4Address::parse(*text) : std::nullopt;
  return address ? std::optional(address->text()) : std::nullopt;
}
std::optional<std::string> ipv6_of(const std::optional<std::string>& text) {
  const auto address = text ? model::Ipv6Address::parse(*text) : std::nullopt;
  return address ? std::optional(address->text()) : std::nullopt;
}

std::optional<UeAddress> address_of(const mon::PdnConnectionInformation& connection) {
  UeAddress address;
  address.ipv4 = ipv4_of(connection.ipv4_addr);
  if (connection.ipv6_addrs && !connection.ipv6_addrs->empty())
    address.ipv6 = ipv6_of(connection.ipv6_addrs->front());
  if (connection.mac_addrs && !connection.mac_addrs->empty())
    if (const auto mac = model::MacAddress::parse(connection.mac_addrs->front()))
      address.mac = mac->text();
  if (address == UeAddress{}) return std::nullopt;
  return address;
}

/// Adds what one report says; `out` holds what the ones before it said.
void read_report(const mon::MonitoringEventReport& report, const CoreTraits& core,
                 const std::optional<UeAddress>& known, std::optional<AddressReport>& out) {
  if (report.monitoring_type != mon::MonitoringTypeKnown::pdn_connectivity_status ||
      !report.pdn_conn_info_list)
    return;
  for (const auto& connection : *report.pdn_conn_info_list) {
    // Another PDU session of the same UE does not concern us.
    if (core.dnn && connection.apn && *connection.apn != *core.dnn) continue;
    const auto address = address_of(connection);
    if (connection.status == mon::PdnConnectionStatusKnown::released) {
      const auto& now = out ? out->address : known;
      if (!address || address == now) out = AddressReport{std::nullopt};
    } else if (address) {
      out = AddressReport{address};
    }
  }
}

}  // namespace

http::Request subscribe_request(const Settings& settings, const std::string& callback,
                                std::string_view gpsi, Instant expires) {
  mon::MonitoringEventSubscription body;
  body.supported_features = nef_of(settings).supported_features;
  body.notification_destination = callback;
  body.monitoring_type = mon::MonitoringTypeKnown::pdn_connectivity_status;
  body.monitor_expire_time = expires;
  body.immediate_rep = true;
  body.dnn = nef_of(settings).dnn;
  // TS 23.003 clause 28.7: a GPSI is an MSISDN or an External Identifier, each with its prefix.
  if (gpsi.starts_with("msisdn-"))
    body.msisdn = std::string(gpsi.substr(7));
  else
    body.external_id = std::string(gpsi.starts_with("extid-") ? gpsi.substr(6) : gpsi);
  return request_of("POST", collection(settings), "application/json", json::write(body));
}

http::Request unsubscribe_request(const Settings& settings, std::string_view id) {
  return request_of("DELETE", collection(settings) + "/" + http::percent_encode(id));
}

http::Request list_watches_request(const Settings& settings) {
  return request_of("GET", collection(settings));
}

http::Request get_watch_request(const Settings& settings, std::string_view id) {
  return request_of("GET", collection(settings) + "/" + http::percent_encode(id));
}

http::Request retrieve_address_request(const Settings& settings, std::string_view gpsi) {
  api::ue_address::UeAddressReq body;
  body.af_id = nef_of(settings).scs_as_id;
  body.gpsi = std::string(gpsi);
  return request_of("POST", "/3gpp-ue-address/v1/retrieve", "application/json", json::write(body));
}

std::optional<AddressReport> read_subscribed_report(const http::Response& response,
                                                    const CoreTraits& core) {
  std::optional<AddressReport> out;
  if (const auto body = json::read<mon::MonitoringEventSubscription>(response.body)) {
    if (body->monitoring_event_report)
      read_report(*body->monitoring_event_report, core, std::nullopt, out);
  }
  return out;
}

Result<MonitoringNews> read_monitoring_notification(std::string_view text, const CoreTraits& core,
                                                    const std::optional<UeAddress>& known) {
  const auto body = json::read<mon::MonitoringNotification>(text);
  if (!body) return fail(body.error());
  MonitoringNews news;
  news.cancelled = body->cancel_ind.value_or(false);
  news.subscription = last_segment(body->subscription);
  if (body->monitoring_event_reports)
    for (const auto& report : *body->monitoring_event_reports)
      read_report(report, core, known, news.report);
  return news;
}

std::optional<UeAddress> read_retrieved_address(const http::Response& response) {
  if (response.status != 200) return std::nullopt;
  const auto body = json::read<api::ue_address::UeAddressInfo>(response.body);
  if (!body) return std::nullopt;
  UeAddress address;
  for (const auto& one : body->ue_ip_addrs) {
    if (!address.ipv4) address.ipv4 = ipv4_of(one.ipv4_addr);
    if (!address.ipv6) address.ipv6 = ipv6_of(one.ipv6_addr);
  }
  if (address == UeAddress{}) return std::nullopt;
  return address;
}

}  // namespace lobo::seal_nrm
