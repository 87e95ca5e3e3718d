#include "dataplane/rules/draft.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "dataplane/rules/apply.hpp"
#include "dataplane/rules/session.hpp"
#include "model/flow_description.hpp"
#include "wire/pfcp/ie.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {
namespace {

using pfcp::Cause;
using pfcp::IeType;
using pfcp::RuleKind;

RuleRefusal fails(RuleKind kind, std::uint32_t id, std::optional<IeType> offending = std::nullopt) {
  return {{Cause::rule_creation_modification_failure, offending, std::nullopt},
          pfcp::FailedRuleId{kind, id}};
}
RuleRefusal not_served(IeType type) {
  return {{Cause::service_not_supported, type, std::nullopt}, std::nullopt};
}
RuleRefusal too_many(IeType type) {
  return {{Cause::no_resources_available, type, std::nullopt}, std::nullopt};
}

template <class Id, class Rule>
Fault erase(std::map<Id, Rule>& rules, Id id, RuleKind kind) {
  if (rules.erase(id) == 0) return fails(kind, id.value);
  return std::nullopt;
}
template <class Id, class Rule>
Fault insert(std::map<Id, Rule>& rules, Id id, Rule rule, RuleKind kind, std::size_t most,
             IeType type) {
  if (rules.size() == most) return too_many(type);
  if (!rules.emplace(id, std::move(rule)).second) return fails(kind, id.value);
  return std::nullopt;
}

// A member of an update that is there replaces; one that is absent leaves what was.
template <class T>
void replace(T& kept, const std::optional<T>& given) {
  if (given) kept = *given;
}
template <class T>
void replace(std::optional<T>& kept, const std::optional<T>& given) {
  if (given) kept = given;
}
template <class List>
  requires requires(List list) { list.empty(); }
void replace(List& kept, const List& given) {
  if (!given.empty()) kept = given;
}

std::string text_of(const std::optional<pfcp::Octets>& instance) {
  return instance ? pfcp::network_instance_text(*instance) : std::string();
}

// Table 8.2.64-1: what this UPF takes off is GTP-U.
bool removes_gtpu(const pfcp::OuterHeaderRemoval& removal) {
  constexpr std::uint8_t gtpu_ipv4 = 0;
  constexpr std::uint8_t gtpu_ipv6 = 1;
  constexpr std::uint8_t gtpu_ip = 6;
  return removal.description == gtpu_ipv4 || removal.description == gtpu_ipv6 ||
         removal.description == gtpu_ip;
}

bool is_served(pfcp::Interface interface) {
  return static_cast<unsigned>(interface) <= static_cast<unsigned>(pfcp::Interface::cp_function);
}

// Addresses come from the control plane; of IPv6 a network of 64 bits, or one address.
bool is_served(const pfcp::UeIpAddress& address) {
  const auto length = address.v6_prefix_length.value_or(64);
  return !address.choose_v4 && !address.choose_v6 && address.delegated_bits.value_or(0) == 0 &&
         (length == 64 || length == 128);
}

Fault refuse_action(const pfcp::ApplyAction& action) {
  using enum pfcp::Action;
  for (const auto unserved : {dupl, ipma, ipmd, dfrt, edrt, fssm, mbsu})
    if (action.has(unserved)) return not_served(IeType::apply_action);
  return std::nullopt;
}

Fault refuse_header(const std::optional<pfcp::OuterHeaderCreation>& header) {
  if (header && !header->has_teid()) return not_served(IeType::outer_header_creation);
  return std::nullopt;
}

// Both directions: a guarantee is part of what is allowed.
Fault refuse_rates(const Qer& qer) {
  if (!qer.guaranteed_bit_rate) return std::nullopt;
  const auto& most = qer.maximum_bit_rate;
  if (most && qer.guaranteed_bit_rate->uplink <= most->uplink &&
      qer.guaranteed_bit_rate->downlink <= most->downlink)
    return std::nullopt;
  return fails(RuleKind::qer, qer.id.value, IeType::gbr);
}

}  // namespace

