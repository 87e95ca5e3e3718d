#include "services/core_sim/app_session_terms.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/as_session_with_qos.hpp"
#include "api/policy_authorization.hpp"
#include "base/result.hpp"
#include "model/flow_description.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/session_terms.hpp"
#include "services/core_sim/smf_treatment.hpp"
#include "services/core_sim/term_checks.hpp"
#include "services/core_sim/world.hpp"

namespace lobo::core_sim {

namespace n5 = api::policy_authorization;

namespace {

using Parameter = api::as_session_with_qos::RequestedQosMonitoringParameterKnown;
using Parameters = std::vector<api::as_session_with_qos::RequestedQosMonitoringParameter>;

const std::string req = "/ascReqData";
constexpr double delay_ms_max = 1e9;  ///< nothing that a network could miss
constexpr double ppm_per_percent = 10'000;
/// (media component number << 16) | flow number has to fit (TS 29.122 clause 5.14.2.1.2).
constexpr std::int64_t number_max = 0xFFFF;

// ---- flows ------------------------------------------------------------------------------------

void check_descriptions(const std::vector<std::string>& rules, const std::string& where,
                        Faults& faults) {
  std::optional<model::FlowDescription::Direction> first;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto here = where + "/fDescs/" + std::to_string(i);
    const auto rule = model::FlowDescription::parse(rules[i]);
    if (!rule) {
      faults.push_back({Errc::pattern, here, rule.error().detail});
      continue;
    }
    if (first == rule->direction)
      faults.push_back({Errc::not_allowed, here, "the flow has a rule of that direction already"});
    first = rule->direction;
  }
}

void check_flows(const AppSession& session, const n5::MediaComponent& component,
                 const std::string& where, Terms& terms, Faults& faults) {
  if (!component.med_sub_comps) return;
  if (component.med_sub_comps->size() > flows_per_session_max)
    faults.push_back(
        {Errc::out_of_range, where + "/medSubComps", "more flows than a session may have"});
  for (const auto& [key, flow] : *component.med_sub_comps) {
    const auto here = where + "/medSubComps/" + key;
    if (std::to_string(flow.f_num) != key)
      faults.push_back({Errc::not_allowed, here + "/fNum", "is not the key that it stands under"});
    if (flow.f_num <= 0 || flow.f_num > number_max)
      faults.push_back({Errc::out_of_range, here + "/fNum", "must be above 0, and of 16 bits"});
    if (flow.f_descs && flow.ethf_descs)
      faults.push_back({Errc::not_allowed, here + "/ethfDescs", "stands beside fDescs"});
    if (flow.ethf_descs && !session.ue_mac)
      faults.push_back(
          {Errc::not_allowed, here + "/ethfDescs", "an Ethernet flow has no UE IP address"});
    if (flow.f_descs) check_descriptions(*flow.f_descs, here, faults);
    terms.flow_ids.push_back(component.med_comp_n << 16 | flow.f_num);
  }
}

// ---- quality ----------------------------------------------------------------------------------

void check_figures(const n5::MediaComponent& from, const std::string& where, Terms& terms,
                   Faults& faults) {
  auto& wanted = terms.wanted;
  wanted.gbr_dl = rate(from.mir_bw_dl, where + "/mirBwDl", faults);
  wanted.gbr_ul = rate(from.mir_bw_ul, where + "/mirBwUl", faults);
  const auto most_dl = rate(from.mar_bw_dl, where + "/marBwDl", faults);
  const auto most_ul = rate(from.mar_bw_ul, where + "/marBwUl", faults);
  if (from.mar_bw_dl && most_dl < wanted.gbr_dl)
    faults.push_back({Errc::out_of_range, where + "/marBwDl", "must not be below mirBwDl"});
  if (from.mar_bw_ul && most_ul < wanted.gbr_ul)
    faults.push_back({Errc::out_of_range, where + "/marBwUl", "must not be below mirBwUl"});
  if (from.des_max_latency)
    wanted.delay_budget = std::chrono::milliseconds(
        std::llround(std::clamp(*from.des_max_latency, 1.0, delay_ms_max)));
  if (from.des_max_loss)
    wanted.loss_ppm_max = static_cast<std::uint32_t>(
        std::lround(std::clamp(*from.des_max_loss, 0.0, 100.0) * ppm_per_percent));
  if (from.tsn_qos && from.tsn_qos->tsc_pack_delay)
    wanted.delay_budget = budget(from.tsn_qos->tsc_pack_delay);
  if (from.tsn_qos && from.tsn_qos->max_per) wanted.loss_ppm_max = ppm(from.tsn_qos->max_per);
}

void check_alternatives(const n5::MediaComponent& from, const std::string& where, Terms& terms,
                        Faults& faults) {
  if (from.alt_ser_reqs && !from.qos_reference)
    faults.push_back({Errc::not_allowed, where + "/altSerReqs", "needs qosReference"});
  const auto count = (from.alt_ser_reqs ? from.alt_ser_reqs->size() : 0) +
                     (from.alt_ser_reqs_data ? from.alt_ser_reqs_data->size() : 0);
  if (count > alternatives_per_session_max)
    faults.push_back({Errc::out_of_range,
                      where + (from.alt_ser_reqs ? "/altSerReqs" : "/altSerReqsData"),
                      "more alternatives than a session may have"});
  if (!from.alt_ser_reqs_data) return;
  for (std::size_t i = 0; i < from.alt_ser_reqs_data->size(); ++i) {
    const auto& set = (*from.alt_ser_reqs_data)[i];
    const auto here = where + "/altSerReqsData/" + std::to_string(i);
    terms.alternatives.push_back({set.alt_qos_param_set_ref,
                                  {.gbr_dl = rate(set.gbr_dl, here + "/gbrDl", faults),
                                   .gbr_ul = rate(set.gbr_ul, here + "/gbrUl", faults),
                                   .delay_budget = budget(set.pdb),
                                   .loss_ppm_max = ppm(set.per)}});
  }
}

void check_names_of_releases(const n5::MediaComponent& from, const std::string& where,
                             Faults& faults) {
  if (from.pdu_set_qos && (from.pdu_set_qos_dl || from.pdu_set_qos_ul))
    faults.push_back({Errc::not_allowed, where + "/pduSetQos",
                      "was renamed; it may not stand beside its new name"});
  if (from.pdu_set_prot_desc && (from.proto_desc_dl || from.proto_desc_ul))
    faults.push_back({Errc::not_allowed, where + "/pduSetProtDesc",
                      "was renamed; it may not stand beside its new name"});
}

void check_component(const AppSession& session, const std::string& key,
                     const n5::MediaComponent& from, const PcfQuirks& quirks, Terms& terms,
                     Faults& faults) {
  const auto where = req + "/medComponents/" + key;
  if (std::to_string(from.med_comp_n) != key)
    faults.push_back(
        {Errc::not_allowed, where + "/medCompN", "is not the key that it stands under"});
  if (from.med_comp_n <= 0 || from.med_comp_n > number_max)
    faults.push_back({Errc::out_of_range, where + "/medCompN", "must be above 0, and of 16 bits"});
  const bool rates = from.mar_bw_dl || from.mar_bw_ul || from.mir_bw_dl || from.mir_bw_ul;
  if (!from.qos_reference && !from.med_type && !rates && !from.tsn_qos)
    faults.push_back({Errc::missing, where + "/qosReference",
                      "one of qosReference, medType, tsnQos and rates is needed"});
  using Type = n5::MediaTypeKnown;
  const auto type = from.med_type ? from.med_type->known() : std::nullopt;
  if (quirks.media_type_needed && !from.qos_reference && type != Type::audio &&
      type != Type::video && type != Type::control)
    faults.push_back({Errc::not_allowed, where + "/medType", "Unknown Media-Type"});
  check_flows(session, from, where, terms, faults);
  if (!from.qos_reference) check_figures(from, where, terms, faults);
  check_alternatives(from, where, terms, faults);
  check_names_of_releases(from, where, faults);
}

// ---- events -----------------------------------------------------------------------------------

/// The first subscription to `event`; null where there is none.
const n5::AfEventSubscription* subscribed(const AppSessionEvents& from, n5::AfEventKnown event) {
  const auto at = std::ranges::find_if(from.events,
                                       [&](const auto& one) { return one.event.known() == event; });
  return at == from.events.end() ? nullptr : &*at;
}

void read_parameters(const Parameters& from, const std::string& where, bool jitter,
                     MonitoringTerms& delay, MonitoringTerms& rates, Faults& faults) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto parameter = from[i].known();
    if (parameter == Parameter::downlink)
      delay.dl = true;
    else if (parameter == Parameter::uplink)
      delay.ul = true;
    else if (parameter == Parameter::round_trip)
      delay.round_trip = true;
    else if (parameter == Parameter::downlink_data_rate && !jitter)
      rates.dl = true;
    else if (parameter == Parameter::uplink_data_rate && !jitter)
      rates.ul = true;
    else
      faults.push_back(
          {Errc::not_allowed, where + "/" + std::to_string(i), "cannot be measured here"});
  }
}

