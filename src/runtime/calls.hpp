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

inline constexpr std::size_t peers_max = 256;

class Calls {
 public:
  using Done = std::function<void(Result<http::Response>)>;

  void add(std::string name, std::unique_ptr<NetworkPeer> peer);
  /// Makes peers that are named while the process runs; null: there is none of that name.
  using Make = std::function<std::unique_ptr<NetworkPeer>(std::string_view name)>;
  void on_unknown(Make make) { make_ = std::move(make); }
  /// `done` is called exactly once, later, on the loop. An unknown peer is answered `unavailable`.
  void start(resource::CallNetwork call, Scheduler& scheduler, Done done);
  bool idle() const { return under_way_ == 0; }

 private:
  std::map<std::string, std::unique_ptr<NetworkPeer>, std::less<>> peers_;
  Make make_;
  std::size_t under_way_ = 0;
};

}  // namespace lobo::runtime
