// A connection that a session has made (session.hpp): it is asked for, changed and released by the
// session alone, which hears of each change.

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "api/sdd_connections.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/checks.hpp"
#include "services/sealdd/connection.hpp"
#include "services/sealdd/flows.hpp"
#include "services/sealdd/session.hpp"
#include "wire/http/problem.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

namespace state = api::state::sealdd;
using api::sdd_connections::SddConnectionState;

void ConnectionMachine::tell_session(const State& connection, resource::Outcome& out) {
  if (!connection.session) return;
  state::ConnectionSaid said;
  said.leg = connection.session_leg.value_or(0);
  said.seq = connection.session_seq.value_or(0);
  said.state = connection.state;
  said.cause = connection.cause;
  if (connection.pending) said.pending = true;
  out.effects.emplace_back(resource::Tell{
      {std::string(session_kind), *connection.session}, "connection", json::write(said)});
}

Result<resource::Outcome> ConnectionMachine::session_asks(const resource::Record* current,
                                                          const resource::Key& key,
                                                          const resource::Told& told, Instant now,
                                                          const resource::Lookup& lookup) const {
  const auto asked = json::read<state::SessionAsks>(told.body);
  if (!asked) return resource::Outcome{};
  State connection;
  if (current != nullptr) {
    auto stored = json::read<State>(current->state);
    if (!stored) return fail(Errc::internal, "a stored connection cannot be read");
    connection = std::move(*stored);
    if (connection.state == SddConnectionState::releasing) return resource::Outcome{};
  } else {
    connection.session = told.from.id;
    connection.session_leg = asked->leg;
    connection.state = SddConnectionState::released;
  }
  connection.session_seq = asked->seq;
  if (!asked->request) {
    if (current != nullptr)
      return release(std::move(connection), *current, "RELEASED", now, lookup);
    resource::Outcome out;  // It is gone already: what was heard of that may have been lost.
    tell_session(connection, out);
    return out;
  }
  auto done = current == nullptr ? made_for_session(connection, key, *asked, now)
                                 : changed_for_session(connection, *current, *asked, now);
  if (done) return done;
  const auto answer = http::problem(done.error());
  state::ConnectionSaid said;
  said.leg = asked->leg;
  said.seq = asked->seq;
  said.status = answer.status;
  said.cause = done.error().detail;
  if (!done.error().faults.empty())
    *said.cause +=
        ": " + done.error().faults.front().where + ' ' + done.error().faults.front().reason;
  resource::Outcome out;
  out.effects.emplace_back(resource::Tell{told.from, "connection", json::write(said)});
  return out;
}

Result<resource::Outcome> ConnectionMachine::made_for_session(State fresh, const resource::Key& key,
                                                              const state::SessionAsks& asks,
                                                              Instant now) const {
  const auto& asked = *asks.request;
  if (auto fits = check_connection(asked, settings_, now); !fits)
    return fail(std::move(fits.error()));
  fresh.room = asked.room;
  fresh.ue = ue_of(asked.val_target_ue);
  if (ground_.claim(fresh.room, fresh.ue, key.id, now) != key.id)
    return fail(Errc::conflict, fresh.ue + " is in this room for somebody else");
  fresh.val_service_id = asked.val_service_id;
  fresh.val_server_id = asked.val_server_id;
  fresh.val_target_ue = asked.val_target_ue;
  fresh.trans_type = asked.trans_type;
  fresh.exp_time = asked.exp_time.value_or(now + settings_.connection_life);
  auto effects = establish(fresh, key.id, flows_asked(asked), now);
  if (!effects) return fail(std::move(effects.error()));
  resource::Outcome out;
  if (gate(fresh)) {
    fresh.state = SddConnectionState::requested;
    state::ConnectionPending pending;
    pending.operation = "session";
    pending.body = json::write(asks);
    pending.makes = true;
    out = wait_for_network(fresh, asks.owner, std::move(pending), now);
  } else {
    out = kept(fresh, asks.owner);
  }
  std::ranges::move(effects->effects, std::back_inserter(out.effects));
  return out;
}

Result<resource::Outcome> ConnectionMachine::changed_for_session(State connection,
                                                                 const resource::Record& current,
                                                                 const state::SessionAsks& asks,
                                                                 Instant now) const {
  const auto& asked = *asks.request;
  if (auto fits = check_connection(asked, settings_, now); !fits)
    return fail(std::move(fits.error()));
  if (connection.pending) return fail(Errc::unavailable, "it is being changed");
  const auto before = connection;
  auto flows = granted(connection.room, flows_asked(asked), before.flows, ground_);
  if (!flows) return fail(std::move(flows.error()));
  connection.flows = std::move(*flows);
  connection.changed = true;
  if (auto needs = gate(connection)) {
    state::ConnectionPending pending;
    pending.operation = "session";
    pending.body = json::write(asks);
    pending.reliable = std::move(*needs);
    return wait_for_network(before, current.owner, std::move(pending), now);
  }
  resource::Outcome effects;
  if (connection.node_id)
    if (auto token = renew_token(connection, now, effects); !token)
      return fail(std::move(token.error()));
  auto out = kept(connection, current.owner);
  std::ranges::move(effects.effects, std::back_inserter(out.effects));
  give(connection,
       orders_between(before.flows, connection.flows, connection.ue, settings_.drain.count()),
       connection.node_id.value_or(""), out);
  return out;
}

}  // namespace lobo::sealdd
