#include "services/metaverse/views.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/common.hpp"
#include "api/mm_das.hpp"
#include "api/mm_pol.hpp"
#include "api/state/metaverse.hpp"
#include "api/sync_types.hpp"
#include "base/result.hpp"
#include "services/metaverse/ports.hpp"
#include "sync/policy.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::metaverse {

namespace state = api::state::metaverse;
using api::mm_das::GrantedAsset;
using api::mm_das::PolicyDecision;

namespace {

/// What was asked for, read as what is shown: the latter only adds members.
template <class View>
Result<View> read_as(const std::string& text, std::string_view added) {
  auto merged = json::merge_patch(text, added);
  if (!merged) return fail(Errc::internal, "a stored request cannot be read");
  auto view = json::read<View>(*merged);
  if (!view) return fail(Errc::internal, "a stored request cannot be read");
  return view;
}

const state::Leg* leg_of(const state::SessionState& session, const state::AssetState& asset) {
  const auto found = std::ranges::find(session.legs, asset.resolved.host_ue, &state::Leg::ue);
  return found == session.legs.end() ? nullptr : &*found;
}

/// Of what NRM holds for the UE; of what it does not, why.
void show_network(const state::Leg* leg, GrantedAsset& out) {
  using api::mm_das::NetworkQosState;
  if (leg != nullptr && leg->network_id) {
    out.network_qos = leg->network_lost ? NetworkQosState::degraded : NetworkQosState::confirmed;
    out.network_cause = leg->network_lost ? leg->network_lost : leg->network_cause;
  } else if (leg != nullptr && leg->network_refused) {
    out.network_qos = NetworkQosState::refused;
    out.network_cause = leg->network_cause;
  } else {
    out.network_qos = NetworkQosState::requested;
  }
}

}  // namespace

std::string policy_uri(const Settings& settings, std::string_view id) {
  return settings.api_root + "/mm-pol/v1/policies/" + http::percent_encode(id);
}
std::string session_uri(const Settings& settings, std::string_view id) {
  return settings.api_root + "/mm-das/v1/sessions/" + http::percent_encode(id);
}
std::string subscription_uri(const Settings& settings, std::string_view id) {
  return settings.api_root + "/mm-das/v1/subscriptions/" + http::percent_encode(id);
}

Result<api::mm_pol::SyncPolicy> policy_view(const state::PolicyState& state, std::string_view id,
                                            const Settings& settings) {
  return read_as<api::mm_pol::SyncPolicy>(
      state.text, R"({"self":)" + json::quoted(policy_uri(settings, id)) + R"(,"policyId":)" +
                      json::quoted(id) + R"(,"version":)" +
                      std::to_string(state.version.value_or(1)) + '}');
}

Result<api::mm_das::SyncSubscription> subscription_view(const state::SubscriptionState& state,
                                                        std::string_view id,
                                                        const Settings& settings) {
  return read_as<api::mm_das::SyncSubscription>(
      state.text, R"({"self":)" + json::quoted(subscription_uri(settings, id)) +
                      R"(,"subscriptionId":)" + json::quoted(id) + R"(,"seq":)" +
                      std::to_string(state.sequence.value_or(0)) + '}');
}

GrantedAsset asset_view(const state::SessionState& session, const state::AssetState& asset) {
  const auto& resolved = asset.resolved;
  GrantedAsset out;
  out.asset_id = resolved.asset_id;
  out.host_ue = resolved.host_ue;
  out.decision = resolved.decision;
  out.tier = asset.tier;
  out.cause = asset.cause ? asset.cause : resolved.cause;
  out.policy_trace = resolved.trace;
  if (resolved.decision == PolicyDecision::refuse) return out;
  out.direction = resolved.direction;
  out.components = resolved.components;
  out.granted_qos = resolved.qos;
  out.redundancy = resolved.redundancy;
  if (resolved.ladder) {
    out.tiers = static_cast<std::int64_t>(resolved.ladder->size());
    const auto at = static_cast<std::size_t>(asset.tier);
    if (at < resolved.ladder->size()) out.level = (*resolved.ladder)[at];
  }
  if (resolved.network_qos && *resolved.network_qos != api::sync_types::NetworkQos::none)
    show_network(leg_of(session, asset), out);
  out.flow_ids = asset.flow_ids;
  out.flow_state = asset.flow_state;
  out.alias = asset.alias;
  out.veto_until = asset.veto_until;
  if (const auto* leg = leg_of(session, asset); leg != nullptr && leg->connection_id) {
    out.connection_id = leg->connection_id;
    out.dd_server_conn_info = leg->conn_info;
    out.certificate_hash = leg->certificate_hash;
    out.node_id = leg->node_id;
    out.token = leg->token;
    out.token_exp_time = leg->token_expires;
  }
  return out;
}

