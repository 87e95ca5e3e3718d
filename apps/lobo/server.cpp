#include "server.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/system_rng.hpp"
#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "adapters/metrics/prometheus_metrics.hpp"
#include "adapters/series/series_log.hpp"
#include "adapters/store/sqlite_store.hpp"
#include "admin_routes.hpp"
#include "api/admin.hpp"
#include "api/ss_nrm.hpp"
#include "authentication.hpp"
#include "base/result.hpp"
#include "capabilities.hpp"
#include "config.hpp"
#include "core_door.hpp"
#include "graph/control_plane.hpp"
#include "graph/group_keeper.hpp"
#include "late_handler.hpp"
#include "nrm_wiring.hpp"
#include "ready.hpp"
#include "runtime/network_peer.hpp"
#include "runtime/ports.hpp"
#include "runtime/router.hpp"
#include "runtime/traced.hpp"
#include "series/disk_series.hpp"
#include "services/seal_nrm/group_server.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/routes.hpp"
#include "services/seal_nrm/series.hpp"
#include "services/seal_nrm/series_memory.hpp"
#include "wire/http/url.hpp"
#include "wire/resource/route.hpp"
#include "wiring.hpp"

namespace lobo::app {
namespace {

using runtime::Level;

/// Of past measurements without a folder: some 16 MiB.
constexpr std::size_t series_points_in_memory = 100'000;

/// Where the first door of the core is: of a PCF without a BSF, or of the BSF.
const std::string& core_uri(const NrmConfig& config) {
  return config.nef.uri.empty() ? config.pcf.bsf_uri : config.nef.uri;
}

std::optional<runtime::PeerConfig> peer_at(const std::string& uri, std::string_view name) {
  const auto root = http::parse_url(uri);
  if (!root) return std::nullopt;
  return runtime::PeerConfig{
      .name = std::string(name),
      .scheme = root->scheme,
      .authority = root->authority(),
      .path_prefix = root->target.substr(0, root->target.find_last_not_of('/') + 1),
      .redirect_authorities = {}};
}

GroupServer group_server(const GroupServerConfig& config) {
  return {
      .deadline = config.door.deadline, .refresh = config.refresh, .requesters = config.requesters};
}

std::optional<ControlPlane::Config::Groups> groups_at(const NrmConfig& config) {
  if (!config.group_management) return std::nullopt;
  auto at = peer_at(config.group_management->door.uri, seal_nrm::group_peer);
  if (!at) return std::nullopt;
  return ControlPlane::Config::Groups{std::move(*at), group_server(*config.group_management)};
}

runtime::RouterLimits router_limits(const QuotasConfig& quotas) {
  return {.resources_per_owner_max = quotas.resources_per_client,
          .requests_per_second = quotas.requests_per_second,
          .request_burst = static_cast<double>(quotas.burst)};
}

}  // namespace

// Members stand in the order of construction: whoever uses another stands below it.
struct NrmServer::Parts {
  Parts(const Config& all, std::string file)
      : config(*all.nrm), logger(all.logger), config_file(std::move(file)) {}

  NrmConfig config;
  LoggerConfig logger;
  std::string config_file;
  adapters::EventLoop loop;
  adapters::SystemClock clock;
  adapters::crypto::SystemRng rng;
  adapters::metrics::PrometheusMetrics metrics;
  std::unique_ptr<runtime::Log> log;
  std::unique_ptr<runtime::Trace> trace;
  std::unique_ptr<adapters::store::SqliteStore> store;
  std::unique_ptr<CoreDoor> core, nef_beside, groups;
  std::unique_ptr<adapters::HttpClient> sink_connections;
  std::unique_ptr<runtime::HttpClient> sink_traced;
  std::unique_ptr<Authentication> authentication;
  std::unique_ptr<adapters::series::SeriesLog> series_log;
  std::unique_ptr<seal_nrm::monitor::Series> series;
  std::unique_ptr<ControlPlane> plane;
  std::unique_ptr<AdminSources> admin_sources;
  std::unique_ptr<AdminHandler> admin;
  LateHandler handler, admin_handler;
  std::unique_ptr<runtime::TracedHandler> traced;
  std::vector<std::unique_ptr<adapters::HttpServer>> servers, admin_servers;
  bool draining = false;
  bool trying_store = false;

