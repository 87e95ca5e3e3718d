#pragma once
// What an interface's XDP program takes out of the kernel's hands. All else goes the kernel's way:
// ARP, neighbour discovery, routing, ssh.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/address.hpp"

namespace lobo::adapters::packet_io {

inline constexpr std::size_t served_max = 16;

/// Packets of one IP version to a network, or to a UDP port, or both. A port is found in whole
/// packets alone, and behind an IPv6 header without extension headers.
struct Served {
  unsigned ip_version = 4;
  std::optional<model::IpAddress> destination;  ///< of that version
  unsigned prefix_length = 0;                   ///< of `destination`
  std::optional<std::uint16_t> udp_port;
};

/// A packet is served if one of these fits. None at all: every frame is.
using ServedList = std::vector<Served>;

}  // namespace lobo::adapters::packet_io
