// Sends back what a browser's WebTransport session sends: datagrams, and streams to their end. A
// stream that says "open" gets another one from here, and one that says "end" ends the session.
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/certificate.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/quic/quic.hpp"
#include "adapters/udp/socket.hpp"
#include "adapters/webtransport/gate.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace {

namespace adapters = lobo::adapters;
namespace model = lobo::model;
namespace quic = lobo::adapters::quic;
using lobo::Bytes;

class Echo final : public quic::LinkEvents {
 public:
  quic::Links* links = nullptr;

  void on_opened(quic::LinkId, const quic::Opened& opened) override {
    fmt::print("opened {} {} {}\n", opened.protocol, opened.path, opened.origin);
    std::fflush(stdout);
  }
  void on_datagram(quic::LinkId link, Bytes datagram) override {
    (void)links->send_datagram(link, datagram, 0);
  }
  void on_stream(quic::LinkId link, quic::StreamNo stream, Bytes octets, bool end) override {
    auto& told = said_[{link, stream}];
    if (told.size() < 8)
      for (const std::byte octet : octets) told += std::to_integer<char>(octet);
    (void)links->write_stream(link, stream, octets, end);
    if (!end) return;
    if (told == "end") links->close(link, 7, "as you wished");
    if (told == "open")
      if (const auto own = links->open_stream(link, quic::StreamKind::both))
        (void)links->write_stream(link, *own, std::as_bytes(std::span(std::string_view("hello"))),
                                  true);
    said_.erase({link, stream});
  }
  void on_stream_reset(quic::LinkId link, quic::StreamNo stream, std::uint64_t) override {
    said_.erase({link, stream});
  }
  void on_acked(quic::LinkId, std::uint64_t) override {}
  void on_lost(quic::LinkId, std::uint64_t) override {}
  void on_closed(quic::LinkId, const quic::Closed& closed) override {
    fmt::print("closed {} {} {}\n", quic::to_string(closed.cause), closed.code, closed.detail);
    std::fflush(stdout);
  }

 private:
  std::map<std::pair<quic::LinkId, quic::StreamNo>, std::string> said_;
};

}  // namespace

/// FOLDER ORIGIN
int main(int count, char** words) {
  if (count != 3) return 2;
  const std::string folder = words[1];
  const auto now = adapters::SystemClock{}.now();
  // What browsers accept by its hash alone: P-256, at most 14 days.
  const auto identity =
      adapters::crypto::make_identity({.name = "relay.example",
                                       .also = {"IP:127.0.0.1"},
                                       .usage = adapters::crypto::Usage::server,
                                       .from = now - std::chrono::hours{1},
                                       .until = now + std::chrono::hours{24 * 10}},
                                      nullptr);
  if (!identity) return 1;
  std::ofstream(folder + "/server.pem") << *adapters::crypto::certificate_pem(*identity);
  std::ofstream(folder + "/server.key") << *adapters::crypto::key_pem(*identity);

  adapters::EventLoop loop;
  Echo echo;
  adapters::webtransport::Gate gate({.origins = {words[2]}, .path = "/sdd"}, echo);
  echo.links = &gate;
  quic::Settings settings;
  settings.at = {*model::parse_ip_address("127.0.0.1"), 0};
  settings.protocols = {"sdd/1", "h3"};
  settings.certificate_file = folder + "/server.pem";
  settings.key_file = folder + "/server.key";
  settings.limits.stream_send_bytes_max = 4U << 20U;
  const auto endpoint = quic::open(loop, settings, gate);
  if (!endpoint) return fmt::print(stderr, "{}\n", endpoint.error().detail), 1;
  gate.stand_on(**endpoint);
  const auto digest = quic::certificate_sha256(settings.certificate_file);
  if (!digest) return 1;
  std::string hex;
  for (const auto octet : *digest) hex += fmt::format("{:02x}", octet);
  fmt::print("ready: https://127.0.0.1:{}/sdd {}\n", (*endpoint)->local().port, hex);
  std::fflush(stdout);
  for (const int number : {SIGTERM, SIGINT}) loop.on_signal(number, [&loop] { loop.stop(); });
  loop.run();
  return 0;
}
