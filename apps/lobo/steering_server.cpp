#include <fmt/format.h>

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
#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "energy/steering/plan_file.hpp"
#include "energy/steering/plan_table.hpp"
#include "energy_servers.hpp"
#include "ready.hpp"
#include "runtime/ports.hpp"
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
  std::optional<SteerEndpoint> endpoint;
  std::vector<std::unique_ptr<adapters::HttpServer>> servers;

  Result<SteerEndpoint::Plan> read_plan() const;
  Result<SteerEndpoint::Keys> read_keys();
  void tell_plan() const;
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

void SteeringServer::Parts::tell_plan() const {
  const auto& plan = endpoint->plan();
  log->event(Level::info, "plan",
             {{"version", static_cast<std::int64_t>(plan.said().version)},
              {"locations", static_cast<std::int64_t>(plan.said().locations.size())},
              {"groups", static_cast<std::int64_t>(plan.said().groups.size())},
              {"file", config.steer.plan}});
  if (plan.said().valid_until <= clock.now())
    log->event(Level::warn, "plan_expired", {{"file", config.steer.plan}});
  for (const auto& warning : plan.warnings())
    log->event(Level::warn, "plan_warning", {{"note", warning}});
}

/// Both or neither: a plan that is wrong leaves the one that is used.
void SteeringServer::Parts::reload() {
  auto plan = read_plan();
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
  auto plan = parts->read_plan();
  if (!plan) return fail(std::move(plan.error()));
  auto keys = parts->read_keys();
  if (!keys) return fail(std::move(keys.error()));
  parts->endpoint.emplace(parts->config.steer, parts->clock, parts->rng, std::move(*plan),
                          std::move(*keys));
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
