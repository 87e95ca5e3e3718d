// Requests of Npcf_PolicyAuthorization and Nbsf_Management.

#include "services/seal_nrm/southbound_pcf.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/policy_authorization.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "services/seal_nrm/southbound.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "services/seal_nrm/southbound_pcf_answers.hpp"
#include "services/seal_nrm/southbound_request.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::seal_nrm {

namespace n5 = api::policy_authorization;

namespace {

constexpr std::string_view sessions = "/npcf-policyauthorization/v1/app-sessions";
/// The one media component of each session of ours.
constexpr std::string_view component_key = "1";

std::string_view name_of(std::string_view id) { return id.substr(0, id.find('@')); }

std::string target_of(std::string_view id) {
  return std::string(sessions) + "/" + http::percent_encode(name_of(id));
}

n5::MediaType media_type(const CoreTraits& core) { return n5::MediaType(core.media_type); }

void put_flows(n5::MediaComponent& component, const UeAddress& ue, const std::string& address,
               const UniQosRequirement& qos) {
  auto& flows = component.med_sub_comps.emplace();
  std::int64_t number = 0;
  const auto next = [&]() -> n5::MediaSubComponent& {
    ++number;
    auto& flow = flows[std::to_string(number)];
    flow.f_num = number;
    flow.flow_usage = n5::FlowUsage(n5::FlowUsageKnown::no_info);
    return flow;
  };
  if (ue.ipv4 != address && ue.ipv6 != address) {  // An Ethernet PDU session: all of it.
    next().ethf_descs = ethernet_rules(address);
    return;
  }
  if (!qos.flows) {
    next().f_descs = {
        {"permit out ip from any to " + address, "permit in ip from " + address + " to any"}};
    return;
  }
  for (const auto& wanted : *qos.flows) {
    std::vector<std::string> rules;
    for (const auto& rule : wanted.flow_descriptions)
      if (auto whole = at_ue(rule, address)) rules.push_back(std::move(*whole));
    if (!rules.empty()) next().f_descs = std::move(rules);
  }
  if (flows.empty()) component.med_sub_comps.reset();
}

/// "4E-3" as percent.
std::optional<double> percent(const std::optional<std::string>& error_rate) {
  if (!error_rate || error_rate->size() != 4) return std::nullopt;
  double value = 100.0 * ((*error_rate)[0] - '0');
  for (int digit = (*error_rate)[3] - '0'; digit > 0; --digit) value /= 10;
  return value;
}

void put_quality(n5::MediaComponent& component, const CoreTraits& core,
                 const UniQosRequirement& qos) {
  component.qos_reference = qos.qos_reference;
  component.alt_ser_reqs = qos.alt_qo_s_references;
  if (!qos.qos_reference) {
    component.med_type = media_type(core);
    component.mir_bw_dl = qos.gbr_dl;
    component.mir_bw_ul = qos.gbr_ul;
    // Many PCFs take the guaranteed rate from the maximum, so it is never left out beside one.
    component.mar_bw_dl = qos.dl_bit_rate ? qos.dl_bit_rate : qos.gbr_dl;
    component.mar_bw_ul = qos.ul_bit_rate ? qos.ul_bit_rate : qos.gbr_ul;
    if (qos.packet_delay_budget_ms)
      component.des_max_latency = static_cast<double>(*qos.packet_delay_budget_ms);
    component.des_max_loss = percent(qos.packet_error_rate);
  }
  component.pdu_set_qos_dl = qos.pdu_set_qos_dl;
  component.pdu_set_qos_ul = qos.pdu_set_qos_ul;
  component.proto_desc_dl = qos.proto_desc_dl;
  component.proto_desc_ul = qos.proto_desc_ul;
  component.dat_burst_size_ind = qos.dat_burst_size_ind;
  component.timeto_next_burst_ind = qos.timeto_next_burst_ind;
}

n5::MediaComponent component_of(const Settings& settings, const UeAddress& ue,
                                const UniQosRequirement& qos) {
  n5::MediaComponent component;
  component.med_comp_n = 1;
  component.f_status = n5::FlowStatus(n5::FlowStatusKnown::enabled);
  put_quality(component, settings.core, qos);
  put_flows(component, ue, session_address(ue, qos), qos);
  return component;
}

/// Release 18 had one member each, for the downlink; what it had no name for is left out.
void rename_for_release_18(json::Value& component) {
  auto& members = std::get<json::Value::Object>(component.held);
  std::erase_if(members, [](const json::Member& member) {
    return member.name == "pduSetQosUl" || member.name == "protoDescUl" ||
           member.name == "datBurstSizeInd" || member.name == "timetoNextBurstInd";
  });
  for (auto& member : members) {
    if (member.name == "pduSetQosDl") member.name = "pduSetQos";
    if (member.name == "protoDescDl") member.name = "pduSetProtDesc";
  }
}

json::Value component_value(const Settings& settings, const UeAddress& ue,
                            const UniQosRequirement& qos) {
  auto value = json::parse(json::write(component_of(settings, ue, qos)));
  require(value.has_value());
  if (settings.core.names == MemberNames::release_18) rename_for_release_18(*value);
  return std::move(*value);
}

/// TS 29.514 has no null for these; what they said before says nothing wrong beside a reference.
bool may_not_be_null(std::string_view name) {
  return name == "medType" || name == "fStatus" || name == "flowUsage";
}

/// `after`, with null for each member that `before` has at the same place and `after` has not.
void take_away(const json::Value& before, json::Value& after) {
  if (before.object() == nullptr || after.object() == nullptr) return;
  auto& members = std::get<json::Value::Object>(after.held);
  for (const auto& old : *before.object()) {
    const auto kept = std::ranges::find(members, old.name, &json::Member::name);
    if (kept != members.end())
      take_away(old.value, kept->value);
    else if (!may_not_be_null(old.name))
      members.push_back({old.name, json::Value{}});
  }
}

n5::EventsSubscReqData events_of(const std::string& callback) {
  n5::EventsSubscReqData events;
  for (const auto known :
       {n5::AfEventKnown::successful_resources_allocation,
        n5::AfEventKnown::failed_resources_allocation, n5::AfEventKnown::qos_notif})
    events.events.emplace_back().event = n5::AfEvent(known);
  events.notif_uri = callback;
  return events;
}

class Pcf final : public Southbound {
 public:
  std::string peer(const Settings& settings,
                   const std::optional<std::string>& located) const override {
    return located ? pcf_peer_name(*located) : settings.core.peer;
  }
  bool lists() const override { return false; }

