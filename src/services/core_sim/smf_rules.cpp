#include "services/core_sim/smf_rules.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/quantity.hpp"
#include "model/address.hpp"
#include "model/flow_description.hpp"
#include "services/core_sim/smf_flow.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::core_sim {

namespace {

using pfcp::Interface;

constexpr pfcp::FarId to_ran{1};
constexpr pfcp::FarId to_network{2};
constexpr pfcp::QerId session_ambr{1};
/// Lower is looked at first: flows that name something, those that take all of the UE's packets,
/// the default flow; within each in the order of their QFI.
constexpr std::uint32_t precedence_naming = 100;
constexpr std::uint32_t precedence_of_all = 200;
constexpr std::uint32_t precedence_default = 65'000;
/// PDRs of one establishment with the same choice share their tunnel (clause 5.2.3.2).
constexpr std::uint8_t choice_of_tunnel = 1;

constexpr pfcp::PdrId downlink_pdr(QfiNumber qfi) {
  return {static_cast<std::uint16_t>(2 * qfi - 1)};
}
constexpr pfcp::PdrId uplink_pdr(QfiNumber qfi) { return {static_cast<std::uint16_t>(2 * qfi)}; }
constexpr pfcp::QerId qer_of(QfiNumber qfi) { return {qfi + 1U}; }
constexpr pfcp::UrrId urr_of(QfiNumber qfi) { return {qfi}; }
constexpr pfcp::SrrId srr_of(QfiNumber qfi) { return {qfi}; }

/// Rounded up: what was promised is not policed away.
pfcp::KilobitsPerSecond kilobits(BitsPerSecond rate) { return {(rate.count + 999) / 1000}; }
pfcp::BitRates rates(BitsPerSecond ul, BitsPerSecond dl) { return {kilobits(ul), kilobits(dl)}; }

template <class List, class Value>
void add(List& list, const Value& value) {
  (void)list.add(value);  // The callers keep within its bound.
}

std::optional<pfcp::Octets> instance(const std::string& name) {
  if (name.empty()) return std::nullopt;
  return pfcp::Octets{pfcp::bytes_of(name)};
}

pfcp::UeIpAddress ue_address(const PduSessionFacts& facts, bool is_destination) {
  return {.v4 = facts.ipv4, .v6 = facts.ipv6, .is_destination = is_destination};
}

pfcp::OuterHeaderCreation gtpu_to(const GnbTunnel& gnb) {
  pfcp::OuterHeaderCreation header{.teid = gnb.teid};
  if (const auto* v4 = std::get_if<model::Ipv4Address>(&gnb.address)) {
    header.description.set(pfcp::OuterHeader::gtpu_udp_ipv4);
    header.v4 = *v4;
  } else {
    header.description.set(pfcp::OuterHeader::gtpu_udp_ipv6);
    header.v6 = std::get<model::Ipv6Address>(gnb.address);
  }
  return header;
}

/// Table 8.2.64-1: as the tunnel is made.
pfcp::OuterHeaderRemoval gtpu_removal(const GnbTunnel& gnb) {
  constexpr std::uint8_t over_ipv4 = 0;
  constexpr std::uint8_t over_ipv6 = 1;
  return {.description =
              std::holds_alternative<model::Ipv4Address>(gnb.address) ? over_ipv4 : over_ipv6};
}

// ---- detection --------------------------------------------------------------------------------

void add_filters(const std::vector<std::string>& filters, pfcp::Pdi& pdi) {
  for (const auto& filter : filters)
    add(pdi.sdf_filters, pfcp::SdfFilter{.flow_description = filter});
}

pfcp::Pdi downlink_pdi(const PduSessionFacts& facts, const Treatment* treatment) {
  pfcp::Pdi pdi{.source_interface = Interface::core, .network_instance = instance(facts.dnn)};
  add(pdi.ue_addresses, ue_address(facts, true));
  if (treatment == nullptr) return pdi;
  add_filters(treatment->filters_dl, pdi);
  if (treatment->protocol_dl) pdi.protocol_description = protocol_of(*treatment->protocol_dl);
  return pdi;
}

pfcp::Pdi uplink_pdi(const PduSessionFacts& facts, const pfcp::LocalFTeid& tunnel,
                     const Treatment* treatment) {
  pfcp::Pdi pdi{.source_interface = Interface::access,
                .local_f_teid = tunnel,
                .network_instance = instance(facts.n3_instance)};
  add(pdi.ue_addresses, ue_address(facts, false));
  if (treatment == nullptr) return pdi;
  add_filters(treatment->filters_ul, pdi);
  if (treatment->protocol_ul) pdi.protocol_description = protocol_of(*treatment->protocol_ul);
  return pdi;
}

pfcp::Precedence precedence_of(QfiNumber qfi, const pfcp::Pdi& pdi) {
  if (qfi == default_qfi) return {precedence_default};
  const bool all = std::ranges::any_of(pdi.sdf_filters, [](const pfcp::SdfFilter& filter) {
    return takes_all(*filter.flow_description);
  });
  return {(all ? precedence_of_all : precedence_naming) + qfi};
}

/// A PDR of flow `qfi`, under the session's AMBR unless the flow is guaranteed.
pfcp::CreatePdr pdr(pfcp::PdrId id, QfiNumber qfi, const pfcp::Pdi& pdi, pfcp::FarId far,
                    bool guaranteed) {
  pfcp::CreatePdr made{.id = id, .precedence = precedence_of(qfi, pdi), .pdi = pdi, .far = far};
  if (!guaranteed) add(made.qers, session_ambr);
  add(made.qers, qer_of(qfi));
  add(made.urrs, urr_of(qfi));
  add(made.urrs, session_urr);
  return made;
}

pfcp::CreatePdr uplink(const PduSessionFacts& facts, const pfcp::LocalFTeid& tunnel, QfiNumber qfi,
                       const FlowSpec* spec) {
  auto made = pdr(uplink_pdr(qfi), qfi,
                  uplink_pdi(facts, tunnel, spec == nullptr ? nullptr : &spec->treatment),
                  to_network, spec != nullptr && spec->guaranteed());
  made.outer_header_removal = gtpu_removal(facts.gnb);
  return made;
}
pfcp::CreatePdr downlink(const PduSessionFacts& facts, QfiNumber qfi, const FlowSpec* spec) {
  return pdr(downlink_pdr(qfi), qfi,
             downlink_pdi(facts, spec == nullptr ? nullptr : &spec->treatment), to_ran,
             spec != nullptr && spec->guaranteed());
}

pfcp::UpdatePdr update_of(const pfcp::CreatePdr& pdr) {
  return {.id = pdr.id,
          .precedence = pdr.precedence,
          .pdi = pdr.pdi,
          .urrs = pdr.urrs,
          .qers = pdr.qers};
}

// ---- treatment --------------------------------------------------------------------------------

/// What the UPF is to tell the RAN of the flow (TS 23.501 clause 5.37.5). The end of a burst is
/// marked wherever the stream says it: both ways of marking have the bit.
pfcp::QerIndications indications_of(const Treatment& treatment) {
  pfcp::QerIndications indications;
  const bool described = treatment.protocol_dl.has_value();
  if (described || treatment.pdu_set_dl) indications.set(pfcp::QerIndication::pdusm);
  if (described) indications.set(pfcp::QerIndication::edbmi);
  if (treatment.burst_size) indications.set(pfcp::QerIndication::dbsmi);
  if (treatment.time_to_next_burst) indications.set(pfcp::QerIndication::tnbmi);
  return indications;
}

/// At most what was asked for as such; else what is guaranteed; else what the session may have.
BitsPerSecond most(const std::optional<BitsPerSecond>& asked, BitsPerSecond guaranteed,
                   BitsPerSecond ambr) {
  if (asked) return std::max(*asked, guaranteed);
  return guaranteed.count > 0 ? guaranteed : ambr;
}

pfcp::CreateQer flow_qer(const PduSessionFacts& facts, QfiNumber qfi, const FlowSpec& spec) {
  const auto& quality = spec.quality;
  pfcp::CreateQer qer{.id = qer_of(qfi), .qfi = pfcp::Qfi{qfi}};
  qer.maximum_bit_rate = rates(most(spec.treatment.mbr_ul, quality.gbr_ul, facts.ambr_ul),
                               most(spec.treatment.mbr_dl, quality.gbr_dl, facts.ambr_dl));
  qer.guaranteed_bit_rate = rates(quality.gbr_ul, quality.gbr_dl);
  if (!spec.guaranteed()) qer.guaranteed_bit_rate.reset();
  if (spec.treatment.averaging_window)
    qer.averaging_window =
        pfcp::Milliseconds32(static_cast<std::uint32_t>(spec.treatment.averaging_window->count()));
  if (const auto indications = indications_of(spec.treatment); indications.any())
    qer.indications = indications;
  return qer;
}

pfcp::UpdateQer update_of(const pfcp::CreateQer& to, const pfcp::CreateQer& from) {
  pfcp::UpdateQer update{.id = to.id,
                         .maximum_bit_rate = to.maximum_bit_rate,
                         .guaranteed_bit_rate = to.guaranteed_bit_rate,
                         .averaging_window = to.averaging_window,
                         .indications = to.indications};
  // What is absent stays as it was, so what is gone is said.
  if (from.guaranteed_bit_rate && !to.guaranteed_bit_rate)
    update.guaranteed_bit_rate = pfcp::BitRates{};
  if (from.indications && !to.indications) update.indications = pfcp::QerIndications{};
  return update;
}

// ---- measurement ------------------------------------------------------------------------------

pfcp::Seconds32 seconds(std::chrono::seconds time) {
  return pfcp::Seconds32(static_cast<std::uint32_t>(time.count()));
}

pfcp::CreateUrr periodic_urr(pfcp::UrrId id, std::chrono::seconds period) {
  return {.id = id,
          .method = {pfcp::Measurement::duration, pfcp::Measurement::volume},
          .triggers = {pfcp::ReportingTrigger::periodic},
          .period = seconds(period)};
}

std::optional<pfcp::Milliseconds32> threshold(
    bool measured, const std::optional<std::chrono::milliseconds>& value) {
  if (!measured || !value) return std::nullopt;
  return pfcp::Milliseconds32(static_cast<std::uint32_t>(value->count()));
}

pfcp::Srr srr(pfcp::SrrId id, const std::vector<QfiNumber>& qfis, const DelayMonitoring& delay) {
  pfcp::QosMonitoringControl control;
  for (const auto qfi : qfis) add(control.qfis, pfcp::Qfi{qfi});
  if (delay.dl) control.requested.set(pfcp::MonitoredDelay::downlink);
  if (delay.ul) control.requested.set(pfcp::MonitoredDelay::uplink);
  if (delay.round_trip) control.requested.set(pfcp::MonitoredDelay::round_trip);
  if (delay.period) {
    control.frequency.set(pfcp::Frequency::periodic);
    control.period = seconds(*delay.period);
  }
  if (delay.on_threshold) {
    control.frequency.set(pfcp::Frequency::event_triggered);
    control.thresholds = pfcp::PacketDelayThresholds{
        .downlink = threshold(delay.dl, delay.threshold_dl),
        .uplink = threshold(delay.ul, delay.threshold_ul),
        .round_trip = threshold(delay.round_trip, delay.threshold_round_trip)};
    control.minimum_wait = seconds(delay.wait);
  }
  pfcp::Srr made{.id = id};
  add(made.monitored, control);
  return made;
}

pfcp::Srr flow_srr(QfiNumber qfi, const DelayMonitoring& delay) {
  return srr(srr_of(qfi), {qfi}, delay);
}

}  // namespace

