#include "media_server.hpp"

#include <signal.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/system_rng.hpp"
#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/metrics/prometheus_metrics.hpp"
#include "adapters/store/sqlite_store.hpp"
#include "admin_routes.hpp"
#include "api/media_e3.hpp"
#include "api/media_e5.hpp"
#include "api/media_m1.hpp"
#include "api/media_m5.hpp"
#include "api/media_network.hpp"
#include "api/media_steering.hpp"
#include "authentication.hpp"
#include "base/result.hpp"
#include "capabilities.hpp"
#include "config.hpp"
#include "graph/media_plane.hpp"
#include "listeners.hpp"
#include "runtime/ports.hpp"
#include "runtime/router.hpp"
#include "runtime/traced.hpp"
#include "services/media_energy/ports.hpp"
#include "web_origins.hpp"
#include "wire/http/ssrf.hpp"
#include "wire/resource/route.hpp"
#include "wiring.hpp"

namespace lobo::app {
namespace {

using runtime::Level;

std::chrono::seconds whole(std::chrono::milliseconds time) {
  return std::chrono::ceil<std::chrono::seconds>(time);
}

Result<media_energy::Settings> media_settings(const MediaEnergyConfig& config,
                                              const std::string& first_url) {
  media_energy::Settings out;
  out.api_root = config.base_uri.empty() ? first_url : config.base_uri;
  while (out.api_root.ends_with('/')) out.api_root.pop_back();
  out.steering_url = config.steering_uri;
  out.locations = config.locations;
  auto sinks = http::SinkPolicy::from(config.sinks.allow, config.sinks.https_only);
  if (!sinks) return fail(sinks.error());
  out.sinks = std::move(*sinks);
  out.usual_mbps = config.usual_mbps;
  out.remaining_s = std::chrono::duration<double>(config.session_remaining).count();
  out.utilisation = config.utilisation;
  out.spare_share = config.spare_share;
  out.servers_stand_by = config.stand_by;
  out.plan_every = whole(config.plan_every);
  out.plan_spacing = whole(config.plan_spacing);
  out.release_share = config.release_share;
  out.steering_ttl = whole(config.steering_ttl);
  out.veto_time = whole(config.veto_time);
  out.subscription_idle = whole(config.subscription_idle);
  return out;
}

}  // namespace

// Members stand in the order of construction: whoever uses another stands below it.
struct MediaServer::Parts {
  Parts(const MediaEnergyConfig& given, adapters::EventLoop& on) : config(given), loop(on) {}

  MediaEnergyConfig config;
  adapters::EventLoop& loop;
  adapters::SystemClock clock;
  adapters::crypto::SystemRng rng;
  adapters::metrics::PrometheusMetrics metrics;
  std::unique_ptr<runtime::Log> log;
  std::unique_ptr<runtime::Trace> trace;
  std::unique_ptr<adapters::store::SqliteStore> store;
  std::unique_ptr<adapters::HttpClient> sinks;
  std::unique_ptr<runtime::HttpClient> sinks_traced;
  std::unique_ptr<Authentication> authentication;
  std::unique_ptr<MediaPlane> plane;
  std::unique_ptr<AdminSources> admin_sources;
  std::unique_ptr<AdminHandler> admin;
  std::unique_ptr<runtime::TracedHandler> traced;
  std::unique_ptr<WebOrigins> pages;
  Listeners listeners;
  bool draining = false;

