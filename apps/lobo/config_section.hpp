#pragma once
// Reads one map of a configuration: every key that is asked for becomes known, and finish() tells
// what remains as unknown, with the nearest known key.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/quantity.hpp"
#include "base/result.hpp"
#include "config_tree.hpp"

namespace lobo::app {

inline constexpr std::size_t config_faults_max = 100;

/// Collects what is wrong with a file, each fault at "name:line".
class Complaints {
 public:
  explicit Complaints(std::string_view name) : name_(name) {}
  void add(std::size_t line, Errc code, std::string reason);
  bool empty() const { return faults_.empty(); }
  Error to_error() const;

 private:
  std::string name_;
  std::vector<Fault> faults_;
};

class Section {
 public:
  /// `path` names the section in messages: "nrm.auth".
  Section(const YamlNode& node, std::string path, Complaints& complaints);

  std::size_t line() const { return node_.line; }
  const YamlNode& node() const { return node_; }
  const std::string& path() const { return path_; }
  Complaints& complaints() const { return complaints_; }
  bool has(std::string_view key);

  // Each reads `key` into `out` if it is present and right, says whether it did, and complains
  // about a value that is present and wrong, or empty.
  bool text(std::string_view key, std::string& out);
  bool boolean(std::string_view key, bool& out);
  bool integer(std::string_view key, std::uint64_t low, std::uint64_t high, std::uint64_t& out);
  bool number(std::string_view key, double low, double high, double& out);
  bool duration(std::string_view key, std::chrono::milliseconds low, std::chrono::milliseconds high,
                std::chrono::milliseconds& out);
  bool bit_rate(std::string_view key, BitsPerSecond& out);
  bool texts(std::string_view key, std::vector<std::string>& out);

  template <class E>
  bool choice(std::string_view key, const std::vector<std::pair<std::string_view, E>>& among,
              E& out) {
    std::string word;
    if (!text(key, word)) return false;
    std::string names;
    for (const auto& [name, value] : among) {
      if (name == word) {
        out = value;
        return true;
      }
      (names += names.empty() ? "" : ", ") += name;
    }
    complain(key, Errc::not_allowed, "'" + word + "' is none of: " + names);
    return false;
  }

  /// Calls `read` with the section below `key`, then finishes it. False where the key is absent.
  bool section(std::string_view key, const std::function<void(Section&)>& read);
  /// The same for each item of a list of maps; a single map counts as a list of one, as Open5GS has
  /// it.
  bool each(std::string_view key, const std::function<void(Section&)>& read);
  /// The same for each entry of a map of maps, with its name.
  bool each_named(std::string_view key,
                  const std::function<void(const std::string&, Section&)>& read);
  /// For each entry of a map, its name and node.
  bool entries(std::string_view key, const std::function<void(const YamlEntry&)>& read);

  /// Complains if `key` is absent.
  void require(std::string_view key);
  /// A complaint at the line of `key`, or of the section where the key is absent.
  void complain(std::string_view key, Errc code, std::string reason);
  /// Complains about the keys that nobody asked for.
  void finish();

 private:
  std::string name_of(std::string_view key) const;
  const YamlNode* find(std::string_view key);
  const YamlNode* scalar(std::string_view key, std::string_view wanted);

  const YamlNode& node_;
  std::string path_;
  Complaints& complaints_;
  std::vector<std::string> known_;
};

/// "40ms", "5s", "2min", "1h", "7d"; nothing for anything else.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "2 Mbps", "500 Kbps" (TS 29.571 BitRate: K = 1000); nothing for anything else.
std::optional<BitsPerSecond> parse_bit_rate(std::string_view text);

}  // namespace lobo::app
