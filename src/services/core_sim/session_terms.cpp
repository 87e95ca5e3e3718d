#include "services/core_sim/session_terms.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/as_session_with_qos.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "model/flow_description.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/smf_treatment.hpp"
#include "services/core_sim/term_checks.hpp"
#include "services/core_sim/world.hpp"
#include "wire/http/url.hpp"

namespace lobo::core_sim {

namespace {

using api::as_session_with_qos::FlowInfo;
using api::as_session_with_qos::QosMonitoringInformation;
using api::as_session_with_qos::ReportingFrequencyKnown;
using api::as_session_with_qos::RequestedQosMonitoringParameterKnown;
using api::as_session_with_qos::TscQosRequirement;

// The member of one release and its successors in the next say the same twice.
void not_both(Member older, std::initializer_list<Member> newer, Faults& faults) {
  if (older.present && how_many(newer) > 0)
    faults.push_back({Errc::not_allowed, "/" + std::string(older.name),
                      "was renamed; it may not stand beside its new name"});
}

void check_flow(const FlowInfo& flow, const std::string& where, Faults& faults) {
  if (!flow.flow_descriptions) return;
  std::optional<model::FlowDescription::Direction> first;
  for (std::size_t i = 0; i < flow.flow_descriptions->size(); ++i) {
    const auto here = where + "/flowDescriptions/" + std::to_string(i);
    const auto rule = model::FlowDescription::parse((*flow.flow_descriptions)[i]);
    if (!rule) {
      faults.push_back({Errc::pattern, here, rule.error().detail});
      continue;
    }
    if (first == rule->direction)
      faults.push_back({Errc::not_allowed, here, "the flow has a rule of that direction already"});
    first = rule->direction;
  }
}

template <class Flows>
void check_flow_ids(const Flows& flows, const std::string& member, Terms& terms, Faults& faults) {
  if (flows.size() > flows_per_session_max)
    faults.push_back({Errc::out_of_range, "/" + member, "more flows than a session may have"});
  std::set<std::int64_t> seen;
  for (std::size_t i = 0; i < flows.size(); ++i) {
    const auto id = flows[i].flow_id;
    const auto where = "/" + member + "/" + std::to_string(i) + "/flowId";
    if (id <= 0) faults.push_back({Errc::out_of_range, where, "must be above 0"});
    if (!seen.insert(id).second) faults.push_back({Errc::duplicate, where, "stands twice"});
    terms.flow_ids.push_back(id);
  }
}

void check_flows(const Subscription& from, Terms& terms, Faults& faults) {
  exactly_one({{from.flow_info.has_value(), "flowInfo"},
               {from.eth_flow_info.has_value(), "ethFlowInfo"},
               {from.en_eth_flow_info.has_value(), "enEthFlowInfo"},
               {from.exter_app_id.has_value(), "exterAppId"}},
              faults);
  if (from.flow_info) {
    check_flow_ids(*from.flow_info, "flowInfo", terms, faults);
    for (std::size_t i = 0; i < from.flow_info->size(); ++i)
      check_flow((*from.flow_info)[i], "/flowInfo/" + std::to_string(i), faults);
  }
  if (from.en_eth_flow_info) check_flow_ids(*from.en_eth_flow_info, "enEthFlowInfo", terms, faults);
  const bool ip = from.ue_ipv4_addr || from.ue_ipv6_addr;
  if (from.eth_flow_info && ip)
    faults.push_back({Errc::not_allowed, "/ethFlowInfo", "an Ethernet flow has no UE IP address"});
  if (from.en_eth_flow_info && ip)
    faults.push_back(
        {Errc::not_allowed, "/enEthFlowInfo", "an Ethernet flow has no UE IP address"});
}

bool gives_figures(const TscQosRequirement& figures) {
  return figures.req_gbr_dl || figures.req_gbr_ul || figures.req_mbr_dl || figures.req_mbr_ul ||
         figures.req5_gsdelay || figures.req_per;
}

void check_figures(const Subscription& from, Terms& terms, Faults& faults) {
  const auto& figures = *from.tsc_qos_req;
  terms.wanted = {.gbr_dl = rate(figures.req_gbr_dl, "/tscQosReq/reqGbrDl", faults),
                  .gbr_ul = rate(figures.req_gbr_ul, "/tscQosReq/reqGbrUl", faults),
                  .delay_budget = budget(figures.req5_gsdelay),
                  .loss_ppm_max = ppm(figures.req_per)};
  const auto mbr_dl = rate(figures.req_mbr_dl, "/tscQosReq/reqMbrDl", faults);
  const auto mbr_ul = rate(figures.req_mbr_ul, "/tscQosReq/reqMbrUl", faults);
  if (figures.req_mbr_dl && mbr_dl < terms.wanted.gbr_dl)
    faults.push_back({Errc::out_of_range, "/tscQosReq/reqMbrDl", "must not be below reqGbrDl"});
  if (figures.req_mbr_ul && mbr_ul < terms.wanted.gbr_ul)
    faults.push_back({Errc::out_of_range, "/tscQosReq/reqMbrUl", "must not be below reqGbrUl"});
  if (!from.alt_qos_reqs) return;
  for (std::size_t i = 0; i < from.alt_qos_reqs->size(); ++i) {
    const auto& set = (*from.alt_qos_reqs)[i];
    const auto where = "/altQosReqs/" + std::to_string(i);
    terms.alternatives.push_back({set.alt_qos_param_set_ref,
                                  {.gbr_dl = rate(set.gbr_dl, where + "/gbrDl", faults),
                                   .gbr_ul = rate(set.gbr_ul, where + "/gbrUl", faults),
                                   .delay_budget = budget(set.pdb),
                                   .loss_ppm_max = ppm(set.per)}});
  }
}

void check_quality(const Subscription& from, Terms& terms, Faults& faults) {
  const bool figures = from.tsc_qos_req && gives_figures(*from.tsc_qos_req);
  exactly_one({{from.qos_reference.has_value(), "qosReference"}, {figures, "tscQosReq"}}, faults);
  if (from.alt_qo_s_references && !from.qos_reference)
    faults.push_back({Errc::not_allowed, "/altQoSReferences", "needs qosReference"});
  if (from.alt_qos_reqs && !figures)
    faults.push_back({Errc::not_allowed, "/altQosReqs", "needs figures in tscQosReq"});
  const auto alternatives = (from.alt_qo_s_references ? from.alt_qo_s_references->size() : 0) +
                            (from.alt_qos_reqs ? from.alt_qos_reqs->size() : 0);
  if (alternatives > alternatives_per_session_max)
    faults.push_back({Errc::out_of_range, from.alt_qos_reqs ? "/altQosReqs" : "/altQoSReferences",
                      "more alternatives than a session may have"});
  if (figures) check_figures(from, terms, faults);
}

// Known QoS references become figures; unknown ones are the operator's refusal, not a bad body.
Outcome<void> resolve_references(const Subscription& from, const World& world, Terms& terms) {
  if (!from.qos_reference) return {};
  Faults unknown;
  const auto* wanted = world.profile(*from.qos_reference);
  if (wanted == nullptr)
    unknown.push_back({Errc::refused, "/qosReference", "the network has no such QoS reference"});
  else
    terms.wanted = wanted->quality;
  terms.qos_reference = *from.qos_reference;
  const auto& names = from.alt_qo_s_references.value_or(std::vector<std::string>{});
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto* profile = world.profile(names[i]);
    if (profile == nullptr)
      unknown.push_back({Errc::refused, "/altQoSReferences/" + std::to_string(i),
                         "the network has no such QoS reference"});
    else
      terms.alternatives.push_back({names[i], profile->quality});
  }
  if (unknown.empty()) return {};
  return refuse(403, "REQUESTED_SERVICE_NOT_AUTHORIZED", "A QoS reference is not known.", unknown);
}

void read_parameters(const QosMonitoringInformation& from, const std::string& where, bool rates,
                     MonitoringTerms& terms, Faults& faults) {
  using Parameter = RequestedQosMonitoringParameterKnown;
  for (std::size_t i = 0; i < from.req_qos_mon_params.size(); ++i) {
    const auto parameter = from.req_qos_mon_params[i].known();
    if (parameter == (rates ? Parameter::downlink_data_rate : Parameter::downlink))
      terms.dl = true;
    else if (parameter == (rates ? Parameter::uplink_data_rate : Parameter::uplink))
      terms.ul = true;
    else if (!rates && parameter == Parameter::round_trip)
      terms.round_trip = true;
    else
      faults.push_back({Errc::not_allowed, where + "/reqQosMonParams/" + std::to_string(i),
                        "cannot be measured here"});
  }
}

void read_frequencies(const QosMonitoringInformation& from, const std::string& where,
                      MonitoringTerms& terms, Faults& faults) {
  for (std::size_t i = 0; i < from.rep_freqs.size(); ++i) {
    const auto here = where + "/repFreqs/" + std::to_string(i);
    const auto frequency = from.rep_freqs[i].known();
    if (!frequency) {
      faults.push_back({Errc::not_allowed, here, "is not known"});
    } else if (*frequency == ReportingFrequencyKnown::event_triggered) {
      terms.on_threshold = true;
    } else if (from.rep_period.value_or(0) > 0) {
      terms.period = seconds_of(*from.rep_period);
    } else {
      faults.push_back({Errc::missing, where + "/repPeriod", "PERIODIC needs a period above 0"});
    }
  }
}

std::optional<MonitoringTerms> monitoring(const std::optional<QosMonitoringInformation>& from,
                                          const std::string& where, bool rates, Faults& faults) {
  if (!from) return std::nullopt;
  MonitoringTerms terms;
  read_parameters(*from, where, rates, terms, faults);
  read_frequencies(*from, where, terms, faults);
  terms.wait = seconds_of(from->wait_time.value_or(0));
  if (rates) {
    if (from->rep_thresh_dat_rate_dl)
      terms.threshold_dl =
          rate(from->rep_thresh_dat_rate_dl, where + "/repThreshDatRateDl", faults).count;
    if (from->rep_thresh_dat_rate_ul)
      terms.threshold_ul =
          rate(from->rep_thresh_dat_rate_ul, where + "/repThreshDatRateUl", faults).count;
  } else {
    terms.threshold_dl = unsigned_of(from->rep_thresh_dl);
    terms.threshold_ul = unsigned_of(from->rep_thresh_ul);
    terms.threshold_round_trip = unsigned_of(from->rep_thresh_rp);
  }
  const bool has_threshold = (terms.dl && terms.threshold_dl) || (terms.ul && terms.threshold_ul) ||
                             (terms.round_trip && terms.threshold_round_trip);
  if (terms.on_threshold && !has_threshold)
    faults.push_back({Errc::missing, where + (rates ? "/repThreshDatRateDl" : "/repThreshDl"),
                      "EVENT_TRIGGERED needs a threshold for what is measured"});
  return terms;
}

void check_usage(const Subscription& from, Terms& terms, Faults& faults) {
  if (!from.usage_threshold) return;
  const auto& given = *from.usage_threshold;
  UsageTerms usage{.total_bytes = unsigned_of(given.total_volume),
                   .dl_bytes = unsigned_of(given.downlink_volume),
                   .ul_bytes = unsigned_of(given.uplink_volume)};
  if (given.duration) usage.duration = seconds_of(*given.duration);
  const auto zero = [](const auto& value) { return value && *value == 0; };
  const bool none =
      !given.duration && !given.total_volume && !given.downlink_volume && !given.uplink_volume;
  if (none || zero(given.duration) || zero(given.total_volume) || zero(given.downlink_volume) ||
      zero(given.uplink_volume))
    faults.push_back(
        {Errc::out_of_range, "/usageThreshold", "needs a threshold above 0, and none of 0"});
  terms.usage = usage;
}

void check_events(const Subscription& from, Terms& terms, Faults& faults) {
  if (!from.events) return;
  for (const auto& event : *from.events)
    if (const auto known = event.known()) terms.events.insert(*known);
  using Event = UserPlaneEventKnown;
  if (terms.wants(Event::qos_monitoring) && !from.qos_mon_info && !from.qos_mon_dat_rate)
    faults.push_back(
        {Errc::missing, "/qosMonInfo", "QOS_MONITORING needs qosMonInfo or qosMonDatRate"});
  if (terms.wants(Event::pack_delay_var) && !from.pdv_mon)
    faults.push_back({Errc::missing, "/pdvMon", "PACK_DELAY_VAR needs pdvMon"});
  if (terms.wants(Event::usage_report) && !from.usage_threshold)
    faults.push_back({Errc::missing, "/usageThreshold", "USAGE_REPORT needs usageThreshold"});
}

void check_names_of_releases(const Subscription& from, Faults& faults) {
  not_both({from.l4s_info.has_value(), "l4sInfo"}, {{from.l4s_ind.has_value(), "l4sInd"}}, faults);
  not_both({from.pdu_set_qos.has_value(), "pduSetQos"},
           {{from.pdu_set_qos_dl.has_value(), "pduSetQosDl"},
            {from.pdu_set_qos_ul.has_value(), "pduSetQosUl"}},
           faults);
  not_both({from.proto_desc.has_value(), "protoDesc"},
           {{from.proto_desc_dl.has_value(), "protoDescDl"},
            {from.proto_desc_ul.has_value(), "protoDescUl"}},
           faults);
}

void check_ue_form(const Subscription& from, Faults& faults) {
  exactly_one({{from.ue_ipv4_addr.has_value(), "ueIpv4Addr"},
               {from.ue_ipv6_addr.has_value(), "ueIpv6Addr"},
               {from.mac_addr.has_value(), "macAddr"},
               {from.gpsi.has_value(), "gpsi"},
               {from.ext_group_id.has_value(), "extGroupId"}},
              faults);
  if (from.ip_domain && !from.ue_ipv4_addr)
    faults.push_back({Errc::not_allowed, "/ipDomain", "needs ueIpv4Addr"});
  if (from.ext_group_id)
    faults.push_back({Errc::not_allowed, "/extGroupId", "groups are not served"});
}

}  // namespace

