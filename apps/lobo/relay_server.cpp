#include "relay_server.hpp"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/crypto/flow_token.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/metrics/prometheus_metrics.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/quic/quic.hpp"
#include "adapters/udp/socket.hpp"
#include "adapters/websocket/websocket.hpp"
#include "adapters/webtransport/gate.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "listeners.hpp"
#include "model/address.hpp"
#include "output.hpp"
#include "pages/copied_metrics.hpp"
#include "pages/status_pages.hpp"
#include "relay/limits.hpp"
#include "relay/ports.hpp"
#include "relay/report.hpp"
#include "relay_home.hpp"
#include "relay_node/relay_config.hpp"
#include "relay_node/relay_node.hpp"
#include "runtime/ports.hpp"
#include "wire/sdd/control.hpp"
#include "wiring.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using runtime::Level;
namespace quic = adapters::quic;

constexpr auto report_interval = 500ms;
/// For goodbyes to leave before the program does.
constexpr auto end_patience = 200ms;

Result<std::vector<adapters::crypto::FlowPublicKey>> keys_of(const RelayConfig& config) {
  std::vector<adapters::crypto::FlowPublicKey> keys;
  for (const auto& file : config.token_keys) {
    const auto key = adapters::crypto::read_flow_public_key(file);
    if (!key) return fail(key.error());
    keys.push_back(*key);
  }
  return keys;
}

quic::Settings quic_settings(const RelayConfig& config) {
  quic::Settings out;
  out.at = {*model::parse_ip_address(config.address), config.port};
  out.protocols = {"sdd/1", std::string(adapters::webtransport::protocol)};
  out.certificate_file = config.certificate;
  out.key_file = config.key;
  out.reset_key_file = config.reset_key;
  out.idle_max = config.idle_max;
  out.udp_payload_bytes = config.udp_payload;
  out.node = config.number;
  out.limits.connections_max = config.connections_max;
  out.limits.handshakes_per_second_max = config.handshakes_per_second_max;
  return out;
}

relay::Limits relay_limits(const RelayConfig& config) {
  relay::Limits out;
  out.links_max = config.connections_max;
  out.window = config.window;
  return out;
}

std::string host_of(const adapters::UdpEndpoint& at) {
  const bool six = at.address.index() == 1;
  return fmt::format("{}{}{}:{}", six ? "[" : "", model::to_text(at.address), six ? "]" : "",
                     at.port);
}

}  // namespace

// Members stand in the order of construction: whoever uses another stands below it.
struct RelayServer::Parts {
  Parts(RelayServerConfig settings, const LoggerConfig& logging)
      : config(std::move(settings)), logger(logging) {}

  RelayServerConfig config;
  LoggerConfig logger;
  adapters::EventLoop loop;
  SteadyWallClock clock;
  std::unique_ptr<runtime::Log> log;
  adapters::crypto::FlowTokenVerifier verifier;
  std::optional<RelayNode> node;
  std::optional<adapters::webtransport::Gate> gate;
  std::unique_ptr<quic::Endpoint> endpoint;
  std::unique_ptr<adapters::websocket::Server> websockets;
  std::unique_ptr<RelayHome> home;
  adapters::metrics::PrometheusMetrics metrics;
  std::optional<CopiedMetrics> copied;
  std::optional<StatusPages> pages;
  Listeners listeners;
  std::string digest;
  bool ending = false;
  std::uint64_t flows_opened = 0;
  std::uint64_t flows_closed = 0;

  Result<void> open();
  void end();
  Result<void> listen_for_websockets();
  Result<void> open_pages();
  void count();
  std::string status() const;
  void look_at_reports();
  void flow_changed(const relay::FlowChange& change);
};

