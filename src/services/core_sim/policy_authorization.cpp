#include "services/core_sim/policy_authorization.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/policy_authorization.hpp"
#include "base/result.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/app_session_news.hpp"
#include "services/core_sim/app_session_terms.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/no_room.hpp"
#include "services/core_sim/session_terms.hpp"
#include "services/core_sim/sessions.hpp"
#include "services/core_sim/world.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::core_sim {

namespace n5 = api::policy_authorization;
namespace operation = n5::operation;

namespace {

http::Response no_content() { return {204, {{std::string(simulated_header), "netsim"}}, {}}; }

/// The UE and its PDU session are what the session is about; no change may touch them.
std::vector<Fault> changed_identity(const AppSession& before, const AppSession& after) {
  std::vector<Fault> faults;
  const auto same = [&](const auto& a, const auto& b, std::string_view name) {
    if (a != b)
      faults.push_back({Errc::not_allowed, "/ascReqData/" + std::string(name),
                        "cannot be changed; make another session"});
  };
  same(before.ue_ipv4, after.ue_ipv4, "ueIpv4");
  same(before.ue_ipv6, after.ue_ipv6, "ueIpv6");
  same(before.ue_mac, after.ue_mac, "ueMac");
  same(before.ip_domain, after.ip_domain, "ipDomain");
  same(before.dnn, after.dnn, "dnn");
  same(before.slice_info, after.slice_info, "sliceInfo");
  same(before.notif_uri, after.notif_uri, "notifUri");
  return faults;
}

Outcome<AppSession> asked_in(std::string_view text) {
  auto body = read_body<n5::AppSessionContext>(text);
  if (!body) return tl::unexpected<Refusal>(std::move(body.error()));
  if (!body->asc_req_data)
    return refuse(Errc::missing, "There is no service information.",
                  {{Errc::missing, "/ascReqData", "is missing"}});
  return std::move(*body->asc_req_data);
}

}  // namespace

Answer PolicyAuthorization::handle(const Call& call) {
  const auto id = call.operation.id;
  if (id == operation::post_app_sessions) return create(call);
  if (id == operation::get_app_session) return fetch(call);
  if (id == operation::mod_app_session) return modify(call);
  if (id == operation::delete_app_session) return remove(call);
  if (id == operation::update_events_subsc) return subscribe(call);
  if (id == operation::delete_events_subsc) return unsubscribe(call);
  return refuse(Errc::not_found, "There is no such operation.");
}

Outcome<Session*> PolicyAuthorization::found(const Call& call) {
  auto* session = sessions_.find(call.param("appSessionId"));
  if (session == nullptr || session->terms.surface != Surface::pcf)
    return refuse(404, "APPLICATION_SESSION_CONTEXT_NOT_FOUND", "There is no such session.");
  return session;
}

// 1. The body by itself. 2. The UE and its PDU session. 3. The AF's quota. 4. Room in the cell.
Answer PolicyAuthorization::create(const Call& call) {
  auto asked = asked_in(call.request.body);
  if (!asked) return tl::unexpected<Refusal>(std::move(asked.error()));
  auto terms = terms_of(*asked, net_.world, net_.config.pcf);
  if (!terms) return tl::unexpected<Refusal>(std::move(terms.error()));
  const auto ue = ue_of(*asked, net_.world, net_.config);
  if (!ue) return tl::unexpected<Refusal>(ue.error());
  const auto af = asked->af_app_id.value_or("");
  if (sessions_.count_of(af) >= net_.config.limits.sessions_per_af_max)
    return refuse(403, "REQUESTED_SERVICE_TEMPORARILY_NOT_AUTHORIZED",
                  "The AF has as many sessions as it may have.");
  const auto cell = net_.world.ue(*ue).cell;
  const auto placement = sessions_.placement(cell, *terms, {});
  if (!placement) return tl::unexpected<Refusal>(no_room(net_, cell, *terms, {}));

  auto& session = sessions_.create(af, *ue, std::move(*terms), *placement, call.now);
  keep(call, session, std::move(*asked));
  auto response = json_response(201, session.body);
  response.headers.add("location", sessions_.uri_of(session));
  return response;
}

Answer PolicyAuthorization::fetch(const Call& call) {
  if (net_.config.pcf.no_get) return refuse(Errc::method_unknown, "A session cannot be read here.");
  const auto session = found(call);
  if (!session) return tl::unexpected<Refusal>(session.error());
  return json_response(200, (*session)->body, Sessions::is_enforced(**session));
}

/// What the session would be with `patch` (RFC 7396).
Outcome<std::string> PolicyAuthorization::merged(const Session& session,
                                                 const std::string& patch) const {
  std::string before = session.body;
  // Some do not merge: what the patch does not say of a media component falls back to nothing.
  if (net_.config.pcf.patch_replaces) {
    const auto changes = json::parse(patch);
    auto stored = json::parse(before);
    const auto* asked = changes ? changes->find("ascReqData") : nullptr;
    const auto* replaced = asked != nullptr ? asked->find("medComponents") : nullptr;
    if (stored && replaced != nullptr && replaced->object() != nullptr) {
      std::string taken = R"({"ascReqData":{"medComponents":{)";
      for (const auto& component : *replaced->object()) {
        if (taken.back() != '{') taken += ',';
        taken += json::quoted(component.name) + ":null";
      }
      auto without = json::merge_patch(before, taken + "}}}");
      if (!without) return refuse(without.error());
      before = std::move(*without);
    }
  }
  auto after = json::merge_patch(before, patch);
  if (!after) return refuse(after.error());
  return std::move(*after);
}