bool is_callback_uri(std::string_view uri) { return http::parse_url(uri).has_value(); }

Outcome<UeIndex> ue_of(const Subscription& from, const World& world, int no_session_status) {
  std::optional<UeIndex> index;
  if (from.ue_ipv4_addr) index = world.by_ipv4(*from.ue_ipv4_addr, from.ip_domain.value_or(""));
  if (from.ue_ipv6_addr) index = world.by_ipv6(*from.ue_ipv6_addr);
  if (from.mac_addr) index = world.by_mac(*from.mac_addr);
  if (from.gpsi) {
    index = world.by_gpsi(*from.gpsi);
    if (!index)
      return refuse(404, "USER_NOT_FOUND", "No UE has that GPSI.",
                    {{Errc::not_found, "/gpsi", "is not known"}});
  }
  if (index && world.ue(*index).session_up) {
    const auto& ue = world.ue(*index).config;
    const bool other_dnn = from.dnn && *from.dnn != ue.dnn;
    const bool other_slice =
        from.snssai &&
        (from.snssai->sst != static_cast<std::int64_t>(ue.snssai.sst) ||
         (from.snssai->sd && lower_ascii(*from.snssai->sd) != lower_ascii(ue.snssai.sd)));
    if (!other_dnn && !other_slice) return *index;
  }
  return refuse(no_session_status, "PDU_SESSION_NOT_AVAILABLE",
                "The UE has no PDU session that the request could be about.");
}

