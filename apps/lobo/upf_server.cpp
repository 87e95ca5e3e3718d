#include "upf_server.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "adapters/crypto/system_rng.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "adapters/metrics/prometheus_metrics.hpp"
#include "adapters/packet_io/silent_port.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "dataplane/n4/config.hpp"
#include "dataplane/n4/types.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/rule_board.hpp"
#include "dataplane/stages/wanted_addresses.hpp"
#include "model/address.hpp"
#include "pages/status_pages.hpp"
#include "ready.hpp"
#include "runtime/ports.hpp"
#include "upf/handover.hpp"
#include "upf/key_channels.hpp"
#include "upf/keys.hpp"
#include "upf/mailbox.hpp"
#include "upf/metrics.hpp"
#include "upf/n4_loop.hpp"
#include "upf/neighbour_keeper.hpp"
#include "upf/ports.hpp"
#include "upf/status.hpp"
#include "upf/upf_config.hpp"
#include "upf/worker.hpp"
#include "wire/gtpu/packet.hpp"
#include "wiring.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using dataplane::PathSide;
using runtime::Level;
using std::chrono::steady_clock;

/// How long control planes have to release their associations after SIGTERM.
constexpr auto release_patience = 2000ms;
/// While nobody is known and nobody wanted, neighbours are looked at no more than this.
constexpr auto idle_look = 1000ms;

dataplane::PathSettings path_settings(const UpfConfig& config) {
  dataplane::PathSettings path;
  path.option_kind = config.marks.kind;
  path.strip_options = config.strip_options;
  path.set_container = config.set_container.value_or(path.set_container);
  path.release = config.release.value_or(path.release);
  if (config.monitoring_interval) path.monitoring_interval = *config.monitoring_interval;
  path.clocks_agree = config.clocks_agree;
  path.zero_udp_checksum_over_ipv6 = config.zero_udp_checksum_over_ipv6;
  return path;
}

dataplane::n4::N4Config n4_config(const UpfConfig& config, const UpfSide& n3) {
  dataplane::n4::N4Config n4 = config.n4;
  for (const auto& one : config.pfcp) {
    if (const auto* v4 = std::get_if<model::Ipv4Address>(&one.address)) n4.n4_v4 = *v4;
    if (const auto* v6 = std::get_if<model::Ipv6Address>(&one.address)) n4.n4_v6 = *v6;
  }
  n4.n3_v4 = n3.addresses.v4;
  n4.n3_v6 = n3.addresses.v6;
  return n4;
}

template <class T>
std::vector<T*> pointers(std::deque<T>& to) {
  std::vector<T*> all;
  for (T& one : to) all.push_back(&one);
  return all;
}

}  // namespace

// Members stand in the order of construction: whoever uses another stands below it. The workers'
// threads are the first to end.
struct UpfServer::Parts {
  explicit Parts(const Config& all)
      : config(*all.upf),
        logger(all.logger),
        rules(config.workers),
        neighbours(config.workers),
        key_changes(config.workers) {
    for (std::uint32_t i = 0; i < config.workers; ++i) events.emplace_back();
  }

  UpfConfig config;
  LoggerConfig logger;
  adapters::EventLoop loop;
  adapters::SystemClock clock;
  adapters::crypto::SystemRng rng;
  adapters::metrics::PrometheusMetrics metrics;
  std::unique_ptr<runtime::Log> log;
  std::optional<UpfSide> n3, n6;
  std::vector<adapters::packet_io::SilentPort> silent;
  dataplane::RuleBoard rules;
  // One for each worker.
  std::deque<dataplane::WorkerEvents> events;
  std::deque<Handover<dataplane::Neighbours>> neighbours;
  std::deque<Handover<KeyChange>> key_changes;
  std::optional<Keys> keys;
  std::unique_ptr<KeyChannels> key_channels;
  std::optional<NeighbourKeeper> keeper;
  std::optional<N4Loop> n4;
  std::optional<UpfMetrics> copied;
  std::optional<StatusPages> admin;
  std::vector<std::unique_ptr<adapters::HttpServer>> admin_servers;
  std::atomic<bool> called{false};
  std::vector<std::unique_ptr<Mailbox>> mailboxes;
  std::deque<Worker> workers;
  std::optional<runtime::Scheduler::TimerId> keeper_timer;
  bool ending = false;
  std::string trouble;

