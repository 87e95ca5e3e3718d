#pragma once
// Who speaks to whom: the five values by which flows are told apart.

#include <cstddef>
#include <cstdint>

#include "model/address.hpp"

namespace lobo::packet {

/// Addresses are kept as numbers: an IPv4 address is the low 32 bits of `…_low`. Ports are zero
/// where the packet has none (later fragments, other protocols).
struct FlowKey {
  std::uint64_t source_high = 0;
  std::uint64_t source_low = 0;
  std::uint64_t destination_high = 0;
  std::uint64_t destination_low = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint8_t protocol = 0;
  std::uint8_t ip_version = 0;  ///< 4 or 6; 0 where there is no IP header
  bool operator==(const FlowKey&) const = default;

  constexpr FlowKey reversed() const {
    FlowKey other = *this;
    other.source_high = destination_high;
    other.source_low = destination_low;
    other.destination_high = source_high;
    other.destination_low = source_low;
    other.source_port = destination_port;
    other.destination_port = source_port;
    return other;
  }
  model::IpAddress source() const;
  model::IpAddress destination() const;
};

/// Sets the address of one side from its text form; both sides need the same version.
FlowKey flow_between(const model::IpAddress& source, std::uint16_t source_port,
                     const model::IpAddress& destination, std::uint16_t destination_port);

namespace detail {
__extension__ using Wide = unsigned __int128;
constexpr std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}
}  // namespace detail

/// Who can choose addresses can choose collisions unless `seed` is kept from him; it is an
/// argument, so that a simulation gets the same order every time. Cost: three multiplications.
constexpr std::uint64_t flow_hash(const FlowKey& flow, std::uint64_t seed) {
  constexpr std::uint64_t first = 0x9E3779B97F4A7C15;
  constexpr std::uint64_t second = 0xC2B2AE3D27D4EB4F;
  constexpr std::uint64_t third = 0x165667B19E3779F9;
  const std::uint64_t ports = std::uint64_t{flow.source_port} << 32U |
                              std::uint64_t{flow.destination_port} << 16U |
                              std::uint64_t{flow.protocol} << 8U | std::uint64_t{flow.ip_version};
  const std::uint64_t from =
      detail::fold(flow.source_low ^ first, flow.source_high ^ seed ^ second);
  const std::uint64_t to =
      detail::fold(flow.destination_low ^ second, flow.destination_high ^ seed ^ third);
  return detail::fold(from ^ ports ^ first, to ^ third);
}

struct FlowHash {
  std::uint64_t seed = 0;
  std::size_t operator()(const FlowKey& flow) const { return flow_hash(flow, seed); }
};

}  // namespace lobo::packet
