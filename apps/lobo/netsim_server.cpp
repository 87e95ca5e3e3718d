#include "netsim_server.hpp"

#include <csignal>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/crypto/system_rng.hpp"
#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "graph/core_driver.hpp"
#include "late_handler.hpp"
#include "model/address.hpp"
#include "ready.hpp"
#include "runtime/ports.hpp"
#include "runtime/traced.hpp"
#include "services/core_sim/smf_n4.hpp"
#include "wiring.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

constexpr auto drain_time = 1000ms;  ///< a simulator makes nobody wait

}  // namespace

struct NetsimServer::Parts {
  explicit Parts(const NetsimConfig& from) : config(from) {}

  NetsimConfig config;
  adapters::EventLoop loop;
  adapters::SystemClock clock;
  adapters::crypto::SystemRng rng;
  std::unique_ptr<runtime::Trace> trace;
  std::unique_ptr<adapters::HttpClient> connections;
  std::unique_ptr<runtime::HttpClient> traced_client;
  std::unique_ptr<CoreDriver> driver;
  std::unique_ptr<runtime::TracedHandler> traced;
  LateHandler handler;
  std::vector<std::unique_ptr<adapters::HttpServer>> servers;
  std::unique_ptr<adapters::UdpSocket> n4;  ///< null without a UPF

  Result<void> open_n4() {
    if (!config.core.smf) return {};
    const auto address = model::parse_ip_address(config.core.smf->address);
    require(address.has_value());  // core_sim::check has seen it.
    auto opened =
        adapters::UdpSocket::open(loop, {*address, config.core.smf->port},
                                  [this](const adapters::UdpEndpoint& from, Bytes datagram) {
                                    driver->receive_n4({from.address, from.port}, datagram);
                                  });
    if (!opened) return fail(opened.error());
    n4 = std::move(*opened);
    driver->start_n4([this](const core_sim::N4Datagram& datagram) {
      n4->send({datagram.to.address, datagram.to.port}, datagram.bytes);
    });
    return {};
  }

  std::vector<std::string> urls() const {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < servers.size(); ++i)
      all.push_back(
          url_of(config.servers[i].address, servers[i]->port(), config.servers[i].tls.has_value()));
    return all;
  }
};

Result<std::unique_ptr<NetsimServer>> NetsimServer::open(const Config& config) {
  auto parts = std::make_unique<Parts>(*config.netsim);
  auto& [from, loop, clock, rng, trace, connections, traced_client, driver, traced, handler,
         servers, n4] = *parts;
  auto opened = open_trace(from.trace, "nef");
  if (!opened) return fail(opened.error());
  trace = std::move(*opened);
  connections = std::make_unique<adapters::HttpClient>(loop, adapters::ClientConfig{});
  if (!from.callback_tls.ca.empty() || !from.callback_tls.cert.empty())
    if (auto loaded = connections->reload_tls(tls_files(from.callback_tls)); !loaded)
      return fail(loaded.error());
  for (const auto& address : from.servers) {
    servers.push_back(
        std::make_unique<adapters::HttpServer>(loop, server_config(address, {}), handler));
    if (auto open = servers.back()->listen(); !open) return fail(open.error());
  }
  from.core.api_root = parts->urls().front();
  if (trace)
    traced_client =
        std::make_unique<runtime::TracedClient>(*connections, *trace, "nef", clock, rng);
  driver = std::make_unique<CoreDriver>(
      from.core, rng, loop, clock,
      traced_client ? *traced_client : static_cast<runtime::HttpClient&>(*connections));
  if (trace) traced = std::make_unique<runtime::TracedHandler>(*driver, *trace, "nef", clock);
  handler.hand_to(traced ? static_cast<runtime::HttpHandler&>(*traced) : *driver);
  if (auto open = parts->open_n4(); !open) return fail(open.error());
  auto left = std::make_shared<std::size_t>(servers.size());
  for (const int number : {SIGTERM, SIGINT})
    loop.on_signal(number, [&loop, &servers, left] {
      for (const auto& server : servers)
        server->drain(drain_time, [&loop, left] {
          if (--*left == 0) loop.stop();
        });
    });
  return std::unique_ptr<NetsimServer>(new NetsimServer(std::move(parts)));
}

NetsimServer::NetsimServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
NetsimServer::~NetsimServer() = default;

std::vector<std::string> NetsimServer::urls() const { return parts_->urls(); }
void NetsimServer::run() { parts_->loop.run(); }

}  // namespace lobo::app
