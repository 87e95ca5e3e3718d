// What an order does. A flow's tier, mask, rate and second path stand until it is released: they
// may be ordered before its client comes, and a client that comes back has the token of before.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "api/sync_types.hpp"
#include "base/clock.hpp"
#include "relay/lease/lease.hpp"
#include "relay/report.hpp"
#include "relay/slot.hpp"
#include "wire/json/types.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {

namespace rly = api::sdd_relay;
using rly::OrderKind;

namespace {

std::chrono::milliseconds drain_of(const rly::RelayOrder& order) {
  return std::chrono::milliseconds{order.drain_ms.value_or(0)};
}

std::string address_of(const api::sync_types::ConnInfo& at) {
  const auto port = at.port ? ':' + std::to_string(*at.port) : std::string();
  if (at.ipv4_addr) return *at.ipv4_addr + port;
  if (at.ipv6_addr) return '[' + *at.ipv6_addr + ']' + port;
  return at.uri.value_or(std::string());
}

std::uint64_t epoch_of(const rly::RelayOrder& order) {
  return static_cast<std::uint64_t>(order.epoch.value_or(0));
}

sdd::TierReason reason_of(const std::optional<api::sync_types::TierReason>& reason) {
  switch (reason.value_or(api::sync_types::TierReason::ordered)) {
    case api::sync_types::TierReason::ordered: return sdd::TierReason::ordered;
    case api::sync_types::TierReason::loss: return sdd::TierReason::loss;
    case api::sync_types::TierReason::delay: return sdd::TierReason::delay;
    case api::sync_types::TierReason::bandwidth: return sdd::TierReason::bandwidth;
    case api::sync_types::TierReason::restored: return sdd::TierReason::restored;
  }
  return sdd::TierReason::ordered;
}

}  // namespace

void Lease::carry_out(const Order& order) {
  if (!carried_.take(order)) ++counts_.orders_late;
}

void Lease::apply(sdd::FlowId flow, const Standing& standing) {
  if (standing.tier)
    carry_out(SetTier{.flow = flow, .tier = *standing.tier, .reason = standing.reason});
  if (standing.components) carry_out(SetMask{flow, *standing.components});
  if (standing.bps) carry_out(SetRate{flow, *standing.bps});
  if (standing.dual) carry_out(SetRedundancy{flow, *standing.dual});
}

void Lease::keep_standing(const rly::RelayOrder& order, sdd::FlowId flow) {
  Standing now;
  if (order.kind == OrderKind::set_tier) {
    now.tier = static_cast<std::uint8_t>(order.tier.value_or(0));
    now.reason = reason_of(order.tier_reason);
  }
  if (order.kind == OrderKind::set_mask && order.components)
    now.components = static_cast<sdd::ComponentMask>(*order.components);
  if (order.kind == OrderKind::set_rate && order.mbr_dl_bps)
    now.bps = static_cast<std::uint64_t>(*order.mbr_dl_bps);
  if (order.kind == OrderKind::set_redundancy && order.redundancy)
    now.dual = *order.redundancy == api::sync_types::Redundancy::dual;
  apply(flow, now);
  if (!standing_.contains(flow) && standing_.size() >= standing_orders_max) {
    ++counts_.standing_lost;
    return;
  }
  Standing& kept = standing_[flow];
  if (now.tier) {
    kept.tier = now.tier;
    kept.reason = now.reason;
  }
  if (now.components) kept.components = now.components;
  if (now.bps) kept.bps = now.bps;
  if (now.dual) kept.dual = now.dual;
}

void Lease::release(const rly::RelayOrder& order, sdd::FlowId flow) {
  standing_.erase(flow);
  if (carried_.take(
          ReleaseFlow{.flow = flow, .cause = sdd::Cause::released, .drain = drain_of(order)}))
    return;
  ++counts_.orders_late;
  // It never came, or has gone: the server waits to hear that it is over.
  rly::RelayFlowState over;
  over.flow_id = flow;
  over.state = api::sdd_connections::SddFlowState::closed;
  over.cause = "NOT_HERE";
  changes_[flow] = std::move(over);
}

void Lease::ask_state(const rly::RelayOrder& order) {
  if (!order.alias || states_asked_.size() >= states_asked_max) {
    ++counts_.orders_late;
    return;
  }
  states_asked_.push_back(
      {order.order, order.room.value_or(std::string()), static_cast<sdd::Alias>(*order.alias)});
}

/// What is asked for as it is now; what does not fit into one report comes with the next.
std::vector<rly::RelayState> Lease::states(Instant now) {
  const auto octets_of = [](const std::vector<std::byte>& bytes) {
    return json::Bytes{{reinterpret_cast<const char*>(bytes.data()), bytes.size()}};
  };
  std::vector<rly::RelayState> out;
  std::size_t octets = 0;
  while (!states_asked_.empty() && out.size() < report_states_max &&
         octets < report_state_octets_max) {
    const auto asked = std::move(states_asked_.front());
    states_asked_.pop_front();
    auto& told = out.emplace_back();
    told.order = asked.order;
    for (const auto& one : carried_.replica(asked.room, asked.alias)) {
      api::sdd_connections::SddReplicaComponent part;
      part.component = one.component;
      part.seq = one.seq;
      part.age_us = std::max<std::int64_t>(
          0, std::chrono::duration_cast<std::chrono::microseconds>(now - one.received).count());
      part.state = octets_of(one.state);
      if (!one.delta.empty()) part.delta = octets_of(one.delta);
      octets += one.state.size() + one.delta.size();
      told.components.push_back(std::move(part));
    }
  }
  return out;
}

void Lease::obey(const rly::RelayOrder& order) {
  if (order.order <= seen_) return;
  seen_ = order.order;
  ++counts_.orders;
  const auto flow = static_cast<sdd::FlowId>(order.flow_id.value_or(0));
  const std::string room = order.room.value_or(std::string());
  switch (order.kind) {
    case OrderKind::release_flow:
      if (order.flow_id) release(order, flow);
      return;
    case OrderKind::set_tier:
    case OrderKind::set_mask:
    case OrderKind::set_rate:
    case OrderKind::set_redundancy:
      if (order.flow_id) keep_standing(order, flow);
      return;
    case OrderKind::relocate: {
      auto token = sdd::token_of_text(order.token.value_or(std::string()));
      if (!order.flow_id || !order.conn_info || !token) {
        ++counts_.orders_late;
        return;
      }
      return carry_out(Relocate{.flow = flow,
                                .address = address_of(*order.conn_info),
                                .token = std::move(*token),
                                .certificate_hash = order.certificate_hash.value_or(std::string()),
                                .drain = drain_of(order)});
    }
    case OrderKind::close_room:
      return carry_out(CloseRoom{.room = room, .epoch = epoch_of(order), .drain = drain_of(order)});
    case OrderKind::tell_state: return ask_state(order);
    case OrderKind::open_room:
      return carry_out(FenceRoom{.room = room, .epoch = epoch_of(order), .owned = true});
  }
}

}  // namespace lobo::relay
