#pragma once
// Packet filters as text: IPFilterRule (RFC 6733 clause 4.3.1) with the restrictions of TS 29.214
// clause 5.3.8: only "permit", no options, no "!".
//
//   permit out 17 from 192.0.2.10 5004 to 10.45.0.2 40000-40010
//
// "out" is towards the UE, "in" comes from it. A network function may crash on a rule without its
// addresses, so nothing leaves this parser that has not both.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::model {

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  bool operator==(const PortRange&) const = default;
};

/// Where packets come from or go to.
struct FlowEndpoint {
  enum class Kind : std::uint8_t {
    any,       ///< "any"
    assigned,  ///< "assigned": whatever address the UE has
    network,   ///< an address, or a network with its prefix length
  };
  Kind kind = Kind::any;
  IpAddress address;               ///< of network; bits behind the prefix are zero
  std::uint8_t prefix_length = 0;  ///< of network; 32 or 128 for one host
  std::vector<PortRange> ports;    ///< none: all

  static FlowEndpoint host(const IpAddress& address, std::vector<PortRange> ports = {});
  bool operator==(const FlowEndpoint&) const = default;
};

struct FlowDescription {
  enum class Direction : std::uint8_t { out, in };

  static constexpr std::size_t text_bytes_max = 512;
  static constexpr std::size_t ports_max = 16;  ///< ranges at one end

  Direction direction = Direction::out;
  std::optional<std::uint8_t> protocol;  ///< none: "ip", any protocol
  FlowEndpoint from;
  FlowEndpoint to;

  /// The fault's reason is a sentence for people; its place is empty, the caller knows it.
  static Result<FlowDescription> parse(std::string_view text);
  /// Single spaces, hosts without prefix length, ports as they came. Both ends are there always.
  std::string text() const;
  bool operator==(const FlowDescription&) const = default;
};

}  // namespace lobo::model
