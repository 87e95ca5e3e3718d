#include "services/core_sim/service_parameter.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/common.hpp"
#include "api/service_parameter.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "model/flow_description.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/session_terms.hpp"
#include "services/core_sim/term_checks.hpp"
#include "services/core_sim/timers.hpp"
#include "services/core_sim/world.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::core_sim {

namespace svc = api::service_parameter;
namespace operation = svc::operation;

namespace {

void check_rule(const svc::UrspRuleRequest& rule, const std::string& where, Faults& faults) {
  if (!rule.traffic_desc)
    faults.push_back({Errc::missing, where + "/trafficDesc", "a rule needs the traffic it is for"});
  else if (rule.traffic_desc->flow_descs)
    for (std::size_t i = 0; i < rule.traffic_desc->flow_descs->size(); ++i)
      if (const auto flow = model::FlowDescription::parse((*rule.traffic_desc->flow_descs)[i]);
          !flow)
        faults.push_back({Errc::pattern, where + "/trafficDesc/flowDescs/" + std::to_string(i),
                          flow.error().detail});
  if (!rule.route_sel_param_sets) {
    faults.push_back(
        {Errc::missing, where + "/routeSelParamSets", "a rule needs a route to choose"});
    return;
  }
  std::set<std::int64_t> precedences;
  for (std::size_t i = 0; i < rule.route_sel_param_sets->size(); ++i) {
    const auto& route = (*rule.route_sel_param_sets)[i];
    const auto here = where + "/routeSelParamSets/" + std::to_string(i);
    if (!route.dnn && !route.snssai && !route.pdu_sess_type)
      faults.push_back({Errc::missing, here + "/dnn", "a route needs something to be known by"});
    if (route.precedence && !precedences.insert(*route.precedence).second)
      faults.push_back({Errc::duplicate, here + "/precedence", "stands twice"});
  }
}

void check_rules(const std::optional<std::vector<svc::UrspRuleRequest>>& rules, Faults& faults) {
  if (!rules) {
    faults.push_back({Errc::missing, "/urspGuidance", "is the only guidance that is served"});
    return;
  }
  if (rules->size() > ursp_rules_max)
    faults.push_back({Errc::out_of_range, "/urspGuidance", "more rules than one may have"});
  std::set<std::int64_t> precedences;
  for (std::size_t i = 0; i < rules->size(); ++i) {
    const auto where = "/urspGuidance/" + std::to_string(i);
    check_rule((*rules)[i], where, faults);
    // Rules are tried in this order; two of one rank have none.
    if ((*rules)[i].relat_precedence && !precedences.insert(*(*rules)[i].relat_precedence).second)
      faults.push_back({Errc::duplicate, where + "/relatPrecedence", "stands twice"});
  }
}

}  // namespace

Answer ServiceParameters::handle(const Call& call) {
  const auto id = call.operation.id;
  if (id == operation::read_all_service_parameters) return fetch_all(call);
  if (id == operation::create_service_parameter) return create(call);
  const auto found = subscriptions_.find(
      Id{std::string(call.param("afId")), std::string(call.param("subscriptionId"))});
  if (found == subscriptions_.end())
    return refuse(Errc::not_found, "The AF has no such subscription.");
  auto& subscription = found->second;
  if (id == operation::read_service_parameter) return json_answer(200, subscription.body);
  if (id == operation::delete_service_parameter) {
    net_.timers.stop_all(subscription.number);
    net_.callbacks.drop(subscription.number);
    by_number_.erase(subscription.number);
    subscriptions_.erase(found);
    return http::Response{204, {{std::string(simulated_header), "netsim"}}, {}};
  }
  auto text = call.request.body;
  if (id == operation::modify_service_parameter) {
    if (const auto patch = read_body<svc::ServiceParameterDataPatch>(text); !patch)
      return tl::unexpected<Refusal>(patch.error());
    auto merged = json::merge_patch(json::write(subscription.body), text);
    if (!merged) return refuse(merged.error());
    text = std::move(*merged);
  }
  auto wanted = read_body<Body>(text);
  if (!wanted) return tl::unexpected<Refusal>(std::move(wanted.error()));
  return change(call, subscription, std::move(*wanted));
}

Answer ServiceParameters::fetch_all(const Call& call) const {
  const auto query = http::parse_query(http::split_target(call.request.target).query);
  if (!query) return refuse(query.error());
  std::set<std::string> gpsis;
  for (const auto& [name, value] : *query)
    if (name == "gpsis") gpsis.insert(value);
  std::string list = "[";
  for (const auto& [id, one] : subscriptions_) {
    const bool named = one.body.gpsi && gpsis.contains(*one.body.gpsi);
    if (id.first == call.param("afId") && (gpsis.empty() || named))
      list += (list.size() > 1 ? "," : "") + json::write(one.body);
  }
  return json_response(200, list + "]");
}

