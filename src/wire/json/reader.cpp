// The reading half of the codec, and the only file that includes simdjson. On-Demand gives the
// structure; every scalar is judged here from its token, because On-Demand looks at nothing that it
// is not asked for: unknown members are walked too, for syntax, duplicates and depth.
//
// The text is copied between "[" and "]" into a padded buffer. A document is then always one array
// of one item, so that scalars need no other path, and trailing bytes show as a second item or as
// structure behind the array.

#include <algorithm>
#include <bitset>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "model/date_time.hpp"
#include "wire/json/formats.hpp"
#include "wire/json/json.hpp"
#include "wire/json/pointer.hpp"
#include "wire/json/token.hpp"
#include "wire/json/type.hpp"
#include "wire/json/value.hpp"

#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

namespace lobo::json {
namespace {

namespace od = simdjson::ondemand;

std::string_view token_of(od::value& value) {
  std::string_view token = value.raw_json_token();
  while (!token.empty() && (token.back() == ' ' || token.back() == '\t' || token.back() == '\n' ||
                            token.back() == '\r'))
    token.remove_suffix(1);
  return token;
}

template <class N>
std::string bounds_text(N min, N max, N lowest, N highest, std::string_view unit = "") {
  std::string text = "must ";
  text += unit.empty() ? "be " : "have ";
  if (min > lowest) text += "at least " + std::to_string(min);
  if (min > lowest && max < highest) text += " and ";
  if (max < highest) text += "at most " + std::to_string(max);
  if (!unit.empty()) text += ' ', text += unit;
  return text;
}

class Reading {
 public:
  void value(od::value v, const Type& declared, const Rules& rules, void* to, const Path& path,
             std::size_t depth);
  void dom(od::value v, Value& to, const Path& path, std::size_t depth);

  bool broken() const { return broken_; }
  void break_off() { broken_ = true; }
  std::vector<Fault>& faults() { return faults_; }

 private:
  void object(od::value v, const ObjectType& type, void* to, const Path& path, std::size_t depth);
  void members_of(const ObjectType& type, const std::bitset<fields_max>& seen, std::size_t count,
                  const Path& path);
  void array(od::value v, const Type& type, const Rules& rules, void* to, const Path& path,
             std::size_t depth);
  void map(od::value v, const Type& type, const Rules& rules, void* to, const Path& path,
           std::size_t depth);
  void number(std::string_view token, const Type& type, const Rules& rules, void* to,
              const Path& path);
  void text(od::value v, const Type& type, const Rules& rules, void* to, const Path& path);
  void walk(od::value v, const Path& path, std::size_t depth);
  bool take_text(od::value v, std::string_view& out);
  bool enter(std::size_t depth, const Path& path);
  void duplicates(std::vector<std::string_view>& names, const Path& path);
  void item_count(std::size_t count, const Rules& rules, std::string_view unit, const Path& path);

  void fault(Errc code, const Path& path, std::string reason) {
    if (faults_.size() < faults_max) faults_.push_back({code, path.text(), std::move(reason)});
  }

