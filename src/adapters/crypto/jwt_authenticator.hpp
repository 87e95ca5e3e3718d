#pragma once
// Who asks: the subject of a bearer token (RFC 6750, a JWT verified against the issuer's keys) or,
// if the configuration says so, of a verified client certificate.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/crypto/claims.hpp"
#include "adapters/crypto/jws.hpp"
#include "adapters/crypto/key_feed.hpp"
#include "adapters/crypto/token_cache.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters::crypto {

struct JwtOptions {
  std::string jwks;  ///< file or URL
  ClaimRules rules;
  std::vector<std::string> algorithms{"ES256"};
  bool client_certificates = false;             ///< a certificate without a token will do
  std::vector<std::string> certificate_scopes;  ///< what its holder may do
};

class JwtAuthenticator final : public runtime::Authenticator {
 public:
  /// `client` fetches the keys of a URL and may be null for a file.
  static Result<std::unique_ptr<JwtAuthenticator>> create(const JwtOptions& options,
                                                          runtime::HttpClient* client);

  /// A token always wins over a certificate, a bad one too: nobody gets more for a worse token.
  void authenticate(const http::Request& request, Instant now,
                    std::function<void(Result<resource::Principal>)> done) override;
  /// Reads the keys anew, on a reload of the configuration.
  void reload_keys(Instant now) { feed_->reload(now); }

 private:
  using Done = std::function<void(Result<resource::Principal>)>;
  JwtAuthenticator(const JwtOptions& options, std::vector<Algorithm> algorithms,
                   std::unique_ptr<KeyFeed> feed);

  void check_certificate(const http::Request& request, const Done& done) const;
  void check_token(std::string_view text, Instant now, Done done);
  Result<resource::Principal> verify(const Token& token, std::string_view text, Instant now);
  void drop_cache_of_old_keys();

  JwtOptions options_;
  std::vector<Algorithm> algorithms_;
  std::unique_ptr<KeyFeed> feed_;
  TokenCache cache_;
  std::uint64_t cached_generation_ = 0;  ///< of the keys that verified what is in cache_
};

/// For development on one machine: everybody on the loopback interface is welcome, nobody else.
struct OpenOptions {
  std::string subject = "local";
  std::vector<std::string> scopes;  ///< of everybody
  bool subject_from_header =
      false;  ///< "x-lobo-client" names the requester, to try several at once
};

class OpenAuthenticator final : public runtime::Authenticator {
 public:
  explicit OpenAuthenticator(OpenOptions options) : options_(std::move(options)) {}
  void authenticate(const http::Request& request, Instant now,
                    std::function<void(Result<resource::Principal>)> done) override;

 private:
  OpenOptions options_;
};

}  // namespace lobo::adapters::crypto
