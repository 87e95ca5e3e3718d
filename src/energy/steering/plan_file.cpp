#include "energy/steering/plan_file.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "energy/problem.hpp"
#include "energy/steering/plan_table.hpp"
#include "model/date_time.hpp"
#include "wire/http/url.hpp"
#include "wire/json/value.hpp"
#include "wire/json/writer.hpp"

namespace lobo::energy::steering {
namespace {

using json::Value;

constexpr double share_max = 1e9;
constexpr std::string_view id_letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool is_word(std::string_view id, std::string_view more, std::size_t bytes_max) {
  return !id.empty() && id.size() <= bytes_max && std::ranges::all_of(id, [&](char c) {
    return id_letters.find(c) != std::string_view::npos || more.find(c) != std::string_view::npos;
  });
}

std::optional<double> number_of(const Value& value) {
  const auto* number = std::get_if<Value::Number>(&value.held);
  if (number == nullptr) return std::nullopt;
  double read = 0;
  const char* const last = number->digits.data() + number->digits.size();
  const auto [end, wrong] = std::from_chars(number->digits.data(), last, read);
  if (wrong != std::errc{} || end != last || !std::isfinite(read)) return std::nullopt;
  return read;
}

class Reader {
 public:
  Result<PlanTable> read(const Value& root);

 private:
  void blame(Errc code, std::string where, std::string reason) {
    if (faults_.size() < faults_max) faults_.push_back({code, std::move(where), std::move(reason)});
  }
  void known(const Value& object, const std::string& where, std::set<std::string_view> names);
  void text(const Value& object, std::string_view name, const std::string& where, bool must,
            std::string& out);
  void seconds(const Value& object, std::string_view name, std::int64_t least, std::int64_t most,
               std::chrono::seconds& out);
  void instant(const Value& object, std::string_view name, bool must, Instant& out);
  void locations(const Value& list);
  void groups(const Value& list);
  void weights(const Value& group, std::string_view name, const std::string& where,
               std::vector<double>& out);
  void failover(const Value& group, const std::string& where, SteeredGroup& out);
  std::optional<std::size_t> location(std::string_view id) const;

