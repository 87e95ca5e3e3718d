#pragma once
// Status codes that we send or meet (RFC 9110 clause 15, RFC 6585).

#include <string_view>

namespace lobo::http {

/// "Not Found"; for an unregistered code the name of its class.
std::string_view reason_phrase(int status);

/// True where a response of that status never has a body (RFC 9110 clause 6.4.1).
constexpr bool has_no_body(int status) { return status < 200 || status == 204 || status == 304; }

}  // namespace lobo::http