Result<void> RelayServer::Parts::open() {
  auto opened_log = open_log(logger, "relay", loop, clock);
  if (!opened_log) return fail(opened_log.error());
  log = std::move(*opened_log);
  auto keys = keys_of(config);
  if (!keys) return fail(keys.error());
  if (auto trusted = verifier.trust(*keys); !trusted) return trusted;
  const auto sha = quic::certificate_sha256(config.certificate);
  if (!sha) return fail(sha.error());
  for (const auto octet : *sha) digest += fmt::format("{:02x}", octet);
  node.emplace(loop, clock, config.node, verifier, relay_limits(config),
               RelayNode::Told{.opened =
                                   [this](relay::LinkId link, const quic::Opened& opened) {
                                     log->event(Level::info, "link_opened",
                                                {{"link", static_cast<std::int64_t>(link)},
                                                 {"by", opened.protocol},
                                                 {"peer", host_of(opened.peer)}});
                                   },
                               .closed =
                                   [this](relay::LinkId link, const quic::Closed& closed) {
                                     log->event(Level::info, "link_closed",
                                                {{"link", static_cast<std::int64_t>(link)},
                                                 {"cause", quic::to_string(closed.cause)},
                                                 {"detail", closed.detail}});
                                   },
                               .flows_changed =
                                   [this] {
                                     if (home) home->wake();
                                   }});
  auto& carrier = node->add_carrier();
  gate.emplace(adapters::webtransport::GateSettings{config.origins, config.path}, carrier);
  carrier.stand_on(*gate);
  auto opened = quic::open(loop, quic_settings(config), *gate);
  if (!opened) return fail(opened.error());
  endpoint = std::move(*opened);
  gate->stand_on(*endpoint);
  if (!config.websocket_address.empty())
    if (auto listening = listen_for_websockets(); !listening) return listening;
  if (config.home) {
    auto found = RelayHome::open(
        {.config = config,
         .loop = loop,
         .clock = clock,
         .log = *log,
         .node = *node,
         .verifier = verifier,
         .own_keys = *keys,
         .listens = endpoint->local(),
         .certificate_sha256 = *sha,
         .seen = [this](const relay::FlowChange& change) { flow_changed(change); }});
    if (!found) return fail(found.error());
    home = std::move(*found);
  }
  if (auto shown = open_pages(); !shown) return shown;
  // Before anybody is told that it serves, and may end it.
  for (const int number : {SIGTERM, SIGINT}) loop.on_signal(number, [this] { end(); });
  if (home)
    home->start();
  else
    look_at_reports();
  return {};
}

Result<void> RelayServer::Parts::open_pages() {
  count();
  pages.emplace(StatusSources{.name = "relay",
                              .more = {},
                              .metrics =
                                  [this] {
                                    copied->copy();
                                    return metrics.expose();
                                  },
                              .status = [this] { return status(); },
                              .ready = [this]() -> Result<void> {
                                if (ending) return fail(Errc::unavailable, "the node shuts");
                                if (home && !home->lease().held())
                                  return fail(Errc::unavailable, "the node has no lease");
                                return {};
                              }});
  listeners.administration.hand_to(*pages);
  return listeners.open(loop, {}, config.metrics, {});
}

void RelayServer::Parts::count() {
  copied.emplace(metrics);
  const auto& relay = node->relay();
  copied->gauge("lobo_relay_links", {}, [&relay] { return relay.links(); });
  copied->gauge("lobo_relay_rooms", {}, [&relay] { return relay.rooms(); });
  copied->gauge("lobo_relay_flows", {}, [&relay] { return relay.flows(); });
  copied->counter("lobo_relay_links_opened_total", {}, [this] { return node->links_opened(); });
  const auto refused = [&](const char* what, std::uint64_t relay::NodeCounts::* member) {
    copied->counter("lobo_relay_refused_total", {{"what", what}},
                    [&relay, member] { return relay.counts().*member; });
  };
  copied->counter("lobo_relay_datagrams_total", {}, [&relay] { return relay.counts().datagrams; });
  refused("datagram_malformed", &relay::NodeCounts::datagrams_malformed);
  refused("flow_unknown", &relay::NodeCounts::flows_unknown);
  refused("stream", &relay::NodeCounts::streams_refused);
  refused("token", &relay::NodeCounts::tokens_refused);
  refused("link", &relay::NodeCounts::links_refused);
  const auto state = [&](const char* what, std::uint64_t relay::Refused::* member) {
    copied->counter("lobo_relay_refused_total", {{"what", what}},
                    [&relay, member] { return relay.counts().states.*member; });
  };
  state("masked", &relay::Refused::masked);
  state("other_asset", &relay::Refused::other_asset);
  state("too_large", &relay::Refused::too_large);
  state("too_many", &relay::Refused::too_many);
  state("base_unknown", &relay::Refused::base_unknown);
  state("too_far", &relay::Refused::too_far);
  const auto& wire = endpoint->counters();
  copied->counter("lobo_relay_packets_total", {{"way", "in"}}, [&] { return wire.packets_in; });
  copied->counter("lobo_relay_packets_total", {{"way", "out"}}, [&] { return wire.packets_out; });
  copied->counter("lobo_relay_retries_total", {}, [&] { return wire.retries_asked; });
  copied->counter("lobo_relay_resets_total", {}, [&] { return wire.resets_sent; });
  if (home) home->count(*copied);
}

