// `lobo relay`: the user plane of SEALDD.
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "cli.hpp"
#include "cmd_pcap.hpp"
#include "commands.hpp"
#include "config.hpp"
#include "config_files.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "ready.hpp"
#include "relay_server.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view what = "the relay does not start";
constexpr std::uint64_t seconds_max = 31'536'000;

Exit run_relay(const Arguments& arguments) {
  const std::string file(arguments.text("config"));
  const auto seconds = number_option(arguments, "seconds", 0, seconds_max);
  if (!seconds) return tell(what, seconds.error(), "lobo relay --help"), Exit::usage;
  const auto config = load_config(file);
  if (!config) return tell(what, config.error(), "lobo config check " + file), Exit::configuration;
  if (!config->relay) {
    tell(what, {Errc::missing, file + " has no section relay", {}},
         "see config/relay.yaml for one");
    return Exit::configuration;
  }
  if (const auto files = check_files(*config); !files)
    return tell(what, files.error(), "lobo pki init and lobo pki flow-key make such files"),
           Exit::configuration;
  const auto server = RelayServer::open(*config);
  if (!server) return tell(what, server.error()), Exit::failed;
  if (arguments.given("check")) return Exit::ok;
  if (const auto told =
          announce_ready((*server)->urls(), std::string(arguments.text("ready-file")), std::cout);
      !told)
    return tell(what, told.error(), "choose a --ready-file that can be written"), Exit::failed;
  (*server)->run(std::chrono::seconds{*seconds});
  print_rows(std::cout, (*server)->summary(), arguments.text("output"));
  return Exit::ok;
}

}  // namespace

std::vector<Verb> relay_verbs() {
  return {
      {.path = "relay",
       .summary = "run a relay node of SEALDD: QUIC for native clients, WebTransport for browsers",
       .example = "  lobo relay -c config/relay.yaml\n"
                  "  lobo relay -c config/relay.yaml --seconds 60 -o json",
       .options = {{.name = "-c,--config", .help = "the configuration", .required = true},
                   {.name = "--seconds",
                    .help = "end by itself after these; 0: at Ctrl-C",
                    .fallback = "0"},
                   {.name = "--ready-file", .help = "where to write its addresses once it serves"},
                   {.name = "--check",
                    .help = "read the configuration, open all, and end",
                    .takes = Option::Takes::nothing},
                   output_option()},
       .run = run_relay}};
}

}  // namespace lobo::app
