#include "dataplane/n4/agent.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/require.hpp"
#include "base/rng.hpp"
#include "dataplane/n4/answer_cache.hpp"
#include "dataplane/n4/config.hpp"
#include "dataplane/n4/delay_watch.hpp"
#include "dataplane/n4/limits.hpp"
#include "dataplane/n4/peers.hpp"
#include "dataplane/n4/session_table.hpp"
#include "dataplane/n4/transactions.hpp"
#include "dataplane/n4/types.hpp"
#include "dataplane/n4/written.hpp"
#include "dataplane/rules/apply.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "model/address.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {
namespace {

using pfcp::Cause;
using pfcp::MessageType;

constexpr std::size_t label_octets_max = 63;  // RFC 1035 clause 2.3.4

std::string labels_of(std::string_view name) {
  std::string labels;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    require(!label.empty() && label.size() <= label_octets_max);
    labels += static_cast<char>(label.size());
    labels += label;
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  return labels;
}

enum class Kind : std::uint8_t { request, response, neither };

Kind kind_of(MessageType type) {
  switch (type) {
    case MessageType::heartbeat_request:
    case MessageType::pfd_management_request:
    case MessageType::association_setup_request:
    case MessageType::association_update_request:
    case MessageType::association_release_request:
    case MessageType::session_set_deletion_request:
    case MessageType::session_set_modification_request:
    case MessageType::session_establishment_request:
    case MessageType::session_modification_request:
    case MessageType::session_deletion_request: return Kind::request;
    case MessageType::heartbeat_response:
    case MessageType::association_update_response:
    case MessageType::session_report_response: return Kind::response;
    // What a UPF neither asks nor is asked.
    case MessageType::pfd_management_response:
    case MessageType::association_setup_response:
    case MessageType::association_release_response:
    case MessageType::version_not_supported_response:
    case MessageType::session_set_deletion_response:
    case MessageType::session_set_modification_response:
    case MessageType::session_establishment_response:
    case MessageType::session_modification_response:
    case MessageType::session_deletion_response:
    case MessageType::session_report_request: return Kind::neither;
  }
  return Kind::neither;
}

}  // namespace

N4Agent::N4Agent(N4Config config, Rng& rng, Instant now)
    : config_(std::move(config)),
      rng_(rng),
      recovered_(pfcp::NtpSeconds::at(std::chrono::floor<std::chrono::seconds>(now))),
      now_(now),
      tunnels_(config_.n3_v4, config_.n3_v6, rng, sessions_.claims()),
      transactions_(config_.retransmit_after, config_.retransmissions),
      answers_(config_.answers_kept),
      next_sweep_(now),
      room_(pfcp::message_bytes_max) {
  require(config_.n4_v4 || config_.n4_v6);
  require(!config_.node_id.empty() && config_.retransmit_after.count() > 0 &&
          config_.heartbeat_every.count() > 0 && config_.sweep_every.count() > 0);
  if (!model::parse_ip_address(config_.node_id)) node_labels_ = labels_of(config_.node_id);
}

pfcp::NodeId N4Agent::node() const {
  if (!node_labels_.empty()) return pfcp::FqdnLabels{{pfcp::bytes_of(node_labels_)}};
  return std::visit([](const auto& address) -> pfcp::NodeId { return address; },
                    *model::parse_ip_address(config_.node_id));
}

void N4Agent::turn(Instant now) {
  now_ = std::max(now_, now);
  answers_.forget_old(now_);
}

void N4Agent::note(const Note& note) {
  if (notes_.size() < notes_max) {
    notes_.push_back(note);
  } else {
    ++counters_.notes_lost;
  }
}

void N4Agent::send(const Endpoint& to, MessageBytes bytes) {
  ++counters_.messages_out;
  outbox_.push_back({to, std::move(bytes)});
}

// Nothing is done that could not be answered.
void N4Agent::receive(const Endpoint& from, Bytes datagram, Instant now) {
  turn(now);
  if (outbox_.size() + messages_per_datagram_max > datagrams_waiting_max) {
    ++counters_.not_taken;
    return;
  }
  Bytes left = datagram;
  for (std::size_t i = 0; i < messages_per_datagram_max; ++i) {
    const pfcp::MessageView view = pfcp::parse_message(left);
    take_message(from, view, left.first(left.size() - view.behind.size()));
    if (!view.ok() || !view.follow_on) return;
    left = view.behind;
  }
}

