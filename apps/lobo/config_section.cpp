#include "config_section.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/quantity.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "config_tree.hpp"

namespace lobo::app {
namespace {

/// "12.5 Mbps" into its number and its unit.
std::optional<std::pair<double, std::string_view>> number_and_unit(std::string_view text) {
  const auto unit_at = text.find_first_not_of("0123456789.");
  if (unit_at == 0 || unit_at == std::string_view::npos) return std::nullopt;
  const std::string_view digits = text.substr(0, unit_at);
  double value = 0;
  const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (wrong != std::errc{} || end != digits.data() + digits.size() || !std::isfinite(value))
    return std::nullopt;
  return std::pair(value, trim(text.substr(unit_at)));
}

template <std::size_t n>
std::optional<double> scaled(std::string_view text,
                             const std::array<std::pair<std::string_view, double>, n>& units) {
  const auto parts = number_and_unit(text);
  if (!parts) return std::nullopt;
  for (const auto& [unit, factor] : units)
    if (unit == parts->second) return parts->first * factor;
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 5> units{
      {{"ms", 1}, {"s", 1e3}, {"min", 60e3}, {"h", 3600e3}, {"d", 86400e3}}};
  constexpr double longest = 100.0 * 365 * 86400e3;
  const auto count = scaled(text, units);
  if (!count || *count > longest) return std::nullopt;
  return std::chrono::milliseconds(std::llround(*count));
}

std::optional<BitsPerSecond> parse_bit_rate(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 5> units{
      {{"bps", 1}, {"Kbps", 1e3}, {"Mbps", 1e6}, {"Gbps", 1e9}, {"Tbps", 1e12}}};
  constexpr double fastest = 1e18;
  const auto count = scaled(text, units);
  if (!count || *count > fastest) return std::nullopt;
  return BitsPerSecond{static_cast<std::uint64_t>(std::llround(*count))};
}

void Complaints::add(std::size_t line, Errc code, std::string reason) {
  if (faults_.size() >= config_faults_max) return;
  faults_.push_back({code, fmt::format("{}:{}", name_, line), std::move(reason)});
}

Error Complaints::to_error() const {
  return {faults_.empty() ? Errc::malformed : faults_.front().code,
          fmt::format("{} has {} fault{}", name_, faults_.size(), faults_.size() == 1 ? "" : "s"),
          faults_};
}

Section::Section(const YamlNode& node, std::string path, Complaints& complaints)
    : node_(node), path_(std::move(path)), complaints_(complaints) {
  if (node_.kind == YamlNode::Kind::nothing)
    complaints_.add(node_.line, Errc::missing,
                    path_.empty() ? "the file is empty" : fmt::format("'{}' is empty", path_));
  else if (node_.kind != YamlNode::Kind::map)
    complaints_.add(node_.line, Errc::wrong_type,
                    fmt::format("'{}' must hold keys and values", path_));
}

const YamlNode* Section::find(std::string_view key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.emplace_back(key);
  const auto entry = std::ranges::find(node_.entries, key, &YamlEntry::key);
  return entry == node_.entries.end() ? nullptr : &entry->value;
}

std::string Section::name_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

bool Section::has(std::string_view key) { return find(key) != nullptr; }

void Section::complain(std::string_view key, Errc code, std::string reason) {
  const auto entry = std::ranges::find(node_.entries, key, &YamlEntry::key);
  complaints_.add(entry == node_.entries.end() ? node_.line : entry->line, code,
                  fmt::format("{}: {}", name_of(key), reason));
}

const YamlNode* Section::scalar(std::string_view key, std::string_view wanted) {
  const YamlNode* node = find(key);
  if (!node) return nullptr;
  if (node->kind == YamlNode::Kind::nothing ||
      (node->kind == YamlNode::Kind::scalar && trim(node->text).empty())) {
    complain(key, Errc::missing, fmt::format("is empty; give {} or remove the key", wanted));
    return nullptr;
  }
  if (node->kind != YamlNode::Kind::scalar) {
    complain(key, Errc::wrong_type, fmt::format("must be {}", wanted));
    return nullptr;
  }
  return node;
}

bool Section::text(std::string_view key, std::string& out) {
  const YamlNode* node = scalar(key, "a text");
  if (!node) return false;
  out = node->text;
  return true;
}

bool Section::boolean(std::string_view key, bool& out) {
  const YamlNode* node = scalar(key, "true or false");
  if (!node) return false;
  if (node->quoted || (node->text != "true" && node->text != "false")) {
    complain(key, Errc::wrong_type, fmt::format("'{}' is neither true nor false", node->text));
    return false;
  }
  out = node->text == "true";
  return true;
}

bool Section::integer(std::string_view key, std::uint64_t low, std::uint64_t high,
                      std::uint64_t& out) {
  const YamlNode* node = scalar(key, "a whole number");
  if (!node) return false;
  const auto value = node->quoted ? std::nullopt : parse_decimal(node->text);
  if (!value) {
    complain(key, Errc::wrong_type, fmt::format("'{}' is no whole number", node->text));
    return false;
  }
  if (*value < low || *value > high) {
    complain(key, Errc::out_of_range, fmt::format("{} is not within {} to {}", *value, low, high));
    return false;
  }
  out = *value;
  return true;
}

bool Section::number(std::string_view key, double low, double high, double& out) {
  const YamlNode* node = scalar(key, "a number");
  if (!node) return false;
  double value = 0;
  const char* last = node->text.data() + node->text.size();
  const auto [end, wrong] = std::from_chars(node->text.data(), last, value);
  if (node->quoted || wrong != std::errc{} || end != last || !std::isfinite(value)) {
    complain(key, Errc::wrong_type, fmt::format("'{}' is no number", node->text));
    return false;
  }
  if (value < low || value > high) {
    complain(key, Errc::out_of_range, fmt::format("{} is not within {} to {}", value, low, high));
    return false;
  }
  out = value;
  return true;
}

bool Section::duration(std::string_view key, std::chrono::milliseconds low,
                       std::chrono::milliseconds high, std::chrono::milliseconds& out) {
  const YamlNode* node = scalar(key, "a duration such as 500ms or 5s");
  if (!node) return false;
  const auto value = parse_duration(node->text);
  if (!value) {
    complain(key, Errc::wrong_type,
             fmt::format("'{}' is no duration; write for example 500ms, 5s, 2min, 1h", node->text));
    return false;
  }
  if (*value < low || *value > high) {
    complain(key, Errc::out_of_range,
             fmt::format("{} is not within {} ms to {} ms", node->text, low.count(), high.count()));
    return false;
  }
  out = *value;
  return true;
}

bool Section::bit_rate(std::string_view key, BitsPerSecond& out) {
  const YamlNode* node = scalar(key, "a bit rate such as 2 Mbps");
  if (!node) return false;
  const auto value = parse_bit_rate(node->text);
  if (!value) {
    complain(key, Errc::wrong_type,
             fmt::format("'{}' is no bit rate; write for example 500 Kbps or 2 Mbps", node->text));
    return false;
  }
  out = *value;
  return true;
}

bool Section::texts(std::string_view key, std::vector<std::string>& out) {
  const YamlNode* node = find(key);
  if (!node) return false;
  if (node->kind == YamlNode::Kind::scalar && !trim(node->text).empty()) {
    out = {node->text};
    return true;
  }
  if (node->kind != YamlNode::Kind::list) {
    complain(key, node->kind == YamlNode::Kind::map ? Errc::wrong_type : Errc::missing,
             "must be a list of texts");
    return false;
  }
  std::vector<std::string> read;
  for (const auto& item : node->items) {
    if (item.kind != YamlNode::Kind::scalar || trim(item.text).empty()) {
      complaints_.add(item.line, Errc::wrong_type, name_of(key) + ": each item must be a text");
      return false;
    }
    read.push_back(item.text);
  }
  out = std::move(read);
  return true;
}

bool Section::section(std::string_view key, const std::function<void(Section&)>& read) {
  const YamlNode* node = find(key);
  if (!node) return false;
  Section inner(*node, name_of(key), complaints_);
  if (node->kind == YamlNode::Kind::map) {
    read(inner);
    inner.finish();
  }
  return true;
}

bool Section::each(std::string_view key, const std::function<void(Section&)>& read) {
  const YamlNode* node = find(key);
  if (!node) return false;
  const std::string path = name_of(key);
  const auto one = [&](const YamlNode& item, const std::string& item_path) {
    Section inner(item, item_path, complaints_);
    if (item.kind != YamlNode::Kind::map) return;
    read(inner);
    inner.finish();
  };
  if (node->kind == YamlNode::Kind::list && !node->items.empty()) {
    for (std::size_t i = 0; i < node->items.size(); ++i)
      one(node->items[i], fmt::format("{}[{}]", path, i));
    return true;
  }
  if (node->kind == YamlNode::Kind::list) {
    complain(key, Errc::missing, "the list is empty; fill it or remove the key");
    return true;
  }
  one(*node, path);
  return true;
}

bool Section::each_named(std::string_view key,
                         const std::function<void(const std::string&, Section&)>& read) {
  return entries(key, [&](const YamlEntry& entry) {
    Section inner(entry.value, name_of(key) + "." + entry.key, complaints_);
    if (entry.value.kind != YamlNode::Kind::map) return;
    read(entry.key, inner);
    inner.finish();
  });
}

bool Section::entries(std::string_view key, const std::function<void(const YamlEntry&)>& read) {
  const YamlNode* node = find(key);
  if (!node) return false;
  if (node->kind != YamlNode::Kind::map) {
    complain(key, node->kind == YamlNode::Kind::nothing ? Errc::missing : Errc::wrong_type,
             "must hold names and their values");
    return true;
  }
  for (const auto& entry : node->entries) read(entry);
  return true;
}

void Section::require(std::string_view key) {
  if (has(key)) return;
  complaints_.add(node_.line, Errc::missing,
                  fmt::format("{}: the key '{}' is missing", path_, key));
}

void Section::finish() {
  const std::vector<std::string_view> known(known_.begin(), known_.end());
  for (const auto& entry : node_.entries) {
    if (std::ranges::find(known, std::string_view(entry.key)) != known.end()) continue;
    const auto near = nearest(entry.key, known);
    const std::string where = path_.empty() ? "at the top" : fmt::format("in {}", path_);
    complaints_.add(
        entry.line, Errc::not_allowed,
        near ? fmt::format("unknown key '{}' {}; did you mean '{}'?", entry.key, where, *near)
             : fmt::format("unknown key '{}' {}; known are: {}", entry.key, where,
                           fmt::join(known, ", ")));
  }
}

}  // namespace lobo::app
