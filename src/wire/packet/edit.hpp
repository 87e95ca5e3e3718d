#pragma once
// Lengths and checksums of a packet that is changed in place.

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "wire/packet/parse.hpp"

namespace lobo::packet {

/// The largest IP payload that the length fields of this packet can tell.
std::size_t transport_bytes_max(const PacketView& view) noexcept;

/// Writes the length of the IP packet for `transport_bytes` bytes from view.transport_at on, and
/// keeps the IPv4 header checksum right, by the difference (RFC 1624). `frame` holds the packet of
/// `view`. False, and nothing written, if the packet has no IP header, is a jumbogram, or cannot
/// tell that length.
bool set_transport_length(MutableBytes frame, const PacketView& view,
                          std::size_t transport_bytes) noexcept;

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
