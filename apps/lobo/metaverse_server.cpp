#include "metaverse_server.hpp"

#include <signal.h>

#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/system_rng.hpp"
#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/media/media_files.hpp"
#include "adapters/metrics/prometheus_metrics.hpp"
#include "adapters/store/sqlite_store.hpp"
#include "admin_routes.hpp"
#include "api/mm_das.hpp"
#include "api/mm_mdrb.hpp"
#include "api/mm_pol.hpp"
#include "authentication.hpp"
#include "base/result.hpp"
#include "capabilities.hpp"
#include "config.hpp"
#include "core_door.hpp"
#include "graph/metaverse_plane.hpp"
#include "listeners.hpp"
#include "runtime/network_peer.hpp"
#include "runtime/ports.hpp"
#include "runtime/router.hpp"
#include "runtime/traced.hpp"
#include "services/metaverse/media_store.hpp"
#include "services/metaverse/ports.hpp"
#include "web_origins.hpp"
#include "wire/http/ssrf.hpp"
#include "wire/http/url.hpp"
#include "wire/resource/route.hpp"
#include "wiring.hpp"

namespace lobo::app {
namespace {

using runtime::Level;

std::string without_slash(std::string uri) {
  while (uri.ends_with('/')) uri.pop_back();
  return uri;
}

Result<metaverse::Settings> metaverse_settings(const MetaverseConfig& config,
                                               const std::string& first_url) {
  metaverse::Settings out;
  out.api_root = without_slash(config.base_uri.empty() ? first_url : config.base_uri);
  out.callback_base =
      config.callback_base.empty() ? out.api_root : without_slash(config.callback_base);
  out.operators = config.operators;
  out.limits = config.sessions;
  auto sinks = http::SinkPolicy::from(config.sinks.allow, config.sinks.https_only);
  if (!sinks) return fail(sinks.error());
  out.sinks = std::move(*sinks);
  return out;
}

/// The files of the adapter as the service wants them.
class MediaFolder final : public metaverse::MediaStore {
 public:
  explicit MediaFolder(std::unique_ptr<adapters::media::MediaFiles> files)
      : files_(std::move(files)) {}
  void write(std::string file, std::uint64_t offset, std::string octets, bool last,
             Done done) override {
    files_->write(std::move(file), offset, std::move(octets), last, std::move(done));
  }
  Result<std::string> read(std::string_view file, std::uint64_t offset,
                           std::uint64_t bytes) const override {
    return files_->read(file, offset, bytes);
  }
  void erase(std::string_view file) override { files_->erase(file); }
  Result<void> keep_only(const std::vector<std::string>& files) override {
    return files_->keep_only(files);
  }

 private:
  std::unique_ptr<adapters::media::MediaFiles> files_;
};

}  // namespace

// Members stand in the order of construction: whoever uses another stands below it.
struct MetaverseServer::Parts {
  Parts(const MetaverseConfig& given, adapters::EventLoop& on) : config(given), loop(on) {}

  MetaverseConfig config;
  adapters::EventLoop& loop;
  adapters::SystemClock clock;
  adapters::crypto::SystemRng rng;
  adapters::metrics::PrometheusMetrics metrics;
  std::unique_ptr<runtime::Log> log;
  std::unique_ptr<runtime::Trace> trace;
  std::unique_ptr<adapters::store::SqliteStore> store;
  http::Url sealdd_root;
  std::unique_ptr<CoreDoor> sealdd;
  http::Url nrm_root;
  std::unique_ptr<CoreDoor> nrm;  ///< null: the network is not asked
  std::unique_ptr<adapters::HttpClient> sinks;
  std::unique_ptr<runtime::HttpClient> sinks_traced;
  std::unique_ptr<Authentication> authentication;
  std::unique_ptr<MediaFolder> media;
  std::unique_ptr<MetaversePlane> plane;
  std::unique_ptr<AdminSources> admin_sources;
  std::unique_ptr<AdminHandler> admin;
  std::unique_ptr<runtime::TracedHandler> traced;
  std::unique_ptr<WebOrigins> pages;
  Listeners listeners;
  bool draining = false;