  // TS 29.521 clause 4.2.4.2: an IPv6 address is asked for as a prefix of all its bits.
  std::optional<CoreCall> locate(const Settings& settings, const UeAddress& address,
                                 const UniQosRequirement& qos) const override {
    if (!settings.core.bsf) return std::nullopt;
    const auto at = session_address(address, qos);
    std::string target = "/nbsf-management/v1/pcfBindings?";
    if (address.ipv4 == at)
      target += "ipv4Addr=" + at;
    else if (address.ipv6 == at)
      target += "ipv6Prefix=" + http::percent_encode(at + "/128");
    else
      target += "macAddr48=" + http::percent_encode(at);
    if (settings.core.dnn) target += "&dnn=" + http::percent_encode(*settings.core.dnn);
    return CoreCall{std::string(bsf_peer), request_of("GET", std::move(target))};
  }
  tl::expected<std::string, Refusal> read_located(const Settings& settings,
                                                  const Result<http::Response>& response,
                                                  std::string_view gpsi) const override {
    return read_binding(settings, response, gpsi);
  }

  // TS 29.514 clause 4.2.2.2.
  http::Request reserve(const Settings& settings, const Reservation& wanted) const override {
    n5::AppSessionContextReqData asked;
    asked.af_app_id = settings.core.af_app_id;
    asked.dnn = settings.core.dnn;
    asked.bdt_ref_id = wanted.bdt_ref_id;
    asked.multi_modal_id = wanted.qos.multi_modal_id;
    asked.notif_uri = wanted.callback;
    asked.supp_feat =
        settings.core.supported_features.value_or(std::string(features_of_policy_authorization));
    const auto at = session_address(wanted.address, wanted.qos);
    if (wanted.address.ipv4 == at)
      asked.ue_ipv4 = at;
    else if (wanted.address.ipv6 == at)
      asked.ue_ipv6 = at;
    else
      asked.ue_mac = at;
    asked.ev_subsc = events_of(wanted.callback);
    n5::AppSessionContext body;
    body.asc_req_data = std::move(asked);
    auto value = json::parse(json::write(body));
    require(value.has_value());
    std::string text = R"({"ascReqData":{"medComponents":{")" + std::string(component_key) +
                       R"(":)" +
                       json::to_text(component_value(settings, wanted.address, wanted.qos)) + "}}}";
    auto whole = json::merge_patch(json::to_text(*value), text);
    require(whole.has_value());
    return request_of("POST", std::string(sessions), "application/json", std::move(*whole));
  }

  // TS 29.514 clause 4.2.3.2.
  http::Request modify(const Settings& settings, std::string_view id, const Reservation& wanted,
                       const UniQosRequirement& before) const override {
    auto component = component_value(settings, wanted.address, wanted.qos);
    take_away(component_value(settings, wanted.address, before), component);
    return request_of("PATCH", target_of(id), "application/merge-patch+json",
                      R"({"ascReqData":{"medComponents":{")" + std::string(component_key) +
                          R"(":)" + json::to_text(component) + "}}}");
  }
  http::Request get(const Settings&, std::string_view id) const override {
    return request_of("GET", target_of(id));
  }
  // TS 29.514 clause 4.2.4.2.
  http::Request release(const Settings&, std::string_view id) const override {
    return request_of("POST", target_of(id) + "/delete");
  }
  http::Request list(const Settings&, const std::optional<UeAddress>&, bool) const override {
    require(false);  // There is none.
    std::abort();
  }

  Created read_created(const Result<http::Response>& response) const override {
    return seal_nrm::read_created(response, "app-sessions");
  }
  bool says_gone(const Result<http::Response>& response, std::string_view callback) const override {
    const auto kept = read_session(response);
    if (!kept || kept->gone) return kept.has_value();
    const auto body = json::parse(kept->body);
    const auto* asked = body ? body->find("ascReqData") : nullptr;
    const auto* to = asked != nullptr ? asked->find("notifUri") : nullptr;
    return to != nullptr && to->text() != nullptr && !to->text()->ends_with(callback);
  }
  bool keeps(std::string_view shown, const Settings& settings, const UeAddress& address,
             const UniQosRequirement& qos) const override {
    const auto body = json::parse(shown);
    const json::Value* there = body ? &*body : nullptr;
    for (const std::string_view step :
         {std::string_view("ascReqData"), std::string_view("medComponents"), component_key})
      there = there != nullptr ? there->find(step) : nullptr;
    if (there == nullptr) return false;
    const auto wanted = component_value(settings, address, qos);
    return std::ranges::all_of(*wanted.object(), [&](const json::Member& member) {
      const auto* kept = there->find(member.name);
      return kept != nullptr && *kept == member.value;
    });
  }
  Result<CoreNews> read_news(const http::Request& request) const override {
    return read_app_session_news(request);
  }
};

}  // namespace

const Southbound& pcf_southbound() {
  static const Pcf pcf;
  return pcf;
}

std::string app_session_id(std::string_view name, const std::optional<std::string>& located) {
  std::string id(name);
  if (located) id += "@" + *located;
  return id;
}

std::optional<std::string> origin_of(std::string_view id) {
  const auto at = id.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  return std::string(id.substr(at + 1));
}

}  // namespace lobo::seal_nrm
