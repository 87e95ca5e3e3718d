#pragma once
// A bad network between clients and one server, in user space: kernels without netem, and users
// without root, have none otherwise. Each client gets a port of its own towards the server, as a
// NAT does it, and the NAT can be made to forget.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "adapters/http/loop.hpp"
#include "adapters/udp/socket.hpp"
#include "base/result.hpp"
#include "wire/impair/line.hpp"

namespace lobo::adapters::impair {

inline constexpr std::size_t clients_max = 1024;

struct ProxySettings {
  UdpEndpoint at;  ///< where clients send to
  UdpEndpoint to;  ///< the server
  lobo::impair::Settings up;
  lobo::impair::Settings down;
  std::uint64_t seed = 1;
};

struct ProxyCounters {
  std::uint64_t clients = 0;
  std::uint64_t rebindings = 0;
  std::uint64_t refused = 0;  ///< datagrams of clients beyond clients_max
};

class Proxy {
 public:
  virtual ~Proxy() = default;
  virtual UdpEndpoint local() const = 0;
  /// For what comes from now on.
  virtual void set(const lobo::impair::Settings& up, const lobo::impair::Settings& down) = 0;
  /// Every client has another port towards the server from now on; what is on its way to the old
  /// one is lost. Errors: conflict where it gives clients no ports.
  virtual Result<void> rebind() = 0;
  virtual const lobo::impair::Statistics& up() const = 0;
  virtual const lobo::impair::Statistics& down() const = 0;
  virtual const ProxyCounters& counters() const = 0;
};

/// `loop` outlives it.
Result<std::unique_ptr<Proxy>> open_proxy(EventLoop& loop, const ProxySettings& settings);

}  // namespace lobo::adapters::impair
