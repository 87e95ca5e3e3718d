#pragma once
// Common media client data of a media request (CTA-5004, CTA-5004-B): the session that it is of.
// Players put it into the query, in one parameter, or into header fields.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace lobo::cmcd {

/// Of a string value (CTA-5004 clause 3.2).
inline constexpr std::size_t session_id_bytes_max = 64;

/// What may be one, or any other name of a session: short, printable ASCII, no spaces.
bool is_session_id(std::string_view text);

/// `sid` of a list of keys, as a header field has it: bl=2100,sid="6e2fb550-c457-11e9-bb97".
/// Nothing where there is none, where it is no string, too long or not of printable ASCII, and
/// where the list before it is not one.
std::optional<std::string> session_id(std::string_view keys);

/// The same of a query, whose parameter CMCD has the list percent-encoded.
std::optional<std::string> session_id_in_query(std::string_view query);

}  // namespace lobo::cmcd
