#pragma once
// Character classes of HTTP and URI grammar, as tables: one load a byte.

#include <array>
#include <cstdint>
#include <string_view>

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

/// HTAB, SP, visible ASCII and obs-text (RFC 9110 clause 5.5).
constexpr bool is_value_char(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (u >= 0x20 && u != 0x7F) || u == '\t';
}

constexpr bool is_visible(char c) { return c > 0x20 && c < 0x7F; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// 0–15, or -1.
constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

inline constexpr std::array<bool, 256> path_chars = [] {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (const char c : std::string_view("-._~!$&'()*+,;=:@"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();

/// A character that may stand as it is in a path segment or query (RFC 3986 clause 3.3).
constexpr bool is_path_char(char c) { return path_chars[static_cast<unsigned char>(c)]; }

constexpr bool is_token(std::string_view text) {
  for (const char c : text)
    if (token_char(c) == 0) return false;
  return !text.empty();
}

constexpr bool is_field_value(std::string_view text) {
  for (const char c : text)
    if (!is_value_char(c)) return false;
  return true;
}

}  // namespace lobo::http
