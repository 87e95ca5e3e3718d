// Requests of AsSessionWithQoS.

#include "services/seal_nrm/southbound_nef.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/as_session_with_qos.hpp"
#include "base/require.hpp"
#include "model/address.hpp"
#include "model/flow_description.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/southbound_request.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::seal_nrm {

namespace as = api::as_session_with_qos;
using model::FlowDescription;

namespace {

std::string collection(const Settings& settings) {
  return "/3gpp-as-session-with-qos/v1/" + http::percent_encode(settings.core.scs_as_id) +
         "/subscriptions";
}

const std::vector<as::UserPlaneEvent>& events() {
  using enum as::UserPlaneEventKnown;
  static const std::vector<as::UserPlaneEvent> all = {successful_resources_allocation,
                                                      failed_resources_allocation,
                                                      qos_not_guaranteed,
                                                      qos_guaranteed,
                                                      session_termination,
                                                      loss_of_bearer,
                                                      recovery_of_bearer,
                                                      release_of_bearer};
  return all;
}

void put_flows(as::AsSessionWithQoSSubscription& body, const Settings& settings,
               const std::string& address, const UniQosRequirement& qos) {
  if (body.mac_addr) {
    body.eth_flow_info = ethernet_rules(address);
    return;
  }
  body.flow_info.emplace();
  if (!qos.flows) {
    as::FlowInfo all;
    all.flow_id = settings.core.flow_id_first;
    all.flow_descriptions = {
        {"permit out ip from any to " + address, "permit in ip from " + address + " to any"}};
    body.flow_info->push_back(std::move(all));
    return;
  }
  std::int64_t next = settings.core.flow_id_first;
  for (const auto& wanted : *qos.flows) {
    as::FlowInfo flow;
    flow.flow_id = wanted.flow_id.value_or(next);
    ++next;
    flow.flow_descriptions.emplace();
    for (const auto& rule : wanted.flow_descriptions)
      if (auto whole = at_ue(rule, address)) flow.flow_descriptions->push_back(std::move(*whole));
    if (!flow.flow_descriptions->empty()) body.flow_info->push_back(std::move(flow));
  }
}

void put_quality(as::AsSessionWithQoSSubscription& body, const UniQosRequirement& qos) {
  body.qos_reference = qos.qos_reference;
  body.alt_qo_s_references = qos.alt_qo_s_references;
  if (!qos.qos_reference) {
    as::TscQosRequirement figures;
    figures.req_gbr_dl = qos.gbr_dl;
    figures.req_gbr_ul = qos.gbr_ul;
    figures.req_mbr_dl = qos.dl_bit_rate;
    figures.req_mbr_ul = qos.ul_bit_rate;
    figures.req5_gsdelay = qos.packet_delay_budget_ms;
    figures.req_per = qos.packet_error_rate;
    body.tsc_qos_req = std::move(figures);
  }
  body.pdu_set_qos_dl = qos.pdu_set_qos_dl;
  body.pdu_set_qos_ul = qos.pdu_set_qos_ul;
  body.proto_desc_dl = qos.proto_desc_dl;
  body.proto_desc_ul = qos.proto_desc_ul;
  body.dat_burst_size_ind = qos.dat_burst_size_ind;
  body.timeto_next_burst_ind = qos.timeto_next_burst_ind;
}

/// Release 18 had one member each, for the downlink; what it had no name for is left out.
void rename_for_release_18(json::Value& body) {
  auto& members = std::get<json::Value::Object>(body.held);
  std::erase_if(members, [](const json::Member& member) {
    return member.name == "pduSetQosUl" || member.name == "protoDescUl" ||
           member.name == "datBurstSizeInd" || member.name == "timetoNextBurstInd";
  });
  for (auto& member : members) {
    if (member.name == "pduSetQosDl") member.name = "pduSetQos";
    if (member.name == "protoDescDl") member.name = "protoDesc";
  }
}

as::AsSessionWithQoSSubscription session(const Settings& settings, const std::string& callback,
                                         const UeAddress& ue, const UniQosRequirement& qos) {
  as::AsSessionWithQoSSubscription body;
  body.notification_destination = callback;
  body.supported_features = settings.core.supported_features;
  body.dnn = settings.core.dnn;
  const std::string address = session_address(ue, qos);
  if (ue.ipv4 == address)
    body.ue_ipv4_addr = address;
  else if (ue.ipv6 == address)
    body.ue_ipv6_addr = address;
  else
    body.mac_addr = address;
  body.multi_modal_id = qos.multi_modal_id;
  put_flows(body, settings, address, qos);
  put_quality(body, qos);
  body.events = events();
  return body;
}

/// Whether a core of `settings` calls something in it otherwise than we do.
bool has_other_names(const as::AsSessionWithQoSSubscription& body, const Settings& settings) {
  return settings.core.names == MemberNames::release_18 &&
         (body.pdu_set_qos_dl || body.pdu_set_qos_ul || body.proto_desc_dl || body.proto_desc_ul ||
          body.dat_burst_size_ind || body.timeto_next_burst_ind);
}

json::Value value_of(const as::AsSessionWithQoSSubscription& body, const Settings& settings) {
  auto value = json::parse(json::write(body));
  require(value.has_value());
  if (has_other_names(body, settings)) rename_for_release_18(*value);
  return std::move(*value);
}

json::Value session_body(const Settings& settings, const std::string& callback, const UeAddress& ue,
                         const UniQosRequirement& qos) {
  return value_of(session(settings, callback, ue, qos), settings);
}

/// True where `after` lacks, at some depth of its objects, a member that `before` has.
bool takes_away(const json::Value& before, const json::Value& after) {
  if (before.object() == nullptr || after.object() == nullptr) return false;
  for (const auto& member : *before.object()) {
    const auto* kept = after.find(member.name);
    if (kept == nullptr || takes_away(member.value, *kept)) return true;
  }
  return false;
}

/// Members that a patch may not carry: which UE it is about stays the same.
bool is_fixed(std::string_view name) {
  for (const std::string_view fixed : {"supportedFeatures", "dnn", "snssai", "ueIpv4Addr",
                                       "ueIpv6Addr", "macAddr", "multiModalId"})
    if (name == fixed) return true;
  return false;
}

}  // namespace

