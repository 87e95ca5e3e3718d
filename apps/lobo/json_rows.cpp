#include "json_rows.hpp"

#include <charconv>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/text.hpp"
#include "output.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

Cell cell_of(const json::Value* value) {
  if (!value || std::holds_alternative<json::Value::Null>(value->held)) return std::string();
  if (const auto* text = value->text()) return *text;
  if (const auto truth = value->boolean()) return *truth;
  if (const auto whole = value->integer()) return *whole;
  if (const auto* number = std::get_if<json::Value::Number>(&value->held)) {
    double read = 0;
    std::from_chars(number->digits.data(), number->digits.data() + number->digits.size(), read);
    return read;
  }
  return json::to_text(*value);
}

}  // namespace

const json::Value* find_path(const json::Value& value, std::string_view path) {
  const json::Value* at = &value;
  for (const auto step : split(path, '.')) {
    at = at->find(step);
    if (!at) return nullptr;
  }
  return at;
}

Rows rows_of(const json::Value* value, const std::vector<Column>& columns) {
  Rows rows;
  for (const auto& column : columns) rows.columns.emplace_back(column.heading);
  const auto add = [&](const json::Value& one) {
    std::vector<Cell> row;
    for (const auto& column : columns) row.push_back(cell_of(find_path(one, column.member)));
    rows.rows.push_back(std::move(row));
  };
  if (!value) return rows;
  if (const auto* array = value->array())
    for (const auto& item : *array) add(item);
  else if (value->object())
    add(*value);
  return rows;
}

}  // namespace lobo::app