  Result<void> open_store();
  Result<void> listen();
  Result<void> build();
  void drain();
};

Result<void> MediaServer::Parts::open_store() {
  auto opened = adapters::store::SqliteStore::open({.file = config.store_path}, loop, &metrics);
  if (!opened) return fail(opened.error());
  store = std::move(*opened);
  return {};
}

Result<void> MediaServer::Parts::listen() {
  return listeners.open(loop, config.servers, config.metrics, config.limits);
}

Result<void> MediaServer::Parts::build() {
  auto settings = media_settings(config, listeners.urls().front());
  if (!settings) return fail(settings.error());
  adapters::ClientConfig sink_rules;
  sink_rules.admits = [this](std::string_view host, std::string_view address) {
    return plane->settings().sinks.admits(host, address);
  };
  sinks = std::make_unique<adapters::HttpClient>(loop, std::move(sink_rules));
  if (trace)
    sinks_traced = std::make_unique<runtime::TracedClient>(*sinks, *trace, "media", clock, rng);
  std::vector<resource::Operation> operations;
  for (const auto& some : {api::media_m1::operations(), api::media_m5::operations(),
                           api::media_e3::operations(), api::media_e5::operations(),
                           api::media_network::operations(), api::media_steering::operations()})
    operations.insert(operations.end(), some.begin(), some.end());
  auto opened = Authentication::open(config.auth, operations, loop, clock);
  if (!opened) return fail(opened.error());
  authentication = std::move(*opened);
  plane = std::make_unique<MediaPlane>(
      MediaPlane::Config{.media = std::move(*settings),
                         .router = {.resources_per_owner_max = config.quotas.resources_per_client,
                                    .requests_per_second = config.quotas.requests_per_second,
                                    .request_burst = static_cast<double>(config.quotas.burst)},
                         .notifier = {}},
      MediaPlane::Ports{
          .store = *store,
          .scheduler = loop,
          .clock = clock,
          .secrets = rng,
          .jitter = rng,
          .sinks = sinks_traced ? *sinks_traced : static_cast<runtime::HttpClient&>(*sinks),
          .authenticator = authentication->port(),
          .log = *log,
          .metrics = metrics});
  runtime::HttpHandler* front = &plane->router();
  if (trace) {
    traced = std::make_unique<runtime::TracedHandler>(*front, *trace, "media", clock);
    front = traced.get();
  }
  if (!config.web_origins.empty()) {
    const auto& prefixes = plane->settings().prefixes;
    pages = std::make_unique<WebOrigins>(
        config.web_origins, std::vector<std::string>{prefixes.m5 + '/', prefixes.e5 + '/'}, *front);
    front = pages.get();
  }
  listeners.take_growing_from(plane->eiaf().growing());
  listeners.applications.hand_to(*front);
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
  return plane->start();
}

void MediaServer::Parts::drain() {
  if (draining) return loop.stop();  // asked twice: at once
  draining = true;
  log->event(Level::info, "draining", {{"patience_ms", config.limits.drain_time.count()}});
  listeners.drain(config.limits.drain_time, [this] { loop.stop(); });
}

Result<std::unique_ptr<MediaServer>> MediaServer::open(const MediaEnergyConfig& config,
                                                       const LoggerConfig& logger,
                                                       adapters::EventLoop& loop) {
  auto parts = std::make_unique<Parts>(config, loop);
  auto log = open_log(logger, "media", loop, parts->clock);
  if (!log) return fail(log.error());
  parts->log = std::move(*log);
  auto trace = open_trace(config.trace, "media");
  if (!trace) return fail(trace.error());
  parts->trace = std::move(*trace);
  for (const auto stage : {&Parts::open_store, &Parts::listen, &Parts::build})
    if (auto done = (*parts.*stage)(); !done) return fail(done.error());
  if (config.auth.mode == AuthMode::off)
    parts->log->event(Level::warn, "authentication_off",
                      {{"note", "whoever reaches this loopback address may do everything"}});
  return std::unique_ptr<MediaServer>(new MediaServer(std::move(parts)));
}

MediaServer::MediaServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
MediaServer::~MediaServer() = default;

std::vector<std::string> MediaServer::urls() const { return parts_->listeners.urls(); }

void MediaServer::stop_at_signals() {
  for (const int number : {SIGTERM, SIGINT})
    parts_->loop.on_signal(number, [this] { parts_->drain(); });
}

}  // namespace lobo::app
