#pragma once
// A bad network for any protocol of this machine, TCP too: a TUN device whose peer is a mirror.
// What is sent to the peer's address comes back as if from there, through the line, so that a
// client that connects to the peer reaches a server on this machine's own address.

#include <memory>
#include <string>

#include "adapters/http/loop.hpp"
#include "adapters/impair/proxy.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters::impair {

inline constexpr unsigned mirror_mtu = 1400;

struct MirrorSettings {
  std::string device = "impair0";
  model::Ipv4Address own;   ///< where servers listen
  model::Ipv4Address peer;  ///< where clients connect to
  /// What goes to this port there is `up`; all else, its answers first of all, is `down`.
  std::uint16_t port = 0;
  lobo::impair::Settings up;
  lobo::impair::Settings down;
  std::uint64_t seed = 1;
};

/// Errors: forbidden without CAP_NET_ADMIN. Nobody is told apart: it counts no clients, and cannot
/// rebind. `loop` outlives it.
Result<std::unique_ptr<Proxy>> open_mirror(EventLoop& loop, const MirrorSettings& settings);

}  // namespace lobo::adapters::impair
