#include "services/sealdd/connection.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/common.hpp"
#include "api/sdd_connections.hpp"
#include "api/sdd_context.hpp"
#include "api/sdd_relay.hpp"
#include "api/sdd_transmission.hpp"
#include "api/state/sealdd.hpp"
#include "api/sync_types.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/answers.hpp"
#include "services/sealdd/checks.hpp"
#include "services/sealdd/faults.hpp"
#include "services/sealdd/flows.hpp"
#include "services/sealdd/ports.hpp"
#include "services/sealdd/tokens.hpp"
#include "services/sealdd/transmission.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

namespace sdc = api::sdd_connections;
namespace state = api::state::sealdd;
using sdc::SddConnectionState;

namespace {

constexpr std::string_view expire_timer = "expire";
constexpr std::string_view token_timer = "token";
constexpr std::string_view drained_timer = "drained";
constexpr std::string_view clause = "23.433 9.2";
/// Beyond the time that flows may drain, for the report to come.
constexpr std::chrono::seconds drained_grace{2};

std::string location(const Settings& settings, std::string_view id) {
  return settings.api_root + std::string(trans_root) + "/connections/" + http::percent_encode(id);
}

}  // namespace

std::string ue_of(const api::common::ValTargetUe& target) {
  return target.val_ue_id ? *target.val_ue_id : "user:" + target.val_user_id.value_or("");
}

FlowRequests flows_asked(const sdc::SddConnectionReq& asked) {
  auto flows = asked.flows;
  if (asked.trans_type == sdc::SddTransType::urllc)
    for (auto& [asset, flow] : flows)
      if (!flow.redundancy) flow.redundancy = api::sync_types::Redundancy::dual;
  return flows;
}

sdc::SddConnection represent(const state::ConnectionState& connection, std::string_view id,
                             const Settings& settings) {
  sdc::SddConnection out;
  out.self = location(settings, id);
  out.connection_id = std::string(id);
  out.room = connection.room;
  out.val_service_id = connection.val_service_id;
  out.val_server_id = connection.val_server_id;
  out.val_target_ue = connection.val_target_ue;
  out.trans_type = connection.trans_type;
  out.flows = connection.flows;
  out.exp_time = connection.exp_time;
  out.state = connection.state;
  out.dd_server_conn_info = connection.conn_info;
  if (std::ranges::any_of(connection.flows,
                          [](const auto& one) { return one.second.flow_ids.size() > 1; }))
    out.redundant_conn_info =
        connection.redundant_conn_info ? connection.redundant_conn_info : connection.conn_info;
  out.certificate_hash = connection.certificate_hash;
  out.node_id = connection.node_id;
  out.epoch = connection.epoch;
  out.token = connection.token;
  out.token_exp_time = connection.token_exp_time;
  out.reliable = connection.reliable;
  out.reliable_cause = connection.reliable_cause;
  out.cause = connection.cause;
  out.supp_feat = connection.supp_feat;
  return out;
}

// ---- what every step ends with ------------------------------------------------------------------

resource::Outcome ConnectionMachine::kept(const State& connection, const std::string& owner) const {
  resource::Outcome out;
  out.change = resource::Change::put;
  out.owner = owner;
  out.subject = every_connection;
  out.state = json::write(connection);
  out.clause = clause;
  out.effects.emplace_back(resource::Observe{"connection", out.state});
  tell_session(connection, out);
  return out;
}

void ConnectionMachine::give(const State& /*connection*/,
                             std::vector<api::sdd_relay::RelayOrder> orders,
                             const std::string& node, resource::Outcome& out) {
  if (orders.empty() || node.empty()) return;
  state::OrdersGiven given;
  given.node_id = node;
  given.orders = std::move(orders);
  out.effects.emplace_back(resource::Observe{"orders", json::write(given)});
}

