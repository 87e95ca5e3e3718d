#pragma once
// A UE of a SEALDD session as a process of its own has it: told by a line of text where to go, with
// a connection, an endpoint and a socket of its own; it comes back when its connection ends.
//   ADDRESS PORT SHA256-OF-THE-CERTIFICATE-IN-HEX TOKEN FLOW ALIAS [FAULT]
// FAULT is what it does beside what it should: "masked" sends component 1 as well; "unknown" frames
// of a flow that nobody let in, "lengths" frames that claim more than there is, "future" sequences
// that nobody can have reached, "flood" 120 states of a KiB each at a time; "asks" names its flow
// when it shows the token; "endless" claims a control message of a gigabyte once it is in.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/quic/quic.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/require.hpp"
#include "model/address.hpp"
#include "relay/client.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::testing {

inline constexpr std::size_t flood_states = 120;
inline constexpr std::array<std::byte, 1024> flood{};
inline constexpr std::uint32_t strange =
    1'000'000;  ///< further than any flow or sequence of a test
/// The length of a control message of 2^30 - 1 octets, as a varint.
inline constexpr std::array endless{std::byte{0xBF}, std::byte{0xFF}, std::byte{0xFF},
                                    std::byte{0xFF}};

struct UeGiven {
  adapters::quic::Target target;
  std::vector<std::byte> token;
  sdd::FlowId flow = 0;
  sdd::Alias alias = 0;
  std::string fault;
};

inline adapters::UdpEndpoint any_port() { return {*model::parse_ip_address("127.0.0.1"), 0}; }

inline std::optional<std::array<std::uint8_t, 32>> digest_of(const std::string& hex) {
  std::array<std::uint8_t, 32> out{};
  if (hex.size() != 2 * out.size()) return std::nullopt;
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(std::stoul(hex.substr(2 * i, 2), nullptr, 16));
  return out;
}

inline std::optional<UeGiven> ue_of_line(const std::string& line) {
  std::istringstream in(line);
  std::string address;
  std::string hex;
  std::string token;
  std::uint16_t port = 0;
  std::uint32_t flow = 0;
  std::uint32_t alias = 0;
  if (!(in >> address >> port >> hex >> token >> flow >> alias)) return std::nullopt;
  std::string fault;
  in >> fault;
  const auto to = model::parse_ip_address(address);
  const auto digest = digest_of(hex);
  auto bytes = sdd::token_of_text(token);
  if (!to || !digest || !bytes) return std::nullopt;
  return UeGiven{.target = {.to = {*to, port},
                            .name = {},
                            .from = any_port(),
                            .trust = {.ca_file = {}, .certificate_sha256 = digest}},
                 .token = std::move(*bytes),
                 .flow = flow,
                 .alias = static_cast<sdd::Alias>(alias),
                 .fault = std::move(fault)};
}

class FarUe final : public adapters::quic::LinkEvents, private relay::ClientSink {
 public:
  struct Told {
    /// "up", "refused", "released", "tier" or "closed", and why.
    std::function<void(std::string_view what, std::string_view why)> event;
    std::function<void(const relay::Received& state)> state;
  };

  FarUe(adapters::EventLoop& loop, const Clock& clock, UeGiven given, Told told)
      : clock_(clock), given_(std::move(given)), told_(std::move(told)), core_(*this) {
    adapters::quic::Settings settings;
    settings.at = any_port();
    settings.protocols = {"sdd/1"};
    auto opened = adapters::quic::open(loop, settings, *this);
    require(opened.has_value());
    endpoint_ = std::move(*opened);
    connect();
  }

