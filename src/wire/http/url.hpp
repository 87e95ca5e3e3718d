#pragma once
// Absolute http and https URIs, request targets and queries (RFC 3986, RFC 9110 clause 4.2), read
// strictly: whatever two readers could understand differently is refused.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace lobo::http {

inline constexpr std::size_t url_bytes_max = 8192;
inline constexpr std::size_t query_parameters_max = 64;

struct Url {
  std::string scheme;      ///< "http" or "https"
  std::string host;        ///< lower case; an IPv6 literal without its brackets
  std::uint16_t port = 0;  ///< the scheme's default where none was written
  std::string target;      ///< path[?query], never empty, percent-encoding kept
  bool operator==(const Url&) const = default;

  /// "host", "host:8080", "[::1]:8080"; the default port is left out.
  std::string authority() const;
  /// "http://host:8080"
  std::string origin() const { return scheme + "://" + authority(); }
  std::string text() const { return origin() + target; }
};

/// Refuses other schemes, userinfo, fragments, control and non-ASCII bytes, bad percent-encoding,
/// and hosts that look like numbers but are no dotted quad ("2130706433", "0x7f.1", "127.1").
Result<Url> parse_url(std::string_view text);

struct Authority {
  std::string host;                   ///< as in Url
  std::optional<std::uint16_t> port;  ///< nothing where none was written
  bool operator==(const Authority&) const = default;
};
/// host[:port] without userinfo.
std::optional<Authority> parse_authority(std::string_view text);

/// "/a/b?x=1" -> {"/a/b", "x=1"}; without '?' the query is empty.
struct TargetParts {
  std::string_view path;
  std::string_view query;
};
TargetParts split_target(std::string_view target);

/// Each %XX replaced by its byte. Nothing where a '%' is not followed by two hexadecimal digits, or
/// where a NUL results.
std::optional<std::string> percent_decode(std::string_view text);
/// Everything but unreserved characters becomes %XX.
std::string percent_encode(std::string_view text);

using QueryParameters = std::vector<std::pair<std::string, std::string>>;
/// Names and values percent-decoded, in order; '+' stays a plus. Refuses bad encoding, a name
/// twice, and more than query_parameters_max.
Result<QueryParameters> parse_query(std::string_view query);

}  // namespace lobo::http
