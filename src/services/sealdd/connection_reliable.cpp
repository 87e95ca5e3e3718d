// The network behind the two paths of a connection (reliable.hpp). Whoever asks for two paths is
// answered when the network has said yes, and where it says no nothing has changed; what a policy
// or a move to another node makes of the paths is followed, and shown.

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/sdd_connections.hpp"
#include "api/sdd_transmission.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/answers.hpp"
#include "services/sealdd/connection.hpp"
#include "services/sealdd/reliable.hpp"
#include "services/sealdd/session.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

namespace sdc = api::sdd_connections;
namespace state = api::state::sealdd;
using sdc::SddConnectionState;
using sdc::SddReliableState;

namespace {

constexpr int failed_dependency = 424;

void tell_wish(state::ConnectionState& connection, const std::string& id,
               std::optional<std::string> text, resource::Outcome& out) {
  connection.reliable_wanted = std::move(text);
  connection.reliable_seq = connection.reliable_seq.value_or(0) + 1;
  connection.reliable.reset();
  connection.reliable_cause.reset();
  if (connection.reliable_wanted) connection.reliable = SddReliableState::requested;
  state::ReliableWish wish;
  wish.seq = *connection.reliable_seq;
  wish.text = connection.reliable_wanted;
  out.effects.emplace_back(
      resource::Tell{{std::string(reliable_kind), id}, "want", json::write(wish)});
}

}  // namespace

bool is_seen(const state::ConnectionState& connection) {
  return connection.state != SddConnectionState::releasing &&
         !(connection.pending && connection.pending->makes.value_or(false));
}

/// What the network has to say yes to before these flows may be.
std::optional<std::string> ConnectionMachine::gate(const State& wanted) const {
  if (!settings_.nrm) return std::nullopt;
  auto body = reliable_body(wanted);
  const bool held =
      wanted.reliable == SddReliableState::confirmed && wanted.reliable_wanted == body;
  return held ? std::nullopt : body;
}

/// Each step ends here: what its connection has become is what the network is to hold. Costs that
/// the state is read once more, where there is a network to ask.
Result<resource::Outcome> ConnectionMachine::follow_network(const resource::Record* current,
                                                            const resource::Key& key,
                                                            Result<resource::Outcome> done) const {
  if (!settings_.nrm || !done) return done;
  if (done->change == resource::Change::erase && current != nullptr) {
    auto last = json::read<State>(current->state);
    if (last && last->reliable_wanted) tell_wish(*last, key.id, std::nullopt, *done);
    return done;
  }
  if (done->change != resource::Change::put) return done;
  auto connection = json::read<State>(done->state);
  if (!connection) return done;
  // What is still carried keeps its promise until it has drained.
  if (connection->state == SddConnectionState::releasing) return done;
  auto wish = connection->pending && connection->pending->reliable ? connection->pending->reliable
                                                                   : reliable_body(*connection);
  if (wish == connection->reliable_wanted) return done;
  tell_wish(*connection, key.id, std::move(wish), *done);
  done->state = json::write(*connection);
  return done;
}

resource::Outcome ConnectionMachine::wait_for_network(State connection, const std::string& owner,
                                                      state::ConnectionPending pending,
                                                      Instant now) const {
  connection.pending = std::move(pending);
  auto out = kept(connection, owner);
  out.effects.emplace_back(
      resource::StartTimer{std::string(reliable_timer), now + settings_.answer_within});
  return out;
}

resource::Outcome ConnectionMachine::put_off(State before, const resource::Record& current,
                                             const resource::Command& command, std::string gate,
                                             Instant now) const {
  state::ConnectionPending pending;
  pending.request = command.request;
  pending.operation = command.operation;
  pending.target = command.http.target;
  pending.body = command.http.body;
  pending.reliable = std::move(gate);
  return wait_for_network(std::move(before), current.owner, std::move(pending), now);
}