void read_method(const n5::AfEventSubscription& from, const std::string& where,
                 const std::optional<n5::QosMonitoringInformation>& thresholds, bool rates,
                 MonitoringTerms& terms, Faults& faults) {
  terms.wait = seconds_of(from.wait_time.value_or(0));
  if (thresholds && rates) {
    if (thresholds->rep_thresh_dat_rate_dl)
      terms.threshold_dl = rate(thresholds->rep_thresh_dat_rate_dl,
                                where + "/qosMonDatRate/repThreshDatRateDl", faults)
                               .count;
    if (thresholds->rep_thresh_dat_rate_ul)
      terms.threshold_ul = rate(thresholds->rep_thresh_dat_rate_ul,
                                where + "/qosMonDatRate/repThreshDatRateUl", faults)
                               .count;
  } else if (thresholds) {
    terms.threshold_dl = unsigned_of(thresholds->rep_thresh_dl);
    terms.threshold_ul = unsigned_of(thresholds->rep_thresh_ul);
    terms.threshold_round_trip = unsigned_of(thresholds->rep_thresh_rp);
  }
  const auto method = from.notif_method ? from.notif_method->known() : std::nullopt;
  if (method == n5::AfNotifMethodKnown::periodic) {
    if (from.rep_period.value_or(0) > 0)
      terms.period = seconds_of(*from.rep_period);
    else
      faults.push_back({Errc::missing, where + "/events", "PERIODIC needs a repPeriod above 0"});
    return;
  }
  terms.on_threshold = true;
  const bool has = (terms.dl && terms.threshold_dl) || (terms.ul && terms.threshold_ul) ||
                   (terms.round_trip && terms.threshold_round_trip);
  if (!has)
    faults.push_back({Errc::missing, where + "/events",
                      "EVENT_DETECTION needs a threshold for what is measured"});
}