  PlanTable::Said plan_;
  std::vector<Fault> faults_;
};

void Reader::known(const Value& object, const std::string& where,
                   std::set<std::string_view> names) {
  for (const auto& member : *object.object())
    if (!names.contains(member.name))
      blame(Errc::not_allowed, where + '/' + member.name, "is no member of a plan");
}

void Reader::text(const Value& object, std::string_view name, const std::string& where, bool must,
                  std::string& out) {
  const Value* value = object.find(name);
  const std::string at = where + '/' + std::string(name);
  if (value == nullptr) {
    if (must) blame(Errc::missing, at, "is needed");
  } else if (value->text() == nullptr) {
    blame(Errc::wrong_type, at, "a string is wanted");
  } else {
    out = *value->text();
  }
}

void Reader::seconds(const Value& object, std::string_view name, std::int64_t least,
                     std::int64_t most, std::chrono::seconds& out) {
  const Value* value = object.find(name);
  if (value == nullptr) return;
  const auto read = value->integer();
  if (!read || *read < least || *read > most)
    return blame(Errc::out_of_range, '/' + std::string(name),
                 std::to_string(least) + " to " + std::to_string(most) + " s");
  out = std::chrono::seconds{*read};
}

void Reader::instant(const Value& object, std::string_view name, bool must, Instant& out) {
  std::string said;
  text(object, name, "", must, said);
  if (said.empty()) return;
  if (const auto read = model::parse_date_time(said))
    out = *read;
  else
    blame(Errc::pattern, '/' + std::string(name), "a date and time is wanted, as RFC 3339 has it");
}

void Reader::locations(const Value& list) {
  std::set<std::string, std::less<>> ids;
  for (std::size_t i = 0; i < list.array()->size(); ++i) {
    const Value& item = (*list.array())[i];
    const std::string where = "/locations/" + std::to_string(i);
    if (item.object() == nullptr) {
      blame(Errc::wrong_type, where, "an object is wanted");
      continue;
    }
    known(item, where, {"id", "standing", "baseUrl"});
    SteeredLocation read;
    std::string standing = "serving";
    std::string url;
    text(item, "id", where, true, read.id);
    text(item, "standing", where, false, standing);
    text(item, "baseUrl", where, false, url);
    if (!read.id.empty() && !is_location_id(read.id))
      blame(Errc::pattern, where + "/id", "letters, digits, '-', '_' and '.', at most 64");
    if (!ids.insert(read.id).second) blame(Errc::duplicate, where + "/id", "is there already");
    if (standing == "serving")
      read.standing = Standing::serving;
    else if (standing == "unknown")
      read.standing = Standing::unknown;
    else if (standing == "closed")
      read.standing = Standing::closed;
    else
      blame(Errc::not_allowed, where + "/standing", "serving, unknown or closed");
    if (!url.empty()) {
      if (const auto parsed = http::parse_url(url))
        read.base = Base{parsed->scheme, parsed->host, parsed->port,
                         std::string(http::split_target(parsed->target).path)};
      else
        blame(Errc::pattern, where + "/baseUrl", "an absolute http or https URL is wanted");
    }
    plan_.locations.push_back(std::move(read));
  }
}

std::optional<std::size_t> Reader::location(std::string_view id) const {
  const auto found = std::ranges::find(plan_.locations, id, &SteeredLocation::id);
  if (found == plan_.locations.end()) return std::nullopt;
  return static_cast<std::size_t>(found - plan_.locations.begin());
}

void Reader::weights(const Value& group, std::string_view name, const std::string& where,
                     std::vector<double>& out) {
  const Value* value = group.find(name);
  if (value == nullptr) return;
  const std::string at = where + '/' + std::string(name);
  if (value->object() == nullptr) return blame(Errc::wrong_type, at, "an object is wanted");
  if (value->object()->empty()) return;
  out.assign(plan_.locations.size(), 0);
  for (const auto& member : *value->object()) {
    const auto index = location(member.name);
    const auto weight = number_of(member.value);
    if (!index)
      blame(Errc::not_found, at + '/' + member.name, "is none of the locations");
    else if (!weight || *weight < 0 || *weight > share_max)
      blame(Errc::out_of_range, at + '/' + member.name, "0 to 1,000,000,000");
    else
      out[*index] = *weight;
  }
}

void Reader::failover(const Value& group, const std::string& where, SteeredGroup& out) {
  const Value* value = group.find("failover");
  if (value == nullptr) return;
  const std::string at = where + "/failover";
  if (value->object() == nullptr) return blame(Errc::wrong_type, at, "an object is wanted");
  if (value->object()->empty()) return;
  out.failover.resize(plan_.locations.size());
  for (const auto& member : *value->object()) {
    if (const auto lost = location(member.name))
      weights(*value, member.name, at, out.failover[*lost]);
    else
      blame(Errc::not_found, at + '/' + member.name, "is none of the locations");
  }
}

void Reader::groups(const Value& list) {
  std::set<std::string, std::less<>> ids;
  for (std::size_t i = 0; i < list.array()->size(); ++i) {
    const Value& item = (*list.array())[i];
    const std::string where = "/groups/" + std::to_string(i);
    if (item.object() == nullptr) {
      blame(Errc::wrong_type, where, "an object is wanted");
      continue;
    }
    known(item, where, {"id", "shares", "before", "reserve", "failover"});
    SteeredGroup read;
    text(item, "id", where, true, read.id);
    if (!read.id.empty() && !is_group_id(read.id))
      blame(Errc::pattern, where + "/id", "letters, digits, '-' and '_', at most 64");
    if (!ids.insert(read.id).second) blame(Errc::duplicate, where + "/id", "is there already");
    weights(item, "shares", where, read.shares);
    weights(item, "before", where, read.before);
    weights(item, "reserve", where, read.reserve);
    failover(item, where, read);
    if (std::ranges::none_of(read.shares, [](double share) { return share > 0; }))
      blame(Errc::missing, where + "/shares", "at least one share above 0 is needed");
    read.shares.resize(plan_.locations.size());
    plan_.groups.push_back(std::move(read));
  }
}

Result<PlanTable> Reader::read(const Value& root) {
  if (root.object() == nullptr) return fail(Errc::wrong_type, "a plan is a JSON object");
  known(root, "",
        {"version", "validUntil", "ttl", "releasedFrom", "releaseSeconds", "defaultGroup",
         "locations", "groups"});
  const Value* version = root.find("version");
  if (const auto number = version == nullptr ? std::nullopt : version->integer();
      number && *number >= 0)
    plan_.version = static_cast<std::uint64_t>(*number);
  else
    blame(Errc::missing, "/version", "a whole number is needed");
  instant(root, "validUntil", true, plan_.valid_until);
  instant(root, "releasedFrom", false, plan_.released_from);
  seconds(root, "ttl", ttl_least.count(), ttl_most.count(), plan_.ttl);
  seconds(root, "releaseSeconds", 0, release_most.count(), plan_.release);
  text(root, "defaultGroup", "", false, plan_.default_group);
  for (const auto* name : {"locations", "groups"}) {
    const std::size_t most = name == std::string_view("groups") ? groups_max : locations_max;
    const Value* list = root.find(name);
    const std::string where = std::string("/") + name;
    if (list == nullptr || list->array() == nullptr || list->array()->empty())
      blame(Errc::missing, where, "a list of at least one is needed");
    else if (list->array()->size() > most)
      blame(Errc::too_large, where, "at most " + std::to_string(most));
    else if (most == locations_max)
      locations(*list);
    else
      groups(*list);
  }
  if (!plan_.default_group.empty() && faults_.empty() &&
      std::ranges::find(plan_.groups, plan_.default_group, &SteeredGroup::id) == plan_.groups.end())
    blame(Errc::not_found, "/defaultGroup", "is none of the groups");
  if (!faults_.empty()) return fail(faults_.front().code, "the plan is not valid", faults_);
  return PlanTable(std::move(plan_));
}

void write_number(std::string& out, double value) {
  std::array<char, 32> digits{};
  const auto [end, wrong] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), wrong == std::errc{} ? end : digits.data());
}

