// From the rules of a session to what the packet path reads of them: match_line.hpp, treatment.hpp.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "dataplane/rules/path_state.hpp"
#include "dataplane/rules/rule_set.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/rules/token_bucket.hpp"
#include "dataplane/rules/treatment.hpp"
#include "dataplane/set_queue.hpp"
#include "dataplane/set_tracker.hpp"
#include "model/address.hpp"
#include "model/pdu_set.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/flow_filter.hpp"
#include "wire/pfcp/media.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {
namespace {

using packet::Travel;

constexpr std::uint8_t dscp_mask = 0xFC;

bool indicates(const Qer& qer, pfcp::QerIndication indication) {
  return qer.indications && qer.indications->has(indication);
}

pfcp::KilobitsPerSecond rate_of(const pfcp::BitRates& rates, Travel travel) {
  return travel == Travel::to_ue ? rates.downlink : rates.uplink;
}

BucketLimits limits_of(pfcp::KilobitsPerSecond rate, const Qer& qer, double part_of_window) {
  const auto window = std::clamp(qer.averaging_window.value_or(averaging_window_default),
                                 averaging_window_min, averaging_window_max);
  constexpr double ns_per_ms = 1e6;
  const double octets_per_ns = static_cast<double>(rate.count) / 8e6;  // kbit/s
  return {
      .octets_per_ns = octets_per_ns,
      .depth = octets_per_ns * static_cast<double>(window.count()) * ns_per_ms * part_of_window};
}

BucketLimits part_of(const BucketLimits& limits, std::size_t count) {
  const auto parts = static_cast<double>(count);
  return {limits.octets_per_ns / parts, limits.depth / parts, limits.first / parts};
}

// What is told of the RTP header extension, if it is told in full.
void take_extension(const pfcp::ProtocolDescription& protocol, Treatment& treatment) {
  for (const pfcp::RtpExtensionInformation& extension : protocol.extensions) {
    const auto type = extension.type.value_or(pfcp::RtpExtensionType::pdu_set_marking);
    if (type != pfcp::RtpExtensionType::pdu_set_marking || !extension.id) continue;
    treatment.source = MarkSource::rtp_extension;
    treatment.extension_id = extension.id->value;
    if (extension.details && extension.details->format)
      treatment.extension_form = static_cast<std::uint8_t>(*extension.details->format);
    return;
  }
}

void take_protocol(const Pdr& pdr, Treatment& treatment) {
  if (!pdr.protocol || pdr.source == pfcp::Interface::access) return;
  const pfcp::ProtocolDescription& protocol = *pdr.protocol;
  const auto transport = protocol.transport.value_or(pfcp::MediaTransportProtocol::unspecified);
  treatment.is_rtp = transport == pfcp::MediaTransportProtocol::rtp ||
                     transport == pfcp::MediaTransportProtocol::srtp;
  treatment.padding_is_readable = transport != pfcp::MediaTransportProtocol::srtp;
  if (protocol.metadata_transfer == pfcp::MetadataTransfer::outer_udp_option) {
    treatment.source = MarkSource::udp_option;
  } else if (treatment.is_rtp || !protocol.extensions.empty()) {
    take_extension(protocol, treatment);
  }
}

// Clause 8.2.12: an octet that is sent has the value where the mask is set; ECN is not ours.
std::uint8_t octet_of(const pfcp::TrafficClass& marking) {
  return static_cast<std::uint8_t>(marking.value & marking.mask & dscp_mask);
}

void take_markings(const Far& far, Treatment& treatment) {
  if (far.transport_level_marking)
    treatment.traffic_class.fill(octet_of(*far.transport_level_marking));
  std::uint32_t taken = 0;  // the first that names an importance counts
  for (const pfcp::ExtendedTransportLevelMarking& marking : far.extended_markings) {
    if (!marking.importances || !marking.marking) continue;
    for (std::uint32_t psi = 0; psi < psi_values; ++psi) {
      if (!marking.importances->has(Psi::low_bits_of(psi)) || (taken >> psi & 1U) != 0) continue;
      treatment.traffic_class[psi] = octet_of(*marking.marking);
      taken |= 1U << psi;
    }
  }
}

void take_far(const Far& far, Treatment& treatment) {
  using Action = Treatment::Action;
  treatment.action = Action::drop;
  if (far.action.has(pfcp::Action::forw)) treatment.action = Action::forward;
  if (far.action.has(pfcp::Action::buff)) treatment.action = Action::buffer;
  if (far.action.has(pfcp::Action::drop)) treatment.action = Action::drop;
  treatment.notify = far.action.has(pfcp::Action::nocp);
  take_markings(far, treatment);
  if (far.outer_header && far.outer_header->has_teid()) {
    const pfcp::OuterHeaderCreation& header = *far.outer_header;
    const bool v4 = header.has_v4();
    const model::IpAddress peer = v4 ? model::IpAddress(header.v4) : model::IpAddress(header.v6);
    const packet::FlowKey key = packet::flow_between(peer, 0, peer, 0);
    treatment.to = Treatment::To::n3;
    treatment.peer_version = key.ip_version;
    treatment.peer_high = key.source_high;
    treatment.peer_low = key.source_low;
    treatment.teid = header.teid;
  } else if (far.destination == pfcp::Interface::core ||
             far.destination == pfcp::Interface::n6_lan) {
    treatment.to = Treatment::To::n6;
  }
}

void take_indications(const Qer& qer, Treatment& treatment) {
  using enum pfcp::QerIndication;
  treatment.number_pdus = treatment.number_pdus || indicates(qer, iqfisn);
  treatment.mark_sets = treatment.mark_sets || indicates(qer, pdusm);
  treatment.mark_burst_end = treatment.mark_burst_end || indicates(qer, edbmi);
  treatment.tell_burst_size = treatment.tell_burst_size || indicates(qer, dbsmi);
  treatment.tell_time_to_burst = treatment.tell_time_to_burst || indicates(qer, tnbmi);
}

// The state that `before` kept for the rule with this identifier.
template <class State, class Rules, class Id>
std::shared_ptr<State> kept(const Rules& rules, const std::vector<std::shared_ptr<State>>& states,
                            Id id) {
  const auto found = std::ranges::find_if(rules, [&](const auto& rule) { return rule.id == id; });
  if (found == rules.end()) return nullptr;
  return states[static_cast<std::size_t>(std::distance(rules.begin(), found))];
}

}  // namespace

