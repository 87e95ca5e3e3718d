#pragma once
// A YAML document as a tree with line numbers. Bounded in size, depth and nodes; anchors, aliases,
// tags and repeated keys are refused, so that what a person reads is what the program reads.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace lobo::app {

inline constexpr std::size_t config_bytes_max = 1024 * 1024;
inline constexpr std::size_t config_depth_max = 16;
inline constexpr std::size_t config_nodes_max = 50'000;

struct YamlEntry;

struct YamlNode {
  enum class Kind : std::uint8_t { nothing, scalar, list, map };
  Kind kind = Kind::nothing;
  std::size_t line = 0;            ///< from 1
  bool quoted = false;             ///< a scalar in quotes is text, whatever it looks like
  std::string text;                ///< of a scalar
  std::vector<YamlNode> items;     ///< of a list
  std::vector<YamlEntry> entries;  ///< of a map, in the order of the document
};

struct YamlEntry {
  std::string key;
  std::size_t line = 0;
  YamlNode value;
};

/// `name` stands in messages as "name:line".
Result<YamlNode> parse_yaml(std::string_view text, std::string_view name);

/// The node as JSON: unquoted numbers and true/false keep their type, everything else is a string.
std::string to_json(const YamlNode& node);

}  // namespace lobo::app
