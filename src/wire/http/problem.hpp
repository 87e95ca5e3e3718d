#pragma once
// Error -> ProblemDetails (TS 29.122 clause 5.2.6, TS 29.571 clause 5.2.4.1, RFC 9457): the one
// place where a kind of wrong becomes a status and a cause.

#include <string_view>

#include "base/result.hpp"
#include "wire/http/message.hpp"

namespace lobo::http {

struct ProblemKind {
  int status;
  std::string_view title;
  std::string_view cause;  ///< TS 29.500 table 5.2.7.2-1 where it has a name for it
};

ProblemKind problem_kind(Errc code);

/// What a client should wait before it asks again, on 429 and 503.
inline constexpr int retry_after_seconds = 1;

/// An application/problem+json response. `instance` is the path that was asked, or empty. 401
/// carries WWW-Authenticate, 429 and 503 Retry-After.
Response problem(const Error& error, std::string_view instance = {});

/// The same for a status that the transport decided on before there was any Error (408, 431, 505
/// …).
Response problem(int status, std::string_view detail);

}  // namespace lobo::http
