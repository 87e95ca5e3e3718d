#pragma once
// The two halves of an AF_PACKET port, each with a ring that it shares with the kernel or without.

#include <sys/socket.h>

#include <cstddef>
#include <memory>
#include <span>

#include "adapters/packet_io/af_packet.hpp"
#include "adapters/packet_io/link.hpp"
#include "base/result.hpp"
#include "wire/packet/parse.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::adapters::packet_io {

/// What both halves count into; the port's.
using lobo::packet_io::Counters;

class PacketSource {
 public:
  PacketSource() = default;
  PacketSource(const PacketSource&) = delete;
  PacketSource& operator=(const PacketSource&) = delete;
  virtual ~PacketSource() = default;
  virtual void receive(lobo::packet_io::Batch& batch, Counters& counters) noexcept = 0;
  virtual bool ready() noexcept = 0;
};

class PacketSink {
 public:
  PacketSink() = default;
  PacketSink(const PacketSink&) = delete;
  PacketSink& operator=(const PacketSink&) = delete;
  virtual ~PacketSink() = default;
  virtual std::size_t send(std::span<const lobo::packet_io::Packet> packets,
                           Counters& counters) noexcept = 0;
  /// Asks again for what the kernel has not taken yet; whether nothing of that is left.
  virtual bool push(Counters& counters) noexcept = 0;
};

/// Room that receivers keep in front of a frame, a tag that goes back in included.
inline constexpr std::size_t receive_headroom = 192;
/// What the longest frame of `link` takes, a tag included.
inline std::size_t frame_room(const Link& link) {
  return link.mtu + ethernet_bytes + packet::vlan_tag_bytes;
}

// The sockets are not yet bound; they live longer than what is made of them.
Result<std::unique_ptr<PacketSource>> make_ring_source(const Link& link, int socket,
                                                       const AfPacketOptions& options);
Result<std::unique_ptr<PacketSource>> make_plain_source(const Link& link, int socket,
                                                        const AfPacketOptions& options);
Result<std::unique_ptr<PacketSink>> make_ring_sink(const Link& link, int socket,
                                                   const AfPacketOptions& options);
std::unique_ptr<PacketSink> make_plain_sink(const Link& link, int socket);

/// setsockopt() of an AF_PACKET option; whether the kernel took it.
template <class Value>
bool set_packet_option(int socket, int option, const Value& value) {
  return ::setsockopt(socket, SOL_PACKET, option, &value, sizeof value) == 0;
}

/// Asks for a virtio header before each received frame: where an open checksum counts from, and
/// whether the frame is one of several packets. False with kernels that have none for rings.
bool ask_for_offload_header(int socket);

/// Reads and adds what the kernel dropped since it was asked last.
void count_ring_drops(int socket, Counters& counters);

}  // namespace lobo::adapters::packet_io