Fault Draft::remove(const pfcp::RemovePdr& rule) {
  return erase(session_.pdrs, rule.id, RuleKind::pdr);
}
Fault Draft::remove(const pfcp::RemoveFar& rule) {
  return erase(session_.fars, rule.id, RuleKind::far);
}
Fault Draft::remove(const pfcp::RemoveUrr& rule) {
  return erase(session_.urrs, rule.id, RuleKind::urr);
}
Fault Draft::remove(const pfcp::RemoveQer& rule) {
  return erase(session_.qers, rule.id, RuleKind::qer);
}
Fault Draft::remove(const pfcp::RemoveSrr& rule) {
  return erase(session_.srrs, rule.id, RuleKind::srr);
}
Fault Draft::remove(const pfcp::RemoveBar& rule) {
  if (!session_.bar || session_.bar->id != rule.id) return fails(RuleKind::bar, rule.id.value);
  session_.bar.reset();
  return std::nullopt;
}

Fault Draft::take_filter(pfcp::PdrId id, const pfcp::SdfFilter& filter, Pdr& pdr) {
  if (filter.has_unread || filter.security_parameter_index || filter.flow_label)
    return not_served(IeType::sdf_filter);
  SdfMatch match{.traffic_class = filter.traffic_class, .id = filter.id};
  if (filter.flow_description) {
    const auto description = model::FlowDescription::parse(*filter.flow_description);
    if (!description) return fails(RuleKind::pdr, id.value, IeType::sdf_filter);
    match.flow.emplace(*description);
  } else if (filter.id && !filter.traffic_class) {
    named_.push_back({id, pdr.filters.size()});
  }
  pdr.filters.push_back(match);
  return std::nullopt;
}

Fault Draft::take_pdi(pfcp::PdrId id, const pfcp::Pdi& pdi, Pdr& pdr) {
  if (!is_served(pdi.source_interface)) return not_served(IeType::source_interface);
  pdr.source = pdi.source_interface;
  pdr.network_instance = text_of(pdi.network_instance);
  pdr.ue_addresses = pdi.ue_addresses;
  for (const auto& address : pdr.ue_addresses)
    if (!is_served(address)) return not_served(IeType::ue_ip_address);
  pdr.qfis = pdi.qfis;
  pdr.protocol = pdi.protocol_description;
  std::erase_if(wishes_, [&](const Wish& wish) { return wish.pdr == id; });
  const auto* choice =
      pdi.local_f_teid ? std::get_if<pfcp::FTeidChoice>(&*pdi.local_f_teid) : nullptr;
  const auto* given = pdi.local_f_teid ? std::get_if<pfcp::FTeid>(&*pdi.local_f_teid) : nullptr;
  if (choice != nullptr) {
    wishes_.push_back({id, *choice});
  } else if (given == nullptr || pdr.tunnel != *given) {
    // A control plane that repeats the tunnel that we chose does not make it its own.
    pdr.tunnel = given == nullptr ? std::nullopt : std::optional(*given);
    pdr.tunnel_is_ours = false;
  }
  std::erase_if(named_, [&](const NamedFilter& named) { return named.pdr == id; });
  pdr.filters.clear();
  for (const pfcp::SdfFilter& filter : pdi.sdf_filters)
    if (auto fault = take_filter(id, filter, pdr)) return fault;
  return std::nullopt;
}

Fault Draft::create(const pfcp::CreatePdr& rule) {
  if (rule.predefined_rules) return not_served(IeType::activate_predefined_rules);
  if (rule.mar || !rule.far) return not_served(IeType::mar_id);
  Pdr pdr{.precedence = rule.precedence.value};
  if (auto fault = take_pdi(rule.id, rule.pdi, pdr)) return fault;
  if (rule.outer_header_removal && !removes_gtpu(*rule.outer_header_removal))
    return not_served(IeType::outer_header_removal);
  pdr.outer_header_removal = rule.outer_header_removal;
  pdr.far = *rule.far;
  pdr.urrs = rule.urrs;
  pdr.qers = rule.qers;
  return insert(session_.pdrs, rule.id, std::move(pdr), RuleKind::pdr, pdrs_per_session_max,
                IeType::create_pdr);
}
Fault Draft::update(const pfcp::UpdatePdr& rule) {
  const auto found = session_.pdrs.find(rule.id);
  if (found == session_.pdrs.end()) return fails(RuleKind::pdr, rule.id.value);
  if (rule.predefined_rules) return not_served(IeType::activate_predefined_rules);
  if (rule.outer_header_removal && !removes_gtpu(*rule.outer_header_removal))
    return not_served(IeType::outer_header_removal);
  Pdr& pdr = found->second;
  if (rule.pdi)
    if (auto fault = take_pdi(rule.id, *rule.pdi, pdr)) return fault;
  if (rule.precedence) pdr.precedence = rule.precedence->value;
  replace(pdr.outer_header_removal, rule.outer_header_removal);
  replace(pdr.far, rule.far);
  replace(pdr.urrs, rule.urrs);
  replace(pdr.qers, rule.qers);
  return std::nullopt;
}

