#pragma once
// A pair of ports of one kind, one that sends and one that receives, and frames to send.

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "support/live_net.hpp"
#include "support/temp_dir.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::packet_io_test {

using packet_io::Batch;
using packet_io::DropReason;
using packet_io::Packet;
using packet_io::Port;
using packet_io::PortState;

enum class Kind : std::uint8_t {
  memory,
  pcap,
  pcapng,
  dpdk_memif,
  af_packet,
  af_packet_plain,
  af_xdp,
  dpdk_af_packet
};
inline constexpr std::array kinds{Kind::memory,     Kind::pcap,          Kind::pcapng,
                                  Kind::dpdk_memif, Kind::af_packet,     Kind::af_packet_plain,
                                  Kind::af_xdp,     Kind::dpdk_af_packet};
inline constexpr std::array live_kinds{Kind::af_packet, Kind::af_packet_plain, Kind::af_xdp,
                                       Kind::dpdk_af_packet};
constexpr bool is_live(Kind kind) { return kind >= Kind::af_packet; }
/// There is nothing to wait on.
constexpr bool is_polled(Kind kind) {
  return kind == Kind::dpdk_memif || kind == Kind::dpdk_af_packet;
}
constexpr bool is_capture(Kind kind) { return kind == Kind::pcap || kind == Kind::pcapng; }
std::string to_string(Kind kind);

/// How long a test waits at most for what the kernel does in a moment.
inline constexpr std::chrono::seconds patience{10};

using Frame = std::vector<std::byte>;
using Frames = std::vector<Frame>;

/// `size` bytes of an experimental EtherType, each frame unlike the others.
Frame numbered(std::uint32_t number, std::size_t size);
/// With tags (EtherType and control) behind the MAC addresses.
Frame tagged(const Frame& frame, std::span<const std::array<std::uint16_t, 2>> tags);
Frame copy_of(const Packet& packet);
/// A view on all of it, without rooms: enough to send it.
Packet view_of(Frame& frame);

/// Frame by frame; names the first that differs.
::testing::AssertionResult same(const Frames& arrived, const Frames& sent);

struct Shape {
  std::size_t mtu = 1500;
  std::size_t ring_packets = 1024;  ///< where that can be chosen
};

class World {
 public:
  World(Kind kind, const Shape& shape);

  /// Why it cannot be tried on this machine.
  const std::string& why_not() const { return why_not_; }
  /// Why a port was not opened although it might have been.
  const std::string& what_failed() const { return what_failed_; }
  Port& sender() { return *sender_; }
  Port& receiver() { return *receiver_; }
  /// nullptr where it is refused.
  std::unique_ptr<Port> open(const std::string& interface, Error* why = nullptr);
  const std::vector<std::string>& told() const { return told_; }

  /// A capture is read when it is written; elsewhere nothing happens.
  void turn();

  /// Sends all, whatever room the sender has at a time, and receives until all are here, nothing
  /// more can come, or patience is over.
  Frames transfer(Frames frames);
  /// Sends what the sender takes without anybody receiving; how many it took.
  std::size_t offer(Frames& frames);
  /// A worker asks all its ports in turns; what the kernel did not take at once leaves then.
  void let_leave();
  /// Receives until `wanted` frames are here, nothing more can come, or patience is over.
  Frames collect(std::size_t wanted);
  /// One batch more, waited for.
  bool next(Batch& batch, std::chrono::milliseconds at_most = patience);

 private:
  void make_live(const Shape& shape);
  void make_capture();
  void make_memif();
  void gather(Frames& into);

  Kind kind_;
  Shape shape_;
  std::string why_not_;
  std::string what_failed_;
  std::vector<std::string> told_;
  testing::TempDir folder_;
  std::unique_ptr<testing::LiveNet> net_;
  std::unique_ptr<Port> sender_;
  std::unique_ptr<Port> receiver_;
};

/// Skips where the machine permits no such world, fails where one that it permits was not made.
#define LOBO_NEED(world)                                             \
  if (!(world).why_not().empty()) GTEST_SKIP() << (world).why_not(); \
  ASSERT_EQ((world).what_failed(), "")

}  // namespace lobo::packet_io_test
