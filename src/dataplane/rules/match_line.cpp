#include "dataplane/rules/match_line.hpp"

#include <cstdint>

#include "dataplane/rules/packet_facts.hpp"
#include "dataplane/rules/rule_set.hpp"
#include "model/address.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/flow_filter.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {
namespace {

bool in(std::uint16_t port, std::uint16_t first, std::uint16_t last) {
  return first <= port && port <= last;
}

// At most one range of ports.
bool take_ports(const packet::FlowFilter::End& end, std::uint16_t& first, std::uint16_t& last) {
  if (end.ports.empty()) return true;
  if (end.ports.size() > 1) return false;
  first = end.ports[0].first;
  last = end.ports[0].last;
  return true;
}

}  // namespace

MatchLine::MatchLine(const Rule& rule)
    : qfis(rule.qfis),
      from(rule.detection.source),
      to_ue(rule.travel == packet::Travel::to_ue),
      sufficient(true) {
  if (rule.detection.tunnel) {
    has_tunnel = true;
    teid = rule.detection.tunnel->teid;
  }
  take_address(rule);
  take_filter(rule);
}

void MatchLine::take_address(const Rule& rule) {
  const auto& addresses = rule.detection.ue_addresses;
  if (addresses.empty()) return;
  const pfcp::UeIpAddress& ue = addresses[0];
  if (addresses.size() > 1 || ue.v4.has_value() == ue.v6.has_value()) {
    sufficient = false;
    return;
  }
  const model::IpAddress ip = ue.v4 ? model::IpAddress(*ue.v4) : model::IpAddress(*ue.v6);
  const packet::FlowKey key = packet::flow_between(ip, 0, ip, 0);
  address_high = key.source_high;
  address_low = key.source_low;
  address_is_destination = ue.is_destination;
  address = Address::v4;
  if (ue.v6) address = ue.v6_prefix_length == 128 ? Address::v6_host : Address::v6_network;
}

void MatchLine::take_filter(const Rule& rule) {
  const auto& filters = rule.detection.filters;
  if (filters.empty()) return;
  if (filters.size() > 1) {
    sufficient = false;
    return;
  }
  if (filters[0].traffic_class) {
    traffic_class = filters[0].traffic_class->value;
    traffic_class_mask = filters[0].traffic_class->mask;
  }
  if (!filters[0].flow) return;
  const packet::FlowFilter& flow = *filters[0].flow;
  if (flow.protocol()) {
    has_protocol = true;
    protocol = *flow.protocol();
  }
  const auto& remote = flow.remote();
  const auto& ue = flow.ue();
  // Many control planes write the UE's address into the filter too, which then says nothing more.
  const bool ue_is_known = address == Address::v4 && address_is_destination == to_ue &&
                           ue.ip_version == 4 && ue.low == address_low && ue.low_mask == 0xFFFFFFFF;
  const bool remote_ports = take_ports(remote, remote_port_first, remote_port_last);
  const bool ue_ports = take_ports(ue, ue_port_first, ue_port_last);
  sufficient = sufficient && remote_ports && ue_ports && (ue.ip_version == 0 || ue_is_known) &&
               (remote.ip_version == 0 || (remote.ip_version == 4 && remote.low_mask != 0));
  if (remote.ip_version != 4) return;
  remote_v4 = static_cast<std::uint32_t>(remote.low);
  remote_v4_mask = static_cast<std::uint32_t>(remote.low_mask);
}

bool MatchLine::holds(const PacketFacts& packet) const noexcept {
  if (packet.from != from) return false;
  if (has_tunnel && teid != packet.teid) return false;
  constexpr std::uint8_t qfi_mask = pfcp::Qfi::mask;
  if (qfis != 0 && (!packet.qfi || (qfis >> (*packet.qfi & qfi_mask) & 1U) == 0)) return false;
  const packet::FlowKey& flow = packet.flow;
  if (address != Address::any) {
    if ((address == Address::v4) != (flow.ip_version == 4)) return false;
    const std::uint64_t high = address_is_destination ? flow.destination_high : flow.source_high;
    const std::uint64_t low = address_is_destination ? flow.destination_low : flow.source_low;
    if (high != address_high) return false;
    if (address != Address::v6_network && low != address_low) return false;
    if (address != Address::v4 && flow.ip_version != 6) return false;
  }
  if (((packet.traffic_class ^ traffic_class) & traffic_class_mask) != 0) return false;
  if (has_protocol && protocol != flow.protocol) return false;
  const std::uint16_t remote_port = to_ue ? flow.source_port : flow.destination_port;
  const std::uint16_t ue_port = to_ue ? flow.destination_port : flow.source_port;
  if (!in(remote_port, remote_port_first, remote_port_last)) return false;
  if (!in(ue_port, ue_port_first, ue_port_last)) return false;
  if (remote_v4_mask == 0) return true;
  const std::uint64_t remote = to_ue ? flow.source_low : flow.destination_low;
  return flow.ip_version == 4 &&
         ((static_cast<std::uint32_t>(remote) ^ remote_v4) & remote_v4_mask) == 0;
}

}  // namespace lobo::dataplane
