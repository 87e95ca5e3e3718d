// `lobo gnb`: an emulated gNB between N3 and `lobo ue`.
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
#include "gnb_server.hpp"
#include "json_rows.hpp"
#include "output.hpp"
#include "ready.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view what = "the gNB does not start";
constexpr std::uint64_t seconds_max = 31'536'000;

const std::vector<Column> columns{{"ue", "ue"},
                                  {"qfi", "qfi"},
                                  {"received", "received"},
                                  {"delivered", "delivered"},
                                  {"dropped", "dropped"},
                                  {"by", "dropped_by"},
                                  {"radio", "lost_on_radio"},
                                  {"sets", "sets"},
                                  {"delivered sets", "sets_delivered"},
                                  {"damaged", "sets_damaged"},
                                  {"lost", "sets_lost"},
                                  {"late", "sets_late"},
                                  {"delay mean ms", "delay_mean_ms"},
                                  {"delay max ms", "delay_max_ms"},
                                  {"oddities", "oddities"},
                                  {"not held", "not_held"},
                                  {"reasons", "reasons"},
                                  {"uplink", "uplink"}};

void print_summary(const GnbServer& server, std::string_view form) {
  const json::Value flows = server.summary();
  if (form == "json")
    std::cout << json::to_text(flows) << '\n';
  else
    print_rows(std::cout, rows_of(&flows, columns), form);
}

Exit gnb(const Arguments& arguments) {
  const std::string file(arguments.text("config"));
  const auto seconds = number_option(arguments, "seconds", 0, seconds_max);
  if (!seconds) return tell(what, seconds.error(), "lobo gnb --help"), Exit::usage;
  auto config = load_config(file);
  if (!config) return tell(what, config.error(), "lobo config check " + file), Exit::configuration;
  if (!config->gnb) {
    tell(what, {Errc::missing, file + " has no section gnb", {}}, "see config/gnb.yaml for one");
    return Exit::configuration;
  }
  if (const auto files = check_files(*config); !files)
    return tell(what, files.error()), Exit::configuration;
  const auto server = GnbServer::open(*config);
  if (!server) return tell(what, server.error()), Exit::failed;
  if (arguments.given("check")) return Exit::ok;
  const auto form = arguments.text("output");
  if (const auto told =
          announce_ready((*server)->urls(), std::string(arguments.text("ready-file")), std::cout);
      !told)
    return tell(what, told.error(), "choose a --ready-file that can be written"), Exit::failed;
  (*server)->run(std::chrono::seconds{*seconds});
  print_summary(**server, form);
  return Exit::ok;
}

}  // namespace

std::vector<Verb> gnb_verbs() {
  return {
      {.path = "gnb",
       .summary = "run an emulated gNB: N3 to UEs through a cell of a given rate, with "
                  "PDU-Set-aware queues, delay and loss",
       .example = "  lobo gnb -c config/gnb.yaml\n"
                  "  lobo gnb -c config/gnb.yaml --seconds 60 -o json",
       .options = {{.name = "-c,--config", .help = "the configuration", .required = true},
                   {.name = "--seconds",
                    .help = "end by itself after these; 0: at Ctrl-C",
                    .fallback = "0"},
                   {.name = "--ready-file", .help = "where to write its addresses once it serves"},
                   {.name = "--check",
                    .help = "read the configuration, open all, and end",
                    .takes = Option::Takes::nothing},
                   output_option()},
       .run = gnb}};
}

}  // namespace lobo::app
