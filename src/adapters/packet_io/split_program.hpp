#pragma once
// A classic BPF program by which the kernel divides an interface's packets among the ports of one
// fanout group, so that those of one UE reach one worker, fragments included: wire/packet/split.hpp
// has the rule. What it cannot tell goes to the first.

#include <linux/filter.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lobo::adapters::packet_io {

enum class SplitBy : std::uint8_t {
  destination,    ///< the packet's: N6, what goes to UEs
  tunnel_source,  ///< the source of what a GTP-U tunnel carries: N3, what comes from UEs
};

/// Extension headers of GTP-U that are skipped; behind more of them the packet is the first's.
inline constexpr std::size_t split_extensions_max = 4;

/// Of `count` ports, at least one. Offsets are from the network header on, which is there whatever
/// tags the kernel took off the frame.
std::vector<sock_filter> split_program(SplitBy by, std::uint32_t count);

}  // namespace lobo::adapters::packet_io
