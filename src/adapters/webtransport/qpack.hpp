#pragma once
// Header fields of HTTP/3 requests and answers (RFC 9204), without a dynamic table: we grant none
// and use none.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace lobo::adapters::webtransport {

using Field = std::pair<std::string, std::string>;
inline constexpr std::size_t fields_max = 128;

/// Errc::unavailable where the program was built without nghttp3.
Result<std::vector<Field>> decode_fields(Bytes block);

/// A status and fields, as literals.
std::vector<std::byte> encode_answer(std::string_view status, const std::vector<Field>& fields);

}  // namespace lobo::adapters::webtransport
