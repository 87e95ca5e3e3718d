#pragma once
// A UDP socket in a namespace, for the question whether datagrams get through.

#include <cstdint>
#include <string>
#include <string_view>

#include "adapters/capture/file.hpp"
#include "base/result.hpp"
#include "demo_live/network_namespace.hpp"

namespace lobo::app {

class UdpProbe {
 public:
  /// Bound to an IPv4 address there; port 0: any.
  static Result<UdpProbe> open(const NetworkNamespace& where, const std::string& address,
                               std::uint16_t port);
  /// To "127.0.0.1:5004"; what is refused is lost like any datagram.
  void send_to(const std::string& end, std::string_view data) const;
  /// Whether something came since the last call.
  bool received() const;

 private:
  explicit UdpProbe(adapters::UniqueFile file) : file_(std::move(file)) {}
  adapters::UniqueFile file_;
};

}  // namespace lobo::app
