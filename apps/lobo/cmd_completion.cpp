#include <iostream>
#include <vector>

#include "cli.hpp"
#include "cli_help.hpp"
#include "commands.hpp"
#include "exit_code.hpp"

namespace lobo::app {

std::vector<Verb> completion_verbs() {
  return {{.path = "completion bash",
           .summary = "print a completion script for the shell",
           .example = "  source <(lobo completion bash)",
           .options = {},
           .run = [](const Arguments&) {
             std::cout << bash_completion(verbs());
             return Exit::ok;
           }}};
}

}  // namespace lobo::app
