#include "services/core_sim/as_session_with_qos.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/as_session_with_qos.hpp"
#include "api/common.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/no_room.hpp"
#include "services/core_sim/session_terms.hpp"
#include "services/core_sim/sessions.hpp"
#include "services/core_sim/world.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::core_sim {

namespace api_qos = api::as_session_with_qos;
namespace operation = api_qos::operation;

namespace {

// The UEs that the query of a list names; nothing where it names none.
Outcome<std::optional<std::set<UeIndex>>> ues_of_query(std::string_view target,
                                                       const World& world) {
  const auto parameters = http::parse_query(http::split_target(target).query);
  if (!parameters) return refuse(parameters.error());
  std::optional<std::string> ips, macs;
  std::string domain;
  for (const auto& [name, value] : *parameters) {
    if (name == "ip-addrs") ips = value;
    if (name == "mac-addrs") macs = value;
    if (name == "ip-domain") domain = value;
  }
  if (!ips && !macs) return std::nullopt;

  std::set<UeIndex> ues;
  const auto add = [&](std::optional<UeIndex> ue) {
    if (ue) ues.insert(*ue);
  };
  if (ips) {
    auto addresses = json::read<api_qos::IpAddrs>(*ips);
    if (!addresses || addresses->empty())
      return refuse(Errc::malformed, "ip-addrs is not what it should be.",
                    {{Errc::malformed, "query:ip-addrs", "must be a JSON array of IpAddr"}});
    for (const auto& address : *addresses) {
      if (address.ipv4_addr) add(world.by_ipv4(*address.ipv4_addr, domain));
      if (address.ipv6_addr) add(world.by_ipv6(*address.ipv6_addr));
    }
  }
  if (macs)
    for (const auto mac : split(*macs, ',')) add(world.by_mac(mac));
  return ues;
}

// The UE and its PDU session are what the subscription is about; no change may touch them.
std::vector<Fault> changed_identity(const Subscription& before, const Subscription& after) {
  std::vector<Fault> faults;
  const auto same = [&](const auto& a, const auto& b, std::string_view name) {
    if (a != b)
      faults.push_back({Errc::not_allowed, "/" + std::string(name),
                        "cannot be changed; create another session"});
  };
  same(before.ue_ipv4_addr, after.ue_ipv4_addr, "ueIpv4Addr");
  same(before.ue_ipv6_addr, after.ue_ipv6_addr, "ueIpv6Addr");
  same(before.mac_addr, after.mac_addr, "macAddr");
  same(before.gpsi, after.gpsi, "gpsi");
  same(before.ip_domain, after.ip_domain, "ipDomain");
  same(before.dnn, after.dnn, "dnn");
  same(before.snssai, after.snssai, "snssai");
  return faults;
}

std::string joined(const std::vector<std::string>& items) {
  std::string list = "[";
  for (const auto& item : items) {
    if (list.size() > 1) list += ',';
    list += item;
  }
  return list + "]";
}

}  // namespace

Answer AsSessionWithQos::handle(const Call& call) {
  const auto id = call.operation.id;
  if (id == operation::fetch_all_as_session_with_qo_s_subscriptions) return fetch_all(call);
  if (id == operation::create_as_session_with_qo_s_subscription) return create(call);
  if (id == operation::fetch_ind_as_session_with_qo_s_subscription) return fetch(call);
  if (id == operation::update_ind_as_session_with_qo_s_subscription) return update(call);
  if (id == operation::modify_ind_as_session_with_qo_s_subscription) return modify(call);
  if (id == operation::delete_ind_as_session_with_qo_s_subscription) return remove(call);
  return refuse(Errc::not_found, "There is no such operation.");
}

Outcome<Session*> AsSessionWithQos::found(const Call& call) {
  auto* session = sessions_.find(call.param("scsAsId"), call.param("subscriptionId"));
  if (session == nullptr || session->terms.surface != Surface::nef)
    return refuse(Errc::not_found, "The AF has no such subscription.");
  return session;
}

Answer AsSessionWithQos::fetch_all(const Call& call) {
  const auto ues = ues_of_query(call.request.target, net_.world);
  if (!ues) return tl::unexpected<Refusal>(ues.error());
  std::vector<std::string> bodies;
  sessions_.each_of(call.param("scsAsId"), [&](const Session& session) {
    if (session.terms.surface == Surface::nef && (!*ues || (*ues)->contains(session.ue)))
      bodies.push_back(session.body);
  });
  return json_response(200, joined(bodies));
}

