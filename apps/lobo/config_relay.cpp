#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config.hpp"
#include "config_read.hpp"
#include "config_section.hpp"
#include "relay_node/relay_config.hpp"
#include "wire/sdd/token.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t connections_max = 100'000;
constexpr std::uint64_t handshakes_max = 1'000'000;
constexpr std::uint64_t egress_mbps_max = 1'000'000;
constexpr std::uint64_t flows_max = 1'000'000;
constexpr std::uint64_t udp_payload_min = 1200;
constexpr std::uint64_t udp_payload_max = 9000;

void read_limits(Section& section, RelayConfig& out) {
  std::uint64_t number = 0;
  if (section.integer("connections", 1, connections_max, number))
    out.connections_max = static_cast<std::size_t>(number);
  if (section.integer("handshakes_per_second", 0, handshakes_max, number))
    out.handshakes_per_second_max = static_cast<std::size_t>(number);
  section.duration("window", 0ms, 100ms, out.window);
  section.duration("idle", 1s, 10min, out.idle_max);
  section.integer("udp_payload", udp_payload_min, udp_payload_max, out.udp_payload);
}

void read_home(Section& section, RelayHomeConfig& out) {
  read_sealdd_door(section, out.door);
  std::vector<ServerAddress> advertised;
  read_servers(section, "advertise", advertised, false);
  if (advertised.size() > 1)
    section.complain("advertise", Errc::too_many, "clients are told one address");
  if (!advertised.empty()) {
    out.address = advertised.front().address;
    out.port = advertised.front().port;
  }
  section.section("capacity", [&](Section& capacity) {
    capacity.integer("egress_mbps", 1, egress_mbps_max, out.egress_mbps);
    capacity.integer("flows", 1, flows_max, out.flows);
  });
}

}  // namespace

void read_relay(Section& section, RelayServerConfig& out) {
  if (section.text("node", out.node) && out.node.size() > sdd::node_bytes_max)
    section.complain("node", Errc::out_of_range,
                     fmt::format("a node's name has at most {} octets", sdd::node_bytes_max));
  std::uint64_t number = 0;
  if (section.integer("number", 0, 65535, number)) out.number = static_cast<std::uint16_t>(number);
  section.require("server");
  std::vector<ServerAddress> servers;
  read_servers(section, "server", servers, false);
  if (servers.size() > 1)
    section.complain("server", Errc::too_many, "a relay listens on one address");
  if (!servers.empty()) {
    out.address = servers.front().address;
    out.port = servers.front().port;
  }
  std::vector<ServerAddress> websockets;
  read_servers(section, "websocket", websockets, false);
  if (websockets.size() > 1)
    section.complain("websocket", Errc::too_many, "a relay has one WebSocket listener");
  if (!websockets.empty()) {
    out.websocket_address = websockets.front().address;
    out.websocket_port = websockets.front().port;
  }
  section.require("tls");
  section.section("tls", [&](Section& tls) {
    tls.require("cert");
    tls.require("key");
    tls.text("cert", out.certificate);
    tls.text("key", out.key);
  });
  section.text("reset_key", out.reset_key);
  section.section("sealdd", [&](Section& home) { read_home(home, out.home.emplace()); });
  if (!out.home) section.require("token_keys");
  section.texts("token_keys", out.token_keys);
  section.section("metrics", [&](Section& metrics) {
    metrics.require("server");
    read_servers(metrics, "server", out.metrics, false);
  });
  for (const auto& at : out.metrics)
    if (!is_loopback_address(at.address))
      section.complain(
          "metrics", Errc::not_allowed,
          at.address + " is no loopback address: administration stays on this machine");
  section.texts("origins", out.origins);
  if (section.text("path", out.path) && !out.path.starts_with('/'))
    section.complain("path", Errc::pattern, "a path begins with a slash");
  section.section("limits", [&](Section& limits) { read_limits(limits, out); });
}

}  // namespace lobo::app