/// What each rule needs is made here, so that no stage ever allocates.
void SessionRules::keep_states(const Session& session, const SessionRules* before) {
  for (const Qer& qer : qers_) {
    auto state = before ? kept(before->qers_, before->qer_states_, qer.id) : nullptr;
    qer_states_.push_back(state ? std::move(state) : std::make_shared<QerState>());
  }
  for (const Rule& rule : rules_) {
    Treatment probe;
    take_protocol(session.pdrs.at(rule.id), probe);
    auto tracker = before ? kept(before->rules_, before->trackers_, rule.id) : nullptr;
    if (probe.source == MarkSource::none)
      tracker = nullptr;
    else if (!tracker)
      tracker = std::make_shared<SetTracker>();
    trackers_.push_back(std::move(tracker));
    const bool sets =
        rule.travel == Travel::to_ue && std::ranges::any_of(rule.qers, [&](std::size_t qer) {
          return indicates(qers_[qer], pfcp::QerIndication::pdusm);
        });
    auto share = before ? kept(before->rules_, before->share_states_, rule.id) : nullptr;
    if (!sets)
      share = nullptr;
    else if (!share)
      share = std::make_shared<ShareState>();
    share_states_.push_back(std::move(share));
    auto drops = before ? kept(before->rules_, before->drop_states_, rule.id) : nullptr;
    drop_states_.push_back(drops ? std::move(drops) : std::make_shared<DropState>());
  }
  if (monitored_qfis_ == 0) return;
  monitor_state_ = before ? before->monitor_state_ : nullptr;
  if (!monitor_state_) monitor_state_ = std::make_shared<MonitorState>();
}

void SessionRules::compile(const Session& session) {
  told_ = std::make_unique<bool[]>(rules_.size());
  std::size_t policers = 0;
  std::size_t meters = 0;
  for (const Rule& rule : rules_) {
    policers += rule.qers.size();
    meters += rule.urrs.size();
  }
  // Spans point into these: they never grow beyond what is reserved.
  policers_.reserve(policers);
  meter_uses_.reserve(meters);
  lines_.reserve(rules_.size());
  treatments_.reserve(rules_.size());
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    lines_.emplace_back(rules_[i]);
    treatments_.push_back(treatment_of(i, session));
  }
}