/// Signs anew and puts the next time off; the old one stays good until it expires.
Result<void> ConnectionMachine::renew_token(State& connection, Instant now,
                                            resource::Outcome& out) const {
  const auto until = std::min(now + settings_.token_life, connection.exp_time);
  auto token = signed_token(connection, now, until, signer_);
  if (!token) return fail(std::move(token.error()));
  connection.token = std::move(*token);
  connection.token_exp_time = until;
  if (until < connection.exp_time)
    out.effects.emplace_back(
        resource::StartTimer{std::string(token_timer), until - (until - now) / token_margin_part});
  else
    out.effects.emplace_back(resource::StopTimer{std::string(token_timer)});
  return {};
}

/// `token`: also tells where to go and with what.
void ConnectionMachine::notify(State& connection, const std::string& id, const State& before,
                               bool token, resource::Outcome& out, Instant now) const {
  if (!connection.notif_uri) return;
  sdc::SddConnectionNotif notif;
  notif.connection_id = id;
  notif.seq = static_cast<std::int64_t>(++connection.sequence);
  notif.ts = now;
  notif.state = connection.state;
  for (const auto& [asset, flow] : connection.flows) {
    const auto was = before.flows.find(asset);
    if (was != before.flows.end() && was->second.state == flow.state) continue;
    if (!notif.flows) notif.flows.emplace();
    notif.flows->emplace(asset, flow.state);
  }
  if (token) {
    const auto shown = represent(connection, id, settings_);
    notif.dd_server_conn_info = shown.dd_server_conn_info;
    notif.redundant_conn_info = shown.redundant_conn_info;
    notif.certificate_hash = shown.certificate_hash;
    notif.node_id = shown.node_id;
    notif.epoch = shown.epoch;
    notif.token = shown.token;
    notif.token_exp_time = shown.token_exp_time;
  }
  if (connection.reliable != before.reliable) {
    notif.reliable = connection.reliable;
    notif.reliable_cause = connection.reliable_cause;
  }
  notif.cause = connection.cause;
  out.effects.emplace_back(resource::Notify{*connection.notif_uri, connection.sequence,
                                            json::write(notif), std::string(clause)});
}

Result<resource::Outcome> ConnectionMachine::establish(State& fresh, const std::string& id,
                                                       FlowRequests flows, Instant now) const {
  auto made = carried(fresh, std::move(flows), now);
  if (!made) ground_.unclaimed(fresh.room, {id}, now);
  return made;
}

Result<resource::Outcome> ConnectionMachine::carried(State& fresh, FlowRequests flows,
                                                     Instant now) const {
  auto place = ground_.place(fresh.room, ids_needed(flows), now);
  if (!place) return fail(std::move(place.error()));
  fresh.node_id = place->node;
  fresh.epoch = place->epoch;
  fresh.conn_info = place->at;
  fresh.redundant_conn_info = place->redundant;
  fresh.certificate_hash = place->certificate_hash;
  auto grant = granted(fresh.room, flows, {}, ground_);
  if (!grant) return fail(std::move(grant.error()));
  fresh.flows = std::move(*grant);
  fresh.state = SddConnectionState::connecting;
  // The token that lets the UE in.
  resource::Outcome effects;
  if (auto token = renew_token(fresh, now, effects); !token) return fail(std::move(token.error()));
  effects.effects.emplace_back(resource::StartTimer{std::string(expire_timer), fresh.exp_time});
  return effects;
}

/// TS 29.548 SDD_Transmission: ESTABLISHED and RELEASED, by the VAL server's address. A Tell, so
/// that it is committed together with what it tells of.
void ConnectionMachine::tell_status(const State& connection,
                                    api::sdd_transmission::ConnStatusEventKnown event, Instant now,
                                    const resource::Lookup& lookup, resource::Outcome& out) {
  std::set<std::string> servers;
  if (connection.val_server_conn_info) servers.insert(text_of(*connection.val_server_conn_info));
  for (const auto& [asset, flow] : connection.flows)
    if (flow.server_ep && flow.server_ep->conn_info)
      servers.insert(text_of(*flow.server_ep->conn_info));
  for (const auto& server : servers) {
    const auto keys = lookup.by_subject(status_kind, server, status_subscribers_max);
    if (!keys) continue;
    for (const auto& key : *keys) {
      const auto record = lookup.find(key);
      if (!record || !*record) continue;
      auto told = status_report(**record, connection, event, now);
      if (told) out.effects.emplace_back(resource::Tell{key, "report", std::move(*told)});
    }
  }
}

