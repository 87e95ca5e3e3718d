#pragma once
// A flow description (model/flow_description.hpp) made ready to be compared with many packets: the
// SDF filter of a detection rule. Compiled once, then without allocation.

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/few.hpp"
#include "model/address.hpp"
#include "model/flow_description.hpp"
#include "wire/packet/flow.hpp"

namespace lobo::packet {

/// Which way a packet goes.
enum class Travel : std::uint8_t { to_ue, from_ue };

class FlowFilter {
 public:
  /// `assigned` becomes the address of the UE, or any where the caller compares that himself.
  explicit FlowFilter(const model::FlowDescription& description,
                      const std::optional<model::IpAddress>& ue_address = std::nullopt);

  /// A description is written for one direction ("out" is towards the UE, TS 29.212 clause 5.4.2);
  /// it holds for packets of the other one with source and destination swapped (TS 29.244 clause
  /// 5.2.1A.2A). Later fragments have no ports: a filter that names ports does not match them.
  bool matches(const FlowKey& flow, Travel travel) const noexcept;

  bool operator==(const FlowFilter&) const = default;

  /// One end of a flow: an address under a mask, and ports.
  struct End {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::uint64_t high_mask = 0;
    std::uint64_t low_mask = 0;
    std::uint8_t ip_version = 0;  ///< 0: either
    Few<model::PortRange, model::FlowDescription::ports_max> ports;
    bool operator==(const End&) const = default;

    bool has(std::uint64_t address_high, std::uint64_t address_low, std::uint16_t port,
             std::uint8_t version) const noexcept;
  };
  const End& remote() const { return remote_; }
  const End& ue() const { return ue_; }
  const std::optional<std::uint8_t>& protocol() const { return protocol_; }

 private:
  static End end_of(const model::FlowEndpoint& endpoint,
                    const std::optional<model::IpAddress>& ue_address);

  End remote_;
  End ue_;
  std::optional<std::uint8_t> protocol_;
};

}  // namespace lobo::packet