Result<api::mm_das::SyncSession> session_view(const state::SessionState& session,
                                              std::string_view id, const Settings& settings) {
  auto out = read_as<api::mm_das::SyncSession>(
      session.text, R"({"self":)" + json::quoted(session_uri(settings, id)) + R"(,"sessionId":)" +
                        json::quoted(id) + R"(,"granted":[],"state":)" +
                        json::quoted(api::mm_das::to_string(session.state)) + R"(,"rev":)" +
                        std::to_string(session.rev) + '}');
  if (!out) return out;
  for (const auto& asset : session.assets) out->granted.push_back(asset_view(session, asset));
  out->policy_version = session.policy_version;
  if (session.shadow.value_or(false)) out->shadow = true;
  out->collect_until = session.collect_until;
  out->cause = session.cause;
  return out;
}

Result<api::mm_das::SyncFlowList> flows_view(const state::SessionState& session) {
  const auto asked = json::read<api::mm_das::SyncSessionReq>(session.text);
  if (!asked) return fail(Errc::internal, "a stored session cannot be read");
  api::mm_das::SyncFlowList out;
  for (const auto& asset : session.assets) {
    if (asset.resolved.decision == PolicyDecision::refuse) continue;
    const auto wanted = std::ranges::find_if(asked->assets, [&](const auto& one) {
      return one.asset_id == asset.resolved.asset_id && one.host_ue == asset.resolved.host_ue;
    });
    api::mm_das::SyncFlow flow;
    flow.asset_id = asset.resolved.asset_id;
    flow.host_ue = asset.resolved.host_ue;
    flow.flow_ids = asset.flow_ids;
    if (asset.resolved.qos) flow.reliability_class = asset.resolved.qos->reliability_class;
    flow.state = asset.flow_state;
    flow.tier = asset.tier;
    flow.mmel_support = wanted == asked->assets.end() || wanted->mmel_support.value_or(true);
    flow.windows_bad = asset.bad;
    flow.windows_good = asset.good;
    flow.measured = asset.measured;
    if (const auto* leg = leg_of(session, asset); leg != nullptr) {
      flow.node_id = leg->node_id;
      flow.epoch = leg->epoch;
    }
    out.items.push_back(std::move(flow));
  }
  return out;
}

api::mm_das::ResolvedSession resolved_view(const state::SessionState& session, std::string_view id,
                                           const Settings& settings) {
  api::mm_das::ResolvedSession out;
  out.session_id = std::string(id);
  out.policy_version = session.policy_version.value_or("");
  out.ttl_sec = settings.limits.resolved_for.count();
  for (const auto& asset : session.assets) out.assets.push_back(asset.resolved);
  return out;
}

Result<const state::AssetState*> asset_of(const state::SessionState& session,
                                          std::string_view asset_id, std::string_view ue_id) {
  const state::AssetState* found = nullptr;
  for (const auto& asset : session.assets) {
    if (asset.resolved.asset_id != asset_id) continue;
    if (!ue_id.empty() && sync::id_of(asset.resolved.host_ue) != ue_id) continue;
    if (found != nullptr)
      return fail(Errc::conflict, "several UEs host this asset; name one by ue-id");
    found = &asset;
  }
  if (found == nullptr) return fail(Errc::not_found, "the session has no such asset");
  return found;
}

Result<std::string> ue_id_of(const http::Request& request) {
  const auto query = http::parse_query(http::split_target(request.target).query);
  if (!query) return fail(query.error());
  for (const auto& [name, value] : *query)
    if (name == "ue-id") return value;
  return std::string();
}

http::Response refusal(int status, std::string_view cause, std::string_view detail,
                       std::vector<Fault> faults) {
  api::common::ProblemDetails problem;
  problem.status = status;
  problem.title = "Not granted";
  problem.cause = std::string(cause);
  problem.detail = std::string(detail);
  if (!faults.empty()) {
    problem.invalid_params.emplace();
    for (auto& fault : faults)
      problem.invalid_params->push_back({std::move(fault.where), std::move(fault.reason)});
  }
  return {status, {{"content-type", "application/problem+json"}}, json::write(problem)};
}

}  // namespace lobo::metaverse
