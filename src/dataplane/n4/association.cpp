// Association of nodes (TS 29.244 clauses 6.2.6 to 6.2.8), set up by the control plane.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/n4/agent.hpp"
#include "dataplane/n4/peers.hpp"
#include "dataplane/n4/transactions.hpp"
#include "dataplane/n4/types.hpp"
#include "dataplane/n4/written.hpp"  // IWYU pragma: keep (the templates of agent.hpp)
#include "dataplane/rules/apply.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {

using pfcp::Cause;

// Clause 6.2.6.2.2.
// 1. One that may not associate, or for which there is no room, is refused.
// 2. A node that has an association gets a new one, whatever its recovery time stamp; the sessions
//    of the old one go, without a report.
// Not done: retention of sessions (PSREI), which belongs to sets of SMFs.
MessageBytes N4Agent::set_up(const Request& request) {
  pfcp::Remarks remarks;
  const auto message = pfcp::read_message<pfcp::AssociationSetupRequest>(request.view, remarks);
  if (!message) return refuse(request, RuleRefusal{message.error(), std::nullopt});
  const auto& allowed = config_.control_planes;
  if (!allowed.empty() && std::ranges::find(allowed, request.from.address) == allowed.end())
    return refuse(request, Cause::request_rejected);
  const std::string name = node_text(message->node);
  Peer* before = peers_.find(name);
  if (before != nullptr) drop_sessions(*before);
  if (before == nullptr || before->recovered != message->recovery_time_stamp)
    answers_.begin_anew(request.from.address);
  Peer* peer = peers_.add(name, request.from);
  if (peer == nullptr) return refuse(request, Cause::no_resources_available);
  peer->recovered = message->recovery_time_stamp;
  peer->heard = now_;
  peer->next_heartbeat = now_ + config_.heartbeat_every;
  peer->is_silent = false;
  note({.what = Happening::associated, .peer = request.from, .message = request.view.type});
  return respond(request, 0,
                 pfcp::AssociationSetupResponse{.node = node(),
                                                .cause = Cause::request_accepted,
                                                .recovery_time_stamp = recovered_,
                                                .up_features = config_.features});
}

Peer* N4Agent::known(const Request& request, const pfcp::NodeId& node) {
  Peer* peer = peers_.find(node_text(node));
  if (peer == nullptr || !is_of(*peer, request.from.address)) return nullptr;
  peer->heard = now_;
  return peer;
}

MessageBytes N4Agent::update(const Request& request) {
  pfcp::Remarks remarks;
  const auto message = pfcp::read_message<pfcp::AssociationUpdateRequest>(request.view, remarks);
  if (!message) return refuse(request, RuleRefusal{message.error(), std::nullopt});
  if (known(request, message->node) == nullptr)
    return refuse(request, Cause::no_established_association);
  return respond(
      request, 0,
      pfcp::AssociationUpdateResponse{
          .node = node(), .cause = Cause::request_accepted, .up_features = config_.features});
}

MessageBytes N4Agent::release(const Request& request) {
  pfcp::Remarks remarks;
  const auto message = pfcp::read_message<pfcp::AssociationReleaseRequest>(request.view, remarks);
  if (!message) return refuse(request, RuleRefusal{message.error(), std::nullopt});
  Peer* peer = known(request, message->node);
  if (peer == nullptr) return refuse(request, Cause::no_established_association);
  drop_peer(*peer);
  note({.what = Happening::released, .peer = request.from, .message = request.view.type});
  return respond(
      request, 0,
      pfcp::AssociationReleaseResponse{.node = node(), .cause = Cause::request_accepted});
}

// Cost: its sessions, each with its rules; of 100,000 a good part of a second, once.
void N4Agent::drop_sessions(Peer& peer) {
  const std::vector<std::uint64_t> seids(peer.sessions.begin(), peer.sessions.end());
  for (const std::uint64_t seid : seids) drop_session(*sessions_.find(seid));
}

void N4Agent::drop_peer(Peer& peer) {
  drop_sessions(peer);
  peers_.remove(std::string(peer.node));
}

void N4Agent::ask_for_release(Instant now) {
  turn(now);
  for (const auto& [name, peer] : peers_.all()) {
    if (!transactions_.has_room()) return;
    const std::uint32_t number = transactions_.number();
    const auto bytes =
        written({.sequence_number = number},
                pfcp::AssociationUpdateRequest{
                    .node = node(),
                    .release = pfcp::AssociationReleaseFlags{pfcp::AssociationReleaseFlag::sarr}});
    const Endpoint to{peer.at.address,
                      config_.control_port == 0 ? peer.at.port : config_.control_port};
    transactions_.start(number,
                        {.to = to,
                         .type = pfcp::MessageType::association_update_request,
                         .bytes = bytes,
                         .node = name},
                        now_);
    send(to, bytes);
  }
}

}  // namespace lobo::dataplane::n4