  std::vector<Fault> faults_;
  bool broken_ = false;
};

bool Reading::enter(std::size_t depth, const Path& path) {
  if (depth < depth_max) return true;
  faults_.clear();
  fault(Errc::malformed, path, "is nested deeper than " + std::to_string(depth_max) + " levels");
  broken_ = true;
  return false;
}

bool Reading::take_text(od::value v, std::string_view& out) {
  if (v.get_string().get(out) == simdjson::SUCCESS) return true;
  broken_ = true;
  return false;
}

void Reading::duplicates(std::vector<std::string_view>& names, const Path& path) {
  if (names.size() < 2) return;
  std::ranges::sort(names);
  for (auto at = names.begin(); (at = std::adjacent_find(at, names.end())) != names.end();) {
    const std::string_view name = *at;
    fault(Errc::duplicate, Path{&path, name}, "stands more than once in its object");
    at = std::find_if(at, names.end(), [&](auto other) { return other != name; });
  }
}

/// Judges a value that nobody asked for: syntax, duplicates, depth.
void Reading::walk(od::value v, const Path& path, std::size_t depth) {
  switch (shape_of(token_of(v))) {
    case Shape::object: {
      od::object members;
      if (!enter(depth, path)) return;
      if (v.get_object().get(members) != simdjson::SUCCESS) return break_off();
      std::vector<std::string_view> names;
      for (auto next : members) {
        od::field field;
        std::string_view name;
        if (std::move(next).get(field) != simdjson::SUCCESS) return break_off();
        if (field.unescaped_key().get(name) != simdjson::SUCCESS) return break_off();
        names.push_back(name);
        walk(field.value(), Path{&path, name}, depth + 1);
        if (broken_) return;
      }
      return duplicates(names, path);
    }
    case Shape::array: {
      od::array items;
      if (!enter(depth, path)) return;
      if (v.get_array().get(items) != simdjson::SUCCESS) return break_off();
      std::size_t index = 0;
      for (auto next : items) {
        od::value item;
        if (std::move(next).get(item) != simdjson::SUCCESS) return break_off();
        walk(item, Path{&path, {}, index++}, depth + 1);
        if (broken_) return;
      }
      return;
    }
    case Shape::text: {
      std::string_view ignored;
      take_text(v, ignored);
      return;
    }
    case Shape::number:
    case Shape::boolean:
    case Shape::null: return;  // the iteration that gave it steps over it
    case Shape::broken: return break_off();
  }
}

void Reading::dom(od::value v, Value& to, const Path& path, std::size_t depth) {
  const std::string_view token = token_of(v);
  switch (shape_of(token)) {
    case Shape::object: {
      od::object members;
      if (!enter(depth, path)) return;
      if (v.get_object().get(members) != simdjson::SUCCESS) return break_off();
      auto& made = to.held.emplace<Value::Object>();
      std::vector<std::string_view> names;
      for (auto next : members) {
        od::field field;
        std::string_view name;
        if (std::move(next).get(field) != simdjson::SUCCESS) return break_off();
        if (field.unescaped_key().get(name) != simdjson::SUCCESS) return break_off();
        names.push_back(name);
        made.push_back({std::string(name), {}});
        dom(field.value(), made.back().value, Path{&path, name}, depth + 1);
        if (broken_) return;
      }
      return duplicates(names, path);
    }
    case Shape::array: {
      od::array items;
      if (!enter(depth, path)) return;
      if (v.get_array().get(items) != simdjson::SUCCESS) return break_off();
      auto& made = to.held.emplace<Value::Array>();
      for (auto next : items) {
        od::value item;
        if (std::move(next).get(item) != simdjson::SUCCESS) return break_off();
        made.emplace_back();
        dom(item, made.back(), Path{&path, {}, made.size() - 1}, depth + 1);
        if (broken_) return;
      }
      return;
    }
    case Shape::text: {
      std::string_view held;
      if (take_text(v, held)) to.held = std::string(held);
      return;
    }
    case Shape::number: to.held = Value::Number{std::string(token)}; return;
    case Shape::boolean: to.held = token.front() == 't'; return;
    case Shape::null: to.held = Value::Null{}; return;
    case Shape::broken: return break_off();
  }
}

void Reading::item_count(std::size_t count, const Rules& rules, std::string_view unit,
                         const Path& path) {
  if (count >= rules.items_min && count <= rules.items_max) return;
  fault(Errc::out_of_range, path,
        bounds_text(rules.items_min, rules.items_max, std::size_t{0}, no_rules.items_max, unit));
}

void Reading::array(od::value v, const Type& type, const Rules& rules, void* to, const Path& path,
                    std::size_t depth) {
  od::array items;
  if (!enter(depth, path)) return;
  if (v.get_array().get(items) != simdjson::SUCCESS) return break_off();
  const Rules& item_rules = rules.items != nullptr ? *rules.items : no_rules;
  std::size_t count = 0;
  for (auto next : items) {
    od::value item;
    if (std::move(next).get(item) != simdjson::SUCCESS) return break_off();
    value(item, *type.inner, item_rules, type.array->append(to), Path{&path, {}, count++},
          depth + 1);
    if (broken_) return;
  }
  item_count(count, rules, "items", path);
  if (!rules.items_unique || count < 2) return;
  std::vector<std::pair<std::string, std::size_t>> written(count);
  for (std::size_t i = 0; i < count; ++i) {
    write_onto(written[i].first, *type.inner, type.array->at(to, i));
    written[i].second = i;
  }
  std::ranges::sort(written);
  for (std::size_t i = 1; i < count; ++i)
    if (written[i].first == written[i - 1].first)
      fault(Errc::duplicate, Path{&path, {}, written[i].second}, "stands in this array already");
}

void Reading::map(od::value v, const Type& type, const Rules& rules, void* to, const Path& path,
                  std::size_t depth) {
  od::object members;
  if (!enter(depth, path)) return;
  if (v.get_object().get(members) != simdjson::SUCCESS) return break_off();
  const Rules& item_rules = rules.items != nullptr ? *rules.items : no_rules;
  std::vector<std::string_view> names;
  for (auto next : members) {
    od::field field;
    std::string_view name;
    if (std::move(next).get(field) != simdjson::SUCCESS) return break_off();
    if (field.unescaped_key().get(name) != simdjson::SUCCESS) return break_off();
    names.push_back(name);
    value(field.value(), *type.inner, item_rules, type.map->insert(to, name), Path{&path, name},
          depth + 1);
    if (broken_) return;
  }
  item_count(names.size(), rules, "members", path);
  duplicates(names, path);
}

std::string describe(const Presence& part, const ObjectType& type) {
  const auto join = [&](std::string_view word) {
    std::string text;
    for (const auto& p : part.parts) {
      if (!text.empty()) text += word;
      text += describe(p, type);
    }
    return text;
  };
  switch (part.op) {
    case Presence::Op::has: return std::string(type.fields[part.field].name);
    case Presence::Op::all_of: return part.parts.size() == 1 ? join("") : "(" + join(" and ") + ")";
    case Presence::Op::any_of: return "at least one of " + join(", ");
    case Presence::Op::one_of: return "exactly one of " + join(", ");
    case Presence::Op::none_of: return "no " + join(" nor ");
  }
  std::abort();
}

/// A condition as a sentence: "must not have a and b together", "must have exactly one of a, b".
std::string condition(const Presence& part, const ObjectType& type) {
  if (part.op != Presence::Op::none_of) return "must have " + describe(part, type);
  std::string text;
  for (const auto& p : part.parts) {
    text += text.empty() ? "must not have " : ", nor ";
    std::string members = describe(p, type);
    const bool together = members.starts_with('(');
    text += together ? members.substr(1, members.size() - 2) + " together" : members;
  }
  return text;
}

bool holds(const Presence& part, const std::bitset<fields_max>& seen) {
  const auto count = std::ranges::count_if(part.parts, [&](auto& p) { return holds(p, seen); });
  switch (part.op) {
    case Presence::Op::has: return seen[part.field];
    case Presence::Op::all_of: return static_cast<std::size_t>(count) == part.parts.size();
    case Presence::Op::any_of: return count > 0;
    case Presence::Op::one_of: return count == 1;
    case Presence::Op::none_of: return count == 0;
  }
  std::abort();
}

void Reading::members_of(const ObjectType& type, const std::bitset<fields_max>& seen,
                         std::size_t count, const Path& path) {
  for (std::size_t i = 0; i < type.fields.size(); ++i)
    if (type.fields[i].required && !seen[i])
      fault(Errc::missing, Path{&path, type.fields[i].name}, "is required");
  for (const Presence& part : type.presence)
    if (!holds(part, seen)) fault(Errc::not_allowed, path, condition(part, type));
  if (count < type.members_min || count > type.members_max)
    fault(Errc::out_of_range, path,
          bounds_text(type.members_min, type.members_max, std::size_t{0}, no_rules.items_max,
                      "members"));
}

/// The field of that name, sought from `from` on, because documents mostly follow the schema's
/// order.
std::size_t find_field(std::span<const Field> fields, std::string_view name, std::size_t from) {
  for (std::size_t i = from; i < fields.size(); ++i)
    if (fields[i].name == name) return i;
  for (std::size_t i = 0; i < from; ++i)
    if (fields[i].name == name) return i;
  return fields.size();
}

void Reading::object(od::value v, const ObjectType& type, void* to, const Path& path,
                     std::size_t depth) {
  od::object members;
  if (!enter(depth, path)) return;
  if (v.get_object().get(members) != simdjson::SUCCESS) return break_off();
  std::bitset<fields_max> seen;
  std::vector<std::string_view> unknown;
  std::size_t from = 0;
  std::size_t count = 0;
  for (auto next : members) {
    od::field member;
    std::string_view name;
    if (std::move(next).get(member) != simdjson::SUCCESS) return break_off();
    if (member.unescaped_key().get(name) != simdjson::SUCCESS) return break_off();
    ++count;
    const Path here{&path, name};
    const std::size_t at = find_field(type.fields, name, from);
    if (at == type.fields.size()) {
      unknown.push_back(name);
      if (type.closed) fault(Errc::not_allowed, here, "is not a member of this object");
      walk(member.value(), here, depth + 1);
    } else if (seen[at]) {
      fault(Errc::duplicate, here, "stands more than once in its object");
      walk(member.value(), here, depth + 1);
    } else {
      seen.set(at);
      from = at + 1;
      const Field& field = type.fields[at];
      value(member.value(), *field.type, *field.rules, static_cast<char*>(to) + field.offset, here,
            depth + 1);
    }
    if (broken_) return;
  }
  duplicates(unknown, path);
  members_of(type, seen, count, path);
}

void Reading::number(std::string_view token, const Type& type, const Rules& rules, void* to,
                     const Path& path) {
  const char* const end = token.data() + token.size();
  if (type.kind == Kind::number) {
    double& out = *static_cast<double*>(to);
    const auto done = std::from_chars(token.data(), end, out);
    if (done.ec != std::errc{}) return fault(Errc::out_of_range, path, "is beyond a double");
    const bool low = rules.number_min_excluded ? out <= rules.number_min : out < rules.number_min;
    const bool high = rules.number_max_excluded ? out >= rules.number_max : out > rules.number_max;
    if (low || high)
      fault(Errc::out_of_range, path,
            bounds_text(rules.number_min, rules.number_max, no_rules.number_min,
                        no_rules.number_max));
    return;
  }
  if (!is_integer(token)) return fault(Errc::wrong_type, path, "must be a whole number");
  if (type.kind == Kind::unsigned_integer) {
    auto& out = *static_cast<std::uint64_t*>(to);
    const auto done = std::from_chars(token.data(), end, out);
    if (done.ec == std::errc{} && done.ptr == end && out >= rules.unsigned_min &&
        out <= rules.unsigned_max)
      return;
    return fault(Errc::out_of_range, path,
                 "must be from " + std::to_string(rules.unsigned_min) + " to " +
                     std::to_string(rules.unsigned_max));
  }
  auto& out = *static_cast<std::int64_t*>(to);
  const auto done = std::from_chars(token.data(), end, out);
  if (done.ec != std::errc{} && rules.integer_min == no_rules.integer_min &&
      rules.integer_max == no_rules.integer_max)
    return fault(Errc::out_of_range, path, "does not fit into 64 bits");
  if (done.ec != std::errc{} || out < rules.integer_min || out > rules.integer_max)
    fault(Errc::out_of_range, path,
          bounds_text(rules.integer_min, rules.integer_max, no_rules.integer_min,
                      no_rules.integer_max));
}

void Reading::text(od::value v, const Type& type, const Rules& rules, void* to, const Path& path) {
  std::string_view held;
  if (!take_text(v, held)) return;
  // A character has one to four octets: counting is for what that leaves open.
  if (held.size() < 4 * rules.length_min || held.size() > rules.length_max) {
    const std::size_t length = characters(held);
    if (length < rules.length_min || length > rules.length_max)
      fault(Errc::out_of_range, path,
            bounds_text(rules.length_min, rules.length_max, std::size_t{0}, no_rules.length_max,
                        "characters"));
  }
  for (const Matcher& matcher : rules.matchers) {
    if (matcher.matches(held)) continue;
    fault(Errc::pattern, path, "must be " + std::string(matcher.name));
    break;
  }
  if (type.kind == Kind::text) {
    static_cast<std::string*>(to)->assign(held);
  } else if (type.kind == Kind::open_enumeration) {
    type.set_open_text(to, held);
  } else if (type.kind == Kind::date_time) {
    const auto at = model::parse_date_time(held);
    if (!at) return fault(Errc::pattern, path, "must be a date-time such as 2026-11-22T00:26:09Z");
    *static_cast<Instant*>(to) = *at;
  } else if (type.kind == Kind::bytes) {
    auto octets = base64_decode(held);
    if (!octets) return fault(Errc::pattern, path, "must be base64 with padding");
    static_cast<Bytes*>(to)->octets = std::move(*octets);
  } else {
    const auto& names = type.enumeration->names;
    const auto at = std::ranges::find(names, held);
    if (at != names.end())
      return type.enumeration->set(to, static_cast<std::size_t>(at - names.begin()));
    std::string known;
    for (const auto name : names) known += (known.empty() ? "" : ", "), known += name;
    fault(Errc::not_allowed, path, "must be one of " + known);
  }
}

void Reading::value(od::value v, const Type& declared, const Rules& rules, void* to,
                    const Path& path, std::size_t depth) {
  const std::string_view token = token_of(v);
  const Shape shape = shape_of(token);
  if (shape == Shape::broken) return break_off();
  const Type* within = &declared;
  for (; within->holder != nullptr; within = within->inner) {
    if (within->kind == Kind::patch && shape == Shape::null) return within->holder->set_null(to);
    to = within->holder->emplace(to);
  }
  const Type& type = *within;
  const auto refuse = [&](std::string_view wanted) {
    fault(Errc::wrong_type, path,
          "must be " + std::string(wanted) + ", not " + std::string(phrase(shape)));
    walk(v, path, depth);
  };
  switch (type.kind) {
    case Kind::boolean:
      if (shape != Shape::boolean) return refuse("a boolean");
      *static_cast<bool*>(to) = token.front() == 't';
      return;
    case Kind::integer:
    case Kind::unsigned_integer:
    case Kind::number:
      if (shape != Shape::number) return refuse("a number");
      return number(token, type, rules, to, path);
    case Kind::text:
    case Kind::date_time:
    case Kind::bytes:
    case Kind::enumeration:
    case Kind::open_enumeration:
      if (shape != Shape::text) return refuse("a string");
      return text(v, type, rules, to, path);
    case Kind::raw:
      walk(v, path, depth);
      if (!broken_)
        static_cast<Raw*>(to)->text =
            shape == Shape::object || shape == Shape::array || shape == Shape::text
                ? span_of_value(token.data())
                : token;
      return;
    case Kind::array:
      if (shape != Shape::array) return refuse("an array");
      return array(v, type, rules, to, path, depth);
    case Kind::map:
      if (shape != Shape::object) return refuse("an object");
      return map(v, type, rules, to, path, depth);
    case Kind::object:
      if (shape != Shape::object) return refuse("an object");
      return object(v, type.object(), to, path, depth);
    case Kind::patch:
    case Kind::optional:
    case Kind::box: return;  // entered above
  }
}

/// Reused from call to call; given back where a large document has made it large.
struct Workspace {
  static constexpr std::size_t kept_bytes_max = std::size_t{1} << 20U;
  std::vector<char> text;
  od::parser parser;
};

template <class Visit>
Result<void> read_document(std::string_view text, const Visit& visit) {
  if (text.size() > text_bytes_max)
    return fail(Errc::too_large,
                "The JSON text has more than " + std::to_string(text_bytes_max) + " octets.");
  static thread_local Workspace kept;
  std::optional<Workspace> large;
  Workspace& workspace = text.size() <= Workspace::kept_bytes_max ? kept : large.emplace();

  const std::size_t size = text.size() + 2;
  if (workspace.text.size() < size + simdjson::SIMDJSON_PADDING)
    workspace.text.resize(size + simdjson::SIMDJSON_PADDING);
  workspace.text[0] = '[';
  if (!text.empty()) std::memcpy(workspace.text.data() + 1, text.data(), text.size());
  workspace.text[size - 1] = ']';
  std::memset(workspace.text.data() + size, ' ', simdjson::SIMDJSON_PADDING);

  Reading reading;
  const auto malformed = [&] {
    if (reading.faults().empty() || reading.faults().front().code != Errc::malformed)
      reading.faults() = {{Errc::malformed, "", "is not well-formed JSON in UTF-8 (RFC 8259)"}};
    return fail(Errc::malformed, "The body is not acceptable JSON.", std::move(reading.faults()));
  };
  od::document document;
  od::array root;
  if (workspace.parser.iterate(workspace.text.data(), size, workspace.text.size()).get(document) !=
      simdjson::SUCCESS)
    return malformed();
  if (document.get_array().get(root) != simdjson::SUCCESS) return malformed();
  std::size_t values = 0;
  for (auto next : root) {
    od::value value;
    if (std::move(next).get(value) != simdjson::SUCCESS || ++values > 1) return malformed();
    visit(reading, value);
    if (reading.broken()) return malformed();
  }
  const char* rest = nullptr;
  if (values != 1 || document.current_location().get(rest) != simdjson::OUT_OF_BOUNDS)
    return malformed();
  if (reading.faults().empty()) return {};
  const auto count = reading.faults().size();
  const Errc first = reading.faults().front().code;
  return fail(first,
              count == 1 ? "One member of the body is not as it must be."
                         : std::to_string(count) + " members of the body are not as they must be.",
              std::move(reading.faults()));
}

}  // namespace

Result<void> read_into(std::string_view text, const Type& type, const Rules& rules, void* to) {
  return read_document(text, [&](Reading& reading, od::value value) {
    reading.value(value, type, rules, to, Path{}, 0);
  });
}

Result<Value> parse(std::string_view text) {
  Value value;
  auto done = read_document(
      text, [&](Reading& reading, od::value root) { reading.dom(root, value, Path{}, 0); });
  if (!done) return fail(std::move(done.error()));
  return value;
}

}  // namespace lobo::json
