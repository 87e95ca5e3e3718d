// While it runs, on the loop: calls of workers, next hops, signals, the end.

#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "dataplane/stages/wanted_addresses.hpp"
#include "runtime/ports.hpp"
#include "upf/worker.hpp"
#include "upf_parts.hpp"
#include "upf_server.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using runtime::Level;
using std::chrono::steady_clock;

/// How long control planes have to release their associations after SIGTERM.
constexpr auto release_patience = 2000ms;
/// While nobody is known and nobody wanted, neighbours are looked at no more than this.
constexpr auto idle_look = 1000ms;

}  // namespace

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

}  // namespace lobo::app
