#pragma once
// A UDP port that is taken and takes nothing. Where datagrams are read past the kernel's stack, the
// stack sees them as well, and would tell their senders by ICMP that nobody has the port.

#include <cstdint>
#include <utility>

#include "adapters/capture/file.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters::packet_io {

class SilentPort {
 public:
  /// A fault where somebody else has the port, or nobody here has the address.
  static Result<SilentPort> open(const model::IpAddress& address, std::uint16_t port);

 private:
  explicit SilentPort(UniqueFile socket) : socket_(std::move(socket)) {}
  UniqueFile socket_;
};

}  // namespace lobo::adapters::packet_io
