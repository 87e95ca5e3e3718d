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
  /// Reads the client secret from its file. `http` and `clock` outlive it.
  static Result<std::unique_ptr<NetworkTokens>> open(const OAuth2Config& config,
                                                     runtime::HttpClient& http, const Clock& clock);
  /// Reads another secret or endpoint; used from the call of what it returns, which cannot fail.
  Result<std::function<void()>> prepare(const OAuth2Config& config);
  void authorization(bool renew, std::function<void(Result<std::string>)> done) override {
    source_->authorization(renew, std::move(done));
  }

 private:
  NetworkTokens(runtime::HttpClient& http, const Clock& clock) : http_(http), clock_(clock) {}
  runtime::HttpClient& http_;
  const Clock& clock_;
  /// Calls may still wait for the old one.
  std::shared_ptr<adapters::crypto::TokenSource> source_, retired_;
};

}  // namespace lobo::app
