#include "wire/cmcd/session_id.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "wire/http/url.hpp"

namespace lobo::cmcd {
namespace {

/// Takes a string in quotes off the front of `rest`; backslashes escape quotes and themselves.
std::optional<std::string> take_string(std::string_view& rest) {
  std::string out;
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return out;
    }
    if (rest[i] == '\\') ++i;
    if (i == rest.size()) break;
    out += rest[i];
  }
  return std::nullopt;
}

}  // namespace

bool is_session_id(std::string_view text) {
  return !text.empty() && text.size() <= session_id_bytes_max &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

std::optional<std::string> session_id(std::string_view keys) {
  while (!keys.empty()) {
    keys.remove_prefix(std::min(keys.find_first_not_of(' '), keys.size()));
    const auto key = keys.substr(0, keys.find_first_of("=,"));
    keys.remove_prefix(key.size());
    std::optional<std::string> text;
    if (keys.starts_with('=')) {
      keys.remove_prefix(1);
      if (keys.starts_with('"')) {
        text = take_string(keys);
        if (!text) return std::nullopt;
      } else {
        keys.remove_prefix(std::min(keys.find(','), keys.size()));
      }
    }
    if (trim(key) == "sid") {
      if (!text || !is_session_id(*text)) return std::nullopt;
      return text;
    }
    const auto comma = keys.find_first_not_of(' ');
    if (comma == std::string_view::npos) return std::nullopt;
    if (keys[comma] != ',') return std::nullopt;
    keys.remove_prefix(comma + 1);
  }
  return std::nullopt;
}

std::optional<std::string> session_id_in_query(std::string_view query) {
  const auto given = http::parse_query(query);
  if (!given) return std::nullopt;
  for (const auto& [name, value] : *given)
    if (name == "CMCD") return session_id(value);
  return std::nullopt;
}

}  // namespace lobo::cmcd
