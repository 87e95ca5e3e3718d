#pragma once
// The way out to one destination: datagrams become frames as the kernel would make them, and leave
// by a ring of AF_PACKET, past the kernel, because no socket of UDP can send a surplus area. A UDP
// socket connected to the destination stands beside it: it owns the port, tells the source address,
// hears what comes back, and sends what only the kernel can send: datagrams longer than the
// interface's MTU, and any while the next hop's MAC address is not known. Where no mark needs the
// surplus area it may be the only way out, which needs no privilege.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/capture/file.hpp"
#include "adapters/packet_io/af_packet.hpp"
#include "adapters/packet_io/neighbours.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::app {

/// How the next hop's address is waited for when an outlet is opened.
inline constexpr std::chrono::milliseconds next_hop_patience{1000};
/// System calls for a batch before what the ring does not take is dropped.
inline constexpr unsigned outlet_pushes_max = 64;

struct OutletSettings {
  model::IpAddress to;
  std::uint16_t port = 0;
  std::string interface;   ///< empty: the one that the route leads to
  bool by_socket = false;  ///< by the UDP socket alone
  std::uint8_t traffic_class = 0;
  adapters::packet_io::Tell tell = {};
};

struct OutletTallies {
  std::uint64_t sent = 0;  ///< frames
  std::uint64_t bytes = 0;
  std::uint64_t by_kernel = 0;  ///< whole datagrams without a mark, by the UDP socket
  std::uint64_t dropped = 0;    ///< neither ring nor kernel took them
};

class Outlet {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static Result<std::unique_ptr<Outlet>> open(const OutletSettings& settings);

  /// The frame of a datagram with this user data; valid until the next call. Empty where it would
  /// be longer than the interface carries.
  Bytes frame_of(Bytes user_data);
  /// Gathers; flush() sends. A full batch is sent at once.
  void send(Bytes frame, Time now);
  void flush(Time now);
  /// By the kernel: whole, in fragments where need be, and without a mark.
  void send_by_kernel(Bytes user_data);

  /// What the destination sends back arrives here; connected, non-blocking.
  int socket() const { return socket_.get(); }
  std::size_t ip_bytes_max() const { return route_.link.mtu; }
  const OutletTallies& tallies() const { return tallies_; }
  /// "10.60.0.1:40000 > 10.60.0.2:5004 by AF_PACKET on eth1, next hop …"
  std::string describe() const;

 private:
  Outlet(adapters::UniqueFile socket, adapters::packet_io::Route route, packet::FlowKey flow);
  bool wait_for_next_hop();

  adapters::UniqueFile socket_;
  adapters::packet_io::Route route_;
  packet::FlowKey flow_;
  std::uint8_t traffic_class_ = 0;
  std::optional<adapters::packet_io::Neighbours> neighbours_;
  std::unique_ptr<lobo::packet_io::Port> port_;  ///< none: by the socket alone
  std::vector<std::byte> frame_;
  std::vector<std::byte> gathered_;  ///< batch_packets_max places for a frame
  lobo::packet_io::Batch batch_;
  OutletTallies tallies_;
};

}  // namespace lobo::app