void N4Agent::take_message(const Endpoint& from, const pfcp::MessageView& view, Bytes message) {
  ++counters_.messages_in;
  Note told{.peer = from, .message = view.type, .fault = view.fault};
  if (view.fault == pfcp::NotPfcp::version) {
    told.what = Happening::other_version;
    note(told);
    // Clause 7.4.4.7; two nodes that do not understand each other do not go on about it.
    if (view.type == MessageType::version_not_supported_response) return;
    const auto size = pfcp::write_version_not_supported(room_, view.envelope.sequence_number);
    return send(from, message_of(room_, size));
  }
  if (!view.ok()) {
    told.what = Happening::not_pfcp;
    return note(told);
  }
  switch (kind_of(view.type)) {
    case Kind::request: return take_request({from, view}, message);
    case Kind::response: return take_response(from, view);
    case Kind::neither: told.what = Happening::unknown_message; return note(told);
  }
}

void N4Agent::take_request(const Request& request, Bytes message) {
  const auto& [from, view] = request;
  if (view.type == MessageType::heartbeat_request) {
    if (auto answer = heartbeat(request)) send(from, std::move(answer));
    return;
  }
  const AnswerCache::Key key{from, view.type, view.envelope.sequence_number};
  if (auto answer = answers_.find(key, message)) {
    ++counters_.repeated;
    note({.what = Happening::repeated, .peer = from, .message = view.type});
    return send(from, std::move(answer));
  }
  const bool known_before = is_known(request);
  if (!answers_.has_room(from.address)) {
    note({.what = Happening::congested, .peer = from, .message = view.type});
    return send(from, refuse(request, Cause::entity_in_congestion));
  }
  auto answer = answer_to(request);
  // What strangers ask changes nothing, and what they are told is not kept.
  if (known_before || is_known(request)) answers_.put(key, message, answer, now_);
  send(from, std::move(answer));
}

bool N4Agent::is_known(const Request& request) {
  return peers_.has_address(request.from.address) || session_of(request) != nullptr;
}

MessageBytes N4Agent::answer_to(const Request& request) {
  switch (request.view.type) {
    case MessageType::association_setup_request: return set_up(request);
    case MessageType::association_update_request: return update(request);
    case MessageType::association_release_request: return release(request);
    case MessageType::session_establishment_request: return establish_session(request);
    case MessageType::session_modification_request: return modify_session(request);
    case MessageType::session_deletion_request: return delete_session(request);
    case MessageType::pfd_management_request:
    case MessageType::session_set_deletion_request:
    case MessageType::session_set_modification_request:
      return refuse(request, is_known(request) ? Cause::service_not_supported
                                               : Cause::no_established_association);
    case MessageType::heartbeat_request:
    case MessageType::heartbeat_response:
    case MessageType::pfd_management_response:
    case MessageType::association_setup_response:
    case MessageType::association_update_response:
    case MessageType::association_release_response:
    case MessageType::version_not_supported_response:
    case MessageType::session_set_deletion_response:
    case MessageType::session_set_modification_response:
    case MessageType::session_establishment_response:
    case MessageType::session_modification_response:
    case MessageType::session_deletion_response:
    case MessageType::session_report_request:
    case MessageType::session_report_response: break;
  }
  contract_failed(std::source_location::current());  // kind_of() let requests through, and these
}

MessageBytes N4Agent::refuse(const Request& request, Cause cause, std::uint64_t seid) {
  return refuse(request, RuleRefusal{{cause, std::nullopt, std::nullopt}, std::nullopt}, seid);
}