Treatment SessionRules::treatment_of(std::size_t place, const Session& session) {
  const Rule& rule = rules_[place];
  Treatment treatment;
  treatment.rule = &rule;
  treatment.told = &told_[place];
  take_far(fars_[rule.far], treatment);
  if (fars_[rule.far].bar && session.bar && session.bar->suggested_packets)
    treatment.buffered_packets = session.bar->suggested_packets->value;
  take_protocol(session.pdrs.at(rule.id), treatment);
  treatment.tracker = trackers_[place].get();
  treatment.drops = drop_states_[place].get();
  for (const std::size_t at : rule.qers) {
    const Qer& qer = qers_[at];
    take_indications(qer, treatment);
    treatment.gate_open =
        treatment.gate_open && !(rule.travel == Travel::to_ue ? qer.gate_status.downlink_closed
                                                              : qer.gate_status.uplink_closed);
    if (!qer.qfi || treatment.has_qfi) continue;
    treatment.has_qfi = true;
    treatment.qfi = qer.qfi->value;
    treatment.qer = qer_states_[at].get();
    treatment.reflective = qer.reflective_qos && qer.reflective_qos->has(pfcp::Reflective::rqi);
    if (qer.paging_policy) treatment.paging_policy = qer.paging_policy->value;
  }
  if (treatment.has_qfi && (monitored_qfis_ >> treatment.qfi & 1U) != 0)
    treatment.monitor = monitor_state_.get();
  treatment.tells_flow_alone = treatment.has_qfi &&
                               treatment.paging_policy == Treatment::no_paging_policy &&
                               !treatment.number_pdus && !treatment.tell_burst_size &&
                               !treatment.tell_time_to_burst && treatment.monitor == nullptr;
  take_policers(rule, treatment);
  const std::size_t first = meter_uses_.size();
  for (const std::size_t at : rule.urrs) {
    const auto& information = urrs_[at].information;
    if (information && information->has(pfcp::MeasurementDetail::inactive)) continue;
    const bool before_qos =
        information && information->has(pfcp::MeasurementDetail::before_qos_enforcement);
    meter_uses_.push_back({meters_[at].get(), urrs_[at].id, before_qos});
  }
  treatment.meters = std::span(meter_uses_).subspan(first);
  return treatment;
}

void SessionRules::take_policers(const Rule& rule, Treatment& treatment) {
  const std::size_t first = policers_.size();
  const bool downlink = rule.travel == Travel::to_ue;
  for (const std::size_t at : rule.qers) {
    const Qer& qer = qers_[at];
    if (!qer.maximum_bit_rate) continue;
    const bool own_guarantee =
        qer.guaranteed_bit_rate && rate_of(*qer.guaranteed_bit_rate, rule.travel).count > 0;
    if (!own_guarantee && guaranteed(rule) && is_aggregate(at, rule.travel)) continue;
    if (downlink && treatment.sets == nullptr && indicates(qer, pfcp::QerIndication::pdusm)) {
      set_policings_.push_back(std::make_unique<SetPolicing>(set_policing_of(rule, at)));
      treatment.sets = set_policings_.back().get();
      continue;
    }
    BucketLimits limits =
        limits_of(rate_of(*qer.maximum_bit_rate, rule.travel), qer, bucket_part_of_window);
    limits.first = limits.depth * bucket_first_part;
    QerState& state = *qer_states_[at];
    policers_.push_back(
        {downlink ? &state.downlink : &state.uplink, limits, rules_naming(at, rule.travel) > 1});
  }
  treatment.policers = std::span(policers_).subspan(first);
}

SetPolicing SessionRules::set_policing_of(const Rule& rule, std::size_t qer_at) const {
  const Qer& qer = qers_[qer_at];
  const auto place = static_cast<std::size_t>(&rule - rules_.data());
  SetPolicing policing;
  policing.share = share_states_[place].get();
  policing.qer = qer_states_[qer_at].get();
  policing.whole_limits = limits_of(qer.maximum_bit_rate->downlink, qer, set_bucket_part_of_window);
  // Full at once: a stream begins with an I picture.
  policing.whole_limits.first = policing.whole_limits.depth;
  const std::size_t count = rules_naming(qer_at, Travel::to_ue);
  policing.share_limits = part_of(policing.whole_limits, count);
  policing.alone = count == 1;
  if (qer.guaranteed_bit_rate) {
    policing.guaranteed_limits =
        limits_of(qer.guaranteed_bit_rate->downlink, qer, set_bucket_part_of_window);
    policing.guaranteed_limits.first = policing.guaranteed_limits.depth;
  }
  return policing;
}

bool SessionRules::guaranteed(const Rule& rule) const {
  return std::ranges::any_of(rule.qers, [&](std::size_t at) {
    const auto& rates = qers_[at].guaranteed_bit_rate;
    return rates && rate_of(*rates, rule.travel).count > 0;
  });
}

std::size_t SessionRules::rules_naming(std::size_t qer, Travel travel) const {
  return static_cast<std::size_t>(std::ranges::count_if(rules_, [&](const Rule& rule) {
    return rule.travel == travel && std::ranges::find(rule.qers, qer) != rule.qers.end();
  }));
}

/// PDRs outside of any GBR flow name it as well.
bool SessionRules::is_aggregate(std::size_t qer, Travel travel) const {
  return std::ranges::any_of(rules_, [&](const Rule& rule) {
    return rule.travel == travel && !guaranteed(rule) &&
           std::ranges::find(rule.qers, qer) != rule.qers.end();
  });
}

}  // namespace lobo::dataplane