void read_monitoring(const AppSessionEvents& from, const std::string& where, Terms& terms,
                     Faults& faults) {
  if (const auto* asked = subscribed(from, n5::AfEventKnown::qos_monitoring)) {
    MonitoringTerms delay, rates;
    if (!from.req_qos_mon_params)
      faults.push_back({Errc::missing, where + "/reqQosMonParams", "QOS_MONITORING needs it"});
    else
      read_parameters(*from.req_qos_mon_params, where + "/reqQosMonParams", false, delay, rates,
                      faults);
    if (delay.dl || delay.ul || delay.round_trip) {
      read_method(*asked, where, from.qos_mon, false, delay, faults);
      terms.delay = delay;
    }
    if (rates.dl || rates.ul) {
      read_method(*asked, where, from.qos_mon_dat_rate, true, rates, faults);
      terms.rate = rates;
    }
  }
  if (const auto* asked = subscribed(from, n5::AfEventKnown::pack_del_var)) {
    MonitoringTerms jitter, none;
    if (!from.pdv_req_mon_params)
      faults.push_back({Errc::missing, where + "/pdvReqMonParams", "PACK_DEL_VAR needs it"});
    else
      read_parameters(*from.pdv_req_mon_params, where + "/pdvReqMonParams", true, jitter, none,
                      faults);
    read_method(*asked, where, from.pdv_mon, false, jitter, faults);
    terms.jitter = jitter;
  }
}

void read_usage(const AppSessionEvents& from, const std::string& where, Terms& terms,
                Faults& faults) {
  if (subscribed(from, n5::AfEventKnown::usage_report) != nullptr && !from.usg_thres)
    faults.push_back({Errc::missing, where + "/usgThres", "USAGE_REPORT needs it"});
  if (!from.usg_thres) return;
  const auto& given = *from.usg_thres;
  UsageTerms usage{.duration = {},
                   .total_bytes = unsigned_of(given.total_volume),
                   .dl_bytes = unsigned_of(given.downlink_volume),
                   .ul_bytes = unsigned_of(given.uplink_volume)};
  if (given.duration) usage.duration = seconds_of(*given.duration);
  const auto zero = [](const auto& value) { return value && *value == 0; };
  const bool none =
      !given.duration && !given.total_volume && !given.downlink_volume && !given.uplink_volume;
  if (none || zero(given.duration) || zero(given.total_volume) || zero(given.downlink_volume) ||
      zero(given.uplink_volume))
    faults.push_back(
        {Errc::out_of_range, where + "/usgThres", "needs a threshold above 0, and none of 0"});
  terms.usage = usage;
}

