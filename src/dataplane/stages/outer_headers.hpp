#pragma once
// Ethernet, IP and UDP in front of a GTP-U message.

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "model/address.hpp"
#include "wire/packet/parse.hpp"

namespace lobo::dataplane {

inline constexpr std::size_t outer_bytes_v4 =
    packet::ethernet_header_bytes + packet::ipv4_header_bytes_min + packet::udp_header_bytes;
inline constexpr std::size_t outer_bytes_v6 =
    packet::ethernet_header_bytes + packet::ipv6_header_bytes + packet::udp_header_bytes;
constexpr std::size_t outer_bytes(std::uint8_t version) {
  return version == 6 ? outer_bytes_v6 : outer_bytes_v4;
}

/// `frame` begins with room for the header.
void write_link(MutableBytes frame, const model::MacAddress& to, const Side& from,
                std::uint8_t ip_version) noexcept;

struct OuterHeader {
  HopAddress from;
  HopAddress to;
  std::uint8_t traffic_class = 0;
  bool with_udp_checksum = false;  ///< over IPv6; over IPv4 there is none (TS 29.281 clause 4.4.2)
};
/// `frame` begins with room for Ethernet, IP and UDP, and a GTP-U message fills the rest. False,
/// and nothing written, where a length field cannot tell it.
bool write_outer(MutableBytes frame, const OuterHeader& header) noexcept;

}  // namespace lobo::dataplane
