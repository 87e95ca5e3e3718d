#pragma once
// Our tokens at a network function (OAuth 2.0 client credentials), as the runtime wants them.

#include <functional>
#include <memory>
#include <string>

#include "adapters/crypto/token_source.hpp"
#include "config.hpp"
#include "runtime/network_peer.hpp"

namespace lobo::app {

class NetworkTokens final : public runtime::TokenProvider {
 public:
  /// Reads the client secret from its file. `http`, `scheduler` and `clock` outlive it.
  static Result<std::unique_ptr<NetworkTokens>> open(const OAuth2Config& config,
                                                     runtime::HttpClient& http,
                                                     runtime::Scheduler& scheduler,
                                                     const Clock& clock);
  /// Reads another secret or endpoint; used from the call of what it returns, which cannot fail.
  Result<std::function<void()>> prepare(const OAuth2Config& config);
  void authorization(bool renew, std::function<void(Result<std::string>)> done) override {
    source_->authorization(renew, std::move(done));
  }

 private:
  NetworkTokens(runtime::HttpClient& http, runtime::Scheduler& scheduler, const Clock& clock)
      : http_(http), scheduler_(scheduler), clock_(clock) {}
  runtime::HttpClient& http_;
  runtime::Scheduler& scheduler_;
  const Clock& clock_;
  std::shared_ptr<adapters::crypto::TokenSource> source_;
};

}  // namespace lobo::app
