#pragma once
// Bodies that somebody spoiled: a good one in which one member is something else, and every subset
// of what may be left out.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/require.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::contract {

using Members = std::vector<std::pair<std::string, std::string>>;  ///< name, value as JSON text

inline std::string object_of(const Members& members) {
  std::string out = "{";
  for (const auto& [name, text] : members) {
    if (out.size() > 1) out += ',';
    out += '"' + name + "\":" + text;
  }
  return out + '}';
}

/// `always` with every subset of `optional`.
inline std::vector<std::string> subsets(const Members& always, const Members& optional) {
  std::vector<std::string> out;
  for (std::uint32_t mask = 0; mask < (1U << optional.size()); ++mask) {
    auto members = always;
    for (std::size_t i = 0; i < optional.size(); ++i)
      if ((mask >> i & 1U) != 0) members.push_back(optional[i]);
    out.push_back(object_of(members));
  }
  return out;
}

/// `always` with each one and each two of `optional`, and with all.
inline std::vector<std::string> pairs(const Members& always, const Members& optional) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < optional.size(); ++i)
    for (std::size_t j = i; j < optional.size(); ++j) {
      auto members = always;
      members.push_back(optional[i]);
      if (j != i) members.push_back(optional[j]);
      out.push_back(object_of(members));
    }
  auto everything = always;
  everything.insert(everything.end(), optional.begin(), optional.end());
  out.push_back(object_of(everything));
  return out;
}

struct Spoiled {
  std::string what;
  std::string where;  ///< JSON pointer of the member
  std::string text;
  bool always_wrong;  ///< no schema takes it; else it may be well by chance
};

inline void write_spoiled(std::string& out, const json::Value& value, const std::string& at,
                          const std::string& where, const std::string& instead, bool twice) {
  if (at == where && !twice) {
    out += instead;
    return;
  }
  if (const auto* object = value.object()) {
    out += '{';
    for (const auto& member : *object) {
      const auto child = at + '/' + member.name;
      const int times = twice && child == where ? 2 : 1;
      for (int i = 0; i < times; ++i) {
        if (out.back() != '{') out += ',';
        out += json::quoted(member.name) + ':';
        write_spoiled(out, member.value, child, where, instead, twice);
      }
    }
    out += '}';
  } else if (const auto* array = value.array()) {
    out += '[';
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (i > 0) out += ',';
      write_spoiled(out, (*array)[i], at + '/' + std::to_string(i), where, instead, twice);
    }
    out += ']';
  } else {
    json::write_onto(out, value);
  }
}

inline void places_of(const json::Value& value, const std::string& at,
                      std::vector<std::pair<std::string, bool>>& out) {
  if (const auto* object = value.object()) {
    for (const auto& member : *object) {
      out.emplace_back(at + '/' + member.name, true);
      places_of(member.value, at + '/' + member.name, out);
    }
  } else if (const auto* array = value.array()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      out.emplace_back(at + '/' + std::to_string(i), false);
      places_of((*array)[i], at + '/' + std::to_string(i), out);
    }
  }
}

/// Each member and item of `good` spoiled in each way.
inline std::vector<Spoiled> spoiled(const std::string& good) {
  constexpr std::size_t deep = 10000, huge = std::size_t{1} << 20U, digits = 400;
  const auto value = json::parse(good);
  require(value.has_value());
  std::vector<std::pair<std::string, bool>> places;
  places_of(*value, "", places);
  struct Way {
    std::string what, instead;
    bool always_wrong;
  };
  const std::vector<Way> ways{{"null", "null", true},
                              {"empty string", "\"\"", false},
                              {"blank string", "\" \"", false},
                              {"empty object", "{}", false},
                              {"empty array", "[]", false},
                              {"true", "true", false},
                              {"minus one", "-1", false},
                              {"a fraction", "0.5", false},
                              {"a string with a nul", R"("a\u0000b")", false},
                              {"half a surrogate pair", R"("\ud800")", true},
                              {"10^400", '1' + std::string(digits, '0'), false},
                              {"1 MB", '"' + std::string(huge, 'x') + '"', true},
                              {"deep", std::string(deep, '[') + std::string(deep, ']'), true},
                              {"deep objects",
                               [] {
                                 std::string text;
                                 for (std::size_t i = 0; i < deep; ++i) text += "{\"a\":";
                                 return text + '1' + std::string(deep, '}');
                               }(),
                               true},
                              {"bad UTF-8", "\"\xC3\x28\"", true},
                              {"overlong UTF-8", "\"\xC0\xAF\"", true},
                              {"nothing", "", true},
                              {"an unfinished string", "\"abc", true}};
  std::vector<Spoiled> out;
  for (const auto& [where, is_member] : places) {
    for (const auto& way : ways) {
      std::string text;
      write_spoiled(text, *value, "", where, way.instead, false);
      out.push_back({way.what, where, std::move(text), way.always_wrong});
    }
    if (!is_member) continue;
    std::string text;
    write_spoiled(text, *value, "", where, {}, true);
    out.push_back({"twice", where, std::move(text), true});
  }
  return out;
}

/// As the text inside a JSON string; octets that are no UTF-8 stay as they are.
inline std::string as_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace lobo::contract
