// How a session is shown, and what of it the hub has to know.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/mm_das.hpp"
#include "api/sdd_connections.hpp"
#include "api/sdd_das.hpp"
#include "api/state/sealdd.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/sealdd/connection.hpp"
#include "services/sealdd/kept.hpp"
#include "services/sealdd/ports.hpp"
#include "services/sealdd/session.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/types.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

namespace das = api::mm_das;
namespace state = api::state::sealdd;

std::string connection_of(std::string_view session, const state::SessionLeg& leg) {
  return std::string(session) + '.' + std::to_string(leg.no) + '.' +
         std::to_string(leg.generation.value_or(1));
}

std::string session_uri(const Settings& settings, std::string_view id) {
  return settings.api_root + std::string(das_root) + "/sessions/" + http::percent_encode(id);
}

std::string session_of(std::string_view service, std::string_view key) {
  const auto text = std::string(service) + '\n' + std::string(key);
  return "s" + std::to_string(fnv1a(text)) + '-' + std::to_string(fnv1a(text, fnv1a("sdd")));
}

namespace {

void show_connection(const state::ConnectionState& connection, std::string_view id,
                     das::GrantedAsset& out) {
  const auto flow = connection.flows.find(out.asset_id);
  if (flow == connection.flows.end()) return;
  out.flow_ids = flow->second.flow_ids;
  if (flow->second.alias > 0) out.alias = flow->second.alias;
  out.flow_state =
      json::enum_from<das::FlowState>(api::sdd_connections::to_string(flow->second.state));
  if (flow->second.cause) out.cause = flow->second.cause;
  out.connection_id = std::string(id);
  out.dd_server_conn_info = connection.conn_info;
  out.certificate_hash = connection.certificate_hash;
  out.node_id = connection.node_id;
  out.token = connection.token;
  out.token_exp_time = connection.token_exp_time;
}

das::GrantedAsset granted_of(const das::ResolvedAsset& asset) {
  das::GrantedAsset out;
  out.asset_id = asset.asset_id;
  out.host_ue = asset.host_ue;
  out.decision = asset.decision;
  out.cause = asset.cause;
  out.policy_trace = asset.trace;
  if (asset.decision == das::PolicyDecision::refuse) return out;
  out.direction = asset.direction;
  out.components = asset.components;
  out.granted_qos = asset.qos;
  out.redundancy = asset.redundancy;
  if (asset.ladder && !asset.ladder->empty()) {
    out.tiers = std::ssize(*asset.ladder);
    out.level = asset.ladder->front();
  }
  return out;
}

}  // namespace

Result<api::sdd_das::SddSession> represent(const state::SessionState& session, std::string_view id,
                                           const Settings& settings,
                                           const resource::Lookup& lookup) {
  auto text = json::merge_patch(
      session.text, R"({"self":)" + json::quoted(session_uri(settings, id)) + R"(,"sessionId":)" +
                        json::quoted(id) + R"(,"room":)" + json::quoted(session.room) +
                        R"(,"granted":[],"state":)" + json::quoted(das::to_string(session.state)) +
                        R"(,"rev":)" + std::to_string(session.rev) + R"(,"suppFeat":)" +
                        json::quoted(shared_features(true)) + '}');
  if (!text) return fail(text.error());
  auto out = json::read<api::sdd_das::SddSession>(*text);
  if (!out) return fail(Errc::internal, "a stored session cannot be shown: " + out.error().detail);
  out->exp_time = session.exp_time;
  out->mmel_session_id = session.shadow;
  out->policy_version = session.policy_version;
  out->resolved_until = session.resolved_until;
  out->cause = session.cause;
  if (!session.resolved) return out;
  for (const auto& asset : *session.resolved) {
    auto granted = granted_of(asset);
    for (const auto& leg : session.legs) {
      if (leg.ue != ue_of(asset.host_ue)) continue;
      if (leg.refused && !leg.applied) granted.cause = leg.cause;
      if (!leg.applied) continue;
      const auto name = connection_of(id, leg);
      const auto record = lookup.find({std::string(connection_kind), name});
      if (!record) return fail(record.error());
      const auto connection = *record ? json::read<state::ConnectionState>((*record)->state)
                                      : Result<state::ConnectionState>(fail(Errc::not_found, ""));
      if (connection) show_connection(*connection, name, granted);
    }
    out->granted.push_back(std::move(granted));
  }
  return out;
}

/// As the enabler would configure them: of a UE's assets, those whose policy says the same as that
/// of the first that has any.
std::vector<std::pair<std::string, std::string>> policies_of(std::string_view id,
                                                             const state::SessionState& session) {
  std::vector<std::pair<std::string, std::string>> out;
  if (!session.resolved || session.state == das::SessionState::releasing) return out;
  for (const auto& leg : session.legs) {
    std::optional<std::string> actions;
    std::string assets;
    for (const auto& asset : *session.resolved) {
      if (ue_of(asset.host_ue) != leg.ue || asset.decision == das::PolicyDecision::refuse ||
          !asset.sealdd)
        continue;
      const auto its = json::write(*asset.sealdd);
      if (actions && *actions != its) continue;
      actions = its;
      assets += (assets.empty() ? "" : ",") + json::quoted(asset.asset_id);
    }
    if (!actions) continue;
    out.emplace_back("session:" + std::string(id) + '.' + std::to_string(leg.no),
                     R"({"appTrafficIds":[)" + assets + R"(],"sealddPol":)" + *actions +
                         R"(,"valUeId":)" + json::quoted(leg.ue) + "}");
  }
  return out;
}

}  // namespace lobo::sealdd
