#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/connection.hpp"
#include "services/sealdd/nodes.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/json/json.hpp"

namespace lobo::sealdd {

namespace rly = api::sdd_relay;
namespace state = api::state::sealdd;
using api::sdd_connections::SddFlowState;

bool Nodes::reported(const std::string& id, const rly::RelayReport& report, Instant now) {
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) return false;
  auto& node = found->second;
  node.lease_until = now + settings_.lease;
  if (report.orders_seen) acknowledge(node, *report.orders_seen);
  if (report.seq <= node.reported) return false;
  node.reported = report.seq;
  if (report.states) states_told(id, *report.states);
  if (!report.flows) return true;
  std::map<std::string, state::FlowsTold> told;
  for (const auto& one : *report.flows) {
    if (node.settle) node.settled.insert(one.flow_id);
    const auto flow = flows_.find(one.flow_id);
    const bool over = one.state == SddFlowState::closed || one.state == SddFlowState::draining;
    if (flow == flows_.end()) {
      if (over) continue;
      // A flow that nobody has: its release was lost with a process before this one.
      Order release;
      release.kind = rly::OrderKind::release_flow;
      release.flow_id = one.flow_id;
      release.drain_ms = 0;
      release.cause = "UNKNOWN_FLOW";
      order(id, {std::move(release)}, now);
      continue;
    }
    const auto& connection = connections_.find(flow->second.connection)->second;
    // The node that the room has left says that it drains; that is no news of the flow.
    if (connection.node != id && !connection.releasing) continue;
    flow->second.up = one.state == SddFlowState::up;
    told[flow->second.connection].flows.push_back(one);
  }
  for (const auto& [connection, what] : told)
    dues_.told.push_back({{std::string(connection_kind), connection}, "flows", json::write(what)});
  return true;
}

void Nodes::acknowledge(Node& node, std::int64_t seen) {
  // A number that was never given is no acknowledgement of what comes.
  node.seen = std::max(node.seen, std::min(seen, last_order_));
  while (!node.orders.empty() && node.orders.front().order <= node.seen) node.orders.pop_front();
}

void Nodes::order(const std::string& id, std::vector<Order> orders, Instant now) {
  const auto found = nodes_.find(id);
  if (found == nodes_.end() || !found->second.alive) return;
  auto& node = found->second;
  for (auto& one : orders) {
    one.order = ++last_order_;
    node.orders.push_back(std::move(one));
  }
  if (node.orders.size() > orders_kept_max) return lapse(id, node, now);
  answer_polls(id, node, now, false);
}

void Nodes::asked(const std::string& id, const state::OrdersQuestion& question, Instant now) {
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) {
    dues_.answers.push_back(
        {question.request,
         http::problem(Error{Errc::not_found, "there is no such relay node now", {}})});
    return;
  }
  auto& node = found->second;
  if (node.polls.size() >= polls_max) {  // The oldest has waited enough.
    node.polls.front().until = now;
    answer_polls(id, node, now, false);
  }
  node.polls.push_back(question);
  answer_polls(id, node, now, false);
}

void Nodes::answer_polls(const std::string& id, Node& node, Instant now, bool all) {
  std::erase_if(node.polls, [&](const state::OrdersQuestion& poll) {
    const bool due = !node.orders.empty() && node.orders.back().order > poll.after;
    if (!all && !due && now < poll.until) return false;
    dues_.answers.push_back(
        {poll.request, http::Response{200,
                                      {{"content-type", "application/json"}},
                                      json::write(orders(id, poll.after, now))}});
    return true;
  });
}

}  // namespace lobo::sealdd
