#include "adapters/quic/ngtcp2/socket.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "adapters/capture/file.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters::quic {
namespace {

constexpr int buffer_bytes = 4 << 20;
constexpr std::size_t control_bytes = 64;

/// The size of the segments that a message was joined from; 0 where it is one datagram.
std::size_t segment_of(msghdr& message) {
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
       each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level != SOL_UDP || each->cmsg_type != UDP_GRO) continue;
    int size = 0;
    std::memcpy(&size, CMSG_DATA(each), sizeof size);
    return size > 0 ? static_cast<std::size_t>(size) : 0;
  }
  return 0;
}

void put_segment(msghdr& message, std::span<std::byte> control, std::size_t segment) {
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(sizeof(std::uint16_t));
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_UDP;
  head->cmsg_type = UDP_SEGMENT;
  head->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
  const auto size = static_cast<std::uint16_t>(segment);
  std::memcpy(CMSG_DATA(head), &size, sizeof size);
}

}  // namespace

Address to_address(const UdpEndpoint& endpoint) {
  Address out;
  if (const auto* four = std::get_if<model::Ipv4Address>(&endpoint.address)) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(endpoint.port);
    std::memcpy(&in.sin_addr, four->octets.data(), four->octets.size());
    std::memcpy(&out.storage, &in, sizeof in);
    out.size = sizeof in;
    return out;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(endpoint.port);
  const auto& octets = std::get<model::Ipv6Address>(endpoint.address).octets;
  std::memcpy(&in.sin6_addr, octets.data(), octets.size());
  std::memcpy(&out.storage, &in, sizeof in);
  out.size = sizeof in;
  return out;
}

UdpEndpoint to_endpoint(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    model::Ipv4Address four;
    std::memcpy(four.octets.data(), &in.sin_addr, four.octets.size());
    return {four, ntohs(in.sin_port)};
  }
  sockaddr_in6 in{};
  std::memcpy(&in, address, sizeof in);
  model::Ipv6Address six;
  std::memcpy(six.octets.data(), &in.sin6_addr, six.octets.size());
  return {six, ntohs(in.sin6_port)};
}

Result<Socket> Socket::open(const UdpEndpoint& at) {
  const Address own = to_address(at);
  const int family = own.storage.ss_family;
  UniqueFile file(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), true);
  if (file.get() < 0 ||
      ::bind(file.get(), reinterpret_cast<const sockaddr*>(&own.storage), own.size) != 0)
    return fail(Errc::unavailable, fmt::format("cannot have UDP port {} of {}: {}", at.port,
                                               model::to_text(at.address), std::strerror(errno)));
  for (const int option : {SO_RCVBUF, SO_SNDBUF})
    (void)::setsockopt(file.get(), SOL_SOCKET, option, &buffer_bytes, sizeof buffer_bytes);
  // RFC 9000 clause 14: a QUIC packet is never fragmented.
  const int whole = family == AF_INET ? IP_PMTUDISC_DO : IPV6_PMTUDISC_DO;
  (void)::setsockopt(file.get(), family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
                     family == AF_INET ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &whole, sizeof whole);
  const int on = 1;
  (void)::setsockopt(file.get(), SOL_UDP, UDP_GRO, &on, sizeof on);  // without it they come singly
  Socket socket(std::move(file));
  socket.local_.size = sizeof socket.local_.storage;
  (void)::getsockname(socket.descriptor(), reinterpret_cast<sockaddr*>(&socket.local_.storage),
                      &socket.local_.size);
  return socket;
}

struct ReceiveRoom::Held {
  std::array<mmsghdr, receive_batch_max> messages{};
  std::array<iovec, receive_batch_max> vectors{};
  std::array<sockaddr_storage, receive_batch_max> senders{};
  alignas(cmsghdr) std::array<std::array<std::byte, control_bytes>, receive_batch_max> controls{};
  std::vector<std::byte> octets = std::vector<std::byte>(receive_batch_max * message_bytes_max);
};
void ReceiveRoom::Free::operator()(Held* held) const { std::default_delete<Held>{}(held); }

ReceiveRoom::ReceiveRoom() : held_(std::make_unique<Held>().release()) {
  Held& held = *held_;
  for (std::size_t i = 0; i < receive_batch_max; ++i) {
    held.vectors[i] = {.iov_base = held.octets.data() + i * message_bytes_max,
                       .iov_len = message_bytes_max};
    held.messages[i].msg_hdr.msg_iov = &held.vectors[i];
    held.messages[i].msg_hdr.msg_iovlen = 1;
    held.messages[i].msg_hdr.msg_name = &held.senders[i];
    held.messages[i].msg_hdr.msg_control = held.controls[i].data();
  }
}

