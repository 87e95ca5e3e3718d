#pragma once
// The token of a connection: everything that its node has to know of it.

#include <string>

#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "wire/sdd/token.hpp"

namespace lobo::sealdd {

/// `key_id` is left to whoever signs. Good from `now` until `until`.
sdd::FlowToken token_of(const api::state::sealdd::ConnectionState& connection, Instant now,
                        Instant until);

/// Signed and in base64url. Refused with a fault at /flows where it would be too long.
Result<std::string> signed_token(const api::state::sealdd::ConnectionState& connection, Instant now,
                                 Instant until, sdd::TokenSigner& signer);

}  // namespace lobo::sealdd
