#pragma once
// Character classes of HTTP and URI grammar.

#include <array>
#include <cstddef>
#include <string_view>

#include "base/octets.hpp"

namespace lobo::http {

/// For a token character (RFC 9110 clause 5.6.2) its lower-case form, else 0.
inline constexpr std::array<char, 256> token_lower = [] {
  std::array<char, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = static_cast<char>(c);
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = static_cast<char>(c);
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = static_cast<char>(c + 32);
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = c;
  return table;
}();

constexpr char token_char(char c) { return token_lower[static_cast<unsigned char>(c)]; }

/// All but HTAB, SP, visible ASCII and obs-text (RFC 9110 clause 5.5); of one octet or of sixteen.
inline constexpr auto is_no_value_octet = [](auto c) {
  return ((c < ' ') & (c != '\t')) | (c == 0x7F);
};
constexpr bool is_value_char(char c) { return !is_no_value_octet(static_cast<unsigned char>(c)); }

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// 0–15, or -1.
constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr bool is_token(std::string_view text) {
  for (const char c : text)
    if (token_char(c) == 0) return false;
  return !text.empty();
}

inline bool is_field_value(std::string_view text) { return !has_octet(text, is_no_value_octet); }

/// Visible ASCII without the mark of a fragment: what may stand in a request target at all.
inline bool is_target_text(std::string_view text) {
  return !has_octet(text, [](auto c) { return (c <= ' ') | (c >= 0x7F) | (c == '#'); });
}

/// Where the first octet stands that may not stand as it is in a path or query (RFC 3986 clauses
/// 3.3 and 3.4): what is not visible ASCII, delimits other things or belongs nowhere.
inline std::size_t find_not_in_path_or_query(std::string_view text) {
  return find_octet(text, [](auto c) {
    return (c <= ' ') | (c >= 0x7F) | (c == '"') | (c == '#') | (c == '%') | (c == '<') |
           (c == '>') | (c == '[') | (c == '\\') | (c == ']') | (c == '^') | (c == '`') |
           (c == '{') | (c == '|') | (c == '}');
  });
}

}  // namespace lobo::http
