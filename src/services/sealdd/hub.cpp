#include "services/sealdd/hub.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "api/sdd_relay.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "services/sealdd/connection.hpp"
#include "services/sealdd/flows.hpp"
#include "services/sealdd/node.hpp"
#include "services/sealdd/nodes.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

namespace rly = api::sdd_relay;
namespace state = api::state::sealdd;

Hub::Hub(const Settings& settings, Instant began) : settings_(settings), nodes_(settings, began) {}

void Hub::observed(const resource::Key& from, const resource::Observe& what, Instant now) {
  if (what.what == "connection") {
    if (what.body.empty()) return nodes_.connection_gone(from.id, now);
    const auto kept = json::read<state::ConnectionState>(what.body);
    if (kept) nodes_.connection_changed(from.id, *kept, false, now);
  } else if (what.what == "orders") {
    auto given = json::read<state::OrdersGiven>(what.body);
    if (given) nodes_.order(given->node_id, std::move(given->orders), now);
  } else if (what.what == "report") {
    const auto report = json::read<rly::RelayReport>(what.body);
    if (report) nodes_.reported(from.id, *report, now);
  } else if (what.what == "renewed") {
    const auto said = json::read<rly::RelayRegistration>(what.body);
    if (said) nodes_.renewed(from.id, *said, now);
  } else if (what.what == "poll") {
    const auto question = json::read<state::OrdersQuestion>(what.body);
    if (question) nodes_.asked(from.id, *question, now);
  } else if (what.what == "node") {
    if (what.body.empty()) return nodes_.node_gone(from.id, now);
    const auto kept = json::read<state::NodeState>(what.body);
    if (kept) nodes_.node_changed(from.id, *kept, now);
  } else if (what.what == "fenced") {
    const auto kept = json::read<state::NodeState>(what.body);
    if (kept) nodes_.fenced(from.id, kept->epoch);
  }
}

void Hub::restored(const resource::Record& record, Instant now) {
  if (record.key.kind == node_kind) {
    const auto kept = json::read<state::NodeState>(record.state);
    if (kept) nodes_.node_changed(record.key.id, *kept, now);
  } else if (record.key.kind == connection_kind) {
    const auto kept = json::read<state::ConnectionState>(record.state);
    if (!kept) return;
    nodes_.connection_changed(record.key.id, *kept, true, now);
    // Orders that were given and not acknowledged went with the process before: they follow from
    // the state, and a node does not mind to hear one twice.
    if (!kept->node_id) return;
    if (kept->state == api::sdd_connections::SddConnectionState::releasing)
      nodes_.order(*kept->node_id, release_orders(*kept, settings_.drain.count(), {}), now);
    else if (kept->changed.value_or(false))
      nodes_.order(*kept->node_id, orders_of(*kept), now);
  }
}

void Hub::advance(Instant now) { nodes_.advance(now); }

Instant Hub::next_deadline(Instant now) const { return nodes_.next_deadline(now); }

Hub::Dues Hub::take_dues() {
  auto from_nodes = nodes_.take_dues();
  return {std::move(from_nodes.answers), std::move(from_nodes.told)};
}

}  // namespace lobo::sealdd
