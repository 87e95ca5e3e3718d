#pragma once
// UDP on the control-plane event loop, for protocols of small messages such as PFCP. Sending never
// waits: what the system has no room for is lost and counted, as the network might lose it.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "adapters/http/loop.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters {

inline constexpr std::size_t udp_datagram_bytes_max = 65'535;

struct UdpEndpoint {
  model::IpAddress address;
  std::uint16_t port = 0;
  bool operator==(const UdpEndpoint&) const = default;
};

class UdpSocket {
 public:
  /// Called on the loop; the datagram is there until it returns.
  using Receive = std::function<void(const UdpEndpoint& from, Bytes datagram)>;

  /// Port 0: any free one.
  static Result<std::unique_ptr<UdpSocket>> open(EventLoop& loop, const UdpEndpoint& at,
                                                 Receive receive);
  ~UdpSocket();
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  UdpEndpoint local() const;
  void send(const UdpEndpoint& to, Bytes datagram);
  /// What could not be sent.
  std::uint64_t lost() const;

 private:
  struct State;
  explicit UdpSocket(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace lobo::adapters
