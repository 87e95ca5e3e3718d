#include "adapters/crypto/jws.hpp"

#include <cjose/cjose.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/digest.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::adapters::crypto {
namespace {

struct FreeText {
  void operator()(char* text) const noexcept { std::free(text); }
};
struct FreeHeader {
  void operator()(cjose_header_t* header) const noexcept { cjose_header_release(header); }
};
using Text = std::unique_ptr<char, FreeText>;
using Header = std::unique_ptr<cjose_header_t, FreeHeader>;

tl::unexpected<Error> refuse(std::string why) {
  return fail(Errc::unauthenticated, std::move(why));
}

std::string_view text_of(const json::Value& object, std::string_view name) {
  const auto* member = object.find(name);
  const auto* text = member == nullptr ? nullptr : member->text();
  return text == nullptr ? std::string_view{} : std::string_view(*text);
}

std::vector<Algorithm> algorithms_of(const cjose_jwk_t* key) {
  cjose_err err{};
  switch (cjose_jwk_get_kty(key, &err)) {
    case CJOSE_JWK_KTY_EC:
      switch (cjose_jwk_EC_get_curve(key, &err)) {
        case CJOSE_JWK_EC_P_256: return {Algorithm::es256};
        case CJOSE_JWK_EC_P_384: return {Algorithm::es384};
        case CJOSE_JWK_EC_P_521:
        case CJOSE_JWK_EC_INVALID: return {};
      }
      return {};
    case CJOSE_JWK_KTY_RSA:
      if (cjose_jwk_get_keysize(key, &err) < rsa_bits_min) return {};
      return {Algorithm::rs256, Algorithm::ps256};
    case CJOSE_JWK_KTY_OCT: return {};
  }
  return {};
}

/// cjose takes keys with members missing. Coordinates have the size of their field (RFC 7518 clause
/// 6.2.1.2): 32 bytes for P-256, 48 for P-384.
bool is_complete(const json::Value& jwk) {
  if (text_of(jwk, "kty") == "RSA") return !text_of(jwk, "n").empty() && !text_of(jwk, "e").empty();
  const std::size_t size = text_of(jwk, "crv") == "P-384" ? 64 : 43;
  return text_of(jwk, "x").size() == size && text_of(jwk, "y").size() == size;
}

/// Nothing for a key that we have no use for.
std::optional<Key> key_of(const json::Value& jwk) {
  const auto use = text_of(jwk, "use");
  const auto type = text_of(jwk, "kty");
  if ((type != "EC" && type != "RSA") || (!use.empty() && use != "sig")) return std::nullopt;
  if (!is_complete(jwk)) return std::nullopt;
  const std::string text = json::to_text(jwk);
  cjose_err err{};
  Key key{std::string(text_of(jwk, "kid")), {}, nullptr};
  key.held.reset(cjose_jwk_import(text.data(), text.size(), &err));
  if (!key.held) return std::nullopt;
  key.algorithms = algorithms_of(key.held.get());
  if (const auto only = text_of(jwk, "alg"); !only.empty())
    std::erase_if(key.algorithms, [&](Algorithm a) { return to_string(a) != only; });
  if (key.algorithms.empty()) return std::nullopt;
  return key;
}

bool has_compact_shape(std::string_view text) {
  const auto is_base64url = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  };
  const auto parts = split(text, '.');
  return parts.size() == 3 && std::ranges::all_of(parts, [&](std::string_view part) {
           return !part.empty() && std::ranges::all_of(part, is_base64url);
         });
}

}  // namespace

void ReleaseKey::operator()(_cjose_jwk_int* key) const noexcept { cjose_jwk_release(key); }
void ReleaseToken::operator()(_cjose_jws_int* token) const noexcept { cjose_jws_release(token); }

std::optional<Algorithm> algorithm_of(std::string_view name) {
  for (const auto algorithm :
       {Algorithm::es256, Algorithm::es384, Algorithm::rs256, Algorithm::ps256})
    if (to_string(algorithm) == name) return algorithm;
  return std::nullopt;
}

// ---- keys -------------------------------------------------------------------------------------

Result<KeyRing> KeyRing::parse(std::string_view jwks) {
  if (jwks.size() > jwks_bytes_max)
    return fail(Errc::too_large, fmt::format("a JWK set may have {} bytes", jwks_bytes_max));
  const auto document = json::parse(jwks);
  if (!document) return fail(document.error().code, "the JWK set is no valid JSON");
  const auto* member = document->find("keys");
  const auto* keys = member == nullptr ? nullptr : member->array();
  if (keys == nullptr) return fail(Errc::missing, "the JWK set has no array \"keys\"");
  if (keys->size() > jwks_keys_max)
    return fail(Errc::too_large, fmt::format("a JWK set may have {} keys", jwks_keys_max));
  KeyRing ring;
  for (const auto& jwk : *keys)
    if (auto key = key_of(jwk)) ring.keys_.push_back(std::move(*key));
  if (ring.keys_.empty())
    return fail(Errc::missing,
                "the JWK set has no key of type EC (P-256, P-384) or RSA (2048 bits "
                "or more) for signatures");
  return ring;
}

