#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/result.hpp"
#include "cli.hpp"
#include "commands.hpp"
#include "config.hpp"
#include "config_files.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "ready.hpp"
#include "server.hpp"

namespace lobo::app {
namespace {

Exit serve(const Arguments& arguments) {
  constexpr std::string_view what = "the server does not start";
  const std::string file(arguments.text("config"));
  const auto config = load_config(file);
  if (!config) return tell(what, config.error(), "lobo config check " + file), Exit::configuration;
  if (!config->nrm) {
    tell(what, {Errc::missing, file + " has no section nrm", {}},
         "see config/standalone.yaml for one");
    return Exit::configuration;
  }
  if (const auto files = check_files(*config); !files)
    return tell(what, files.error()), Exit::configuration;
  const auto folder = std::filesystem::path(config->nrm->store_path).parent_path();
  std::error_code ignored;  // what cannot be created is told by the store, which names the file
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  const auto server = NrmServer::open(*config, file);
  if (!server)
    return tell(what, server.error(), "`lobo config check` looks at the file; the log says more"),
           Exit::failed;
  if (const auto told =
          announce_ready((*server)->urls(), std::string(arguments.text("ready-file")), std::cout);
      !told)
    return tell(what, told.error(), "choose a --ready-file that can be written"), Exit::failed;
  (*server)->run();
  return Exit::ok;
}

}  // namespace

std::vector<Verb> serve_verbs() {
  return {
      {.path = "serve",
       .summary =
           "run the NRM server; SIGTERM ends it gracefully, SIGHUP reads the configuration again",
       .example = "  lobo serve -c config/standalone.yaml",
       .options = {{.name = "-c,--config", .help = "the configuration", .required = true},
                   {.name = "--ready-file", .help = "where to write the URLs once it listens"}},
       .run = serve}};
}

}  // namespace lobo::app
