#pragma once
// JSON Web Signatures in their compact form (RFC 7515) and the keys that verify them (RFC 7517).
// cjose does the cryptography; this decides what it is let near.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

// cjose's own names behind its handles.
struct _cjose_jwk_int;  // NOLINT(bugprone-reserved-identifier): cjose chose it
struct _cjose_jws_int;  // NOLINT(bugprone-reserved-identifier): cjose chose it

namespace lobo::adapters::crypto {

/// What may be configured. `none` and the HMAC family have no value here, so no configuration and
/// no token can choose them; cjose has no EdDSA.
enum class Algorithm : std::uint8_t { es256, es384, rs256, ps256 };

constexpr std::string_view to_string(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::es256: return "ES256";
    case Algorithm::es384: return "ES384";
    case Algorithm::rs256: return "RS256";
    case Algorithm::ps256: return "PS256";
  }
  std::abort();
}
std::optional<Algorithm> algorithm_of(std::string_view name);

inline constexpr std::size_t jwks_bytes_max = 256 * 1024;
inline constexpr std::size_t jwks_keys_max = 64;
inline constexpr std::size_t rsa_bits_min = 2048;
inline constexpr std::size_t token_bytes_max = 8192;
inline constexpr std::size_t key_tries_max = 4;  ///< keys tried for a token that names none

struct ReleaseKey {
  void operator()(_cjose_jwk_int* key) const noexcept;
};
struct ReleaseToken {
  void operator()(_cjose_jws_int* token) const noexcept;
};

struct Key {
  std::string id;                     ///< "kid"; may be empty
  std::vector<Algorithm> algorithms;  ///< that its type, curve and "alg" allow; never empty
  std::unique_ptr<_cjose_jwk_int, ReleaseKey> held;
};

class KeyRing {
 public:
  /// A JWK set. Keys that cannot verify anything we take (symmetric, for encryption, of unknown
  /// types) are left out; a set without a usable key is an error.
  static Result<KeyRing> parse(std::string_view jwks);

  /// The keys that could have signed: of that id, or any where the token names none.
  std::vector<const Key*> candidates(std::string_view id, Algorithm algorithm) const;
  std::size_t size() const { return keys_.size(); }

 private:
  std::vector<Key> keys_;
};

class Token {
 public:
  /// Parses, verifies nothing. Refuses what is too long, of another shape, of an algorithm that we
  /// do not know, and what demands an extension ("crit").
  static Result<Token> parse(std::string_view text);

  Algorithm algorithm() const { return algorithm_; }
  const std::string& key_id() const { return key_id_; }
  /// The payload, if `key` made the signature.
  std::optional<std::string> verified_by(const Key& key) const;

 private:
  std::unique_ptr<_cjose_jws_int, ReleaseToken> held_;
  Algorithm algorithm_{};
  std::string key_id_;
};

/// Signs with ES256; `jwk` is a private key, its "kid" goes into the header.
Result<std::string> sign(std::string_view jwk, std::string_view payload);

/// A fresh private key for sign(), as a JWK whose "kid" is its thumbprint (RFC 7638).
Result<std::string> make_signing_key();
/// The public half, as a JWK set.
Result<std::string> public_key_set(std::string_view jwk);

}  // namespace lobo::adapters::crypto
