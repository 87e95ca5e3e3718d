#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "base/result.hpp"
#include "cli.hpp"
#include "commands.hpp"
#include "config.hpp"
#include "config_files.hpp"
#include "exit_code.hpp"
#include "media_server.hpp"
#include "metaverse_server.hpp"
#include "output.hpp"
#include "ready.hpp"
#include "sealdd_server.hpp"
#include "server.hpp"

namespace lobo::app {
namespace {

/// What cannot be created is told by the store, which names the file.
void make_folder_of(const std::string& file) {
  const auto folder = std::filesystem::path(file).parent_path();
  std::error_code ignored;
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
}

Exit serve(const Arguments& arguments) {
  constexpr std::string_view what = "the server does not start";
  constexpr std::string_view hint = "`lobo config check` looks at the file; the log says more";
  const std::string file(arguments.text("config"));
  const auto config = load_config(file);
  if (!config) return tell(what, config.error(), "lobo config check " + file), Exit::configuration;
  if (!config->nrm && !config->media_energy && !config->sealdd && !config->metaverse) {
    tell(what,
         {Errc::missing,
          file + " has none of the sections nrm, media_energy, sealdd, metaverse",
          {}},
         "see config/standalone.yaml, config/media.yaml, config/sealdd.yaml and "
         "config/metaverse.yaml");
    return Exit::configuration;
  }
  if (const auto files = check_files(*config); !files)
    return tell(what, files.error()), Exit::configuration;
  std::vector<std::string> urls;
  std::unique_ptr<NrmServer> nrm;
  if (config->nrm) {
    make_folder_of(config->nrm->store_path);
    auto opened = NrmServer::open(*config, file);
    if (!opened) return tell(what, opened.error(), hint), Exit::failed;
    nrm = std::move(*opened);
    urls = nrm->urls();
  }
  // One loop for all: that of the NRM where there is one. The first of them ends the process.
  std::optional<adapters::EventLoop> own;
  auto& loop = nrm ? nrm->loop() : own.emplace();
  std::unique_ptr<MediaServer> media;
  if (config->media_energy) {
    make_folder_of(config->media_energy->store_path);
    auto opened = MediaServer::open(*config->media_energy, config->logger, loop);
    if (!opened) return tell(what, opened.error(), hint), Exit::failed;
    media = std::move(*opened);
    for (auto& url : media->urls()) urls.push_back(std::move(url));
    if (!nrm) media->stop_at_signals();
  }
  std::unique_ptr<SealddServer> sealdd;
  if (config->sealdd) {
    make_folder_of(config->sealdd->store_path);
    auto opened = SealddServer::open(*config->sealdd, config->logger, loop);
    if (!opened) return tell(what, opened.error(), hint), Exit::failed;
    sealdd = std::move(*opened);
    for (auto& url : sealdd->urls()) urls.push_back(std::move(url));
    if (!nrm && !media) sealdd->stop_at_signals();
  }
  std::unique_ptr<MetaverseServer> metaverse;
  if (config->metaverse) {
    make_folder_of(config->metaverse->store_path);
    auto opened = MetaverseServer::open(*config->metaverse, config->logger, loop);
    if (!opened) return tell(what, opened.error(), hint), Exit::failed;
    metaverse = std::move(*opened);
    for (auto& url : metaverse->urls()) urls.push_back(std::move(url));
    if (!nrm && !media && !sealdd) metaverse->stop_at_signals();
  }
  if (const auto told = announce_ready(urls, std::string(arguments.text("ready-file")), std::cout);
      !told)
    return tell(what, told.error(), "choose a --ready-file that can be written"), Exit::failed;
  loop.run();
  return Exit::ok;
}

}  // namespace

std::vector<Verb> serve_verbs() {
  return {{.path = "serve",
           .summary = "run the servers that the configuration has (nrm, media_energy, sealdd, "
                      "metaverse); SIGTERM ends "
                      "them gracefully, SIGHUP reads the configuration of nrm again",
           .example = "  lobo serve -c config/standalone.yaml",
           .options = {{.name = "-c,--config", .help = "the configuration", .required = true},
                       {.name = "--ready-file", .help = "where to write the URLs once it listens"}},
           .run = serve}};
}

}  // namespace lobo::app
