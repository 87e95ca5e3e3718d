// quic_echo KIND serve | quic_echo KIND load PORT OCTETS CONNECTIONS IN_FLIGHT MILLISECONDS
// Our QUIC's datagrams, and the table of kinds; the peers stand in quic_echo_peers.cpp.
#include "quic_echo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "adapters/crypto/certificate.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/quic/quic.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::bench {

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

namespace {

namespace quic = adapters::quic;

struct Quiet : quic::LinkEvents {
  void on_opened(quic::LinkId, const quic::Opened&) override {}
  void on_datagram(quic::LinkId, Bytes) override {}
  void on_stream(quic::LinkId, quic::StreamNo, Bytes, bool) override {}
  void on_stream_reset(quic::LinkId, quic::StreamNo, std::uint64_t) override {}
  void on_acked(quic::LinkId, std::uint64_t) override {}
  void on_lost(quic::LinkId, std::uint64_t) override {}
  void on_closed(quic::LinkId, const quic::Closed&) override {}
};

struct Echo final : Quiet {
  quic::Links* links = nullptr;
  void on_datagram(quic::LinkId link, Bytes datagram) override {
    (void)links->send_datagram(link, datagram, 0);
  }
};

struct Loader final : Quiet {
  quic::Links* links = nullptr;
  adapters::EventLoop* loop = nullptr;
  EchoLoad load;
  EchoResult result;
  std::vector<std::byte> message;
  std::size_t open = 0;
  std::uint64_t began = 0;
  bool over = false;

  void send(quic::LinkId link) {
    const std::uint64_t now = now_ns();
    std::memcpy(message.data(), &now, sizeof now);
    (void)links->send_datagram(link, message, 0);
  }
  void on_opened(quic::LinkId link, const quic::Opened&) override {
    opened.push_back(link);
    if (opened.size() < load.connections) return;
    began = now_ns();
    for (const auto one : opened)
      for (std::size_t i = 0; i < load.in_flight; ++i) send(one);
  }
  void on_datagram(quic::LinkId link, Bytes datagram) override {
    std::uint64_t sent = 0;
    if (datagram.size() >= sizeof sent) std::memcpy(&sent, datagram.data(), sizeof sent);
    const std::uint64_t now = now_ns();
    result.micros.push_back(static_cast<std::uint32_t>((now - sent) / 1000));
    ++result.messages;
    result.took = std::chrono::nanoseconds(now - began);
    if (over || result.took > load.time) {
      if (!std::exchange(over, true)) loop->stop();
      return;
    }
    send(link);
  }
  // One that is lost would leave its place empty for good.
  void on_lost(quic::LinkId link, std::uint64_t) override {
    if (!over) send(link);
  }
  std::vector<quic::LinkId> opened;
};

quic::Settings settings_at(std::uint16_t port) {
  quic::Settings out;
  out.at = {*model::parse_ip_address("127.0.0.1"), port};
  out.protocols = {"echo"};
  return out;
}

}  // namespace

int serve_quic() {
  const auto folder =
      std::filesystem::temp_directory_path() / fmt::format("lobo-quic-echo-{}", now_ns());
  std::filesystem::create_directory(folder);
  const auto now = adapters::SystemClock{}.now();
  const auto identity = adapters::crypto::make_identity({.name = "echo.example",
                                                         .also = {"IP:127.0.0.1"},
                                                         .usage = adapters::crypto::Usage::server,
                                                         .from = now - std::chrono::hours{1},
                                                         .until = now + std::chrono::hours{24}},
                                                        nullptr);
  if (!identity) return 1;
  auto settings = settings_at(0);
  settings.certificate_file = folder / "server.pem";
  settings.key_file = folder / "server.key";
  std::ofstream(settings.certificate_file) << *adapters::crypto::certificate_pem(*identity);
  std::ofstream(settings.key_file) << *adapters::crypto::key_pem(*identity);
  adapters::EventLoop loop;
  Echo echo;
  auto endpoint = quic::open(loop, settings, echo);
  const auto digest = quic::certificate_sha256(settings.certificate_file);
  std::filesystem::remove_all(folder);
  if (!endpoint || !digest) return 1;
  echo.links = endpoint->get();
  fmt::print("{} ", (*endpoint)->local().port);
  for (const auto octet : *digest) fmt::print("{:02x}", octet);
  fmt::print("\n");
  std::fflush(stdout);
  loop.run();
  return 0;
}

EchoResult load_quic(const EchoLoad& load) {
  adapters::EventLoop loop;
  Loader loader;
  loader.load = load;
  loader.loop = &loop;
  loader.message.resize(load.octets);
  auto endpoint = quic::open(loop, settings_at(0), loader);
  if (!endpoint) return {};
  loader.links = endpoint->get();
  quic::Target target{.to = {*model::parse_ip_address("127.0.0.1"), load.port},
                      .name = {},
                      .from = settings_at(0).at,
                      .trust = {}};
  // Whoever measures started the server, and tells its certificate's digest.
  const char* digest = std::getenv("QUIC_ECHO_DIGEST");
  if (digest == nullptr || std::string_view(digest).size() != 64) return {};
  auto& octets = target.trust.certificate_sha256.emplace();
  for (std::size_t i = 0; i < octets.size(); ++i)
    octets[i] = static_cast<std::uint8_t>(
        std::stoul(std::string(std::string_view(digest).substr(2 * i, 2)), nullptr, 16));
  for (std::size_t i = 0; i < load.connections; ++i)
    if (!(*endpoint)->connect(target)) return {};
  loop.after(load.time + std::chrono::seconds{10}, [&loop] { loop.stop(); });
  loop.run();
  return std::move(loader.result);
}

}  // namespace lobo::bench

namespace {

constexpr lobo::bench::EchoKind kinds[] = {
    {"quic", lobo::bench::serve_quic, lobo::bench::load_quic},
    {"udp", lobo::bench::serve_udp, lobo::bench::load_udp},
    {"websocket", lobo::bench::serve_websocket, lobo::bench::load_websocket},
#ifdef LOBO_ENET
    {"enet", lobo::bench::serve_enet, lobo::bench::load_enet},
#endif
};

}  // namespace

int main(int count, char** words) {
  const std::vector<std::string> given(words + 1, words + count);
  if (given.empty()) {
    for (const auto& kind : kinds) fmt::print("{}\n", kind.name);
    return 0;
  }
  const auto* kind =
      std::ranges::find(kinds, given[0], [](const auto& one) { return std::string(one.name); });
  if (kind == std::end(kinds) || given.size() < 2) return 2;
  if (given[1] == "serve") return kind->serve();
  if (given.size() != 7) return 2;
  auto result = kind->load({.port = static_cast<std::uint16_t>(std::stoul(given[2])),
                            .octets = std::stoul(given[3]),
                            .connections = std::stoul(given[4]),
                            .in_flight = std::stoul(given[5]),
                            .time = std::chrono::milliseconds{std::stoul(given[6])}});
  if (result.micros.empty()) return 1;
  std::ranges::sort(result.micros);
  const auto at = [&](double share) {
    return result
        .micros[static_cast<std::size_t>(share * static_cast<double>(result.micros.size() - 1))];
  };
  fmt::print("{{\"messages\": {}, \"seconds\": {:.3f}, \"p50_us\": {}, \"p99_us\": {}}}\n",
             result.messages, std::chrono::duration<double>(result.took).count(), at(0.5),
             at(0.99));
  return 0;
}
