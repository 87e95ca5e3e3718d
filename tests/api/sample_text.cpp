#include "sample_text.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "wire/json/json.hpp"
#include "wire/json/pointer.hpp"
#include "wire/json/type.hpp"

namespace lobo::json {
namespace {

constexpr std::size_t attempts_max = 10000;  // to find a set of members that the conditions allow
constexpr std::size_t depth_filled_max =
    4;  // below, only what is required: types may contain themselves

/// For each matcher texts that it takes, by its sentence.
const std::map<std::string, std::vector<std::string>, std::less<>>& samples() {
  static const std::map<std::string, std::vector<std::string>, std::less<>> table{
      {"an absolute URI", {"http://127.0.0.1:8080/x?y=%20#z", "urn:uuid:0", "https://example.com"}},
      {"an IPv4 address in dotted decimals", {"192.0.2.1", "0.0.0.0", "255.255.255.255"}},
      {"an IPv4 address with a prefix length", {"192.0.2.0/24", "0.0.0.0/0"}},
      {"an IPv6 address in lower case without leading zeros",
       {"2001:db8::1", "::", "1:2:3:4:5:6:7:8"}},
      {"an IPv6 prefix with its length", {"2001:db8::/32", "::/0"}},
      {"a MAC address such as 02-00-00-00-00-01", {"02-00-00-00-00-01", "aB-cD-eF-00-11-22"}},
      {"hexadecimal digits", {"", "0", "aF09"}},
      {"hexadecimal digits, at least one", {"0", "aF09"}},
      {"two hexadecimal digits", {"aF"}},
      {"four hexadecimal digits", {"aF09"}},
      {"six hexadecimal digits", {"aF0912"}},
      {"four or six hexadecimal digits", {"aF09", "aF0912"}},
      {"seven hexadecimal digits", {"aF09123"}},
      {"nine hexadecimal digits", {"aF0912345"}},
      {"eleven hexadecimal digits", {"aF091234567"}},
      {"three decimal digits", {"001"}},
      {"two or three decimal digits", {"01", "001"}},
      {"five to fifteen decimal digits", {"12345", "123456789012345"}},
      {"an error rate such as 1E-4", {"1E-4", "9E-0"}},
      {"a bit rate such as 2 Mbps", {"2 Mbps", "0.5 Kbps", "1 bps", "10 Gbps", "1.25 Tbps"}},
      {"a GPSI such as msisdn-15551230001 or extid-ue1@example.com",
       {"msisdn-15551230001", "extid-ue1@example.com"}},
      {"a SUPI such as imsi-001010000000001", {"imsi-001010000000001"}},
      {"an external group identifier such as extgroupid-fleet@example.com",
       {"extgroupid-fleet@example.com"}},
  };
  return table;
}

std::vector<std::string>& unknown_matchers() {
  static std::vector<std::string> names;
  return names;
}

std::string matching(const Rules& rules, Rng& rng) {
  std::vector<std::string> fitting;
  for (const Matcher& matcher : rules.matchers)
    if (!samples().contains(matcher.name)) unknown_matchers().emplace_back(matcher.name);
  for (const auto& [name, texts] : samples())
    for (const auto& text : texts)
      if (std::ranges::all_of(rules.matchers, [&](const auto& m) { return m.matches(text); }) &&
          text.size() >= rules.length_min && text.size() <= rules.length_max)
        fitting.push_back(text);
  return fitting.empty() ? std::string() : fitting[rng.below(fitting.size())];
}

std::string free_text(const Rules& rules, Rng& rng) {
  static const std::vector<std::string> characters{
      "a", "Z", "0", " ", "/", "\"", "\\", "\n", "\x01", "\xC3\xA9", "\xF0\x9F\x98\x80"};
  const std::size_t length = std::min(rules.length_max, rules.length_min + rng.below(4));
  std::string text;
  for (std::size_t i = 0; i < length; ++i) text += characters[rng.below(characters.size())];
  return text;
}

std::int64_t between(std::int64_t low, std::int64_t high, Rng& rng) {
  switch (rng.below(4)) {
    case 0: return low;
    case 1: return high;
    default: break;
  }
  const auto span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  const std::uint64_t step = span == UINT64_MAX ? rng.next() : rng.below(span + 1);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + step);
}

std::string a_double(const Rules& rules, Rng& rng) {
  const double low = std::max(rules.number_min, -1e6);
  const double high = std::min(rules.number_max, std::max(low, 0.0) + 1e6);
  const double part = (static_cast<double>(rng.below(1000)) + 1) / 1002.0;
  return write(low + (high - low) * part);
}

bool holds(const Presence& part, const std::vector<bool>& there) {
  std::size_t count = 0;
  for (const auto& p : part.parts) count += holds(p, there) ? 1U : 0U;
  switch (part.op) {
    case Presence::Op::has: return there[part.field];
    case Presence::Op::all_of: return count == part.parts.size();
    case Presence::Op::any_of: return count > 0;
    case Presence::Op::one_of: return count == 1;
    case Presence::Op::none_of: return count == 0;
  }
  std::abort();
}

bool allowed(const ObjectType& object, const std::vector<bool>& there) {
  const auto count = static_cast<std::size_t>(std::ranges::count(there, true));
  return count >= object.members_min && count <= object.members_max &&
         std::ranges::all_of(object.presence, [&](const auto& part) { return holds(part, there); });
}

/// Which members to write: at random, but so that the conditions of the schema hold.
std::vector<bool> some_members(const ObjectType& object, Rng& rng, bool few) {
  std::vector<bool> there(object.fields.size());
  for (std::size_t attempt = 0; attempt < attempts_max; ++attempt) {
    // The first attempts follow the wish; the later ones only seek what is allowed.
    const std::uint64_t odds = few && attempt < 1 ? 0 : rng.below(4);
    for (std::size_t i = 0; i < there.size(); ++i)
      there[i] = object.fields[i].required || rng.below(4) < odds;
    if (allowed(object, there)) break;
  }
  return there;
}

std::string object_text(const ObjectType& object, const std::vector<bool>& there, Rng& rng,
                        std::size_t depth) {
  std::string text = "{";
  for (std::size_t i = 0; i < there.size(); ++i) {
    if (!there[i]) continue;
    if (text.size() > 1) text += ',';
    text += json::quoted(object.fields[i].name) + ':';
    text += sample_text(*object.fields[i].type, *object.fields[i].rules, rng, depth + 1);
  }
  return text + "}";
}

std::string wrong_value(const Type& type) {
  const Type& inner = type.holder != nullptr ? *type.inner : type;
  return inner.kind == Kind::boolean ? "[]" : "true";
}

}  // namespace

