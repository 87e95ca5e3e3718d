#pragma once
// What a running `lobo upf` consists of, and the stages in which it comes to be
// (upf_parts_open.cpp, upf_parts_admin.cpp) and runs (upf_parts_run.cpp).

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/crypto/system_rng.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "adapters/metrics/prometheus_metrics.hpp"
#include "adapters/packet_io/silent_port.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/rule_board.hpp"
#include "pages/status_pages.hpp"
#include "runtime/ports.hpp"
#include "upf/handover.hpp"
#include "upf/key_channels.hpp"
#include "upf/keys.hpp"
#include "upf/mailbox.hpp"
#include "upf/metrics.hpp"
#include "upf/n4_loop.hpp"
#include "upf/neighbour_keeper.hpp"
#include "upf/ports.hpp"
#include "upf/upf_config.hpp"
#include "upf/worker.hpp"
#include "upf_server.hpp"
#include "wiring.hpp"

namespace lobo::app {

template <class T>
std::vector<T*> pointers(std::deque<T>& to) {
  std::vector<T*> all;
  for (T& one : to) all.push_back(&one);
  return all;
}

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

}  // namespace lobo::app
