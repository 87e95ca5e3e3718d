// What request-trans sets up (TS 29.548 SDD_Transmission; TS 23.433 clauses 9.2.2, 9.3.2): a
// connection like any other, of one flow, in the room of the VAL service. Asked again for the same
// UE, the same connection has the new QoS.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_transmission.hpp"
#include "api/state/sealdd.hpp"
#include "api/sync_types.hpp"
#include "base/clock.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "model/bit_rate.hpp"
#include "services/sealdd/answers.hpp"
#include "services/sealdd/connection.hpp"
#include "services/sealdd/faults.hpp"
#include "services/sealdd/flows.hpp"
#include "services/sealdd/kept.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"
#include "wire/sdd/token.hpp"

namespace lobo::sealdd {

namespace sdc = api::sdd_connections;
namespace state = api::state::sealdd;
namespace sync = api::sync_types;
namespace tra = api::sdd_transmission;
using sdc::SddConnectionState;

namespace {

std::string rate(std::int64_t bps) {
  return model::format_bit_rate(BitsPerSecond{static_cast<std::uint64_t>(bps)});
}

/// The ladder: alternatives as they stand, best first, within what a user may have.
std::optional<sync::SyncQos> qos_of(const tra::TransReq& asked) {
  sync::SyncQos out;
  bool any = false;
  if (asked.val_users_bdw) {
    any = true;
    out.mbr_ul = rate(asked.val_users_bdw->max_ul_bdw);
    out.mbr_dl = rate(asked.val_users_bdw->max_dl_bdw);
  }
  if (asked.qos_info && asked.qos_info->alt_qos_reqs) {
    any = true;
    const auto& steps = *asked.qos_info->alt_qos_reqs;
    const auto& best = steps.front();
    out.gbr_ul = best.gbr_ul;
    out.gbr_dl = best.gbr_dl;
    out.pdb_ul = best.pdb;
    out.pdb_dl = best.pdb;
    out.per = best.per;
    for (std::size_t i = 1; i < steps.size() && i <= 8; ++i) {
      sync::SyncQosLevel step;
      step.gbr_ul = steps[i].gbr_ul;
      step.gbr_dl = steps[i].gbr_dl;
      step.pdb_ul = steps[i].pdb;
      step.pdb_dl = steps[i].pdb;
      step.per = steps[i].per;
      if (!out.alternatives) out.alternatives.emplace();
      out.alternatives->push_back(std::move(step));
    }
  }
  return any ? std::optional(std::move(out)) : std::nullopt;
}

Result<void> check(const tra::TransReq& asked, const std::string& type) {
  Faults faults;
  if (type != "regular" && type != "urllc")
    faults.add(Errc::not_allowed, "path:transType", "is regular or urllc");
  if (type == "urllc" && (asked.val_server_bdw || asked.val_users_bdw))
    faults.add(Errc::not_allowed, asked.val_server_bdw ? "/valServerBdw" : "/valUsersBdw",
               "limits of bandwidth do not go with URLLC");
  if (asked.qos_info && (asked.qos_info->qos_reference || asked.qos_info->alt_qo_s_references))
    faults.add(Errc::not_allowed, "/qosInfo",
               "no QoS reference is known here; say what is needed in altQosReqs");
  if (asked.val_users_bdw) {
    const auto& users = *asked.val_users_bdw;
    if (users.min_dl_bdw > users.max_dl_bdw || users.min_ul_bdw > users.max_ul_bdw)
      faults.add(Errc::not_allowed, "/valUsersBdw", "a minimum is above its maximum");
  }
  if (asked.val_target_ue_id && asked.val_target_ue_id->empty())
    faults.add(Errc::out_of_range, "/valTargetUeId", "is empty");
  return faults.verdict();
}

}  // namespace

Result<resource::Outcome> ConnectionMachine::transmit(const resource::Record* current,
                                                      const resource::Key& key,
                                                      const resource::Command& command,
                                                      Instant now) const {
  const auto asked = json::read<tra::TransReq>(command.http.body);
  if (!asked) return fail(asked.error());
  const auto path = http::split_target(command.http.target).path;
  const auto rest = path.substr(trans_root.size() + 1);
  const std::string type(rest.substr(0, rest.find('/')));
  if (auto fits = check(*asked, type); !fits) return fail(std::move(fits.error()));
  State fresh;
  if (current != nullptr) {
    auto stored = json::read<State>(current->state);
    if (!stored) return fail(Errc::internal, "a stored connection cannot be read");
    if (stored->state == SddConnectionState::releasing)
      return fail(Errc::unavailable, "the connection of before is still being released; ask again");
    if (stored->pending) return fail(Errc::unavailable, "it is being set up; ask again");
    fresh = std::move(*stored);
  }
  const auto before = fresh;
  fresh.val_service_id = asked->val_service_id.value_or(asked->val_server_id);
  fresh.val_server_id = asked->val_server_id;
  fresh.room = "val:" + fresh.val_service_id;
  if (fresh.room.size() > sdd::room_bytes_max)
    return fail(Errc::out_of_range, "the members do not fit together",
                {{Errc::out_of_range, "/valServiceId", "has more than 124 octets"}});
  fresh.val_target_ue.val_ue_id =
      asked->val_target_ue_id.value_or("server:" + asked->val_server_id);
  fresh.ue = ue_of(fresh.val_target_ue);
  fresh.val_server_conn_info = asked->val_server_conn_info;
  fresh.requested = true;
  fresh.trans_type = type == "urllc" ? sdc::SddTransType::urllc : sdc::SddTransType::regular;
  if (asked->val_server_bdw) {
    fresh.total_dl_bps = asked->val_server_bdw->total_dl_bdw;
    fresh.total_ul_bps = asked->val_server_bdw->total_ul_bdw;
  }
  if (asked->val_users_bdw) {
    fresh.min_dl_bps = asked->val_users_bdw->min_dl_bdw;
    fresh.max_dl_bps = asked->val_users_bdw->max_dl_bdw;
    fresh.min_ul_bps = asked->val_users_bdw->min_ul_bdw;
    fresh.max_ul_bps = asked->val_users_bdw->max_ul_bdw;
  }
  sdc::SddFlowReq flow;
  flow.direction = sync::Direction::bidi;
  flow.qos = qos_of(*asked);
  flow.redundancy = type == "urllc" ? sync::Redundancy::dual : sync::Redundancy::auto_;
  FlowRequests flows;
  flows.emplace("urn:sdd:val:" + http::percent_encode(asked->val_server_id), std::move(flow));
  resource::Outcome effects;
  if (current == nullptr) {
    if (const auto holder = ground_.claim(fresh.room, fresh.ue, key.id, now); holder != key.id)
      return fail(Errc::conflict, "the UE is in this service for somebody else");
    fresh.exp_time = now + settings_.connection_life;
    auto made = establish(fresh, key.id, std::move(flows), now);
    if (!made) return fail(std::move(made.error()));
    effects = std::move(*made);
  } else {
    auto grant = granted(fresh.room, flows, before.flows, ground_);
    if (!grant) return fail(std::move(grant.error()));
    fresh.flows = std::move(*grant);
    fresh.changed = true;
    if (auto needs = gate(fresh)) return put_off(before, *current, command, std::move(*needs), now);
    if (fresh.node_id)
      if (auto token = renew_token(fresh, now, effects); !token)
        return fail(std::move(token.error()));
  }
  if (current == nullptr && gate(fresh)) {
    fresh.state = SddConnectionState::requested;
    state::ConnectionPending pending;
    pending.request = command.request;
    pending.operation = command.operation;
    pending.body = command.http.body;
    pending.makes = true;
    auto out = wait_for_network(fresh, command.who.subject, std::move(pending), now);
    std::ranges::move(effects.effects, std::back_inserter(out.effects));
    return out;
  }
  auto out = kept(fresh, current == nullptr ? command.who.subject : current->owner);
  std::ranges::move(effects.effects, std::back_inserter(out.effects));
  if (current != nullptr)
    give(fresh, orders_between(before.flows, fresh.flows, fresh.ue, settings_.drain.count()),
         fresh.node_id.value_or(""), out);
  out.effects.emplace_back(resource::Reply{
      command.request, transmitted_answer(fresh, key.id, command.http.body), false});
  return out;
}

http::Response ConnectionMachine::transmitted_answer(const State& connection, std::string_view id,
                                                     const std::string& asked) const {
  tra::TransResp answer;
  answer.dd_server_conn_info = connection.conn_info;
  const auto request = json::read<tra::TransReq>(asked);
  if (request && request->supp_feat) {
    const bool extended = is_extended(asked);
    answer.supp_feat = shared_features(extended);
    if (extended) {
      const auto shown = represent(connection, id, settings_);
      answer.connection = shown.self;
      answer.token = connection.token;
      answer.sdd_flow_ids = shown.flows.begin()->second.flow_ids;
    }
  }
  return json_answer(200, json::write(answer));
}

}  // namespace lobo::sealdd
