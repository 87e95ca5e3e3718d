#pragma once
// A connection of one UE in one room (api/sdd_connections.yaml; what request-trans sets up as
// well): kind "sdd_connection".
//
//   REQUESTED    no node carries the room, or the network has not said yes to its two paths
//   CONNECTING   a node carries it and the UE has a token; no flow of it is up
//   ESTABLISHED  a flow is up
//   RELEASING    its flows drain; nobody sees it any more
//
// Whatever changes here is told to notifUri, in order.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "api/sdd_transmission.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/flows.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/machine.hpp"
#include "wire/sdd/token.hpp"

namespace lobo::sealdd {

class Nodes;

inline constexpr std::string_view connection_kind = "sdd_connection";

/// The subject of every connection, by which they are found at the start.
inline constexpr std::string_view every_connection = "sdd_connection";
/// What is asked for, with the second path that URLLC has (TS 23.433 clause 9.3).
FlowRequests flows_asked(const api::sdd_connections::SddConnectionReq& asked);

/// "ue-17" or "user:bob": one name space for both kinds of target.
std::string ue_of(const api::common::ValTargetUe& target);

class ConnectionMachine final : public resource::Machine {
 public:
  /// All outlive it.
  ConnectionMachine(const Settings& settings, Ground& ground, sdd::TokenSigner& signer)
      : settings_(settings), ground_(ground), signer_(signer) {}

  std::string_view kind() const override { return connection_kind; }
  /// Observe "connection": its state, empty when it is gone. "orders": OrdersGiven.
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  using State = api::state::sealdd::ConnectionState;

  Result<resource::Outcome> create(const resource::Record* current, const resource::Key& key,
                                   const resource::Command& command, Instant now,
                                   const resource::Lookup& lookup) const;
  Result<resource::Outcome> modify(State state, const resource::Record& current,
                                   const resource::Command& command, Instant now) const;
  Result<resource::Outcome> told(State state, const resource::Record& current,
                                 const resource::Told& told, Instant now,
                                 const resource::Lookup& lookup) const;
  Result<resource::Outcome> flows_told(State state, const resource::Record& current,
                                       const std::string& body, Instant now,
                                       const resource::Lookup& lookup) const;
  Result<resource::Outcome> moved(State state, const resource::Record& current,
                                  const std::string& body, Instant now) const;
  Result<resource::Outcome> fired(State state, const resource::Record& current,
                                  const std::string& timer, Instant now,
                                  const resource::Lookup& lookup) const;
  resource::Outcome release(State state, const resource::Record& current, std::string_view cause,
                            Instant now, const resource::Lookup& lookup) const;
  // connection_state.cpp
  static Result<resource::Outcome> ask_state(const State& state, const resource::Command& command);
  // connection_trans.cpp
  Result<resource::Outcome> transmit(const resource::Record* current, const resource::Key& key,
                                     const resource::Command& command, Instant now) const;
  // connection_context.cpp
  Result<resource::Outcome> pushed(const resource::Key& key, const resource::Command& command,
                                   Instant now) const;
  Result<resource::Outcome> sent_away(State state, const resource::Record& current,
                                      const resource::Command& command, Instant now,
                                      const resource::Lookup& lookup) const;
  // connection_session.cpp
  Result<resource::Outcome> session_asks(const resource::Record* current, const resource::Key& key,
                                         const resource::Told& told, Instant now,
                                         const resource::Lookup& lookup) const;
  Result<resource::Outcome> made_for_session(State fresh, const resource::Key& key,
                                             const api::state::sealdd::SessionAsks& asks,
                                             Instant now) const;
  Result<resource::Outcome> changed_for_session(State connection, const resource::Record& current,
                                                const api::state::sealdd::SessionAsks& asks,
                                                Instant now) const;
  static void tell_session(const State& connection, resource::Outcome& out);
  // connection_reliable.cpp
  std::optional<std::string> gate(const State& wanted) const;
  Result<resource::Outcome> follow_network(const resource::Record* current,
                                           const resource::Key& key,
                                           Result<resource::Outcome> done) const;
  resource::Outcome wait_for_network(State connection, const std::string& owner,
                                     api::state::sealdd::ConnectionPending pending,
                                     Instant now) const;
  resource::Outcome put_off(State before, const resource::Record& current,
                            const resource::Command& command, std::string gate, Instant now) const;
  Result<resource::Outcome> network_told(State connection, const resource::Record& current,
                                         const std::string& body, Instant now,
                                         const resource::Lookup& lookup) const;
  resource::Outcome made_at_last(State connection, const resource::Record& current,
                                 const api::state::sealdd::ConnectionPending& pending) const;
  resource::Outcome without_network(State connection, const resource::Record& current,
                                    const std::string& why) const;
  // connection_act.cpp
  Result<resource::Outcome> act(State state, const resource::Record& current,
                                const std::string& body, Instant now) const;

  Result<resource::Outcome> stepped(const resource::Record* current, const resource::Key& key,
                                    const resource::Event& event, Instant now,
                                    const resource::Lookup& lookup) const;
  http::Response made_answer(const State& state, std::string_view id) const;
  http::Response transmitted_answer(const State& state, std::string_view id,
                                    const std::string& asked) const;
  /// The state is kept, and let known.
  resource::Outcome kept(const State& state, const std::string& owner) const;
  void notify(State& state, const std::string& id, const State& before, bool token,
              resource::Outcome& out, Instant now) const;
  /// To subscriptions to the status of its VAL server's connections.
  static void tell_status(const State& state, api::sdd_transmission::ConnStatusEventKnown event,
                          Instant now, const resource::Lookup& lookup, resource::Outcome& out);
  /// Place, flows and token of a fresh one.
  /// The UE's claim to its room ends where this fails.
  Result<resource::Outcome> establish(State& fresh, const std::string& id, FlowRequests flows,
                                      Instant now) const;
  Result<resource::Outcome> carried(State& fresh, FlowRequests flows, Instant now) const;
  Result<void> renew_token(State& state, Instant now, resource::Outcome& out) const;
  static void give(const State& state, std::vector<api::sdd_relay::RelayOrder> orders,
                   const std::string& node, resource::Outcome& out);

  const Settings& settings_;
  Ground& ground_;
  sdd::TokenSigner& signer_;
};

/// How long NRM may take over its two paths (connection_reliable.cpp).
inline constexpr std::string_view reliable_timer = "reliable";

/// Whether anybody outside is to see it: not while it is released, nor before it is made.
bool is_seen(const api::state::sealdd::ConnectionState& connection);

/// From outside; the token is shown to whoever made it, and nobody else is shown anything.
api::sdd_connections::SddConnection represent(const api::state::sealdd::ConnectionState& state,
                                              std::string_view id, const Settings& settings);

}  // namespace lobo::sealdd
