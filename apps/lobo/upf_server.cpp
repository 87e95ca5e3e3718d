#include "upf_server.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "config.hpp"
#include "model/address.hpp"
#include "ready.hpp"
#include "upf/worker.hpp"
#include "upf_parts.hpp"
#include "wiring.hpp"

namespace lobo::app {

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
