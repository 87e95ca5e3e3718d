#pragma once
// The program that an interface runs for each frame: written here instruction by instruction, so
// that neither a compiler nor an object file is needed where it is loaded.

#include <linux/bpf.h>

#include <vector>

#include "adapters/packet_io/served.hpp"
#include "base/result.hpp"

namespace lobo::adapters::packet_io {

/// Sends what is served to the socket that `sockets`, a map of XDP sockets, holds for the receive
/// queue, and passes all else, or all while there is no socket, on to the kernel. Looks behind two
/// VLAN tags at most. A fault where the list contradicts itself.
Result<std::vector<bpf_insn>> xdp_filter(const ServedList& served, int sockets);

}  // namespace lobo::adapters::packet_io
