#include "wire/packet/flow_filter.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/require.hpp"
#include "model/address.hpp"
#include "model/flow_description.hpp"
#include "wire/packet/flow.hpp"

namespace lobo::packet {
namespace {

/// The first `length` of 64 bits.
std::uint64_t leading_ones(unsigned length) {
  if (length == 0) return 0;
  return ~std::uint64_t{0} << (64U - std::min(length, 64U));
}

}  // namespace

FlowFilter::FlowFilter(const model::FlowDescription& description,
                       const std::optional<model::IpAddress>& ue_address)
    : remote_(end_of(description.from, ue_address)),
      ue_(end_of(description.to, ue_address)),
      protocol_(description.protocol) {
  if (description.direction == model::FlowDescription::Direction::in) std::swap(remote_, ue_);
}

FlowFilter::End FlowFilter::end_of(const model::FlowEndpoint& endpoint,
                                   const std::optional<model::IpAddress>& ue_address) {
  using Kind = model::FlowEndpoint::Kind;
  End end;
  for (const model::PortRange& range : endpoint.ports) require(end.ports.add(range));
  const bool is_ue = endpoint.kind == Kind::assigned && ue_address;
  if (endpoint.kind != Kind::network && !is_ue) return end;
  const model::IpAddress& address = is_ue ? *ue_address : endpoint.address;
  const unsigned length = is_ue ? model::address_bits(address) : endpoint.prefix_length;
  const FlowKey key = flow_between(address, 0, address, 0);
  end.ip_version = key.ip_version;
  end.high = key.source_high;
  end.low = key.source_low;
  if (key.ip_version == 4) {
    end.low_mask = leading_ones(length) >> 32U;  // an IPv4 address is the lower half
  } else {
    end.high_mask = leading_ones(length);
    end.low_mask = leading_ones(length > 64 ? length - 64 : 0);
  }
  return end;
}

bool FlowFilter::End::has(std::uint64_t address_high, std::uint64_t address_low, std::uint16_t port,
                          std::uint8_t version) const noexcept {
  if (ip_version != 0 && ip_version != version) return false;
  const std::uint64_t differs =
      ((address_high ^ high) & high_mask) | ((address_low ^ low) & low_mask);
  if (differs != 0) return false;
  return ports.empty() || std::ranges::any_of(ports.all(), [&](const model::PortRange& range) {
           return range.first <= port && port <= range.last;
         });
}

bool FlowFilter::matches(const FlowKey& flow, Travel travel) const noexcept {
  if (protocol_ && *protocol_ != flow.protocol) return false;
  const bool to_ue = travel == Travel::to_ue;
  const End& source = to_ue ? remote_ : ue_;
  const End& destination = to_ue ? ue_ : remote_;
  return source.has(flow.source_high, flow.source_low, flow.source_port, flow.ip_version) &&
         destination.has(flow.destination_high, flow.destination_low, flow.destination_port,
                         flow.ip_version);
}

}  // namespace lobo::packet
