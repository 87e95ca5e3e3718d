#include "adapters/udp/batch_socket.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>
#include <variant>

#include "adapters/capture/file.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters {
namespace {

constexpr int buffer_bytes = 4 << 20;

socklen_t put_address(sockaddr_storage& out, const UdpEndpoint& endpoint) {
  if (const auto* four = std::get_if<model::Ipv4Address>(&endpoint.address)) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(endpoint.port);
    std::memcpy(&in.sin_addr, four->octets.data(), four->octets.size());
    std::memcpy(&out, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(endpoint.port);
  const auto& octets = std::get<model::Ipv6Address>(endpoint.address).octets;
  std::memcpy(&in.sin6_addr, octets.data(), octets.size());
  std::memcpy(&out, &in, sizeof in);
  return sizeof in;
}

UdpEndpoint endpoint_of(const sockaddr_storage& from) {
  if (from.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &from, sizeof in);
    model::Ipv4Address address;
    std::memcpy(address.octets.data(), &in.sin_addr, address.octets.size());
    return {address, ntohs(in.sin_port)};
  }
  sockaddr_in6 in{};
  std::memcpy(&in, &from, sizeof in);
  model::Ipv6Address address;
  std::memcpy(address.octets.data(), &in.sin6_addr, address.octets.size());
  return {address, ntohs(in.sin6_port)};
}

}  // namespace

Result<BatchSocket> BatchSocket::open(const UdpEndpoint& at) {
  sockaddr_storage own{};
  const socklen_t size = put_address(own, at);
  UniqueFile file(::socket(own.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), true);
  if (file.get() < 0 || ::bind(file.get(), reinterpret_cast<const sockaddr*>(&own), size) != 0)
    return fail(Errc::unavailable, fmt::format("cannot have UDP port {} of {}: {}", at.port,
                                               model::to_text(at.address), std::strerror(errno)));
  for (const int option : {SO_RCVBUF, SO_SNDBUF})
    (void)::setsockopt(file.get(), SOL_SOCKET, option, &buffer_bytes, sizeof buffer_bytes);
  // What is longer than the path takes is fragmented: the packets inside are not ours to refuse.
  const int fragment = own.ss_family == AF_INET ? IP_PMTUDISC_DONT : IPV6_PMTUDISC_DONT;
  (void)::setsockopt(file.get(), own.ss_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
                     own.ss_family == AF_INET ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &fragment,
                     sizeof fragment);
  return BatchSocket(std::move(file));
}

BatchSocket::BatchSocket(UniqueFile file)
    : file_(std::move(file)), room_(std::make_unique<Room>()) {
  Room& room = *room_;
  room.octets.resize(udp_batch_max * udp_datagram_bytes_max);
  for (std::size_t i = 0; i < udp_batch_max; ++i) {
    room.vectors[i] = {.iov_base = room.octets.data() + i * udp_datagram_bytes_max,
                       .iov_len = udp_datagram_bytes_max};
    room.messages[i].msg_hdr.msg_iov = &room.vectors[i];
    room.messages[i].msg_hdr.msg_iovlen = 1;
    room.messages[i].msg_hdr.msg_name = &room.senders[i];
  }
}

UdpEndpoint BatchSocket::local() const {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  (void)::getsockname(file_.get(), reinterpret_cast<sockaddr*>(&own), &size);
  return endpoint_of(own);
}

std::size_t BatchSocket::receive(const Receive& each) {
  Room& room = *room_;
  for (auto& message : room.messages) message.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
  const int count = ::recvmmsg(file_.get(), room.messages.data(), udp_batch_max, 0, nullptr);
  if (count <= 0) return 0;
  const auto taken = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < taken; ++i)
    each(endpoint_of(room.senders[i]),
         Bytes(room.octets).subspan(i * udp_datagram_bytes_max, room.messages[i].msg_len));
  return taken;
}

void BatchSocket::send(const UdpEndpoint& to, Bytes head, Bytes body) {
  const std::size_t size = head.size() + body.size();
  if (size > room_->sent.size()) {
    ++lost_;
    return;
  }
  std::ranges::copy(head, room_->sent.begin());
  std::ranges::copy(body, room_->sent.begin() + static_cast<std::ptrdiff_t>(head.size()));
  sockaddr_storage there{};
  const socklen_t length = put_address(there, to);
  if (::sendto(file_.get(), room_->sent.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&there), length) < 0)
    ++lost_;
}

}  // namespace lobo::adapters
