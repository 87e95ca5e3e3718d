#pragma once
// What a packet is told apart by.

#include <cstdint>
#include <optional>

#include "wire/packet/flow.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {

struct PacketFacts {
  pfcp::Interface from = pfcp::Interface::core;
  packet::FlowKey flow;  ///< of the user's packet, inside a tunnel that of the inner one
  std::uint8_t traffic_class = 0;
  std::uint32_t teid = 0;           ///< from Interface::access
  std::optional<std::uint8_t> qfi;  ///< of its PDU Session Container, where it has one
};

}  // namespace lobo::dataplane