void read_events(const AppSessionEvents& from, const std::string& where, Terms& terms,
                 Faults& faults) {
  using Event = n5::AfEventKnown;
  const auto wants = [&](Event event, std::initializer_list<UserPlaneEventKnown> ours) {
    if (subscribed(from, event) != nullptr) terms.events.insert(ours);
  };
  using Ours = UserPlaneEventKnown;
  wants(Event::successful_resources_allocation, {Ours::successful_resources_allocation});
  wants(Event::failed_resources_allocation, {Ours::failed_resources_allocation});
  wants(Event::qos_notif, {Ours::qos_guaranteed, Ours::qos_not_guaranteed});
  wants(Event::qos_monitoring, {Ours::qos_monitoring});
  wants(Event::pack_del_var, {Ours::pack_delay_var});
  wants(Event::usage_report, {Ours::usage_report});
  if (from.notif_uri) {
    terms.destination = *from.notif_uri;
    if (!is_callback_uri(*from.notif_uri))
      faults.push_back({Errc::pattern, where + "/notifUri", "must be an absolute http(s) URI"});
  }
  read_monitoring(from, where, terms, faults);
  read_usage(from, where, terms, faults);
}

/// Known QoS references become figures; unknown ones are the operator's refusal, not a bad body.
Outcome<void> resolve_references(const std::string& key, const n5::MediaComponent& from,
                                 const World& world, Terms& terms) {
  if (!from.qos_reference) return {};
  const auto where = req + "/medComponents/" + key;
  Faults unknown;
  const auto quality_of = [&](const std::string& name, const std::string& here) {
    const auto* profile = world.profile(name);
    if (profile == nullptr)
      unknown.push_back({Errc::refused, here, "the network has no such QoS reference"});
    return profile == nullptr ? Quality{} : profile->quality;
  };
  terms.qos_reference = *from.qos_reference;
  terms.wanted = quality_of(terms.qos_reference, where + "/qosReference");
  const auto& names = from.alt_ser_reqs.value_or(std::vector<std::string>{});
  for (std::size_t i = 0; i < names.size(); ++i)
    terms.alternatives.push_back(
        {names[i], quality_of(names[i], where + "/altSerReqs/" + std::to_string(i))});
  if (unknown.empty()) return {};
  return refuse(403, "REQUESTED_SERVICE_NOT_AUTHORIZED", "A QoS reference is not known.",
                std::move(unknown));
}

}  // namespace

Outcome<UeIndex> ue_of(const AppSession& session, const World& world, const CoreConfig& config) {
  Subscription asked;
  asked.ue_ipv4_addr = session.ue_ipv4;
  asked.ue_ipv6_addr = session.ue_ipv6;
  asked.mac_addr = session.ue_mac;
  asked.ip_domain = session.ip_domain;
  asked.dnn = session.dnn;
  asked.snssai = session.slice_info;
  auto ue = ue_of(asked, world, config.no_session_status);
  if (!ue && config.pcf.plain_404_on_create) return refuse(404, "", "Not found");
  return ue;
}

std::vector<Fault> events_faults(const AppSessionEvents& events, const std::string& where) {
  Terms ignored;
  Faults faults;
  read_events(events, where, ignored, faults);
  return faults;
}

Outcome<Terms> terms_of(const AppSession& session, const World& world, const PcfQuirks& quirks) {
  Terms terms;
  Faults faults;
  terms.surface = Surface::pcf;
  terms.end_told_to = session.notif_uri;
  terms.destination = session.notif_uri;
  if (!is_callback_uri(session.notif_uri))
    faults.push_back({Errc::pattern, req + "/notifUri", "must be an absolute http(s) URI"});
  if (session.ip_domain && !session.ue_ipv4)
    faults.push_back({Errc::not_allowed, req + "/ipDomain", "needs ueIpv4"});
  if (session.ev_subsc) read_events(*session.ev_subsc, req + "/evSubsc", terms, faults);
  if (session.qos_duration) {
    terms.lifetime = seconds_of(*session.qos_duration);
    if (*session.qos_duration == 0)
      faults.push_back({Errc::out_of_range, req + "/qosDuration", "must be above 0"});
  }
  if (session.med_components)
    for (const auto& [key, component] : *session.med_components)
      check_component(session, key, component, quirks, terms, faults);
  if (!faults.empty()) {
    const bool only_filters = std::ranges::all_of(faults, [](const Fault& fault) {
      return fault.where.find("/fDescs/") != std::string::npos;
    });
    return refuse(400, only_filters ? "FILTER_RESTRICTIONS" : "INVALID_SERVICE_INFORMATION",
                  "The service information does not hold together.", std::move(faults));
  }
  if (!session.med_components) return terms;
  if (session.med_components->size() > 1)
    return refuse(403, "REQUESTED_SERVICE_NOT_AUTHORIZED",
                  "One media component for a session is served.",
                  {{Errc::not_allowed, req + "/medComponents", "has more than one"}});
  const auto& [key, component] = *session.med_components->begin();
  if (auto resolved = resolve_references(key, component, world, terms); !resolved)
    return tl::unexpected<Refusal>(std::move(resolved.error()));
  terms.treatment = treatment_of(component, world);
  return terms;
}

}  // namespace lobo::core_sim
