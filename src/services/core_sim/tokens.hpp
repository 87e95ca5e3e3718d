#pragma once
// OAuth 2.0 client credentials (RFC 6749 clause 4.4), as far as a NEF needs them: opaque tokens.

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "base/clock.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"
#include "services/core_sim/config.hpp"

namespace lobo::core_sim {

/// What a token request says, after the form was read.
struct TokenRequest {
  std::string grant_type;
  std::string client_id;
  std::string client_secret;
};

/// RFC 6749 clause 5.2.
struct TokenRefusal {
  int status = 400;
  std::string_view error;
};

struct IssuedToken {
  std::string token;
  std::chrono::seconds lifetime{};
};

/// An application/x-www-form-urlencoded body; an Authorization: Basic header gives id and secret.
/// Nothing where it cannot be read, or a member stands twice.
std::optional<TokenRequest> read_token_request(std::string_view form,
                                               std::optional<std::string_view> authorization);

class Tokens {
 public:
  explicit Tokens(const CoreConfig& config) : config_(config) {}

  /// Unguessable only if `rng` is.
  std::variant<IssuedToken, TokenRefusal> issue(const TokenRequest& request, Rng& rng, Instant now);
  /// The client that a bearer token was given to; nothing where it is unknown or over.
  const OAuthClient* client_of(std::string_view token, Instant now) const;
  void clear();

 private:
  struct Held {
    std::size_t client{};
    Instant expires{};
  };
  const CoreConfig& config_;
  std::unordered_map<std::string, Held, TextHash, std::equal_to<>> held_;
  std::deque<std::string> by_age_;  ///< beyond tokens_max the oldest ends early
};

}  // namespace lobo::core_sim
