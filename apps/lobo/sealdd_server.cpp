#include "sealdd_server.hpp"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "adapters/crypto/flow_token.hpp"
#include "adapters/crypto/pki.hpp"
#include "adapters/crypto/system_rng.hpp"
#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/metrics/prometheus_metrics.hpp"
#include "adapters/store/sqlite_store.hpp"
#include "admin_routes.hpp"
#include "authentication.hpp"
#include "base/result.hpp"
#include "capabilities.hpp"
#include "config.hpp"
#include "core_door.hpp"
#include "graph/sealdd_plane.hpp"
#include "listeners.hpp"
#include "runtime/network_peer.hpp"
#include "runtime/ports.hpp"
#include "runtime/router.hpp"
#include "runtime/traced.hpp"
#include "services/sealdd/ports.hpp"
#include "services/sealdd/routes.hpp"
#include "wire/http/ssrf.hpp"
#include "wire/http/url.hpp"
#include "wire/json/formats.hpp"
#include "wire/resource/route.hpp"
#include "wiring.hpp"

namespace lobo::app {
namespace {

using runtime::Level;

std::chrono::seconds whole(std::chrono::milliseconds time) {
  return std::chrono::ceil<std::chrono::seconds>(time);
}

Result<sealdd::Settings> sealdd_settings(const SealddConfig& config, const std::string& first_url,
                                         const adapters::crypto::FlowPublicKey& key) {
  sealdd::Settings out;
  out.api_root = config.base_uri.empty() ? first_url : config.base_uri;
  while (out.api_root.ends_with('/')) out.api_root.pop_back();
  auto sinks = http::SinkPolicy::from(config.sinks.allow, config.sinks.https_only);
  if (!sinks) return fail(sinks.error());
  out.sinks = std::move(*sinks);
  out.lease = config.lease;
  out.drain = config.drain;
  for (const auto* peer : {&config.mmes, &config.nrm})
    if (*peer) out.call_deadline = std::min(out.call_deadline, (*peer)->deadline);
  out.settle = config.settle;
  out.token_life = whole(config.token_life);
  out.connection_life = whole(config.connection_life);
  std::string raw;
  for (const auto octet : key.raw) raw += std::to_integer<char>(octet);
  out.token_keys.push_back({key.id, json::base64_encode(raw)});
  return out;
}

/// The key that signs, made where there is none yet.
Result<std::unique_ptr<adapters::crypto::FlowTokenSigner>> open_signer(const std::string& folder) {
  const auto file = std::filesystem::path(folder) / "flow.key";
  std::error_code unknown;
  if (!std::filesystem::exists(file, unknown)) {
    std::filesystem::create_directories(folder, unknown);
    if (auto made = adapters::crypto::make_flow_key_files(folder); !made)
      return fail(std::move(made.error()));
  }
  return adapters::crypto::FlowTokenSigner::open(file.string());
}

/// Keys lie beside the store where nothing else is said.
std::string keys_folder(const SealddConfig& config) {
  if (!config.token_keys.empty()) return config.token_keys;
  const auto folder = std::filesystem::path(config.store_path).parent_path();
  return (folder / "flow").string();
}

/// A server that is asked, where one is configured. It is reached as a NEF is: connections, tokens,
/// patience and trace are the same.
struct Peer {
  http::Url root;
  std::unique_ptr<CoreDoor> door;

  Result<void> open(const std::optional<NefConfig>& config, const CoreDoor::Ports& ports) {
    if (!config) return {};
    auto url = http::parse_url(config->uri);
    if (!url) return fail(url.error());
    root = std::move(*url);
    auto opened = CoreDoor::open(*config, CoreType::nef, root, ports);
    if (!opened) return fail(opened.error());
    door = std::move(*opened);
    return {};
  }
  std::optional<runtime::PeerConfig> config(std::string_view name) const {
    if (!door) return std::nullopt;
    auto prefix = root.target;
    while (prefix.ends_with('/')) prefix.pop_back();
    return runtime::PeerConfig{.name = std::string(name),
                               .scheme = root.scheme,
                               .authority = root.authority(),
                               .path_prefix = std::move(prefix),
                               .redirect_authorities = {}};
  }
  runtime::HttpClient* client() const { return door ? &door->client() : nullptr; }
  runtime::TokenProvider* tokens() const { return door ? door->tokens() : nullptr; }
};

}  // namespace

// Members stand in the order of construction: whoever uses another stands below it.
struct SealddServer::Parts {
  Parts(const SealddConfig& given, adapters::EventLoop& on) : config(given), loop(on) {}

  SealddConfig config;
  adapters::EventLoop& loop;
  adapters::SystemClock clock;
  adapters::crypto::SystemRng rng;
  adapters::metrics::PrometheusMetrics metrics;
  std::unique_ptr<runtime::Log> log;
  std::unique_ptr<runtime::Trace> trace;
  std::unique_ptr<adapters::store::SqliteStore> store;
  std::unique_ptr<adapters::crypto::FlowTokenSigner> signer;
  Peer mmes;
  Peer nrm;
  std::unique_ptr<adapters::HttpClient> sinks;
  std::unique_ptr<runtime::HttpClient> sinks_traced;
  std::unique_ptr<Authentication> authentication;
  std::unique_ptr<SealddPlane> plane;
  std::unique_ptr<AdminSources> admin_sources;
  std::unique_ptr<AdminHandler> admin;
  std::unique_ptr<runtime::TracedHandler> traced;
  Listeners listeners;
  bool draining = false;