  Result<void> look_at_sides();
  Result<void> read_keys();
  Result<void> find_neighbours();
  Result<void> make_workers();
  Worker::Given given_to(std::uint32_t worker);
  Mailbox* mailbox(std::size_t side, std::uint32_t from, std::uint32_t to) const;
  Result<void> listen();
  void count();
  void watch_signals();

  void worker_called();
  void look_at_neighbours();
  void reload_keys();
  void end();
  void stop();
};

Result<void> UpfServer::Parts::look_at_sides() {
  for (const auto& [name, from, to] :
       {std::tuple{PathSide::n3, &config.n3, &n3}, std::tuple{PathSide::n6, &config.n6, &n6}}) {
    auto side = look_at_side(name, *from);
    if (!side) return fail(std::move(side.error()));
    *to = std::move(*side);
  }
  if (n6->kernel_forwards)
    log->event(Level::warn, "kernel_forwards_too",
               {{"interface", n6->link.name},
                {"note",
                 "the kernel forwards what comes in on N6 as well, past all rules: "
                 "switch net.ipv4.conf.*.forwarding off, or filter it"}});
  for (const model::IpAddress& address : [this] {
         std::vector<model::IpAddress> own;
         if (n3->addresses.v4) own.emplace_back(*n3->addresses.v4);
         if (n3->addresses.v6) own.emplace_back(*n3->addresses.v6);
         return own;
       }()) {
    auto port = adapters::packet_io::SilentPort::open(address, gtpu::udp_port);
    if (!port)
      return fail(port.error().code, port.error().detail + "; another UPF may serve it already");
    silent.push_back(std::move(*port));
  }
  return {};
}

Result<void> UpfServer::Parts::read_keys() {
  keys.emplace(config.marks.key_file, pointers(key_changes), reserved_key_ids(config.keys));
  if (auto read = keys->reload(); !read) return read;
  auto channels = KeyChannels::open(config.keys, loop, *keys, *log);
  if (!channels) return fail(std::move(channels.error()));
  key_channels = std::move(*channels);
  return {};
}

Result<void> UpfServer::Parts::find_neighbours() {
  auto opened = NeighbourKeeper::open(*n3, *n6, pointers(neighbours), steady_clock::now());
  if (!opened) return fail(std::move(opened.error()));
  keeper.emplace(std::move(*opened));
  return {};
}

Mailbox* UpfServer::Parts::mailbox(std::size_t side, std::uint32_t from, std::uint32_t to) const {
  return mailboxes[(side * config.workers + from) * config.workers + to].get();
}

Worker::Given UpfServer::Parts::given_to(std::uint32_t worker) {
  Worker::Given given{.rules = rules,
                      .events = events[worker],
                      .neighbours = neighbours[worker],
                      .keys = key_changes[worker],
                      .at = worker,
                      .workers = config.workers,
                      .from_others = {},
                      .to_others = {}};
  for (std::size_t side = 0; side < 2; ++side)
    for (std::uint32_t other = 0; other < config.workers; ++other) {
      given.to_others[side].push_back(mailbox(side, worker, other));
      if (other != worker) given.from_others[side].push_back(mailbox(side, other, worker));
    }
  return given;
}

