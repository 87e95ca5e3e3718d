#pragma once
// N3 and N6: interfaces with their addresses, as configured and as they are, and the ports on them.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/packet_io/af_packet.hpp"
#include "adapters/packet_io/af_xdp.hpp"
#include "adapters/packet_io/link.hpp"
#include "base/result.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/wanted_addresses.hpp"
#include "upf/upf_config.hpp"

namespace lobo::app {

/// "n3", "n6".
std::string_view to_string(dataplane::PathSide side);

struct UpfSide {
  dataplane::PathSide name{};
  adapters::packet_io::Link link;
  dataplane::SideNeighbours addresses;  ///< nobody is known yet
  bool kernel_forwards = false;         ///< it would send on what it sees as well
};

/// Refuses where the interface is not there, or does not have the addresses that are configured, or
/// has none at all.
Result<UpfSide> look_at_side(dataplane::PathSide name, const UpfSideConfig& config);

/// Ports on one side for each worker: of one worker one for each receive queue. `tell` hears what
/// was chosen and why.
Result<std::vector<adapters::packet_io::Ports>> open_ports(const UpfSide& side,
                                                           const UpfConfig& config,
                                                           const adapters::packet_io::Tell& tell);

}  // namespace lobo::app
