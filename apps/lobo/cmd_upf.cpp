#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "cli.hpp"
#include "commands.hpp"
#include "config.hpp"
#include "config_files.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "ready.hpp"
#include "upf_server.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view what = "the UPF does not start";

std::string_view advice_for(Errc code) {
  if (code == Errc::forbidden)
    return "run it as root, give it the capability (setcap cap_net_raw+ep), or start it in a "
           "namespace of its own: unshare -Urn";
  if (code == Errc::not_found) return "`ip address` shows interfaces and their addresses";
  return {};
}

Exit upf(const Arguments& arguments) {
  const std::string file(arguments.text("config"));
  auto config = load_config(file);
  if (!config) return tell(what, config.error(), "lobo config check " + file), Exit::configuration;
  if (!config->upf) {
    tell(what, {Errc::missing, file + " has no section upf", {}}, "see config/upf.yaml for one");
    return Exit::configuration;
  }
  if (const auto files = check_files(*config); !files)
    return tell(what, files.error()), Exit::configuration;
  const auto server = UpfServer::open(*config);
  if (!server) return tell(what, server.error(), advice_for(server.error().code)), Exit::failed;
  if (const auto told =
          announce_ready((*server)->urls(), std::string(arguments.text("ready-file")), std::cout);
      !told)
    return tell(what, told.error(), "choose a --ready-file that can be written"), Exit::failed;
  if (const auto ended = (*server)->run(); !ended)
    return tell("the UPF ended", ended.error()), Exit::failed;
  return Exit::ok;
}

}  // namespace

std::vector<Verb> upf_verbs() {
  return {
      {.path = "upf",
       .summary = "run a user plane function: N6 to N3 and back by PFCP rules, PDU Set "
                  "markings read and told to the RAN",
       .example = "  lobo upf -c config/upf.yaml\n"
                  "  lobo upf -c config/upf.yaml --ready-file out/upf.ready",
       .options = {{.name = "-c,--config", .help = "the configuration", .required = true},
                   {.name = "--ready-file", .help = "where to write its addresses once it serves"}},
       .run = upf}};
}

}  // namespace lobo::app