  Result<void> open_store();
  Result<void> open_media();
  Result<void> connect();
  Result<void> listen();
  Result<void> build();
  void administrate();
  void drain();
};

Result<void> MetaverseServer::Parts::open_store() {
  auto opened = adapters::store::SqliteStore::open({.file = config.store_path}, loop, &metrics);
  if (!opened) return fail(opened.error());
  store = std::move(*opened);
  return {};
}

Result<void> MetaverseServer::Parts::open_media() {
  if (config.media_path.empty()) return {};
  auto opened = adapters::media::MediaFiles::open(
      {.folder = config.media_path, .bytes_max = config.media_megabytes << 20U}, loop);
  if (!opened) return fail(opened.error());
  media = std::make_unique<MediaFolder>(std::move(*opened));
  return {};
}

Result<void> MetaverseServer::Parts::connect() {
  auto root = http::parse_url(config.sealdd.uri);
  if (!root) return fail(root.error());
  sealdd_root = std::move(*root);
  // SEALDD is reached as a NEF is: connections, tokens, patience and trace are the same.
  auto opened =
      CoreDoor::open(config.sealdd, CoreType::nef, sealdd_root, {loop, clock, rng, trace.get()});
  if (!opened) return fail(opened.error());
  sealdd = std::move(*opened);
  if (config.nrm) {
    auto nrm_url = http::parse_url(config.nrm->uri);
    if (!nrm_url) return fail(nrm_url.error());
    nrm_root = std::move(*nrm_url);
    auto door =
        CoreDoor::open(*config.nrm, CoreType::nef, nrm_root, {loop, clock, rng, trace.get()});
    if (!door) return fail(door.error());
    nrm = std::move(*door);
  }
  adapters::ClientConfig sink_rules;
  sink_rules.admits = [this](std::string_view host, std::string_view address) {
    return plane->settings().sinks.admits(host, address);
  };
  sinks = std::make_unique<adapters::HttpClient>(loop, std::move(sink_rules));
  if (trace)
    sinks_traced = std::make_unique<runtime::TracedClient>(*sinks, *trace, "mmes", clock, rng);
  return {};
}

Result<void> MetaverseServer::Parts::listen() {
  return listeners.open(loop, config.servers, config.metrics, config.limits);
}

Result<void> MetaverseServer::Parts::build() {
  auto settings = metaverse_settings(config, listeners.urls().front());
  if (!settings) return fail(settings.error());
  std::vector<resource::Operation> operations;
  for (const auto& some :
       {api::mm_das::operations(), api::mm_pol::operations(), api::mm_mdrb::operations()})
    operations.insert(operations.end(), some.begin(), some.end());
  auto opened = Authentication::open(config.auth, operations, loop, clock);
  if (!opened) return fail(opened.error());
  authentication = std::move(*opened);
  plane = std::make_unique<MetaversePlane>(
      MetaversePlane::Config{
          .metaverse = std::move(*settings),
          .sealdd = {.name = std::string(metaverse::sealdd_peer),
                     .scheme = sealdd_root.scheme,
                     .authority = sealdd_root.authority(),
                     .path_prefix = without_slash(sealdd_root.target),
                     .redirect_authorities = {}},
          .router = {.resources_per_owner_max = config.quotas.resources_per_client,
                     .requests_per_second = config.quotas.requests_per_second,
                     .request_burst = static_cast<double>(config.quotas.burst)},
          .notifier = {},
          .media = {.asset_bytes_max = config.asset_megabytes << 20U},
          .nrm = config.nrm ? std::optional(
                                  runtime::PeerConfig{.name = std::string(metaverse::nrm_peer),
                                                      .scheme = nrm_root.scheme,
                                                      .authority = nrm_root.authority(),
                                                      .path_prefix = without_slash(nrm_root.target),
                                                      .redirect_authorities = {}})
                            : std::nullopt},
      MetaversePlane::Ports{
          .store = *store,
          .scheduler = loop,
          .clock = clock,
          .secrets = rng,
          .jitter = rng,
          .sealdd = sealdd->client(),
          .sealdd_tokens = sealdd->tokens(),
          .sinks = sinks_traced ? *sinks_traced : static_cast<runtime::HttpClient&>(*sinks),
          .authenticator = authentication->port(),
          .log = *log,
          .metrics = metrics,
          .nrm = nrm ? &nrm->client() : nullptr,
          .nrm_tokens = nrm ? nrm->tokens() : nullptr,
          .media = media.get()});
  runtime::HttpHandler* front = &plane->router();
  if (trace) {
    traced = std::make_unique<runtime::TracedHandler>(*front, *trace, "mmes", clock);
    front = traced.get();
  }
  if (!config.web_origins.empty()) {
    pages = std::make_unique<WebOrigins>(config.web_origins,
                                         std::vector<std::string>{"/mm-das/v1/"}, *front);
    front = pages.get();
  }
  listeners.applications.hand_to(*front);
  administrate();
  return plane->start();
}

void MetaverseServer::Parts::administrate() {
  admin_sources = std::make_unique<AdminSources>(AdminSources{
      .metrics = [this] { return metrics.expose(); },
      .ready = [this]() -> Result<void> {
        if (draining) return fail(Errc::unavailable, "the server is shutting down");
        if (store->failing()) return fail(Errc::unavailable, "the store cannot be written");
        return {};
      },
      .capabilities = [this] { return capabilities_of(plane->router().operations(), false); },
      .store = *store,
      .notifier = plane->notifier()});
  admin = std::make_unique<AdminHandler>(*admin_sources);
  listeners.administration.hand_to(*admin);
}

void MetaverseServer::Parts::drain() {
  if (draining) return loop.stop();  // asked twice: at once
  draining = true;
  log->event(Level::info, "draining", {{"patience_ms", config.limits.drain_time.count()}});
  listeners.drain(config.limits.drain_time, [this] { loop.stop(); });
}

Result<std::unique_ptr<MetaverseServer>> MetaverseServer::open(const MetaverseConfig& config,
                                                               const LoggerConfig& logger,
                                                               adapters::EventLoop& loop) {
  auto parts = std::make_unique<Parts>(config, loop);
  auto log = open_log(logger, "mmes", loop, parts->clock);
  if (!log) return fail(log.error());
  parts->log = std::move(*log);
  auto trace = open_trace(config.trace, "mmes");
  if (!trace) return fail(trace.error());
  parts->trace = std::move(*trace);
  for (const auto stage :
       {&Parts::open_store, &Parts::open_media, &Parts::connect, &Parts::listen, &Parts::build})
    if (auto done = (*parts.*stage)(); !done) return fail(done.error());
  if (config.auth.mode == AuthMode::off)
    parts->log->event(Level::warn, "authentication_off",
                      {{"note", "whoever reaches this loopback address may do everything"}});
  return std::unique_ptr<MetaverseServer>(new MetaverseServer(std::move(parts)));
}

MetaverseServer::MetaverseServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
MetaverseServer::~MetaverseServer() = default;

std::vector<std::string> MetaverseServer::urls() const { return parts_->listeners.urls(); }

void MetaverseServer::stop_at_signals() {
  for (const int number : {SIGTERM, SIGINT})
    parts_->loop.on_signal(number, [this] { parts_->drain(); });
}

}  // namespace lobo::app