Result<void> UpfServer::Parts::make_workers() {
  if (const unsigned cores = std::thread::hardware_concurrency();
      config.workers > 1 && cores != 0 && config.workers > cores)
    return fail(Errc::out_of_range, fmt::format("workers: {} want a core each, and here are {}",
                                                config.workers, cores));
  // Ports speak from the worker's thread, the log is written on the loop.
  const auto tell = [this](std::string_view what) {
    loop.post([this, note = std::string(what)] {
      log->event(Level::warn, "packet_io", {{"note", note}});
    });
  };
  auto on_n3 = open_ports(*n3, config, tell);
  if (!on_n3) return fail(std::move(on_n3.error()));
  auto on_n6 = open_ports(*n6, config, tell);
  if (!on_n6) return fail(std::move(on_n6.error()));
  for (const PathSide side : {PathSide::n3, PathSide::n6})
    for (std::uint32_t pair = 0; pair < config.workers * config.workers; ++pair)
      mailboxes.push_back(
          pair / config.workers == pair % config.workers
              ? nullptr
              : std::make_unique<Mailbox>(
                    (side == PathSide::n3 ? on_n3 : on_n6)->front().front()->frame_bytes_max()));
  for (std::uint32_t i = 0; i < config.workers; ++i)
    workers.emplace_back(path_settings(config), config.marks.receiver, given_to(i),
                         std::move((*on_n3)[i]), std::move((*on_n6)[i]),
                         [this] { worker_called(); });
  return {};
}

Result<void> UpfServer::Parts::listen() {
  n4.emplace(n4_config(config, *n3),
             N4Loop::World{loop, clock, rng, *log, rules, pointers(events)});
  if (auto open = n4->listen(config.pfcp); !open) return open;
  admin.emplace(StatusSources{.name = "upf",
                              .more = {},
                              .metrics =
                                  [this] {
                                    copied->copy();
                                    return metrics.expose();
                                  },
                              .status =
                                  [this] {
                                    return status_page(
                                        {.n3 = *n3,
                                         .n6 = *n6,
                                         .n3_neighbours = keeper->known(PathSide::n3),
                                         .n6_neighbours = keeper->known(PathSide::n6),
                                         .workers = workers,
                                         .agent = n4->agent(),
                                         .key_channels = *key_channels});
                                  },
                              .ready = [this]() -> Result<void> {
                                if (ending)
                                  return fail(Errc::unavailable, "the UPF is shutting down");
                                return {};
                              }});
  for (const auto& [address, port] : config.metrics) {
    ServerAddress at;
    at.address = model::to_text(address);
    at.port = port;
    admin_servers.push_back(
        std::make_unique<adapters::HttpServer>(loop, server_config(at, {}), *admin));
    if (auto open = admin_servers.back()->listen(); !open) return open;
  }
  return {};
}

void UpfServer::Parts::count() {
  copied.emplace(metrics);
  copied->add_workers(workers);
  key_channels->add_metrics(*copied);
  const auto* agent = &n4->agent();
  copied->gauge("lobo_upf_sessions", {}, [agent] { return agent->sessions(); });
  copied->gauge("lobo_upf_associations", {}, [agent] { return agent->associations(); });
  copied->gauge("lobo_upf_tunnels", {}, [agent] { return agent->own_tunnels(); });
  copied->gauge("lobo_upf_key_contexts", {}, [this] { return workers.front().contexts(); });
  copied->gauge("lobo_upf_rule_sets_kept", {}, [this] { return rules.kept(); });
  for (const auto side : {PathSide::n3, PathSide::n6})
    copied->gauge("lobo_upf_neighbours", {{"side", std::string(to_string(side))}},
                  [this, side] { return keeper->known(side); });
  const auto n4_counter = [this, agent](const char* what,
                                        std::uint64_t dataplane::n4::Counters::* member) {
    copied->counter("lobo_upf_n4_total", {{"what", what}},
                    [agent, member] { return agent->counters().*member; });
  };
  using N4Counters = dataplane::n4::Counters;
  n4_counter("messages_in", &N4Counters::messages_in);
  n4_counter("messages_out", &N4Counters::messages_out);
  n4_counter("refused", &N4Counters::refused);
  n4_counter("repeated", &N4Counters::repeated);
  n4_counter("sent_again", &N4Counters::sent_again);
  n4_counter("not_taken", &N4Counters::not_taken);
  n4_counter("notes_lost", &N4Counters::notes_lost);
  n4_counter("reports_lost", &N4Counters::reports_lost);
  n4_counter("unknown_events", &N4Counters::unknown_events);
  copied->counter("lobo_upf_n4_total", {{"what", "datagrams_lost"}},
                  [this] { return n4->datagrams_lost(); });
}

