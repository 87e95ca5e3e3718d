// Sessions: established, modified, deleted (TS 29.244 clauses 6.3.2 to 6.3.4). All of a request is
// found to be right before any of it is done.

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "dataplane/n4/agent.hpp"
#include "dataplane/n4/limits.hpp"
#include "dataplane/n4/peers.hpp"
#include "dataplane/n4/served.hpp"
#include "dataplane/n4/session_table.hpp"
#include "dataplane/n4/tunnel_pool.hpp"
#include "dataplane/n4/types.hpp"
#include "dataplane/n4/usage_watch.hpp"
#include "dataplane/n4/written.hpp"  // IWYU pragma: keep (the templates of agent.hpp)
#include "dataplane/rules/apply.hpp"
#include "dataplane/rules/session.hpp"
#include "model/address.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/ie.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {
namespace {

using pfcp::Cause;
using pfcp::IeType;

// A SEID is 64 random bits: the second try is never needed unless the randomness is broken.
constexpr int seid_tries_max = 8;

std::uint64_t seid_of_sender(const pfcp::MessageView& view) {
  const auto sender = pfcp::find_f_seid(view);
  return sender ? sender->seid : 0;
}

}  // namespace

std::optional<std::uint64_t> N4Agent::new_seid() {
  for (int i = 0; i < seid_tries_max; ++i) {
    const std::uint64_t seid = rng_.next();
    if (seid != 0 && sessions_.find(seid) == nullptr) return seid;
  }
  return std::nullopt;
}

pfcp::FSeid N4Agent::own_f_seid(std::uint64_t seid) const {
  return {.seid = seid, .v4 = config_.n4_v4, .v6 = config_.n4_v6};
}

void N4Agent::note_unserved(const Request& request, std::uint64_t seid, IeType type) {
  note({.what = Happening::not_served,
        .peer = request.from,
        .seid = seid,
        .message = request.view.type,
        .refusal = pfcp::Refusal{Cause::service_not_supported, type, std::nullopt}});
}

// Beyond what the rules say of themselves: that they can be measured, and that no other session
// claims their packets. A second session for a tunnel or an address would never see a packet.
std::optional<RuleRefusal> N4Agent::refuse_session(const Session& session) const {
  if (auto fault = refuse_measurements(session)) return fault;
  const auto conflict = sessions_.claims().conflict(session);
  if (!conflict) return std::nullopt;
  return RuleRefusal{{Cause::rule_creation_modification_failure, conflict->type, IeType::pdi},
                     pfcp::FailedRuleId{pfcp::RuleKind::pdr, conflict->pdr.value}};
}

MessageBytes N4Agent::establish_session(const Request& request) {
  // 1. Who asks has an association. Of a stranger no more is read than where to answer.
  const std::uint64_t theirs = seid_of_sender(request.view);
  if (!peers_.has_address(request.from.address))
    return refuse(request, Cause::no_established_association, theirs);
  pfcp::Remarks remarks;
  const auto message = pfcp::read_message<pfcp::SessionEstablishmentRequest>(request.view, remarks);
  if (!message) return refuse(request, RuleRefusal{message.error(), std::nullopt}, theirs);
  Peer* peer = known(request, message->node);
  if (peer == nullptr) return refuse(request, Cause::no_established_association, theirs);
  // 2. There is room, the rules are right, and nobody else has their packets.
  const auto seid = sessions_.size() < sessions_max ? new_seid() : std::nullopt;
  if (!seid) return refuse(request, Cause::no_resources_available, theirs);
  TunnelsOnTrial tunnels(tunnels_);
  auto applied = establish(*seid, *message, remarks, tunnels);
  if (!applied) return refuse(request, applied.error(), theirs);
  if (const auto fault = refuse_session(applied->session)) return refuse(request, *fault, theirs);
  // 3. It is done.
  tunnels.keep();
  if (message->inactivity_timer) note_unserved(request, *seid, IeType::user_plane_inactivity_timer);
  start_watching(sessions_.add(std::move(applied->session), *peer));
  pfcp::SessionEstablishmentResponse response{.node = node(), .up_f_seid = own_f_seid(*seid)};
  response.created_pdrs = std::span<const pfcp::CreatedPdr>(applied->created);
  return respond(request, theirs, response);
}

