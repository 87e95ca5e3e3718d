#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "services/sealdd/flows.hpp"
#include "services/sealdd/nodes.hpp"
#include "services/sealdd/ports.hpp"

namespace lobo::sealdd {

namespace rly = api::sdd_relay;
namespace state = api::state::sealdd;
using api::sdd_connections::SddConnectionState;
using api::sdd_connections::SddFlowState;

namespace {

std::uint64_t egress_of(const state::ConnectionState& connection) {
  std::uint64_t bps = 0;
  for (const auto& [asset, flow] : connection.flows) bps += download_bps(flow);
  return bps;
}

}  // namespace

void Nodes::forget(Connection& connection) {
  for (const auto flow : connection.flows) flows_.erase(flow);
  if (const auto node = nodes_.find(connection.node); node != nodes_.end()) {
    node->second.flows -= std::min(node->second.flows, connection.flows.size());
    node->second.egress_bps -= std::min(node->second.egress_bps, connection.egress_bps);
  }
  connection.flows.clear();
}

void Nodes::connection_changed(const std::string& id, const state::ConnectionState& kept,
                               bool restored, Instant now) {
  auto& connection = connections_[id];
  forget(connection);
  connection.room = kept.room;
  connection.ue = kept.ue;
  connection.node = kept.node_id.value_or("");
  connection.epoch = kept.epoch.value_or(0);
  connection.releasing = kept.state == SddConnectionState::releasing;
  connection.egress_bps = egress_of(kept);
  auto& where = rooms_[kept.room];
  for (const auto& [asset, flow] : kept.flows) {
    if (flow.alias > 0) {
      where.aliases.emplace(asset, flow.alias);
      where.used.insert(flow.alias);
    }
    for (const auto flow_id : flow.flow_ids) {
      auto& one = flows_[flow_id];
      one.connection = id;
      one.aliases.insert(flow.alias);
      one.up = flow.state == SddFlowState::up;
      if (std::ranges::find(connection.flows, flow_id) == connection.flows.end())
        connection.flows.push_back(flow_id);
      if (restored) last_flow_ = std::max(last_flow_, flow_id);
    }
  }
  if (const auto node = nodes_.find(connection.node); node != nodes_.end()) {
    node->second.flows += connection.flows.size();
    node->second.egress_bps += connection.egress_bps;
  }
  if (connection.releasing) {
    where.connections.erase(id);
    if (const auto claim = where.claims.find(kept.ue);
        claim != where.claims.end() && claim->second.connection == id)
      where.claims.erase(claim);
  } else {
    where.connections.insert(id);
    where.claims[kept.ue] = {id, now};
    where.empty_since.reset();
  }
  if (where.connections.empty() && !where.empty_since) where.empty_since = now;
  if (!restored) {
    // Decided on while the room went elsewhere: told of it again.
    if (!connection.releasing && (connection.epoch < where.epoch || connection.node != where.node))
      tell_moved(id, where, {}, "ROOM_MOVED");
    return;
  }
  // At the start: the room is where its newest connection says, if that node is known.
  if (connection.releasing || connection.epoch < where.epoch) return;
  if (!where.node.empty() && where.node != connection.node)
    nodes_.find(where.node)->second.rooms.erase(kept.room);
  where.epoch = connection.epoch;
  const auto node = nodes_.find(connection.node);
  where.node = node == nodes_.end() ? "" : connection.node;
  if (node == nodes_.end())
    waiting_.insert(kept.room);
  else
    node->second.rooms.insert(kept.room);
}

void Nodes::connection_gone(const std::string& id, Instant now) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  forget(found->second);
  const auto room = rooms_.find(found->second.room);
  if (room != rooms_.end()) {
    room->second.connections.erase(id);
    if (const auto claim = room->second.claims.find(found->second.ue);
        claim != room->second.claims.end() && claim->second.connection == id)
      room->second.claims.erase(claim);
    if (room->second.connections.empty() && !room->second.empty_since)
      room->second.empty_since = now;
  }
  connections_.erase(found);
}

// ---- what it looks like -----------------------------------------------------------------------

bool Nodes::alive(std::string_view node) const {
  const auto found = nodes_.find(node);
  return found != nodes_.end() && found->second.alive;
}

bool Nodes::current(std::string_view node, std::int64_t epoch) const {
  const auto found = nodes_.find(node);
  return found != nodes_.end() && found->second.alive && found->second.epoch == epoch;
}

bool Nodes::boots_anew(std::string_view node, std::string_view boot_id) const {
  const auto found = nodes_.find(node);
  return found == nodes_.end() || found->second.said.boot_id != boot_id;
}

std::size_t Nodes::alive_nodes() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(nodes_, [](const auto& one) { return one.second.alive; }));
}

std::size_t Nodes::orders_waiting(std::string_view node) const {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? 0 : found->second.orders.size();
}

const std::string* Nodes::connection_of(std::int64_t flow) const {
  const auto found = flows_.find(flow);
  return found == flows_.end() ? nullptr : &found->second.connection;
}

std::vector<std::string> Nodes::connections_of_room(std::string_view room) const {
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return {};
  return {found->second.connections.begin(), found->second.connections.end()};
}

rly::RelayNode Nodes::view(std::string_view id, Instant now) const {
  rly::RelayNode out;
  out.node_id = id;
  out.token_keys = settings_.token_keys;
  out.last_order = last_order_;
  out.lease_ms = settings_.lease.count();
  out.lease_until = now + settings_.lease;
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) return out;
  const auto& node = found->second;
  out.epoch = node.epoch;
  out.lease_until = node.lease_until;
  out.conn_info = node.said.conn_info;
  out.capacity = node.said.capacity;
  out.alive = node.alive;
  out.flows = static_cast<std::int64_t>(node.flows);
  out.egress_bps = static_cast<std::int64_t>(node.egress_bps);
  for (const auto& room : node.rooms) out.rooms.push_back({room, rooms_.find(room)->second.epoch});
  return out;
}

rly::RelayOrders Nodes::orders(std::string_view id, std::int64_t after, Instant now) const {
  rly::RelayOrders out;
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) return out;
  const auto& node = found->second;
  out.epoch = node.epoch;
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(node.lease_until - now).count();
  out.lease_ms = node.alive ? std::max<std::int64_t>(left, 0) : 0;
  for (const auto& one : node.orders) {
    if (one.order <= after) continue;
    if (out.orders.size() == orders_told_max) break;
    out.orders.push_back(one);
  }
  return out;
}

}  // namespace lobo::sealdd
