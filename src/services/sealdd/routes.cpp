#include "services/sealdd/routes.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_context.hpp"
#include "api/sdd_das.hpp"
#include "api/sdd_policy.hpp"
#include "api/sdd_relay.hpp"
#include "api/sdd_storage.hpp"
#include "api/sdd_tqm.hpp"
#include "api/sdd_transmission.hpp"
#include "api/state/sealdd.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/sealdd/connection.hpp"
#include "services/sealdd/context.hpp"
#include "services/sealdd/hub.hpp"
#include "services/sealdd/kept.hpp"
#include "services/sealdd/node.hpp"
#include "services/sealdd/nodes.hpp"
#include "services/sealdd/policy.hpp"
#include "services/sealdd/ports.hpp"
#include "services/sealdd/quality.hpp"
#include "services/sealdd/queries.hpp"
#include "services/sealdd/session.hpp"
#include "services/sealdd/session_routes.hpp"
#include "services/sealdd/storage.hpp"
#include "services/sealdd/transmission.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/record.hpp"
#include "wire/resource/route.hpp"
#include "wire/resource/route_steps.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::sealdd {

namespace rly = api::sdd_relay;
namespace ddc = api::sdd_context;
namespace ds = api::sdd_storage;
namespace sds = api::sdd_das;
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
    if (!is_seen(*stored)) return fail(Errc::not_found, "no such connection");
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
          if (!is_seen(*stored)) return {};
          if (!query->room.empty() && stored->room != query->room) return {};
          out.items.push_back(represent(*stored, record.key.id, settings));
          return {};
        });
  };
}

sdc::SddFlowView flow_view(const sdc::SddConnection& connection, const std::string& asset,
                           const sdc::SddFlow& flow) {
  sdc::SddFlowView view;
  view.connection = connection.self;
  view.connection_id = connection.connection_id;
  view.asset_id = asset;
  view.room = connection.room;
  view.val_target_ue = connection.val_target_ue;
  view.node_id = connection.node_id;
  view.flow = flow;
  return view;
}

Handle list_flows(const Settings& settings) {
  return [&settings](const RouteContext& context) -> Result<Decision> {
    const auto query = page_query(context.request);
    if (!query) return fail(query.error());
    return resource::list<sdc::SddFlowList>(
        context, connection_kind,
        [&](sdc::SddFlowList& out, const resource::Record& record) -> Result<void> {
          const auto stored = state_of<state::ConnectionState>(record);
          if (!stored) return fail(stored.error());
          if (!is_seen(*stored)) return {};
          if (!query->room.empty() && stored->room != query->room) return {};
          const auto connection = represent(*stored, record.key.id, settings);
          for (const auto& [asset, flow] : connection.flows)
            out.items.push_back(flow_view(connection, asset, flow));
          return {};
        });
  };
}

Handle read_flow(const Settings& settings, const Nodes& nodes) {
  return [&settings, &nodes](const RouteContext& context) -> Result<Decision> {
    const auto none = [] { return fail(Errc::not_found, "no such flow"); };
    const auto number = parse_decimal(param(context, "flowId"));
    if (!number || *number > std::numeric_limits<sdd::FlowId>::max()) return none();
    const auto id = static_cast<std::int64_t>(*number);
    const std::string* const of = nodes.connection_of(id);
    if (of == nullptr) return none();
    const auto record = context.lookup.find({std::string(connection_kind), *of});
    if (!record) return fail(record.error());
    if (!*record || (*record)->owner != context.who.subject) return none();
    const auto stored = state_of<state::ConnectionState>(**record);
    if (!stored) return fail(stored.error());
    if (!is_seen(*stored)) return none();
    const auto connection = represent(*stored, *of, settings);
    for (const auto& [asset, flow] : connection.flows)
      if (std::ranges::find(flow.flow_ids, id) != flow.flow_ids.end())
        return json_answer(json::write(flow_view(connection, asset, flow)), (*record)->version);
    return none();
  };
}

/// Its connection asks, because a question that waits is a resource's.
Handle to_flow_state(const Settings& settings, const Nodes& nodes) {
  return
      [look = read_flow(settings, nodes), &nodes](const RouteContext& context) -> Result<Decision> {
        if (const auto seen = look(context); !seen) return fail(seen.error());
        const auto query = asset_query(context.request);
        if (!query) return fail(query.error());
        const auto id = static_cast<std::int64_t>(*parse_decimal(param(context, "flowId")));
        return Dispatch{.to = {std::string(connection_kind), *nodes.connection_of(id)},
                        .creates = false};
      };
}

