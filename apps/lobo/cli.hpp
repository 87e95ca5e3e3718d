#pragma once
// The command line as data. Each noun's file lists its verbs; cli.cpp turns a list into parsing,
// help and completion, so that no other file pays for the parser library.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "exit_code.hpp"

namespace lobo::app {

struct Option {
  enum class Takes : std::uint8_t { nothing, value, values };
  std::string_view name;  ///< "-c,--config", "--loss"; or a positional in capitals: "FILE"
  std::string_view help;
  Takes takes = Takes::value;
  bool required = false;
  std::string_view fallback = {};
  std::vector<std::string_view> choices = {};
  /// Of each value that is given. not_found: a file that cannot be read, exit code 3 instead of 2.
  Result<void> (*check)(std::string_view value) = nullptr;
};

/// What the user wrote, by long name without dashes ("config") or positional in lower case
/// ("file").
class Arguments {
 public:
  bool given(std::string_view name) const { return values_.contains(name); }
  /// The value, or its fallback; "" when neither exists.
  std::string_view text(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() || found->second.empty()
               ? std::string_view{}
               : std::string_view(found->second.front());
  }
  std::span<const std::string> all(std::string_view name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return {};
    return found->second;
  }
  void put(std::string name, std::vector<std::string> values) {
    values_.insert_or_assign(std::move(name), std::move(values));
  }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

struct Verb {
  std::string_view path;     ///< "config check", "nrm unicast create", "version"
  std::string_view summary;  ///< one line
  std::string_view example;  ///< at least one line that works as it stands
  std::vector<Option> options;
  Exit (*run)(const Arguments&);
};

/// Every verb of the program, in the order in which help lists them.
std::span<const Verb> verbs();

/// Parses `words` (argv without the program's name), runs the verb, returns what main returns.
Exit run_command(std::span<const std::string> words, std::span<const Verb> table);

}  // namespace lobo::app
