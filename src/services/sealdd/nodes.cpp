#include "services/sealdd/nodes.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/sealdd/connection.hpp"
#include "services/sealdd/node.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/json/json.hpp"

namespace lobo::sealdd {

namespace rly = api::sdd_relay;
namespace state = api::state::sealdd;
using api::sdd_connections::SddFlowState;

namespace {

constexpr std::uint64_t egress_bps_unknown = 1'000'000'000;
constexpr std::size_t flows_unknown = 10'000;
constexpr std::int64_t flow_id_max = std::numeric_limits<std::uint32_t>::max();

std::uint64_t egress_of(const rly::RelayRegistration& said) {
  return static_cast<std::uint64_t>(
      said.capacity.egress_bps.value_or(static_cast<std::int64_t>(egress_bps_unknown)));
}
std::size_t flows_of(const rly::RelayRegistration& said) {
  return static_cast<std::size_t>(
      said.capacity.flows.value_or(static_cast<std::int64_t>(flows_unknown)));
}

/// Rendezvous hashing by weight: each node has a score of its own for a room, so that a node that
/// comes or goes moves only the rooms that it wins or loses.
double score(std::string_view node, std::string_view room, double weight) {
  std::uint64_t hash = fnv1a(room, fnv1a(node));
  hash ^= hash >> 33U;  // The last octets of FNV hardly reach the high bits.
  hash *= 0xFF51AFD7ED558CCDULL;
  hash ^= hash >> 33U;
  const double share = (static_cast<double>(hash >> 11U) + 0.5) / 9007199254740992.0;  // in (0, 1)
  return -weight / std::log(share);
}

/// Grows with time, so that a room that ended and begins again is newer than it was, without a
/// record of every room that ever was.
std::int64_t newer_epoch(std::int64_t than, Instant now) {
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  return std::max(than + 1, static_cast<std::int64_t>(seconds));
}

}  // namespace

Nodes::Nodes(const Settings& settings, Instant began)
    : settings_(settings),
      last_order_(
          std::chrono::duration_cast<std::chrono::microseconds>(began.time_since_epoch()).count()) {
}

// ---- what is handed out -----------------------------------------------------------------------

Nodes::Node* Nodes::best(const std::string& room, std::size_t flows, std::string_view not_this) {
  Node* found = nullptr;
  double highest = -1;
  for (auto& [id, node] : nodes_) {
    if (!node.alive || node.said.draining.value_or(false) || id == not_this) continue;
    if (node.flows + flows > flows_of(node.said)) continue;
    const auto capacity = egress_of(node.said);
    if (node.egress_bps >= capacity) continue;
    const double value = score(id, room, static_cast<double>(capacity));
    if (value <= highest) continue;
    highest = value;
    found = &node;
  }
  return found;
}

Place Nodes::place_of(const Room& where) const {
  const auto& node = nodes_.find(where.node)->second;
  return {where.node, where.epoch, node.said.conn_info, node.said.redundant_conn_info,
          node.said.certificate_hash};
}

Result<Place> Nodes::place(const std::string& room, std::size_t flows, Instant now) {
  if (connections_.size() >= connections_max)
    return fail(Errc::too_many, "there are as many connections as there may be",
                {{Errc::too_many, "", "no room for one more"}});
  auto& where = rooms_[room];
  if (where.node.empty()) {
    const auto* node = best(room, flows, {});
    if (node == nullptr) {
      if (where.connections.empty() && where.aliases.empty()) where.empty_since = now;
      return fail(Errc::unavailable, "no relay node can take it now; ask again");
    }
    const auto id =
        std::ranges::find_if(nodes_, [&](const auto& one) { return &one.second == node; })->first;
    give(room, where, id, now);
  }
  if (where.connections.empty()) where.empty_since = now;
  if (where.connections.size() >= room_connections_max)
    return fail(Errc::too_many, "the room is full");
  const auto& node = nodes_.find(where.node)->second;
  if (node.flows + flows > flows_of(node.said))
    return fail(Errc::unavailable, "the node that carries the room has no place for more flows");
  return place_of(where);
}

Result<std::int64_t> Nodes::alias(const std::string& room, const std::string& asset) {
  auto& where = rooms_[room];
  if (const auto found = where.aliases.find(asset); found != where.aliases.end())
    return found->second;
  if (where.aliases.size() >= room_aliases_max)
    return fail(Errc::too_many, "the room has as many assets as it may");
  // Ascending and never again while the room lives: a frame that is late must not be taken for
  // another asset's.
  std::int64_t next = where.used.empty() ? 1 : *where.used.rbegin() + 1;
  if (next > static_cast<std::int64_t>(room_aliases_max)) {
    next = 1;
    while (where.used.contains(next)) ++next;
  }
  where.used.insert(next);
  where.aliases.emplace(asset, next);
  return next;
}

std::string Nodes::claim(const std::string& room, const std::string& ue,
                         const std::string& connection, Instant now) {
  auto& claim = rooms_[room].claims[ue];
  if (!held(claim, now)) claim = {connection, now};
  return claim.connection;
}

bool Nodes::held(const Claim& claim, Instant now) const {
  return !claim.connection.empty() &&
         (connections_.contains(claim.connection) || now < claim.at + claim_kept);
}

std::optional<std::string> Nodes::claim_all(
    const std::string& room, const std::vector<std::pair<std::string, std::string>>& connections,
    Instant now) {
  auto& where = rooms_[room];
  if (where.connections.empty()) where.empty_since = now;
  for (const auto& [ue, connection] : connections) {
    const auto claim = where.claims.find(ue);
    if (claim != where.claims.end() && held(claim->second, now) &&
        claim->second.connection != connection)
      return ue;
  }
  for (const auto& [ue, connection] : connections) where.claims[ue] = {connection, now};
  return std::nullopt;
}

void Nodes::unclaimed(const std::string& room, const std::vector<std::string>& connections,
                      Instant now) {
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return;
  auto& where = found->second;
  std::erase_if(where.claims, [&](const auto& one) {
    return !connections_.contains(one.second.connection) &&
           std::ranges::find(connections, one.second.connection) != connections.end();
  });
  if (where.connections.empty() && !where.empty_since) where.empty_since = now;
}

std::int64_t Nodes::flow_id() {
  do {
    last_flow_ = last_flow_ >= flow_id_max ? 1 : last_flow_ + 1;
  } while (flows_.contains(last_flow_));
  return last_flow_;
}

void Nodes::give(const std::string& room, Room& where, const std::string& to, Instant now) {
  where.node = to;
  where.epoch = newer_epoch(where.epoch, now);
  waiting_.erase(room);
  nodes_.find(to)->second.rooms.insert(room);
  Order open;
  open.kind = rly::OrderKind::open_room;
  open.room = room;
  open.epoch = where.epoch;
  order(to, {std::move(open)}, now);
}

// ---- nodes ------------------------------------------------------------------------------------

void Nodes::node_changed(const std::string& id, const state::NodeState& kept, Instant now) {
  auto said = json::read<rly::RelayRegistration>(kept.text);
  if (!said) return;
  auto& node = nodes_[id];
  const bool anew = !node.said.boot_id.empty() && node.said.boot_id != said->boot_id;
  const bool later = kept.epoch != node.epoch;
  const bool moved = node.alive && (node.said.conn_info != said->conn_info ||
                                    node.said.certificate_hash != said->certificate_hash ||
                                    node.said.redundant_conn_info != said->redundant_conn_info);
  node.said = std::move(*said);
  if (later) {
    node.epoch = kept.epoch;
    node.reported = 0;
  }
  if (anew) {
    node.settle = now + settings_.settle;
    node.settled.clear();
  }
  // Also one that was read from the store: it may be there, and has one lease to say so.
  node.alive = true;
  node.lease_until = now + settings_.lease;
  if (node.said.draining.value_or(false)) leave(id, node, "NODE_DRAINING", now);
  if (moved || anew)
    for (const auto& room : node.rooms) {
      auto& where = rooms_.find(room)->second;
      if (moved) {  // Another address: clients have to be told, with a token for it.
        where.epoch = newer_epoch(where.epoch, now);
        Order open;
        open.kind = rly::OrderKind::open_room;
        open.room = room;
        open.epoch = where.epoch;
        order(id, {std::move(open)}, now);
        tell_all_moved(where, {}, "NODE_MOVED");
      }
    }
  place_waiting(now);
  answer_polls(id, node, now, anew);
}

void Nodes::renewed(const std::string& id, const rly::RelayRegistration& said, Instant now) {
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) return;
  found->second.lease_until = now + settings_.lease;
  if (said.orders_seen) acknowledge(found->second, *said.orders_seen);
}

