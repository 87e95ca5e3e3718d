#pragma once
// Tokens for calls to a network function: OAuth 2.0 client credentials (RFC 6749 clause 4.4), asked
// for once, shared by all calls until shortly before they expire.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/http/url.hpp"

namespace lobo::adapters::crypto {

inline constexpr std::chrono::seconds token_margin{30};      ///< renewed this long before its end
inline constexpr std::chrono::seconds token_life_usual{60};  ///< where the answer states none
inline constexpr std::chrono::seconds token_life_max{24 * 3600};
inline constexpr std::chrono::seconds token_retry_after{
    1};  ///< after a failure, which is told until then
inline constexpr std::chrono::milliseconds token_deadline{5000};
inline constexpr std::size_t token_waiters_max = 4096;
inline constexpr std::size_t token_answer_bytes_max = 64 * 1024;

struct TokenSourceOptions {
  std::string token_uri;  ///< https, or http of this machine
  std::string client_id;
  std::string client_secret;
  std::string scope;  ///< empty: none is asked for
};

class TokenSource {
 public:
  /// Client and clock must outlive the source.
  static Result<std::unique_ptr<TokenSource>> create(const TokenSourceOptions& options,
                                                     runtime::HttpClient& client,
                                                     const Clock& clock);

  /// The value of an Authorization field. Inside the call where a token is at hand. `renew`: the
  /// one given last was refused.
  void authorization(bool renew, std::function<void(Result<std::string>)> done);

 private:
  using Done = std::function<void(Result<std::string>)>;
  struct Held {
    Result<std::string> value;
    Instant until;
  };
  TokenSource(const TokenSourceOptions& options, http::Url url, runtime::HttpClient& client,
              const Clock& clock);

  void ask();
  Held read(const Result<http::Response>& response, Instant asked) const;

  TokenSourceOptions options_;
  http::Url url_;
  runtime::HttpClient& client_;
  const Clock& clock_;
  std::optional<Held> held_;
  Instant asked_{};
  bool under_way_ = false;
  std::vector<Done> waiters_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lobo::adapters::crypto
