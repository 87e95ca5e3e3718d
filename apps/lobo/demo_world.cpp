#include "demo_world.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/server.hpp"
#include "api_client.hpp"
#include "base/result.hpp"
#include "demo_report.hpp"
#include "process.hpp"
#include "ready.hpp"
#include "wire/http/url.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

constexpr std::chrono::milliseconds ask_again_after{50};
constexpr std::string_view loopback = "127.0.0.1";
constexpr std::size_t story_ues = 5;

bool left_by_us(std::string_view name) {
  constexpr std::array<std::string_view, 11> ours{
      "summary.json", "report.html",      "trace.mmd",       "trace",
      "network.yaml", "server.yaml",      "network.log",     "server.log",
      "store.sqlite", "store.sqlite-wal", "store.sqlite-shm"};
  return std::ranges::find(ours, name) != ours.end();
}

}  // namespace

DemoWorld::DemoWorld(std::string directory, std::size_t crowd)
    : directory_(std::move(directory)),
      crowd_(crowd),
      sink_([this](const std::string& path, const std::string& body) {
        const auto parsed = json::parse(body);
        heard_.push_back(
            {std::chrono::steady_clock::now(), path, parsed ? *parsed : json::Value{}});
        loop_.stop();
      }) {
  clear_folder(directory_, left_by_us);
  for (const int number : {SIGINT, SIGTERM})
    loop_.on_signal(number, [this] {
      interrupted_ = true;
      loop_.stop();
    });
}

DemoWorld::DemoWorld(std::string directory, std::string network)
    : DemoWorld(std::move(directory), std::size_t{0}) {
  network_text_ = std::move(network);
}

DemoWorld::~DemoWorld() { end(); }

std::size_t DemoWorld::ue_count() const {
  if (!network_text_.empty()) return 1;
  return crowd_ > 0 ? crowd_ : story_ues;
}

Result<std::unique_ptr<ApiClient>> DemoWorld::client_of(const std::string& url) {
  return client_at(loop_, *http_, url);
}

void DemoWorld::end() {
  server_.reset();
  network_.reset();
}

std::string DemoWorld::notify_uri(std::string_view name) const {
  return fmt::format("{}/events/{}", url_of(std::string(loopback), sink_server_->port(), false),
                     name);
}

Result<std::vector<std::string>> DemoWorld::ready(ChildProcess& child, std::string_view what) {
  auto words = ready_words(child, start_patience);
  if (!words)
    return fail(words.error().code, fmt::format("{} did not start: {}; see {}/*.log", what,
                                                words.error().detail, directory_));
  return words;
}

Result<void> DemoWorld::start() {
  auto client = make_http_client(loop_, {}, false);
  if (!client) return fail(client.error());
  http_ = std::move(*client);
  sink_server_ = std::make_unique<adapters::HttpServer>(
      loop_, adapters::ServerConfig{.address = std::string(loopback), .port = 0}, sink_);
  if (auto open = sink_server_->listen(); !open) return open;

  const std::string config = directory_ + "/network.yaml";
  if (auto written = write_file(config, network_config()); !written) return written;
  auto child = start_own({"netsim", "-c", config}, directory_ + "/network.log");
  if (!child) return fail(child.error());
  network_ = std::move(*child);
  const auto urls = ready(*network_, "the simulated network");
  if (!urls) return fail(urls.error());
  network_url_ = urls->front();
  auto network = client_of(network_url_);
  if (!network) return fail(network.error());
  net_ = std::move(*network);
  return start_server();
}

Result<void> DemoWorld::start_server() {
  const std::string config = directory_ + "/server.yaml";
  if (auto written = write_file(config, server_config()); !written) return written;
  auto child = start_own({"serve", "-c", config}, directory_ + "/server.log");
  if (!child) return fail(child.error());
  server_ = std::move(*child);
  const auto urls = ready(*server_, "the server");
  if (!urls) return fail(urls.error());
  server_url_ = urls->front();
  if (urls->size() > 1) admin_url_ = (*urls)[1];
  auto server = client_of(server_url_);
  if (!server) return fail(server.error());
  nrm_ = std::move(*server);
  return {};
}

void DemoWorld::kill_server() {
  server_->signal(SIGKILL);
  server_->wait(std::chrono::duration_cast<std::chrono::milliseconds>(start_patience));
  server_.reset();
}

