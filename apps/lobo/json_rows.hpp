#pragma once
// JSON answers as rows for people.

#include <string_view>
#include <vector>

#include "output.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {

/// A column: its heading, and the member that fills it ("link.delayMs" is a member of a member).
struct Column {
  std::string_view heading;
  std::string_view member;
};

/// The value reached by `path`; null where there is none.
const json::Value* find_path(const json::Value& value, std::string_view path);

/// A row for each item of an array, or one for an object; null gives none.
Rows rows_of(const json::Value* value, const std::vector<Column>& columns);

}  // namespace lobo::app