std::string RelayServer::Parts::status() const {
  const auto& relay = node->relay();
  return fmt::format(R"({{"node":"{}","links":{},"rooms":{},"flows":{},"lease":{}}})", config.node,
                     relay.links(), relay.rooms(), relay.flows(),
                     home ? home->status() : std::string("null"));
}

/// Everybody is told goodbye; it leaves before the program does.
void RelayServer::Parts::end() {
  if (ending) return loop.stop();  // asked twice: at once
  ending = true;
  const auto shut = [this] {
    const auto cause = static_cast<std::uint64_t>(sdd::Cause::shut_down);
    endpoint->shut(cause, "the node shuts");
    if (websockets) websockets->shut(cause, "the node shuts");
    loop.after(end_patience, [this] { loop.stop(); });
  };
  // The server first: whoever is told goodbye may ask it where to go.
  if (home)
    home->leave(shut);
  else
    shut();
}

/// For browsers that have no UDP: the same links, over TCP.
Result<void> RelayServer::Parts::listen_for_websockets() {
  auto& carrier = node->add_carrier();
  adapters::websocket::Settings settings;
  settings.at = {*model::parse_ip_address(config.websocket_address), config.websocket_port};
  settings.origins = config.origins;
  settings.path = config.path;
  settings.connections_max = config.connections_max;
  auto opened = adapters::websocket::open(loop, settings, carrier);
  if (!opened) return fail(opened.error());
  websockets = std::move(*opened);
  carrier.stand_on(*websockets);
  return {};
}

/// Without a SEALDD server to tell: flows that changed are logged, and what was measured is let go.
void RelayServer::Parts::look_at_reports() {
  for (const auto& change : node->report().changes) flow_changed(change);
  loop.after(report_interval, [this] { look_at_reports(); });
}

void RelayServer::Parts::flow_changed(const relay::FlowChange& change) {
  if (change.state == relay::FlowState::up) ++flows_opened;
  if (change.state == relay::FlowState::closed) ++flows_closed;
  log->event(Level::info, "flow_changed",
             {{"flow", static_cast<std::int64_t>(change.flow)},
              {"room", change.room},
              {"ue", change.ue},
              {"state", relay::to_string(change.state)},
              {"cause", sdd::to_string(change.cause)}});
}

RelayServer::RelayServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
RelayServer::~RelayServer() = default;

Result<std::unique_ptr<RelayServer>> RelayServer::open(const Config& config) {
  auto parts = std::make_unique<Parts>(*config.relay, config.logger);
  if (auto opened = parts->open(); !opened) return fail(opened.error());
  return std::unique_ptr<RelayServer>(new RelayServer(std::move(parts)));
}

std::vector<std::string> RelayServer::urls() const {
  const auto host = host_of(parts_->endpoint->local());
  std::vector<std::string> all{"quic://" + host, "https://" + host + parts_->config.path,
                               "sha256:" + parts_->digest};
  if (parts_->websockets)
    all.push_back("ws://" + host_of(parts_->websockets->local()) + parts_->config.path);
  for (const auto& url : parts_->listeners.urls()) all.push_back(url);
  return all;
}

void RelayServer::run(std::chrono::seconds at_most) {
  if (at_most.count() > 0) parts_->loop.after(at_most, [this] { parts_->end(); });
  parts_->loop.run();
}

Rows RelayServer::summary() const {
  const auto& relay = parts_->node->relay();
  const auto& counts = relay.counts();
  const auto& wire = parts_->endpoint->counters();
  const auto number = [](std::uint64_t value) { return Cell(static_cast<std::int64_t>(value)); };
  return {.columns = {"node", "links", "flowsOpened", "flowsClosed", "datagrams", "malformed",
                      "tokensRefused", "flowsUnknown", "packetsIn", "packetsOut", "sends",
                      "retries", "resets"},
          .rows = {{parts_->config.node, number(parts_->node->links_opened()),
                    number(parts_->flows_opened), number(parts_->flows_closed),
                    number(counts.datagrams), number(counts.datagrams_malformed),
                    number(counts.tokens_refused), number(counts.flows_unknown),
                    number(wire.packets_in), number(wire.packets_out), number(wire.sends),
                    number(wire.retries_asked), number(wire.resets_sent)}}};
}

}  // namespace lobo::app
