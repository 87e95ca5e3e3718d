#include "listeners.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "late_handler.hpp"
#include "ready.hpp"
#include "wire/http/growing_body.hpp"
#include "wiring.hpp"

namespace lobo::app {

Result<void> Listeners::open(adapters::EventLoop& loop,
                             const std::vector<ServerAddress>& at_applications,
                             const std::vector<ServerAddress>& at_administration,
                             const LimitsConfig& limits) {
  const auto listen =
      [&](const std::vector<ServerAddress>& addresses, LateHandler& handler,
          std::vector<std::unique_ptr<adapters::HttpServer>>& into) -> Result<void> {
    for (const auto& address : addresses) {
      into.push_back(
          std::make_unique<adapters::HttpServer>(loop, server_config(address, limits), handler));
      if (auto open = into.back()->listen(); !open) return open;
      urls_.push_back(url_of(address.address, into.back()->port(), address.tls.has_value()));
    }
    return {};
  };
  if (auto done = listen(at_applications, applications, servers_); !done) return done;
  return listen(at_administration, administration, admin_servers_);
}

void Listeners::take_growing_from(const http::GrowingBodiesPtr& bodies) {
  for (const auto& server : servers_) server->take_growing_from(bodies);
}

void Listeners::drain(std::chrono::milliseconds patience, std::function<void()> done) {
  const auto left = std::make_shared<std::size_t>(servers_.size());
  const auto after = std::make_shared<std::function<void()>>(std::move(done));
  for (const auto& server : servers_)
    server->drain(patience, [left, after] {
      if (--*left == 0) (*after)();
    });
}

}  // namespace lobo::app
