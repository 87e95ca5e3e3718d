#include "toolbox/layers.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.hpp"
#include "toolbox/reason.hpp"
#include "wire/capture/capture.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/parse.hpp"

namespace lobo::app {
namespace {

constexpr std::size_t address_family_bytes = 4;  // LINKTYPE_NULL and LINKTYPE_LOOP
constexpr std::size_t sll_bytes = 16;
constexpr std::size_t sll_protocol_at = 14;
constexpr std::size_t sll2_bytes = 20;

bool is_vlan(std::uint16_t ether_type) {
  return ether_type == packet::ether_type_vlan || ether_type == packet::ether_type_service_vlan;
}

/// Linux cooked captures: the EtherType in their header, VLAN tags behind it.
packet::PacketView parse_cooked(Bytes frame, std::size_t header, std::size_t protocol_at) {
  packet::PacketView view{.frame = frame, .unread = packet::Unread::link_header_cut};
  if (frame.size() < header) return view;
  std::uint16_t ether_type = be16_at(frame, protocol_at);
  std::size_t at = header;
  std::uint8_t tags = 0;
  for (; is_vlan(ether_type); ++tags) {
    if (tags == packet::vlan_tags_max) {
      view.unread = packet::Unread::too_many_vlan_tags;
      return view;
    }
    if (frame.size() < at + packet::vlan_tag_bytes) return view;
    ether_type = be16_at(frame, at + 2);
    at += packet::vlan_tag_bytes;
  }
  view.unread = packet::Unread::not_ip;
  if (ether_type == packet::ether_type_ipv4 || ether_type == packet::ether_type_ipv6)
    view = packet::parse_ip(frame, at);
  view.vlan_tags = tags;
  return view;
}

packet::PacketView parse_link(const capture::Packet& packet) {
  switch (packet.link_type) {
    case capture::LinkType::ethernet: return packet::parse_ethernet(packet.bytes);
    case capture::LinkType::raw:
    case capture::LinkType::ipv4:
    case capture::LinkType::ipv6: return packet::parse_ip(packet.bytes);
    case capture::LinkType::null:
    case capture::LinkType::loop:
      if (packet.bytes.size() < address_family_bytes)
        return {.frame = packet.bytes, .unread = packet::Unread::link_header_cut};
      return packet::parse_ip(packet.bytes, address_family_bytes);
    case capture::LinkType::linux_sll:
      return parse_cooked(packet.bytes, sll_bytes, sll_protocol_at);
    case capture::LinkType::linux_sll2: return parse_cooked(packet.bytes, sll2_bytes, 0);
    case capture::LinkType::unknown: break;
  }
  return {.frame = packet.bytes, .unread = packet::Unread::not_ip};
}

bool is_known(capture::LinkType type) {
  switch (type) {
    case capture::LinkType::ethernet:
    case capture::LinkType::raw:
    case capture::LinkType::ipv4:
    case capture::LinkType::ipv6:
    case capture::LinkType::null:
    case capture::LinkType::loop:
    case capture::LinkType::linux_sll:
    case capture::LinkType::linux_sll2: return true;
    case capture::LinkType::unknown: break;
  }
  return false;
}

Reason reason_of(packet::Unread unread, bool captured_in_part) {
  switch (unread) {
    case packet::Unread::nothing: return Reason::unmarked;
    case packet::Unread::not_ip:
    case packet::Unread::not_udp: return Reason::not_udp;
    case packet::Unread::fragment_first:
    case packet::Unread::fragment_later: return Reason::fragment;
    case packet::Unread::ip_cut:
    case packet::Unread::frame_too_long:
    case packet::Unread::link_header_cut:
    case packet::Unread::too_many_vlan_tags:
    case packet::Unread::ip_header_cut:
    case packet::Unread::ip_header_length:
    case packet::Unread::ip_length:
    case packet::Unread::ipv6_chain_cut:
    case packet::Unread::ipv6_chain_too_long:
    case packet::Unread::udp_header_cut:
    case packet::Unread::udp_length:
      return captured_in_part ? Reason::packet_cut : Reason::packet_malformed;
  }
  std::abort();
}

}  // namespace

void take_apart(const capture::Packet& packet, Layers& layers) {
  layers.tunnelled = false;
  if (!is_known(packet.link_type)) {
    layers.inner = layers.outer = packet::PacketView{.frame = packet.bytes};
    layers.reason = Reason::link_unknown;
    return;
  }
  const bool captured_in_part = packet.original_length > packet.bytes.size();
  layers.outer = parse_link(packet);
  layers.inner = layers.outer;
  layers.reason = reason_of(layers.outer.unread, captured_in_part);
  // G-PDUs go to the port of GTP-U (TS 29.281 clause 4.4.2); a source port may be anybody's.
  if (!layers.whole_udp() || layers.outer.flow.destination_port != gtpu::udp_port) return;
  layers.tunnel = gtpu::parse_gtpu(layers.outer.user_data());
  if (!layers.tunnel.ok()) {
    layers.reason = Reason::gtpu_malformed;
    return;
  }
  if (layers.tunnel.message_type != gtpu::message_g_pdu) return;  // echo, error: no user packet
  layers.tunnelled = true;
  layers.inner = packet::parse_ip(layers.tunnel.payload());
  layers.reason = reason_of(layers.inner.unread, false);
}

}  // namespace lobo::app
