#pragma once
// Lengths and checksums of a packet that is changed in place.

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "wire/packet/checksum.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"

namespace lobo::packet {

namespace detail {
inline constexpr std::size_t length_field_max = 0xFFFF;
/// Where the first fixed IP header ends, which is where its length begins to count for IPv6.
inline std::size_t length_origin(const PacketView& view) {
  return view.flow.ip_version == 6 ? view.ip_at + ipv6_header_bytes : view.ip_at;
}
}  // namespace detail

/// The largest IP payload that the length fields of this packet can tell.
std::size_t transport_bytes_max(const PacketView& view) noexcept;

/// Writes the length of the IP packet for `transport_bytes` bytes from view.transport_at on, and
/// keeps the IPv4 header checksum right, by the difference (RFC 1624). `frame` holds the packet of
/// `view`. False, and nothing written, if the packet has no IP header, is a jumbogram, or cannot
/// tell that length.
inline bool set_transport_length(MutableBytes frame, const PacketView& view,
                                 std::size_t transport_bytes) noexcept {
  if (!view.has_ip()) return false;
  const std::size_t all = view.transport_at - detail::length_origin(view) + transport_bytes;
  if (all > detail::length_field_max) return false;
  const auto length = static_cast<std::uint16_t>(all);
  if (view.flow.ip_version == 6) {
    // A jumbogram says 0 here and its length in an option.
    if (length == 0 || be16_at(frame, view.ip_at + 4) == 0) return false;
    put_be16_at(frame, view.ip_at + 4, length);
    return true;
  }
  const std::uint16_t old = be16_at(frame, view.ip_at + 2);
  const std::uint16_t checksum = be16_at(frame, view.ip_at + 10);
  put_be16_at(frame, view.ip_at + 2, length);
  put_be16_at(frame, view.ip_at + 10, updated_checksum(checksum, old, length));
  return true;
}

/// Whether the IPv4 header sums up; an IPv6 header has no checksum and is always right.
bool ip_header_checksum_ok(const PacketView& view) noexcept;

enum class UdpChecksum : std::uint8_t { good, bad, absent, unknown };

/// Over pseudo-header and UDP Length, as RFC 768 and RFC 8200 clause 8.1 want it; costs a pass over
/// the payload. `unknown`: not all of the datagram is here. With a routing header the address in
/// the IPv6 header is taken, which is right at the last hop only.
UdpChecksum verify_udp_checksum(const PacketView& view) noexcept;

/// The checksum to send for `udp` (header and user data), whatever stands in its checksum field:
/// never 0, which means "none".
std::uint16_t udp_checksum(const FlowKey& flow, Bytes udp) noexcept;

}  // namespace lobo::packet
