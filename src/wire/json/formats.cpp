#include "wire/json/formats.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/octets.hpp"
#include "base/text.hpp"
#include "model/address.hpp"

namespace lobo::json {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool all_hex(std::string_view text) { return std::ranges::all_of(text, is_hex); }
bool all_digits(std::string_view text) { return std::ranges::all_of(text, is_digit); }

/// The "." of a pattern: no line end in it (ECMA-262: LF, CR, U+2028, U+2029).
bool one_line(std::string_view text) {
  return !text.empty() && text.find_first_of("\n\r") == std::string_view::npos &&
         text.find("\xE2\x80\xA8") == std::string_view::npos &&
         text.find("\xE2\x80\xA9") == std::string_view::npos;
}

bool one_at_sign_inside(std::string_view text) {
  const auto at = text.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         text.find('@', at + 1) == std::string_view::npos;
}

/// A decimal number of at most `digits_max` digits, no leading zero, at most `value_max`.
bool small_number(std::string_view text, std::size_t digits_max, std::uint64_t value_max) {
  if (text.empty() || text.size() > digits_max || !all_digits(text)) return false;
  if (text.size() > 1 && text.front() == '0') return false;
  const auto value = parse_decimal(text);
  return value && *value <= value_max;
}

constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Where the first octet stands that may not stand for itself in a URI (RFC 3986 clause 2).
std::size_t find_no_uri_character(std::string_view text) {
  return find_octet(text, [](auto c) {
    return (c <= ' ') | (c >= 0x7F) | (c == '"') | (c == '%') | (c == '<') | (c == '>') |
           (c == '\\') | (c == '^') | (c == '`') | (c == '{') | (c == '|') | (c == '}');
  });
}

}  // namespace

std::string base64_encode(std::string_view octets) {
  std::string text;
  text.reserve((octets.size() + 2) / 3 * 4);
  const auto octet = [&](std::size_t i) -> unsigned {
    return i < octets.size() ? static_cast<unsigned char>(octets[i]) : 0U;
  };
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    const unsigned bits = octet(i) << 16U | octet(i + 1) << 8U | octet(i + 2);
    text += base64_alphabet[bits >> 18U];
    text += base64_alphabet[bits >> 12U & 63U];
    text += i + 1 < octets.size() ? base64_alphabet[bits >> 6U & 63U] : '=';
    text += i + 2 < octets.size() ? base64_alphabet[bits & 63U] : '=';
  }
  return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::string octets;
  octets.reserve(text.size() / 4 * 3);
  unsigned bits = 0;
  const std::size_t length = text.size() - padding;
  for (std::size_t i = 0; i < length; ++i) {
    const auto six = base64_alphabet.find(text[i]);
    if (six == std::string_view::npos) return std::nullopt;
    bits = bits << 6U | static_cast<unsigned>(six);
    if (i % 4 == 3) {
      octets += static_cast<char>(bits >> 16U & 255U);
      octets += static_cast<char>(bits >> 8U & 255U);
      octets += static_cast<char>(bits & 255U);
      bits = 0;
    }
  }
  if (padding == 1) {
    if ((bits & 3U) != 0) return std::nullopt;
    octets += static_cast<char>(bits >> 10U & 255U);
    octets += static_cast<char>(bits >> 2U & 255U);
  } else if (padding == 2) {
    if ((bits & 15U) != 0) return std::nullopt;
    octets += static_cast<char>(bits >> 4U & 255U);
  }
  return octets;
}

