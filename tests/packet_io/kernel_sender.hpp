#pragma once
// UDP datagrams that this machine's kernel sends out of lobo0, with its own headers and offloads,
// to an address that nobody has.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/require.hpp"
#include "support/live_net.hpp"

namespace lobo::packet_io_test {

inline void give_addresses() {
  using testing::LiveNet;
  require(LiveNet::ip("addr add 10.9.0.1/24 dev lobo0") &&
          LiveNet::ip("neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev lobo0"));
}

/// `segment_bytes` 0: one datagram; else the kernel is handed many at once (UDP_SEGMENT).
inline bool kernel_sends(std::uint16_t to_port, std::size_t bytes, int segment_bytes = 0) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  require(socket >= 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(to_port);
  to.sin_addr.s_addr = htonl(0x0A090002);
  const std::vector<std::byte> data(bytes, std::byte{0x5A});
  const bool ready = segment_bytes == 0 || ::setsockopt(socket, IPPROTO_UDP, UDP_SEGMENT,
                                                        &segment_bytes, sizeof segment_bytes) == 0;
  const bool sent =
      ready && ::sendto(socket, data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                        sizeof to) == static_cast<ssize_t>(bytes);
  ::close(socket);
  return sent;
}

}  // namespace lobo::packet_io_test
