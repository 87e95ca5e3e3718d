#include "cli_help.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "cli.hpp"

namespace lobo::app {
namespace {

bool below(std::string_view path, const Verb& verb) {
  return path.empty() || verb.path == path ||
         (verb.path.starts_with(path) && verb.path[path.size()] == ' ');
}

std::string_view first_line(std::string_view text) { return trim(text.substr(0, text.find('\n'))); }

}  // namespace

std::vector<std::string_view> next_words(std::string_view path, std::span<const Verb> table) {
  std::vector<std::string_view> words;
  for (const auto& verb : table) {
    if (!below(path, verb) || verb.path == path) continue;
    std::string_view rest = verb.path;
    if (!path.empty()) rest.remove_prefix(path.size() + 1);
    rest = rest.substr(0, rest.find(' '));
    if (std::ranges::find(words, rest) == words.end()) words.push_back(rest);
  }
  return words;
}

std::string overview(std::string_view path, std::span<const Verb> table) {
  std::string text = path.empty()
                         ? "lobo: gives an XR or metaverse application the network it asked for\n\n"
                           "Usage: lobo NOUN VERB [options]\n\n"
                         : fmt::format("Usage: lobo {} VERB [options]\n\n", path);
  for (const auto& verb : table)
    if (below(path, verb))
      text += fmt::format("  {:<24}{}\n{:<26}{}\n", verb.path, verb.summary, "",
                          first_line(verb.example));
  text +=
      "\nEvery verb explains itself: lobo NOUN VERB --help\n"
      "Exit codes: 0 done, 1 refused or failed, 2 usage, 3 configuration, 4 server not reachable,\n"
      "            5 not found, 6 credentials missing or not enough, 130 interrupted\n";
  return text;
}

std::string bash_completion(std::span<const Verb> table) {
  std::set<std::string> paths{""};
  for (const auto& verb : table)
    for (std::size_t at = verb.path.find(' '); at != std::string_view::npos;
         at = verb.path.find(' ', at + 1))
      paths.insert(std::string(verb.path.substr(0, at)));
  std::string cases;
  for (const auto& path : paths)
    cases += fmt::format("    '{}') words='{} --help' ;;\n", path,
                         fmt::join(next_words(path, table), " "));
  for (const auto& verb : table) {
    std::string words;
    for (const auto& option : verb.options)
      if (option.name.starts_with('-')) words += std::string(split(option.name, ',').back()) + " ";
    cases += fmt::format("    '{}') words='{}--help' ;;\n", verb.path, words);
  }
  return fmt::format(R"(# bash completion for lobo; load with: source <(lobo completion bash)
_lobo() {{
  local path='' word words='' current="${{COMP_WORDS[COMP_CWORD]}}" i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word="${{COMP_WORDS[i]}}"
    case "$word" in -*) break ;; esac
    path="${{path:+$path }}$word"
  done
  while :; do
    case "$path" in
{}    *) words='' ;;
    esac
    [ -n "$words" ] && break
    [ "$path" = "${{path% *}}" ] && break
    path="${{path% *}}"
  done
  case "$current" in
    -*|'') mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current"; compgen -f -- "$current") ;;
  esac
}}
complete -o filenames -F _lobo lobo
)",
                     cases);
}

}  // namespace lobo::app
