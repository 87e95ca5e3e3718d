#pragma once
// One door of the core as the process has it: connections, our tokens, what is noted and written
// down on the way.

#include <functional>
#include <memory>
#include <vector>

#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "config.hpp"
#include "network_tokens.hpp"
#include "runtime/network_peer.hpp"
#include "runtime/ports.hpp"
#include "wire/http/url.hpp"

namespace lobo::app {

/// Notes what the network says about itself: lobo netsim marks its answers.
class NoticingClient final : public runtime::HttpClient {
 public:
  explicit NoticingClient(runtime::HttpClient& inner) : inner_(inner) {}
  void send(http::Request request, std::chrono::milliseconds deadline, Done done) override;
  bool simulated() const { return simulated_; }

 private:
  runtime::HttpClient& inner_;
  bool simulated_ = false;
};

class CoreDoor {
 public:
  /// All outlive the door; `trace` may be null.
  struct Ports {
    adapters::EventLoop& loop;
    const Clock& clock;
    Rng& rng;
    runtime::Trace* trace;
  };
  /// `type` says which door it is that stands at `root`.
  static Result<std::unique_ptr<CoreDoor>> open(const NefConfig& config, CoreType type,
                                                const http::Url& root, Ports ports);

  runtime::HttpClient& client() { return traced_ ? *traced_ : noticing_; }
  runtime::TokenProvider* tokens() { return tokens_.get(); }
  bool simulated() const { return noticing_.simulated(); }

  /// Takes over another certificate, secret or endpoint: what can fail is done here, the rest is a
  /// call of what is returned.
  std::vector<Result<std::function<void()>>> prepare(const NefConfig& next);

 private:
  CoreDoor(adapters::ClientConfig config, bool tls, Ports ports);

  bool tls_;
  adapters::HttpClient connections_;
  NoticingClient noticing_{connections_};
  std::unique_ptr<runtime::HttpClient> traced_;
  std::unique_ptr<NetworkTokens> tokens_;
};

}  // namespace lobo::app