/// Which UE it is for. Everything that is wrong with the body is told at once.
Outcome<UeIndex> ServiceParameters::check(const Body& body) const {
  Faults faults;
  exactly_one({{body.gpsi.has_value(), "gpsi"},
               {body.ue_ipv4.has_value(), "ueIpv4"},
               {body.ue_ipv6.has_value(), "ueIpv6"},
               {body.ue_mac.has_value(), "ueMac"},
               {body.external_group_id.has_value(), "externalGroupId"},
               {body.any_ue_ind.has_value(), "anyUeInd"}},
              faults);
  if (body.external_group_id)
    faults.push_back({Errc::not_allowed, "/externalGroupId", "groups are not served"});
  if (body.any_ue_ind)
    faults.push_back({Errc::not_allowed, "/anyUeInd", "guidance is given UE by UE here"});
  check_rules(body.ursp_guidance, faults);
  if (body.notification_destination && !is_callback_uri(*body.notification_destination))
    faults.push_back(
        {Errc::pattern, "/notificationDestination", "must be an absolute http(s) URI"});
  if (body.sub_notif_events && !body.notification_destination)
    faults.push_back({Errc::missing, "/notificationDestination", "events need a destination"});
  if (body.request_test_notification.value_or(false) && !body.notification_destination)
    faults.push_back({Errc::missing, "/notificationDestination", "a test needs a destination"});
  if (!faults.empty()) {
    const auto code = faults.front().code;
    return refuse(code, "The members do not fit together.", std::move(faults));
  }
  std::optional<UeIndex> ue;
  std::string_view where = "/gpsi";
  if (body.gpsi) ue = net_.world.by_gpsi(*body.gpsi);
  if (body.ue_ipv4) {
    ue = net_.world.by_ipv4(*body.ue_ipv4, "");
    where = "/ueIpv4";
  }
  if (body.ue_ipv6) {
    ue = net_.world.by_ipv6(*body.ue_ipv6);
    where = "/ueIpv6";
  }
  if (body.ue_mac) {
    ue = net_.world.by_mac(*body.ue_mac);
    where = "/ueMac";
  }
  if (!ue)
    return refuse(404, "USER_NOT_FOUND", "The network knows no such UE.",
                  {{Errc::not_found, std::string(where), "is not known"}});
  return *ue;
}

Answer ServiceParameters::create(const Call& call) {
  auto body = read_body<Body>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(std::move(body.error()));
  const auto ue = check(*body);
  if (!ue) return tl::unexpected<Refusal>(ue.error());
  if (subscriptions_.size() >= net_.config.limits.service_parameters_max)
    return refuse(403, "QUOTA_EXCEEDED", "The network has as many of these as it may have.");
  const std::string af(call.param("afId"));
  auto id = random_id(net_.rng);
  body->self = net_.config.api_root + "/3gpp-service-parameter/v1/" + http::percent_encode(af) +
               "/subscriptions/" + id;
  if (body->supp_feat)
    body->supp_feat = common_features(net_.config.supported_features, *body->supp_feat);
  const bool test = body->request_test_notification.value_or(false);
  body->request_test_notification.reset();
  const auto number = net_.next_number++;
  auto response = json_answer(201, *body);
  response.headers.add("location", *body->self);
  if (test) {
    api::common::TestNotification notification;
    notification.subscription = *body->self;
    net_.callbacks.push(number, *body->notification_destination, test_notification,
                        json::write(notification), call.now, call.now);
  }
  by_number_.emplace(number, Id{af, id});
  subscriptions_.emplace(Id{af, std::move(id)}, Subscription{number, *ue, std::move(*body)});
  net_.timers.start({number, TimerKind::allocation}, call.now + net_.config.allocation_delay);
  return response;
}

Answer ServiceParameters::change(const Call& call, Subscription& subscription, Body wanted) {
  Faults fixed;
  const auto same = [&](const auto& a, const auto& b, std::string_view name) {
    if (a != b)
      fixed.push_back({Errc::not_allowed, "/" + std::string(name),
                       "cannot be changed; create another subscription"});
  };
  const auto& before = subscription.body;
  same(before.gpsi, wanted.gpsi, "gpsi");
  same(before.ue_ipv4, wanted.ue_ipv4, "ueIpv4");
  same(before.ue_ipv6, wanted.ue_ipv6, "ueIpv6");
  same(before.ue_mac, wanted.ue_mac, "ueMac");
  same(before.dnn, wanted.dnn, "dnn");
  same(before.snssai, wanted.snssai, "snssai");
  if (!fixed.empty())
    return refuse(Errc::not_allowed, "Guidance stays with its UE.", std::move(fixed));
  // The address by which it was named may be another UE's by now: it stays with its own.
  if (const auto ue = check(wanted); !ue && ue.error().status != 404)
    return tl::unexpected<Refusal>(ue.error());
  const bool again = before.ursp_guidance != wanted.ursp_guidance;
  wanted.self = before.self;
  wanted.supp_feat = before.supp_feat;
  wanted.request_test_notification.reset();
  subscription.body = std::move(wanted);
  if (again)
    net_.timers.start({subscription.number, TimerKind::allocation},
                      call.now + net_.config.allocation_delay);
  return json_answer(200, subscription.body);
}

void ServiceParameters::timer(const TimerKey& key, Instant now) {
  const auto found = by_number_.find(key.of);
  if (found == by_number_.end() || key.kind != TimerKind::allocation) return;
  deliver(subscriptions_.at(found->second), now);
}

/// UE policy delivery (TS 23.502 clause 4.15.6.10): a UE that is away does not get it.
void ServiceParameters::deliver(const Subscription& subscription, Instant now) {
  const auto& body = subscription.body;
  if (!body.sub_notif_events || !body.notification_destination) return;
  const auto& ue = net_.world.ue(subscription.ue);
  const auto outcome = ue.session_up ? svc::EventKnown::success_ue_pol_del_sp
                                     : svc::EventKnown::unsuccess_ue_pol_del_sp;
  const svc::Event event(outcome);
  if (net_.is_mute(event.text)) return;
  if (std::ranges::none_of(*body.sub_notif_events,
                           [&](const svc::Event& one) { return one == event; }))
    return;
  svc::AfNotification news;
  news.subscription = *body.self;
  news.report_event = event;
  if (body.gpsi) news.gpsis = {{*body.gpsi}};
  if (!ue.session_up) {
    news.event_info.emplace();
    news.event_info->failure_cause = svc::Failure(svc::FailureKnown::ue_not_reachable);
  }
  net_.callbacks.push(subscription.number, *body.notification_destination, service_parameter_event,
                      json::write(news), now, now);
}

}  // namespace lobo::core_sim
