#include "wire/http/url.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/octets.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "wire/http/chars.hpp"
#include "wire/http/ip.hpp"

namespace lobo::http {
namespace {

inline constexpr std::size_t host_bytes_max = 253;
inline constexpr std::size_t label_bytes_max = 63;

bool is_name(std::string_view host) {
  if (host.empty() || host.size() > host_bytes_max) return false;
  std::size_t label = 0;  // where it begins
  for (std::size_t at = 0; at <= host.size(); ++at) {
    const char c = at < host.size() ? host[at] : '.';
    if (c == '.') {
      if (at == label || at - label > label_bytes_max) return false;
      label = at + 1;
    } else if (!is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-' && c != '_') {
      return false;
    }
  }
  const auto last = host.substr(host.rfind('.') + 1);
  // Some resolvers read "2130706433", "127.1" or "0x7f000001" as 127.0.0.1. A name whose last label
  // is a number is therefore an address or nothing.
  const bool number = std::all_of(last.begin(), last.end(), is_digit) || last.starts_with("0x");
  return !number || IpAddress::parse_v4(host).has_value();
}

bool is_target(std::string_view target) {
  while (true) {
    target.remove_prefix(find_not_in_path_or_query(target));
    if (target.empty()) return true;
    if (target[0] != '%' || target.size() < 3 || hex_value(target[1]) < 0 ||
        hex_value(target[2]) < 0)
      return false;
    target.remove_prefix(3);
  }
}

tl::unexpected<Error> bad_url(std::string why) { return fail(Errc::malformed, std::move(why)); }

}  // namespace

std::string Url::authority() const {
  const bool literal = host.find(':') != std::string::npos;
  std::string out = literal ? "[" + host + "]" : host;
  if (port != (scheme == "https" ? 443 : 80)) out += ":" + std::to_string(port);
  return out;
}

std::optional<Authority> parse_authority(std::string_view text) {
  Authority out;
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const auto address = IpAddress::parse_v6(text.substr(1, close - 1));
    if (!address) return std::nullopt;
    out.host = lower_ascii(text.substr(1, close - 1));
    rest = text.substr(close + 1);
  } else {
    const auto colon = text.find(':');
    out.host = lower_ascii(text.substr(0, colon));
    if (!is_name(out.host)) return std::nullopt;
    rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
  }
  if (rest.empty()) return out;
  if (rest.size() > 6) return std::nullopt;
  const auto port = parse_decimal(rest.substr(1));
  if (rest[0] != ':' || !port || *port == 0 || *port > 65535) return std::nullopt;
  out.port = static_cast<std::uint16_t>(*port);
  return out;
}

Result<Url> parse_url(std::string_view text) {
  if (text.size() > url_bytes_max)
    return fail(Errc::too_large, "the URI is longer than 8192 bytes");
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return bad_url("not an absolute http or https URI");
  Url url;
  url.scheme = lower_ascii(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https")
    return bad_url("the URI's scheme is neither http nor https");
  const auto rest = text.substr(colon + 3);
  const auto end = find_octet(rest, [](auto c) { return (c == '/') | (c == '?') | (c == '#'); });
  const auto authority = rest.substr(0, end);
  if (authority.find('@') != std::string_view::npos)
    return bad_url("the URI carries user information");
  auto parsed = parse_authority(authority);
  if (!parsed) return bad_url("the URI's host or port is not valid");
  url.host = std::move(parsed->host);
  url.port = parsed->port.value_or(url.scheme == "https" ? std::uint16_t{443} : std::uint16_t{80});
  const auto target = rest.substr(end);
  if (target.find('#') != std::string_view::npos) return bad_url("the URI carries a fragment");
  if (!is_target(target))
    return bad_url("the URI's path or query has a character that may not be there");
  url.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  return url;
}

TargetParts split_target(std::string_view target) {
  const auto mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
      continue;
    }
    const auto u = static_cast<unsigned char>(c);
    out += '%';
    out += digits[u >> 4U];
    out += digits[u & 15U];
  }
  return out;
}

Result<QueryParameters> parse_query(std::string_view query) {
  QueryParameters out;
  if (query.empty()) return out;
  const auto parts = split(query, '&');
  if (parts.size() > query_parameters_max)
    return fail(Errc::too_large, "more than 64 query parameters");
  for (const auto part : parts) {
    if (part.empty()) continue;
    const auto equals = part.find('=');
    auto name = percent_decode(part.substr(0, equals));
    auto value =
        equals == std::string_view::npos ? std::string{} : percent_decode(part.substr(equals + 1));
    if (!name || name->empty() || !value) {
      const std::string where = "query:" + std::string(part.substr(0, equals));
      return fail(Errc::malformed, "a query parameter is not properly encoded",
                  {{Errc::malformed, where, "not properly percent-encoded"}});
    }
    const bool twice =
        std::any_of(out.begin(), out.end(), [&](const auto& p) { return p.first == *name; });
    if (twice)
      return fail(Errc::duplicate, "a query parameter is given twice",
                  {{Errc::duplicate, "query:" + *name, "given twice"}});
    out.emplace_back(std::move(*name), std::move(*value));
  }
  return out;
}

}  // namespace lobo::http
