#include "services/sealdd/routes.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_policy.hpp"
#include "api/sdd_relay.hpp"
#include "api/sdd_tqm.hpp"
#include "api/sdd_transmission.hpp"
#include "api/state/sealdd.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "services/sealdd/connection.hpp"
#include "services/sealdd/hub.hpp"
#include "services/sealdd/kept.hpp"
#include "services/sealdd/node.hpp"
#include "services/sealdd/nodes.hpp"
#include "services/sealdd/ports.hpp"
#include "services/sealdd/queries.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/record.hpp"
#include "wire/resource/route.hpp"
#include "wire/resource/route_steps.hpp"

namespace lobo::sealdd {

namespace rly = api::sdd_relay;
namespace pc = api::sdd_policy;
namespace sdc = api::sdd_connections;
namespace state = api::state::sealdd;
namespace tqm = api::sdd_tqm;
namespace tra = api::sdd_transmission;
using resource::Decision;
using resource::Dispatch;
using resource::Handle;
using resource::json_answer;
using resource::own;
using resource::param;
using resource::RouteContext;
using resource::state_of;
using resource::to_new;
using resource::to_owner;

namespace {

// ---- connections --------------------------------------------------------------------------------

constexpr std::string_view connection_id = "connectionId";

Handle read_connection(const Settings& settings) {
  return [&settings](const RouteContext& context) -> Result<Decision> {
    const auto record = own(context, connection_kind, connection_id);
    if (!record) return fail(record.error());
    const auto stored = state_of<state::ConnectionState>(*record);
    if (!stored) return fail(stored.error());
    if (stored->state == sdc::SddConnectionState::releasing)
      return fail(Errc::not_found, "no such connection");
    return json_answer(json::write(represent(*stored, record->key.id, settings)), record->version);
  };
}

Handle list_connections(const Settings& settings) {
  return [&settings](const RouteContext& context) -> Result<Decision> {
    const auto query = page_query(context.request);
    if (!query) return fail(query.error());
    return resource::list<sdc::SddConnectionList>(
        context, connection_kind,
        [&](sdc::SddConnectionList& out, const resource::Record& record) -> Result<void> {
          const auto stored = state_of<state::ConnectionState>(record);
          if (!stored) return fail(stored.error());
          if (stored->state == sdc::SddConnectionState::releasing) return {};
          if (!query->room.empty() && stored->room != query->room) return {};
          out.items.push_back(represent(*stored, record.key.id, settings));
          return {};
        });
  };
}

Handle connection_handle(std::string_view id, const Settings& settings) {
  namespace op = sdc::operation;
  if (id == op::create_sdd_connection) return to_new(connection_kind);
  if (id == op::list_sdd_connections) return list_connections(settings);
  if (id == op::get_sdd_connection) return read_connection(settings);
  if (id == op::patch_sdd_connection || id == op::delete_sdd_connection)
    return to_owner(connection_kind, connection_id);
  return nullptr;
}

// ---- nodes --------------------------------------------------------------------------------------

constexpr std::string_view node_id = "nodeId";

Handle read_node(const Nodes& nodes) {
  return [&nodes](const RouteContext& context) -> Result<Decision> {
    const auto record = own(context, node_kind, node_id);
    if (!record) return fail(record.error());
    return json_answer(json::write(nodes.view(record->key.id, context.now)), 0);
  };
}

Handle list_nodes(const Nodes& nodes) {
  return [&nodes](const RouteContext& context) {
    return resource::list<rly::RelayNodeList>(
        context, node_kind,
        [&](rly::RelayNodeList& out, const resource::Record& record) -> Result<void> {
          out.items.push_back(nodes.view(record.key.id, context.now));
          return {};
        });
  };
}

/// A node may register under an identifier that is free; the machine refuses another's.
Result<Decision> to_node(const RouteContext& context) {
  return Dispatch{.to = {std::string(node_kind), param(context, node_id)}, .creates = false};
}

Result<Decision> to_orders(const RouteContext& context) {
  const auto record = own(context, node_kind, node_id);
  if (!record) return fail(record.error());
  const auto query = orders_query(context.request);
  if (!query) return fail(query.error());
  return Dispatch{.to = record->key, .creates = false};
}

Handle node_handle(std::string_view id, const Nodes& nodes) {
  namespace op = rly::operation;
  if (id == op::list_relay_nodes) return list_nodes(nodes);
  if (id == op::get_relay_node) return read_node(nodes);
  if (id == op::register_relay_node) return to_node;
  if (id == op::list_relay_orders) return to_orders;
  if (id == op::deregister_relay_node || id == op::submit_relay_report)
    return to_owner(node_kind, node_id);
  return nullptr;
}

// ---- what is kept as a whole --------------------------------------------------------------------

Handle read_kept(const KeptMachine& machine, std::string_view id_name) {
  return [&machine, id_name](const RouteContext& context) -> Result<Decision> {
    const auto record = own(context, machine.kind(), id_name);
    if (!record) return fail(record.error());
    const auto stored = state_of<state::KeptState>(*record);
    if (!stored) return fail(stored.error());
    return json_answer(machine.represent(*stored), record->version);
  };
}

// ---- transmission -------------------------------------------------------------------------------

/// Asking again means the same connection, so that its key follows from the request.
Result<Decision> to_transmission(const RouteContext& context) {
  const auto asked = json::read<tra::TransReq>(context.request.body);
  if (!asked) return fail(asked.error());
  return Dispatch{.to = {std::string(connection_kind), connection_of(*asked, context.who.subject)},
                  .creates = false};
}

Handle transmission_handle(std::string_view id, const Machines& machines) {
  namespace op = tra::operation;
  constexpr std::string_view subscription = "subscriptionId";
  if (id == op::request_trans) return to_transmission;
  if (id == op::create_conn_status_subsc) return to_new(status_kind);
  if (id == op::get_conn_status_subsc) return read_kept(machines.status, subscription);
  return to_owner(status_kind, subscription);
}

// ---- measurement --------------------------------------------------------------------------------

Handle read_reports(const Hub& hub) {
  return [&hub](const RouteContext& context) -> Result<Decision> {
    const auto query = reports_query(context.request);
    if (!query) return fail(query.error());
    tqm::HistTransQualMeasReports out;
    out.reports = hub.measures().history(query->whom, query->extended, context.now);
    if (query->features) out.supp_feat = query->extended ? "1" : "0";
    return json_answer(json::write(out), 0);
  };
}

Handle quality_handle(std::string_view id, const Hub& hub, const Machines& machines) {
  namespace op = tqm::operation;
  constexpr std::string_view subscription = "subscriptionId";
  if (id == op::get_hist_trans_qual_meas_reports) return read_reports(hub);
  if (id == op::create_trans_qual_meas_subsc) return to_new(quality_kind);
  if (id == op::get_ind_trans_qual_meas_subsc) return read_kept(machines.quality, subscription);
  return to_owner(quality_kind, subscription);
}

// ---- policies -----------------------------------------------------------------------------------

Handle policy_handle(std::string_view id, const Machines& machines) {
  namespace op = pc::operation;
  if (id == op::create_policy_config) return to_new(policy_kind);
  if (id == op::get_ind_policy_config) return read_kept(machines.policy, "configId");
  return to_owner(policy_kind, "configId");
}

}  // namespace

std::vector<Restored> restored_kinds() {
  return {{node_kind, every_node, nodes_max},
          {connection_kind, every_connection, connections_max},
          {quality_kind, every_quality, kept_max},
          {policy_kind, every_policy, kept_max}};
}

std::vector<resource::Operation> operations() {
  std::vector<resource::Operation> out;
  for (const auto& some : {sdc::operations(), rly::operations(), tra::operations(),
                           tqm::operations(), pc::operations()})
    out.insert(out.end(), some.begin(), some.end());
  return out;
}

std::vector<resource::Route> routes(const Settings& settings, const Hub& hub,
                                    const Machines& machines) {
  std::vector<resource::Route> out;
  const auto add = [&out](const auto& of, const auto& handle) {
    for (const auto& operation : of) {
      auto found = handle(operation.id);
      require(static_cast<bool>(found));  // Every operation of the documents is served.
      out.push_back({operation, std::move(found)});
    }
  };
  add(sdc::operations(), [&](auto id) { return connection_handle(id, settings); });
  add(rly::operations(), [&](auto id) { return node_handle(id, hub.nodes()); });
  add(tra::operations(), [&](auto id) { return transmission_handle(id, machines); });
  add(tqm::operations(), [&](auto id) { return quality_handle(id, hub, machines); });
  add(pc::operations(), [&](auto id) { return policy_handle(id, machines); });
  return out;
}

}  // namespace lobo::sealdd
