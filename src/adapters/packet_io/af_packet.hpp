#pragma once
// The default port of an interface: AF_PACKET, with a TPACKET_V3 ring to receive, whose frames are
// handed out where the kernel put them, and a TPACKET_V2 ring to send past the queueing discipline.
// The kernel's own stack sees the packets as well. Needs CAP_NET_RAW in the user namespace of the
// network namespace, which `unshare -Urn` gives to anybody.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/packet_io/split_program.hpp"
#include "base/result.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::adapters::packet_io {

/// Hears what a user should know and no error tells, a sentence at a time.
using Tell = std::function<void(std::string_view)>;

struct AfPacketOptions {
  std::string interface;
  /// Without rings packets are copied once more, by a system call for a batch, but come at once:
  /// the kernel hands a block of the ring over when it is full or block_patience has passed.
  bool rings = true;
  std::chrono::milliseconds block_patience{1};
  std::size_t receive_ring_bytes = std::size_t{8} << 20U;  ///< rounded to blocks, two at least
  std::size_t send_ring_frames = 1024;
  /// Ports with one number share the interface's packets by flow, one for each worker.
  std::optional<std::uint16_t> fanout;
  /// They share them by UE instead, the first port opened being the first of `split->count`.
  struct Split {
    SplitBy by{};
    std::uint32_t count = 1;
  };
  std::optional<Split> split;
  bool promiscuous = false;  ///< frames to other MAC addresses as well
  bool send_only = false;    ///< nothing is received, and the kernel copies nothing for it
  Tell tell = {};
};

/// A block holds the longest frame that the kernel makes of several (64 KiB).
inline constexpr std::size_t receive_block_bytes = std::size_t{128} << 10U;
inline constexpr std::size_t receive_ring_bytes_max = std::size_t{1} << 30U;
inline constexpr std::size_t send_ring_frames_max = 65536;

Result<std::unique_ptr<lobo::packet_io::Port>> open_af_packet(const AfPacketOptions& options);

}  // namespace lobo::adapters::packet_io