Result<resource::Outcome> ConnectionMachine::network_told(State connection,
                                                          const resource::Record& current,
                                                          const std::string& body, Instant now,
                                                          const resource::Lookup& lookup) const {
  const auto said = json::read<state::ReliableSaid>(body);
  if (!said || said->seq != connection.reliable_seq) return resource::Outcome{};
  if (said->status && connection.pending)
    return without_network(std::move(connection), current, said->cause.value_or("NRM refused"));
  const auto before = connection;
  connection.reliable = said->status ? SddReliableState::refused : SddReliableState::confirmed;
  connection.reliable_cause = said->cause;
  if (!connection.pending || connection.state == SddConnectionState::releasing) {
    resource::Outcome told;
    // Whoever was told of two paths, or of none, hears that it is otherwise now.
    if (before.reliable != SddReliableState::requested && before.reliable != connection.reliable)
      notify(connection, current.key.id, before, false, told, now);
    auto out = kept(connection, current.owner);
    out.effects.insert(out.effects.end(), told.effects.begin(), told.effects.end());
    return out;
  }
  const auto pending = *std::exchange(connection.pending, std::nullopt);
  if (pending.makes.value_or(false)) return made_at_last(std::move(connection), current, pending);
  // The change as it was asked for: now it finds that the network has said yes.
  auto record = current;
  record.state = json::write(connection);
  if (pending.operation == "session")
    return session_asks(
        &record, current.key,
        {{std::string(session_kind), connection.session.value_or("")}, "session", pending.body},
        now, lookup);
  resource::Command command;
  command.request = pending.request.value_or(0);
  command.operation = pending.operation;
  command.http.target = pending.target.value_or("");
  command.http.body = pending.body;
  command.who.subject = current.owner;
  auto done = pending.operation == sdc::operation::patch_sdd_connection
                  ? modify(connection, record, command, now)
                  : transmit(&record, current.key, command, now);
  if (done) return done;
  auto out = kept(connection, current.owner);
  out.effects.emplace_back(resource::Reply{command.request, http::problem(done.error()), false});
  return out;
}

resource::Outcome ConnectionMachine::made_at_last(State connection, const resource::Record& current,
                                                  const state::ConnectionPending& pending) const {
  connection.state = SddConnectionState::connecting;
  auto out = kept(connection, current.owner);
  out.effects.emplace_back(resource::StopTimer{std::string(reliable_timer)});
  if (!pending.request) return out;
  const bool transmitted = pending.operation == api::sdd_transmission::operation::request_trans;
  auto answer = transmitted ? transmitted_answer(connection, current.key.id, pending.body)
                            : made_answer(connection, current.key.id);
  out.effects.emplace_back(resource::Reply{*pending.request, std::move(answer), !transmitted});
  return out;
}

/// It is as if nobody had asked.
resource::Outcome ConnectionMachine::without_network(State connection,
                                                     const resource::Record& current,
                                                     const std::string& why) const {
  const auto pending = *std::exchange(connection.pending, std::nullopt);
  resource::Outcome out;
  if (pending.makes.value_or(false)) {
    out.change = resource::Change::erase;
    out.effects.emplace_back(resource::Observe{"connection", {}});
  } else {
    out = kept(connection, current.owner);
    out.effects.emplace_back(resource::StopTimer{std::string(reliable_timer)});
  }
  out.clause = "23.434 14.3.10.2";
  if (pending.request)
    out.effects.emplace_back(resource::Reply{
        *pending.request,
        refusal(failed_dependency, "Not granted", "NETWORK_RELIABILITY_FAILED", why), false});
  if (!connection.session) return out;
  const auto asks = json::read<state::SessionAsks>(pending.body);
  state::ConnectionSaid said;
  said.leg = connection.session_leg.value_or(0);
  said.seq = asks ? asks->seq : connection.session_seq.value_or(0);
  said.status = failed_dependency;
  said.cause = why;
  out.effects.emplace_back(resource::Tell{
      {std::string(session_kind), *connection.session}, "connection", json::write(said)});
  return out;
}

}  // namespace lobo::sealdd