// A session belongs to who made it. Its messages come from its node, or from where it said that its
// control plane is; for others it is not there.
SessionState* N4Agent::session_of(const Request& request) {
  if (!pfcp::has_seid(request.view.type)) return nullptr;
  SessionState* state = sessions_.find(request.view.envelope.seid);
  if (state == nullptr) return nullptr;
  const auto& control = state->session.control;
  const auto is_at = [&](const auto& address) {
    return address && model::IpAddress(*address) == request.from.address;
  };
  const bool is_its =
      is_of(*state->peer, request.from.address) || is_at(control.v4) || is_at(control.v6);
  return is_its ? state : nullptr;
}

MessageBytes N4Agent::modify_session(const Request& request) {
  SessionState* state = session_of(request);
  if (state == nullptr)
    return refuse(request, is_known(request) ? Cause::session_context_not_found
                                             : Cause::no_established_association);
  const std::uint64_t theirs = state->session.control.seid;
  pfcp::Remarks remarks;
  const auto message = pfcp::read_message<pfcp::SessionModificationRequest>(request.view, remarks);
  if (!message) return refuse(request, RuleRefusal{message.error(), std::nullopt}, theirs);
  state->peer->heard = now_;
  TunnelsOnTrial tunnels(tunnels_);
  auto applied = modify(state->session, *message, remarks, tunnels);
  if (!applied) return refuse(request, applied.error(), theirs);
  if (const auto fault = refuse_session(applied->session)) return refuse(request, *fault, theirs);
  tunnels.keep();
  for (const pfcp::FTeid& tunnel : applied->freed) tunnels_.release(tunnel);
  if (message->inactivity_timer)
    note_unserved(request, state->session.seid, IeType::user_plane_inactivity_timer);
  // Without EMPU a control plane has to expect that end markers do not come from us.
  for (const pfcp::UpdateFar& far : message->update_fars)
    if (far.forwarding_parameters && far.forwarding_parameters->flags &&
        far.forwarding_parameters->flags->has(pfcp::ModificationFlag::sndem))
      note_unserved(request, state->session.seid, IeType::pfcpsm_req_flags);
  const auto reports = reports_of_change(*state, applied->session, *message);
  if (applied->session != state->session) sessions_.change(*state, std::move(applied->session));
  change_watching(*state, *message);
  pfcp::SessionModificationResponse response;
  response.created_pdrs = std::span<const pfcp::CreatedPdr>(applied->created);
  response.usage_reports = std::span<const pfcp::UsageReport>(reports);
  auto answer = respond(request, state->session.control.seid, response);
  look(*state);
  return answer;
}

MessageBytes N4Agent::delete_session(const Request& request) {
  SessionState* state = session_of(request);
  if (state == nullptr)
    return refuse(request, is_known(request) ? Cause::session_context_not_found
                                             : Cause::no_established_association);
  const std::uint64_t theirs = state->session.control.seid;
  pfcp::Remarks remarks;
  const auto message = pfcp::read_message<pfcp::SessionDeletionRequest>(request.view, remarks);
  if (!message) return refuse(request, RuleRefusal{message.error(), std::nullopt}, theirs);
  state->peer->heard = now_;
  std::vector<pfcp::UsageReport> usage;
  for (UsageWatch& urr : state->usage)
    urr.report(pfcp::UsageReportTrigger::termination, now_, usage);
  const auto delays = session_reports(*state, true);
  // A report that is under way tells what no other one will: it is sent until it is answered.
  state->outstanding.reset();
  drop_session(*state);
  pfcp::SessionDeletionResponse response;
  response.usage_reports = std::span<const pfcp::UsageReport>(usage);
  response.session_reports = std::span<const pfcp::SessionReport>(delays);
  return respond(request, theirs, response);
}

void N4Agent::drop_session(SessionState& state) {
  if (state.outstanding) transactions_.cancel(*state.outstanding);
  for (const pfcp::FTeid& tunnel : dataplane::own_tunnels(state.session)) tunnels_.release(tunnel);
  sessions_.remove(state);
}

}  // namespace lobo::dataplane::n4
