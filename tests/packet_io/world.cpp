#include "world.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/packet_io/af_packet.hpp"
#include "adapters/packet_io/af_xdp.hpp"
#include "adapters/packet_io/capture_port.hpp"
#include "adapters/packet_io/dpdk.hpp"
#include "adapters/packet_io/memory.hpp"
#include "adapters/packet_io/wait.hpp"
#include "base/bytes.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "support/live_net.hpp"
#include "wire/capture/capture.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::packet_io_test {

namespace io = adapters::packet_io;

/// With fewer a loaded machine can be so slow that the kernel's timer closes all of them.
constexpr std::size_t receive_blocks = 16;

std::string to_string(Kind kind) {
  switch (kind) {
    case Kind::memory: return "memory";
    case Kind::pcap: return "pcap";
    case Kind::pcapng: return "pcapng";
    case Kind::dpdk_memif: return "dpdk_memif";
    case Kind::af_packet: return "af_packet";
    case Kind::af_packet_plain: return "af_packet_plain";
    case Kind::af_xdp: return "af_xdp";
    case Kind::dpdk_af_packet: return "dpdk_af_packet";
  }
  std::abort();
}

Frame numbered(std::uint32_t number, std::size_t size) {
  Frame frame(size);
  ByteWriter out(frame);
  out.be16(0x0200);  // to and from locally administered addresses
  out.be32(2);
  out.be16(0x0200);
  out.be32(1);
  out.be16(0x88B5);  // IEEE 802: local experimental
  out.be32(number);
  for (std::size_t i = out.position(); i < size; ++i)
    frame[i] = static_cast<std::byte>((i * 31 + number * 7) & 0xFFU);
  return frame;
}

Frame tagged(const Frame& frame, std::span<const std::array<std::uint16_t, 2>> tags) {
  constexpr std::size_t addresses = 12;
  Frame longer(frame.size() + tags.size() * 4);
  ByteWriter out(longer);
  out.bytes(Bytes(frame).first(addresses));
  for (const auto& [type, control] : tags) {
    out.be16(type);
    out.be16(control);
  }
  out.bytes(Bytes(frame).subspan(addresses));
  return longer;
}

Frame copy_of(const Packet& packet) {
  const auto bytes = packet.bytes();
  return {bytes.begin(), bytes.end()};
}

Packet view_of(Frame& frame) { return {frame, 0, frame.size(), {}}; }

::testing::AssertionResult same(const Frames& arrived, const Frames& sent) {
  const auto [here, there] = std::ranges::mismatch(arrived, sent);
  if (here == arrived.end() && there == sent.end()) return ::testing::AssertionSuccess();
  auto said = ::testing::AssertionFailure() << arrived.size() << " arrived of " << sent.size()
                                            << "; frame " << here - arrived.begin() << " differs";
  if (here != arrived.end() && there != sent.end())
    said << ": " << ::testing::PrintToString(*here) << "\ninstead of "
         << ::testing::PrintToString(*there);
  return said;
}

World::World(Kind kind, const Shape& shape) : kind_(kind), shape_(shape) {
  if (is_live(kind)) {
    make_live(shape);
    return;
  }
  if (is_capture(kind)) {
    make_capture();
    return;
  }
  if (kind_ == Kind::dpdk_memif) {
    make_memif();
    return;
  }
  auto pair =
      io::make_memory_pair({.ring_packets = shape.ring_packets, .frame_bytes_max = shape.mtu + 22});
  require(pair.has_value());
  sender_ = std::move(pair->first);
  receiver_ = std::move(pair->second);
}

void World::make_capture() {
  auto port = io::open_capture({.write = folder_.file("frames"),
                                .format = kind_ == Kind::pcap ? capture::Format::pcap_nanoseconds
                                                              : capture::Format::pcapng});
  require(port.has_value());
  sender_ = std::move(*port);
}

/// Both ends in this process, over a socket of their own.
void World::make_memif() {
  const auto end_of = [this](std::string_view role) -> std::unique_ptr<Port> {
    auto port = io::open_dpdk({fmt::format("net_memif_{0},role={0},socket={1},socket-abstract=no",
                                           role, folder_.file("memif"))});
    if (port) return std::move(*port);
    (port.error().code == Errc::unavailable ? why_not_ : what_failed_) = port.error().detail;
    return nullptr;
  };
  receiver_ = end_of("server");
  if (receiver_) sender_ = end_of("client");
  if (!sender_) return;
  const auto until = std::chrono::steady_clock::now() + patience;
  for (Port* const port : {sender_.get(), receiver_.get()})
    while (port->state() != PortState::open)
      if (std::chrono::steady_clock::now() > until) {
        what_failed_ = port->trouble();
        return;
      }
  // A client lends the server buffers to send into when it receives, and not before.
  Batch none;
  (void)sender_->receive(none);
}