void UpfServer::Parts::watch_signals() {
  for (const int number : {SIGTERM, SIGINT}) loop.on_signal(number, [this] { end(); });
  loop.on_signal(SIGHUP, [this] { reload_keys(); });
}

/// From the worker's thread. One call at a time is under way.
void UpfServer::Parts::worker_called() {
  if (called.exchange(true)) return;
  loop.post([this] {
    called.store(false);
    n4->look();
    look_at_neighbours();
    for (const Worker& worker : workers)
      if (trouble.empty()) trouble = worker.trouble();
    if (trouble.empty()) return;
    log->event(Level::error, "packet_io", {{"note", trouble}});
    stop();
  });
}

void UpfServer::Parts::look_at_neighbours() {
  const auto now = steady_clock::now();
  for (Worker& worker : workers)
    for (std::size_t i = 0; i < dataplane::WantedAddresses::waiting_max; ++i) {
      const auto wanted = worker.wanted().pop();
      if (!wanted) break;
      keeper->want(*wanted, now);
    }
  keeper->look(now);
  if (keeper_timer) loop.cancel(*keeper_timer);
  keeper_timer = loop.after(keeper->next_look().value_or(idle_look), [this] {
    keeper_timer.reset();
    look_at_neighbours();
  });
}

void UpfServer::Parts::reload_keys() {
  if (const auto read = keys->reload(); !read) {
    std::string why = read.error().detail;
    for (const auto& fault : read.error().faults)
      why += fmt::format("; {}: {}", fault.where, fault.reason);
    log->event(Level::error, "keys_not_reloaded",
               {{"file", config.marks.key_file}, {"reason", why}});
    return;
  }
  log->event(
      Level::info, "keys_reloaded",
      {{"file", config.marks.key_file}, {"contexts", static_cast<std::int64_t>(keys->contexts())}});
}

void UpfServer::Parts::end() {
  if (std::exchange(ending, true)) return stop();  // asked twice: at once
  log->event(Level::info, "ending",
             {{"associations", static_cast<std::int64_t>(n4->agent().associations())},
              {"patience_ms", release_patience.count()}});
  n4->end(release_patience, [this] { stop(); });
}

void UpfServer::Parts::stop() {
  for (Worker& worker : workers) worker.stop();
  loop.stop();
}

Result<std::unique_ptr<UpfServer>> UpfServer::open(const Config& config) {
  auto parts = std::make_unique<Parts>(config);
  auto log = open_log(parts->logger, "upf", parts->loop, parts->clock);
  if (!log) return fail(std::move(log.error()));
  parts->log = std::move(*log);
  for (const auto stage : {&Parts::look_at_sides, &Parts::read_keys, &Parts::find_neighbours,
                           &Parts::make_workers, &Parts::listen})
    if (auto done = (*parts.*stage)(); !done) return fail(std::move(done.error()));
  parts->count();
  parts->watch_signals();
  return std::unique_ptr<UpfServer>(new UpfServer(std::move(parts)));
}

UpfServer::UpfServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
UpfServer::~UpfServer() = default;

std::vector<std::string> UpfServer::urls() const {
  std::vector<std::string> urls;
  for (const auto& [address, port] : parts_->n4->local()) {
    const bool v6 = address.index() == 1;
    urls.push_back(fmt::format("pfcp://{}{}{}:{}", v6 ? "[" : "", model::to_text(address),
                               v6 ? "]" : "", port));
  }
  for (std::size_t i = 0; i < parts_->admin_servers.size(); ++i)
    urls.push_back(url_of(model::to_text(parts_->config.metrics[i].address),
                          parts_->admin_servers[i]->port(), false));
  return urls;
}

Result<void> UpfServer::run() {
  for (Worker& worker : parts_->workers) worker.start();
  parts_->look_at_neighbours();
  parts_->key_channels->start();
  parts_->loop.run();
  if (!parts_->trouble.empty()) return fail(Errc::unavailable, parts_->trouble);
  return {};
}

}  // namespace lobo::app