std::optional<std::string> at_ue(const std::string& text, const std::string& address) {
  auto rule = FlowDescription::parse(text);
  const auto ue = model::parse_ip_address(address);
  if (!rule || !ue) return std::nullopt;
  auto& side = rule->direction == FlowDescription::Direction::out ? rule->to : rule->from;
  side = model::FlowEndpoint::host(*ue, std::move(side.ports));
  return rule->text();
}

std::vector<as::EthFlowDescription> ethernet_rules(const std::string& mac) {
  as::EthFlowDescription down, up;
  down.eth_type = up.eth_type = "0800";
  down.f_desc = "permit out ip from any to any";
  up.f_desc = "permit in ip from any to any";
  down.dest_mac_addr = up.source_mac_addr = mac;
  down.f_dir = as::FlowDirection(as::FlowDirectionKnown::downlink);
  up.f_dir = as::FlowDirection(as::FlowDirectionKnown::uplink);
  return {down, up};
}

std::string session_address(const std::optional<UeAddress>& address, const UniQosRequirement& qos) {
  if (!address) return {};
  const auto far_end_is_ipv6 = [&]() {
    if (!qos.flows || qos.flows->empty() || qos.flows->front().flow_descriptions.empty())
      return false;
    const auto rule = FlowDescription::parse(qos.flows->front().flow_descriptions.front());
    if (!rule) return false;
    const auto& far = rule->direction == FlowDescription::Direction::out ? rule->from : rule->to;
    return far.kind == model::FlowEndpoint::Kind::network &&
           model::address_bits(far.address) == 128;
  };
  if (address->ipv6 && (!address->ipv4 || far_end_is_ipv6())) return *address->ipv6;
  if (address->ipv4) return *address->ipv4;
  return address->mac.value_or("");
}

http::Request reserve_request(const Settings& settings, const std::string& callback,
                              const UeAddress& address, const UniQosRequirement& qos) {
  const auto body = session(settings, callback, address, qos);
  return request_of("POST", collection(settings), "application/json",
                    has_other_names(body, settings) ? json::to_text(value_of(body, settings))
                                                    : json::write(body));
}

http::Request modify_request(const Settings& settings, const std::string& callback,
                             std::string_view id, const UeAddress& address,
                             const UniQosRequirement& before, const UniQosRequirement& after) {
  json::Value body = session_body(settings, callback, address, after);
  const std::string target = collection(settings) + "/" + http::percent_encode(id);
  // A patch cannot take every member away (most are not nullable); a replacement can.
  if (settings.core.modify_by == ModifyBy::put ||
      takes_away(session_body(settings, callback, address, before), body))
    return request_of("PUT", target, "application/json", json::to_text(body));
  std::erase_if(std::get<json::Value::Object>(body.held),
                [](const json::Member& member) { return is_fixed(member.name); });
  return request_of("PATCH", target, "application/merge-patch+json", json::to_text(body));
}

http::Request get_request(const Settings& settings, std::string_view id) {
  return request_of("GET", collection(settings) + "/" + http::percent_encode(id));
}

http::Request release_request(const Settings& settings, std::string_view id) {
  return request_of("DELETE", collection(settings) + "/" + http::percent_encode(id));
}

http::Request list_request(const Settings& settings, const std::optional<UeAddress>& address,
                           bool filtered) {
  std::vector<UeAddress> at;
  if (filtered && address) at.push_back(*address);
  return list_at_request(settings, at);
}

http::Request list_at_request(const Settings& settings, const std::vector<UeAddress>& addresses) {
  std::string wanted;
  const auto add = [&wanted](std::string_view name, const std::optional<std::string>& address) {
    if (!address) return;
    if (!wanted.empty()) wanted += ',';
    wanted += "{\"" + std::string(name) + "\":" + json::quoted(*address) + "}";
  };
  for (const auto& address : addresses) {
    add("ipv4Addr", address.ipv4);
    add("ipv6Addr", address.ipv6);
  }
  std::string target = collection(settings);
  if (!wanted.empty()) target += "?ip-addrs=" + http::percent_encode("[" + wanted + "]");
  return request_of("GET", std::move(target));
}

bool session_keeps(std::string_view text, const Settings& settings, const UeAddress& address,
                   const UniQosRequirement& qos) {
  const auto shown = json::parse(text);
  if (!shown) return false;
  const auto wanted = session_body(settings, {}, address, qos);
  for (const auto& member : *wanted.object()) {
    if (is_fixed(member.name) || member.name == "notificationDestination" ||
        member.name == "events")
      continue;
    const auto* there = shown->find(member.name);
    if (there == nullptr || *there != member.value) return false;
  }
  return true;
}

}  // namespace lobo::seal_nrm
