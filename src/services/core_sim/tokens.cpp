#include "services/core_sim/tokens.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/clock.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"
#include "services/core_sim/config.hpp"
#include "wire/http/url.hpp"
#include "wire/json/formats.hpp"

namespace lobo::core_sim {

namespace {

inline constexpr std::size_t form_members_max = 16;

std::optional<std::string> form_decode(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  return http::percent_decode(spaced);
}

// Reads in full, whatever the first difference: the time tells nothing about the secret.
bool same_secret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned different = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    different |=
        static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
  return different == 0;
}

// RFC 6749 clause 2.3.1: both are form-encoded before they are joined.
bool read_basic(std::string_view authorization, TokenRequest& request) {
  static constexpr std::string_view scheme = "basic ";
  if (!lower_ascii(authorization.substr(0, scheme.size())).starts_with(scheme)) return false;
  const auto pair = json::base64_decode(trim(authorization.substr(scheme.size())));
  if (!pair) return false;
  const auto colon = pair->find(':');
  if (colon == std::string::npos) return false;
  auto id = form_decode(std::string_view(*pair).substr(0, colon));
  auto secret = form_decode(std::string_view(*pair).substr(colon + 1));
  if (!id || !secret) return false;
  request.client_id = std::move(*id);
  request.client_secret = std::move(*secret);
  return true;
}

}  // namespace

std::optional<TokenRequest> read_token_request(std::string_view form,
                                               std::optional<std::string_view> authorization) {
  TokenRequest request;
  std::set<std::string> seen;
  for (const auto part : split(form, '&')) {
    if (part.empty()) continue;
    const auto equals = std::min(part.find('='), part.size());
    const auto name = form_decode(part.substr(0, equals));
    const auto value = form_decode(equals < part.size() ? part.substr(equals + 1) : "");
    if (!name || !value || !seen.insert(*name).second || seen.size() > form_members_max)
      return std::nullopt;
    if (*name == "grant_type") request.grant_type = *value;
    if (*name == "client_id") request.client_id = *value;
    if (*name == "client_secret") request.client_secret = *value;
  }
  if (authorization && !read_basic(*authorization, request)) return std::nullopt;
  return request;
}

std::variant<IssuedToken, TokenRefusal> Tokens::issue(const TokenRequest& request, Rng& rng,
                                                      Instant now) {
  if (request.grant_type.empty()) return TokenRefusal{400, "invalid_request"};
  if (request.grant_type != "client_credentials")
    return TokenRefusal{400, "unsupported_grant_type"};
  const auto client = std::ranges::find(config_.clients, request.client_id, &OAuthClient::id);
  if (client == config_.clients.end() || !same_secret(client->secret, request.client_secret))
    return TokenRefusal{401, "invalid_client"};

  while (by_age_.size() >= config_.limits.tokens_max && !by_age_.empty()) {
    held_.erase(by_age_.front());
    by_age_.pop_front();
  }
  auto token = random_id(rng) + random_id(rng);
  const auto index = static_cast<std::size_t>(client - config_.clients.begin());
  held_.emplace(token, Held{index, now + config_.token_lifetime});
  by_age_.push_back(token);
  return IssuedToken{std::move(token), config_.token_lifetime};
}

const OAuthClient* Tokens::client_of(std::string_view token, Instant now) const {
  const auto at = held_.find(token);
  if (at == held_.end() || at->second.expires <= now) return nullptr;
  return &config_.clients[at->second.client];
}

void Tokens::clear() {
  held_.clear();
  by_age_.clear();
}

}  // namespace lobo::core_sim
