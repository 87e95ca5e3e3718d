#include "network_tokens.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "adapters/crypto/token_source.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "config.hpp"
#include "runtime/ports.hpp"

namespace lobo::app {
namespace {

constexpr std::size_t secret_bytes_max = 4096;

Result<std::string> read_secret(const std::string& file) {
  std::ifstream stream(file);
  if (!stream)
    return fail(Errc::not_found, fmt::format("cannot read the client secret in {}", file));
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  std::string secret(trim(text));
  if (secret.empty() || secret.size() > secret_bytes_max)
    return fail(Errc::malformed, fmt::format("{} holds no client secret", file));
  return secret;
}

}  // namespace

Result<std::unique_ptr<NetworkTokens>> NetworkTokens::open(const OAuth2Config& config,
                                                           runtime::HttpClient& http,
                                                           runtime::Scheduler& scheduler,
                                                           const Clock& clock) {
  std::unique_ptr<NetworkTokens> made(new NetworkTokens(http, scheduler, clock));
  const auto change = made->prepare(config);
  if (!change) return fail(change.error());
  (*change)();
  return made;
}

Result<std::function<void()>> NetworkTokens::prepare(const OAuth2Config& config) {
  const auto secret = read_secret(config.client_secret_file);
  if (!secret) return fail(secret.error());
  auto source = adapters::crypto::TokenSource::create({.token_uri = config.token_uri,
                                                       .client_id = config.client_id,
                                                       .client_secret = *secret,
                                                       .scope = config.scope},
                                                      http_, clock_);
  if (!source) return fail(source.error());
  return [this, fresh = std::shared_ptr(std::move(*source))] {
    // Calls that wait for the old one's token get it, at the latest when asking has run out of
    // time.
    scheduler_.after(2 * adapters::crypto::token_deadline,
                     [old = std::exchange(source_, fresh)] {});
  };
}

}  // namespace lobo::app
