#pragma once
// The SEALDD server that a relay node belongs to, as `lobo relay` reaches it.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/crypto/flow_token.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/udp/socket.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "pages/copied_metrics.hpp"
#include "relay/lease/lease.hpp"
#include "relay/report.hpp"
#include "relay_node/relay_node.hpp"
#include "runtime/ports.hpp"

namespace lobo::app {

class RelayHome {
 public:
  /// References outlive it.
  struct Given {
    const RelayServerConfig& config;  ///< with a home
    adapters::EventLoop& loop;
    const Clock& clock;
    runtime::Log& log;
    RelayNode& node;
    adapters::crypto::FlowTokenVerifier& verifier;
    std::vector<adapters::crypto::FlowPublicKey> own_keys;
    adapters::UdpEndpoint listens;
    std::array<std::uint8_t, 32> certificate_sha256;
    std::function<void(const relay::FlowChange&)> seen;
  };
  static Result<std::unique_ptr<RelayHome>> open(Given given);
  ~RelayHome();
  RelayHome(const RelayHome&) = delete;
  RelayHome& operator=(const RelayHome&) = delete;

  void start();
  void wake();
  void leave(std::function<void()> done);
  const relay::Lease& lease() const;
  void count(CopiedMetrics& metrics) const;
  std::string status() const;  ///< JSON

 private:
  struct Parts;
  explicit RelayHome(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace lobo::app