// ---- requests -----------------------------------------------------------------------------------

Result<resource::Outcome> ConnectionMachine::create(const resource::Record* current,
                                                    const resource::Key& key,
                                                    const resource::Command& command, Instant now,
                                                    const resource::Lookup& lookup) const {
  if (current != nullptr) {  // The same Idempotency-Key again.
    const auto stored = json::read<State>(current->state);
    if (!stored) return fail(Errc::internal, "a stored connection cannot be read");
    if (!is_seen(*stored)) return fail(Errc::unavailable, "it is not settled yet; ask again");
    auto answer = json_answer(200, json::write(represent(*stored, key.id, settings_)));
    answer.headers.add("location", location(settings_, key.id));
    resource::Outcome out;
    out.effects.emplace_back(resource::Reply{command.request, std::move(answer), true});
    return out;
  }
  auto asked = json::read<sdc::SddConnectionReq>(command.http.body);
  if (!asked) return fail(asked.error());
  if (auto fits = check_connection(*asked, settings_, now); !fits)
    return fail(std::move(fits.error()));
  State fresh;
  fresh.room = asked->room;
  fresh.ue = ue_of(asked->val_target_ue);
  // 1. A UE has one connection in a room.
  if (const auto holder = ground_.claim(fresh.room, fresh.ue, key.id, now); holder != key.id) {
    const auto record = lookup.find({std::string(connection_kind), holder});
    if (!record) return fail(record.error());
    const bool own = *record && (*record)->owner == command.who.subject;
    return fail(Errc::conflict, own ? "the UE has connection " + holder + " in this room"
                                    : "the UE is in this room for somebody else");
  }
  // 2. The node of the room, aliases and flow ids.
  fresh.val_service_id = asked->val_service_id;
  fresh.val_server_id = asked->val_server_id;
  fresh.val_target_ue = asked->val_target_ue;
  fresh.trans_type = asked->trans_type;
  fresh.exp_time = asked->exp_time.value_or(now + settings_.connection_life);
  fresh.notif_uri = asked->notif_uri;
  fresh.mmel_resolved = asked->mmel_resolved;
  fresh.supp_feat = asked->supp_feat;
  auto effects = establish(fresh, key.id, flows_asked(*asked), now);
  if (!effects) return fail(std::move(effects.error()));
  resource::Outcome out;
  if (gate(fresh)) {
    fresh.state = SddConnectionState::requested;
    state::ConnectionPending pending;
    pending.request = command.request;
    pending.operation = command.operation;
    pending.makes = true;
    out = wait_for_network(fresh, command.who.subject, std::move(pending), now);
  } else {
    out = kept(fresh, command.who.subject);
    out.effects.emplace_back(resource::Reply{command.request, made_answer(fresh, key.id), true});
  }
  std::ranges::move(effects->effects, std::back_inserter(out.effects));
  return out;
}

http::Response ConnectionMachine::made_answer(const State& made, std::string_view id) const {
  auto answer = json_answer(201, json::write(represent(made, id, settings_)));
  answer.headers.add("location", location(settings_, id));
  return answer;
}

