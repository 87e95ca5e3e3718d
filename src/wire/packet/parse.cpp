#include "wire/packet/parse.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"

namespace lobo::packet {
namespace {

// IANA "Assigned Internet Protocol Numbers", those that are IPv6 extension headers (RFC 7045).
constexpr std::uint8_t hop_by_hop = 0;
constexpr std::uint8_t routing = 43;
constexpr std::uint8_t fragment = 44;
constexpr std::uint8_t authentication = 51;
constexpr std::uint8_t destination_options = 60;
constexpr std::uint8_t mobility = 135;
constexpr std::uint8_t host_identity = 139;
constexpr std::uint8_t shim6 = 140;

constexpr std::uint8_t option_pad1 = 0;
constexpr std::uint8_t option_jumbo_payload = 0xC2;  // RFC 2675 clause 2

void stop(PacketView& view, Unread reason) { view.unread = reason; }

// A UDP header at transport_at, and all of the IP packet that the frame has up to ip_end.
void read_udp(PacketView& view, Unread otherwise) {
  const std::size_t present = view.ip_end - view.transport_at;
  if (present < udp_header_bytes)
    return stop(view, otherwise == Unread::nothing ? Unread::udp_header_cut : otherwise);
  const std::uint64_t header = be64_at(view.frame, view.transport_at);
  view.flow.source_port = static_cast<std::uint16_t>(header >> 48U);
  view.flow.destination_port = static_cast<std::uint16_t>(header >> 32U);
  view.udp_checksum = static_cast<std::uint16_t>(header);
  view.has_udp = true;
  view.unread = otherwise;
  const std::size_t length = header >> 16U & 0xFFFFU;
  // RFC 2675 clause 4: zero stands for "too long to say", and the IP length rules. RFC 768 knows no
  // such thing: over IPv4 it is a length below 8.
  view.jumbo = length == 0 && view.flow.ip_version == 6;
  if (view.jumbo) {
    view.user_end = view.ip_end;
    return;
  }
  view.user_end = view.transport_at + static_cast<std::uint32_t>(std::min(length, present));
  if (length < udp_header_bytes || (length > present && otherwise == Unread::nothing))
    view.unread = Unread::udp_length;
  if (length < udp_header_bytes)
    view.user_end = view.transport_at + static_cast<std::uint32_t>(udp_header_bytes);
}

// `otherwise` is ip_cut where the frame does not have the whole packet.
void read_transport(PacketView& view, Unread otherwise) {
  if (view.fragment.offset_bytes != 0) return stop(view, Unread::fragment_later);
  if (view.flow.protocol != protocol_udp) return stop(view, Unread::not_udp);
  read_udp(view, view.fragment.more ? Unread::fragment_first : otherwise);
}

void read_ipv4(PacketView& view) {
  const std::size_t present = view.frame.size() - view.ip_at;
  if (present < ipv4_header_bytes_min) return stop(view, Unread::ip_header_cut);
  const std::size_t at = view.ip_at;
  const std::uint64_t head = be64_at(view.frame, at);
  const std::size_t header_bytes = (head >> 56U & 0x0FU) * 4;
  const std::size_t total = head >> 32U & 0xFFFFU;
  view.traffic_class = static_cast<std::uint8_t>(head >> 48U);
  if (header_bytes < ipv4_header_bytes_min || total < header_bytes)
    return stop(view, Unread::ip_header_length);
  if (present < header_bytes) return stop(view, Unread::ip_header_cut);
  const std::uint64_t addresses = be64_at(view.frame, at + 12);
  view.flow.ip_version = 4;
  view.flow.protocol = u8_at(view.frame, at + 9);
  view.flow.source_low = addresses >> 32U;
  view.flow.destination_low = addresses & 0xFFFFFFFFU;
  view.fragment.identification = static_cast<std::uint32_t>(head >> 16U & 0xFFFFU);
  view.fragment.offset_bytes = static_cast<std::uint32_t>(head & 0x1FFFU) * 8;
  view.fragment.more = (head & 0x2000U) != 0;
  view.transport_at = static_cast<std::uint32_t>(at + header_bytes);
  view.ip_end = static_cast<std::uint32_t>(at + std::min(total, present));
  read_transport(view, total > present ? Unread::ip_cut : Unread::nothing);
}

// Length of a jumbogram from its hop-by-hop options, or 0.
std::uint32_t jumbo_payload(Bytes options) {
  std::size_t at = 0;
  while (options.size() - at >= 2) {  // each turn moves at least one byte
    const std::uint8_t type = u8_at(options, at);
    if (type == option_pad1) {
      ++at;
      continue;
    }
    const std::size_t length = u8_at(options, at + 1);
    if (options.size() - at - 2 < length) return 0;
    if (type == option_jumbo_payload && length == 4) return be32_at(options, at + 2);
    at += 2 + length;
  }
  return 0;
}

constexpr bool is_extension(std::uint8_t next) {
  return next == hop_by_hop || next == routing || next == fragment || next == authentication ||
         next == destination_options || next == mobility || next == host_identity || next == shim6;
}

// From view.transport_at over the chain; leaves it behind the last header. False: stopped.
bool read_ipv6_chain(PacketView& view, Unread cut) {
  for (std::size_t count = 0; is_extension(view.flow.protocol); ++count) {
    if (count == ipv6_extension_headers_max) {
      stop(view, Unread::ipv6_chain_too_long);
      return false;
    }
    const std::uint8_t kind = view.flow.protocol;
    const std::size_t at = view.transport_at;
    const std::size_t present = view.ip_end - at;
    if (present < 8) {
      stop(view, cut);
      return false;
    }
    const std::size_t units = u8_at(view.frame, at + 1);
    std::size_t bytes = (units + 1) * 8;
    if (kind == fragment) bytes = 8;
    if (kind == authentication) bytes = (units + 2) * 4;  // RFC 4302 clause 2.2
    if (present < bytes) {
      stop(view, cut);
      return false;
    }
    view.flow.protocol = u8_at(view.frame, at);
    view.transport_at += static_cast<std::uint32_t>(bytes);
    if (kind != fragment) continue;
    const std::uint64_t head = be64_at(view.frame, at);
    view.fragment.identification = static_cast<std::uint32_t>(head);
    view.fragment.offset_bytes = static_cast<std::uint32_t>(head >> 32U & 0xFFF8U);
    view.fragment.more = (head >> 32U & 1U) != 0;
    if (view.fragment.offset_bytes != 0) return true;  // what follows is not a header
  }
  return true;
}

void read_ipv6(PacketView& view) {
  const std::size_t present = view.frame.size() - view.ip_at;
  if (present < ipv6_header_bytes) return stop(view, Unread::ip_header_cut);
  const std::size_t at = view.ip_at;
  const std::uint64_t head = be64_at(view.frame, at);
  view.flow.ip_version = 6;
  view.flow.protocol = static_cast<std::uint8_t>(head >> 8U);
  view.flow.source_high = be64_at(view.frame, at + 8);
  view.flow.source_low = be64_at(view.frame, at + 16);
  view.flow.destination_high = be64_at(view.frame, at + 24);
  view.flow.destination_low = be64_at(view.frame, at + 32);
  view.traffic_class = static_cast<std::uint8_t>(head >> 52U);
  view.transport_at = static_cast<std::uint32_t>(at + ipv6_header_bytes);
  view.ip_end = static_cast<std::uint32_t>(view.frame.size());
  std::size_t length = head >> 16U & 0xFFFFU;
  if (length == 0) {
    const std::size_t behind = present - ipv6_header_bytes;
    if (view.flow.protocol == hop_by_hop && behind >= 8) {
      const std::size_t bytes =
          (u8_at(view.frame, at + ipv6_header_bytes + 1) + std::size_t{1}) * 8;
      if (bytes <= behind)
        length = jumbo_payload(view.frame.subspan(at + ipv6_header_bytes + 2, bytes - 2));
    }
    if (length == 0) {
      view.ip_end = view.transport_at;
      return stop(view, Unread::ip_length);
    }
  }
  const bool cut = length > present - ipv6_header_bytes;
  if (!cut) view.ip_end = view.transport_at + static_cast<std::uint32_t>(length);
  if (!read_ipv6_chain(view, cut ? Unread::ip_cut : Unread::ipv6_chain_cut)) return;
  read_transport(view, cut ? Unread::ip_cut : Unread::nothing);
}

void read_ip(PacketView& view) {
  if (view.frame.size() <= view.ip_at) return stop(view, Unread::ip_header_cut);
  switch (u8_at(view.frame, view.ip_at) >> 4U) {
    case 4: return read_ipv4(view);
    case 6: return read_ipv6(view);
    default: return stop(view, Unread::not_ip);
  }
}

void read_bare_ip(PacketView& view, std::size_t ip_at) {
  if (view.frame.size() > frame_bytes_max) return stop(view, Unread::frame_too_long);
  if (ip_at > view.frame.size()) return stop(view, Unread::ip_header_cut);
  view.ip_at = static_cast<std::uint32_t>(ip_at);
  read_ip(view);
}

void read_ethernet(PacketView& view) {
  const Bytes frame = view.frame;
  if (frame.size() > frame_bytes_max) return stop(view, Unread::frame_too_long);
  if (frame.size() < ethernet_header_bytes) return stop(view, Unread::link_header_cut);
  std::size_t at = ethernet_header_bytes;
  std::uint16_t type = be16_at(frame, at - 2);
  while (type == ether_type_vlan || type == ether_type_service_vlan) {
    if (view.vlan_tags == vlan_tags_max) return stop(view, Unread::too_many_vlan_tags);
    if (frame.size() - at < vlan_tag_bytes) return stop(view, Unread::link_header_cut);
    view.vlan = be16_at(frame, at);
    type = be16_at(frame, at + 2);
    at += vlan_tag_bytes;
    ++view.vlan_tags;
  }
  view.ip_at = static_cast<std::uint32_t>(at);
  if (type != ether_type_ipv4 && type != ether_type_ipv6) return stop(view, Unread::not_ip);
  read_ip(view);
}

/// What nearly every frame is: no tag, IPv4 without options, not a fragment, a whole UDP datagram.
/// False, and nothing changed, where it is otherwise.
bool read_usual(Bytes frame, PacketView& view) {
  constexpr std::size_t ip_at = ethernet_header_bytes;
  constexpr std::size_t udp_at = ip_at + ipv4_header_bytes_min;
  if (frame.size() < udp_at + udp_header_bytes || frame.size() > frame_bytes_max) return false;
  constexpr std::uint64_t type_and_version = 0xFFFFFF00;
  constexpr std::uint64_t ipv4_of_five_words = std::uint64_t{ether_type_ipv4} << 16U | 0x4500U;
  const std::uint64_t head = be64_at(frame, ip_at - 6);  // four octets of a MAC, EtherType, …
  const std::uint64_t ip = be64_at(frame, ip_at + 2);    // length, identification, fragment, …
  const std::uint64_t udp = be64_at(frame, udp_at);
  if ((head & type_and_version) != ipv4_of_five_words) return false;
  constexpr std::uint64_t fragment_and_protocol = 0x3FFF'00FF;
  if ((ip & fragment_and_protocol) != protocol_udp) return false;
  const std::size_t total = ip >> 48U;
  const std::size_t length = udp >> 16U & 0xFFFFU;
  if (total > frame.size() - ip_at || length < udp_header_bytes ||
      length + ipv4_header_bytes_min > total)
    return false;
  const std::uint64_t addresses = be64_at(frame, ip_at + 12);
  view.frame = frame;
  view.flow = {.source_low = addresses >> 32U,
               .destination_low = addresses & 0xFFFFFFFFU,
               .source_port = static_cast<std::uint16_t>(udp >> 48U),
               .destination_port = static_cast<std::uint16_t>(udp >> 32U),
               .protocol = protocol_udp,
               .ip_version = 4};
  view.fragment = {.identification = static_cast<std::uint32_t>(ip >> 32U & 0xFFFFU)};
  view.ip_at = ip_at;
  view.transport_at = udp_at;
  view.user_end = static_cast<std::uint32_t>(udp_at + length);
  view.ip_end = static_cast<std::uint32_t>(ip_at + total);
  view.udp_checksum = static_cast<std::uint16_t>(udp);
  view.vlan = 0;
  view.vlan_tags = 0;
  view.traffic_class = static_cast<std::uint8_t>(head);
  view.has_udp = true;
  view.jumbo = false;
  view.unread = Unread::nothing;
  return true;
}

}  // namespace

PacketView parse_ip(Bytes frame, std::size_t ip_at) noexcept {
  PacketView view;
  view.frame = frame;
  read_bare_ip(view, ip_at);
  return view;
}

void parse_ethernet(Bytes frame, PacketView& view) noexcept {
  if (read_usual(frame, view)) return;
  view = PacketView{.frame = frame};
  read_ethernet(view);
}

PacketView parse_ethernet(Bytes frame) noexcept {
  PacketView view;
  parse_ethernet(frame, view);
  return view;
}

}  // namespace lobo::packet
