#include "services/sealdd/routes.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "api/state/sealdd.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "services/sealdd/connection.hpp"
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
namespace sdc = api::sdd_connections;
namespace state = api::state::sealdd;
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

}  // namespace

std::vector<resource::Route> routes(const Settings& settings, const Nodes& nodes) {
  std::vector<resource::Route> out;
  const auto add = [&out](const resource::Operation& operation, Handle handle) {
    require(static_cast<bool>(handle));  // Every operation of the documents is served.
    out.push_back({operation, std::move(handle)});
  };
  for (const auto& operation : sdc::operations())
    add(operation, connection_handle(operation.id, settings));
  for (const auto& operation : rly::operations()) add(operation, node_handle(operation.id, nodes));
  return out;
}

}  // namespace lobo::sealdd
