// `lobo energy agent | steer | manifest | ue`.
#include <fmt/format.h>

#include <cstddef>
#include <fstream>
#include <ios>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "cli.hpp"
#include "cmd_energy_ue.hpp"
#include "commands.hpp"
#include "config.hpp"
#include "config_files.hpp"
#include "energy_servers.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "ready.hpp"
#include "wire/manifest/steering_tags.hpp"

namespace lobo::app {
namespace {

/// The configuration with its files, or what was told and the code to end with.
Result<Config> usable_config(const Arguments& arguments, std::string_view what,
                             std::string_view section, bool (*present)(const Config&)) {
  const std::string file(arguments.text("config"));
  auto config = load_config(file);
  if (!config) {
    tell(what, config.error(), "lobo config check " + file);
    return config;
  }
  if (!present(*config)) {
    const Error missing{Errc::missing, fmt::format("{} has no section {}", file, section), {}};
    tell(what, missing, "see config/ for one");
    return fail(missing);
  }
  if (const auto files = check_files(*config); !files) {
    tell(what, files.error());
    return fail(files.error());
  }
  return config;
}

Exit agent(const Arguments& arguments) {
  constexpr std::string_view what = "the energy agent does not start";
  const auto config = usable_config(arguments, what, "energy_agent", [](const Config& read) {
    return read.energy_agent.has_value();
  });
  if (!config) return Exit::configuration;
  const auto server = EnergyAgentServer::open(*config);
  if (!server) return tell(what, server.error()), Exit::failed;
  if (const auto told = announce_ready({config->energy_agent->agent.as_instance_id},
                                       std::string(arguments.text("ready-file")), std::cout);
      !told)
    return tell(what, told.error(), "choose a --ready-file that can be written"), Exit::failed;
  (*server)->run();
  return Exit::ok;
}

Exit steer(const Arguments& arguments) {
  constexpr std::string_view what = "the steering endpoint does not start";
  const auto config = usable_config(arguments, what, "energy_steering", [](const Config& read) {
    return read.energy_steering.has_value();
  });
  if (!config) return Exit::configuration;
  const auto server = SteeringServer::open(*config);
  if (!server) return tell(what, server.error()), Exit::failed;
  if (const auto told =
          announce_ready((*server)->urls(), std::string(arguments.text("ready-file")), std::cout);
      !told)
    return tell(what, told.error(), "choose a --ready-file that can be written"), Exit::failed;
  (*server)->run();
  return Exit::ok;
}

Result<std::string> read_manifest(const std::string& path) {
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& in = path == "-" ? std::cin : file;
  if (!in) return fail(Errc::not_found, "cannot read " + path);
  std::string text(manifest::manifest_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (in.bad()) return fail(Errc::unavailable, "cannot read " + path);
  return text;
}

Result<manifest::SteeringTags> tags_of(const Arguments& arguments) {
  manifest::SteeringTags tags;
  std::string ids;
  for (const auto& word : arguments.all("location")) {
    const auto equals = word.find('=');
    if (equals == std::string::npos)
      return fail(Errc::malformed, "--location wants ID=URL, such as SL1=http://127.0.1.1:8080/");
    auto url = word.substr(equals + 1);
    if (!url.ends_with('/')) url += '/';
    tags.locations.push_back({word.substr(0, equals), std::move(url)});
    (ids += ids.empty() ? "" : ",") += word.substr(0, equals);
  }
  tags.server_url = arguments.text("steering");
  // The endpoint has to know what the manifest names: it clones only what it does not.
  tags.server_url += (tags.server_url.find('?') == std::string::npos ? "?p=" : "&p=") + ids;
  tags.default_location = arguments.text("default");
  tags.query_before_start = !arguments.given("play-first");
  return tags;
}

Exit manifest_tags(const Arguments& arguments) {
  constexpr std::string_view what = "the manifest is not changed";
  const auto tags = tags_of(arguments);
  if (!tags) return tell(what, tags.error(), "lobo energy manifest --help"), Exit::usage;
  if (const auto good = manifest::check(*tags); !good)
    return tell(what, good.error(), "lobo energy manifest --help"), Exit::usage;
  const auto text = read_manifest(std::string(arguments.text("in")));
  if (!text) return tell(what, text.error()), Exit::failed;
  const auto done = manifest::with_steering(*text, *tags);
  if (!done) return tell(what, done.error()), Exit::failed;
  const std::string out(arguments.text("out"));
  if (out.empty() || out == "-") {
    std::cout << *done << std::flush;
    return std::cout ? Exit::ok : Exit::failed;
  }
  std::ofstream file(out, std::ios::binary | std::ios::trunc);
  file << *done << std::flush;
  if (!file) return tell(what, {Errc::unavailable, "cannot write " + out, {}}), Exit::failed;
  return Exit::ok;
}

}  // namespace

std::vector<Verb> energy_verbs() {
  return {
      {.path = "energy agent",
       .summary = "measure or model a media server's energy, report it to the media AF, stand by "
                  "when told to",
       .example = "  lobo energy agent -c config/energy-agent.yaml",
       .options = {{.name = "-c,--config", .help = "the configuration", .required = true},
                   {.name = "--ready-file", .help = "where to write a line once it runs"}},
       .run = agent},
      {.path = "energy steer",
       .summary = "answer content steering of DASH and HLS players by a plan",
       .example = "  lobo energy steer -c config/energy-steering.yaml\n"
                  "  kill -HUP PID        # after the plan's file has changed",
       .options = {{.name = "-c,--config", .help = "the configuration", .required = true},
                   {.name = "--ready-file", .help = "where to write the URL once it listens"}},
       .run = steer},
      {.path = "energy manifest",
       .summary = "give an MPD or an HLS multivariant playlist its service locations and the "
                  "steering server",
       .example = "  lobo energy manifest in.mpd -o out.mpd "
                  "--location SL1=http://127.0.1.1:8080/ --location SL2=http://127.0.1.2:8080/ "
                  "--steering http://127.0.0.68:7777/steer/dash",
       .options = {{.name = "IN", .help = "the manifest; - reads standard input", .required = true},
                   {.name = "-o,--out", .help = "where it goes; else to standard output"},
                   {.name = "--location",
                    .help = "ID=URL of a service location; may be given again",
                    .takes = Option::Takes::values,
                    .required = true},
                   {.name = "--steering",
                    .help = "URL of the steering endpoint, with ?g=GROUP for a group of sessions",
                    .required = true},
                   {.name = "--default", .help = "where to begin; else at the first location"},
                   {.name = "--play-first",
                    .help = "DASH: begin at the default, ask afterwards",
                    .takes = Option::Takes::nothing}},
       .run = manifest_tags},
      energy_ue_verb()};
}

}  // namespace lobo::app