Fault Draft::create(const pfcp::CreateFar& rule) {
  if (auto fault = refuse_action(rule.apply_action)) return fault;
  Far far{.action = rule.apply_action, .bar = rule.bar};
  if (const auto& parameters = rule.forwarding_parameters) {
    if (auto fault = refuse_header(parameters->outer_header_creation)) return fault;
    if (!is_served(parameters->destination_interface))
      return not_served(IeType::destination_interface);
    far.destination = parameters->destination_interface;
    far.network_instance = text_of(parameters->network_instance);
    far.outer_header = parameters->outer_header_creation;
    far.transport_level_marking = parameters->transport_level_marking;
    far.extended_markings = parameters->extended_markings;
  }
  return insert(session_.fars, rule.id, std::move(far), RuleKind::far, fars_per_session_max,
                IeType::create_far);
}
Fault Draft::update(const pfcp::UpdateFar& rule) {
  const auto found = session_.fars.find(rule.id);
  if (found == session_.fars.end()) return fails(RuleKind::far, rule.id.value);
  Far& far = found->second;
  if (rule.apply_action)
    if (auto fault = refuse_action(*rule.apply_action)) return fault;
  replace(far.action, rule.apply_action);
  replace(far.bar, rule.bar);
  if (const auto& parameters = rule.forwarding_parameters) {
    if (auto fault = refuse_header(parameters->outer_header_creation)) return fault;
    if (parameters->destination_interface && !is_served(*parameters->destination_interface))
      return not_served(IeType::destination_interface);
    replace(far.destination, parameters->destination_interface);
    if (parameters->network_instance) far.network_instance = text_of(parameters->network_instance);
    replace(far.outer_header, parameters->outer_header_creation);
    replace(far.transport_level_marking, parameters->transport_level_marking);
    replace(far.extended_markings, parameters->extended_markings);
  }
  if (far.action.has(pfcp::Action::forw) && !far.destination)
    return RuleRefusal{
        {Cause::conditional_ie_missing, IeType::update_forwarding_parameters, std::nullopt},
        std::nullopt};
  return std::nullopt;
}

Fault Draft::create(const pfcp::CreateQer& rule) {
  if (auto fault = refuse_rates(rule)) return fault;
  return insert(session_.qers, rule.id, rule, RuleKind::qer, qers_per_session_max,
                IeType::create_qer);
}
Fault Draft::update(const pfcp::UpdateQer& rule) {
  const auto found = session_.qers.find(rule.id);
  if (found == session_.qers.end()) return fails(RuleKind::qer, rule.id.value);
  Qer& qer = found->second;
  replace(qer.correlation_id, rule.correlation_id);
  replace(qer.gate_status, rule.gate_status);
  replace(qer.maximum_bit_rate, rule.maximum_bit_rate);
  replace(qer.guaranteed_bit_rate, rule.guaranteed_bit_rate);
  replace(qer.qfi, rule.qfi);
  replace(qer.reflective_qos, rule.reflective_qos);
  replace(qer.paging_policy, rule.paging_policy);
  replace(qer.averaging_window, rule.averaging_window);
  replace(qer.indications, rule.indications);
  return refuse_rates(qer);
}