Outcome<Terms> terms_of(const Subscription& from, const World& world) {
  Terms terms;
  Faults faults;
  terms.destination = from.notification_destination;
  if (!is_callback_uri(from.notification_destination))
    faults.push_back(
        {Errc::pattern, "/notificationDestination", "must be an absolute http(s) URI"});
  check_ue_form(from, faults);
  check_flows(from, terms, faults);
  check_quality(from, terms, faults);
  check_usage(from, terms, faults);
  check_events(from, terms, faults);
  check_names_of_releases(from, faults);
  terms.delay = monitoring(from.qos_mon_info, "/qosMonInfo", false, faults);
  terms.rate = monitoring(from.qos_mon_dat_rate, "/qosMonDatRate", true, faults);
  terms.jitter = monitoring(from.pdv_mon, "/pdvMon", false, faults);
  if (from.qos_duration) {
    terms.lifetime = seconds_of(*from.qos_duration);
    if (*from.qos_duration == 0)
      faults.push_back({Errc::out_of_range, "/qosDuration", "must be above 0"});
  }
  terms.treatment = treatment_of(from, world);
  terms.test_notification = from.request_test_notification.value_or(false);
  if (!faults.empty()) {
    const auto code = faults.front().code;
    return refuse(code, "The members do not fit together.", std::move(faults));
  }
  if (auto resolved = resolve_references(from, world, terms); !resolved)
    return tl::unexpected<Refusal>(std::move(resolved.error()));
  return terms;
}

}  // namespace lobo::core_sim
