#pragma once
// A JSON value without a schema: for merge patches, and for what no API document describes.

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace lobo::json {

struct Member;

class Value {
 public:
  struct Null {
    bool operator==(const Null&) const = default;
  };
  /// The digits as they came, so that nothing is lost on the way.
  struct Number {
    std::string digits;
    bool operator==(const Number&) const = default;
  };
  using Array = std::vector<Value>;
  using Object = std::vector<Member>;  ///< in document order, names unique

  std::variant<Null, bool, Number, std::string, Array, Object> held;

  /// The member of that name; null where this is no object or has none.
  const Value* find(std::string_view name) const;
  const std::string* text() const { return std::get_if<std::string>(&held); }
  const Array* array() const { return std::get_if<Array>(&held); }
  const Object* object() const { return std::get_if<Object>(&held); }
  /// The whole number that this is; nothing for anything else.
  std::optional<std::int64_t> integer() const;
  std::optional<bool> boolean() const;

  bool operator==(const Value&) const = default;
};

struct Member {
  std::string name;
  Value value;
  bool operator==(const Member&) const = default;
};

/// Strict RFC 8259: one value, valid UTF-8, no duplicate keys, at most depth_max levels.
Result<Value> parse(std::string_view text);
void write_onto(std::string& out, const Value& value);
std::string to_text(const Value& value);

}  // namespace lobo::json