MessageBytes N4Agent::refuse(const Request& request, const RuleRefusal& refusal,
                             std::uint64_t seid) {
  ++counters_.refused;
  const MessageType type = request.view.type;
  note({.what = Happening::refused,
        .peer = request.from,
        .seid = pfcp::has_seid(type) ? request.view.envelope.seid : 0,
        .message = type,
        .refusal = refusal.refusal,
        .failed = refusal.failed});
  const Cause cause = refusal.refusal.cause;
  const auto offending = pfcp::offending_ie_of(refusal.refusal);
  if (type == MessageType::association_setup_request)
    return respond(request, 0,
                   pfcp::AssociationSetupResponse{
                       .node = node(), .cause = cause, .recovery_time_stamp = recovered_});
  if (type == MessageType::association_update_request)
    return respond(request, 0, pfcp::AssociationUpdateResponse{.node = node(), .cause = cause});
  if (type == MessageType::association_release_request)
    return respond(request, 0, pfcp::AssociationReleaseResponse{.node = node(), .cause = cause});
  if (type == MessageType::pfd_management_request)
    return respond(request, 0,
                   pfcp::PfdManagementResponse{.cause = cause, .offending_ie = offending});
  if (type == MessageType::session_set_deletion_request)
    return respond(request, 0,
                   pfcp::SessionSetDeletionResponse{
                       .node = node(), .cause = cause, .offending_ie = offending});
  if (type == MessageType::session_set_modification_request)
    return respond(request, 0,
                   pfcp::SessionSetModificationResponse{
                       .node = node(), .cause = cause, .offending_ie = offending});
  if (type == MessageType::session_establishment_request)
    return respond(request, seid,
                   pfcp::SessionEstablishmentResponse{.node = node(),
                                                      .cause = cause,
                                                      .offending_ie = offending,
                                                      .failed_rule = refusal.failed});
  if (type == MessageType::session_modification_request)
    return respond(request, seid,
                   pfcp::SessionModificationResponse{
                       .cause = cause, .offending_ie = offending, .failed_rule = refusal.failed});
  return respond(request, seid,
                 pfcp::SessionDeletionResponse{.cause = cause, .offending_ie = offending});
}

void N4Agent::take_response(const Endpoint& from, const pfcp::MessageView& view) {
  const auto request = transactions_.finish(view.envelope.sequence_number, from, view.type);
  if (!request) {
    return note({.what = Happening::stale_response, .peer = from, .message = view.type});
  }
  if (request->type == MessageType::heartbeat_request) return on_heartbeat_response(*request, view);
  if (request->type == MessageType::session_report_request) on_report_response(*request, view);
}

void N4Agent::handle(const WorkerEvent& event, Instant now) {
  turn(now);
  SessionState* state = sessions_.find(event.seid);
  if (state == nullptr) {
    ++counters_.unknown_events;
    return;
  }
  switch (event.kind) {
    case WorkerEvent::Kind::usage: break;
    case WorkerEvent::Kind::downlink_data:
      on_downlink_data(*state, {static_cast<std::uint16_t>(event.id)});
      break;
    case WorkerEvent::Kind::error_indication: on_error_indication(*state, event); break;
    case WorkerEvent::Kind::delay:
      for (DelayWatch& delay : state->delays)
        if (delay.qfi().value == event.id) delay.add(event.delay_us, now_);
      break;
  }
  look(*state);
}

void N4Agent::advance(Instant now) {
  turn(now);
  while (auto due = transactions_.next_due(now_)) {
    if (!due->again) {
      on_silence(due->request);
      continue;
    }
    ++counters_.sent_again;
    send(due->request.to, due->request.bytes);
  }
  send_heartbeats();
  for (std::size_t i = 0; i < sessions_per_call_max; ++i) {
    SessionState* state = sessions_.take_due(now_);
    if (state == nullptr) break;
    look(*state);
  }
  if (sessions_.watched() == 0 || now_ < next_sweep_) return;
  const std::size_t slice = std::min(sweep_slice, sessions_.size());
  for (std::size_t i = 0; i < slice; ++i) look(sessions_.next_in_sweep());
  next_sweep_ = now_ + config_.sweep_every;
}

std::optional<Instant> N4Agent::next_call() const {
  std::optional<Instant> next = transactions_.next_call();
  const auto sooner = [&next](std::optional<Instant> at) {
    if (at) next = next ? std::min(*next, *at) : *at;
  };
  sooner(next_heartbeat());
  sooner(sessions_.next_due());
  if (sessions_.watched() != 0) sooner(next_sweep_);
  return next;
}

std::vector<Datagram> N4Agent::take_datagrams() { return std::exchange(outbox_, {}); }
std::vector<Note> N4Agent::take_notes() { return std::exchange(notes_, {}); }

const Session* N4Agent::session(std::uint64_t seid) const {
  const SessionState* state = sessions_.find(seid);
  return state == nullptr ? nullptr : &state->session;
}

}  // namespace lobo::dataplane::n4
