#pragma once
// The UPF's side of N4 (TS 29.244): datagrams of control planes, events of workers and time go in;
// datagrams, the rules of all sessions, and notes for the log come out. No socket, no clock.
//
//   loop: receive() what came, handle() what workers told, advance(); then publish take_rules(),
//   if any, and only then send take_datagrams(): a response says that the rules hold. Wait until
//   next_call() or until something comes.
//
// Files by procedure: agent.cpp takes messages apart and answers; association.cpp; heartbeat.cpp;
// sessions.cpp; reports.cpp. What they work on: Peers, SessionTable, Transactions, AnswerCache.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/rng.hpp"
#include "dataplane/n4/answer_cache.hpp"
#include "dataplane/n4/config.hpp"
#include "dataplane/n4/limits.hpp"
#include "dataplane/n4/peers.hpp"
#include "dataplane/n4/session_table.hpp"
#include "dataplane/n4/transactions.hpp"
#include "dataplane/n4/tunnel_pool.hpp"
#include "dataplane/n4/types.hpp"
#include "dataplane/rules/apply.hpp"
#include "dataplane/rules/rule_set.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {

class N4Agent {
 public:
  /// `rng`, which has to outlive this: unguessable where N4 is not a network of its own, since
  /// SEIDs and TEIDs come from it. `now` becomes the recovery time stamp. The time of all calls is
  /// to be UTC that does not go back; where it does, the latest that was seen holds.
  N4Agent(N4Config config, Rng& rng, Instant now);

  void receive(const Endpoint& from, Bytes datagram, Instant now);
  void handle(const WorkerEvent& event, Instant now);
  /// What is due. At most sessions_per_call_max sessions at once; next_call() says when to go on.
  void advance(Instant now);
  std::optional<Instant> next_call() const;

  std::vector<Datagram> take_datagrams();
  std::vector<Note> take_notes();
  /// All rules, where they changed since the last call; else null.
  std::shared_ptr<const RuleSet> take_rules() { return sessions_.take_rules(); }

  /// Asks each control plane to release its association (clause 6.2.7.3), before we go.
  void ask_for_release(Instant now);

  // For status and metrics.
  std::size_t associations() const { return peers_.all().size(); }
  std::size_t sessions() const { return sessions_.size(); }
  std::size_t own_tunnels() const { return tunnels_.size(); }
  std::size_t transactions() const { return transactions_.size(); }
  std::size_t answers() const { return answers_.size(); }
  const Counters& counters() const { return counters_; }
  /// Null where there is none.
  const Session* session(std::uint64_t seid) const;

 private:
  struct Request {
    const Endpoint& from;
    const pfcp::MessageView& view;
  };

  // agent.cpp
  void turn(Instant now);
  void take_message(const Endpoint& from, const pfcp::MessageView& view, Bytes message);
  void take_request(const Request& request, Bytes message);
  MessageBytes answer_to(const Request& request);
  void take_response(const Endpoint& from, const pfcp::MessageView& view);
  void send(const Endpoint& to, MessageBytes bytes);
  template <class Message>
  MessageBytes written(const pfcp::Envelope& envelope, const Message& message);
  template <class Message>
  MessageBytes respond(const Request& request, std::uint64_t seid, const Message& message);
  /// The response that refuses, whatever the request is; `seid` is the peer's.
  MessageBytes refuse(const Request& request, const RuleRefusal& refusal, std::uint64_t seid = 0);
  MessageBytes refuse(const Request& request, pfcp::Cause cause, std::uint64_t seid = 0);
  void note(const Note& note);
  pfcp::NodeId node() const;

  // association.cpp
  MessageBytes set_up(const Request& request);
  MessageBytes update(const Request& request);
  MessageBytes release(const Request& request);
  /// The peer that a request of its node names and is sent by.
  Peer* known(const Request& request, const pfcp::NodeId& node);
  void drop_sessions(Peer& peer);
  void drop_peer(Peer& peer);

  // heartbeat.cpp
  MessageBytes heartbeat(const Request& request);
  void send_heartbeats();
  void on_heartbeat_response(const OwnRequest& request, const pfcp::MessageView& view);
  void on_silence(const OwnRequest& request);
  /// False where it restarted: it is gone then, with its sessions.
  bool hear(Peer& peer, pfcp::NtpSeconds recovered);
  std::optional<Instant> next_heartbeat() const;

  // sessions.cpp
  MessageBytes establish_session(const Request& request);
  MessageBytes modify_session(const Request& request);
  MessageBytes delete_session(const Request& request);
  /// Null where there is none, or where it is another control plane's.
  SessionState* session_of(const Request& request);
  std::optional<RuleRefusal> refuse_session(const Session& session) const;
  std::optional<std::uint64_t> new_seid();
  pfcp::FSeid own_f_seid(std::uint64_t seid) const;
  void drop_session(SessionState& state);
  void note_unserved(const Request& request, std::uint64_t seid, pfcp::IeType type);
  /// Whether it comes from a control plane that has an association.
  bool is_known(const Request& request);

  // reports.cpp
  void start_watching(SessionState& state);
  void change_watching(SessionState& state, const pfcp::SessionModificationRequest& request);
  std::vector<pfcp::UsageReport> reports_of_change(SessionState& state, const Session& next,
                                                   const pfcp::SessionModificationRequest& request);
  void on_downlink_data(SessionState& state, pfcp::PdrId pdr);
  void on_error_indication(SessionState& state, const WorkerEvent& event);
  /// Looks at what a session watches, and tells what is due.
  void look(SessionState& state);
  void report(SessionState& state);
  std::vector<pfcp::UsageReport> usage_reports(SessionState& state);
  std::vector<pfcp::SessionReport> session_reports(SessionState& state, bool release);
  void on_report_response(const OwnRequest& request, const pfcp::MessageView& view);
  Endpoint control_plane_of(const SessionState& state) const;

  N4Config config_;
  Rng& rng_;
  pfcp::NtpSeconds recovered_;
  std::string node_labels_;  ///< where the Node ID is a name
  Instant now_;
  Peers peers_;
  SessionTable sessions_;
  TunnelPool tunnels_;
  Transactions transactions_;
  AnswerCache answers_;
  Instant next_sweep_;
  std::vector<Datagram> outbox_;
  std::vector<Note> notes_;
  Counters counters_;
  std::vector<std::byte> room_;  ///< for one message
};

}  // namespace lobo::dataplane::n4
