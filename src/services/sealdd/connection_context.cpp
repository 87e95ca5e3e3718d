// Contexts (TS 29.548 SDD_DDContext, TS 23.433 clause 9.6): what one SEALDD server tells another of
// a connection, so that it goes on there. Pulled or pushed; then the client is sent over, and what
// it leaves behind drains.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

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
#include "services/sealdd/connection.hpp"
#include "services/sealdd/context.hpp"
#include "services/sealdd/faults.hpp"
#include "services/sealdd/flows.hpp"
#include "services/sealdd/kept.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"
#include "wire/sdd/token.hpp"

namespace lobo::sealdd {

namespace ddc = api::sdd_context;
namespace sdc = api::sdd_connections;
namespace sync = api::sync_types;

namespace {

ddc::RouteInformation route_of(const std::optional<sync::ConnInfo>& at) {
  ddc::RouteInformation out;
  if (!at) return out;
  out.ipv4_addr = at->ipv4_addr;
  out.ipv6_addr = at->ipv6_addr;
  out.port_number = at->port.value_or(0);
  return out;
}

sdc::SddConnectionReq request_of(const api::state::sealdd::ConnectionState& connection) {
  sdc::SddConnectionReq out;
  out.room = connection.room;
  out.val_service_id = connection.val_service_id;
  out.val_server_id = connection.val_server_id;
  out.val_target_ue = connection.val_target_ue;
  out.trans_type = connection.trans_type;
  out.flows = requests_of(connection.flows);
  out.exp_time = connection.exp_time;
  out.notif_uri = connection.notif_uri;
  out.mmel_resolved = connection.mmel_resolved;
  return out;
}

/// What the standard members of a context say.
sdc::SddConnectionReq request_of(const ddc::DdContext& context, Instant now) {
  sdc::SddConnectionReq out;
  out.val_server_id = context.s_context.val_server_id;
  out.val_service_id = context.s_context.val_service_id.value_or(
      context.uu_context.val_service_id.value_or(out.val_server_id));
  out.room = "val:" + out.val_service_id;
  if (context.uu_context.val_tgt_ue)
    out.val_target_ue = *context.uu_context.val_tgt_ue;
  else
    out.val_target_ue.val_ue_id = context.s_context.val_target_ue_id;
  if (context.uu_context.com_lifetime)
    out.exp_time = now + std::chrono::seconds(*context.uu_context.com_lifetime);
  sdc::SddFlowReq flow;
  flow.direction = sync::Direction::bidi;
  flow.redundancy = sync::Redundancy::auto_;
  out.flows.emplace("urn:sdd:val:" + http::percent_encode(out.val_server_id), std::move(flow));
  return out;
}

}  // namespace

ddc::DdContext context_of(const api::state::sealdd::ConnectionState& connection, std::int64_t flow,
                          bool extended, Instant now) {
  ddc::DdContext out;
  auto& uu = out.uu_context;
  uu.sdd_flow_id = std::to_string(flow);
  uu.val_service_id = connection.val_service_id;
  uu.val_server_id = connection.val_server_id;
  uu.val_serv_end_point = route_of(connection.val_server_conn_info);
  uu.dd_serv_conn_info = connection.conn_info;
  uu.val_tgt_ue = connection.val_target_ue;
  uu.com_lifetime = std::chrono::ceil<std::chrono::seconds>(connection.exp_time - now).count();
  auto& s = out.s_context;
  s.val_server_id = connection.val_server_id;
  s.val_service_id = connection.val_service_id;
  s.val_target_ue_id = connection.ue;
  // Required, and for a connection that no VAL server asked for, the node stands for it.
  s.val_server_conn_info =
      connection.val_server_conn_info.value_or(connection.conn_info.value_or(sync::ConnInfo{}));
  s.dd_server_conn_info = connection.conn_info;
  if (connection.max_dl_bps) {
    api::sdd_transmission::ValUsersBdw users;
    users.min_dl_bdw = connection.min_dl_bps.value_or(0);
    users.max_dl_bdw = connection.max_dl_bps.value_or(0);
    users.min_ul_bdw = connection.min_ul_bps.value_or(0);
    users.max_ul_bdw = connection.max_ul_bps.value_or(0);
    uu.val_users_bdw = users;
    s.val_users_bdw = users;
  }
  out.tr_layer_context.emplace();
  out.tr_layer_context->trans_protoc = ddc::TransportProtocolKnown::quic;
  if (extended) out.connection = request_of(connection);
  return out;
}

Result<resource::Outcome> ConnectionMachine::pushed(const resource::Key& key,
                                                    const resource::Command& command,
                                                    Instant now) const {
  const auto asked = json::read<ddc::DdContextPushReq>(command.http.body);
  if (!asked) return fail(asked.error());
  const bool extended = is_extended(command.http.body);
  const auto wanted = extended && asked->dd_context.connection ? *asked->dd_context.connection
                                                               : request_of(asked->dd_context, now);
  Faults faults;
  const auto& target = wanted.val_target_ue;
  if (!target.val_ue_id && !target.val_user_id)
    faults.add(Errc::missing, "/ddContext/uuContext/valTgtUe", "of which UE?");
  if (wanted.room.size() > sdd::room_bytes_max)
    faults.add(Errc::out_of_range, "/ddContext/sContext/valServiceId", "is too long");
  if (auto fits = faults.verdict(); !fits) return fail(std::move(fits.error()));
  if (auto fits = check_connection(wanted, settings_, now); !fits)
    return fail(std::move(fits.error()));
  State fresh;
  fresh.room = wanted.room;
  fresh.ue = ue_of(target);
  fresh.val_service_id = wanted.val_service_id;
  fresh.val_server_id = wanted.val_server_id;
  fresh.val_target_ue = target;
  fresh.trans_type = wanted.trans_type;
  fresh.exp_time = wanted.exp_time.value_or(now + settings_.connection_life);
  fresh.notif_uri = wanted.notif_uri;
  fresh.mmel_resolved = wanted.mmel_resolved;
  fresh.val_server_conn_info = asked->dd_context.s_context.val_server_conn_info;
  if (const auto holder = ground_.claim(fresh.room, fresh.ue, key.id, now); holder != key.id)
    return fail(Errc::conflict, "the UE is in this room here already");
  auto effects = establish(fresh, key.id, wanted.flows, now);
  if (!effects) return fail(std::move(effects.error()));
  auto out = kept(fresh, command.who.subject);
  std::ranges::move(effects->effects, std::back_inserter(out.effects));
  ddc::DdContextResp answer;
  answer.dd_context =
      context_of(fresh, fresh.flows.begin()->second.flow_ids.front(), extended, now);
  if (fresh.conn_info && (fresh.conn_info->ipv4_addr || fresh.conn_info->ipv6_addr))
    answer.end_point = route_of(fresh.conn_info);
  if (asked->supp_feat) answer.supp_feat = shared_features(extended);
  if (extended && fresh.conn_info && fresh.token) {
    auto& relocation = answer.relocation.emplace();
    relocation.conn_info = *fresh.conn_info;
    relocation.token = *fresh.token;
    relocation.certificate_hash = fresh.certificate_hash;
    relocation.node_id = fresh.node_id;
  }
  auto response = json_answer(201, json::write(answer));
  response.headers.add("location", represent(fresh, key.id, settings_).self);
  out.effects.emplace_back(resource::Reply{command.request, std::move(response), true});
  return out;
}

Result<resource::Outcome> ConnectionMachine::sent_away(State connection,
                                                       const resource::Record& current,
                                                       const resource::Command& command,
                                                       Instant now,
                                                       const resource::Lookup& lookup) const {
  const auto where = json::read<sdc::SddRelocation>(command.http.body);
  if (!where) return fail(where.error());
  if (!connection.node_id)
    return fail(Errc::conflict, "no node carries it now: there is nobody to send the client over");
  api::sdd_relay::RelayOrder order;
  order.kind = api::sdd_relay::OrderKind::relocate;
  order.room = connection.room;
  order.ue_id = connection.ue;
  order.flow_id = connection.flows.begin()->second.flow_ids.front();
  order.conn_info = where->conn_info;
  order.token = where->token;
  order.certificate_hash = where->certificate_hash;
  order.node_id = where->node_id;
  order.drain_ms = settings_.drain.count();
  order.cause = "RELOCATED";
  const auto node = *connection.node_id;
  auto out = release(std::move(connection), current, "RELOCATED", now, lookup);
  // Before the releases: the client has to hear where to go while it is still here.
  api::state::sealdd::OrdersGiven given;
  given.node_id = node;
  given.orders.push_back(std::move(order));
  out.effects.insert(out.effects.begin(), resource::Observe{"orders", json::write(given)});
  out.effects.emplace_back(resource::Reply{command.request, {204, {}, {}}, false});
  return out;
}

}  // namespace lobo::sealdd
