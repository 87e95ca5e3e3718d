#pragma once
// Calls to the network, by the name of the network function. What a real NEF or PCF does to its
// clients (die, hang, redirect, throttle) is handled here, so that a state machine sees one answer.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "runtime/network_peer.hpp"
#include "runtime/ports.hpp"
#include "wire/resource/effect.hpp"

namespace lobo::runtime {

class Calls {
 public:
  using Done = std::function<void(Result<http::Response>)>;

  void add(std::string name, std::unique_ptr<NetworkPeer> peer);
  /// `done` is called exactly once, later, on the loop. An unknown peer is answered `unavailable`.
  void start(resource::CallNetwork call, Scheduler& scheduler, Done done);
  bool idle() const { return under_way_ == 0; }

 private:
  std::map<std::string, std::unique_ptr<NetworkPeer>, std::less<>> peers_;
  std::size_t under_way_ = 0;
};

}  // namespace lobo::runtime