std::optional<Heard> DemoWorld::wait_for(std::string_view name, std::string_view event,
                                         std::size_t since, std::chrono::milliseconds patience) {
  const std::string path = fmt::format("/events/{}", name);
  const auto found = [&] {
    return std::find_if(
        heard_.begin() + static_cast<std::ptrdiff_t>(std::min(since, heard_.size())), heard_.end(),
        [&](const Heard& one) { return one.path == path && event_of(one.body) == event; });
  };
  run_until(loop_, [&] { return interrupted_ || found() != heard_.end(); }, patience);
  const auto at = found();
  if (at == heard_.end()) return std::nullopt;
  return *at;
}

bool DemoWorld::ask_until(ApiClient& api, std::string_view path,
                          const std::function<bool(const json::Value&)>& done,
                          std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto answer = api.ask("GET", path);
    if (answer && done(*answer)) return true;
    if (interrupted_ || std::chrono::steady_clock::now() >= until) return false;
    run_until(loop_, [&] { return interrupted_; }, ask_again_after);
  }
}

std::string event_of(const json::Value& notification) {
  const json::Value* items = notification.find("eventNotifs");
  if (!items || !items->array() || items->array()->empty()) return {};
  const json::Value* event = items->array()->front().find("event");
  return event && event->text() ? *event->text() : std::string();
}

// The first start takes a free port; a restart takes the same one again, because Locations and
// callback URIs that were handed out point there.
std::string DemoWorld::server_config() const {
  const auto port_of = [](const std::string& url) {
    const auto parsed = http::parse_url(url);
    return parsed ? parsed->port : std::uint16_t{0};
  };
  std::string ues;
  std::string members;
  for (std::size_t i = 1; i <= ue_count(); ++i) {
    ues += fmt::format("    - {{val_ue: ue{0}, gpsi: msisdn-4917000{0:05}}}\n", i);
    members += fmt::format("{}ue{}", i > 1 ? ", " : "", i);
  }
  const std::string rest =
      crowd_ > 0 ? fmt::format("  groups:\n    - {{val_group: crew, val_ues: [{}]}}\n", members)
                 : fmt::format("  trace:\n    directory: {}/trace\n", directory_);
  return fmt::format(R"(logger:
  level: info
nrm:
  server:
    - address: {0}
      port: {1}
  metrics:
    server:
      - address: {0}
        port: {2}
  store:
    path: {3}/store.sqlite
  auth:
    mode: "off"
  nef:
    uri: {4}
    allocation_events: always
  ues:
{5}  qos_references: [xr-gold, xr-silver, xr-bronze]
  val_services:
    xr-video: {{qosReference: xr-gold}}
  defaults:
    "*": xr-silver
  sinks:
    allow: [127.0.0.0/8]
    https_only: false
{6})",
                     loopback, server_url_.empty() ? 0 : port_of(server_url_),
                     admin_url_.empty() ? 0 : port_of(admin_url_), directory_, network_url_, ues,
                     rest);
}

std::string DemoWorld::network_config() const {
  if (!network_text_.empty()) return network_text_;
  std::string ues;
  for (std::size_t i = 1; i <= ue_count(); ++i) {
    // In the story one UE has IPv6 only, and one is in the other cell.
    const bool ipv6 = crowd_ == 0 && i == 2;
    const std::string address =
        ipv6 ? "ipv6: \"2001:db8:45::2\"" : fmt::format("ipv4: 10.45.{}.{}", i / 250, i % 250 + 1);
    ues += fmt::format("    - {{name: ue{0}, gpsi: msisdn-4917000{0:05}, {1}, cell: {2}}}\n", i,
                       address, crowd_ == 0 && i == story_ues ? "cell2" : "cell1");
  }
  return fmt::format(
      R"(netsim:
  server:
    - address: {}
      port: 0
  cells:
    - {{name: cell1, downlink: 110 Mbps, uplink: 60 Mbps}}
    - {{name: cell2, downlink: 40 Mbps, uplink: 20 Mbps}}
  ues:
{}  qos_profiles:
    - {{name: xr-gold, downlink: 40 Mbps, uplink: 10 Mbps, delay: 30ms, loss_percent: 0.1}}
    - {{name: xr-silver, downlink: 20 Mbps, uplink: 5 Mbps, delay: 50ms, loss_percent: 1}}
    - {{name: xr-bronze, downlink: 5 Mbps, uplink: 2 Mbps, delay: 100ms, loss_percent: 1}}
  application_functions: [lobodon]
{})",
      loopback, ues,
      crowd_ > 0 ? std::string() : fmt::format("  trace:\n    directory: {}/trace\n", directory_));
}

}  // namespace lobo::app
