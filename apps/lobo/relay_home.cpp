#include "relay_home.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "adapters/crypto/system_rng.hpp"
#include "adapters/http/client.hpp"
#include "adapters/udp/socket.hpp"
#include "api/sdd_relay.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "config.hpp"
#include "model/address.hpp"
#include "network_tokens.hpp"
#include "pages/copied_metrics.hpp"
#include "relay/lease/lease.hpp"
#include "relay_node/carried_node.hpp"
#include "relay_node/server_link.hpp"
#include "wire/http/url.hpp"
#include "wire/json/formats.hpp"
#include "wiring.hpp"

namespace lobo::app {
namespace {

constexpr std::int64_t bits_of_a_megabit = 1'000'000;

api::sdd_relay::RelayRegistration registration_of(const RelayHome::Given& given) {
  const RelayHomeConfig& home = *given.config.home;
  api::sdd_relay::RelayRegistration said;
  const auto address =
      home.address.empty() ? given.listens.address : *model::parse_ip_address(home.address);
  if (std::holds_alternative<model::Ipv4Address>(address))
    said.conn_info.ipv4_addr = model::to_text(address);
  else
    said.conn_info.ipv6_addr = model::to_text(address);
  said.conn_info.port = home.port == 0 ? given.listens.port : home.port;
  std::string raw;
  for (const auto octet : given.certificate_sha256) raw += static_cast<char>(octet);
  said.certificate_hash = json::base64_encode(raw);
  said.capacity.egress_bps = static_cast<std::int64_t>(home.egress_mbps) * bits_of_a_megabit;
  said.capacity.flows = static_cast<std::int64_t>(home.flows);
  return said;
}

adapters::ClientConfig client_config(const NefConfig& door) {
  adapters::ClientConfig config;
  if (!door.http2) config.http2 = adapters::Http2Use::never;
  if (!door.tls.ca.empty() || !door.tls.cert.empty()) config.tls = tls_files(door.tls);
  return config;
}

}  // namespace

// Members stand in the order of construction: whoever uses another stands below it.
struct RelayHome::Parts {
  explicit Parts(Given all)
      : given(std::move(all)),
        http(given.loop, client_config(given.config.home->door)),
        carried(given.node, given.verifier, given.own_keys, given.seen),
        lease({.node = given.config.node,
               .said = registration_of(given),
               .deadline = given.config.home->door.deadline},
              carried, [this] { return random_id(rng); }) {}

  Given given;
  adapters::crypto::SystemRng rng;
  adapters::HttpClient http;
  std::unique_ptr<NetworkTokens> tokens;
  CarriedNode carried;
  relay::Lease lease;
  std::optional<ServerLink> link;
};

Result<std::unique_ptr<RelayHome>> RelayHome::open(Given given) {
  auto parts = std::make_unique<Parts>(std::move(given));
  const auto& door = parts->given.config.home->door;
  if (door.oauth2) {
    auto tokens =
        NetworkTokens::open(*door.oauth2, parts->http, parts->given.loop, parts->given.clock);
    if (!tokens) return fail(std::move(tokens.error()));
    parts->tokens = std::move(*tokens);
  }
  const auto root = http::parse_url(door.uri);
  if (!root) return fail(root.error());
  parts->link.emplace(*root, parts->lease,
                      ServerLink::Ports{parts->given.loop, parts->given.clock, parts->http,
                                        parts->tokens.get(), parts->given.log});
  return std::unique_ptr<RelayHome>(new RelayHome(std::move(parts)));
}

RelayHome::RelayHome(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
RelayHome::~RelayHome() = default;

void RelayHome::start() { parts_->link->look(); }
void RelayHome::wake() { parts_->link->wake(); }
void RelayHome::leave(std::function<void()> done) { parts_->link->leave(std::move(done)); }
const relay::Lease& RelayHome::lease() const { return parts_->lease; }

void RelayHome::count(CopiedMetrics& metrics) const {
  const relay::Lease* lease = &parts_->lease;
  metrics.gauge("lobo_relay_lease_held", {}, [lease] { return lease->held() ? 1U : 0U; });
  metrics.gauge("lobo_relay_windows_waiting", {}, [lease] { return lease->windows_waiting(); });
  const auto event = [&](const char* what, std::uint64_t relay::LeaseCounts::* member) {
    metrics.counter("lobo_relay_server_total", {{"what", what}},
                    [lease, member] { return lease->counts().*member; });
  };
  event("registered", &relay::LeaseCounts::registrations);
  event("reported", &relay::LeaseCounts::reports);
  event("report_refused", &relay::LeaseCounts::reports_refused);
  event("ordered", &relay::LeaseCounts::orders);
  event("ordered_late", &relay::LeaseCounts::orders_late);
  event("failed", &relay::LeaseCounts::failures);
  event("lease_lost", &relay::LeaseCounts::leases_lost);
  event("change_lost", &relay::LeaseCounts::changes_lost);
  metrics.counter("lobo_relay_server_total", {{"what", "window_lost"}},
                  [lease] { return lease->windows_lost(); });
}

std::string RelayHome::status() const {
  const relay::Lease& lease = parts_->lease;
  return fmt::format(R"({{"held":{},"epoch":{},"windowsWaiting":{},"failures":{}}})", lease.held(),
                     lease.epoch(), lease.windows_waiting(), lease.counts().failures);
}

}  // namespace lobo::app
