#include "services/sealdd/hub.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "services/sealdd/connection.hpp"
#include "services/sealdd/flows.hpp"
#include "services/sealdd/measures.hpp"
#include "services/sealdd/node.hpp"
#include "services/sealdd/nodes.hpp"
#include "services/sealdd/policy.hpp"
#include "services/sealdd/ports.hpp"
#include "services/sealdd/quality.hpp"
#include "services/sealdd/session.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

namespace rly = api::sdd_relay;
namespace state = api::state::sealdd;

Hub::Hub(const Settings& settings, Instant began)
    : settings_(settings), nodes_(settings, began), measures_(settings), policies_(settings) {}

void Hub::connection(const std::string& id, const std::string& body, bool restored, Instant now) {
  if (body.empty()) {
    nodes_.connection_gone(id, now);
    measures_.connection_gone(id);
    policies_.connection_gone(id);
    return;
  }
  const auto kept = json::read<state::ConnectionState>(body);
  if (!kept) return;
  nodes_.connection_changed(id, *kept, restored, now);
  measures_.connection_changed(id, *kept);
  policies_.connection_changed(id, *kept);
  if (!restored || !kept->node_id) return;
  // Orders that were given and not acknowledged went with the process before: they follow from
  // the state, and a node does not mind to hear one twice.
  if (kept->state == api::sdd_connections::SddConnectionState::releasing)
    nodes_.order(*kept->node_id, release_orders(*kept, settings_.drain.count(), {}), now);
  else if (kept->changed.value_or(false))
    nodes_.order(*kept->node_id, orders_of(*kept), now);
}

void Hub::kept(const resource::Key& key, const std::string& body, Instant now) {
  if (body.empty()) {
    if (key.kind == quality_kind) measures_.unsubscribed(key.id);
    if (key.kind == policy_kind) policies_.ended(key.id);
    return;
  }
  const auto state = json::read<state::KeptState>(body);
  if (!state) return;
  if (key.kind == quality_kind) measures_.subscribed(key.id, *state, now);
  if (key.kind == policy_kind) policies_.configured(key.id, *state);
}

/// What the enabler's policies want done for a session's UEs counts like a configuration of its
/// own.
void Hub::session(const std::string& id, const std::string& body) {
  policies_.ended_of_session(id);
  const auto kept = json::read<state::SessionState>(body);
  if (!kept) return;
  for (auto& [name, text] : policies_of(id, *kept)) {
    state::KeptState policy;
    policy.text = std::move(text);
    policies_.configured(name, policy);
  }
}

void Hub::observed(const resource::Key& from, const resource::Observe& what, Instant now) {
  if (what.what == "connection") {
    connection(from.id, what.body, false, now);
  } else if (what.what == "orders") {
    auto given = json::read<state::OrdersGiven>(what.body);
    if (given) nodes_.order(given->node_id, std::move(given->orders), now);
  } else if (what.what == "report") {
    const auto report = json::read<rly::RelayReport>(what.body);
    if (report && nodes_.reported(from.id, *report, now)) measures_.reported(*report);
  } else if (what.what == "renewed") {
    const auto said = json::read<rly::RelayRegistration>(what.body);
    if (said) nodes_.renewed(from.id, *said, now);
  } else if (what.what == "poll") {
    const auto question = json::read<state::OrdersQuestion>(what.body);
    if (question) nodes_.asked(from.id, *question, now);
  } else if (what.what == "state_question") {
    const auto question = json::read<state::StateQuestion>(what.body);
    if (question) nodes_.state_asked(*question, now);
  } else if (what.what == "node") {
    if (what.body.empty()) return nodes_.node_gone(from.id, now);
    const auto node = json::read<state::NodeState>(what.body);
    if (node) nodes_.node_changed(from.id, *node, now);
  } else if (what.what == "fenced") {
    const auto node = json::read<state::NodeState>(what.body);
    if (node) nodes_.fenced(from.id, node->epoch);
  } else if (what.what == "quality" || what.what == "policy") {
    kept(from, what.body, now);
  } else if (what.what == "session") {
    session(from.id, what.body);
  } else if (what.what == "session_over") {
    const auto over = json::read<state::SessionOver>(what.body);
    if (over) nodes_.unclaimed(over->room, over->connections, now);
  }
}

void Hub::restored(const resource::Record& record, Instant now) {
  if (record.key.kind == node_kind) {
    const auto node = json::read<state::NodeState>(record.state);
    if (node) nodes_.node_changed(record.key.id, *node, now);
  } else if (record.key.kind == connection_kind) {
    connection(record.key.id, record.state, true, now);
  } else if (record.key.kind == session_kind) {
    session(record.key.id, record.state);
  } else {
    kept(record.key, record.state, now);
  }
}

void Hub::advance(Instant now) {
  nodes_.advance(now);
  if (!measures_.advance(now)) return;
  policies_.look(measures_.take_seconds(), now);
  auto dues = policies_.take_dues();
  for (const auto& room : dues.rooms) nodes_.relocate(room, "CHANGE_SEALDD_SERVER", now);
  std::ranges::move(dues.told, std::back_inserter(told_));
}

Instant Hub::next_deadline(Instant now) const {
  return std::min(nodes_.next_deadline(now), measures_.next_deadline(now));
}

Hub::Dues Hub::take_dues() {
  auto from_nodes = nodes_.take_dues();
  Dues out{std::move(from_nodes.answers), std::move(from_nodes.told)};
  std::ranges::move(measures_.take_told(), std::back_inserter(out.told));
  std::ranges::move(std::exchange(told_, {}), std::back_inserter(out.told));
  return out;
}

}  // namespace lobo::sealdd
