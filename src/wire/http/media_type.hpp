#pragma once
// Media types (RFC 9110 clause 8.3.1), as far as we need to compare them.

#include <string_view>

namespace lobo::http {

/// True where the header value `content_type` names `wanted` ("application/json"); letter case and
/// parameters such as charset do not matter, except that a charset other than UTF-8 does not match.
bool is_media_type(std::string_view content_type, std::string_view wanted);

/// True where an Accept header's value admits `offered`: its type, "type/*" or "*/*", with q > 0.
/// An empty `accept` admits everything.
bool accepts(std::string_view accept, std::string_view offered);

}  // namespace lobo::http