Fault Draft::create(const pfcp::CreateUrr& rule) {
  return insert(session_.urrs, rule.id, rule, RuleKind::urr, urrs_per_session_max,
                IeType::create_urr);
}
Fault Draft::update(const pfcp::UpdateUrr& rule) {
  const auto found = session_.urrs.find(rule.id);
  if (found == session_.urrs.end()) return fails(RuleKind::urr, rule.id.value);
  Urr& urr = found->second;
  replace(urr.method, rule.method);
  replace(urr.triggers, rule.triggers);
  replace(urr.period, rule.period);
  replace(urr.volume_threshold, rule.volume_threshold);
  replace(urr.volume_quota, rule.volume_quota);
  replace(urr.time_threshold, rule.time_threshold);
  replace(urr.time_quota, rule.time_quota);
  replace(urr.inactivity_detection_time, rule.inactivity_detection_time);
  replace(urr.linked, rule.linked);
  replace(urr.information, rule.information);
  replace(urr.number_of_reports, rule.number_of_reports);
  return std::nullopt;
}

Fault Draft::create(const pfcp::Srr& rule) {
  return insert(session_.srrs, rule.id, rule, RuleKind::srr, srrs_per_session_max,
                IeType::create_srr);
}
Fault Draft::update(const pfcp::Srr& rule) {
  const auto found = session_.srrs.find(rule.id);
  if (found == session_.srrs.end()) return fails(RuleKind::srr, rule.id.value);
  replace(found->second.monitored, rule.monitored);
  return std::nullopt;
}

Fault Draft::create(const pfcp::Bar& rule) {
  if (session_.bar) return fails(RuleKind::bar, rule.id.value);
  session_.bar = rule;
  return std::nullopt;
}
Fault Draft::update(const pfcp::Bar& rule) {
  if (!session_.bar || session_.bar->id != rule.id) return fails(RuleKind::bar, rule.id.value);
  replace(session_.bar->notification_delay, rule.notification_delay);
  replace(session_.bar->suggested_packets, rule.suggested_packets);
  return std::nullopt;
}

Fault Draft::settle() {
  for (const auto& [id, pdr] : session_.pdrs) {
    if (!session_.fars.contains(pdr.far)) return fails(RuleKind::pdr, id.value, IeType::far_id);
    for (const auto qer : pdr.qers)
      if (!session_.qers.contains(qer)) return fails(RuleKind::pdr, id.value, IeType::qer_id);
    for (const auto urr : pdr.urrs)
      if (!session_.urrs.contains(urr)) return fails(RuleKind::pdr, id.value, IeType::urr_id);
  }
  for (const auto& [id, far] : session_.fars)
    if (far.bar && (!session_.bar || session_.bar->id != *far.bar))
      return fails(RuleKind::far, id.value, IeType::bar_id);
  // Clause 5.2.1A.2A: a filter of which only the identifier is given is that of another PDR.
  for (const NamedFilter& named : named_) {
    const auto pdr = session_.pdrs.find(named.pdr);
    if (pdr == session_.pdrs.end()) continue;
    SdfMatch& wanted = pdr->second.filters[named.place];
    for (const auto& [other_id, other] : session_.pdrs)
      for (const SdfMatch& filter : other.filters)
        if (filter.id == wanted.id && filter.flow) wanted = filter;
    if (!wanted.flow) return fails(RuleKind::pdr, named.pdr.value, IeType::sdf_filter);
  }
  return std::nullopt;
}

Fault Draft::choose_tunnels(Tunnels& tunnels, std::vector<pfcp::CreatedPdr>& created) {
  std::vector<std::pair<pfcp::FTeidChoice, pfcp::FTeid>> chosen;
  std::ranges::sort(wishes_, {}, &Wish::pdr);
  for (const Wish& wish : wishes_) {
    const auto shared = std::ranges::find_if(
        chosen, [&](const auto& one) { return wish.choice.choose_id && one.first == wish.choice; });
    std::optional<pfcp::FTeid> tunnel;
    if (shared != chosen.end()) tunnel = shared->second;
    if (!tunnel) {
      tunnel = tunnels.allocate(wish.choice.v4, wish.choice.v6);
      if (!tunnel) {
        for (const auto& one : chosen) tunnels.release(one.second);
        return too_many(IeType::f_teid);
      }
      chosen.emplace_back(wish.choice, *tunnel);
    }
    Pdr& pdr = session_.pdrs.at(wish.pdr);
    pdr.tunnel = tunnel;
    pdr.tunnel_is_ours = true;
    created.push_back({.id = wish.pdr, .local_f_teid = tunnel});
  }
  return std::nullopt;
}

}  // namespace lobo::dataplane