void Nodes::fenced(const std::string& id, std::int64_t epoch) {
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) return;
  found->second.epoch = epoch;
  found->second.reported = 0;
}

void Nodes::node_gone(const std::string& id, Instant now) {
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) return;
  lapse(id, found->second, now);
  nodes_.erase(id);
}

/// Its rooms go to whoever can take them; what it was ordered has no meaning any more.
void Nodes::lapse(const std::string& id, Node& node, Instant now) {
  node.alive = false;
  node.orders.clear();
  node.settle.reset();
  answer_polls(id, node, now, true);
  leave(id, node, "NODE_LOST", now);
}

void Nodes::leave(const std::string& id, Node& node, std::string_view cause, Instant now) {
  const auto rooms = std::exchange(node.rooms, {});
  for (const auto& room : rooms) {
    auto& where = rooms_.find(room)->second;
    const auto* to = best(room, where.connections.size(), id);
    if (to == nullptr && node.alive) {  // Draining, and nobody else is there: it keeps it.
      node.rooms.insert(room);
      continue;
    }
    where.node.clear();
    if (to != nullptr) {
      const auto at =
          std::ranges::find_if(nodes_, [&](const auto& one) { return &one.second == to; });
      give(room, where, at->first, now);
    } else {
      waiting_.insert(room);
    }
    if (node.alive) {
      Order close;
      close.kind = rly::OrderKind::close_room;
      close.room = room;
      close.epoch = where.epoch;
      close.drain_ms = settings_.drain.count();
      order(id, {std::move(close)}, now);
    }
    tell_all_moved(where, node.alive ? id : std::string(), cause);
  }
}

