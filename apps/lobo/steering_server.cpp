#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <ios>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/crypto/system_rng.hpp"
#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "energy/steering/plan_file.hpp"
#include "energy/steering/plan_table.hpp"
#include "energy_servers.hpp"
#include "network_tokens.hpp"
#include "ready.hpp"
#include "runtime/ports.hpp"
#include "steering/plan_follower.hpp"
#include "steering/sightings.hpp"
#include "steering/steer_endpoint.hpp"
#include "steering/token_keys.hpp"
#include "wiring.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using energy::steering::PlanTable;
using runtime::Level;

constexpr auto drain_time = 1000ms;  ///< an answer takes no longer
constexpr std::size_t keys_bytes_max = 65536;
/// A plan that is valid for longer is not watched: a file's may be for a century.
constexpr auto expiry_watched_most = 24h * 30;
/// Players ask every TTL: connections are kept a little longer than the longest usual one, so that
/// a handshake is not paid for each question.
constexpr auto idle_time = 90s;

Result<std::string> read_whole(const std::string& path, std::size_t bytes_max) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Errc::not_found, fmt::format("cannot read {}", path));
  std::string text(bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) return fail(Errc::unavailable, fmt::format("cannot read {}", path));
  if (text.size() > bytes_max) return fail(Errc::too_large, fmt::format("{} is too long", path));
  return text;
}

Error at_file(Error error, const std::string& path) {
  error.detail = path + ": " + error.detail;
  return error;
}

std::string in_words(const Error& error) {
  std::string words = error.detail;
  for (const auto& fault : error.faults)
    words += fmt::format("; {}: {}", fault.where, fault.reason);
  return words;
}

}  // namespace

// Members stand in the order of construction: whoever uses another stands below it.
struct SteeringServer::Parts {
  explicit Parts(const Config& all) : config(*all.energy_steering), logger(all.logger) {}

  EnergySteeringConfig config;
  LoggerConfig logger;
  adapters::EventLoop loop;
  adapters::SystemClock clock;
  adapters::crypto::SystemRng rng;
  std::unique_ptr<runtime::Log> log;
  SteerEndpoint::Keys own_keys;  ///< where no file is configured
  Sightings sightings;
  std::unique_ptr<adapters::HttpClient> http;  ///< to the AF
  std::unique_ptr<NetworkTokens> tokens;
  SteerEndpoint::Plan first_plan;  ///< of the AF, before there is an endpoint
  std::optional<SteerEndpoint> endpoint;
  std::vector<std::unique_ptr<adapters::HttpServer>> servers;
  std::optional<PlanFollower> follower;
  runtime::Scheduler::TimerId expiry = 0;

  Result<void> follow();
  Result<SteerEndpoint::Plan> begin_plan();
  void taken(SteerEndpoint::Plan plan);
  void watch_expiry();
  Result<SteerEndpoint::Plan> read_plan() const;
  Result<SteerEndpoint::Keys> read_keys();
  void tell_plan();
  void reload();
  void end();
};

Result<SteerEndpoint::Plan> SteeringServer::Parts::read_plan() const {
  const auto text = read_whole(config.steer.plan, energy::steering::plan_bytes_max);
  if (!text) return fail(text.error());
  auto plan = energy::steering::read_plan(*text);
  if (!plan) return fail(at_file(std::move(plan.error()), config.steer.plan));
  return std::make_shared<const PlanTable>(std::move(*plan));
}

Result<SteerEndpoint::Keys> SteeringServer::Parts::read_keys() {
  if (config.steer.keys.empty()) {
    if (!own_keys) own_keys = TokenKeys::random(rng);
    return own_keys;
  }
  const auto text = read_whole(config.steer.keys, keys_bytes_max);
  if (!text) return fail(text.error());
  auto keys = TokenKeys::parse(*text);
  if (!keys) return fail(at_file(std::move(keys.error()), config.steer.keys));
  return SteerEndpoint::Keys(std::move(*keys));
}

Result<void> SteeringServer::Parts::follow() {
  if (!config.af) return {};
  adapters::ClientConfig rules;
  rules.limits.body_bytes_max = energy::steering::plan_bytes_max;
  http = std::make_unique<adapters::HttpClient>(loop, std::move(rules));
  const auto& tls = config.af->tls;
  if (!tls.ca.empty() || !tls.cert.empty())
    if (auto loaded = http->reload_tls(tls_files(tls)); !loaded) return loaded;
  if (config.af->oauth2) {
    auto opened = NetworkTokens::open(*config.af->oauth2, *http, loop, clock);
    if (!opened) return fail(std::move(opened.error()));
    tokens = std::move(*opened);
  }
  follower.emplace(config.af->uri, config.af->deadline,
                   PlanFollower::Ports{loop, *http, tokens.get(), *log},
                   [this](SteerEndpoint::Plan plan) { taken(std::move(plan)); });
  follower->report_from(sightings);
  follower->start();
  return {};
}

