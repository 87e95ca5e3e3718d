#pragma once
// UDP in batches: what arrives is taken with one system call for many datagrams, segments that the
// kernel joined (UDP_GRO) are cut apart again, and bursts of packets of one size go out as one
// message (UDP_SEGMENT), many messages a call (sendmmsg). GSO saves a third of a busy relay's time.

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "adapters/capture/file.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace lobo::adapters::quic {

inline constexpr std::size_t receive_batch_max = 32;
inline constexpr std::size_t message_bytes_max = 65'536;
inline constexpr std::size_t send_batch_max = 64;
inline constexpr std::size_t segments_max = 64;  ///< the kernel's bound
inline constexpr std::size_t send_room_bytes = 1U << 20U;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  bool operator==(const Address& other) const {
    return size == other.size && std::memcmp(&storage, &other.storage, size) == 0;
  }
};
Address to_address(const UdpEndpoint& endpoint);
UdpEndpoint to_endpoint(const sockaddr* address);

class Socket {
 public:
  /// Port 0: any free one. What it sends is never fragmented.
  static Result<Socket> open(const UdpEndpoint& at);

  int descriptor() const { return file_.get(); }
  const Address& local() const { return local_; }

 private:
  explicit Socket(UniqueFile file) : file_(std::move(file)) {}
  UniqueFile file_;
  Address local_;
};

/// Where datagrams are taken into; one for all sockets of an endpoint.
class ReceiveRoom {
 public:
  using Each = std::function<void(const sockaddr* from, socklen_t from_size, Bytes datagram)>;

  ReceiveRoom();
  /// How many messages were there, receive_batch_max at most.
  std::size_t receive(int descriptor, const Each& each);

 private:
  struct Held;
  struct Free {
    void operator()(Held* held) const;
  };
  std::unique_ptr<Held, Free> held_;
};

/// Packets on their way to the kernel.
class SendRoom {
 public:
  struct Sent {
    std::uint64_t packets = 0;
    std::uint64_t calls = 0;
    std::uint64_t unsent = 0;
  };

  explicit SendRoom(bool segment_offload);
  ~SendRoom();

  /// At least a message's octets; what is there already is sent off first where it must be.
  std::span<std::byte> next();
  /// The first `octets` of next() are a packet to that address.
  void add(int descriptor, const Address& to, std::size_t octets);
  void flush();
  const Sent& sent() const { return sent_; }

 private:
  struct Message {
    int descriptor = -1;
    Address to;
    std::size_t at = 0;
    std::size_t octets = 0;
    std::size_t segment = 0;
    std::size_t count = 0;
    bool full = false;
  };
  bool joins(const Message& last, int descriptor, const Address& to, std::size_t octets) const;
  void send_range(std::size_t first, std::size_t behind);
  void send_one(const Message& message);

  std::vector<std::byte> room_;
  std::size_t used_ = 0;
  std::vector<Message> messages_;
  bool segment_offload_;
  Sent sent_;
};

}  // namespace lobo::adapters::quic
