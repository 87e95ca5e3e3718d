#pragma once
// A device of DPDK by its name and arguments, as `--vdev` of DPDK's own programs takes them:
// "net_memif0,role=server,socket=/run/lobo.sock", "net_af_packet0,iface=eth1", "net_null0".
// Devices in software alone: no huge pages, no card is taken from the kernel.
//
// Received frames are DPDK's own buffers, lent without a copy. What is sent is copied once into
// one, as the port promises. There is nothing to wait on: who owns such a port asks it again and
// again.

#include <cstddef>
#include <memory>
#include <string>

#include "adapters/packet_io/af_packet.hpp"
#include "base/result.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::adapters::packet_io {

inline constexpr std::size_t dpdk_ports_max = 8;  ///< open at a time in a process
inline constexpr std::size_t dpdk_frame_bytes_max = 2048;
/// Of an interface under a device: net_af_packet cuts what is longer than its frames of 2 KiB with
/// their heads, and does not say so. Longer than the MTU and still whole must be told from that.
inline constexpr std::size_t dpdk_mtu_max = 1900;
/// Of one port, to receive and to send, each in a page of its own, 16 MiB: a device may hold a ring
/// of 1,024 in each direction. Those that copy hold none.
inline constexpr unsigned dpdk_buffers = 4095;
/// Address space of the process for all ports, with the first one and for good. What no port uses
/// takes no memory.
inline constexpr unsigned dpdk_memory_mib = 256;
/// Of it, beside the buffers: what a driver takes when a peer comes is a part of this. A memif that
/// was closed leaves some 40 kB taken (DPDK 22.11), so that after some thousands nothing is opened.
inline constexpr std::size_t dpdk_spare_bytes = std::size_t{1} << 20U;
inline constexpr std::size_t dpdk_device_bytes_max = 512;  ///< name and arguments

struct DpdkOptions {
  std::string device;
  Tell tell = {};
};

/// DPDK's environment begins with the first port that is opened in the process, and cannot end
/// before it: it has threads of its own.
Result<std::unique_ptr<lobo::packet_io::Port>> open_dpdk(const DpdkOptions& options);

/// For `lobo version`.
std::string describe_dpdk();

}  // namespace lobo::adapters::packet_io
