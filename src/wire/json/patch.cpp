// JSON Patch (RFC 6902): operations one after the other, all of them or none.

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"
#include "wire/json/json.hpp"
#include "wire/json/pointer.hpp"
#include "wire/json/value.hpp"

namespace lobo::json {
namespace {

using Tokens = std::vector<std::string>;

/// RFC 6901 clause 4. Nothing for what is no pointer.
std::optional<Tokens> tokens_of(std::string_view pointer) {
  Tokens out;
  if (pointer.empty()) return out;
  if (!pointer.starts_with('/')) return std::nullopt;
  for (const auto raw : split(pointer.substr(1), '/')) {
    std::string token;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] != '~') {
        token += raw[i];
        continue;
      }
      ++i;
      if (i == raw.size() || (raw[i] != '0' && raw[i] != '1')) return std::nullopt;
      token += raw[i] == '0' ? '~' : '/';
    }
    out.push_back(std::move(token));
  }
  return out;
}

/// An index without a leading zero.
std::optional<std::size_t> index_of(std::string_view token) {
  if (token.size() > 1 && token.starts_with('0')) return std::nullopt;
  const auto index = parse_decimal(token);
  if (!index) return std::nullopt;
  return static_cast<std::size_t>(*index);
}

Value* child(Value& of, std::string_view token) {
  if (auto* members = std::get_if<Value::Object>(&of.held)) {
    const auto at = std::ranges::find(*members, token, &Member::name);
    return at == members->end() ? nullptr : &at->value;
  }
  auto* items = std::get_if<Value::Array>(&of.held);
  const auto index = items == nullptr ? std::nullopt : index_of(token);
  return index && *index < items->size() ? &(*items)[*index] : nullptr;
}

/// What the first `count` tokens lead to; null where they lead nowhere.
Value* find(Value& root, const Tokens& tokens, std::size_t count) {
  Value* at = &root;
  for (std::size_t i = 0; i < count && at != nullptr; ++i) at = child(*at, tokens[i]);
  return at;
}

std::size_t depth_of(const Value& value) {
  std::size_t deepest = 0;
  if (const auto* items = value.array())
    for (const auto& item : *items) deepest = std::max(deepest, depth_of(item));
  if (const auto* members = value.object())
    for (const auto& member : *members) deepest = std::max(deepest, depth_of(member.value));
  return value.array() != nullptr || value.object() != nullptr ? deepest + 1 : 0;
}

bool same_number(const std::string& a, const std::string& b) {
  if (a == b) return true;
  double x = 0;
  double y = 0;
  const auto one = std::from_chars(a.data(), a.data() + a.size(), x);
  const auto other = std::from_chars(b.data(), b.data() + b.size(), y);
  // Integers that no double holds are only the same where their digits are.
  constexpr double exact = 9007199254740992;
  return one.ec == std::errc{} && other.ec == std::errc{} && x == y && x < exact && x > -exact;
}

/// RFC 6902 clause 4.6: members in any order, numbers by value.
bool same(const Value& a, const Value& b) {
  if (a.held.index() != b.held.index()) return false;
  if (const auto* number = std::get_if<Value::Number>(&a.held))
    return same_number(number->digits, std::get<Value::Number>(b.held).digits);
  if (const auto* items = a.array()) return std::ranges::equal(*items, *b.array(), same);
  if (const auto* members = a.object())
    return members->size() == b.object()->size() &&
           std::ranges::all_of(*members, [&](const Member& member) {
             const auto* other = b.find(member.name);
             return other != nullptr && same(member.value, *other);
           });
  return a.held == b.held;
}

class Patching {
 public:
  explicit Patching(Value& document) : document_(document) {}