  bool up() const { return up_; }
  /// Nothing while the flow is not there.
  void publish(Bytes state) {
    if (!up_) return;
    (void)core_.publish(given_.flow, given_.alias, 0, state, std::nullopt, clock_.now());
    if (given_.fault == "masked")
      (void)core_.publish(given_.flow, given_.alias, 1, state, std::nullopt, clock_.now());
    if (given_.fault == "unknown")
      send({.flow = given_.flow + strange, .alias = given_.alias, .payload = state});
    if (given_.fault == "future")
      send({.flow = given_.flow, .alias = given_.alias, .seq = strange, .payload = state});
    if (given_.fault == "flood")
      for (std::size_t i = 0; i < flood_states; ++i)
        (void)core_.publish(given_.flow, given_.alias, 0, flood, std::nullopt, clock_.now());
    if (given_.fault == "lengths")
      send({.flow = given_.flow, .alias = given_.alias, .payload = state}, state.size() / 2);
  }
  void say(const sdd::ControlMessage& message) { core_.say(message); }
  sdd::FlowId flow() const { return given_.flow; }
  /// To be called every few milliseconds.
  void look() {
    if (up_ && core_.next_due() && *core_.next_due() <= clock_.now()) core_.advance(clock_.now());
  }

  void on_opened(adapters::quic::LinkId link, const adapters::quic::Opened&) override {
    control_ = endpoint_->open_stream(link, adapters::quic::StreamKind::both).value();
    core_.on_open("ue", clock_.now());
    core_.say(sdd::Establish{
        .request = 1,
        .token = given_.token,
        .flows = given_.fault == "asks" ? std::vector{given_.flow} : std::vector<sdd::FlowId>{}});
  }
  void on_datagram(adapters::quic::LinkId, Bytes datagram) override {
    core_.on_datagram(datagram, clock_.now());
  }
  void on_stream(adapters::quic::LinkId, adapters::quic::StreamNo stream, Bytes octets,
                 bool) override {
    if (stream == control_) require(core_.on_control(octets, clock_.now()));
  }
  void on_stream_reset(adapters::quic::LinkId, adapters::quic::StreamNo, std::uint64_t) override {}
  void on_acked(adapters::quic::LinkId, std::uint64_t) override {}
  void on_lost(adapters::quic::LinkId, std::uint64_t) override {}
  void on_closed(adapters::quic::LinkId, const adapters::quic::Closed& why) override {
    up_ = false;
    told_.event("closed", why.detail.empty() ? adapters::quic::to_string(why.cause) : why.detail);
    connect();
  }

 private:
  void connect() {
    const auto made = endpoint_->connect(given_.target);
    require(made.has_value());
    link_ = *made;
  }
  /// Any frame, without its last octets.
  void send(const sdd::Frame& frame, std::size_t cut = 0) {
    std::array<std::byte, sdd::datagram_bytes_max> octets{};
    ByteWriter out(octets);
    sdd::write_frame(out, frame);
    send_datagram(out.written().first(out.position() - cut));
  }
  void send_datagram(Bytes datagram) override {
    (void)endpoint_->send_datagram(link_, datagram, 0);
  }
  void send_control(Bytes bytes) override {
    (void)endpoint_->write_stream(link_, control_, bytes, false);
  }
  void received(const relay::Received& state) override { told_.state(state); }
  void told(const sdd::ControlMessage& message) override {
    if (const auto* answer = std::get_if<sdd::EstablishRsp>(&message)) {
      auto cause = answer->cause;
      if (cause == sdd::Cause::ok && !answer->flows.empty()) cause = answer->flows.front().cause;
      up_ = cause == sdd::Cause::ok;
      told_.event(up_ ? "up" : "refused", sdd::to_string(cause));
      if (up_ && given_.fault == "endless") send_control(endless);
    }
    if (const auto* release = std::get_if<sdd::Release>(&message)) {
      up_ = false;
      told_.event("released", sdd::to_string(release->cause));
    }
    if (const auto* tier = std::get_if<sdd::Tier>(&message))
      told_.event("tier", std::to_string(tier->tier));
  }

  const Clock& clock_;
  UeGiven given_;
  Told told_;
  relay::ClientCore core_;
  std::unique_ptr<adapters::quic::Endpoint> endpoint_;
  adapters::quic::LinkId link_ = 0;
  adapters::quic::StreamNo control_ = 0;
  bool up_ = false;
};

}  // namespace lobo::testing
