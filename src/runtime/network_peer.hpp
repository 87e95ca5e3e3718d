#pragma once
// One network function that we call: where it is, how we show who we are, and how much patience it
// gets. A circuit breaker keeps a dead peer from costing every request its deadline; a retry budget
// keeps our retries from finishing off a sick one.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::runtime {

inline constexpr unsigned breaker_failures_max = 5;  ///< in a row; then the breaker opens
inline constexpr std::chrono::milliseconds breaker_open_first{500};
inline constexpr std::chrono::milliseconds breaker_open_max{15000};
inline constexpr double retry_budget_ratio = 0.1;  ///< retries per call, in the long run
inline constexpr double retry_budget_max = 10.0;   ///< retries that may be saved up
inline constexpr std::size_t calls_under_way_max = 4096;

/// Fetches the value of an Authorization header for a peer that wants one: OAuth2 client
/// credentials, cached. `renew` asks for a new token because the old one was refused.
struct TokenProvider {
  TokenProvider() = default;
  TokenProvider(const TokenProvider&) = delete;
  TokenProvider& operator=(const TokenProvider&) = delete;
  virtual ~TokenProvider() = default;
  virtual void authorization(bool renew, std::function<void(Result<std::string>)> done) = 0;
};

struct PeerConfig {
  std::string name;         ///< "nef"
  std::string scheme;       ///< "http" or "https"
  std::string authority;    ///< host[:port]
  std::string path_prefix;  ///< of the API root, without a trailing slash; may be empty
  std::vector<std::string> redirect_authorities;  ///< besides `authority`: where a 307/308 may lead
  /// A 5xx that says something of what was asked for, and nothing of the peer's health. None: no
  /// 5xx does.
  std::function<bool(const http::Response&)> answers_all_the_same{};
};

class NetworkPeer {
 public:
  using Done = std::function<void(Result<http::Response>)>;

  /// `tokens` may be null: no Authorization header. All outlive the peer.
  NetworkPeer(PeerConfig config, HttpClient& client, TokenProvider* tokens, const Clock& clock,
              Metrics& metrics);

  /// Sends `request` (target relative to the API root). Answers: what the peer said, redirects
  /// followed; `too_many` where it was certainly not sent, because the breaker is open or
  /// calls_under_way_max are under way; `unavailable` and `timeout` where nobody knows.
  void send(http::Request request, std::chrono::milliseconds deadline, Done done);

 private:
  struct Call;
  void attempt(const std::shared_ptr<Call>& call);
  void transmit(const std::shared_ptr<Call>& call);
  void answered(const std::shared_ptr<Call>& call, Result<http::Response> response);
  bool follow(Call& call, const http::Response& response) const;
  bool may_retry(const Call& call, const Error& why);
  void finish(const std::shared_ptr<Call>& call, Result<http::Response> response);
  void succeeded();
  void failed();

  PeerConfig config_;
  HttpClient& client_;
  TokenProvider* tokens_;
  const Clock& clock_;
  unsigned failures_ = 0;
  Instant open_until_{};
  std::chrono::milliseconds open_for_ = breaker_open_first;
  bool probing_ = false;
  double retry_budget_ = retry_budget_max;
  std::size_t under_way_ = 0;
  Counter& calls_;
  Counter& calls_failed_;
  Counter& breaker_opened_;
};

}  // namespace lobo::runtime
