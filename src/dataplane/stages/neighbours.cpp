#include "dataplane/stages/neighbours.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "model/address.hpp"
#include "wire/packet/flow.hpp"

namespace lobo::dataplane {
namespace {

template <class Address>
HopAddress optional_address(const std::optional<Address>& address) {
  return address ? HopAddress::of(model::IpAddress(*address)) : HopAddress{};
}

std::uint64_t number_of(const model::MacAddress& mac) {
  std::uint64_t number = 0;
  for (const std::uint8_t octet : mac.octets) number = number << 8U | octet;
  return number;
}

std::uint64_t leading_ones(unsigned length) {
  return length == 0 ? 0 : ~std::uint64_t{0} << (64U - std::min(length, 64U));
}

}  // namespace

HopAddress HopAddress::of(const model::IpAddress& address) {
  const packet::FlowKey key = packet::flow_between(address, 0, address, 0);
  return {key.source_high, key.source_low, key.ip_version};
}

model::IpAddress HopAddress::address() const {
  packet::FlowKey key;
  key.source_high = high;
  key.source_low = low;
  key.ip_version = version;
  return key.source();
}

Side::Side(const SideNeighbours& from)
    : mac_(number_of(from.mac)),
      own_v4_(optional_address(from.v4)),
      own_v6_(optional_address(from.v6)),
      gateway_v4_(optional_address(from.gateway_v4)),
      gateway_v6_(optional_address(from.gateway_v6)) {
  for (const auto& prefix : from.on_link) {
    if (on_link_.size() == on_link_prefixes_max) break;
    Prefix compiled{.network = HopAddress::of(prefix.network)};
    if (compiled.network.version == 4) {
      compiled.high_mask = ~std::uint64_t{0};
      compiled.low_mask = ~std::uint64_t{0} << 32U | leading_ones(prefix.length) >> 32U;
    } else {
      compiled.high_mask = leading_ones(prefix.length);
      compiled.low_mask = leading_ones(prefix.length > 64 ? prefix.length - 64 : 0);
    }
    compiled.network.high &= compiled.high_mask;
    compiled.network.low &= compiled.low_mask;
    on_link_.push_back(compiled);
  }
  const std::size_t count = std::min(from.known.size(), neighbours_max);
  slots_.resize(std::bit_ceil(2 * std::max<std::size_t>(count, 1)));
  for (std::size_t i = 0; i < count; ++i) add(from.known[i]);
}

std::size_t Side::place(const HopAddress& address) const noexcept {
  constexpr std::uint64_t first = 0x9E3779B97F4A7C15;
  constexpr std::uint64_t second = 0xC2B2AE3D27D4EB4F;
  return packet::detail::fold(address.low ^ first, address.high ^ second ^ address.version) &
         (slots_.size() - 1);
}

void Side::add(const SideNeighbours::Entry& entry) {
  const HopAddress address = HopAddress::of(entry.address);
  std::size_t at = place(address);
  while (slots_[at].address.version != 0 && slots_[at].address != address)
    at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {address, number_of(entry.mac)};
}

std::optional<std::uint64_t> Side::find(const HopAddress& address) const noexcept {
  for (std::size_t at = place(address); slots_[at].address.version != 0;
       at = (at + 1) & (slots_.size() - 1))
    if (slots_[at].address == address) return slots_[at].mac;
  return std::nullopt;
}

bool Side::is_on_link(const HopAddress& address) const noexcept {
  return std::ranges::any_of(on_link_, [&](const Prefix& prefix) {
    return prefix.network.version == address.version &&
           (((address.high ^ prefix.network.high) & prefix.high_mask) |
            ((address.low ^ prefix.network.low) & prefix.low_mask)) == 0;
  });
}

Side::Hop Side::hop_to(const HopAddress& destination) const noexcept {
  const HopAddress& gateway = destination.version == 6 ? gateway_v6_ : gateway_v4_;
  const HopAddress& via = is_on_link(destination) ? destination : gateway;
  if (via.version == 0) return {};
  return {find(via), via};
}

}  // namespace lobo::dataplane