void write_weights(std::string& out, const std::vector<double>& weights,
                   const std::vector<SteeredLocation>& locations) {
  out += '{';
  bool first = true;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!(weights[i] > 0)) continue;
    if (!std::exchange(first, false)) out += ',';
    json::write_text(out, locations[i].id);
    out += ':';
    write_number(out, weights[i]);
  }
  out += '}';
}

void write_weights(std::string& out, std::string_view name, const std::vector<double>& weights,
                   const std::vector<SteeredLocation>& locations) {
  (out += ",\"") += name;
  out += "\":";
  write_weights(out, weights, locations);
}

void write_failover(std::string& out, const SteeredGroup& group,
                    const std::vector<SteeredLocation>& locations) {
  out += ",\"failover\":{";
  bool first = true;
  for (std::size_t lost = 0; lost < group.failover.size(); ++lost) {
    if (group.failover[lost].empty()) continue;
    if (!std::exchange(first, false)) out += ',';
    json::write_text(out, locations[lost].id);
    out += ':';
    write_weights(out, group.failover[lost], locations);
  }
  out += '}';
}

std::string_view name_of(Standing standing) {
  switch (standing) {
    case Standing::serving: return "serving";
    case Standing::unknown: return "unknown";
    case Standing::closed: return "closed";
  }
  std::abort();
}

}  // namespace

bool is_group_id(std::string_view id) { return is_word(id, "", group_id_bytes_max); }
bool is_location_id(std::string_view id) { return is_word(id, ".", location_id_bytes_max); }

Result<PlanTable> read_plan(std::string_view text) {
  if (text.size() > plan_bytes_max) return fail(Errc::too_large, "a plan is at most 32 MiB long");
  const auto root = json::parse(text);
  if (!root) return fail(root.error());
  return Reader().read(*root);
}

std::string write_plan(const PlanTable& plan) {
  const auto& said = plan.said();
  std::string out = "{\"version\":" + std::to_string(said.version);
  out += ",\"validUntil\":\"" + model::format_date_time(said.valid_until) + '"';
  out += ",\"ttl\":" + std::to_string(said.ttl.count());
  out += ",\"releasedFrom\":\"" + model::format_date_time(said.released_from) + '"';
  out += ",\"releaseSeconds\":" + std::to_string(said.release.count());
  if (!said.default_group.empty()) {
    out += ",\"defaultGroup\":";
    json::write_text(out, said.default_group);
  }
  out += ",\"locations\":[";
  for (const auto& location : said.locations) {
    if (&location != &said.locations.front()) out += ',';
    out += "{\"id\":";
    json::write_text(out, location.id);
    (out += ",\"standing\":\"") += name_of(location.standing);
    out += '"';
    if (location.base) {
      const auto& [scheme, host, port, path] = *location.base;
      out += ",\"baseUrl\":";
      json::write_text(out, http::Url{scheme, host, port, path}.text());
    }
    out += '}';
  }
  out += "],\"groups\":[";
  for (const auto& group : said.groups) {
    if (&group != &said.groups.front()) out += ',';
    out += "{\"id\":";
    json::write_text(out, group.id);
    write_weights(out, "shares", group.shares, said.locations);
    if (!group.before.empty()) write_weights(out, "before", group.before, said.locations);
    if (!group.reserve.empty()) write_weights(out, "reserve", group.reserve, said.locations);
    if (!group.failover.empty()) write_failover(out, group, said.locations);
    out += '}';
  }
  out += "]}";
  return out;
}

}  // namespace lobo::energy::steering
