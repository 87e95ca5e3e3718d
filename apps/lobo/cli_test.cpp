#include "cli.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <iostream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "cli_help.hpp"
#include "exit_code.hpp"

namespace lobo::app {
namespace {

/// What running a command line said and how it ended.
struct Run {
  Exit exit;
  std::string out;
  std::string err;
};

Run run(const std::vector<std::string>& words, std::span<const Verb> table) {
  std::ostringstream out;
  std::ostringstream err;
  auto* const old_out = std::cout.rdbuf(out.rdbuf());
  auto* const old_err = std::cerr.rdbuf(err.rdbuf());
  const Exit exit = run_command(words, table);
  std::cout.rdbuf(old_out);
  std::cerr.rdbuf(old_err);
  return {exit, out.str(), err.str()};
}

Exit echo_both(const Arguments& arguments) {
  std::cout << arguments.text("ue") << '|' << arguments.text("cell");
  return Exit::ok;
}

Exit echo(const Arguments& arguments) {
  std::cout << arguments.text("loss") << '|' << arguments.text("ue") << '|'
            << arguments.text("output") << '|' << arguments.all("name").size();
  return Exit::ok;
}

const std::vector<Verb>& sample() {
  static const std::vector<Verb> table{
      {.path = "net degrade",
       .summary = "make a link worse",
       .example = "  lobo net degrade ue1 --loss 5",
       .options = {{.name = "UE", .help = "which", .required = true},
                   {.name = "--loss", .help = "percent"},
                   {.name = "--name", .help = "several", .takes = Option::Takes::values},
                   {.name = "-o,--output",
                    .help = "form",
                    .fallback = "table",
                    .choices = {"table", "json"}}},
       .run = echo},
      {.path = "net move",
       .summary = "hand over",
       .example = "  lobo net move ue1 cell2",
       .options = {{.name = "UE", .help = "which", .required = true},
                   {.name = "CELL", .help = "where to", .required = true}},
       .run = echo_both},
      {.path = "net list", .summary = "s", .example = "  e", .options = {}, .run = echo}};
  return table;
}

TEST(cli, options_positionals_and_fallbacks_arrive_by_name) {
  const auto done = run({"net", "degrade", "ue1", "--loss", "5", "--name", "a", "b"}, sample());
  EXPECT_EQ(done.exit, Exit::ok);
  EXPECT_EQ(done.out, "5|ue1|table|2");
}

TEST(cli, two_positionals_take_one_word_each) {
  const auto done = run({"net", "move", "ue1", "cell2"}, sample());
  EXPECT_EQ(done.exit, Exit::ok) << done.err;
  EXPECT_EQ(done.out, "ue1|cell2");
  EXPECT_EQ(run({"net", "move", "ue1", "cell2", "cell3"}, sample()).exit, Exit::usage);
}

TEST(cli, an_option_takes_one_word_and_leaves_the_next_to_the_positional) {
  const auto done = run({"net", "degrade", "--loss", "5", "ue1"}, sample());
  EXPECT_EQ(done.exit, Exit::ok) << done.err;
  EXPECT_EQ(done.out, "5|ue1|table|0");
}

TEST(cli, a_missing_positional_an_unknown_option_and_a_wrong_choice_are_usage_errors_with_advice) {
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"net", "degrade"},
                                             {"net", "degrade", "ue1", "--los", "5"},
                                             {"net", "degrade", "ue1", "-o", "xml"}}) {
    const auto done = run(words, sample());
    EXPECT_EQ(done.exit, Exit::usage);
    EXPECT_NE(done.err.find("do: lobo net degrade --help"), std::string::npos) << done.err;
  }
}

TEST(cli, a_mistyped_verb_gets_the_nearest_one) {
  const auto done = run({"net", "degrad", "ue1"}, sample());
  EXPECT_EQ(done.exit, Exit::usage);
  EXPECT_NE(done.err.find("did you mean 'lobo net degrade'?"), std::string::npos) << done.err;
}

