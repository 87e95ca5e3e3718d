#include "live/outlet.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include "adapters/capture/file.hpp"
#include "adapters/packet_io/af_packet.hpp"
#include "adapters/packet_io/neighbours.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"
#include "wire/packet/build.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"
#include "wire/packet_io/batch.hpp"

namespace lobo::app {
namespace {

namespace io = adapters::packet_io;
using adapters::UniqueFile;

constexpr std::size_t options_room =
    512;  ///< marks and a VLAN tag; what is over the MTU is not sent
constexpr int buffer_bytes = 4 << 20;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* any() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress socket_address(const model::IpAddress& address, std::uint16_t port, int interface) {
  SocketAddress out;
  if (const auto* four = std::get_if<model::Ipv4Address>(&address)) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, four->octets.data(), four->octets.size());
    std::memcpy(&out.storage, &in, sizeof in);
    out.size = sizeof in;
    return out;
  }
  const auto& octets = std::get<model::Ipv6Address>(address).octets;
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  const bool link_local = octets[0] == 0xFE && (octets[1] & 0xC0U) == 0x80;
  if (link_local) in.sin6_scope_id = static_cast<std::uint32_t>(interface);
  std::memcpy(&in.sin6_addr, octets.data(), octets.size());
  std::memcpy(&out.storage, &in, sizeof in);
  out.size = sizeof in;
  return out;
}

std::uint16_t port_of(const SocketAddress& address) {
  std::uint16_t port = 0;  // both families have it behind the family
  std::memcpy(&port, reinterpret_cast<const char*>(&address.storage) + sizeof(sa_family_t),
              sizeof port);
  return ntohs(port);
}

/// Connected: the kernel lets nobody else have the port, and tells which address it sends from.
Result<UniqueFile> connected(const OutletSettings& settings, const io::Route& route) {
  auto to = socket_address(settings.to, settings.port, route.link.index);
  UniqueFile socket(::socket(to.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
                    true);
  if (socket.get() < 0)
    return fail(Errc::refused, fmt::format("a UDP socket: {}", std::strerror(errno)));
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
  auto from = socket_address(route.source, 0, route.link.index);
  if (::bind(socket.get(), from.any(), from.size) != 0 ||
      ::connect(socket.get(), to.any(), to.size) != 0)
    return fail(Errc::refused, fmt::format("a UDP socket to {}: {}", model::to_text(settings.to),
                                           std::strerror(errno)));
  return socket;
}

}  // namespace

Outlet::Outlet(UniqueFile socket, io::Route route, packet::FlowKey flow)
    : socket_(std::move(socket)),
      route_(std::move(route)),
      flow_(flow),
      frame_(route_.link.mtu + packet::ethernet_header_bytes),
      gathered_(lobo::packet_io::batch_packets_max * (frame_.size() + options_room)) {}

Result<std::unique_ptr<Outlet>> Outlet::open(const OutletSettings& settings) {
  auto route = io::find_route(settings.to, settings.interface);
  if (!route) return fail(route.error());
  auto socket = connected(settings, *route);
  if (!socket) return fail(socket.error());
  SocketAddress own;
  own.size = sizeof own.storage;
  if (::getsockname(socket->get(), own.any(), &own.size) != 0)
    return fail(Errc::refused, fmt::format("a UDP socket: {}", std::strerror(errno)));
  auto flow = packet::flow_between(route->source, port_of(own), settings.to, settings.port);
  flow.protocol = packet::protocol_udp;
  auto outlet = std::unique_ptr<Outlet>(new Outlet(std::move(*socket), std::move(*route), flow));
  outlet->traffic_class_ = settings.traffic_class;
  if (settings.by_socket) return outlet;
  const auto& link = outlet->route_.link;
  auto port =
      io::open_af_packet({.interface = link.name, .send_only = true, .tell = settings.tell});
  if (!port) return fail(port.error());
  outlet->port_ = std::move(*port);
  auto neighbours = io::Neighbours::open(link);
  if (!neighbours) return fail(neighbours.error());
  outlet->neighbours_.emplace(std::move(*neighbours));
  if (!outlet->wait_for_next_hop() && settings.tell)
    settings.tell(fmt::format(
        "{}: nobody answers for {} yet; until then datagrams leave unmarked by the kernel",
        link.name, model::to_text(outlet->route_.next_hop)));
  return outlet;
}

bool Outlet::wait_for_next_hop() {
  const auto end = std::chrono::steady_clock::now() + next_hop_patience;
  for (auto now = std::chrono::steady_clock::now(); now < end;
       now = std::chrono::steady_clock::now()) {
    if (neighbours_->resolve(route_.next_hop, now)) return true;
    ::usleep(1000);
  }
  return false;
}

std::string Outlet::describe() const {
  return fmt::format("{}:{} > {}:{} by {} on {}", model::to_text(flow_.source()), flow_.source_port,
                     model::to_text(flow_.destination()), flow_.destination_port,
                     port_ ? "AF_PACKET" : "a UDP socket", route_.link.name);
}

Bytes Outlet::frame_of(Bytes user_data) {
  const packet::EthernetFields link{.destination = {}, .source = route_.link.address};
  const auto size =
      packet::build_udp_frame(frame_, link, flow_, {.traffic_class = traffic_class_}, user_data);
  return Bytes(frame_).first(size.value_or(0));
}

void Outlet::send(Bytes frame, Time now) {
  const std::size_t place = frame_.size() + options_room;
  if (!port_ || frame.size() > place) {
    send_by_kernel(packet::parse_ethernet(frame).user_data());
    return;
  }
  if (batch_.full()) flush(now);
  const auto room = MutableBytes(gathered_).subspan(batch_.size() * place, place);
  std::ranges::copy(frame, room.begin());
  batch_.push({room, 0, frame.size(), {}});
}

void Outlet::flush(Time now) {
  if (batch_.empty()) return;
  const auto next_hop = neighbours_->resolve(route_.next_hop, now);
  if (!next_hop) {
    for (const auto& packet : batch_.packets())
      send_by_kernel(packet::parse_ethernet(packet.bytes()).user_data());
    batch_.clear();
    return;
  }
  for (auto& packet : batch_.packets())
    std::ranges::copy(std::as_bytes(std::span(next_hop->octets)), packet.bytes().begin());
  std::span<const lobo::packet_io::Packet> left = batch_.packets();
  for (unsigned i = 0; i < outlet_pushes_max && !left.empty(); ++i) {
    const auto taken = port_->send(left);
    for (const auto& packet : left.first(taken)) tallies_.bytes += packet.size();
    tallies_.sent += taken;
    left = left.subspan(taken);
    if (!left.empty()) (void)port_->about_to_wait();
  }
  tallies_.dropped += left.size();
  batch_.clear();
}

void Outlet::send_by_kernel(Bytes user_data) {
  const auto sent = ::send(socket_.get(), user_data.data(), user_data.size(), MSG_DONTWAIT);
  // A refusal may be the answer to an earlier datagram: whoever is not there yet may come.
  const bool again = sent < 0 && errno == ECONNREFUSED &&
                     ::send(socket_.get(), user_data.data(), user_data.size(), MSG_DONTWAIT) >= 0;
  if (sent < 0 && !again) {
    ++tallies_.dropped;
    return;
  }
  if (port_) {
    ++tallies_.by_kernel;
    return;
  }
  ++tallies_.sent;
  tallies_.bytes += user_data.size();
}

}  // namespace lobo::app
