// UEs of a SEALDD session as a program, for tests and benchmarks of several processes. Reads one UE
// a line from standard input, until a line that says "go":
//   ADDRESS PORT SHA256-OF-THE-CERTIFICATE-IN-HEX TOKEN FLOW ALIAS
// Each has a connection of its own, publishes its asset thirty times a second, and comes back when
// its connection ends. Tells one JSON object a line: when a UE's flow was let in or its connection
// ended, by the monotonic clock, and what all have heard. Ends when standard input does.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <iostream>
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
#include "relay_node/relay_node.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::testing {
namespace {

using namespace std::chrono_literals;
namespace quic = adapters::quic;

constexpr auto publish_every = 33ms;
constexpr auto look_every = 2ms;
constexpr auto tell_every = 200ms;
constexpr std::size_t state_bytes = 200;

struct Given {
  quic::Target target;
  std::vector<std::byte> token;
  sdd::FlowId flow = 0;
  sdd::Alias alias = 0;
};

adapters::UdpEndpoint any_port() { return {*model::parse_ip_address("127.0.0.1"), 0}; }

std::optional<std::array<std::uint8_t, 32>> digest_of(const std::string& hex) {
  std::array<std::uint8_t, 32> out{};
  if (hex.size() != 2 * out.size()) return std::nullopt;
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(std::stoul(hex.substr(2 * i, 2), nullptr, 16));
  return out;
}

std::optional<Given> read_line(const std::string& line) {
  std::istringstream in(line);
  std::string address;
  std::string hex;
  std::string token;
  std::uint16_t port = 0;
  std::uint32_t flow = 0;
  std::uint32_t alias = 0;
  if (!(in >> address >> port >> hex >> token >> flow >> alias)) return std::nullopt;
  const auto to = model::parse_ip_address(address);
  const auto digest = digest_of(hex);
  auto bytes = sdd::token_of_text(token);
  if (!to || !digest || !bytes) return std::nullopt;
  return Given{.target = {.to = {*to, port},
                          .name = {},
                          .from = any_port(),
                          .trust = {.ca_file = {}, .certificate_sha256 = *digest}},
               .token = std::move(*bytes),
               .flow = flow,
               .alias = static_cast<sdd::Alias>(alias)};
}

void tell(std::string_view what, std::size_t ue, std::string_view why) {
  const auto at = std::chrono::steady_clock::now().time_since_epoch();
  std::printf(
      "{\"%.*s\":%zu,\"atNs\":%lld,\"why\":\"%.*s\"}\n", static_cast<int>(what.size()), what.data(),
      ue, static_cast<long long>(std::chrono::duration_cast<std::chrono::nanoseconds>(at).count()),
      static_cast<int>(why.size()), why.data());
  std::fflush(stdout);
}

class Ue final : public quic::LinkEvents, private relay::ClientSink {
 public:
  Ue(adapters::EventLoop& loop, const Clock& clock, Given given, std::size_t number)
      : clock_(clock), given_(std::move(given)), number_(number), core_(*this) {
    quic::Settings settings;
    settings.at = any_port();
    settings.protocols = {"sdd/1"};
    auto opened = quic::open(loop, settings, *this);
    require(opened.has_value());
    endpoint_ = std::move(*opened);
    connect();
  }
  void publish() {
    if (!up_) return;
    const std::vector<std::byte> state(state_bytes, std::byte{7});
    (void)core_.publish(given_.flow, given_.alias, 0, state, std::nullopt, clock_.now());
  }
  void look() {
    if (up_ && core_.next_due() && *core_.next_due() <= clock_.now()) core_.advance(clock_.now());
  }
  bool up() const { return up_; }
  std::uint64_t states() const { return states_; }

  void on_opened(quic::LinkId link, const quic::Opened&) override {
    control_ = endpoint_->open_stream(link, quic::StreamKind::both).value();
    core_.on_open("ue", clock_.now());
    core_.say(sdd::Establish{.request = 1, .token = given_.token});
  }
  void on_datagram(quic::LinkId, Bytes datagram) override {
    core_.on_datagram(datagram, clock_.now());
  }
  void on_stream(quic::LinkId, quic::StreamNo stream, Bytes octets, bool) override {
    if (stream == control_) require(core_.on_control(octets, clock_.now()));
  }
  void on_stream_reset(quic::LinkId, quic::StreamNo, std::uint64_t) override {}
  void on_acked(quic::LinkId, std::uint64_t) override {}
  void on_lost(quic::LinkId, std::uint64_t) override {}
  void on_closed(quic::LinkId, const quic::Closed& why) override {
    up_ = false;
    tell("closed", number_, quic::to_string(why.cause));
    connect();
  }

 private:
  void connect() {
    const auto made = endpoint_->connect(given_.target);
    require(made.has_value());
    link_ = *made;
  }
  void send_datagram(Bytes datagram) override {
    (void)endpoint_->send_datagram(link_, datagram, 0);
  }
  void send_control(Bytes bytes) override {
    (void)endpoint_->write_stream(link_, control_, bytes, false);
  }
  void received(const relay::Received&) override { ++states_; }
  void told(const sdd::ControlMessage& message) override {
    if (const auto* answer = std::get_if<sdd::EstablishRsp>(&message)) {
      up_ = answer->cause == sdd::Cause::ok;
      tell(up_ ? "up" : "refused", number_, sdd::to_string(answer->cause));
    }
    if (const auto* release = std::get_if<sdd::Release>(&message)) {
      up_ = false;
      tell("released", number_, sdd::to_string(release->cause));
    }
    if (const auto* tier = std::get_if<sdd::Tier>(&message))
      tell("tier", number_, std::to_string(tier->tier));
  }

  const Clock& clock_;
  Given given_;
  std::size_t number_;
  relay::ClientCore core_;
  std::unique_ptr<quic::Endpoint> endpoint_;
  quic::LinkId link_ = 0;
  quic::StreamNo control_ = 0;
  bool up_ = false;
  std::uint64_t states_ = 0;
};

bool input_ended() {
  pollfd waits{STDIN_FILENO, POLLIN, 0};
  if (::poll(&waits, 1, 0) <= 0) return false;
  std::array<char, 64> unread{};
  return ::read(STDIN_FILENO, unread.data(), unread.size()) <= 0;
}

int run() {
  adapters::EventLoop loop;
  const app::SteadyWallClock clock;
  std::vector<std::unique_ptr<Ue>> ues;
  // Unbuffered, so that what comes after "go" is left for poll().
  std::string line;
  for (char c = 0; ::read(STDIN_FILENO, &c, 1) == 1;) {
    if (c != '\n') {
      line += c;
      continue;
    }
    if (line == "go") break;
    auto given = read_line(line);
    if (!given) {
      std::cerr << "this is no UE: " << line << '\n';
      return 2;
    }
    ues.push_back(std::make_unique<Ue>(loop, clock, std::move(*given), ues.size()));
    line.clear();
  }
  std::function<void()> publish = [&] {
    for (const auto& ue : ues) ue->publish();
    loop.after(publish_every, publish);
  };
  std::function<void()> look = [&] {
    for (const auto& ue : ues) ue->look();
    loop.after(look_every, look);
  };
  std::function<void()> report = [&] {
    std::uint64_t states = 0;
    for (const auto& ue : ues) states += ue->states();
    tell("states", static_cast<std::size_t>(states), "");
    if (input_ended()) return loop.stop();
    loop.after(tell_every, report);
  };
  publish();
  look();
  report();
  loop.run();
  return 0;
}

}  // namespace
}  // namespace lobo::testing

int main() { return lobo::testing::run(); }