void SteeringServer::Parts::taken(SteerEndpoint::Plan plan) {
  if (!endpoint) {
    first_plan = std::move(plan);
    return loop.stop();
  }
  endpoint->change(std::move(plan));
  tell_plan();
}

/// The file's, so that players are answered while the AF cannot be; else the AF's first one is
/// waited for: the first request of a player has to succeed.
Result<SteerEndpoint::Plan> SteeringServer::Parts::begin_plan() {
  if (!config.steer.plan.empty()) return read_plan();
  const auto limit = loop.after(config.af->patience, [this] { loop.stop(); });
  loop.run();
  loop.cancel(limit);
  if (!first_plan)
    return fail(Errc::timeout, fmt::format("the AF at {} gave no plan within {} s", config.af->uri,
                                           config.af->patience.count() / 1000));
  return first_plan;
}

void SteeringServer::Parts::watch_expiry() {
  loop.cancel(std::exchange(expiry, 0));
  const auto left = endpoint->plan().said().valid_until - clock.now();
  if (left > expiry_watched_most) return;
  expiry = loop.after(std::max(left, Instant::duration::zero()), [this] {
    expiry = 0;
    log->event(Level::warn, "plan_expired",
               {{"version", static_cast<std::int64_t>(endpoint->plan().said().version)},
                {"note", "players stay where they are; new ones begin by its shares"}});
  });
}

void SteeringServer::Parts::tell_plan() {
  const auto& plan = endpoint->plan();
  log->event(Level::info, "plan",
             {{"version", static_cast<std::int64_t>(plan.said().version)},
              {"locations", static_cast<std::int64_t>(plan.said().locations.size())},
              {"groups", static_cast<std::int64_t>(plan.said().groups.size())},
              {"file", config.steer.plan}});
  watch_expiry();
  for (const auto& warning : plan.warnings())
    log->event(Level::warn, "plan_warning", {{"note", warning}});
}

/// Both or neither: a plan that is wrong leaves the one that is used.
void SteeringServer::Parts::reload() {
  // An AF's plan comes by itself; of a file and an AF, the AF's is the newer one.
  const bool afs = follower && follower->counters().plans > 0;
  auto plan = afs ? Result<SteerEndpoint::Plan>(endpoint->shared_plan()) : read_plan();
  auto keys = read_keys();
  if (!plan || !keys) {
    const auto why = in_words(plan ? keys.error() : plan.error());
    log->event(Level::error, "plan_not_reloaded", {{"reason", why}});
    return;
  }
  endpoint->change(std::move(*plan), std::move(*keys));
  tell_plan();
}

void SteeringServer::Parts::end() {
  auto left = std::make_shared<std::size_t>(servers.size());
  for (const auto& server : servers)
    server->drain(drain_time, [this, left] {
      if (--*left == 0) loop.stop();
    });
}

Result<std::unique_ptr<SteeringServer>> SteeringServer::open(const Config& config) {
  auto parts = std::make_unique<Parts>(config);
  auto log = open_log(parts->logger, "steer", parts->loop, parts->clock);
  if (!log) return fail(std::move(log.error()));
  parts->log = std::move(*log);
  if (auto following = parts->follow(); !following) return fail(std::move(following.error()));
  auto plan = parts->begin_plan();
  if (!plan) return fail(std::move(plan.error()));
  auto keys = parts->read_keys();
  if (!keys) return fail(std::move(keys.error()));
  parts->endpoint.emplace(parts->config.steer, parts->clock, parts->rng, std::move(*plan),
                          std::move(*keys));
  if (parts->follower) parts->endpoint->note_in(parts->sightings);
  LimitsConfig limits;
  limits.idle_time = idle_time;
  for (const auto& address : parts->config.servers) {
    parts->servers.push_back(std::make_unique<adapters::HttpServer>(
        parts->loop, server_config(address, limits), *parts->endpoint));
    if (auto open = parts->servers.back()->listen(); !open) return fail(std::move(open.error()));
  }
  for (const int number : {SIGTERM, SIGINT})
    parts->loop.on_signal(number, [own = parts.get()] { own->end(); });
  parts->loop.on_signal(SIGHUP, [own = parts.get()] { own->reload(); });
  return std::unique_ptr<SteeringServer>(new SteeringServer(std::move(parts)));
}

SteeringServer::SteeringServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SteeringServer::~SteeringServer() = default;

std::vector<std::string> SteeringServer::urls() const {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < parts_->servers.size(); ++i) {
    const auto& at = parts_->config.servers[i];
    all.push_back(url_of(at.address, parts_->servers[i]->port(), at.tls.has_value()));
  }
  return all;
}

void SteeringServer::run() {
  parts_->tell_plan();
  parts_->loop.run();
}

}  // namespace lobo::app