std::size_t ReceiveRoom::receive(int descriptor, const Each& each) {
  Held& held = *held_;
  for (auto& message : held.messages) {
    message.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    message.msg_hdr.msg_controllen = control_bytes;
  }
  const int count = ::recvmmsg(descriptor, held.messages.data(), receive_batch_max, 0, nullptr);
  if (count <= 0) return 0;
  const auto taken = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < taken; ++i) {
    mmsghdr& message = held.messages[i];
    Bytes rest = Bytes(held.octets).subspan(i * message_bytes_max, message.msg_len);
    const std::size_t segment = segment_of(message.msg_hdr);
    while (!rest.empty()) {
      const Bytes one = segment == 0 ? rest : rest.first(std::min(segment, rest.size()));
      each(reinterpret_cast<const sockaddr*>(&held.senders[i]), message.msg_hdr.msg_namelen, one);
      rest = rest.subspan(one.size());
    }
  }
  return taken;
}

SendRoom::SendRoom(bool segment_offload)
    : room_(send_room_bytes), segment_offload_(segment_offload) {
  messages_.reserve(send_batch_max);
}
SendRoom::~SendRoom() = default;

std::span<std::byte> SendRoom::next() {
  if (room_.size() - used_ < message_bytes_max) flush();
  return std::span(room_).subspan(used_);
}

bool SendRoom::joins(const Message& last, int descriptor, const Address& to,
                     std::size_t octets) const {
  return segment_offload_ && !last.full && last.descriptor == descriptor &&
         last.count < segments_max && octets <= last.segment &&
         last.octets + octets < message_bytes_max - 1024 && last.to == to;
}

void SendRoom::add(int descriptor, const Address& to, std::size_t octets) {
  if (!messages_.empty() && joins(messages_.back(), descriptor, to, octets)) {
    Message& last = messages_.back();
    last.full = octets < last.segment;  // a shorter segment is the last one of its message
    last.octets += octets;
    ++last.count;
    used_ += octets;
    return;
  }
  messages_.push_back({.descriptor = descriptor,
                       .to = to,
                       .at = used_,
                       .octets = octets,
                       .segment = octets,
                       .count = 1});
  used_ += octets;
  // The next packet must find room for a message of its own.
  if (messages_.size() == send_batch_max) flush();
}

void SendRoom::flush() {
  for (std::size_t first = 0; first < messages_.size();) {
    std::size_t behind = first;
    while (behind < messages_.size() && messages_[behind].descriptor == messages_[first].descriptor)
      ++behind;
    send_range(first, behind);
    first = behind;
  }
  messages_.clear();
  used_ = 0;
}

void SendRoom::send_range(std::size_t first, std::size_t behind) {
  std::array<mmsghdr, send_batch_max> headers{};
  std::array<iovec, send_batch_max> vectors{};
  alignas(cmsghdr)
      std::array<std::array<std::byte, CMSG_SPACE(sizeof(std::uint16_t))>, send_batch_max>
          controls{};
  const std::size_t count = behind - first;
  for (std::size_t i = 0; i < count; ++i) {
    Message& message = messages_[first + i];
    vectors[i] = {.iov_base = room_.data() + message.at, .iov_len = message.octets};
    msghdr& head = headers[i].msg_hdr;
    head.msg_name = &message.to.storage;
    head.msg_namelen = message.to.size;
    head.msg_iov = &vectors[i];
    head.msg_iovlen = 1;
    if (message.count > 1) put_segment(head, controls[i], message.segment);
  }
  for (std::size_t done = 0; done < count;) {
    const int went = ::sendmmsg(messages_[first].descriptor, headers.data() + done,
                                static_cast<unsigned>(count - done), MSG_DONTWAIT | MSG_NOSIGNAL);
    ++sent_.calls;
    if (went > 0) {
      for (std::size_t i = 0; i < static_cast<std::size_t>(went); ++i)
        sent_.packets += messages_[first + done + i].count;
      done += static_cast<std::size_t>(went);
      continue;
    }
    // The first of them could not be sent. A device that segments nothing says EIO: one by one
    // then, from now on. Anything else is what a network might do: the packets are lost.
    if (messages_[first + done].count > 1 && (errno == EIO || errno == EINVAL)) {
      segment_offload_ = false;
      send_one(messages_[first + done]);
    } else {
      sent_.unsent += messages_[first + done].count;
    }
    ++done;
  }
}

void SendRoom::send_one(const Message& message) {
  for (std::size_t at = 0; at < message.octets; at += message.segment) {
    const std::size_t octets = std::min(message.segment, message.octets - at);
    ++sent_.calls;
    const auto went = ::sendto(
        message.descriptor, room_.data() + message.at + at, octets, MSG_DONTWAIT | MSG_NOSIGNAL,
        reinterpret_cast<const sockaddr*>(&message.to.storage), message.to.size);
    ++(went >= 0 ? sent_.packets : sent_.unsent);
  }
}

}  // namespace lobo::adapters::quic
