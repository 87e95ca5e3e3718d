#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "commands.hpp"
#include "config.hpp"
#include "config_files.hpp"
#include "exit_code.hpp"
#include "netsim_server.hpp"
#include "output.hpp"
#include "ready.hpp"

namespace lobo::app {
namespace {

Exit netsim(const Arguments& arguments) {
  constexpr std::string_view what = "the simulated network does not start";
  const std::string file(arguments.text("config"));
  auto config = load_config(file);
  if (!config) return tell(what, config.error(), "lobo config check " + file), Exit::configuration;
  if (!config->netsim) {
    tell(what, {Errc::missing, file + " has no section netsim", {}},
         "see config/standalone.yaml for one");
    return Exit::configuration;
  }
  if (const auto files = check_files(*config); !files)
    return tell(what, files.error()), Exit::configuration;
  if (arguments.given("port")) {
    const auto port = parse_decimal(arguments.text("port"));
    if (!port || *port > 65535)
      return tell(what, {Errc::malformed, "--port wants 0 to 65535", {}}), Exit::usage;
    config->netsim->servers.front().port = static_cast<std::uint16_t>(*port);
  }
  const auto server = NetsimServer::open(*config);
  if (!server)
    return tell(what, server.error(), "choose another address or port, or --port 0 for a free one"),
           Exit::failed;
  if (const auto told =
          announce_ready((*server)->urls(), std::string(arguments.text("ready-file")), std::cout);
      !told)
    return tell(what, told.error(), "choose a --ready-file that can be written"), Exit::failed;
  (*server)->run();
  return Exit::ok;
}

}  // namespace

std::vector<Verb> netsim_verbs() {
  return {{.path = "netsim",
           .summary = "run a simulated 5G core and radio network with a NEF in front; drive it "
                      "with `lobo net`",
           .example =
               "  lobo netsim -c config/standalone.yaml\n"
               "  lobo netsim -c config/standalone.yaml --port 0 --ready-file out/netsim.ready",
           .options = {{.name = "-c,--config", .help = "the configuration", .required = true},
                       {.name = "--port", .help = "instead of the first server's; 0: any free one"},
                       {.name = "--ready-file", .help = "where to write the URL once it listens"}},
           .run = netsim}};
}

}  // namespace lobo::app