Handle connection_handle(std::string_view id, const Settings& settings, const Nodes& nodes) {
  namespace op = sdc::operation;
  if (id == op::create_sdd_connection) return to_new(connection_kind);
  if (id == op::list_sdd_connections) return list_connections(settings);
  if (id == op::get_sdd_connection) return read_connection(settings);
  if (id == op::list_sdd_flows) return list_flows(settings);
  if (id == op::get_sdd_flow) return read_flow(settings, nodes);
  if (id == op::get_sdd_flow_state) return to_flow_state(settings, nodes);
  if (id == op::patch_sdd_connection || id == op::delete_sdd_connection ||
      id == op::relocate_sdd_connection)
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
    if (query->features) out.supp_feat = shared_features(query->extended);
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

// ---- contexts -----------------------------------------------------------------------------------

/// Of the flow that is named, or of the only connection that the caller has.
Handle pull_context(const Hub& hub) {
  return [&hub](const RouteContext& context) -> Result<Decision> {
    const auto query = context_query(context.request);
    if (!query) return fail(query.error());
    std::optional<resource::Record> record;
    if (query->flow) {
      const auto* id = hub.nodes().connection_of(*query->flow);
      auto found = id == nullptr ? Result<std::optional<resource::Record>>(std::nullopt)
                                 : context.lookup.find({std::string(connection_kind), *id});
      if (!found) return fail(found.error());
      record = std::move(*found);
    } else {
      auto own_ones = context.lookup.list(connection_kind, context.who.subject, {}, 2);
      if (!own_ones) return fail(own_ones.error());
      if (own_ones->size() > 1)
        return fail(Errc::missing, "the caller has more than one connection",
                    {{Errc::missing, "query:sdd-flow-id", "which flow is meant?"}});
      if (!own_ones->empty()) record = std::move(own_ones->front());
    }
    if (!record || record->owner != context.who.subject)
      return fail(Errc::not_found, "there is no such context");
    const auto stored = state_of<state::ConnectionState>(*record);
    if (!stored) return fail(stored.error());
    ddc::DdContextResp out;
    out.dd_context =
        context_of(*stored, query->flow.value_or(stored->flows.begin()->second.flow_ids.front()),
                   query->extended, context.now);
    if (query->features) out.supp_feat = shared_features(query->extended);
    return json_answer(json::write(out), 0);
  };
}

// ---- storage ------------------------------------------------------------------------------------

Handle list_storages() {
  return [](const RouteContext& context) -> Result<Decision> {
    const auto ids = storages_query(context.request);
    if (!ids) return fail(ids.error());
    const auto records =
        context.lookup.list(storage_kind, context.who.subject, {}, resource::page_items_max);
    if (!records) return fail(records.error());
    std::string body = "[";
    for (const auto& record : *records) {
      const auto stored = state_of<state::StorageState>(record);
      if (!stored) return fail(stored.error());
      if (!stored->filled.value_or(false)) continue;
      if (!ids->empty() && !ids->contains(record.key.id)) continue;
      if (body.size() > storage_list_octets_max)
        return fail(Errc::too_large, "the list would be too long",
                    {{Errc::too_large, "query:storage-ids", "ask for some of them"}});
      if (body.size() > 1) body += ',';
      body += represent(*stored);
    }
    return json_answer(body + "]", 0);
  };
}

/// Somebody else's may be open to the caller: the machine decides.
Result<Decision> to_storage(const RouteContext& context) {
  return Dispatch{.to = {std::string(storage_kind), param(context, "storageId")}, .creates = false};
}

Result<Decision> to_delivery(const RouteContext& context) {
  return Dispatch{.to = {std::string(delivery_request_kind), std::string(context.fresh_id)},
                  .creates = false};
}

Handle storage_handle(std::string_view id, const Machines& machines) {
  namespace op = ds::operation;
  constexpr std::string_view subscription = "subscriptionId";
  if (id == op::get_data_storages) return list_storages();
  if (id == op::create_data_storage) return to_new(storage_kind);
  if (id == op::get_ind_data_storage || id == op::update_ind_data_storage ||
      id == op::modify_ind_data_storage || id == op::delete_ind_data_storage ||
      id == op::get_stored_octets || id == op::put_stored_octets)
    return to_storage;
  if (id == op::data_delivery_request) return to_delivery;
  if (id == op::create_data_del_subsc) return to_new(delivery_kind);
  if (id == op::get_ind_data_del_subsc) return read_kept(machines.delivery, subscription);
  return to_owner(delivery_kind, subscription);
}

}  // namespace

std::vector<Restored> restored_kinds() {
  return {{node_kind, every_node, nodes_max},
          {connection_kind, every_connection, connections_max},
          {quality_kind, every_quality, kept_max},
          {policy_kind, every_policy, kept_max},
          {session_kind, every_session, sessions_max}};
}

std::vector<resource::Operation> operations() {
  std::vector<resource::Operation> out;
  for (const auto& some :
       {sdc::operations(), rly::operations(), tra::operations(), tqm::operations(),
        pc::operations(), ddc::operations(), ds::operations(), sds::operations()})
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
  add(sdc::operations(), [&](auto id) { return connection_handle(id, settings, hub.nodes()); });
  add(rly::operations(), [&](auto id) { return node_handle(id, hub.nodes()); });
  add(tra::operations(), [&](auto id) { return transmission_handle(id, machines); });
  add(tqm::operations(), [&](auto id) { return quality_handle(id, hub, machines); });
  add(pc::operations(), [&](auto id) { return policy_handle(id, machines); });
  add(ddc::operations(), [&](auto id) -> Handle {
    return id == ddc::operation::pull_dd_context ? pull_context(hub) : to_new(connection_kind);
  });
  add(ds::operations(), [&](auto id) { return storage_handle(id, machines); });
  add(sds::operations(), [&](auto id) { return session_handle(id, settings); });
  return out;
}

}  // namespace lobo::sealdd