Result<resource::Outcome> ConnectionMachine::modify(State connection,
                                                    const resource::Record& current,
                                                    const resource::Command& command,
                                                    Instant now) const {
  const auto patch = json::read<sdc::SddConnectionPatch>(command.http.body);
  if (!patch) return fail(patch.error());
  const auto parts = json::read<state::ConnectionPatch>(command.http.body);
  if (!parts) return fail(parts.error());
  const State before = connection;
  resource::Outcome effects;
  if (patch->exp_time) {
    if (*patch->exp_time <= now)
      return fail(Errc::out_of_range, "the members do not fit together",
                  {{Errc::out_of_range, "/expTime", "is over"}});
    connection.exp_time = *patch->exp_time;
    effects.effects.emplace_back(
        resource::StartTimer{std::string(expire_timer), connection.exp_time});
  }
  if (parts->flows) {
    // As a whole, so that what a flow request may be is said in one place.
    sdc::SddConnectionReq whole;
    whole.room = connection.room;
    whole.val_service_id = connection.val_service_id;
    whole.val_server_id = connection.val_server_id;
    whole.val_target_ue = connection.val_target_ue;
    whole.flows = requests_of(connection.flows);
    const auto merged =
        json::merge_patch(json::write(whole), "{\"flows\":" + parts->flows->text + "}");
    if (!merged) return fail(merged.error());
    auto asked = json::read<sdc::SddConnectionReq>(*merged);
    if (!asked) return fail(asked.error());
    Faults faults;
    check_flows(faults, asked->flows);
    if (auto fits = faults.verdict(); !fits) return fail(std::move(fits.error()));
    auto flows = granted(connection.room, asked->flows, connection.flows, ground_);
    if (!flows) return fail(std::move(flows.error()));
    connection.flows = std::move(*flows);
    connection.changed = true;
    if (auto needs = gate(connection))
      return put_off(before, current, command, std::move(*needs), now);
  }
  if (connection.node_id) {
    if (auto token = renew_token(connection, now, effects); !token)
      return fail(std::move(token.error()));
  }
  auto out = kept(connection, current.owner);
  std::ranges::move(effects.effects, std::back_inserter(out.effects));
  give(connection,
       orders_between(before.flows, connection.flows, connection.ue, settings_.drain.count()),
       connection.node_id.value_or(""), out);
  out.effects.emplace_back(resource::Reply{
      command.request,
      json_answer(200, json::write(represent(connection, current.key.id, settings_))), true});
  return out;
}

/// The node lets its flows drain; the record goes when it says that they did, or when they should
/// have.
resource::Outcome ConnectionMachine::release(State connection, const resource::Record& current,
                                             std::string_view cause, Instant now,
                                             const resource::Lookup& lookup) const {
  const auto node = connection.node_id.value_or("");
  const auto pending = std::exchange(connection.pending, std::nullopt);
  connection.state = SddConnectionState::releasing;
  connection.cause = std::string(cause);
  connection.token.reset();
  auto out = kept(connection, current.owner);
  if (pending && pending->request)
    out.effects.emplace_back(resource::Reply{
        *pending->request,
        http::problem(Error{Errc::conflict, "the connection was released meanwhile", {}}), false});
  give(connection, release_orders(connection, settings_.drain.count(), cause), node, out);
  if (connection.established_at)
    tell_status(connection, api::sdd_transmission::ConnStatusEventKnown::released, now, lookup,
                out);
  out.effects.emplace_back(resource::StopTimer{std::string(expire_timer)});
  out.effects.emplace_back(resource::StopTimer{std::string(token_timer)});
  out.effects.emplace_back(resource::StartTimer{
      std::string(drained_timer), node.empty() ? now : now + settings_.drain + drained_grace});
  return out;
}

// ---- what nodes, rooms and clocks say -----------------------------------------------------------

Result<resource::Outcome> ConnectionMachine::flows_told(State connection,
                                                        const resource::Record& current,
                                                        const std::string& body, Instant now,
                                                        const resource::Lookup& lookup) const {
  const auto told = json::read<state::FlowsTold>(body);
  if (!told) return resource::Outcome{};
  const State before = connection;
  for (const auto& one : told->flows)
    for (auto& [asset, flow] : connection.flows) {
      const auto at = std::ranges::find(flow.flow_ids, one.flow_id);
      if (at == flow.flow_ids.end()) continue;
      if (one.alias && *one.alias != flow.alias) continue;
      // The second path alone does not make a flow close.
      const bool second = at != flow.flow_ids.begin();
      if (second && one.state != sdc::SddFlowState::up) continue;
      flow.state = one.state;
      flow.cause = one.cause;
    }
  const auto any = [&](sdc::SddFlowState what) {
    return std::ranges::any_of(connection.flows,
                               [&](const auto& one) { return one.second.state == what; });
  };
  const bool closed = std::ranges::all_of(connection.flows, [](const auto& one) {
    return one.second.state == sdc::SddFlowState::closed;
  });
  if (connection.state == SddConnectionState::releasing) {
    if (!closed) return resource::Outcome{};
    return fired(std::move(connection), current, std::string(drained_timer), now, lookup);
  }
  if (any(sdc::SddFlowState::up) || any(sdc::SddFlowState::stalled)) {
    if (connection.state != SddConnectionState::established) connection.established_at = now;
    connection.state = SddConnectionState::established;
    connection.cause.reset();
  } else if (connection.state == SddConnectionState::established && closed) {
    connection.state = SddConnectionState::connecting;
    connection.cause = connection.flows.begin()->second.cause;
    connection.established_at.reset();
  }
  if (connection == before) return resource::Outcome{};
  resource::Outcome notified;
  notify(connection, current.key.id, before, false, notified, now);
  if (connection.state == SddConnectionState::established && connection.state != before.state)
    tell_status(connection, api::sdd_transmission::ConnStatusEventKnown::established, now, lookup,
                notified);
  auto out = kept(connection, current.owner);
  std::ranges::move(notified.effects, std::back_inserter(out.effects));
  return out;
}

