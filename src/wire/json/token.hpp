#pragma once
// Tokens of JSON text, judged by the grammar of RFC 8259.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lobo::json {

enum class Shape : std::uint8_t { object, array, text, number, boolean, null, broken };

/// What the token at the start of a value promises; numbers and words are judged whole, strings,
/// arrays and objects by their first character.
Shape shape_of(std::string_view token);

/// "an object", "a string" …: for the sentence of a fault.
std::string_view phrase(Shape shape);

/// Whether a number has neither fraction nor exponent.
bool is_integer(std::string_view number);

/// The text of the value that starts at `text`. Precondition: it is well-formed.
std::string_view span_of_value(const char* text);

/// How many characters (code points) `utf8` has.
std::size_t characters(std::string_view utf8);

}  // namespace lobo::json
