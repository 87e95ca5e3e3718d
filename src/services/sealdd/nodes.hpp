#pragma once
// The relay nodes: who is alive, which room is carried where, and what each was ordered to do.
//
// The problem: a node that dies, hangs or is cut off must lose its rooms within its lease, a node
// that was only slow must not carry on as if it still had them, and no order may be lost on the
// way. So a node has a lease with an epoch (one that comes back late finds a higher one), a room
// has an epoch of its own (a token of an older one is refused by its node), and an order is
// repeated until the node says that it saw it.
//
// Lives in memory. What must survive is in the records of nodes and connections, from which
// all of this is built again at the start: who carries which room is what most of its connections
// say, and orders that nobody has acknowledged follow from them (connection_orders.hpp).
//
// Costs: one look-up for each report or renewal; placing a room looks at every node once.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/sdd_relay.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

class Nodes final : public Ground {
 public:
  using Order = api::sdd_relay::RelayOrder;
  using Told = resource::Tell;
  struct Answer {
    resource::RequestId request{};
    http::Response response;
  };
  struct Dues {
    std::vector<Answer> answers;
    std::vector<Told> told;
  };

  /// Order numbers begin above all that a process before this one can have given, which is what
  /// `began` is for.
  Nodes(const Settings& settings, Instant began);

  // ---- what is handed out (Ground) --------------------------------------------------------------
  Result<Place> place(const std::string& room, std::size_t flows, Instant now) override;
  Result<std::int64_t> alias(const std::string& room, const std::string& asset) override;
  std::string claim(const std::string& room, const std::string& ue, const std::string& connection,
                    Instant now) override;
  std::optional<std::string> claim_all(
      const std::string& room, const std::vector<std::pair<std::string, std::string>>& connections,
      Instant now) override;
  void unclaimed(const std::string& room, const std::vector<std::string>& connections,
                 Instant now) override;
  std::int64_t flow_id() override;

  // ---- what happens -----------------------------------------------------------------------------
  /// The record of a node; also at the start, for each one that is stored.
  void node_changed(const std::string& id, const api::state::sealdd::NodeState& state, Instant now);
  /// Its lease is over for good: whoever comes back with the epoch of before is refused.
  void fenced(const std::string& id, std::int64_t epoch);
  void node_gone(const std::string& id, Instant now);
  /// Answered with the next report of the node (nodes_states.cpp).
  void state_asked(const api::state::sealdd::StateQuestion& question, Instant now);
  void renewed(const std::string& id, const api::sdd_relay::RelayRegistration& said, Instant now);
  /// False for one that was seen before.
  bool reported(const std::string& id, const api::sdd_relay::RelayReport& report, Instant now);
  void asked(const std::string& id, const api::state::sealdd::OrdersQuestion& question,
             Instant now);
  /// A connection as it is now; `restored` at the start.
  void connection_changed(const std::string& id, const api::state::sealdd::ConnectionState& state,
                          bool restored, Instant now);
  void connection_gone(const std::string& id, Instant now);
  void order(const std::string& node, std::vector<Order> orders, Instant now);
  /// The room goes to another node; false where there is none.
  bool relocate(const std::string& room, std::string_view cause, Instant now);
  void advance(Instant now);
  Instant next_deadline(Instant now) const;
  Dues take_dues();

  // ---- what it looks like -----------------------------------------------------------------------
  bool known(std::string_view node) const { return nodes_.contains(node); }
  bool alive(std::string_view node) const;
  /// Whether a report of this node and epoch counts.
  bool current(std::string_view node, std::int64_t epoch) const;
  bool boots_anew(std::string_view node, std::string_view boot_id) const;
  std::size_t alive_nodes() const;
  std::size_t connections() const { return connections_.size(); }
  std::size_t rooms() const { return rooms_.size(); }
  std::size_t orders_waiting(std::string_view node) const;
  /// The connection that a flow belongs to.
  const std::string* connection_of(std::int64_t flow) const;
  std::vector<std::string> connections_of_room(std::string_view room) const;
  api::sdd_relay::RelayNode view(std::string_view node, Instant now) const;
  api::sdd_relay::RelayOrders orders(std::string_view node, std::int64_t after, Instant now) const;

 private:
  struct Node {
    api::sdd_relay::RelayRegistration said;
    std::int64_t epoch = 0;
    bool alive = false;
    Instant lease_until{};
    std::int64_t seen = 0;      ///< the highest order that it carried out
    std::int64_t reported = 0;  ///< sequence of the last report of this epoch
    std::deque<Order> orders;   ///< ascending
    std::vector<api::state::sealdd::OrdersQuestion> polls;
    std::set<std::string, std::less<>> rooms;
    std::size_t flows = 0;  ///< granted on it
    std::uint64_t egress_bps = 0;
    std::optional<Instant> settle;   ///< until when clients may come back after it began anew
    std::set<std::int64_t> settled;  ///< flows that it has told of since
  };
  struct StateWait {
    api::state::sealdd::StateQuestion question;
    Instant until{};
  };
  struct Claim {
    std::string connection;
    Instant at{};
  };
  struct Room {
    std::string node;  ///< empty: nobody carries it
    std::int64_t epoch = 0;
    std::map<std::string, std::int64_t, std::less<>> aliases;
    std::set<std::int64_t> used;
    std::set<std::string, std::less<>> connections;
    std::map<std::string, Claim, std::less<>> claims;  ///< by UE
    std::optional<Instant> empty_since;
  };
  struct Flow {
    std::string connection;
    std::set<std::int64_t> aliases;
    bool up = false;
  };
  struct Connection {
    std::string room;
    std::string ue;
    std::string node;
    std::int64_t epoch = 0;
    std::vector<std::int64_t> flows;
    std::uint64_t egress_bps = 0;
    bool releasing = false;
  };

  Node* best(const std::string& room, std::size_t flows, std::string_view not_this);
  bool held(const Claim& claim, Instant now) const;
  Place place_of(const Room& where) const;
  void give(const std::string& room, Room& where, const std::string& to, Instant now);
  void lapse(const std::string& id, Node& node, Instant now);
  void leave(const std::string& id, Node& node, std::string_view cause, Instant now);
  void tell_all_moved(const Room& where, std::string_view from, std::string_view cause);
  void tell_moved(const std::string& connection, const Room& where, std::string_view from,
                  std::string_view cause);
  void place_waiting(Instant now);
  void forget(Connection& connection);
  void acknowledge(Node& node, std::int64_t seen);
  void answer_polls(const std::string& id, Node& node, Instant now, bool all);
  void settle(const std::string& id, Node& node);
  void states_told(const std::string& id, const std::vector<api::sdd_relay::RelayState>& states);
  void refuse_states(Instant now);
  /// What stands for the asset in the room; nothing where it has none.
  std::optional<std::int64_t> alias_in(std::string_view room, std::string_view asset) const;

  const Settings& settings_;
  std::map<std::string, Node, std::less<>> nodes_;
  std::map<std::string, Room, std::less<>> rooms_;
  std::map<std::string, Connection, std::less<>> connections_;
  std::map<std::int64_t, Flow> flows_;
  std::set<std::string, std::less<>> waiting_;      ///< rooms that no node carries
  std::map<std::int64_t, StateWait> states_asked_;  ///< by order
  std::int64_t last_order_ = 0;
  std::int64_t last_flow_ = 0;
  Dues dues_;
};

}  // namespace lobo::sealdd