Result<resource::Outcome> ConnectionMachine::moved(State connection,
                                                   const resource::Record& current,
                                                   const std::string& body, Instant now) const {
  const auto told = json::read<state::PlaceTold>(body);
  if (!told) return resource::Outcome{};
  const auto before = connection;
  const bool anywhere = told->node_id.has_value();
  if (anywhere ? told->epoch <= connection.epoch.value_or(0) : !connection.node_id.has_value())
    return resource::Outcome{};  // Known, or older than what is known.
  connection.node_id = told->node_id;
  if (anywhere) connection.epoch = told->epoch;
  connection.conn_info = told->conn_info;
  connection.redundant_conn_info = told->redundant_conn_info;
  connection.certificate_hash = told->certificate_hash;
  connection.cause = told->cause;
  resource::Outcome effects;
  if (connection.state == SddConnectionState::releasing) { return kept(connection, current.owner); }
  connection.state = anywhere ? SddConnectionState::connecting : SddConnectionState::requested;
  connection.changed = false;  // The new token says it all.
  for (auto& [asset, flow] : connection.flows) {
    const bool carried = told->from && flow.state == sdc::SddFlowState::up;
    flow.state = carried ? sdc::SddFlowState::migrating : sdc::SddFlowState::init;
    flow.cause.reset();
  }
  if (anywhere) {
    if (auto token = renew_token(connection, now, effects); !token)
      return fail(std::move(token.error()));
  } else {
    connection.token.reset();
    connection.token_exp_time.reset();
  }
  notify(connection, current.key.id, before, anywhere, effects, now);
  auto out = kept(connection, current.owner);
  std::ranges::move(effects.effects, std::back_inserter(out.effects));
  if (anywhere && told->from && !connection.flows.empty()) {
    // The node that still has the client sends it over, so that both live for a while and
    // elimination of duplicates hides the change.
    api::sdd_relay::RelayOrder order;
    order.kind = api::sdd_relay::OrderKind::relocate;
    order.room = connection.room;
    order.ue_id = connection.ue;
    order.flow_id = connection.flows.begin()->second.flow_ids.front();
    order.epoch = connection.epoch;
    order.conn_info = connection.conn_info;
    order.certificate_hash = connection.certificate_hash;
    order.node_id = connection.node_id;
    order.token = connection.token;
    order.drain_ms = settings_.drain.count();
    order.cause = told->cause;
    give(connection, {std::move(order)}, *told->from, out);
  }
  return out;
}

