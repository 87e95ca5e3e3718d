#include "services/core_sim/smf_treatment.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/policy_authorization.hpp"
#include "base/quantity.hpp"
#include "model/bit_rate.hpp"
#include "model/flow_description.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/session_terms.hpp"
#include "services/core_sim/smf_flow.hpp"
#include "services/core_sim/world.hpp"

namespace lobo::core_sim {

namespace {

using Direction = model::FlowDescription::Direction;

std::optional<BitsPerSecond> rate_of(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return model::parse_bit_rate(*text);
}

// TS 29.212 clause 5.4.2: every description on N4 is written towards the UE.
void add_description(const std::string& text, Treatment& treatment) {
  auto description = model::FlowDescription::parse(text);
  if (!description) return;
  const bool up = description->direction == Direction::in;
  if (up) {
    std::swap(description->from, description->to);
    description->direction = Direction::out;
  }
  (up ? treatment.filters_ul : treatment.filters_dl).push_back(description->text());
}

void take_profile(const std::string& reference, const World& world, Treatment& treatment) {
  const auto* profile = world.profile(reference);
  if (profile == nullptr) return;
  treatment.five_qi = profile->five_qi;
  treatment.mbr_dl = profile->mbr_dl;
  treatment.mbr_ul = profile->mbr_ul;
}

/// Members that both APIs have, spelt the same.
void take_pdu_sets(const auto& from, Treatment& treatment) {
  // The Release 18 name stands for the direction in which PDU Sets are handled.
  treatment.pdu_set_dl = from.pdu_set_qos_dl ? from.pdu_set_qos_dl : from.pdu_set_qos;
  treatment.pdu_set_ul = from.pdu_set_qos_ul;
  treatment.protocol_dl = from.proto_desc_dl;
  treatment.protocol_ul = from.proto_desc_ul;
  treatment.burst_size = from.dat_burst_size_ind.value_or(false);
  treatment.time_to_next_burst = from.timeto_next_burst_ind.value_or(false);
}

}  // namespace

Treatment treatment_of(const Subscription& from, const World& world) {
  Treatment treatment;
  if (from.flow_info)
    for (const auto& flow : *from.flow_info)
      if (flow.flow_descriptions)
        for (const auto& text : *flow.flow_descriptions) add_description(text, treatment);
  if (from.qos_reference) {
    take_profile(*from.qos_reference, world, treatment);
  } else if (from.tsc_qos_req) {
    treatment.mbr_dl = rate_of(from.tsc_qos_req->req_mbr_dl);
    treatment.mbr_ul = rate_of(from.tsc_qos_req->req_mbr_ul);
  }
  take_pdu_sets(from, treatment);
  if (from.avrg_wndw) treatment.averaging_window = std::chrono::milliseconds(*from.avrg_wndw);
  return treatment;
}

Treatment treatment_of(const api::policy_authorization::MediaComponent& from, const World& world) {
  Treatment treatment;
  if (from.med_sub_comps)
    for (const auto& [key, flow] : *from.med_sub_comps)
      if (flow.f_descs)
        for (const auto& text : *flow.f_descs) add_description(text, treatment);
  if (from.qos_reference) {
    take_profile(*from.qos_reference, world, treatment);
  } else {
    treatment.mbr_dl = rate_of(from.mar_bw_dl);
    treatment.mbr_ul = rate_of(from.mar_bw_ul);
  }
  take_pdu_sets(from, treatment);
  return treatment;
}

}  // namespace lobo::core_sim
