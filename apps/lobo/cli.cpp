// The one file that includes CLI11: words in, the verb's Arguments out.
#include "cli.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <deque>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"
#include "cli_help.hpp"
#include "exit_code.hpp"

namespace lobo::app {
namespace {

std::string key_of(std::string_view option_name) {
  const auto names = split(option_name, ',');
  std::string_view longest = names.back();
  while (longest.starts_with('-')) longest.remove_prefix(1);
  return lower_ascii(longest);
}

/// How many of the leading words are the path of a verb or of a noun with verbs.
struct Match {
  const Verb* verb = nullptr;
  std::string path;       ///< as far as it is known: "nrm unicast"
  std::size_t words = 0;  ///< of argv that belong to the path
};

bool is_prefix_of_verb(std::string_view path, std::span<const Verb> table) {
  return std::ranges::any_of(table, [&](const Verb& verb) {
    return verb.path == path || (verb.path.starts_with(path) && verb.path[path.size()] == ' ');
  });
}

Match match(std::span<const std::string> words, std::span<const Verb> table) {
  Match found;
  for (const auto& word : words) {
    const std::string longer = found.path.empty() ? word : found.path + " " + word;
    if (word.starts_with('-') || !is_prefix_of_verb(longer, table)) break;
    found.path = longer;
    ++found.words;
    const auto verb = std::ranges::find(table, std::string_view(longer), &Verb::path);
    found.verb = verb == table.end() ? nullptr : &*verb;
  }
  return found;
}

Exit unknown_word(const Match& found, std::string_view word, std::span<const Verb> table) {
  const auto next = next_words(found.path, table);
  const auto near = nearest(word, {next.begin(), next.end()});
  const std::string prefix = found.path.empty() ? "lobo" : "lobo " + found.path;
  std::cerr << fmt::format("lobo: '{} {}' is no command{}\n  do: {} --help\n", prefix, word,
                           near ? fmt::format("; did you mean '{} {}'?", prefix, *near) : "",
                           prefix);
  return Exit::usage;
}

/// "; did you mean --x?" for the first word that is an option of no kind known here.
std::string near_option(const Verb& verb, std::span<const std::string> words) {
  std::vector<std::string> known{"--help"};
  for (const auto& option : verb.options)
    for (const auto name : split(option.name, ','))
      if (name.starts_with("--")) known.emplace_back(name);
  for (const auto& word : words) {
    const std::string name = word.substr(0, word.find('='));
    if (!name.starts_with("--") || std::ranges::find(known, name) != known.end()) continue;
    const auto near = nearest(name, {known.begin(), known.end()});
    return near ? fmt::format("; did you mean '{}'?", *near) : "";
  }
  return {};
}

/// Parsed arguments, or the exit code with which to leave (help asked, or a mistake told).
struct Parsed {
  Arguments arguments;
  std::optional<Exit> leave;
};

Parsed parse(const Verb& verb, std::span<const std::string> words) {
  CLI::App app{std::string(verb.summary), "lobo " + std::string(verb.path)};
  app.footer("Example:\n" + std::string(verb.example));
  std::deque<std::vector<std::string>> values;  // addresses must stay: CLI11 keeps references
  std::deque<bool> flags;
  struct Bound {
    const Option* option;
    CLI::Option* parsed;
    std::vector<std::string>* values;
  };
  std::vector<Bound> bound;
  for (const auto& option : verb.options) {
    const std::string name =
        option.name.starts_with('-') ? std::string(option.name) : lower_ascii(option.name);
    const std::string help(option.help);
    if (option.takes == Option::Takes::nothing) {
      bound.push_back({&option, app.add_flag(name, flags.emplace_back(false), help), nullptr});
      continue;
    }
    auto& target = values.emplace_back();
    auto* parsed = app.add_option(name, target, help);
    parsed->type_name(option.name.starts_with('-') ? "VALUE" : "");
    // Else the first positional or option would swallow the words of the next one.
    if (option.takes == Option::Takes::value) parsed->expected(1)->allow_extra_args(false);
    if (option.required) parsed->required();
    if (!option.fallback.empty()) parsed->default_str(std::string(option.fallback));
    if (!option.choices.empty())
      parsed->check(
          CLI::IsMember(std::vector<std::string>(option.choices.begin(), option.choices.end())));
    bound.push_back({&option, parsed, &target});
  }

  Parsed result;
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());  // CLI11 eats from the back
    app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help();
    result.leave = Exit::ok;
    return result;
  } catch (const CLI::ParseError& error) {
    std::cerr << fmt::format("lobo: {}{}\n  do: lobo {} --help\n", error.what(),
                             near_option(verb, words), verb.path);
    result.leave = Exit::usage;
    return result;
  }
  for (const auto& [option, parsed, target] : bound) {
    if (target == nullptr || option->check == nullptr) continue;
    for (const auto& value : *target) {
      const auto good = option->check(value);
      if (good) continue;
      std::cerr << fmt::format("lobo: {}: '{}' {}\n  do: lobo {} --help\n", option->name, value,
                               good.error().detail, verb.path);
      result.leave = good.error().code == Errc::not_found ? Exit::configuration : Exit::usage;
      return result;
    }
  }
  for (const auto& [option, parsed, target] : bound) {
    if (parsed->count() > 0)
      result.arguments.put(key_of(option->name),
                           target ? *target : std::vector<std::string>{"true"});
    else if (!option->fallback.empty())
      result.arguments.put(key_of(option->name), {std::string(option->fallback)});
  }
  return result;
}

}  // namespace

Exit run_command(std::span<const std::string> words, std::span<const Verb> table) {
  const Match found = match(words, table);
  const auto rest = words.subspan(found.words);
  const bool asks_help = !rest.empty() && (rest.front() == "--help" || rest.front() == "-h");
  if (!found.verb) {
    if (!rest.empty() && rest.front() == "--version" && found.path.empty()) {
      const std::vector<std::string> version{"version"};
      return run_command(version, table);
    }
    if (rest.empty() || asks_help) {
      (asks_help ? std::cout : std::cerr) << overview(found.path, table);
      return asks_help ? Exit::ok : Exit::usage;
    }
    return unknown_word(found, rest.front(), table);
  }
  const Parsed parsed = parse(*found.verb, rest);
  return parsed.leave ? *parsed.leave : found.verb->run(parsed.arguments);
}

}  // namespace lobo::app
