#include "wire/http/media_type.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.hpp"

namespace lobo::http {
namespace {

/// The value of parameter `name` in ";a=b; c=\"d\"", unquoted.
std::optional<std::string_view> parameter(std::string_view parameters, std::string_view name) {
  for (auto part : split(parameters, ';')) {
    part = trim(part);
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    if (!equal_ignoring_case(trim(part.substr(0, equals)), name)) continue;
    auto value = trim(part.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    return value;
  }
  return std::nullopt;
}

std::pair<std::string_view, std::string_view> cut(std::string_view text) {
  const auto semicolon = text.find(';');
  if (semicolon == std::string_view::npos) return {trim(text), {}};
  return {trim(text.substr(0, semicolon)), text.substr(semicolon + 1)};
}

bool is_zero_weight(std::string_view q) {
  return q.starts_with('0') &&
         std::all_of(q.begin(), q.end(), [](char c) { return c == '0' || c == '.'; });
}

}  // namespace

bool is_media_type(std::string_view content_type, std::string_view wanted) {
  const auto [type, parameters] = cut(content_type);
  if (!equal_ignoring_case(type, wanted)) return false;
  const auto charset = parameter(parameters, "charset");
  return !charset || equal_ignoring_case(*charset, "utf-8");
}

bool accepts(std::string_view accept, std::string_view offered) {
  if (trim(accept).empty()) return true;
  const auto main_type = offered.substr(0, offered.find('/'));
  int best = -1;  // how exactly the best range speaks of `offered`; the most exact one decides
  bool admitted = false;
  for (const auto range : split(accept, ',')) {
    const auto [type, parameters] = cut(range);
    int exactness = -1;
    if (equal_ignoring_case(type, offered))
      exactness = 2;
    else if (type.ends_with("/*") &&
             equal_ignoring_case(type.substr(0, type.size() - 2), main_type))
      exactness = 1;
    else if (type == "*/*")
      exactness = 0;
    if (exactness <= best) continue;
    best = exactness;
    const auto q = parameter(parameters, "q");
    admitted = !q || !is_zero_weight(*q);
  }
  return admitted;
}

}  // namespace lobo::http
