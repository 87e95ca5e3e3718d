#include <fmt/format.h>

#include <cstdint>
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
#include "model/address.hpp"
#include "output.hpp"

namespace lobo::app {
namespace {

void summarise(std::vector<std::vector<Cell>>& rows, std::string_view section,
               const std::vector<ServerAddress>& servers) {
  for (const auto& server : servers)
    rows.push_back(
        {std::string(section), server.address, std::int64_t{server.port}, server.tls.has_value()});
}

/// Where the user plane listens.
template <class Listen>
void summarise(std::vector<std::vector<Cell>>& rows, std::string_view section,
               const std::vector<Listen>& servers) {
  for (const auto& server : servers)
    rows.push_back(
        {std::string(section), model::to_text(server.address), std::int64_t{server.port}, false});
}

Exit check(const Arguments& arguments) {
  const std::string path(arguments.text("file"));
  auto config = load_config(path);
  if (config)
    if (const auto files = check_files(*config); !files) config = fail(files.error());
  if (!config) {
    tell("cannot use the configuration", config.error(),
         "correct the lines above; docs/configuration.md lists the keys");
    return Exit::configuration;
  }
  Rows rows{.columns = {"section", "address", "port", "tls"}, .rows = {}};
  if (config->nrm) summarise(rows.rows, "nrm", config->nrm->servers);
  if (config->metaverse) summarise(rows.rows, "metaverse", config->metaverse->servers);
  if (config->nrm) summarise(rows.rows, "nrm.metrics", config->nrm->metrics);
  if (config->netsim) summarise(rows.rows, "netsim", config->netsim->servers);
  if (config->upf) summarise(rows.rows, "upf.pfcp", config->upf->pfcp);
  if (config->upf) summarise(rows.rows, "upf.metrics", config->upf->metrics);
  if (config->energy_steering)
    summarise(rows.rows, "energy_steering", config->energy_steering->servers);
  if (config->gnb) summarise(rows.rows, "gnb.n3", std::vector{config->gnb->n3});
  if (config->gnb) summarise(rows.rows, "gnb.air", config->gnb->air);
  if (config->gnb) summarise(rows.rows, "gnb.metrics", config->gnb->metrics);
  if (config->relay)
    rows.rows.push_back({"relay", config->relay->address, std::int64_t{config->relay->port}, true});
  print_rows(std::cout, rows, arguments.text("output"));
  if (config->nrm && config->nrm->auth.mode == AuthMode::off)
    std::cerr << "note: authentication is off; the server will answer on loopback only\n";
  return Exit::ok;
}

}  // namespace

std::vector<Verb> config_verbs() {
  return {{.path = "config check",
           .summary = "say whether a configuration is usable, and what is wrong with it",
           .example = "  lobo config check config/standalone.yaml\n"
                      "  lobo config check -o json /etc/lobodon/lobo.yaml",
           .options = {{.name = "FILE", .help = "the configuration to check", .required = true},
                       output_option()},
           .run = check}};
}

}  // namespace lobo::app
