#pragma once
// Keys that sign steering tokens. A file holds one a line, NAME and at least 32 octets in
// hexadecimal digits; the first signs, all are believed, so that keys can be changed while sessions
// go on.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/hmac.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "energy/steering/token.hpp"

namespace lobo::app {

inline constexpr std::size_t token_keys_max = 16;
inline constexpr std::size_t token_key_octets_min = 32;  // RFC 2104 clause 3: the digest's length
inline constexpr std::size_t token_key_octets_max = 256;

class TokenKeys final : public energy::steering::TokenMac {
 public:
  /// Every fault with its line.
  static Result<std::unique_ptr<TokenKeys>> parse(std::string_view text);
  /// One key that nobody else knows: tokens of other processes are foreign.
  static std::unique_ptr<TokenKeys> random(Rng& rng);

  std::string_view signing_key() const override { return keys_.front().first; }
  std::optional<energy::steering::Tag> tag(std::string_view key,
                                           std::string_view text) const override;
  std::size_t size() const { return keys_.size(); }

 private:
  TokenKeys() = default;
  std::vector<std::pair<std::string, adapters::crypto::HmacSha256>> keys_;
};

}  // namespace lobo::app