bool takes_all(std::string_view filter) {
  const auto description = model::FlowDescription::parse(filter);
  return description && !description->protocol && description->from.ports.empty() &&
         description->to.ports.empty() && description->from.kind == model::FlowEndpoint::Kind::any;
}

// ---- requests ---------------------------------------------------------------------------------

pfcp::SessionEstablishmentRequest Rules::establishment(const pfcp::NodeId& node,
                                                       const pfcp::FSeid& own) const {
  pfcp::SessionEstablishmentRequest request{.node = node, .cp_f_seid = own};
  request.create_pdrs = {create_pdrs};
  request.create_fars = {create_fars};
  request.create_urrs = {create_urrs};
  request.create_qers = {create_qers};
  request.create_srrs = {create_srrs};
  return request;
}

pfcp::SessionModificationRequest Rules::modification() const {
  pfcp::SessionModificationRequest request;
  request.remove_pdrs = {remove_pdrs};
  request.remove_urrs = {remove_urrs};
  request.remove_qers = {remove_qers};
  request.remove_srrs = {remove_srrs};
  request.create_pdrs = {create_pdrs};
  request.create_fars = {create_fars};
  request.create_urrs = {create_urrs};
  request.create_qers = {create_qers};
  request.create_srrs = {create_srrs};
  request.update_pdrs = {update_pdrs};
  request.update_fars = {update_fars};
  request.update_urrs = {update_urrs};
  request.update_qers = {update_qers};
  request.update_srrs = {update_srrs};
  return request;
}

