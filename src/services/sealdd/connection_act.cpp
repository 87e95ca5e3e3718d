// What a policy does to a connection (TS 29.548 SDD_PolicyConfiguration, TS 23.433 clauses 9.8 and
// 9.9): each action is a new set of flows, the orders that make it at the node, and a token that
// says the same.

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "api/state/sealdd.hpp"
#include "api/sync_types.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/connection.hpp"
#include "services/sealdd/flows.hpp"
#include "services/sealdd/policy.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

namespace rly = api::sdd_relay;
namespace sdc = api::sdd_connections;
namespace state = api::state::sealdd;
namespace sync = api::sync_types;

Result<resource::Outcome> ConnectionMachine::act(State connection, const resource::Record& current,
                                                 const std::string& body, Instant now) const {
  const auto told = json::read<state::ActionTold>(body);
  if (!told || connection.state == sdc::SddConnectionState::releasing || !connection.node_id)
    return resource::Outcome{};
  const State before = connection;
  const auto concerned = [&](const std::string& asset) {
    return !told->assets || std::ranges::find(*told->assets, asset) != told->assets->end();
  };
  std::vector<rly::RelayOrder> orders;
  bool token = true;
  for (auto& [asset, flow] : connection.flows) {
    if (!concerned(asset)) continue;
    const bool fixed = flow.redundancy == sync::Redundancy::none;
    if (told->action == act_redundant && flow.flow_ids.size() == 1 && !fixed)
      flow.flow_ids.push_back(ground_.flow_id());
    else if (told->action == act_single && flow.flow_ids.size() == 2 &&
             flow.redundancy != sync::Redundancy::dual)
      flow.flow_ids.pop_back();
    else if (told->action == act_backup && flow.flow_ids.size() == 2)
      flow.flow_ids.erase(flow.flow_ids.begin());
    else if (told->action == act_again && flow.state == sdc::SddFlowState::up)
      flow.state = sdc::SddFlowState::migrating;
  }
  if (told->action == act_rate) {
    if (told->rate_dl_bps) connection.rate_dl_bps = told->rate_dl_bps;
    if (told->rate_ul_bps) connection.rate_ul_bps = told->rate_ul_bps;
    for (const auto& [asset, flow] : connection.flows)
      for (const auto id : flow.flow_ids) {
        rly::RelayOrder one;
        one.kind = rly::OrderKind::set_rate;
        one.flow_id = id;
        one.ue_id = connection.ue;
        one.mbr_dl_bps = connection.rate_dl_bps;
        one.mbr_ul_bps = connection.rate_ul_bps;
        orders.push_back(std::move(one));
      }
    token = false;  // The next one says it; this one lets the UE in all the same.
  }
  if (connection == before) return resource::Outcome{};
  connection.changed = true;
  if (token) connection.cause = told->cause;
  resource::Outcome effects;
  if (token) {
    if (auto renewed = renew_token(connection, now, effects); !renewed)
      return fail(std::move(renewed.error()));
    notify(connection, current.key.id, before, true, effects, now);
  }
  for (auto& one :
       orders_between(before.flows, connection.flows, connection.ue, settings_.drain.count()))
    orders.push_back(std::move(one));
  if (told->action == act_again) {
    // The client comes in anew at the same node, beside the connection that it has.
    rly::RelayOrder again;
    again.kind = rly::OrderKind::relocate;
    again.room = connection.room;
    again.ue_id = connection.ue;
    again.flow_id = connection.flows.begin()->second.flow_ids.front();
    again.epoch = connection.epoch;
    again.conn_info = connection.conn_info;
    again.certificate_hash = connection.certificate_hash;
    again.node_id = connection.node_id;
    again.token = connection.token;
    again.drain_ms = settings_.drain.count();
    again.cause = told->cause;
    orders.push_back(std::move(again));
  }
  auto out = kept(connection, current.owner);
  std::ranges::move(effects.effects, std::back_inserter(out.effects));
  give(connection, std::move(orders), *connection.node_id, out);
  return out;
}

}  // namespace lobo::sealdd