// 1. The body by itself. 2. The UE and its PDU session. 3. The AF's quota. 4. Room in the cell.
Answer AsSessionWithQos::create(const Call& call) {
  auto body = read_body<Subscription>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(std::move(body.error()));
  auto terms = terms_of(*body, net_.world);
  if (!terms) return tl::unexpected<Refusal>(std::move(terms.error()));
  const auto ue = ue_of(*body, net_.world, net_.config.no_session_status);
  if (!ue) return tl::unexpected<Refusal>(ue.error());
  if (sessions_.count_of(call.param("scsAsId")) >= net_.config.limits.sessions_per_af_max)
    return refuse(403, "QUOTA_EXCEEDED", "The AF has as many sessions as it may have.");
  const auto cell = net_.world.ue(*ue).cell;
  const auto placement = sessions_.placement(cell, *terms, {});
  if (!placement) return tl::unexpected<Refusal>(no_room(net_, cell, *terms, {}));

  const bool test = terms->test_notification;
  auto& session =
      sessions_.create(call.param("scsAsId"), *ue, std::move(*terms), *placement, call.now);
  const auto uri = sessions_.uri_of(session);
  if (test) {
    api::common::TestNotification notification;
    notification.subscription = uri;
    net_.callbacks.push(session.number, session.terms.destination, test_notification,
                        json::write(notification), call.now, call.now);
  }
  finish(call, session, std::move(*body));
  auto response = json_response(201, session.body);
  response.headers.add("location", uri);
  return response;
}

Answer AsSessionWithQos::fetch(const Call& call) {
  const auto session = found(call);
  if (!session) return tl::unexpected<Refusal>(session.error());
  return json_response(200, (*session)->body, Sessions::is_enforced(**session));
}

Answer AsSessionWithQos::update(const Call& call) {
  const auto session = found(call);
  if (!session) return tl::unexpected<Refusal>(session.error());
  auto body = read_body<Subscription>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(std::move(body.error()));
  return change(call, **session, std::move(*body));
}

Answer AsSessionWithQos::modify(const Call& call) {
  const auto session = found(call);
  if (!session) return tl::unexpected<Refusal>(session.error());
  const auto patch = read_body<api_qos::AsSessionWithQoSSubscriptionPatch>(call.request.body);
  if (!patch) return tl::unexpected<Refusal>(patch.error());
  const auto merged = json::merge_patch((*session)->body, call.request.body);
  if (!merged) return refuse(merged.error());
  auto body = read_body<Subscription>(*merged);
  if (!body) return tl::unexpected<Refusal>(std::move(body.error()));
  return change(call, **session, std::move(*body));
}

Answer AsSessionWithQos::change(const Call& call, Session& session, Subscription wanted) {
  const auto before = read_body<Subscription>(session.body);
  if (!before) return tl::unexpected<Refusal>(before.error());
  if (auto faults = changed_identity(*before, wanted); !faults.empty())
    return refuse(Errc::not_allowed, "A session stays with its UE.", std::move(faults));
  auto terms = terms_of(wanted, net_.world);
  if (!terms) return tl::unexpected<Refusal>(std::move(terms.error()));
  std::optional<Placement> placement;
  if (Sessions::needs_placement(session, *terms)) {
    placement = sessions_.placement(session.cell, *terms, session.held);
    if (!placement)
      return tl::unexpected<Refusal>(no_room(net_, session.cell, *terms, session.held));
  }
  sessions_.modify(session, std::move(*terms), placement, call.now);
  finish(call, session, std::move(wanted));
  return json_response(200, session.body, Sessions::is_enforced(session));
}

// What both a new and a changed session end with: its representation, and faults that were planned.
void AsSessionWithQos::finish(const Call& call, Session& session, Subscription body) {
  body.self = sessions_.uri_of(session);
  if (body.supported_features)
    body.supported_features =
        common_features(net_.config.supported_features, *body.supported_features);
  session.body = json::write(body);
  if (session.state != SessionState::allocating) return;
  session.allocation_fails = call.allocation_fails;
  if (call.callbacks_first) sessions_.allocate_now(session, call.now);
}

// 204, or 200 with what was carried for an AF that counts it.
Answer AsSessionWithQos::remove(const Call& call) {
  const auto session = found(call);
  if (!session) return tl::unexpected<Refusal>(session.error());
  auto response = http::Response{204, {{std::string(simulated_header), "netsim"}}, {}};
  if ((*session)->terms.wants(UserPlaneEventKnown::usage_report)) {
    api_qos::UserPlaneNotificationData last;
    last.transaction = sessions_.uri_of(**session);
    last.event_reports.push_back(sessions_.usage_report(**session, call.now));
    response = json_answer(200, last);
  }
  sessions_.remove(**session, call.now);
  return response;
}

}  // namespace lobo::core_sim
