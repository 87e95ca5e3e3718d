#pragma once
// Where a 307 or 308 leads (TS 29.122 clause 5.2.10, RFC 9110 clause 15.4). Whoever follows it
// checks the new target again and counts the hops.

#include "base/result.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"

namespace lobo::http {

/// The caller's bound on a chain of redirects.
inline constexpr int redirects_max = 3;

/// The target of `response` to `request`. Errors: not_found where it is no 307 or 308 or has no
/// Location, malformed where Location is no URI, not_allowed where https would become http.
Result<Url> redirect_target(const Request& request, const Response& response);

}  // namespace lobo::http
