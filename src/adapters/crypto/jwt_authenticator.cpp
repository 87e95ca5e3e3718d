#include "adapters/crypto/jwt_authenticator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/claims.hpp"
#include "adapters/crypto/jws.hpp"
#include "adapters/crypto/key_feed.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::adapters::crypto {
namespace {

tl::unexpected<Error> refuse(std::string why) {
  return fail(Errc::unauthenticated, std::move(why));
}

/// The token of `Authorization: Bearer …` (RFC 6750 clause 2.1); nothing where there is no such
/// field. Tokens in a body or a query are not looked for.
Result<std::optional<std::string_view>> bearer_token(const http::Request& request) {
  std::optional<std::string_view> field;
  for (const auto& header : request.headers) {
    if (header.name != "authorization") continue;
    if (field) return refuse("there is more than one Authorization field");
    field = header.value;
  }
  if (!field) return std::nullopt;
  const auto space = field->find(' ');
  if (space == std::string_view::npos || !equal_ignoring_case(field->substr(0, space), "bearer"))
    return refuse("the Authorization field is no \"Bearer TOKEN\"");
  const auto start = field->find_first_not_of(' ', space);
  return start == std::string_view::npos ? std::string_view{} : field->substr(start);
}

}  // namespace

Result<std::unique_ptr<JwtAuthenticator>> JwtAuthenticator::create(const JwtOptions& options,
                                                                   runtime::HttpClient* client) {
  std::vector<Algorithm> algorithms;
  for (const auto& name : options.algorithms) {
    const auto algorithm = algorithm_of(name);
    if (!algorithm)
      return fail(
          Errc::not_allowed,
          fmt::format("the token algorithm \"{}\" is not one of ES256, ES384, RS256, PS256", name));
    algorithms.push_back(*algorithm);
  }
  if (algorithms.empty()) return fail(Errc::missing, "no token algorithm is allowed");
  auto feed = KeyFeed::open(options.jwks, client);
  if (!feed) return fail(feed.error());
  return std::unique_ptr<JwtAuthenticator>(
      new JwtAuthenticator(options, std::move(algorithms), std::move(*feed)));
}

JwtAuthenticator::JwtAuthenticator(const JwtOptions& options, std::vector<Algorithm> algorithms,
                                   std::unique_ptr<KeyFeed> feed)
    : options_(options), algorithms_(std::move(algorithms)), feed_(std::move(feed)) {}

void JwtAuthenticator::authenticate(const http::Request& request, Instant now, Done done) {
  const auto token = bearer_token(request);
  if (!token) return done(fail(token.error()));
  if (*token) return check_token(**token, now, std::move(done));
  check_certificate(request, done);
}

void JwtAuthenticator::check_certificate(const http::Request& request, const Done& done) const {
  const auto& subject = request.peer.certificate_subject;
  if (!options_.client_certificates || !subject || subject->empty())
    return done(refuse("an Authorization field with a bearer token is needed"));
  done(resource::Principal{*subject, options_.certificate_scopes});
}

void JwtAuthenticator::check_token(std::string_view text, Instant now, Done done) {
  feed_->keep_fresh(now);
  drop_cache_of_old_keys();
  if (text.size() > token_bytes_max)
    return done(refuse(fmt::format("the token is longer than {} bytes", token_bytes_max)));
  if (const auto* known = cache_.find(text, now)) return done(*known);

  auto parsed = Token::parse(text);
  if (!parsed) return done(fail(parsed.error()));
  if (std::ranges::find(algorithms_, parsed->algorithm()) == algorithms_.end())
    return done(refuse("the token's algorithm is not accepted"));
  if (!feed_->ring().candidates(parsed->key_id(), parsed->algorithm()).empty())
    return done(verify(*parsed, text, now));

  // An unknown key: perhaps the issuer has a new one.
  auto token = std::make_shared<Token>(std::move(*parsed));
  feed_->look_again(now, [this, token, text = std::string(text), now,
                          done = std::move(done)](const Result<void>& looked) {
    drop_cache_of_old_keys();
    if (!looked && looked.error().code == Errc::too_many) return done(fail(looked.error()));
    // Without any key nobody can be told apart from an impostor: that is our failure, not
    // theirs.
    if (!looked && feed_->ring().size() == 0)
      return done(fail(Errc::unavailable, "the token issuer's keys cannot be had"));
    done(verify(*token, text, now));
  });
}

Result<resource::Principal> JwtAuthenticator::verify(const Token& token, std::string_view text,
                                                     Instant now) {
  const auto keys = feed_->ring().candidates(token.key_id(), token.algorithm());
  if (keys.empty()) return refuse("the token was signed with a key that is not known here");
  for (const auto* key : keys) {
    const auto payload = token.verified_by(*key);
    if (!payload) continue;
    auto claims = check_claims(*payload, options_.rules, now);
    if (!claims) return fail(claims.error());
    resource::Principal who = claims->who;
    cache_.put(text, std::move(*claims));
    return who;
  }
  return refuse("the token's signature is wrong");
}

void JwtAuthenticator::drop_cache_of_old_keys() {
  if (cached_generation_ == feed_->generation()) return;
  cached_generation_ = feed_->generation();
  cache_.clear();
}

// ---- development ------------------------------------------------------------------------------

void OpenAuthenticator::authenticate(const http::Request& request, Instant,
                                     std::function<void(Result<resource::Principal>)> done) {
  if (!request.peer.loopback)
    return done(refuse("authentication is off, therefore only this machine is served"));
  std::string subject = options_.subject;
  const auto named = request.headers.find("x-lobo-client");
  if (options_.subject_from_header && named) {
    const bool printable = std::ranges::all_of(*named, [](char c) { return c > 0x20 && c < 0x7F; });
    if (named->empty() || named->size() > subject_bytes_max || !printable)
      return done(refuse("x-lobo-client is no name of printable characters"));
    subject = *named;
  }
  done(resource::Principal{std::move(subject), options_.scopes});
}

}  // namespace lobo::adapters::crypto
