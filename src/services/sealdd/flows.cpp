#include "services/sealdd/flows.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "api/state/sealdd.hpp"
#include "api/sync_types.hpp"
#include "base/result.hpp"
#include "model/bit_rate.hpp"
#include "services/sealdd/ports.hpp"

namespace lobo::sealdd {

namespace rly = api::sdd_relay;
namespace sync = api::sync_types;
using api::sdd_connections::SddFlow;
using api::sdd_connections::SddFlowReq;
using api::sdd_connections::SddFlowState;

namespace {

template <class T>
void differ(std::optional<T>& from, const std::optional<T>& by) {
  if (by) from = by;
}

sync::SyncQosLevel best_level(const sync::SyncQos& qos) {
  sync::SyncQosLevel out;
  out.gbr_ul = qos.gbr_ul;
  out.gbr_dl = qos.gbr_dl;
  out.mbr_ul = qos.mbr_ul;
  out.mbr_dl = qos.mbr_dl;
  out.pdb_ul = qos.pdb_ul;
  out.pdb_dl = qos.pdb_dl;
  out.rtt = qos.rtt;
  out.jitter_ul = qos.jitter_ul;
  out.jitter_dl = qos.jitter_dl;
  out.per = qos.per;
  out.update_rate_hz = qos.update_rate_hz;
  out.max_state_bytes = qos.max_state_bytes;
  out.components = qos.components;
  return out;
}

bool is_dual(const SddFlowReq& flow) { return flow.redundancy == sync::Redundancy::dual; }

/// Whether a flow of that id can go on carrying what is asked now.
bool goes_on(const SddFlow& before, const SddFlowReq& asked) {
  const auto was = before.qos.value_or(sync::SyncQos{});
  const auto is = asked.qos.value_or(sync::SyncQos{});
  return before.direction == asked.direction && was.reliability_class == is.reliability_class &&
         was.ttl_ms == is.ttl_ms && was.priority == is.priority &&
         before.termination == asked.termination;
}

std::int64_t mask_of(const SddFlow& flow) {
  std::int64_t mask = flow.components.value_or(0xFFFFFFFF);
  if (!flow.qos) return mask;
  const auto level = level_at(*flow.qos, flow.tier.value_or(0));
  return mask & level.components.value_or(0xFFFFFFFF);
}

rly::RelayOrder about(rly::OrderKind kind, std::int64_t flow, std::int64_t alias,
                      const std::string& ue) {
  rly::RelayOrder out;
  out.kind = kind;
  out.flow_id = flow;
  if (alias > 0) out.alias = alias;
  out.ue_id = ue;
  return out;
}

}  // namespace

sync::SyncQosLevel level_at(const sync::SyncQos& qos, std::int64_t tier) {
  auto out = best_level(qos);
  if (!qos.alternatives) return out;
  for (std::int64_t i = 0; i < tier && i < std::ssize(*qos.alternatives); ++i) {
    const auto& step = (*qos.alternatives)[static_cast<std::size_t>(i)];
    differ(out.gbr_ul, step.gbr_ul);
    differ(out.gbr_dl, step.gbr_dl);
    differ(out.mbr_ul, step.mbr_ul);
    differ(out.mbr_dl, step.mbr_dl);
    differ(out.pdb_ul, step.pdb_ul);
    differ(out.pdb_dl, step.pdb_dl);
    differ(out.rtt, step.rtt);
    differ(out.jitter_ul, step.jitter_ul);
    differ(out.jitter_dl, step.jitter_dl);
    differ(out.per, step.per);
    differ(out.update_rate_hz, step.update_rate_hz);
    differ(out.max_state_bytes, step.max_state_bytes);
    differ(out.components, step.components);
  }
  return out;
}

std::int64_t lowest_tier(const SddFlowReq& flow) {
  return flow.qos && flow.qos->alternatives ? std::ssize(*flow.qos->alternatives) : 0;
}

std::uint64_t download_bps(const SddFlow& flow) {
  if (!flow.qos) return 0;
  const auto level = level_at(*flow.qos, flow.tier.value_or(0));
  const auto rate = level.mbr_dl ? model::parse_bit_rate(*level.mbr_dl) : std::nullopt;
  return rate ? rate->count : 0;
}

SddFlowReq request_of(const SddFlow& flow) {
  SddFlowReq out;
  out.direction = flow.direction;
  out.components = flow.components;
  out.qos = flow.qos;
  out.tier = flow.tier;
  out.tier_reason = flow.tier_reason;
  out.redundancy = flow.redundancy;
  out.termination = flow.termination;
  out.server_ep = flow.server_ep;
  out.client_ep = flow.client_ep;
  return out;
}

FlowRequests requests_of(const FlowMap& flows) {
  FlowRequests out;
  for (const auto& [asset, flow] : flows) out.emplace(asset, request_of(flow));
  return out;
}

std::size_t ids_needed(const FlowRequests& asked) {
  std::size_t out = 0;
  for (const auto& [asset, flow] : asked) out += is_dual(flow) ? 2 : 1;
  return out;
}

Result<FlowMap> granted(const std::string& room, const FlowRequests& asked, const FlowMap& before,
                        Ground& ground) {
  FlowMap out;
  for (const auto& [asset, flow] : asked) {
    SddFlow grant;
    grant.direction = flow.direction;
    grant.components = flow.components;
    grant.qos = flow.qos;
    grant.tier = flow.tier;
    grant.tier_reason = flow.tier_reason;
    grant.redundancy = flow.redundancy;
    grant.termination = flow.termination;
    grant.server_ep = flow.server_ep;
    grant.client_ep = flow.client_ep;
    grant.state = SddFlowState::init;
    if (const auto was = before.find(asset); was != before.end()) {
      grant.alias = was->second.alias;
      if (goes_on(was->second, flow)) {
        grant.flow_ids = was->second.flow_ids;
        grant.state = was->second.state;
        grant.cause = was->second.cause;
      }
    } else if (asset != every_asset) {
      auto alias = ground.alias(room, asset);
      if (!alias) return fail(std::move(alias.error()));
      grant.alias = *alias;
    }
    // AUTO keeps the paths that a policy has given it; NONE and DUAL are what they say.
    const std::size_t paths =
        is_dual(flow) ? 2
        : flow.redundancy == sync::Redundancy::auto_ && !grant.flow_ids.empty()
            ? grant.flow_ids.size()
            : 1;
    while (grant.flow_ids.size() > paths) grant.flow_ids.pop_back();
    while (grant.flow_ids.size() < paths) grant.flow_ids.push_back(ground.flow_id());
    out.emplace(asset, std::move(grant));
  }
  return out;
}

std::vector<rly::RelayOrder> orders_between(const FlowMap& before, const FlowMap& after,
                                            const std::string& ue, std::int64_t drain_ms) {
  std::vector<rly::RelayOrder> out;
  std::set<std::int64_t> kept;
  for (const auto& [asset, flow] : after) kept.insert(flow.flow_ids.begin(), flow.flow_ids.end());
  for (const auto& [asset, was] : before)
    for (const auto id : was.flow_ids) {
      if (kept.contains(id)) continue;
      auto one = about(rly::OrderKind::release_flow, id, was.alias, ue);
      one.drain_ms = drain_ms;
      out.push_back(std::move(one));
    }
  for (const auto& [asset, is] : after) {
    const auto found = before.find(asset);
    if (found == before.end()) continue;
    const auto& was = found->second;
    for (const auto id : is.flow_ids) {
      if (std::ranges::find(was.flow_ids, id) == was.flow_ids.end()) continue;
      if (was.tier.value_or(0) != is.tier.value_or(0)) {
        auto one = about(rly::OrderKind::set_tier, id, is.alias, ue);
        one.tier = is.tier.value_or(0);
        one.tier_reason = is.tier_reason;
        out.push_back(std::move(one));
      }
      if (mask_of(was) != mask_of(is)) {
        auto one = about(rly::OrderKind::set_mask, id, is.alias, ue);
        one.components = mask_of(is);
        out.push_back(std::move(one));
      }
      if (download_bps(was) != download_bps(is)) {
        auto one = about(rly::OrderKind::set_rate, id, is.alias, ue);
        one.mbr_dl_bps = static_cast<std::int64_t>(download_bps(is));
        out.push_back(std::move(one));
      }
      if (was.flow_ids.size() != is.flow_ids.size()) {
        auto one = about(rly::OrderKind::set_redundancy, id, is.alias, ue);
        one.redundancy = is.flow_ids.size() > 1 ? sync::Redundancy::dual : sync::Redundancy::none;
        out.push_back(std::move(one));
      }
    }
  }
  return out;
}

std::vector<rly::RelayOrder> orders_of(const api::state::sealdd::ConnectionState& all) {
  std::vector<rly::RelayOrder> out;
  for (const auto& [asset, flow] : all.flows) {
    for (const auto id : flow.flow_ids) {
      auto tier = about(rly::OrderKind::set_tier, id, flow.alias, all.ue);
      tier.tier = flow.tier.value_or(0);
      tier.tier_reason = flow.tier_reason;
      out.push_back(std::move(tier));
      auto mask = about(rly::OrderKind::set_mask, id, flow.alias, all.ue);
      mask.components = mask_of(flow);
      out.push_back(std::move(mask));
      auto rate = about(rly::OrderKind::set_rate, id, flow.alias, all.ue);
      rate.mbr_dl_bps = all.rate_dl_bps.value_or(static_cast<std::int64_t>(download_bps(flow)));
      out.push_back(std::move(rate));
    }
  }
  return out;
}

std::vector<rly::RelayOrder> release_orders(const api::state::sealdd::ConnectionState& all,
                                            std::int64_t drain_ms, std::string_view cause) {
  std::vector<rly::RelayOrder> out;
  std::set<std::int64_t> done;
  for (const auto& [asset, flow] : all.flows)
    for (const auto id : flow.flow_ids) {
      if (!done.insert(id).second) continue;
      auto one = about(rly::OrderKind::release_flow, id, 0, all.ue);
      one.drain_ms = drain_ms;
      if (!cause.empty()) one.cause = cause;
      out.push_back(std::move(one));
    }
  return out;
}

}  // namespace lobo::sealdd
