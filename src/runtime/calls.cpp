#include "runtime/calls.hpp"

#include <memory>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "runtime/network_peer.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/effect.hpp"

namespace lobo::runtime {

void Calls::add(std::string name, std::unique_ptr<NetworkPeer> peer) {
  peers_.insert_or_assign(std::move(name), std::move(peer));
}

void Calls::start(resource::CallNetwork call, Scheduler& scheduler, Done done) {
  ++under_way_;
  // Through the loop, so that the answer never arrives inside the commit that asked.
  auto later = [this, &scheduler, done = std::move(done)](Result<http::Response> response) {
    scheduler.post([this, done, response = std::move(response)] {
      --under_way_;
      done(response);
    });
  };
  auto peer = peers_.find(call.peer);
  if (peer == peers_.end() && make_ && peers_.size() < peers_max)
    if (auto made = make_(call.peer)) peer = peers_.emplace(call.peer, std::move(made)).first;
  if (peer == peers_.end())
    return later(fail(Errc::unavailable, "no network function '" + call.peer + "' is configured"));
  peer->second->send(std::move(call.request), call.deadline, std::move(later));
}

}  // namespace lobo::runtime
