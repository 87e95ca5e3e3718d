#pragma once
// AF_XDP: an XDP program on the interface hands what is served to this process before the kernel's
// stack sees it, and passes the rest on. Needs CAP_NET_RAW for the socket, CAP_NET_ADMIN and
// CAP_BPF for the program, the latter in the first user namespace: root of a container's own user
// namespace does not have it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adapters/packet_io/af_packet.hpp"
#include "adapters/packet_io/served.hpp"
#include "base/result.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::adapters::packet_io {

struct AfXdpOptions {
  std::string interface;
  ServedList served;           ///< empty: every frame
  std::uint32_t queues = 1;    ///< receive queues of the interface, a port for each
  bool own_mode_only = false;  ///< not the generic mode, where the driver has none of its own
  Tell tell = {};
};

inline constexpr std::uint32_t xdp_queues_max = 64;
/// Of one port: half to receive, half to send, a page each.
inline constexpr std::size_t xdp_frames = 4096;

using Ports = std::vector<std::unique_ptr<lobo::packet_io::Port>>;

/// A port for each queue. The program stays on the interface until the last of them is closed; the
/// kernel takes it off as well when the process ends, whatever it ends of.
Result<Ports> open_af_xdp(const AfXdpOptions& options);

/// AF_XDP, or else AF_PACKET, `tell` hears why. One port for each queue in both cases.
Result<Ports> open_fastest(const AfXdpOptions& options, const AfPacketOptions& otherwise);

/// For `lobo version`: what can be chosen, and what this build has not.
std::string describe();

}  // namespace lobo::adapters::packet_io