  Result<void> open_store();
  Result<void> store_ready();
  Result<void> open_series();
  Result<void> connect();
  Result<void> listen();
  Result<void> build();
  void watch_signals();
  void drain();
  void reload();
  Result<void> apply(const NrmConfig& next);
  std::vector<std::string> urls_of(
      const std::vector<ServerAddress>& addresses,
      const std::vector<std::unique_ptr<adapters::HttpServer>>& listening) const;
};

Result<void> NrmServer::Parts::open_store() {
  auto opened = adapters::store::SqliteStore::open({.file = config.store_path}, loop, &metrics);
  if (!opened) return fail(opened.error());
  store = std::move(*opened);
  return {};
}

/// Of past measurements: on disk where a folder is configured, else for as long as the process
/// lives.
Result<void> NrmServer::Parts::open_series() {
  const auto& wanted = config.monitoring;
  const auto keep = std::chrono::duration_cast<std::chrono::seconds>(wanted.series_keep);
  if (wanted.series_path.empty()) {
    series = std::make_unique<seal_nrm::monitor::MemorySeries>(series_points_in_memory, keep);
    return {};
  }
  auto opened = adapters::series::SeriesLog::open(
      {.folder = wanted.series_path, .octets_max = wanted.series_megabytes << 20U, .age_max = keep},
      clock.now());
  if (!opened) return fail(opened.error());
  series_log = std::move(*opened);
  series = std::make_unique<DiskSeries>(*series_log);
  return {};
}

/// A store that cannot write makes the server unready. Each question then tries a small write,
/// since a server that nobody uses while it is unready would never find out that it is well again.
Result<void> NrmServer::Parts::store_ready() {
  if (!store->failing()) return {};
  if (!std::exchange(trying_store, true))
    store->commit(
        {runtime::PutFact{"tried_at", std::to_string(clock.now().time_since_epoch().count())}},
        [this](const Result<void>&) { trying_store = false; });
  return fail(Errc::unavailable, "the store cannot be written");
}

Result<void> NrmServer::Parts::connect() {
  const auto open = [this](std::unique_ptr<CoreDoor>& door, const NefConfig& at, CoreType type,
                           const std::string& uri) -> Result<void> {
    const auto root = http::parse_url(uri);
    if (!root) return fail(root.error());
    auto opened = CoreDoor::open(at, type, *root, {loop, clock, rng, trace.get()});
    if (!opened) return fail(opened.error());
    door = std::move(*opened);
    return {};
  };
  if (auto opened = open(core, config.nef, config.core, core_uri(config)); !opened) return opened;
  if (config.nef_beside)
    if (auto opened = open(nef_beside, *config.nef_beside, CoreType::nef, config.nef_beside->uri);
        !opened)
      return opened;
  if (config.group_management)
    if (auto opened = open(groups, config.group_management->door, CoreType::nef,
                           config.group_management->door.uri);
        !opened)
      return opened;
  adapters::ClientConfig sinks;
  sinks.admits = [this](std::string_view host, std::string_view address) {
    return plane->settings().sinks.admits(host, address);
  };
  sink_connections = std::make_unique<adapters::HttpClient>(loop, std::move(sinks));
  if (trace)
    sink_traced =
        std::make_unique<runtime::TracedClient>(*sink_connections, *trace, "lobo", clock, rng);
  return {};
}

// Before the control plane is built, because it has to know the port; nothing is answered before
// the loop runs.
Result<void> NrmServer::Parts::listen() {
  for (const auto& address : config.servers)
    servers.push_back(std::make_unique<adapters::HttpServer>(
        loop, server_config(address, config.limits), handler));
  for (const auto& address : config.metrics)
    admin_servers.push_back(std::make_unique<adapters::HttpServer>(
        loop, server_config(address, config.limits), admin_handler));
  for (const auto* some : {&servers, &admin_servers})
    for (const auto& server : *some)
      if (auto open = server->listen(); !open) return open;
  return {};
}

Result<void> NrmServer::Parts::build() {
  auto settings = nrm_settings(config, urls_of(config.servers, servers).front());
  if (!settings) return fail(settings.error());
  std::vector<resource::Operation> operations;
  for (const auto& route : seal_nrm::routes(*settings)) operations.push_back(route.operation);
  for (const auto& operation : api::ss_nrm::operations()) operations.push_back(operation);
  auto opened = Authentication::open(config.auth, operations, loop, clock);
  if (!opened) return fail(opened.error());
  authentication = std::move(*opened);
  plane = std::make_unique<ControlPlane>(
      ControlPlane::Config{
          .nrm = std::move(*settings),
          .nef = peer_at(config.nef.uri, config.core == CoreType::nef ? "nef" : "pcf")
                     .value_or(runtime::PeerConfig{}),
          .bsf = peer_at(config.pcf.bsf_uri, seal_nrm::bsf_peer),
          .nef_beside = config.nef_beside ? peer_at(config.nef_beside->uri, seal_nrm::nef_peer)
                                          : std::nullopt,
          .groups = groups_at(config),
          .router = router_limits(config.quotas),
          .notifier = {}},
      ControlPlane::Ports{.store = *store,
                          .scheduler = loop,
                          .clock = clock,
                          .secrets = rng,
                          .jitter = rng,
                          .network = core->client(),
                          .sinks = sink_traced
                                       ? *sink_traced
                                       : static_cast<runtime::HttpClient&>(*sink_connections),
                          .nef_tokens = core->tokens(),
                          .authenticator = authentication->port(),
                          .log = *log,
                          .metrics = metrics,
                          .series = series.get(),
                          .nef_beside = nef_beside ? &nef_beside->client() : nullptr,
                          .nef_beside_tokens = nef_beside ? nef_beside->tokens() : nullptr,
                          .group_server = groups ? &groups->client() : nullptr,
                          .group_tokens = groups ? groups->tokens() : nullptr});
  replace_ues(plane->ues(), config);
  runtime::HttpHandler* front = &plane->router();
  if (trace) {
    traced = std::make_unique<runtime::TracedHandler>(*front, *trace, "lobo", clock);
    front = traced.get();
  }
  handler.hand_to(*front);
  admin_sources = std::make_unique<AdminSources>(AdminSources{
      .metrics = [this] { return metrics.expose(); },
      .ready = [this]() -> Result<void> {
        if (draining) return fail(Errc::unavailable, "the server is shutting down");
        return store_ready();
      },
      .capabilities =
          [this] {
            auto all = capabilities_of(plane->router().operations(), core->simulated());
            all.core = config.core == CoreType::pcf ? api::admin::CapabilitiesCore::pcf
                                                    : api::admin::CapabilitiesCore::nef;
            all.nef = seal_nrm::has_nef(plane->settings());
            return all;
          },
      .store = *store,
      .notifier = plane->notifier()});
  admin = std::make_unique<AdminHandler>(*admin_sources);
  admin_handler.hand_to(*admin);
  return plane->start();
}

std::vector<std::string> NrmServer::Parts::urls_of(
    const std::vector<ServerAddress>& addresses,
    const std::vector<std::unique_ptr<adapters::HttpServer>>& listening) const {
  std::vector<std::string> urls;
  for (std::size_t i = 0; i < addresses.size(); ++i)
    urls.push_back(
        url_of(addresses[i].address, listening[i]->port(), addresses[i].tls.has_value()));
  return urls;
}

void NrmServer::Parts::watch_signals() {
  for (const int number : {SIGTERM, SIGINT}) loop.on_signal(number, [this] { drain(); });
  loop.on_signal(SIGHUP, [this] { reload(); });
}

void NrmServer::Parts::drain() {
  if (draining) return loop.stop();  // asked twice: at once
  draining = true;
  log->event(Level::info, "draining", {{"patience_ms", config.limits.drain_time.count()}});
  auto left = std::make_shared<std::size_t>(servers.size());
  for (const auto& server : servers)
    server->drain(config.limits.drain_time, [this, left] {
      if (--*left == 0) loop.stop();
    });
}

/// What a running server takes over from `fresh`; the rest of the file counts at the next start.
NrmConfig reached(const NrmConfig& now, const NrmConfig& fresh) {
  NrmConfig out = fresh;
  out.servers = now.servers;
  for (std::size_t i = 0; i < std::min(now.servers.size(), fresh.servers.size()); ++i) {
    auto& tls = out.servers[i].tls;
    if (!tls || !fresh.servers[i].tls) continue;
    const bool required = tls->require_client_certificate;
    tls = fresh.servers[i].tls;
    tls->require_client_certificate = required;
  }
  out.metrics = now.metrics;
  out.store_path = now.store_path;
  out.callback_base = now.callback_base;
  out.nef = now.nef;
  out.core = now.core;
  out.pcf = now.pcf;
  out.nef_beside = now.nef_beside;
  const auto take_over = [](NefConfig& door, const NefConfig& from) {
    door.tls = from.tls;
    door.deadline = from.deadline;
    if (door.oauth2 && from.oauth2) door.oauth2 = from.oauth2;
  };
  take_over(out.nef, fresh.nef);
  if (out.nef_beside && fresh.nef_beside) take_over(*out.nef_beside, *fresh.nef_beside);
  out.group_management = now.group_management;
  if (out.group_management && fresh.group_management) {
    take_over(out.group_management->door, fresh.group_management->door);
    out.group_management->refresh = fresh.group_management->refresh;
    out.group_management->requesters = fresh.group_management->requesters;
  }
  out.limits = now.limits;
  out.monitoring.series_path = now.monitoring.series_path;
  out.monitoring.series_megabytes = now.monitoring.series_megabytes;
  out.monitoring.series_keep = now.monitoring.series_keep;
  out.trace = now.trace;
  return out;
}

// At SIGHUP, all or nothing: everything that can fail comes first and is kept aside, then all of
// it is taken over by calls that cannot fail.
Result<void> NrmServer::Parts::apply(const NrmConfig& next) {
  auto settings = nrm_settings(next, plane->settings().api_root);
  if (!settings) return fail(settings.error());
  std::vector<Result<std::function<void()>>> changes;
  changes.push_back(authentication->prepare(next.auth));
  for (std::size_t i = 0; i < servers.size(); ++i)
    if (next.servers[i].tls)
      changes.push_back(servers[i]->prepare_tls(tls_files(*next.servers[i].tls)));
  std::ranges::move(core->prepare(next.nef), std::back_inserter(changes));
  if (nef_beside)
    std::ranges::move(nef_beside->prepare(*next.nef_beside), std::back_inserter(changes));
  if (groups)
    std::ranges::move(groups->prepare(next.group_management->door), std::back_inserter(changes));
  for (const auto& change : changes)
    if (!change) return fail(change.error());

  for (const auto& change : changes) (*change)();
  plane->change(std::move(*settings));
  // Kept connections were admitted by the rules of before.
  if (next.sinks != config.sinks) sink_connections->renew_connections();
  if (next.group_management) plane->change_groups(group_server(*next.group_management));
  const auto groups_before = plane->ues().groups();
  replace_ues(plane->ues(), next);
  plane->groups_changed(groups_before);
  plane->readdress();
  plane->directory_changed();
  plane->router().change_limits(router_limits(next.quotas));
  config = next;
  return {};
}

void NrmServer::Parts::reload() {
  const auto fresh = load_config(config_file);
  const auto next = fresh && fresh->nrm ? reached(config, *fresh->nrm) : config;
  const auto applied = !fresh       ? Result<void>(fail(fresh.error()))
                       : fresh->nrm ? apply(next)
                                    : Result<void>(fail(Errc::missing, "the section nrm is gone"));
  if (!applied) {
    const std::string why =
        applied.error().faults.empty()
            ? applied.error().detail
            : applied.error().faults.front().where + " " + applied.error().faults.front().reason;
    log->event(Level::error, "configuration_not_reloaded",
               {{"file", std::string_view(config_file)}, {"why", std::string_view(why)}});
    return;
  }
  const bool all = next == *fresh->nrm;
  log->event(all ? Level::info : Level::warn, "configuration_reloaded",
             {{"file", std::string_view(config_file)},
              {"note", all ? std::string_view("all of it")
                           : std::string_view(
                                 "addresses, limits, store and core change with a restart only")}});
}

Result<std::unique_ptr<NrmServer>> NrmServer::open(const Config& config, std::string config_file) {
  auto parts = std::make_unique<Parts>(config, std::move(config_file));
  auto log = open_log(parts->logger, "nrm", parts->loop, parts->clock);
  if (!log) return fail(log.error());
  parts->log = std::move(*log);
  auto trace = open_trace(parts->config.trace, "lobo");
  if (!trace) return fail(trace.error());
  parts->trace = std::move(*trace);
  for (const auto stage :
       {&Parts::open_store, &Parts::open_series, &Parts::connect, &Parts::listen, &Parts::build})
    if (auto done = (*parts.*stage)(); !done) return fail(done.error());
  if (parts->config.auth.mode == AuthMode::off)
    parts->log->event(Level::warn, "authentication_off",
                      {{"note", "whoever reaches this loopback address may do everything"}});
  parts->watch_signals();
  return std::unique_ptr<NrmServer>(new NrmServer(std::move(parts)));
}

NrmServer::NrmServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
NrmServer::~NrmServer() = default;

std::vector<std::string> NrmServer::urls() const {
  auto urls = parts_->urls_of(parts_->config.servers, parts_->servers);
  for (auto& url : parts_->urls_of(parts_->config.metrics, parts_->admin_servers))
    urls.push_back(std::move(url));
  return urls;
}

adapters::EventLoop& NrmServer::loop() { return parts_->loop; }
void NrmServer::run() { parts_->loop.run(); }

}  // namespace lobo::app
