#include "adapters/crypto/token_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/digest.hpp"
#include "adapters/crypto/transport.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/value.hpp"

namespace lobo::adapters::crypto {
namespace {

std::string basic(const TokenSourceOptions& options) {
  // RFC 6749 clause 2.3.1: both parts are form-encoded before they are joined.
  const std::string pair =
      http::percent_encode(options.client_id) + ":" + http::percent_encode(options.client_secret);
  const std::vector<unsigned char> bytes(pair.begin(), pair.end());
  return "Basic " + base64(bytes);
}

/// RFC 6750 clause 2.1: b64token. Anything else could carry a header field of its own.
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace

Result<std::unique_ptr<TokenSource>> TokenSource::create(const TokenSourceOptions& options,
                                                         runtime::HttpClient& client,
                                                         const Clock& clock) {
  auto url = parse_secret_url(options.token_uri);
  if (!url) return fail(url.error());
  if (options.client_id.empty()) return fail(Errc::missing, "OAuth2 needs a client id");
  return std::unique_ptr<TokenSource>(new TokenSource(options, std::move(*url), client, clock));
}

TokenSource::TokenSource(const TokenSourceOptions& options, http::Url url,
                         runtime::HttpClient& client, const Clock& clock)
    : options_(options), url_(std::move(url)), client_(client), clock_(clock) {}

void TokenSource::authorization(bool renew, Done done) {
  const Instant now = clock_.now();
  const bool held = held_ && now < held_->until;
  // A refused token is renewed, but not for each of many calls that were refused together.
  const bool fresh = !under_way_ && now - asked_ < token_retry_after;
  if (held && (!renew || fresh || !held_->value)) return done(held_->value);
  if (waiters_.size() >= token_waiters_max)
    return done(fail(Errc::too_many, "too many calls wait for a token"));
  waiters_.push_back(std::move(done));
  if (!under_way_) ask();
}

void TokenSource::ask() {
  under_way_ = true;
  asked_ = clock_.now();
  std::string body = "grant_type=client_credentials";
  if (!options_.scope.empty()) body += "&scope=" + http::percent_encode(options_.scope);
  http::Request request{.method = "POST",
                        .scheme = url_.scheme,
                        .authority = url_.authority(),
                        .target = url_.target,
                        .headers = {{"authorization", basic(options_)},
                                    {"content-type", "application/x-www-form-urlencoded"},
                                    {"accept", "application/json"}},
                        .body = std::move(body),
                        .peer = {}};
  client_.send(std::move(request), token_deadline,
               [this, alive = std::weak_ptr(alive_)](const Result<http::Response>& response) {
                 if (alive.expired()) return;
                 under_way_ = false;
                 held_ = read(response, asked_);
                 const auto value = held_->value;
                 for (const auto& waiter : std::exchange(waiters_, {})) waiter(value);
               });
}

TokenSource::Held TokenSource::read(const Result<http::Response>& response, Instant asked) const {
  const auto failed = [&](std::string_view why) {
    return Held{fail(Errc::unavailable, fmt::format("no token from {}: {}", url_.origin(), why)),
                clock_.now() + token_retry_after};
  };
  if (!response) return failed(response.error().detail);
  // The body of a refusal may repeat our credentials: it is not passed on.
  if (response->status != 200) return failed(fmt::format("it answered {}", response->status));
  if (response->body.size() > token_answer_bytes_max) return failed("its answer is too long");
  const auto answer = json::parse(response->body);
  if (!answer) return failed("its answer is no valid JSON");
  const auto* token = answer->find("access_token");
  const auto* type = answer->find("token_type");
  if (token == nullptr || token->text() == nullptr || !is_token(*token->text()))
    return failed("its answer has no \"access_token\"");
  if (type == nullptr || type->text() == nullptr || !equal_ignoring_case(*type->text(), "bearer"))
    return failed("its token is not of type Bearer");
  std::chrono::seconds life = token_life_usual;
  if (const auto* seconds = answer->find("expires_in")) {
    if (!seconds->integer() || *seconds->integer() <= 0) return failed("\"expires_in\" is no time");
    life = std::min(token_life_max, std::chrono::seconds{*seconds->integer()});
  }
  // A token shorter than twice the margin is used for half its life.
  const Instant until = asked + std::max<Instant::duration>(life - token_margin, life / 2);
  return Held{"Bearer " + *token->text(), until};
}

}  // namespace lobo::adapters::crypto
