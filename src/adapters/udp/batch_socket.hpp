#pragma once
// A UDP socket for the user plane: many datagrams are taken with one system call, and what is sent
// is put together from a header and a payload. Sending never waits.

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "adapters/capture/file.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace lobo::adapters {

inline constexpr std::size_t udp_batch_max = 32;

class BatchSocket {
 public:
  using Receive = std::function<void(const UdpEndpoint& from, Bytes datagram)>;

  /// Port 0: any free one.
  static Result<BatchSocket> open(const UdpEndpoint& at);

  int descriptor() const { return file_.get(); }
  UdpEndpoint local() const;
  /// What is there, udp_batch_max datagrams at most; how many it was.
  std::size_t receive(const Receive& each);
  void send(const UdpEndpoint& to, Bytes head, Bytes body = {});
  /// What could not be sent.
  std::uint64_t lost() const { return lost_; }

 private:
  explicit BatchSocket(UniqueFile file);

  struct Room {
    std::array<mmsghdr, udp_batch_max> messages{};
    std::array<iovec, udp_batch_max> vectors{};
    std::array<sockaddr_storage, udp_batch_max> senders{};
    std::vector<std::byte> octets;
    std::array<std::byte, udp_datagram_bytes_max> sent{};
  };
  UniqueFile file_;
  std::unique_ptr<Room> room_;  ///< the kernel is told addresses in it
  std::uint64_t lost_ = 0;
};

}  // namespace lobo::adapters
