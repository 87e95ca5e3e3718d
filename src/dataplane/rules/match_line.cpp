#include "dataplane/rules/match_line.hpp"

#include <bit>
#include <cstdint>

#include "dataplane/rules/rule_set.hpp"
#include "model/address.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/flow_filter.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {
namespace {

constexpr std::uint64_t all_bits = ~std::uint64_t{0};

bool is_to_ue(const Rule& rule) { return rule.travel == packet::Travel::to_ue; }

}  // namespace

MatchLine::MatchLine(const Rule& rule) : kind_(MatchKind::sufficient) {
  kind_ |= MatchKind::from_bits(rule.source);
  kind_mask_ |= MatchKind::from_mask << MatchKind::from_at;
  const bool from_ran = rule.source == pfcp::Interface::access;
  if (from_ran == is_to_ue(rule) ||
      std::uint64_t{static_cast<std::uint8_t>(rule.source)} >= MatchKind::from_mask)
    is_not_sufficient();
  if (rule.teid) ask(*rule.teid, 0xFFFFFFFF, MatchKind::teid_at);
  if (std::has_single_bit(rule.qfis)) {
    const auto qfi = static_cast<std::uint64_t>(std::countr_zero(rule.qfis));
    ask(MatchKind::qfi_given | qfi, MatchKind::octet, MatchKind::qfi_at);
  } else if (rule.qfis != 0) {
    ask(MatchKind::qfi_given, MatchKind::qfi_given, MatchKind::qfi_at);
    is_not_sufficient();
  }
  take_address(rule);
  take_filter(rule);
}

/// Asked once of each place.
void MatchLine::ask(std::uint64_t value, std::uint64_t mask, unsigned at) {
  kind_ |= (value & mask) << at;
  kind_mask_ |= mask << at;
}

/// A rule that asks for both versions holds for nothing; it says so itself.
void MatchLine::ask_version(std::uint64_t version) {
  const std::uint64_t asked = kind_ >> MatchKind::version_at & MatchKind::version_mask;
  if (asked == version) return;
  if (asked != 0) return is_not_sufficient();
  ask(version, MatchKind::version_mask, MatchKind::version_at);
}

void MatchLine::take_address(const Rule& rule) {
  const auto& addresses = rule.ue_addresses;
  if (addresses.empty()) return;
  const pfcp::UeIpAddress& ue = addresses[0];
  const bool at_ue_end = ue.is_destination == is_to_ue(rule);
  if (addresses.size() > 1 || ue.v4.has_value() == ue.v6.has_value() || !at_ue_end)
    return is_not_sufficient();
  const model::IpAddress ip = ue.v4 ? model::IpAddress(*ue.v4) : model::IpAddress(*ue.v6);
  const packet::FlowKey key = packet::flow_between(ip, 0, ip, 0);
  ue_high_ = key.source_high;
  ue_high_mask_ = all_bits;
  ask_version(key.ip_version);
  if (ue.v6 && ue.v6_prefix_length != 128) return;
  ue_low_ = key.source_low;
  ue_low_mask_ = all_bits;
}

void MatchLine::take_filter(const Rule& rule) {
  const auto& filters = rule.filters;
  if (filters.empty()) return;
  if (filters.size() > 1) return is_not_sufficient();
  if (const auto& traffic_class = filters[0].traffic_class)
    ask(traffic_class->value, traffic_class->mask, MatchKind::traffic_class_at);
  if (!filters[0].flow) return;
  const packet::FlowFilter& flow = *filters[0].flow;
  if (flow.protocol()) ask(*flow.protocol(), MatchKind::octet, MatchKind::protocol_at);
  take_ports(flow.remote(), remote_ports_);
  take_ports(flow.ue(), ue_ports_);
  // Many control planes write the UE's address into the filter too, which then says nothing more.
  const auto& ue = flow.ue();
  if (ue.ip_version == 4) ask_version(4);
  const bool ue_is_known = ue.ip_version == 4 && ue.low_mask == 0xFFFFFFFF &&
                           ue_low_mask_ == all_bits && ue.low == ue_low_;
  if (ue.ip_version != 0 && !ue_is_known) is_not_sufficient();
  const auto& remote = flow.remote();
  if (remote.ip_version == 0) return;
  if (remote.ip_version != 4) return is_not_sufficient();
  ask_version(4);
  remote_v4_ = static_cast<std::uint32_t>(remote.low);
  remote_v4_mask_ = static_cast<std::uint32_t>(remote.low_mask);
}

/// At most one range of them; else all, and the rule is asked.
void MatchLine::take_ports(const packet::FlowFilter::End& end, Ports& ports) {
  if (end.ports.empty()) return;
  if (end.ports.size() > 1 || end.ports[0].last < end.ports[0].first) return is_not_sufficient();
  ports.first = end.ports[0].first;
  ports.more = static_cast<std::uint16_t>(end.ports[0].last - end.ports[0].first);
}

}  // namespace lobo::dataplane
