#include "services/core_sim/monitoring_event.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "api/common.hpp"
#include "api/monitoring_event.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/session_terms.hpp"
#include "services/core_sim/watches.hpp"
#include "services/core_sim/world.hpp"
#include "wire/json/json.hpp"

namespace lobo::core_sim {

namespace api_watch = api::monitoring_event;
namespace operation = api_watch::operation;
using Body = api_watch::MonitoringEventSubscription;
using Type = MonitoringTypeKnown;

namespace {

inline constexpr std::int64_t period_seconds_max = std::int64_t{100} * 365 * 86'400;

bool is_served(Type type) {
  return type == Type::pdn_connectivity_status || type == Type::loss_of_connectivity ||
         type == Type::ue_reachability || type == Type::location_reporting;
}

void check_target(const Body& from, std::vector<Fault>& faults) {
  const auto given = int{from.external_id.has_value()} + int{from.msisdn.has_value()} +
                     int{from.ipv4_addr.has_value()} + int{from.ipv6_addr.has_value()};
  if (from.external_group_id)
    faults.push_back({Errc::not_allowed, "/externalGroupId", "groups are not served"});
  else if (given == 0)
    faults.push_back(
        {Errc::missing, "/externalId", "one of externalId, msisdn, ipv4Addr, ipv6Addr is needed"});
  else if (given > 1)
    faults.push_back({Errc::not_allowed, from.external_id ? "/externalId" : "/msisdn",
                      "only one of externalId, msisdn, ipv4Addr, ipv6Addr may be present"});
}

Outcome<WatchTerms> terms_of(const Body& from, Instant now) {
  WatchTerms terms;
  std::vector<Fault> faults;
  check_target(from, faults);
  terms.destination = from.notification_destination;
  if (!is_callback_uri(from.notification_destination))
    faults.push_back(
        {Errc::pattern, "/notificationDestination", "must be an absolute http(s) URI"});
  const auto type = from.monitoring_type.known();
  if (type && is_served(*type))
    terms.type = *type;
  else
    faults.push_back({Errc::not_allowed, "/monitoringType", "is not served by this network"});
  if (terms.type == Type::ue_reachability && !from.reachability_type)
    faults.push_back({Errc::missing, "/reachabilityType", "UE_REACHABILITY needs it"});
  if (from.reachability_type) terms.reachability = from.reachability_type->text;
  if (from.maximum_number_of_reports)
    terms.reports_max = static_cast<std::uint64_t>(*from.maximum_number_of_reports);
  terms.expires = from.monitor_expire_time;
  if (terms.expires && *terms.expires <= now)
    faults.push_back({Errc::out_of_range, "/monitorExpireTime", "is over already"});
  if (from.rep_period) {
    terms.period = std::chrono::seconds(std::min(*from.rep_period, period_seconds_max));
    if (*from.rep_period == 0)
      faults.push_back({Errc::out_of_range, "/repPeriod", "must be above 0"});
  }
  terms.immediate = from.immediate_rep.value_or(false);
  terms.test_notification = from.request_test_notification.value_or(false);
  if (faults.empty()) return terms;
  const auto code = faults.front().code;
  return refuse(code, "The members do not fit together.", std::move(faults));
}

Outcome<UeIndex> ue_of(const Body& from, const World& world) {
  std::optional<UeIndex> ue;
  if (from.external_id) ue = world.by_external_id(*from.external_id);
  if (from.msisdn) ue = world.by_msisdn(*from.msisdn);
  if (from.ipv4_addr) ue = world.by_ipv4(*from.ipv4_addr, "");
  if (from.ipv6_addr) ue = world.by_ipv6(*from.ipv6_addr);
  if (!ue) return refuse(404, "USER_NOT_FOUND", "The network knows no such UE.");
  return *ue;
}

}  // namespace

Answer MonitoringEvent::handle(const Call& call) {
  const auto id = call.operation.id;
  if (id == operation::fetch_all_monitoring_event_subscriptions) return fetch_all(call);
  if (id == operation::create_monitoring_event_subscription) return create(call);
  if (id == operation::fetch_ind_monitoring_event_subscription) return fetch(call);
  if (id == operation::update_ind_monitoring_event_subscription) return update(call);
  if (id == operation::delete_ind_monitoring_event_subscription) return remove(call);
  return refuse(Errc::not_found, "There is no such operation.");
}

Outcome<Watch*> MonitoringEvent::found(const Call& call) {
  auto* watch = watches_.find(call.param("scsAsId"), call.param("subscriptionId"));
  if (watch == nullptr) return refuse(Errc::not_found, "The AF has no such subscription.");
  return watch;
}

Answer MonitoringEvent::fetch_all(const Call& call) {
  std::string list = "[";
  watches_.each_of(call.param("scsAsId"), [&](const Watch& watch) {
    if (list.size() > 1) list += ',';
    list += watch.body;
  });
  return json_response(200, list + "]");
}

// One report that is there at once needs no subscription: 200. Else 201, with the first report
// inside where it was asked for at once.
Answer MonitoringEvent::create(const Call& call) {
  auto body = read_body<Body>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(std::move(body.error()));
  auto terms = terms_of(*body, call.now);
  if (!terms) return tl::unexpected<Refusal>(std::move(terms.error()));
  const auto ue = ue_of(*body, net_.world);
  if (!ue) return tl::unexpected<Refusal>(ue.error());
  if (watches_.count_of(call.param("scsAsId")) >= net_.config.limits.watches_per_af_max)
    return refuse(403, "QUOTA_EXCEEDED", "The AF has as many subscriptions as it may have.");

  const bool at_once =
      terms->immediate || (terms->type == Type::location_reporting && terms->reports_max == 1U);
  auto report = at_once ? watches_.present(*ue, *terms, call.now) : std::nullopt;
  if (report && terms->reports_max == 1U) return json_answer(200, *report);

  const bool test = terms->test_notification;
  auto& watch = watches_.create(call.param("scsAsId"), *ue, std::move(*terms), call.now);
  const auto uri = watches_.uri_of(watch);
  body->self = uri;
  if (body->supported_features)
    body->supported_features =
        common_features(net_.config.supported_features, *body->supported_features);
  body->monitoring_event_report.reset();
  watch.body = json::write(*body);
  if (test) {
    api::common::TestNotification notification;
    notification.subscription = uri;
    net_.callbacks.push(watch.number, watch.terms.destination, test_notification,
                        json::write(notification), call.now, call.now);
  }
  if (report) {
    body->monitoring_event_report = std::move(report);
    watches_.count_report(watch);
  }
  auto response = json_answer(201, *body);
  response.headers.add("location", uri);
  return response;
}

Answer MonitoringEvent::fetch(const Call& call) {
  const auto watch = found(call);
  if (!watch) return tl::unexpected<Refusal>(watch.error());
  return json_response(200, (*watch)->body);
}

Answer MonitoringEvent::update(const Call& call) {
  const auto watch = found(call);
  if (!watch) return tl::unexpected<Refusal>(watch.error());
  auto body = read_body<Body>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(std::move(body.error()));
  auto terms = terms_of(*body, call.now);
  if (!terms) return tl::unexpected<Refusal>(std::move(terms.error()));
  const auto ue = ue_of(*body, net_.world);
  if (!ue) return tl::unexpected<Refusal>(ue.error());
  if (*ue != (*watch)->ue || terms->type != (*watch)->terms.type)
    return refuse(Errc::not_allowed, "A subscription stays with its UE and monitoring type.",
                  {{Errc::not_allowed, "/monitoringType", "UE and type cannot be changed"}});
  watches_.modify(**watch, std::move(*terms), call.now);
  body->self = watches_.uri_of(**watch);
  if (body->supported_features)
    body->supported_features =
        common_features(net_.config.supported_features, *body->supported_features);
  body->monitoring_event_report.reset();
  (*watch)->body = json::write(*body);
  return json_response(200, (*watch)->body);
}

Answer MonitoringEvent::remove(const Call& call) {
  const auto watch = found(call);
  if (!watch) return tl::unexpected<Refusal>(watch.error());
  net_.callbacks.drop((*watch)->number);
  watches_.remove(**watch);
  return http::Response{204, {{std::string(simulated_header), "netsim"}}, {}};
}

}  // namespace lobo::core_sim
