#pragma once
// Where secrets and keys may travel.

#include <string_view>

#include "base/result.hpp"
#include "wire/http/url.hpp"

namespace lobo::adapters::crypto {

/// An https URL, or an http one of this machine: keys fetched in the clear could be anybody's.
Result<http::Url> parse_secret_url(std::string_view text);

}  // namespace lobo::adapters::crypto
