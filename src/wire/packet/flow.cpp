#include "wire/packet/flow.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <variant>

#include "base/require.hpp"
#include "model/address.hpp"

namespace lobo::packet {
namespace {

template <std::size_t octets>
std::uint64_t number(const std::array<std::uint8_t, octets>& in, std::size_t from, std::size_t to) {
  std::uint64_t value = 0;
  for (std::size_t i = from; i < to; ++i) value = value << 8U | in[i];
  return value;
}

model::IpAddress address(std::uint8_t version, std::uint64_t high, std::uint64_t low) {
  if (version == 6) {
    model::Ipv6Address v6;
    for (std::size_t i = 0; i < 8; ++i) {
      v6.octets[i] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
      v6.octets[8 + i] = static_cast<std::uint8_t>(low >> (56 - 8 * i));
    }
    return v6;
  }
  model::Ipv4Address v4;
  for (std::size_t i = 0; i < 4; ++i) v4.octets[i] = static_cast<std::uint8_t>(low >> (24 - 8 * i));
  return v4;
}

}  // namespace

model::IpAddress FlowKey::source() const { return address(ip_version, source_high, source_low); }
model::IpAddress FlowKey::destination() const {
  return address(ip_version, destination_high, destination_low);
}

FlowKey flow_between(const model::IpAddress& source, std::uint16_t source_port,
                     const model::IpAddress& destination, std::uint16_t destination_port) {
  require(source.index() == destination.index());
  FlowKey flow{.source_port = source_port, .destination_port = destination_port, .protocol = 17};
  if (const auto* v4 = std::get_if<model::Ipv4Address>(&source)) {
    flow.ip_version = 4;
    flow.source_low = number(v4->octets, 0, 4);
    flow.destination_low = number(std::get<model::Ipv4Address>(destination).octets, 0, 4);
    return flow;
  }
  const auto& from = std::get<model::Ipv6Address>(source).octets;
  const auto& to = std::get<model::Ipv6Address>(destination).octets;
  flow.ip_version = 6;
  flow.source_high = number(from, 0, 8);
  flow.source_low = number(from, 8, 16);
  flow.destination_high = number(to, 0, 8);
  flow.destination_low = number(to, 8, 16);
  return flow;
}

}  // namespace lobo::packet
