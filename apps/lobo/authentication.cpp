#include "authentication.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/crypto/jwt_authenticator.hpp"
#include "adapters/crypto/key_feed.hpp"
#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/route.hpp"

namespace lobo::app {
namespace {

/// Every scope that some operation asks for.
std::vector<std::string> all_scopes(const std::vector<resource::Operation>& operations) {
  std::vector<std::string> scopes;
  for (const auto& operation : operations) {
    const std::string scope(operation.scope);
    if (!scope.empty() && std::ranges::find(scopes, scope) == scopes.end()) scopes.push_back(scope);
  }
  return scopes;
}

class OpenAuthentication final : public Authentication {
 public:
  explicit OpenAuthentication(std::vector<std::string> scopes)
      : authenticator_({.subject = "local", .scopes = std::move(scopes)}) {}
  runtime::Authenticator& port() override { return authenticator_; }
  Result<std::function<void()>> prepare(const AuthConfig& config) override {
    if (config.mode == AuthMode::off) return [] {};
    return fail(Errc::conflict, "authentication is switched on by a restart only");
  }

 private:
  adapters::crypto::OpenAuthenticator authenticator_;
};

/// The router keeps one authenticator for its life; a reload changes what stands behind it.
class TokenAuthentication final : public Authentication, private runtime::Authenticator {
 public:
  explicit TokenAuthentication(adapters::EventLoop& loop, const Clock& clock)
      : loop_(loop), clock_(clock), http_(loop, adapters::ClientConfig{}) {}

  runtime::Authenticator& port() override { return *this; }
  Result<std::function<void()>> prepare(const AuthConfig& config) override {
    if (config.mode != AuthMode::jwt)
      return fail(Errc::conflict, "authentication is switched off by a restart only");
    if (inner_ && config == config_ && adapters::crypto::is_url(config.jwks))
      return [this] { inner_->reload_keys(clock_.now()); };
    auto made = adapters::crypto::JwtAuthenticator::create(
        {.jwks = config.jwks,
         .rules = {.issuer = config.issuer, .audience = config.audience},
         .algorithms = config.algorithms,
         .client_certificates = config.client_certificates,
         .certificate_scopes = config.certificate_scopes},
        &http_);
    if (!made) return fail(made.error());
    return [this, config, fresh = std::shared_ptr(std::move(*made))] {
      // Requests that wait for the old one's keys are still answered by it, at the latest when its
      // look for them has run out of time.
      loop_.after(2 * adapters::crypto::keys_fetch_deadline,
                  [old = std::exchange(inner_, fresh)] {});
      config_ = config;
    };
  }

 private:
  void authenticate(const http::Request& request, Instant now,
                    std::function<void(Result<resource::Principal>)> done) override {
    inner_->authenticate(request, now, std::move(done));
  }

  adapters::EventLoop& loop_;
  const Clock& clock_;
  adapters::HttpClient http_;
  AuthConfig config_;
  std::shared_ptr<adapters::crypto::JwtAuthenticator> inner_;
};

}  // namespace

Result<std::unique_ptr<Authentication>> Authentication::open(
    const AuthConfig& config, const std::vector<resource::Operation>& operations,
    adapters::EventLoop& loop, const Clock& clock) {
  if (config.mode == AuthMode::off)
    return std::unique_ptr<Authentication>(
        std::make_unique<OpenAuthentication>(all_scopes(operations)));
  auto made = std::make_unique<TokenAuthentication>(loop, clock);
  const auto change = made->prepare(config);
  if (!change) return fail(change.error());
  (*change)();
  return std::unique_ptr<Authentication>(std::move(made));
}

}  // namespace lobo::app