void World::turn() {
  if (!is_capture(kind_) || receiver_) return;
  sender_->close();
  auto port = io::open_capture({.read = folder_.file("frames")});
  require(port.has_value());
  receiver_ = std::move(*port);
}

std::unique_ptr<Port> World::open(const std::string& interface, Error* why) {
  const auto tell = [this](std::string_view what) { told_.emplace_back(what); };
  if (kind_ == Kind::af_xdp) {
    auto ports = io::open_af_xdp({.interface = interface, .tell = tell});
    if (ports) return std::move(ports->front());
    if (why != nullptr) *why = ports.error();
    return nullptr;
  }
  if (kind_ == Kind::dpdk_af_packet) {
    auto port = io::open_dpdk(
        {.device = fmt::format("net_af_packet_{},iface={}", interface, interface), .tell = tell});
    if (port) return std::move(*port);
    if (why != nullptr) *why = port.error();
    return nullptr;
  }
  auto port = io::open_af_packet({.interface = interface,
                                  .rings = kind_ == Kind::af_packet,
                                  .receive_ring_bytes = receive_blocks * io::receive_block_bytes,
                                  .send_ring_frames = shape_.ring_packets,
                                  .tell = tell});
  if (port) return std::move(*port);
  if (why != nullptr) *why = port.error();
  return nullptr;
}

void World::make_live(const Shape& shape) {
  net_ = testing::LiveNet::make(shape.mtu);
  if (!net_) {
    why_not_ = testing::LiveNet::why_not();
    return;
  }
  if (kind_ == Kind::af_xdp && net_->in_user_namespace()) {
    why_not_ = "an XDP program needs CAP_BPF, which root of a user namespace does not have";
    return;
  }
  Error error;
  receiver_ = open(testing::LiveNet::far, &error);
  if (receiver_) sender_ = open(testing::LiveNet::near, &error);
  if (sender_) return;
  // A sandbox may permit namespaces and not BPF; a build may be without libxdp.
  const bool permitted = error.code != Errc::forbidden && error.code != Errc::unavailable;
  (permitted ? what_failed_ : why_not_) = error.detail;
}

void World::gather(Frames& into) {
  Batch batch;
  while (receiver_ && receiver_->receive(batch) > 0)
    for (const auto& packet : batch.packets()) into.push_back(copy_of(packet));
}

void World::let_leave() { (void)sender_->about_to_wait(); }

bool World::next(Batch& batch, std::chrono::milliseconds at_most) {
  Port* const ports[] = {receiver_.get()};
  const auto end = std::chrono::steady_clock::now() + at_most;
  while (std::chrono::steady_clock::now() < end) {
    let_leave();
    if (receiver_->receive(batch) > 0) return true;
    if (receiver_->state() != PortState::open) return false;
    (void)io::wait_for_packets(ports, std::chrono::milliseconds{50});
  }
  return false;
}

Frames World::collect(std::size_t wanted) {
  Frames frames;
  Batch batch;
  while (frames.size() < wanted && next(batch))
    for (const auto& packet : batch.packets()) frames.push_back(copy_of(packet));
  gather(frames);  // one too many is seen as well
  return frames;
}

std::size_t World::offer(Frames& frames) {
  std::vector<Packet> packets;
  for (auto& frame : frames) packets.push_back(view_of(frame));
  std::size_t sent = 0;
  while (sent < packets.size()) {
    const auto now = sender_->send(std::span(packets).subspan(sent));
    if (now == 0) break;
    sent += now;
  }
  return sent;
}

Frames World::transfer(Frames frames) {
  constexpr std::size_t at_a_time = 48;
  Frames arrived;
  const auto end = std::chrono::steady_clock::now() + patience;
  for (std::size_t sent = 0; sent < frames.size() && std::chrono::steady_clock::now() < end;) {
    Frames some(
        frames.begin() + static_cast<std::ptrdiff_t>(sent),
        frames.begin() + static_cast<std::ptrdiff_t>(std::min(sent + at_a_time, frames.size())));
    sent += offer(some);
    gather(arrived);
  }
  turn();
  if (arrived.size() < frames.size())
    for (auto& frame : collect(frames.size() - arrived.size())) arrived.push_back(std::move(frame));
  gather(arrived);
  return arrived;
}

}  // namespace lobo::packet_io_test