Answer PolicyAuthorization::modify(const Call& call) {
  const auto session = found(call);
  if (!session) return tl::unexpected<Refusal>(session.error());
  const auto patch = read_body<n5::AppSessionContextUpdateDataPatch>(call.request.body);
  if (!patch) return tl::unexpected<Refusal>(patch.error());
  const auto after = merged(**session, call.request.body);
  if (!after) return tl::unexpected<Refusal>(after.error());
  auto wanted = asked_in(*after);
  if (!wanted) return tl::unexpected<Refusal>(std::move(wanted.error()));
  return change(call, **session, std::move(*wanted), 200);
}

Answer PolicyAuthorization::change(const Call& call, Session& session, AppSession wanted,
                                   int status) {
  const auto before = asked_in(session.body);
  if (!before) return tl::unexpected<Refusal>(before.error());
  if (auto faults = changed_identity(*before, wanted); !faults.empty())
    return refuse(400, "INVALID_SERVICE_INFORMATION", "A session stays with its UE.",
                  std::move(faults));
  auto terms = terms_of(wanted, net_.world, net_.config.pcf);
  if (!terms) return tl::unexpected<Refusal>(std::move(terms.error()));
  std::optional<Placement> placement;
  if (Sessions::needs_placement(session, *terms)) {
    placement = sessions_.placement(session.cell, *terms, session.held);
    if (!placement)
      return tl::unexpected<Refusal>(no_room(net_, session.cell, *terms, session.held));
  }
  sessions_.modify(session, std::move(*terms), placement, call.now);
  keep(call, session, std::move(wanted));
  return json_response(status, session.body, Sessions::is_enforced(session));
}

/// What both a new and a changed session end with: its representation, and planned faults.
void PolicyAuthorization::keep(const Call& call, Session& session, AppSession wanted) {
  n5::AppSessionContext shown;
  shown.asc_resp_data.emplace().supp_feat =
      common_features(net_.config.supported_features, wanted.supp_feat);
  shown.asc_req_data = std::move(wanted);
  session.body = json::write(shown);
  if (session.state != SessionState::allocating) return;
  session.allocation_fails = call.allocation_fails;
  if (call.callbacks_first) sessions_.allocate_now(session, call.now);
}

/// 204, or 200 with what was carried for an AF that counts it.
Answer PolicyAuthorization::remove(const Call& call) {
  const auto session = found(call);
  if (!session) return tl::unexpected<Refusal>(session.error());
  if (!call.request.body.empty()) {
    const auto last = read_body<AppSessionEvents>(call.request.body);
    if (!last) return tl::unexpected<Refusal>(last.error());
  }
  auto response = no_content();
  if ((*session)->terms.wants(UserPlaneEventKnown::usage_report) && !net_.config.pcf.silent) {
    n5::AppSessionContext last;
    last.evs_notif = events_notification(sessions_.usage_report(**session, call.now),
                                         sessions_.uri_of(**session));
    response = json_answer(200, last);
  }
  sessions_.remove(**session, call.now);
  return response;
}

Answer PolicyAuthorization::subscribe(const Call& call) {
  const auto session = found(call);
  if (!session) return tl::unexpected<Refusal>(session.error());
  if (net_.config.pcf.no_events_resource) return refuse(400, "", "cannot parse HTTP message");
  auto events = read_body<AppSessionEvents>(call.request.body);
  if (!events) return tl::unexpected<Refusal>(std::move(events.error()));
  if (auto faults = events_faults(*events, ""); !faults.empty())
    return refuse(400, "INVALID_SERVICE_INFORMATION", "The events do not hold together.",
                  std::move(faults));
  auto wanted = asked_in((*session)->body);
  if (!wanted) return tl::unexpected<Refusal>(std::move(wanted.error()));
  const bool first = !wanted->ev_subsc;
  const auto shown = json::write(*events);
  wanted->ev_subsc = std::move(*events);
  auto changed = change(call, **session, std::move(*wanted), 200);
  if (!changed) return changed;
  auto response = json_response(first ? 201 : 200, shown);
  if (first) response.headers.add("location", sessions_.uri_of(**session) + "/events-subscription");
  return response;
}

Answer PolicyAuthorization::unsubscribe(const Call& call) {
  const auto session = found(call);
  if (!session) return tl::unexpected<Refusal>(session.error());
  auto wanted = asked_in((*session)->body);
  if (!wanted) return tl::unexpected<Refusal>(std::move(wanted.error()));
  if (!wanted->ev_subsc)
    return refuse(404, "APPLICATION_SESSION_CONTEXT_NOT_FOUND", "No events are subscribed to.");
  wanted->ev_subsc.reset();
  auto changed = change(call, **session, std::move(*wanted), 200);
  if (!changed) return changed;
  return no_content();
}

}  // namespace lobo::core_sim