Rules default_rules(const PduSessionFacts& facts) {
  const bool v4 = std::holds_alternative<model::Ipv4Address>(facts.gnb.address);
  const pfcp::FTeidChoice choice{.v4 = v4, .v6 = !v4, .choose_id = choice_of_tunnel};
  Rules rules;
  rules.create_pdrs = {downlink(facts, default_qfi, nullptr),
                       uplink(facts, choice, default_qfi, nullptr)};
  pfcp::ForwardingParameters ran{.destination_interface = Interface::access,
                                 .network_instance = instance(facts.n3_instance),
                                 .outer_header_creation = gtpu_to(facts.gnb)};
  pfcp::ForwardingParameters network{.destination_interface = Interface::core,
                                     .network_instance = instance(facts.dnn)};
  rules.create_fars = {
      {.id = to_ran, .apply_action = {pfcp::Action::forw}, .forwarding_parameters = ran},
      {.id = to_network, .apply_action = {pfcp::Action::forw}, .forwarding_parameters = network}};
  rules.create_qers = {
      {.id = session_ambr, .maximum_bit_rate = rates(facts.ambr_ul, facts.ambr_dl)},
      {.id = qer_of(default_qfi), .qfi = pfcp::Qfi{default_qfi}}};
  rules.create_urrs = {periodic_urr(urr_of(default_qfi), usage_period_default),
                       periodic_urr(session_urr, usage_period_default)};
  return rules;
}

