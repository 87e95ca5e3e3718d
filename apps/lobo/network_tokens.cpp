#include "network_tokens.hpp"

#include <fmt/format.h>
#include <fstream>
#include <iterator>

#include "base/text.hpp"

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
                                                           const Clock& clock) {
  std::unique_ptr<NetworkTokens> made(new NetworkTokens(http, clock));
  if (auto loaded = made->reload(config); !loaded) return fail(loaded.error());
  return made;
}

Result<void> NetworkTokens::reload(const OAuth2Config& config) {
  const auto secret = read_secret(config.client_secret_file);
  if (!secret) return fail(secret.error());
  auto source = adapters::crypto::TokenSource::create({.token_uri = config.token_uri,
                                                       .client_id = config.client_id,
                                                       .client_secret = *secret,
                                                       .scope = config.scope},
                                                      http_, clock_);
  if (!source) return fail(source.error());
  retired_ = std::exchange(source_, std::move(*source));
  return {};
}

}  // namespace lobo::app
