#pragma once
// What a verified token says, held against what we ask of it (RFC 7519 clause 4, RFC 9068). Pure.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::adapters::crypto {

inline constexpr std::size_t subject_bytes_max = 256;
inline constexpr std::size_t scopes_max = 64;
inline constexpr std::size_t scope_bytes_max = 256;

struct ClaimRules {
  std::string issuer;               ///< empty: not asked for
  std::string audience;             ///< empty: not asked for
  std::chrono::seconds leeway{30};  ///< between our clock and the issuer's
};

struct Claims {
  resource::Principal who;
  Instant until;  ///< "exp" and the leeway
};

Result<Claims> check_claims(std::string_view payload, const ClaimRules& rules, Instant now);

}  // namespace lobo::adapters::crypto
