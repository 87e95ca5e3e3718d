#include <iostream>
#include <string>
#include <vector>

#include "api/admin.hpp"
#include "capabilities.hpp"
#include "cli.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "output.hpp"

namespace lobo::app {
namespace {

/// What this build holds against a network that is real; a running server says what it faces.
Exit capabilities(const Arguments& arguments) {
  Rows rows{.columns = {"table", "clause", "flow", "control plane", "user plane", "tests"},
            .rows = {}};
  for (const auto& flow : flows()) {
    const Reach reach = reach_of(flow, arguments.given("simulated"));
    if (reach == Reach::absent && !arguments.given("all")) continue;
    rows.rows.push_back({std::string(flow.id), std::string(flow.clause), std::string(flow.name),
                         std::string(to_string(reach)), std::string(to_string(Reach::absent)),
                         std::string(flow.tests)});
  }
  print_rows(std::cout, rows, arguments.text("output"));
  if (!arguments.given("all")) std::cerr << "note: --all lists what is absent as well\n";
  return Exit::ok;
}

}  // namespace

std::vector<Verb> capabilities_verbs() {
  return {
      {.path = "capabilities",
       .summary = "what is enforced, confirmed, simulated and absent, with the tests that hold it",
       .example = "  lobo capabilities\n  lobo capabilities --all -o json",
       .options = {{.name = "--all",
                    .help = "list what is absent as well",
                    .takes = Option::Takes::nothing},
                   {.name = "--simulated",
                    .help = "as it is in front of lobo netsim",
                    .takes = Option::Takes::nothing},
                   output_option()},
       .run = capabilities}};
}

}  // namespace lobo::app