  Result<void> open_store();
  Result<void> listen();
  Result<void> build();
  void drain();
};

Result<void> SealddServer::Parts::open_store() {
  auto opened = adapters::store::SqliteStore::open({.file = config.store_path}, loop, &metrics);
  if (!opened) return fail(opened.error());
  store = std::move(*opened);
  return {};
}

Result<void> SealddServer::Parts::listen() {
  return listeners.open(loop, config.servers, config.metrics, config.limits);
}

Result<void> SealddServer::Parts::build() {
  auto key = open_signer(keys_folder(config));
  if (!key) return fail(key.error());
  signer = std::move(*key);
  auto settings = sealdd_settings(config, listeners.urls().front(), signer->public_key());
  if (!settings) return fail(settings.error());
  if (auto opened = mmes.open(config.mmes, {loop, clock, rng, trace.get()}); !opened)
    return fail(opened.error());
  if (auto opened = nrm.open(config.nrm, {loop, clock, rng, trace.get()}); !opened)
    return fail(opened.error());
  adapters::ClientConfig sink_rules;
  sink_rules.admits = [this](std::string_view host, std::string_view address) {
    return plane->settings().sinks.admits(host, address);
  };
  sinks = std::make_unique<adapters::HttpClient>(loop, std::move(sink_rules));
  if (trace)
    sinks_traced = std::make_unique<runtime::TracedClient>(*sinks, *trace, "sealdd", clock, rng);
  std::vector<resource::Operation> operations;
  for (const auto& operation : sealdd::operations()) operations.push_back(operation);
  auto opened = Authentication::open(config.auth, operations, loop, clock);
  if (!opened) return fail(opened.error());
  authentication = std::move(*opened);
  plane = std::make_unique<SealddPlane>(
      SealddPlane::Config{.sealdd = std::move(*settings),
                          .router = {.resources_per_owner_max = config.quotas.resources_per_client,
                                     .requests_per_second = config.quotas.requests_per_second,
                                     .request_burst = static_cast<double>(config.quotas.burst)},
                          .notifier = {},
                          .mmes = mmes.config(sealdd::mmes_peer),
                          .nrm = nrm.config(sealdd::nrm_peer)},
      SealddPlane::Ports{
          .store = *store,
          .scheduler = loop,
          .clock = clock,
          .secrets = rng,
          .jitter = rng,
          .sinks = sinks_traced ? *sinks_traced : static_cast<runtime::HttpClient&>(*sinks),
          .authenticator = authentication->port(),
          .log = *log,
          .metrics = metrics,
          .signer = *signer,
          .mmes = mmes.client(),
          .mmes_tokens = mmes.tokens(),
          .nrm = nrm.client(),
          .nrm_tokens = nrm.tokens()});
  runtime::HttpHandler* front = &plane->router();
  if (trace) {
    traced = std::make_unique<runtime::TracedHandler>(*front, *trace, "sealdd", clock);
    front = traced.get();
  }
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

void SealddServer::Parts::drain() {
  if (draining) return loop.stop();  // asked twice: at once
  draining = true;
  log->event(Level::info, "draining", {{"patience_ms", config.limits.drain_time.count()}});
  listeners.drain(config.limits.drain_time, [this] { loop.stop(); });
}

Result<std::unique_ptr<SealddServer>> SealddServer::open(const SealddConfig& config,
                                                         const LoggerConfig& logger,
                                                         adapters::EventLoop& loop) {
  auto parts = std::make_unique<Parts>(config, loop);
  auto log = open_log(logger, "sealdd", loop, parts->clock);
  if (!log) return fail(log.error());
  parts->log = std::move(*log);
  auto trace = open_trace(config.trace, "sealdd");
  if (!trace) return fail(trace.error());
  parts->trace = std::move(*trace);
  for (const auto stage : {&Parts::open_store, &Parts::listen, &Parts::build})
    if (auto done = (*parts.*stage)(); !done) return fail(done.error());
  if (config.auth.mode == AuthMode::off)
    parts->log->event(Level::warn, "authentication_off",
                      {{"note", "whoever reaches this loopback address may do everything"}});
  return std::unique_ptr<SealddServer>(new SealddServer(std::move(parts)));
}

SealddServer::SealddServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SealddServer::~SealddServer() = default;

std::vector<std::string> SealddServer::urls() const { return parts_->listeners.urls(); }

void SealddServer::stop_at_signals() {
  for (const int number : {SIGTERM, SIGINT})
    parts_->loop.on_signal(number, [this] { parts_->drain(); });
}

}  // namespace lobo::app
