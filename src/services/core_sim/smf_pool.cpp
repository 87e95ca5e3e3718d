#include "services/core_sim/smf_pool.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <variant>

#include "model/address.hpp"
#include "services/core_sim/smf_config.hpp"

namespace lobo::core_sim {

namespace {

std::uint32_t number_of(const model::Ipv4Address& address) {
  std::uint32_t number = 0;
  for (const auto octet : address.octets) number = number << 8U | octet;
  return number;
}
model::Ipv4Address address_of(std::uint32_t number) {
  model::Ipv4Address address;
  for (auto at = address.octets.rbegin(); at != address.octets.rend(); ++at, number >>= 8U)
    *at = static_cast<std::uint8_t>(number & 0xFFU);
  return address;
}

}  // namespace

std::optional<Ipv4Network> Ipv4Network::parse(std::string_view text) {
  const auto network = parse_ip_network(text);
  const auto* address = network ? std::get_if<model::Ipv4Address>(&network->first) : nullptr;
  if (address == nullptr) return std::nullopt;
  return Ipv4Network{number_of(*address), network->second};
}

std::uint32_t Ipv4Network::last() const {
  const std::uint64_t size = std::uint64_t{1} << (32U - prefix_length);
  return static_cast<std::uint32_t>(first + size - 1);
}

std::optional<model::Ipv4Address> AddressPool::allocate(
    const std::function<bool(const model::Ipv4Address&)>& taken) {
  const auto low = std::uint64_t{network_.first} + 2;
  const auto high = std::uint64_t{network_.last()};  // itself not given
  if (low >= high) return std::nullopt;
  for (std::uint64_t tried = low; tried < high; ++tried) {
    next_ = next_ < low || next_ + 1 >= high ? static_cast<std::uint32_t>(low) : next_ + 1;
    if (used_.contains(next_) || taken(address_of(next_))) continue;
    used_.insert(next_);
    return address_of(next_);
  }
  return std::nullopt;
}

void AddressPool::give_back(const model::Ipv4Address& address) { used_.erase(number_of(address)); }

}  // namespace lobo::core_sim
