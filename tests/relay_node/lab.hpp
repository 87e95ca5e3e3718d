#pragma once
// A relay node and clients of sdd/1 on one loop: tokens, certificates and sockets are real.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
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
#include <variant>
#include <vector>

#include "adapters/crypto/certificate.hpp"
#include "adapters/crypto/flow_token.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/quic/quic.hpp"
#include "adapters/udp/socket.hpp"
#include "adapters/webtransport/gate.hpp"
#include "base/bytes.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "model/address.hpp"
#include "relay/limits.hpp"
#include "relay_node/relay_node.hpp"
#include "support/temp_dir.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/stream_header.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::testing {

namespace quic = adapters::quic;

inline adapters::UdpEndpoint loopback() { return {*model::parse_ip_address("127.0.0.1"), 0}; }
inline std::vector<std::byte> octets_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}
inline std::string text_of(Bytes bytes) {
  std::string text(bytes.size(), ' ');
  std::ranges::transform(bytes, text.begin(),
                         [](std::byte octet) { return std::to_integer<char>(octet); });
  return text;
}

/// A UE: it shows its token as soon as it is connected, and again when it comes back.
class SddClient final : public quic::LinkEvents {
 public:
  SddClient(adapters::EventLoop& loop, std::vector<std::byte> token, sdd::FlowId flow,
            sdd::Alias alias)
      : flow_(flow), alias_(alias), token_(std::move(token)) {
    quic::Settings settings;
    settings.at = loopback();
    settings.protocols = {"sdd/1"};
    auto opened = quic::open(loop, settings, *this);
    require(opened.has_value());
    endpoint_ = std::move(*opened);
  }

  void connect(const quic::Target& to) {
    target_ = to;
    const auto made = endpoint_->connect(to);
    require(made.has_value());
    link_ = *made;
  }
  void publish(std::string_view state, sdd::Component component = 0) {
    if (!up || endpoint_->datagram_max(link_) == 0) return;
    const auto payload = octets_of(state);
    std::array<std::byte, sdd::datagram_bytes_max> room{};
    ByteWriter out(room);
    sdd::write_frame(out, {.key = true,
                           .flow = flow_,
                           .alias = alias_,
                           .component = component,
                           .seq = ++seq_,
                           .payload = payload});
    require(out.ok());
    (void)endpoint_->send_datagram(link_, out.written(), seq_);
  }
  /// One message by a stream of its own.
  bool tell(std::string_view text, sdd::FlowId flow) {
    const auto stream = endpoint_->open_stream(link_, quic::StreamKind::both);
    if (!stream) return false;
    std::array<std::byte, sdd::stream_header_bytes_max> room{};
    ByteWriter out(room);
    sdd::write_stream_header(
        out,
        {.flow = flow, .reliability = sdd::FlowClass::unordered, .alias = alias_, .seq = ++seq_});
    std::vector<std::byte> all(out.written().begin(), out.written().end());
    const auto message = octets_of(text);
    all.insert(all.end(), message.begin(), message.end());
    return endpoint_->write_stream(link_, *stream, all, true).has_value();
  }
  void end_control() { (void)endpoint_->write_stream(link_, 0, {}, true); }
  quic::Endpoint& endpoint() { return *endpoint_; }
  quic::LinkId link() const { return link_; }

  void on_opened(quic::LinkId link, const quic::Opened&) override {
    const auto control = endpoint_->open_stream(link, quic::StreamKind::both);
    require(control.has_value() && *control == 0);
    auto bytes = sdd::write_control(sdd::Hello{.name = "test"});
    const auto establish = sdd::write_control(sdd::Establish{.request = 1, .token = token_});
    bytes.insert(bytes.end(), establish.begin(), establish.end());
    require(endpoint_->write_stream(link, 0, bytes, false).has_value());
  }
  void on_datagram(quic::LinkId, Bytes datagram) override {
    ByteReader in(datagram);
    while (in.left() > 0) {
      const auto frame = sdd::read_frame(in);
      if (!frame) return;
      seen[frame->alias] = text_of(frame->payload);
      components.push_back(frame->component);
      ++states;
      ++states_of[frame->alias];
    }
  }
  void on_stream(quic::LinkId link, quic::StreamNo stream, Bytes octets, bool end) override {
    if (stream == 0) return hear(octets);
    auto& held = streams_[stream];
    held.insert(held.end(), octets.begin(), octets.end());
    if (!end) return;
    ByteReader in(held);
    sdd::StreamHeader header;
    if (sdd::read_stream_header(in, header) == sdd::HeaderRead::whole)
      messages.push_back(text_of(in.rest()));
    streams_.erase(stream);
    (void)endpoint_->write_stream(link, stream, {}, true);  // read to its end
  }
  void on_stream_reset(quic::LinkId, quic::StreamNo, std::uint64_t) override {}
  void on_acked(quic::LinkId, std::uint64_t) override {}
  void on_lost(quic::LinkId, std::uint64_t) override {}
  void on_closed(quic::LinkId, const quic::Closed& why) override {
    up = false;
    closed.push_back(why);
    reader_ = {};
    streams_.clear();
    if (comes_back) connect(target_);
  }

