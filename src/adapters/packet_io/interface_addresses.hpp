#pragma once
// What the kernel has configured on an interface: addresses with their networks, the way out of
// them, and whether it would forward packets there itself.

#include <cstddef>
#include <optional>
#include <vector>

#include "adapters/packet_io/link.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters::packet_io {

/// Of one interface; what is beyond is left out.
inline constexpr std::size_t interface_addresses_max = 64;

struct InterfaceAddress {
  model::IpAddress address;
  unsigned prefix_length = 0;
  bool operator==(const InterfaceAddress&) const = default;
};

/// In the kernel's order.
Result<std::vector<InterfaceAddress>> addresses_of(const Link& link);

struct Gateways {
  std::optional<model::Ipv4Address> v4;
  std::optional<model::Ipv6Address> v6;
  bool operator==(const Gateways&) const = default;
};

/// Of the default routes through the interface those with the lowest metric; in the network
/// namespace of the calling thread.
Gateways default_gateways(const Link& link);

/// Whether the kernel forwards IPv4 packets that come in there.
bool kernel_forwards(const Link& link);

}  // namespace lobo::adapters::packet_io
