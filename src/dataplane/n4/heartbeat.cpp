// Whether a control plane lives, and whether it is the one that it was (TS 29.244 clause 6.2.2, TS
// 23.527 clauses 4.2, 4.3).

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "dataplane/n4/agent.hpp"
#include "dataplane/n4/peers.hpp"
#include "dataplane/n4/session_table.hpp"
#include "dataplane/n4/transactions.hpp"
#include "dataplane/n4/types.hpp"
#include "dataplane/n4/written.hpp"  // IWYU pragma: keep (the templates of agent.hpp)
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {

using pfcp::MessageType;

// Answered to anybody: it costs no more than what was sent, and changes nothing of a stranger.
MessageBytes N4Agent::heartbeat(const Request& request) {
  pfcp::Remarks remarks;
  const auto message = pfcp::read_message<pfcp::HeartbeatRequest>(request.view, remarks);
  if (!message) {
    note({.what = Happening::cannot_answer,
          .peer = request.from,
          .message = request.view.type,
          .refusal = message.error()});
    return nullptr;
  }
  if (Peer* peer = peers_.at(request.from)) hear(*peer, message->recovery_time_stamp);
  return respond(request, 0, pfcp::HeartbeatResponse{recovered_});
}

bool N4Agent::hear(Peer& peer, pfcp::NtpSeconds recovered) {
  peer.heard = now_;
  peer.is_silent = false;
  // An earlier one was sent before the restart that is known of, and is late.
  if (recovered.time() <= peer.recovered.time()) return true;
  note({.what = Happening::restarted, .peer = peer.at});
  drop_peer(peer);
  return false;
}

void N4Agent::send_heartbeats() {
  for (auto& [name, peer] : peers_.all()) {
    if (now_ < peer.next_heartbeat) continue;
    peer.next_heartbeat = now_ + config_.heartbeat_every;
    if (peer.is_asked || !transactions_.has_room()) continue;
    const std::uint32_t number = transactions_.number();
    const auto bytes = written({.sequence_number = number}, pfcp::HeartbeatRequest{recovered_});
    const Endpoint to{peer.at.address,
                      config_.control_port == 0 ? peer.at.port : config_.control_port};
    transactions_.start(
        number, {.to = to, .type = MessageType::heartbeat_request, .bytes = bytes, .node = name},
        now_);
    peer.is_asked = true;
    send(to, bytes);
  }
}

std::optional<Instant> N4Agent::next_heartbeat() const {
  std::optional<Instant> next;
  for (const auto& [name, peer] : peers_.all())
    next = next ? std::min(*next, peer.next_heartbeat) : peer.next_heartbeat;
  return next;
}

void N4Agent::on_heartbeat_response(const OwnRequest& request, const pfcp::MessageView& view) {
  Peer* peer = peers_.find(request.node);
  if (peer == nullptr) return;
  peer->is_asked = false;
  pfcp::Remarks remarks;
  const auto message = pfcp::read_message<pfcp::HeartbeatResponse>(view, remarks);
  if (message) hear(*peer, message->recovery_time_stamp);
}

// TS 23.527 clause 4.3: the user's data go on while a control plane is away, for as long as the
// operator says.
void N4Agent::on_silence(const OwnRequest& request) {
  if (request.type == MessageType::session_report_request) {
    SessionState* state = sessions_.find(request.seid);
    if (state == nullptr) return;
    ++counters_.reports_lost;
    note({.what = Happening::no_response,
          .peer = request.to,
          .seid = request.seid,
          .message = request.type});
    state->outstanding.reset();
    return look(*state);
  }
  Peer* peer = peers_.find(request.node);
  if (peer == nullptr || request.type != MessageType::heartbeat_request) return;
  peer->is_asked = false;
  if (now_ - peer->heard >= config_.peer_lost_after) {
    note({.what = Happening::given_up, .peer = peer->at});
    return drop_peer(*peer);
  }
  if (!peer->is_silent) note({.what = Happening::silent, .peer = peer->at});
  peer->is_silent = true;
}

}  // namespace lobo::dataplane::n4