  /// Nothing where it was done; else what stands in the way of it, by its place in the operation.
  std::optional<Fault> apply(const Value& operation) {
    const auto word = [&](std::string_view name) {
      const auto* member = operation.find(name);
      return member == nullptr ? nullptr : member->text();
    };
    const auto* op = word("op");
    if (op == nullptr) return Fault{Errc::missing, "/op", "an operation has one, a string"};
    const auto path = pointer(word("path"), "/path");
    if (!path) return fault_;
    if (*op == "remove") return taken(*path, "/path") ? std::nullopt : fault_;
    if (*op == "move" || *op == "copy") {
      const auto from = pointer(word("from"), "/from");
      if (!from) return fault_;
      const bool below =
          from->size() < path->size() && std::equal(from->begin(), from->end(), path->begin());
      if (*op == "move" && below)
        return Fault{Errc::not_allowed, "/path", "is below what moves there"};
      std::optional<Value> value;
      if (*op == "move") {
        value = taken(*from, "/from");
      } else if (const auto* found = find(document_, *from, from->size())) {
        value = *found;
      } else {
        nowhere("/from");
      }
      if (!value || !add(*path, std::move(*value))) return fault_;
      return std::nullopt;
    }
    if (*op != "add" && *op != "replace" && *op != "test")
      return Fault{Errc::not_allowed, "/op", "is none of add, remove, replace, move, copy, test"};
    const auto* value = operation.find("value");
    if (value == nullptr) return Fault{Errc::missing, "/value", "this operation has one"};
    if (*op == "add") return add(*path, *value) ? std::nullopt : fault_;
    auto* at = find(document_, *path, path->size());
    if (at == nullptr) return nowhere("/path");
    if (*op == "test") {
      if (same(*at, *value)) return std::nullopt;
      return Fault{Errc::conflict, "/value", "is not what is there"};
    }
    if (too_deep(*path, *value)) return fault_;
    *at = *value;
    return std::nullopt;
  }

 private:
  std::optional<Fault> nowhere(std::string_view where) {
    fault_ = Fault{Errc::not_allowed, std::string(where), "leads to nothing"};
    return fault_;
  }
  std::optional<Tokens> pointer(const std::string* text, std::string_view where) {
    auto tokens = text == nullptr ? std::nullopt : tokens_of(*text);
    if (tokens) return tokens;
    fault_ = Fault{text == nullptr ? Errc::missing : Errc::pattern, std::string(where),
                   "a JSON pointer is wanted"};
    return std::nullopt;
  }
  /// So no operation makes a document that is deeper than one that is read.
  bool too_deep(const Tokens& path, const Value& value) {
    if (path.size() + depth_of(value) <= depth_max) return false;
    fault_ = Fault{Errc::too_large, "/path", "is deeper than documents are here"};
    return true;
  }

  bool add(const Tokens& path, Value value) {
    if (too_deep(path, value)) return false;
    if (path.empty()) {
      document_ = std::move(value);
      return true;
    }
    auto* parent = find(document_, path, path.size() - 1);
    const auto& name = path.back();
    if (parent != nullptr) {
      if (auto* members = std::get_if<Value::Object>(&parent->held)) {
        if (auto* there = child(*parent, name))
          *there = std::move(value);
        else
          members->push_back({name, std::move(value)});
        return true;
      }
      if (auto* items = std::get_if<Value::Array>(&parent->held)) {
        const auto index = name == "-" ? std::optional(items->size()) : index_of(name);
        if (index && *index <= items->size()) {
          items->insert(items->begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
          return true;
        }
      }
    }
    nowhere("/path");
    return false;
  }

  std::optional<Value> taken(const Tokens& path, std::string_view where) {
    auto* at = find(document_, path, path.size());
    if (at == nullptr || path.empty()) {
      nowhere(where);
      return std::nullopt;
    }
    auto value = std::move(*at);
    auto& parent = *find(document_, path, path.size() - 1);
    if (auto* members = std::get_if<Value::Object>(&parent.held))
      members->erase(std::ranges::find(*members, path.back(), &Member::name));
    else if (auto* items = std::get_if<Value::Array>(&parent.held))
      items->erase(items->begin() + static_cast<std::ptrdiff_t>(*index_of(path.back())));
    return value;
  }

  Value& document_;
  std::optional<Fault> fault_;
};

}  // namespace

Result<std::string> json_patch(std::string_view target, std::string_view patch,
                               std::size_t bytes_max) {
  auto document = parse(target);
  if (!document) return fail(std::move(document.error()));
  const auto operations = parse(patch);
  if (!operations) return fail(operations.error());
  const auto* list = operations->array();
  if (list == nullptr || list->size() > patch_operations_max)
    return fail(Errc::wrong_type, "a JSON patch is an array",
                {{list == nullptr ? Errc::wrong_type : Errc::out_of_range, "",
                  "at most " + std::to_string(patch_operations_max) + " operations"}});
  Patching patching(*document);
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto fault = patching.apply((*list)[i]);
    // What is copied again and again grows twofold each time.
    if (!fault && (*list)[i].find("from") != nullptr && to_text(*document).size() > bytes_max)
      fault = Fault{Errc::too_large, "/path", "makes the document larger than it may be"};
    if (!fault) continue;
    fault->where = pointer_append("", i) + fault->where;
    const auto code = fault->code;
    return fail(code, "the patch does not apply", {std::move(*fault)});
  }
  return to_text(*document);
}

}  // namespace lobo::json
