#include "wire/json/value.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include "base/result.hpp"
#include "wire/json/json.hpp"
#include "wire/json/writer.hpp"

namespace lobo::json {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

/// RFC 7396 clause 2, MergePatch(Target, Patch). Depth is bounded by parse().
void merge(Value& target, Value&& patch) {
  auto* changes = std::get_if<Value::Object>(&patch.held);
  if (changes == nullptr) {
    target = std::move(patch);
    return;
  }
  if (target.object() == nullptr) target.held = Value::Object{};
  auto& members = std::get<Value::Object>(target.held);
  for (auto& change : *changes) {
    const auto at = std::ranges::find(members, change.name, &Member::name);
    if (std::holds_alternative<Value::Null>(change.value.held)) {
      if (at != members.end()) members.erase(at);
    } else if (at != members.end()) {
      merge(at->value, std::move(change.value));
    } else {
      members.push_back({std::move(change.name), {}});
      merge(members.back().value, std::move(change.value));
    }
  }
}

}  // namespace

const Value* Value::find(std::string_view name) const {
  const auto* members = object();
  if (members == nullptr) return nullptr;
  const auto at = std::ranges::find(*members, name, &Member::name);
  return at == members->end() ? nullptr : &at->value;
}

std::optional<std::int64_t> Value::integer() const {
  const auto* number = std::get_if<Number>(&held);
  if (number == nullptr) return std::nullopt;
  const auto& digits = number->digits;
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (fault != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<bool> Value::boolean() const {
  const auto* value = std::get_if<bool>(&held);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

void write_onto(std::string& out, const Value& value) {
  std::visit(Overloaded{
                 [&](const Value::Null&) { out += "null"; },
                 [&](bool held) { out += held ? "true" : "false"; },
                 [&](const Value::Number& number) { out += number.digits; },
                 [&](const std::string& text) { write_text(out, text); },
                 [&](const Value::Array& items) {
                   out += '[';
                   for (std::size_t i = 0; i < items.size(); ++i) {
                     if (i > 0) out += ',';
                     write_onto(out, items[i]);
                   }
                   out += ']';
                 },
                 [&](const Value::Object& members) {
                   out += '{';
                   for (std::size_t i = 0; i < members.size(); ++i) {
                     if (i > 0) out += ',';
                     write_text(out, members[i].name);
                     out += ':';
                     write_onto(out, members[i].value);
                   }
                   out += '}';
                 },
             },
             value.held);
}

std::string to_text(const Value& value) {
  std::string out;
  write_onto(out, value);
  return out;
}

Result<std::string> merge_patch(std::string_view target, std::string_view patch) {
  auto merged = parse(target);
  if (!merged) return fail(std::move(merged.error()));
  auto changes = parse(patch);
  if (!changes) return fail(std::move(changes.error()));
  merge(*merged, std::move(*changes));
  return to_text(*merged);
}

}  // namespace lobo::json