Rules rules_to_add(const PduSessionFacts& facts, const pfcp::FTeid& tunnel, QfiNumber qfi,
                   const FlowSpec& spec) {
  Rules rules;
  if (!spec.treatment.filters_dl.empty()) rules.create_pdrs.push_back(downlink(facts, qfi, &spec));
  if (!spec.treatment.filters_ul.empty())
    rules.create_pdrs.push_back(uplink(facts, tunnel, qfi, &spec));
  rules.create_qers = {flow_qer(facts, qfi, spec)};
  rules.create_urrs = {periodic_urr(urr_of(qfi), spec.usage_period)};
  if (spec.delay) rules.create_srrs = {flow_srr(qfi, *spec.delay)};
  return rules;
}

Rules rules_to_change(const PduSessionFacts& facts, const pfcp::FTeid& tunnel, QfiNumber qfi,
                      const FlowSpec& from, const FlowSpec& to) {
  Rules rules;
  const auto change_pdr = [&](bool was, bool is, const auto& made, pfcp::PdrId id) {
    if (was && is) rules.update_pdrs.push_back(update_of(made()));
    if (!was && is) rules.create_pdrs.push_back(made());
    if (was && !is) rules.remove_pdrs.push_back({id});
  };
  change_pdr(
      !from.treatment.filters_dl.empty(), !to.treatment.filters_dl.empty(),
      [&] { return downlink(facts, qfi, &to); }, downlink_pdr(qfi));
  change_pdr(
      !from.treatment.filters_ul.empty(), !to.treatment.filters_ul.empty(),
      [&] { return uplink(facts, tunnel, qfi, &to); }, uplink_pdr(qfi));
  rules.update_qers = {update_of(flow_qer(facts, qfi, to), flow_qer(facts, qfi, from))};
  if (from.usage_period != to.usage_period)
    rules.update_urrs = {{.id = urr_of(qfi), .period = seconds(to.usage_period)}};
  if (from.delay && to.delay && from.delay != to.delay)
    rules.update_srrs = {flow_srr(qfi, *to.delay)};
  if (!from.delay && to.delay) rules.create_srrs = {flow_srr(qfi, *to.delay)};
  if (from.delay && !to.delay) rules.remove_srrs = {{srr_of(qfi)}};
  return rules;
}

Rules rules_to_remove(QfiNumber qfi, const FlowSpec& spec) {
  Rules rules;
  if (!spec.treatment.filters_dl.empty()) rules.remove_pdrs.push_back({downlink_pdr(qfi)});
  if (!spec.treatment.filters_ul.empty()) rules.remove_pdrs.push_back({uplink_pdr(qfi)});
  rules.remove_qers = {{qer_of(qfi)}};
  rules.remove_urrs = {{urr_of(qfi)}};
  if (spec.delay) rules.remove_srrs = {{srr_of(qfi)}};
  return rules;
}

Rules rules_to_watch(const SessionWatch& from, const SessionWatch& to) {
  Rules rules;
  if (from.usage_period != to.usage_period)
    rules.update_urrs = {{.id = session_urr, .period = seconds(to.usage_period)}};
  const bool same = from.delay == to.delay && from.qfis == to.qfis;
  if (same) return rules;
  if (from.delay && to.delay) rules.update_srrs = {srr(session_srr, to.qfis, *to.delay)};
  if (!from.delay && to.delay) rules.create_srrs = {srr(session_srr, to.qfis, *to.delay)};
  if (from.delay && !to.delay) rules.remove_srrs = {{session_srr}};
  return rules;
}

Rules rules_to_move(const PduSessionFacts& facts) {
  pfcp::UpdateForwardingParameters ran{.outer_header_creation = gtpu_to(facts.gnb)};
  Rules rules;
  rules.update_fars = {{.id = to_ran, .forwarding_parameters = ran}};
  return rules;
}

}  // namespace lobo::core_sim
