#pragma once
// Both ends of QUIC connections on one loop, with a certificate made for the test.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
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
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "model/address.hpp"
#include "support/temp_dir.hpp"

namespace lobo::testing {

namespace quic = adapters::quic;
using adapters::UdpEndpoint;

inline Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
inline std::string text_of(Bytes bytes) {
  std::string text(bytes.size(), ' ');
  std::ranges::transform(bytes, text.begin(),
                         [](std::byte octet) { return std::to_integer<char>(octet); });
  return text;
}
inline UdpEndpoint loopback(std::string_view address = "127.0.0.1", std::uint16_t port = 0) {
  return {*model::parse_ip_address(address), port};
}

/// What one end has heard.
class Heard : public quic::LinkEvents {
 public:
  struct Stream {
    std::string octets;
    bool ended = false;
    std::optional<std::uint64_t> reset;
  };

  void on_opened(quic::LinkId link, const quic::Opened& opened) override {
    last = link;
    opened_as[link] = opened;
    if (when_open) when_open(link);
  }
  void on_datagram(quic::LinkId link, Bytes datagram) override {
    datagrams.push_back(text_of(datagram));
    if (when_datagram) when_datagram(link, datagram);
  }
  void on_stream(quic::LinkId link, quic::StreamNo stream, Bytes octets, bool end) override {
    auto& one = streams[stream];
    one.octets += text_of(octets);
    one.ended = one.ended || end;
    if (when_stream) when_stream(link, stream, octets, end);
  }
  void on_stream_reset(quic::LinkId, quic::StreamNo stream, std::uint64_t code) override {
    streams[stream].reset = code;
  }
  void on_acked(quic::LinkId, std::uint64_t tag) override { acked.push_back(tag); }
  void on_lost(quic::LinkId, std::uint64_t tag) override { lost.push_back(tag); }
  void on_closed(quic::LinkId link, const quic::Closed& why) override { closed[link] = why; }

  quic::LinkId last = 0;
  std::map<quic::LinkId, quic::Opened> opened_as;
  std::vector<std::string> datagrams;
  std::map<quic::StreamNo, Stream> streams;
  std::vector<std::uint64_t> acked;
  std::vector<std::uint64_t> lost;
  std::map<quic::LinkId, quic::Closed> closed;
  std::function<void(quic::LinkId)> when_open;
  std::function<void(quic::LinkId, Bytes)> when_datagram;
  std::function<void(quic::LinkId, quic::StreamNo, Bytes, bool)> when_stream;
};

class QuicEnds : public ::testing::Test {
 protected:
  static constexpr std::chrono::seconds patience{20};
  static constexpr std::chrono::milliseconds look{1};

  QuicEnds() {
    const auto now = adapters::SystemClock{}.now();
    const auto identity =
        adapters::crypto::make_identity({.name = "relay.example",
                                         .also = {"DNS:relay.example", "IP:127.0.0.1"},
                                         .usage = adapters::crypto::Usage::authority,
                                         .from = now - std::chrono::hours{1},
                                         .until = now + std::chrono::hours{24}},
                                        nullptr);
    require(identity.has_value());
    const auto leaf =
        adapters::crypto::make_identity({.name = "relay.example",
                                         .also = {"DNS:relay.example", "IP:127.0.0.1"},
                                         .usage = adapters::crypto::Usage::server,
                                         .from = now - std::chrono::hours{1},
                                         .until = now + std::chrono::hours{24}},
                                        &*identity);
    require(leaf.has_value());
    std::ofstream(folder.file("ca.pem")) << *adapters::crypto::certificate_pem(*identity);
    std::ofstream(folder.file("server.pem")) << *adapters::crypto::certificate_pem(*leaf);
    std::ofstream(folder.file("server.key")) << *adapters::crypto::key_pem(*leaf);
  }

  quic::Settings server_settings() const {
    quic::Settings settings;
    settings.at = loopback();
    settings.protocols = {"sdd/1"};
    settings.certificate_file = folder.file("server.pem");
    settings.key_file = folder.file("server.key");
    settings.reset_key_file = folder.file("reset.key");
    return settings;
  }
  static quic::Settings client_settings() {
    quic::Settings settings;
    settings.at = loopback();
    settings.protocols = {"sdd/1"};
    return settings;
  }
  void serve() { serve(server_settings()); }
  void serve(const quic::Settings& settings) {
    auto opened = quic::open(loop, settings, at_server);
    ASSERT_TRUE(opened) << opened.error().detail;
    server = std::move(*opened);
  }
  void make_client() { make_client(client_settings()); }
  void make_client(const quic::Settings& settings) {
    auto opened = quic::open(loop, settings, at_client);
    ASSERT_TRUE(opened) << opened.error().detail;
    client = std::move(*opened);
  }
  quic::Target target() const {
    return {.to = server->local(),
            .name = "relay.example",
            .from = loopback(),
            .trust = {.ca_file = folder.file("ca.pem"), .certificate_sha256 = {}}};
  }
  quic::LinkId connect(const quic::Target& to) {
    const auto made = client->connect(to);
    EXPECT_TRUE(made) << made.error().detail;
    return made.value_or(0);
  }
  /// A server and a client that speak with each other: link (at the client) and at_server.last.
  void meet() {
    if (!server) serve();
    if (!client) make_client();
    link = connect(target());
    ASSERT_TRUE(until([&] { return at_client.opened_as.contains(link) && at_server.last != 0; }));
  }
  /// Runs the loop until that holds; false where it does not within `patience`.
  bool until(const std::function<bool()>& reached) {
    bool late = false;
    const auto limit = loop.after(patience, [&] {
      late = true;
      loop.stop();
    });
    std::function<void()> check = [&] {
      if (reached()) return loop.stop();
      loop.after(look, check);
    };
    check();
    if (!reached()) loop.run();
    loop.cancel(limit);
    return !late;
  }

  TempDir folder;
  adapters::EventLoop loop;
  Heard at_server;
  Heard at_client;
  std::unique_ptr<quic::Endpoint> server;
  std::unique_ptr<quic::Endpoint> client;
  quic::LinkId link = 0;
};

}  // namespace lobo::testing
