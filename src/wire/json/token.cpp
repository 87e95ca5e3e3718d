#include "wire/json/token.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace lobo::json {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The number grammar of RFC 8259 clause 6.
bool is_number(std::string_view t) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t start = i;
    while (i < t.size() && is_digit(t[i])) ++i;
    return i > start;
  };
  if (i < t.size() && t[i] == '-') ++i;
  if (i < t.size() && t[i] == '0') {
    ++i;
  } else if (!digits()) {
    return false;
  }
  if (i < t.size() && t[i] == '.') {
    ++i;
    if (!digits()) return false;
  }
  if (i < t.size() && (t[i] == 'e' || t[i] == 'E')) {
    ++i;
    if (i < t.size() && (t[i] == '+' || t[i] == '-')) ++i;
    if (!digits()) return false;
  }
  return i == t.size();
}

}  // namespace

bool is_integer(std::string_view number) {
  return number.find_first_of(".eE") == std::string_view::npos;
}

Shape shape_of(std::string_view token) {
  if (token.empty()) return Shape::broken;
  switch (token.front()) {
    case '{': return Shape::object;
    case '[': return Shape::array;
    case '"': return Shape::text;
    case 't': return token == "true" ? Shape::boolean : Shape::broken;
    case 'f': return token == "false" ? Shape::boolean : Shape::broken;
    case 'n': return token == "null" ? Shape::null : Shape::broken;
    default: return is_number(token) ? Shape::number : Shape::broken;
  }
}

std::string_view phrase(Shape shape) {
  switch (shape) {
    case Shape::object: return "an object";
    case Shape::array: return "an array";
    case Shape::text: return "a string";
    case Shape::number: return "a number";
    case Shape::boolean: return "a boolean";
    case Shape::null: return "null";
    case Shape::broken: return "no JSON value";
  }
  std::abort();
}

std::string_view span_of_value(const char* text) {
  std::size_t open = 0;
  bool in_string = false;
  const char* at = text;
  do {
    if (in_string) {
      if (*at == '\\')
        ++at;
      else if (*at == '"')
        in_string = false;
    } else if (*at == '"') {
      in_string = true;
    } else if (*at == '{' || *at == '[') {
      ++open;
    } else if (*at == '}' || *at == ']') {
      --open;
    }
    ++at;
  } while (open > 0 || in_string);
  return {text, static_cast<std::size_t>(at - text)};
}

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::ranges::count_if(
      utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace lobo::json
