#pragma once
// From a link-layer frame, or a bare IP packet, to the UDP datagram in it: where each part lies,
// which flow it belongs to, or which of a closed list of reasons it has not to be read further.
// Nothing is copied and nothing is changed. Checksums are not verified here: the packet path never
// does that over a payload; see edit.hpp for who wants it.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/bytes.hpp"
#include "wire/packet/flow.hpp"

namespace lobo::packet {

inline constexpr std::size_t vlan_tags_max = 4;
inline constexpr std::size_t ipv6_extension_headers_max = 8;
/// Offsets are 32-bit numbers; what is longer is not looked at.
inline constexpr std::size_t frame_bytes_max = 0xFFFFFFFF;

inline constexpr std::size_t ethernet_header_bytes = 14;
inline constexpr std::size_t vlan_tag_bytes = 4;
inline constexpr std::size_t ipv4_header_bytes_min = 20;
inline constexpr std::size_t ipv6_header_bytes = 40;
inline constexpr std::size_t udp_header_bytes = 8;

inline constexpr std::uint16_t ether_type_ipv4 = 0x0800;
inline constexpr std::uint16_t ether_type_ipv6 = 0x86DD;
inline constexpr std::uint16_t ether_type_vlan = 0x8100;          // IEEE 802.1Q customer tag
inline constexpr std::uint16_t ether_type_service_vlan = 0x88A8;  // IEEE 802.1ad service tag
inline constexpr std::uint8_t protocol_udp = 17;

/// Why a frame was not read to the end of a UDP datagram. What was found before that is in the
/// view.
enum class Unread : std::uint8_t {
  nothing,              ///< all was read: a whole UDP datagram
  frame_too_long,       ///< beyond frame_bytes_max
  link_header_cut,      ///< the frame ends within its Ethernet header or a VLAN tag
  too_many_vlan_tags,   ///< more than vlan_tags_max
  not_ip,               ///< another EtherType, or an IP version that is neither 4 nor 6
  ip_header_cut,        ///< the frame ends within the IP header
  ip_header_length,     ///< IPv4: a header length below 20, or beyond the total length
  ip_length,            ///< IPv6: no payload length, and no jumbo payload option in its place
  ip_cut,               ///< the IP packet is longer than the frame: captured in part
  ipv6_chain_cut,       ///< an extension header that leads beyond the packet
  ipv6_chain_too_long,  ///< more than ipv6_extension_headers_max
  fragment_first,       ///< the first of several fragments: ports are known, the end is not here
  fragment_later,       ///< another fragment: no ports
  not_udp,              ///< another protocol above IP
  udp_header_cut,       ///< the IP packet ends within the UDP header
  udp_length,           ///< UDP Length below 8, or beyond the IP packet
};
inline constexpr std::size_t unread_reasons = 16;

constexpr std::string_view to_string(Unread reason) {
  switch (reason) {
    case Unread::nothing: return "nothing";
    case Unread::frame_too_long: return "frame_too_long";
    case Unread::link_header_cut: return "link_header_cut";
    case Unread::too_many_vlan_tags: return "too_many_vlan_tags";
    case Unread::not_ip: return "not_ip";
    case Unread::ip_header_cut: return "ip_header_cut";
    case Unread::ip_header_length: return "ip_header_length";
    case Unread::ip_length: return "ip_length";
    case Unread::ip_cut: return "ip_cut";
    case Unread::ipv6_chain_cut: return "ipv6_chain_cut";
    case Unread::ipv6_chain_too_long: return "ipv6_chain_too_long";
    case Unread::fragment_first: return "fragment_first";
    case Unread::fragment_later: return "fragment_later";
    case Unread::not_udp: return "not_udp";
    case Unread::udp_header_cut: return "udp_header_cut";
    case Unread::udp_length: return "udp_length";
  }
  std::abort();
}

/// Where an IP fragment belongs (RFC 791 clause 3.2, RFC 8200 clause 4.5). A packet that is whole
/// has offset 0 and no more fragments, even if it carries a fragment header (RFC 6946).
struct Fragment {
  std::uint32_t identification = 0;
  std::uint32_t offset_bytes = 0;
  bool more = false;
  bool operator==(const Fragment&) const = default;
  constexpr bool whole() const { return offset_bytes == 0 && !more; }
};

/// Invariant, where there is an IP header: ip_at <= transport_at <= ip_end <= frame.size(); where
/// there is a UDP header: transport_at + 8 <= user_end <= ip_end. Bytes of the frame behind ip_end
/// are padding of the link and belong to nobody.
struct PacketView {
  Bytes frame;
  FlowKey flow;
  Fragment fragment;
  std::uint32_t ip_at = 0;
  std::uint32_t transport_at = 0;  ///< behind the IPv4 header or the IPv6 extension headers
  std::uint32_t user_end = 0;      ///< end of the user data, where the surplus area begins
  std::uint32_t ip_end = 0;        ///< as the IP length says, or where the frame was cut
  std::uint16_t udp_checksum = 0;
  std::uint16_t vlan = 0;  ///< tag control information of the innermost tag
  std::uint8_t vlan_tags = 0;
  std::uint8_t traffic_class = 0;  ///< DSCP and ECN
  bool has_udp = false;            ///< ports, checksum and user_end are valid
  bool jumbo = false;              ///< UDP Length 0: the IP length rules; no surplus (RFC 2675)
  Unread unread = Unread::not_ip;

  constexpr bool whole_udp() const { return unread == Unread::nothing; }
  constexpr bool has_ip() const { return flow.ip_version != 0; }
  constexpr std::size_t user_at() const { return transport_at + udp_header_bytes; }
  constexpr Bytes ip_packet() const { return frame.subspan(ip_at, ip_end - ip_at); }
  constexpr Bytes ip_payload() const { return frame.subspan(transport_at, ip_end - transport_at); }
  /// With has_udp only.
  constexpr Bytes udp_header() const { return frame.subspan(transport_at, udp_header_bytes); }
  /// With has_udp only; what of it is in the frame, where that was cut.
  constexpr Bytes user_data() const { return frame.subspan(user_at(), user_end - user_at()); }
  /// Bytes of the IP packet behind the UDP Length (RFC 9868 clause 7). Empty unless whole_udp():
  /// where the end is not here, nobody knows.
  constexpr Bytes surplus() const {
    return whole_udp() ? frame.subspan(user_end, ip_end - user_end) : Bytes{};
  }
};

/// `frame` begins with a destination MAC address and has no frame check sequence.
PacketView parse_ethernet(Bytes frame) noexcept;
/// The same into a view that its owner has: what a packet path calls, which copies no view.
void parse_ethernet(Bytes frame, PacketView& view) noexcept;

/// `frame` has an IP header at `ip_at`: packets of raw-IP captures, of tunnels, of other links.
PacketView parse_ip(Bytes frame, std::size_t ip_at = 0) noexcept;

}  // namespace lobo::packet