namespace format {

// RFC 3986: scheme ":" hier-part [ "?" query ] [ "#" fragment ]; something must follow the colon.
bool uri(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
  const auto scheme = text.substr(0, colon);
  if (!is_alpha(scheme.front())) return false;
  if (!std::ranges::all_of(scheme, [](char c) {
        return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
      }))
    return false;
  const auto rest = text.substr(colon + 1);
  for (auto left = rest; true; left.remove_prefix(3)) {
    left.remove_prefix(find_no_uri_character(left));
    if (left.empty()) break;
    if (left[0] != '%' || left.size() < 3 || !is_hex(left[1]) || !is_hex(left[2])) return false;
  }
  if (!rest.starts_with("//") || scheme == "file") return true;
  const auto behind = rest.substr(2);
  return !behind.empty() && behind[0] != '/' && behind[0] != '?' && behind[0] != '#';
}

bool ipv4(std::string_view text) { return model::Ipv4Address::parse(text).has_value(); }

bool ipv4_mask(std::string_view text) {
  const auto slash = text.find('/');
  return slash != std::string_view::npos && ipv4(text.substr(0, slash)) &&
         small_number(text.substr(slash + 1), 2, 32);
}

// Groups spelt as RFC 5952 clause 4 has them: lower case, no leading zero (TS 29.571 clause 5.2.2).
bool ipv6(std::string_view text) {
  const auto groups = split(text, ':');
  return model::Ipv6Address::parse(text) && std::ranges::all_of(groups, [](auto group) {
           return (group.size() < 2 || group.front() != '0') &&
                  std::ranges::none_of(group, [](char c) { return c >= 'A' && c <= 'F'; });
         });
}

bool ipv6_prefix(std::string_view text) {
  const auto slash = text.find('/');
  return slash != std::string_view::npos && ipv6(text.substr(0, slash)) &&
         small_number(text.substr(slash + 1), 3, 128);
}

bool mac48(std::string_view text) { return model::MacAddress::parse(text).has_value(); }

bool hexadecimal(std::string_view text) { return all_hex(text); }
bool hexadecimal_not_empty(std::string_view text) { return !text.empty() && all_hex(text); }
bool hexadecimal_2(std::string_view text) { return text.size() == 2 && all_hex(text); }
bool hexadecimal_4(std::string_view text) { return text.size() == 4 && all_hex(text); }
bool hexadecimal_6(std::string_view text) { return text.size() == 6 && all_hex(text); }
bool hexadecimal_4_or_6(std::string_view text) {
  return hexadecimal_4(text) || hexadecimal_6(text);
}
bool hexadecimal_7(std::string_view text) { return text.size() == 7 && all_hex(text); }
bool hexadecimal_9(std::string_view text) { return text.size() == 9 && all_hex(text); }
bool hexadecimal_11(std::string_view text) { return text.size() == 11 && all_hex(text); }

bool digits_3(std::string_view text) { return text.size() == 3 && all_digits(text); }
bool digits_2_to_3(std::string_view text) {
  return text.size() >= 2 && text.size() <= 3 && all_digits(text);
}
bool digits_5_to_15(std::string_view text) {
  return text.size() >= 5 && text.size() <= 15 && all_digits(text);
}

bool packet_error_rate(std::string_view text) {
  return text.size() == 4 && is_digit(text[0]) && text[1] == 'E' && text[2] == '-' &&
         is_digit(text[3]);
}

bool bit_rate(std::string_view text) {
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return false;
  static constexpr std::array<std::string_view, 5> units{"bps", "Kbps", "Mbps", "Gbps", "Tbps"};
  if (std::ranges::find(units, text.substr(space + 1)) == units.end()) return false;
  const auto number = text.substr(0, space);
  const auto point = number.find('.');
  const auto digits = [](auto part) { return !part.empty() && all_digits(part); };
  return digits(number.substr(0, point)) &&
         (point == std::string_view::npos || digits(number.substr(point + 1)));
}

// The last alternative of both patterns takes any text of one line.
bool gpsi(std::string_view text) {
  return one_line(text) || (text.starts_with("extid-") && one_at_sign_inside(text.substr(6)));
}
bool supi(std::string_view text) { return one_line(text); }

bool external_group_id(std::string_view text) {
  constexpr std::string_view prefix = "extgroupid-";
  return text.starts_with(prefix) && one_at_sign_inside(text.substr(prefix.size()));
}

}  // namespace format
}  // namespace lobo::json
