#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <ios>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/system_rng.hpp"
#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/power/command.hpp"
#include "adapters/power/counters.hpp"
#include "adapters/power/log_follower.hpp"
#include "agent/agent.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "energy/meter/zones.hpp"
#include "energy_servers.hpp"
#include "network_tokens.hpp"
#include "runtime/ports.hpp"
#include "wiring.hpp"

namespace lobo::app {
namespace {

namespace meter = energy::meter;
namespace power = adapters::power;

std::vector<meter::ZoneReading> zones_below(const std::string& sys_root) {
  std::vector<meter::ZoneReading> zones;
  for (auto& file : power::read_zones(sys_root))
    zones.push_back({.path = std::move(file.path),
                     .name = std::move(file.name),
                     .energy_uj = file.energy_uj,
                     .range_uj = file.range_uj,
                     .fault = file.denied       ? meter::ZoneFault::denied
                              : file.unreadable ? meter::ZoneFault::unreadable
                                                : meter::ZoneFault::none});
  return zones;
}

constexpr std::streamsize supply_bytes_max = 128;

std::optional<std::string> read_supply(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(supply_bytes_max, '\0');
  file.read(text.data(), supply_bytes_max);
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

}  // namespace

// Members stand in the order of construction: whoever uses another stands below it.
struct EnergyAgentServer::Parts {
  explicit Parts(const Config& all) : config(*all.energy_agent), logger(all.logger) {}

  EnergyAgentConfig config;
  LoggerConfig logger;
  adapters::EventLoop loop;
  adapters::SystemClock clock;
  adapters::crypto::SystemRng rng;
  std::unique_ptr<runtime::Log> log;
  std::unique_ptr<adapters::HttpClient> http;
  std::unique_ptr<NetworkTokens> tokens;
  std::optional<power::LogFollower> access_log;
  std::optional<power::Commands> commands;
  std::optional<EnergyAgent> agent;

  AgentWorld world();
  void tell_sources() const;
};

AgentWorld EnergyAgentServer::Parts::world() {
  using std::chrono::steady_clock;
  return {.monotonic =
              [begin = steady_clock::now()] {
                return std::chrono::floor<std::chrono::microseconds>(steady_clock::now() - begin);
              },
          .zones = [this] { return zones_below(config.agent.sys_root); },
          .proc_stat = [this] { return power::read_proc_stat(config.agent.proc_root); },
          .supply = [this] { return read_supply(config.agent.supply.file); },
          .log =
              [this](const std::function<void(std::string_view)>& piece,
                     const std::function<void()>& begin_file) {
                if (access_log) access_log->look(piece, begin_file);
              },
          .run =
              [this](const std::vector<std::string>& words,
                     std::function<void(bool, std::string)> ended) {
                commands->run(words, config.agent.commands.limit,
                              [ended = std::move(ended)](power::CommandEnd end) {
                                ended(end.done, std::move(end.why));
                              });
              }};
}

void EnergyAgentServer::Parts::tell_sources() const {
  const auto zones = zones_below(config.agent.sys_root);
  const auto coverage = meter::choose_zones(zones).coverage;
  log->event(runtime::Level::info, "energy_sources",
             {{"rapl", meter::to_string(coverage)},
              {"zones", static_cast<std::int64_t>(zones.size())},
              {"model", meter::to_string(config.agent.host.model.method)},
              {"access_log", access_log ? (access_log->open() ? "followed" : "awaited") : "none"},
              {"commands", config.agent.duty.has_standby ? "configured" : "none"}});
}

Result<std::unique_ptr<EnergyAgentServer>> EnergyAgentServer::open(const Config& config) {
  auto parts = std::make_unique<Parts>(config);
  auto log = open_log(parts->logger, "agent", parts->loop, parts->clock);
  if (!log) return fail(std::move(log.error()));
  parts->log = std::move(*log);
  parts->http = std::make_unique<adapters::HttpClient>(parts->loop, adapters::ClientConfig{});
  const auto& tls = parts->config.tls;
  if (!tls.ca.empty() || !tls.cert.empty())
    if (auto loaded = parts->http->reload_tls(tls_files(tls)); !loaded)
      return fail(std::move(loaded.error()));
  if (parts->config.oauth2) {
    auto tokens =
        NetworkTokens::open(*parts->config.oauth2, *parts->http, parts->loop, parts->clock);
    if (!tokens) return fail(std::move(tokens.error()));
    parts->tokens = std::move(*tokens);
  }
  if (!parts->config.agent.access_log.empty())
    parts->access_log.emplace(parts->config.agent.access_log);
  parts->commands.emplace(parts->loop);
  parts->agent.emplace(parts->config.agent, parts->world(),
                       EnergyAgent::Ports{parts->loop, parts->clock, *parts->http,
                                          parts->tokens.get(), *parts->log, parts->rng});
  for (const int number : {SIGTERM, SIGINT})
    parts->loop.on_signal(number, [&loop = parts->loop] { loop.stop(); });
  return std::unique_ptr<EnergyAgentServer>(new EnergyAgentServer(std::move(parts)));
}

EnergyAgentServer::EnergyAgentServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
EnergyAgentServer::~EnergyAgentServer() = default;

void EnergyAgentServer::run() {
  parts_->tell_sources();
  parts_->agent->start();
  parts_->loop.run();
}

}  // namespace lobo::app
