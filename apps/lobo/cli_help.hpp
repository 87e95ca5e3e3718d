#pragma once
// What the table of verbs says about itself: the overview of a noun, and shell completion.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli.hpp"

namespace lobo::app {

/// The words that may follow `path` ("" is the program itself), each once, in table order.
std::vector<std::string_view> next_words(std::string_view path, std::span<const Verb> table);

/// Help for the program or for a noun: its verbs with one line and one example each.
std::string overview(std::string_view path, std::span<const Verb> table);

/// A bash completion script made from the table.
std::string bash_completion(std::span<const Verb> table);

}  // namespace lobo::app
