// `lobo trace`: the last run as a sequence of messages across all processes.
#include <fmt/format.h>

#include <iostream>
#include <string>
#include <vector>

#include "adapters/trace/trace_view.hpp"
#include "cli.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "model/date_time.hpp"
#include "output.hpp"

namespace lobo::app {
namespace {

Exit last(const Arguments& arguments) {
  const auto run = adapters::trace::read_last_run(std::string(arguments.text("dir")));
  if (!run)
    return tell("no trace", run.error(), "name the configuration's trace.directory with --dir");
  if (arguments.given("mermaid"))
    std::cout << adapters::trace::to_mermaid(*run);
  else if (arguments.given("json"))
    std::cout << adapters::trace::to_json(*run) << '\n';
  else {
    Rows rows{.columns = {"at", "from", "to", "message", "clause"}, .rows = {}};
    for (const auto& message : run->messages)
      rows.rows.push_back({model::format_date_time(message.at), message.from, message.to,
                           message.text, message.clause});
    print_rows(std::cout, rows, "table");
  }
  if (run->lines_unreadable > 0)
    std::cerr << fmt::format("note: {} lines could not be read\n", run->lines_unreadable);
  return Exit::ok;
}

}  // namespace

std::vector<Verb> trace_verbs() {
  return {
      {.path = "trace last",
       .summary = "the last run as a sequence diagram across all processes",
       .example = "  lobo trace last --mermaid > trace.mmd\n  lobo trace last --dir out/demo/trace",
       .options = {{.name = "--mermaid",
                    .help = "a Mermaid sequence diagram",
                    .takes = Option::Takes::nothing},
                   {.name = "--json",
                    .help = "every message with all its fields",
                    .takes = Option::Takes::nothing},
                   {.name = "--dir", .help = "folder of the trace", .fallback = "out/trace"}},
       .run = last}};
}

}  // namespace lobo::app