bool Nodes::relocate(const std::string& room, std::string_view cause, Instant now) {
  const auto found = rooms_.find(room);
  if (found == rooms_.end() || found->second.node.empty()) return false;
  auto& where = found->second;
  const std::string from = where.node;
  const auto* to = best(room, where.connections.size(), from);
  if (to == nullptr) return false;
  auto& before = nodes_.find(from)->second;
  before.rooms.erase(room);
  const auto at = std::ranges::find_if(nodes_, [&](const auto& one) { return &one.second == to; });
  give(room, where, at->first, now);
  Order close;
  close.kind = rly::OrderKind::close_room;
  close.room = room;
  close.epoch = where.epoch;
  close.drain_ms = settings_.drain.count();
  order(from, {std::move(close)}, now);
  tell_all_moved(where, from, cause);
  return true;
}

void Nodes::place_waiting(Instant now) {
  for (const auto& room : std::vector<std::string>(waiting_.begin(), waiting_.end())) {
    auto& where = rooms_.find(room)->second;
    const auto* to = best(room, where.connections.size(), {});
    if (to == nullptr) return;
    const auto at =
        std::ranges::find_if(nodes_, [&](const auto& one) { return &one.second == to; });
    give(room, where, at->first, now);
    tell_all_moved(where, {}, "NODE_FOUND");
  }
}

void Nodes::tell_all_moved(const Room& where, std::string_view from, std::string_view cause) {
  for (const auto& connection : where.connections) tell_moved(connection, where, from, cause);
}

void Nodes::tell_moved(const std::string& connection, const Room& where, std::string_view from,
                       std::string_view cause) {
  state::PlaceTold told;
  told.epoch = where.epoch;
  told.cause = cause;
  if (!where.node.empty()) {
    const auto place = place_of(where);
    told.node_id = place.node;
    told.conn_info = place.at;
    told.redundant_conn_info = place.redundant;
    told.certificate_hash = place.certificate_hash;
  }
  if (!from.empty()) told.from = std::string(from);
  dues_.told.push_back({{std::string(connection_kind), connection}, "moved", json::write(told)});
}

// ---- time -------------------------------------------------------------------------------------

void Nodes::settle(const std::string& id, Node& node) {
  std::map<std::string, state::FlowsTold> told;
  for (const auto& [flow_id, flow] : flows_) {
    if (!flow.up || node.settled.contains(flow_id)) continue;
    const auto connection = connections_.find(flow.connection);
    if (connection->second.node != id) continue;
    rly::RelayFlowState gone;
    gone.flow_id = flow_id;
    gone.state = SddFlowState::closed;
    gone.cause = "NODE_RESTARTED";
    told[flow.connection].flows.push_back(std::move(gone));
  }
  node.settle.reset();
  node.settled.clear();
  for (const auto& [connection, what] : told)
    dues_.told.push_back({{std::string(connection_kind), connection}, "flows", json::write(what)});
}

void Nodes::advance(Instant now) {
  refuse_states(now);
  for (auto& [id, node] : nodes_) {
    if (node.alive && now >= node.lease_until) {
      state::NodeLapse lapsed;
      lapsed.epoch = node.epoch;
      lapse(id, node, now);
      dues_.told.push_back({{std::string(node_kind), id}, "lapsed", json::write(lapsed)});
    }
    if (node.settle && now >= *node.settle) settle(id, node);
    answer_polls(id, node, now, false);
  }
  for (auto room = rooms_.begin(); room != rooms_.end();) {
    const auto& where = room->second;
    if (!where.empty_since || now < *where.empty_since + room_kept_empty) {
      ++room;
      continue;
    }
    if (const auto node = nodes_.find(where.node); node != nodes_.end()) {
      node->second.rooms.erase(room->first);
      Order close;
      close.kind = rly::OrderKind::close_room;
      close.room = room->first;
      close.epoch = where.epoch;
      close.drain_ms = 0;
      order(node->first, {std::move(close)}, now);
    }
    waiting_.erase(room->first);
    room = rooms_.erase(room);
  }
}

Instant Nodes::next_deadline(Instant now) const {
  Instant due = now + room_kept_empty;
  for (const auto& [order, wait] : states_asked_) due = std::min(due, wait.until);
  for (const auto& [id, node] : nodes_) {
    if (node.alive) due = std::min(due, node.lease_until);
    if (node.settle) due = std::min(due, *node.settle);
    for (const auto& poll : node.polls) due = std::min(due, poll.until);
  }
  return std::max(due, now);
}

Nodes::Dues Nodes::take_dues() { return std::exchange(dues_, {}); }

}  // namespace lobo::sealdd
