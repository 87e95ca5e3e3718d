// The peers of quic_echo: plain UDP in batches, Beast's WebSocket without TLS, and ENet.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "quic_echo.hpp"

#ifdef LOBO_ENET
#include <enet/enet.h>
#endif

namespace lobo::bench {
namespace {

constexpr std::size_t batch = 64;
constexpr std::size_t octets_max = 2048;
constexpr std::chrono::seconds patience{10};

void stamp(void* message) {
  const std::uint64_t now = now_ns();
  std::memcpy(message, &now, sizeof now);
}
/// One more came back; false once the time is over.
bool count(EchoResult& result, const EchoLoad& load, std::uint64_t began, const void* message) {
  std::uint64_t sent = 0;
  std::memcpy(&sent, message, sizeof sent);
  const std::uint64_t now = now_ns();
  result.micros.push_back(static_cast<std::uint32_t>((now - sent) / 1000));
  ++result.messages;
  result.took = std::chrono::nanoseconds(now - began);
  return result.took <= load.time;
}
void tell_port(std::uint16_t port) {
  fmt::print("{}\n", port);
  std::fflush(stdout);
}

// ---- UDP
// --------------------------------------------------------------------------------------------

int udp_socket(std::uint16_t* port) {
  const int file = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (file < 0 || ::bind(file, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) return -1;
  const int bytes = 4 << 20;
  (void)::setsockopt(file, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  socklen_t size = sizeof at;
  (void)::getsockname(file, reinterpret_cast<sockaddr*>(&at), &size);
  if (port != nullptr) *port = ntohs(at.sin_port);
  return file;
}

struct Batch {
  Batch() {
    for (std::size_t i = 0; i < batch; ++i) {
      vectors[i] = {.iov_base = octets[i].data(), .iov_len = octets_max};
      messages[i].msg_hdr.msg_iov = &vectors[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_name = &peers[i];
    }
  }
  int receive(int file, int flags) {
    for (std::size_t i = 0; i < batch; ++i) {
      vectors[i].iov_len = octets_max;
      messages[i].msg_hdr.msg_namelen = sizeof peers[i];
    }
    return ::recvmmsg(file, messages.data(), batch, flags, nullptr);
  }
  std::array<mmsghdr, batch> messages{};
  std::array<iovec, batch> vectors{};
  std::array<sockaddr_in, batch> peers{};
  std::array<std::array<std::byte, octets_max>, batch> octets{};
};

}  // namespace

int serve_udp() {
  std::uint16_t port = 0;
  const int file = udp_socket(&port);
  if (file < 0) return 1;
  tell_port(port);
  const auto room = std::make_unique<Batch>();
  for (;;) {
    const int taken = room->receive(file, MSG_WAITFORONE);
    if (taken <= 0) return 1;
    for (int i = 0; i < taken; ++i) {
      const auto at = static_cast<std::size_t>(i);
      room->vectors[at].iov_len = room->messages[at].msg_len;
    }
    (void)::sendmmsg(file, room->messages.data(), static_cast<unsigned>(taken), 0);
  }
}

EchoResult load_udp(const EchoLoad& load) {
  std::vector<pollfd> files;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(load.port);
  std::vector<std::byte> message(load.octets);
  for (std::size_t i = 0; i < load.connections; ++i) {
    files.push_back({.fd = udp_socket(nullptr), .events = POLLIN, .revents = 0});
    (void)::connect(files.back().fd, reinterpret_cast<sockaddr*>(&to), sizeof to);
  }
  EchoResult result;
  const std::uint64_t began = now_ns();
  for (const auto& file : files)
    for (std::size_t i = 0; i < load.in_flight; ++i) {
      stamp(message.data());
      (void)::send(file.fd, message.data(), message.size(), 0);
    }
  const auto room = std::make_unique<Batch>();
  bool more = true;
  while (more && ::poll(files.data(), files.size(), 1000) > 0)
    for (const auto& file : files) {
      if ((file.revents & POLLIN) == 0) continue;
      const int taken = room->receive(file.fd, MSG_DONTWAIT);
      for (int i = 0; i < taken; ++i) {
        const auto at = static_cast<std::size_t>(i);
        more = count(result, load, began, room->octets[at].data()) && more;
        stamp(room->octets[at].data());
        room->vectors[at].iov_len = room->messages[at].msg_len;
        room->messages[at].msg_hdr.msg_namelen = 0;
        room->messages[at].msg_hdr.msg_name = nullptr;
      }
      if (taken > 0)
        (void)::sendmmsg(file.fd, room->messages.data(), static_cast<unsigned>(taken), 0);
      for (std::size_t i = 0; i < batch; ++i) room->messages[i].msg_hdr.msg_name = &room->peers[i];
    }
  for (const auto& file : files) ::close(file.fd);
  return result;
}

// ---- WebSocket
// ----------------------------------------------------------------------------------------

namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using Executor = asio::io_context::executor_type;
using Stream = boost::beast::websocket::stream<asio::basic_stream_socket<tcp, Executor>>;

/// Sends back or counts what it reads, one message after the other behind it.
struct Talker : std::enable_shared_from_this<Talker> {
  explicit Talker(asio::basic_stream_socket<tcp, Executor> socket) : stream(std::move(socket)) {
    boost::system::error_code ignored;
    stream.next_layer().set_option(tcp::no_delay(true), ignored);
    stream.binary(true);
  }
  void read() {
    stream.async_read(in, [self = shared_from_this()](auto error, std::size_t) {
      if (error) return;
      const auto data = self->in.cdata();
      std::vector<std::byte> message(data.size());
      std::memcpy(message.data(), data.data(), data.size());
      self->in.consume(self->in.size());
      self->take(std::move(message));
      self->read();
    });
  }
  void send(std::vector<std::byte> message) {
    out.push_back(std::move(message));
    if (out.size() == 1) write();
  }
  void write() {
    stream.async_write(asio::buffer(out.front()),
                       [self = shared_from_this()](auto error, std::size_t) {
                         if (error) return;
                         self->out.pop_front();
                         if (!self->out.empty()) self->write();
                       });
  }
  Stream stream;
  boost::beast::flat_buffer in;
  std::deque<std::vector<std::byte>> out;
  std::function<void(std::vector<std::byte>)> take;
};

}  // namespace

int serve_websocket() {
  asio::io_context io{1};
  asio::basic_socket_acceptor<tcp, Executor> acceptor(
      io.get_executor(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  tell_port(acceptor.local_endpoint().port());
  std::function<void()> accept = [&] {
    acceptor.async_accept([&](auto error, auto socket) {
      if (!error) {
        const auto talker = std::make_shared<Talker>(std::move(socket));
        talker->take = [raw = talker.get()](std::vector<std::byte> message) {
          raw->send(std::move(message));
        };
        talker->stream.async_accept([talker](auto failed) {
          if (!failed) talker->read();
        });
      }
      accept();
    });
  };
  accept();
  io.run();
  return 0;
}

EchoResult load_websocket(const EchoLoad& load) {
  asio::io_context io{1};
  EchoResult result;
  std::uint64_t began = 0;
  std::size_t open = 0;
  std::vector<std::shared_ptr<Talker>> talkers;
  for (std::size_t i = 0; i < load.connections; ++i) {
    asio::basic_stream_socket<tcp, Executor> socket(io.get_executor());
    socket.connect({asio::ip::address_v4::loopback(), load.port});
    talkers.push_back(std::make_shared<Talker>(std::move(socket)));
    auto* raw = talkers.back().get();
    raw->take = [&, raw](std::vector<std::byte> message) {
      if (!count(result, load, began, message.data())) return io.stop();
      stamp(message.data());
      raw->send(std::move(message));
    };
    raw->stream.async_handshake("echo.example", "/", [&](auto error) {
      if (error || ++open < load.connections) return;
      began = now_ns();
      for (const auto& one : talkers) {
        one->read();
        for (std::size_t k = 0; k < load.in_flight; ++k) {
          std::vector<std::byte> message(load.octets);
          stamp(message.data());
          one->send(std::move(message));
        }
      }
    });
  }
  io.run_for(load.time + patience);
  return result;
}

// ---- ENet
// ---------------------------------------------------------------------------------------------

#ifdef LOBO_ENET
namespace {

constexpr std::size_t enet_peers_max = 64;
constexpr enet_uint32 enet_wait_ms = 1;  // what ENet can: its service waits in milliseconds

void send_enet(ENetPeer* peer, const void* octets, std::size_t size) {
  ENetPacket* packet = enet_packet_create(octets, size, ENET_PACKET_FLAG_UNSEQUENCED);
  if (enet_peer_send(peer, 0, packet) != 0) enet_packet_destroy(packet);
}

}  // namespace

int serve_enet() {
  if (enet_initialize() != 0) return 1;
  ENetAddress at{};
  at.host = htonl(INADDR_LOOPBACK);
  at.port = 0;
  ENetHost* host = enet_host_create(&at, enet_peers_max, 1, 0, 0);
  if (host == nullptr) return 1;
  ENetAddress own{};
  (void)enet_socket_get_address(host->socket, &own);
  tell_port(own.port);
  for (;;) {
    ENetEvent event;
    while (enet_host_service(host, &event, enet_wait_ms) > 0) {
      if (event.type != ENET_EVENT_TYPE_RECEIVE) continue;
      send_enet(event.peer, event.packet->data, event.packet->dataLength);
      enet_packet_destroy(event.packet);
    }
  }
}

EchoResult load_enet(const EchoLoad& load) {
  if (enet_initialize() != 0) return {};
  ENetHost* host = enet_host_create(nullptr, enet_peers_max, 1, 0, 0);
  if (host == nullptr) return {};
  ENetAddress to{};
  to.host = htonl(INADDR_LOOPBACK);
  to.port = load.port;
  std::vector<ENetPeer*> peers;
  for (std::size_t i = 0; i < load.connections; ++i)
    peers.push_back(enet_host_connect(host, &to, 1, 0));
  EchoResult result;
  std::vector<std::byte> message(load.octets);
  std::size_t open = 0;
  std::uint64_t began = now_ns();
  bool more = true;
  const std::uint64_t limit =
      began + static_cast<std::uint64_t>(std::chrono::nanoseconds(load.time + patience).count());
  ENetEvent event;
  while (more && now_ns() < limit) {
    while (more && enet_host_service(host, &event, enet_wait_ms) > 0) {
      if (event.type == ENET_EVENT_TYPE_CONNECT && ++open == load.connections) {
        began = now_ns();
        for (auto* peer : peers)
          for (std::size_t i = 0; i < load.in_flight; ++i) {
            stamp(message.data());
            send_enet(peer, message.data(), message.size());
          }
      }
      if (event.type != ENET_EVENT_TYPE_RECEIVE) continue;
      more = count(result, load, began, event.packet->data);
      enet_packet_destroy(event.packet);
      stamp(message.data());
      send_enet(event.peer, message.data(), message.size());
    }
  }
  enet_host_destroy(host);
  return result;
}
#endif

}  // namespace lobo::bench
