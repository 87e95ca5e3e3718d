// From the configuration to workers that may start: interfaces, keys, next hops, ports.

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "adapters/packet_io/silent_port.hpp"
#include "base/result.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/wanted_addresses.hpp"
#include "model/address.hpp"
#include "runtime/ports.hpp"
#include "upf/key_channels.hpp"
#include "upf/mailbox.hpp"
#include "upf/neighbour_keeper.hpp"
#include "upf/ports.hpp"
#include "upf/upf_config.hpp"
#include "upf/worker.hpp"
#include "upf_parts.hpp"
#include "upf_server.hpp"
#include "wire/gtpu/packet.hpp"

namespace lobo::app {
namespace {

using dataplane::PathSide;
using runtime::Level;
using std::chrono::steady_clock;

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

}  // namespace

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

}  // namespace lobo::app