TEST(cli, a_mistyped_long_option_gets_the_nearest_one) {
  for (const auto* mistyped : {"--los", "--los=5", "--lost"}) {
    const auto done = run({"net", "degrade", "ue1", mistyped}, sample());
    EXPECT_EQ(done.exit, Exit::usage);
    EXPECT_NE(done.err.find("did you mean '--loss'?"), std::string::npos) << done.err;
  }
  const auto strange = run({"net", "degrade", "ue1", "--wholly-different"}, sample());
  EXPECT_EQ(strange.exit, Exit::usage);
  EXPECT_EQ(strange.err.find("did you mean"), std::string::npos) << strange.err;
}

TEST(cli, a_server_that_is_no_url_is_a_usage_error_of_every_verb_that_asks_one) {
  std::size_t asked = 0;
  for (const auto& verb : verbs()) {
    if (std::ranges::find(verb.options, "--server", &Option::name) == verb.options.end()) continue;
    ++asked;
    for (const auto* server : {"hello", "127.0.0.1:7777", "ftp://127.0.0.1", "http://", ""}) {
      std::vector<std::string> words;
      for (const auto word : split(verb.path, ' ')) words.emplace_back(word);
      for (const auto& option : verb.options)
        if (option.required && option.name != "--server") {
          if (option.name.starts_with('-')) words.emplace_back(split(option.name, ',').back());
          words.emplace_back(option.choices.empty() ? "x" : option.choices.front());
        }
      words.insert(words.end(), {"--server", server});
      const auto done = run(words, verbs());
      EXPECT_EQ(done.exit, Exit::usage) << verb.path << ' ' << server << ": " << done.err;
      EXPECT_NE(done.err.find("is no root URL such as http://"), std::string::npos) << done.err;
    }
  }
  EXPECT_GT(asked, 10U);
}

TEST(cli, a_certificate_file_that_cannot_be_read_is_told_before_anybody_is_asked) {
  for (const auto* option : {"--ca", "--cert", "--key"}) {
    const auto done = run(
        {"nrm", "unicast", "list", "--server", "https://127.0.0.1:1", option, "/nope"}, verbs());
    EXPECT_EQ(done.exit, Exit::configuration) << done.err;
    EXPECT_NE(done.err.find("'/nope' cannot be read"), std::string::npos) << done.err;
  }
}

TEST(cli, a_noun_alone_lists_its_verbs_and_is_a_usage_error) {
  const auto done = run({"net"}, sample());
  EXPECT_EQ(done.exit, Exit::usage);
  EXPECT_NE(done.err.find("net degrade"), std::string::npos);
}

TEST(cli, every_verb_has_a_summary_a_working_example_and_help) {
  for (const auto& verb : verbs()) {
    EXPECT_FALSE(verb.summary.empty()) << verb.path;
    EXPECT_NE(verb.example.find("lobo " + std::string(verb.path)), std::string_view::npos)
        << verb.path;
    std::vector<std::string> words;
    for (const auto word : split(verb.path, ' ')) words.emplace_back(word);
    words.emplace_back("--help");
    const auto done = run(words, verbs());
    EXPECT_EQ(done.exit, Exit::ok) << verb.path;
    EXPECT_NE(done.out.find("Example"), std::string::npos) << verb.path;
    for (const auto& option : verb.options)
      EXPECT_FALSE(option.help.empty()) << verb.path << option.name;
  }
}

TEST(cli, completion_knows_every_noun_and_every_long_option) {
  const std::string script = bash_completion(verbs());
  for (const auto& verb : verbs()) {
    EXPECT_NE(script.find("'" + std::string(verb.path) + "')"), std::string::npos) << verb.path;
    for (const auto& option : verb.options) {
      if (!option.name.starts_with('-')) continue;
      EXPECT_NE(script.find(split(option.name, ',').back()), std::string::npos) << option.name;
    }
  }
}

}  // namespace
}  // namespace lobo::app