  bool up = false;  ///< its flows were let in
  bool comes_back = false;
  std::optional<sdd::EstablishRsp> answer;
  std::map<sdd::Alias, std::string> seen;
  std::vector<sdd::Component> components;
  std::vector<std::string> messages;
  std::size_t states = 0;
  std::map<sdd::Alias, std::size_t> states_of;
  std::vector<quic::Closed> closed;

 private:
  void hear(Bytes octets) {
    for (;;) {
      const auto message = reader_.next(octets);
      require(message.has_value());
      if (!*message) return;
      if (const auto* told = std::get_if<sdd::EstablishRsp>(&**message)) {
        answer = *told;
        up = told->cause == sdd::Cause::ok;
      }
    }
  }

  std::unique_ptr<quic::Endpoint> endpoint_;
  quic::Target target_;
  quic::LinkId link_ = 0;
  sdd::FlowId flow_;
  sdd::Alias alias_;
  sdd::Sequence seq_ = 0;
  std::vector<std::byte> token_;
  sdd::ControlReader reader_;
  std::map<quic::StreamNo, std::vector<std::byte>> streams_;
};

class RelayLab : public ::testing::Test {
 protected:
  static constexpr std::chrono::seconds patience{20};

  RelayLab() {
    const auto now = clock.now();
    const auto identity = adapters::crypto::make_identity({.name = "relay.example",
                                                           .also = {"IP:127.0.0.1"},
                                                           .usage = adapters::crypto::Usage::server,
                                                           .from = now - std::chrono::hours{1},
                                                           .until = now + std::chrono::hours{24}},
                                                          nullptr);
    require(identity.has_value());
    std::ofstream(folder.file("server.pem")) << *adapters::crypto::certificate_pem(*identity);
    std::ofstream(folder.file("server.key")) << *adapters::crypto::key_pem(*identity);
    const auto keys = adapters::crypto::make_flow_key();
    require(keys.has_value());
    auto made = adapters::crypto::FlowTokenSigner::from(keys->private_key);
    require(made.has_value());
    signer = std::move(*made);
    require(verifier.trust({signer->public_key()}).has_value());
    start();
  }

  /// The node, at the place where it was before.
  void start(const relay::Limits& limits = {}) {
    node.emplace(loop, clock, "relay1", verifier, limits, app::RelayNode::Told{});
    auto& carrier = node->add_carrier();
    gate.emplace(adapters::webtransport::GateSettings{{"*"}, "/sdd"}, carrier);
    carrier.stand_on(*gate);
    quic::Settings settings;
    settings.at = at;
    settings.protocols = {"sdd/1", "h3"};
    settings.certificate_file = folder.file("server.pem");
    settings.key_file = folder.file("server.key");
    settings.reset_key_file = folder.file("reset.key");
    auto opened = quic::open(loop, settings, *gate);
    require(opened.has_value());
    server = std::move(*opened);
    gate->stand_on(*server);
    at = server->local();
  }
  /// Without a word to anybody, as kill -9 does it.
  void kill() {
    server.reset();
    gate.reset();
    node.reset();
  }

  quic::Target target() const {
    const auto digest = quic::certificate_sha256(folder.file("server.pem"));
    require(digest.has_value());
    return {.to = at,
            .name = {},
            .from = loopback(),
            .trust = {.ca_file = {}, .certificate_sha256 = *digest}};
  }
  std::vector<std::byte> token(const std::string& ue, std::vector<sdd::TokenFlow> flows) {
    const auto now = std::chrono::floor<std::chrono::seconds>(clock.now());
    auto made = sdd::sign_token({.key_id = 0,
                                 .room = "room1",
                                 .ue = ue,
                                 .flows = std::move(flows),
                                 .role = sdd::Role::client,
                                 .issued = now,
                                 .expires = now + std::chrono::hours{1},
                                 .node = "relay1",
                                 .epoch = 1},
                                *signer);
    require(made.has_value());
    return *made;
  }
  /// A UE that publishes the asset `alias` and sees all of the room.
  std::unique_ptr<SddClient> client(sdd::Alias alias) {
    const sdd::FlowId flow = alias * 10U;
    auto made = std::make_unique<SddClient>(
        loop,
        token("ue" + std::to_string(alias),
              {{.id = flow, .alias = alias, .asset = "urn:asset:" + std::to_string(alias)},
               {.id = flow + 1, .direction = sdd::Direction::sub},
               {.id = flow + 2,
                .alias = alias,
                .asset = "urn:asset:" + std::to_string(alias),
                .direction = sdd::Direction::pub,
                .reliability = sdd::FlowClass::unordered}}),
        flow, alias);
    return made;
  }
  bool until(const std::function<bool()>& reached) {
    bool late = false;
    const auto limit = loop.after(patience, [&] {
      late = true;
      loop.stop();
    });
    std::function<void()> check = [&] {
      if (reached()) return loop.stop();
      loop.after(std::chrono::milliseconds{1}, check);
    };
    check();
    if (!reached()) loop.run();
    loop.cancel(limit);
    return !late;
  }

  TempDir folder;
  adapters::EventLoop loop;
  app::SteadyWallClock clock;
  std::unique_ptr<adapters::crypto::FlowTokenSigner> signer;
  adapters::crypto::FlowTokenVerifier verifier;
  adapters::UdpEndpoint at = loopback();
  std::optional<app::RelayNode> node;
  std::optional<adapters::webtransport::Gate> gate;
  std::unique_ptr<quic::Endpoint> server;
};

}  // namespace lobo::testing
