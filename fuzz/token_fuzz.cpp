// Bearer tokens and their claims. The first octet chooses: a token as it came, a token whose three
// parts are well coded and whose header is the input, or the claims of a payload that was verified.
// Nothing that nobody signed is ever verified, and no claim outlives its rules.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "adapters/crypto/claims.hpp"
#include "adapters/crypto/jws.hpp"
#include "base/clock.hpp"
#include "base/require.hpp"

namespace {

namespace crypto = lobo::adapters::crypto;
using lobo::require;

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string base64url(std::string_view bytes) {
  std::string out;
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char c : bytes) {
    held = (held << 8U) | static_cast<unsigned char>(c);
    bits += 8;
    for (; bits >= 6; bits -= 6) out += alphabet[(held >> (bits - 6)) & 63U];
    held &= 0xFFU;
  }
  if (bits > 0) out += alphabet[(held << (6 - bits)) & 63U];
  return out;
}

struct Keys {
  std::string signing = *crypto::make_signing_key();
  crypto::KeyRing ring = *crypto::KeyRing::parse(*crypto::public_key_set(signing));
};

void check_token(std::string_view text, const Keys& keys) {
  const auto token = crypto::Token::parse(text);
  if (!token) return;
  require(text.size() <= crypto::token_bytes_max);
  // The signing key was made a moment ago: no input can hold its signature.
  for (const auto* key : keys.ring.candidates(token->key_id(), token->algorithm()))
    require(!token->verified_by(*key).has_value());
  for (const auto* key : keys.ring.candidates("", token->algorithm()))
    require(!token->verified_by(*key).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Keys keys;
  if (size == 0) return 0;
  // Octets are characters here, as in a header field.
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const lobo::Instant now = lobo::ManualClock{}.now();
  switch (data[0] % 3) {
    case 0: check_token(text, keys); break;
    case 1: {
      const auto half = text.size() / 2;
      check_token(base64url(text.substr(0, half)) + '.' + base64url(text.substr(half)) + ".AAAA",
                  keys);
      break;
    }
    default: {
      const crypto::ClaimRules rules{.issuer = "issuer", .audience = "lobo"};
      const auto claims = crypto::check_claims(text, rules, now);
      if (!claims) break;
      require(!claims->who.subject.empty() &&
              claims->who.subject.size() <= crypto::subject_bytes_max);
      require(claims->who.scopes.size() <= crypto::scopes_max);
      require(claims->until > now);
    }
  }
  return 0;
}