Result<resource::Outcome> ConnectionMachine::fired(State connection,
                                                   const resource::Record& current,
                                                   const std::string& timer, Instant now,
                                                   const resource::Lookup& lookup) const {
  if (timer == drained_timer) {
    const auto before = connection;
    connection.state = SddConnectionState::released;
    for (auto& [asset, flow] : connection.flows) flow.state = sdc::SddFlowState::closed;
    resource::Outcome out;
    out.change = resource::Change::erase;
    out.clause = clause;
    notify(connection, current.key.id, before, false, out, now);
    out.effects.emplace_back(resource::Observe{"connection", {}});
    tell_session(connection, out);
    return out;
  }
  if (connection.state == SddConnectionState::releasing) return resource::Outcome{};
  if (timer == reliable_timer && connection.pending)
    return without_network(std::move(connection), current, "NRM did not answer in time");
  if (timer == expire_timer) return release(std::move(connection), current, "EXPIRED", now, lookup);
  if (timer != token_timer || !connection.node_id) return resource::Outcome{};
  resource::Outcome effects;
  const auto before = connection;
  if (auto token = renew_token(connection, now, effects); !token)
    return fail(std::move(token.error()));
  notify(connection, current.key.id, before, true, effects, now);
  auto out = kept(connection, current.owner);
  std::ranges::move(effects.effects, std::back_inserter(out.effects));
  return out;
}

Result<resource::Outcome> ConnectionMachine::told(State connection, const resource::Record& current,
                                                  const resource::Told& told, Instant now,
                                                  const resource::Lookup& lookup) const {
  if (told.what == "flows")
    return flows_told(std::move(connection), current, told.body, now, lookup);
  if (told.what == "moved") return moved(std::move(connection), current, told.body, now);
  if (told.what == "act") return act(std::move(connection), current, told.body, now);
  if (told.what == "reliable")
    return network_told(std::move(connection), current, told.body, now, lookup);
  if (told.what == "notif_uri_moved") {  // A sink that answered 308.
    connection.notif_uri = told.body;
    return kept(connection, current.owner);
  }
  return resource::Outcome{};
}

Result<resource::Outcome> ConnectionMachine::step(const resource::Record* current,
                                                  const resource::Key& key,
                                                  const resource::Event& event, Instant now,
                                                  const resource::Lookup& lookup) const {
  return follow_network(current, key, stepped(current, key, event, now, lookup));
}

Result<resource::Outcome> ConnectionMachine::stepped(const resource::Record* current,
                                                     const resource::Key& key,
                                                     const resource::Event& event, Instant now,
                                                     const resource::Lookup& lookup) const {
  const auto* command = std::get_if<resource::Command>(&event);
  if (command != nullptr && command->operation == sdc::operation::create_sdd_connection)
    return create(current, key, *command, now, lookup);
  if (command != nullptr && command->operation == api::sdd_transmission::operation::request_trans)
    return transmit(current, key, *command, now);
  if (command != nullptr && current == nullptr &&
      command->operation == api::sdd_context::operation::push_dd_context)
    return pushed(key, *command, now);
  if (const auto* message = std::get_if<resource::Told>(&event);
      message && message->what == "session")
    return session_asks(current, key, *message, now, lookup);
  if (current == nullptr) {
    if (command != nullptr) return fail(Errc::not_found, "no such connection");
    return resource::Outcome{};
  }
  auto stored = json::read<State>(current->state);
  if (!stored) return fail(Errc::internal, "a stored connection cannot be read");
  if (const auto* message = std::get_if<resource::Told>(&event))
    return told(std::move(*stored), *current, *message, now, lookup);
  if (const auto* timer = std::get_if<resource::TimerFired>(&event))
    return fired(std::move(*stored), *current, timer->name, now, lookup);
  if (command == nullptr) return resource::Outcome{};
  if (current->owner != command->who.subject || !is_seen(*stored))
    return fail(Errc::not_found, "no such connection");
  if (command->operation == sdc::operation::get_sdd_flow_state) return ask_state(*stored, *command);
  if (stored->session)
    return fail(Errc::conflict, "session " + *stored->session + " has it; ask there");
  if (stored->pending && command->operation != sdc::operation::delete_sdd_connection)
    return fail(Errc::unavailable, "it is being changed; ask again");
  if (command->operation == sdc::operation::patch_sdd_connection)
    return modify(std::move(*stored), *current, *command, now);
  if (command->operation == sdc::operation::relocate_sdd_connection)
    return sent_away(std::move(*stored), *current, *command, now, lookup);
  auto out = release(std::move(*stored), *current, "RELEASED", now, lookup);
  out.effects.emplace_back(resource::Reply{command->request, {204, {}, {}}, false});
  return out;
}

}  // namespace lobo::sealdd
