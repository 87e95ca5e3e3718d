#pragma once
// Links over WebSocket (RFC 6455), for browsers where UDP is blocked: the same interface as QUIC's,
// over TCP. One binary message is one datagram or a piece of a stream; its first octet says which:
//
//   0  a datagram follows
//   1  a stream's number (varint of RFC 9000 clause 16), an octet that is 1 at its end, a piece
//   2  a stream's number and a code (varints): it is given up
//
// The client numbers its streams 0, 4, 8 …, we ours 1, 5, 9 …. TCP delivers everything, late where
// it must: so a link says that it is writable only while nothing waits, and the kernel is allowed
// to hold little, or states would grow old there.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/udp/socket.hpp"
#include "base/result.hpp"

namespace lobo::adapters::websocket {

inline constexpr std::size_t message_bytes_max = 70'000;
inline constexpr std::size_t datagram_bytes_max = 1200;
inline constexpr std::size_t datagrams_queued_max = 256;
inline constexpr std::size_t queued_bytes_max = 1U << 20U;
inline constexpr std::size_t streams_max = 256;  ///< of one link, open at a time
inline constexpr int kernel_bytes_max = 64 << 10;

struct Settings {
  UdpEndpoint at;                    ///< TCP here
  std::vector<std::string> origins;  ///< whose pages may come in; "*": any
  std::string path;
  std::size_t connections_max = 1024;
  std::chrono::seconds idle_max{30};
};

class Server : public quic::Links {
 public:
  virtual UdpEndpoint local() const = 0;
  /// Closes all, and takes no more.
  virtual void shut(std::uint64_t code, std::string_view reason) = 0;
};

/// Without TLS: a browser's page of https wants one in front of it. `loop` and `events` outlive it.
Result<std::unique_ptr<Server>> open(EventLoop& loop, const Settings& settings,
                                     quic::LinkEvents& events);

}  // namespace lobo::adapters::websocket