std::vector<const Key*> KeyRing::candidates(std::string_view id, Algorithm algorithm) const {
  std::vector<const Key*> fitting;
  for (const auto& key : keys_) {
    if (fitting.size() == key_tries_max) break;
    if ((id.empty() || key.id == id) &&
        std::ranges::find(key.algorithms, algorithm) != key.algorithms.end())
      fitting.push_back(&key);
  }
  return fitting;
}

// ---- tokens -----------------------------------------------------------------------------------

Result<Token> Token::parse(std::string_view text) {
  if (text.size() > token_bytes_max)
    return refuse(fmt::format("the token is longer than {} bytes", token_bytes_max));
  if (!has_compact_shape(text))
    return refuse("the token is no JWT: three base64url parts are needed");
  cjose_err err{};
  Token token;
  token.held_.reset(cjose_jws_import(text.data(), text.size(), &err));
  if (!token.held_) return refuse("the token's header cannot be read, or names no known algorithm");
  // Borrowed from the token.
  cjose_header_t* header = cjose_jws_get_protected(token.held_.get());
  const char* name = cjose_header_get(header, CJOSE_HDR_ALG, &err);
  const auto algorithm = name == nullptr ? std::nullopt : algorithm_of(name);
  if (!algorithm) return refuse("the token's algorithm is not accepted");
  // RFC 7515 clause 4.1.11: what a token says must be understood, and is not, refuses the token.
  for (const char* extension : {"crit", "b64", "zip"})
    if (Text(cjose_header_get_raw(header, extension, &err)))
      return refuse(
          fmt::format("the token's header has \"{}\", which is not supported", extension));
  token.algorithm_ = *algorithm;
  if (const char* id = cjose_header_get(header, CJOSE_HDR_KID, &err)) token.key_id_ = id;
  return token;
}

std::optional<std::string> Token::verified_by(const Key& key) const {
  cjose_err err{};
  if (!cjose_jws_verify(held_.get(), key.held.get(), &err)) return std::nullopt;
  std::uint8_t* bytes = nullptr;
  std::size_t size = 0;
  if (!cjose_jws_get_plaintext(held_.get(), &bytes, &size, &err)) return std::nullopt;
  return std::string(bytes, bytes + size);
}

// ---- making -----------------------------------------------------------------------------------

Result<std::string> sign(std::string_view jwk, std::string_view payload) {
  cjose_err err{};
  const std::unique_ptr<cjose_jwk_t, ReleaseKey> key(
      cjose_jwk_import(jwk.data(), jwk.size(), &err));
  if (!key) return fail(Errc::malformed, "the signing key is no JWK");
  const Header header(cjose_header_new(&err));
  const char* id = cjose_jwk_get_kid(key.get(), &err);
  const bool set = header &&
                   cjose_header_set(header.get(), CJOSE_HDR_ALG, CJOSE_HDR_ALG_ES256, &err) &&
                   cjose_header_set(header.get(), "typ", "JWT", &err) &&
                   (id == nullptr || cjose_header_set(header.get(), CJOSE_HDR_KID, id, &err));
  if (!set) return fail(Errc::internal, "no memory for a token's header");
  std::vector<std::uint8_t> bytes(payload.begin(), payload.end());
  const std::unique_ptr<cjose_jws_t, ReleaseToken> token(
      cjose_jws_sign(key.get(), header.get(), bytes.data(), bytes.size(), &err));
  const char* compact = nullptr;
  if (!token || !cjose_jws_export(token.get(), &compact, &err))
    return fail(Errc::malformed, "the signing key is no private P-256 key");
  return std::string(compact);
}

Result<std::string> make_signing_key() {
  cjose_err err{};
  const std::unique_ptr<cjose_jwk_t, ReleaseKey> key(
      cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &err));
  if (!key) return fail(Errc::internal, "OpenSSL made no P-256 key");
  const Text open(cjose_jwk_to_json(key.get(), false, &err));
  const auto jwk = json::parse(open ? open.get() : "");
  if (!jwk) return fail(Errc::internal, "cjose wrote no key");
  // RFC 7638 clause 3.2: the required members in order of their names, without spaces.
  const std::string canonical = fmt::format(R"({{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}})",
                                            text_of(*jwk, "x"), text_of(*jwk, "y"));
  const std::string id = base64url(Hasher().sha256(canonical));
  cjose_jwk_set_kid(key.get(), id.data(), id.size(), &err);
  const Text secret(cjose_jwk_to_json(key.get(), true, &err));
  if (!secret) return fail(Errc::internal, "cjose wrote no key");
  return std::string(secret.get());
}

Result<std::string> public_key_set(std::string_view jwk) {
  const auto key = json::parse(jwk);
  if (!key || text_of(*key, "crv") != "P-256")
    return fail(Errc::malformed, "the signing key is no P-256 JWK");
  return fmt::format(
      R"({{"keys":[{{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":{},"x":{},"y":{}}}]}})",
      json::quoted(text_of(*key, "kid")), json::quoted(text_of(*key, "x")),
      json::quoted(text_of(*key, "y")));
}

}  // namespace lobo::adapters::crypto