std::string sample_text(const Type& type, const Rules& rules, Rng& rng, std::size_t depth) {
  switch (type.kind) {
    case Kind::boolean: return rng.below(2) == 0 ? "true" : "false";
    case Kind::integer: return std::to_string(between(rules.integer_min, rules.integer_max, rng));
    case Kind::unsigned_integer: return std::to_string(rules.unsigned_max);
    case Kind::number: return a_double(rules, rng);
    case Kind::text:
      return json::quoted(rules.matchers.empty() ? free_text(rules, rng) : matching(rules, rng));
    case Kind::date_time:
      return rng.below(2) == 0 ? R"("2026-11-22T00:26:09Z")" : R"("1999-12-31T23:59:59.5+01:00")";
    case Kind::bytes: return rng.below(2) == 0 ? R"("")" : R"("AAEC/w==")";
    case Kind::raw: return rng.below(2) == 0 ? R"({"free":[1,null]})" : "false";
    case Kind::enumeration:
      return json::quoted(type.enumeration->names[rng.below(type.enumeration->names.size())]);
    case Kind::open_enumeration: return json::quoted("SOMETHING_" + std::to_string(rng.below(3)));
    case Kind::array:
    case Kind::map: {
      const std::size_t extra = depth > depth_filled_max ? 0 : rng.below(3);
      const std::size_t count = std::min(rules.items_max, rules.items_min + extra);
      const bool is_map = type.kind == Kind::map;
      std::vector<std::string> items;
      for (std::size_t i = 0; i < attempts_max && items.size() < count; ++i) {
        auto item = sample_text(*type.inner, rules.items != nullptr ? *rules.items : no_rules, rng,
                                depth + 1);
        if (rules.items_unique && std::ranges::find(items, item) != items.end()) continue;
        items.push_back(is_map ? json::quoted("key/" + std::to_string(i)) + ":" + item : item);
      }
      std::string text;
      for (const auto& item : items) text += (text.empty() ? "" : ",") + item;
      return (is_map ? "{" : "[") + text + (is_map ? "}" : "]");
    }
    case Kind::object: {
      const ObjectType& object = type.object();
      return object_text(object, some_members(object, rng, depth > depth_filled_max), rng, depth);
    }
    case Kind::patch:
      if (rng.below(3) == 0) return "null";
      [[fallthrough]];
    case Kind::optional:
    case Kind::box: return sample_text(*type.inner, rules, rng, depth);
  }
  std::abort();
}

std::vector<Broken> broken_texts(const ObjectType& object, Rng& rng) {
  std::vector<Broken> broken;
  for (std::size_t i = 0; i < object.fields.size(); ++i) {
    const Field& field = object.fields[i];
    const std::string where = pointer_append("", field.name);
    auto there = some_members(object, rng, false);
    if (field.required) {
      auto without = there;
      without[i] = false;
      if (allowed(object, without))
        broken.push_back({object_text(object, without, rng, 1), Errc::missing, where});
    }
    const Type& inner = field.type->holder != nullptr ? *field.type->inner : *field.type;
    there[i] = true;
    if (inner.kind == Kind::raw || !allowed(object, there)) continue;
    there[i] = false;
    std::string text = object_text(object, there, rng, 1);
    text.pop_back();
    if (text.size() > 1) text += ',';
    broken.push_back({text + json::quoted(field.name) + ":" + wrong_value(*field.type) + "}",
                      Errc::wrong_type, where});
  }
  return broken;
}

const std::vector<std::string>& matchers_without_sample() { return unknown_matchers(); }

}  // namespace lobo::json
