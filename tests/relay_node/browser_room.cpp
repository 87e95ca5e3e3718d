// A relay node with a native client that publishes and watches, for a browser to join: tells where
// it is, what the page says on its control stream, and a state that the page numbers and sends. At
// its end it tells what the native client saw.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "adapters/quic/quic.hpp"
#include "base/bytes.hpp"
#include "base/require.hpp"
#include "base/text.hpp"
#include "relay/limits.hpp"
#include "relay_node/lab.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::testing {
namespace {

constexpr sdd::FlowId flow_of_page = 20;
constexpr sdd::Alias alias_of_page = 2;

std::string hex(Bytes bytes) {
  std::string text;
  for (const std::byte octet : bytes)
    text += fmt::format("{:02x}", std::to_integer<unsigned>(octet));
  return text;
}

class BrowserRoom final : public RelayLab {
 public:
  void TestBody() override {}

  void run(int further, std::chrono::milliseconds window) {
    relay::Limits limits;
    limits.window = window;
    kill();
    start(limits);
    auto control = sdd::write_control(sdd::Hello{.name = "page"});
    const auto establish = sdd::write_control(sdd::Establish{
        .request = 1,
        .token = token("ue2", {{.id = flow_of_page, .alias = alias_of_page, .asset = "urn:page"},
                               {.id = flow_of_page + 1, .direction = sdd::Direction::sub}})});
    control.insert(control.end(), establish.begin(), establish.end());
    std::array<std::byte, sdd::datagram_bytes_max> room{};
    ByteWriter out(room);
    const std::vector<std::byte> state(180);
    sdd::write_frame(out, {.key = true,
                           .flow = flow_of_page,
                           .alias = alias_of_page,
                           .component = 0,
                           .seq = 0,
                           .payload = state});
    require(out.ok());

    const auto native = client(1);
    native->connect(target());
    require(until([&] { return native->up; }));
    const auto digest = quic::certificate_sha256(folder.file("server.pem"));
    require(digest.has_value());
    fmt::print("ready: https://127.0.0.1:{}/sdd {} {} {}", at.port,
               hex(std::as_bytes(std::span(*digest))), hex(control), hex(out.written()));
    for (int i = 0; i < further; ++i) {
      const auto alias = static_cast<sdd::Alias>(alias_of_page + 1 + i);
      const sdd::FlowId flow = alias * 10U;
      fmt::print(
          " {}",
          hex(token("ue" + std::to_string(alias),
                    {{.id = flow, .alias = alias, .asset = "urn:page:" + std::to_string(alias)},
                     {.id = flow + 1, .direction = sdd::Direction::sub}})));
    }
    fmt::print("\n");
    std::fflush(stdout);
    std::size_t published = 0;
    std::function<void()> publish = [&] {
      native->publish("native " + std::to_string(published++));
      loop.after(std::chrono::microseconds{16'667}, publish);
    };
    publish();
    loop.on_signal(SIGTERM, [this] { loop.stop(); });
    loop.run();
    std::string each;
    for (const auto& [alias, states] : native->states_of)
      each += fmt::format("{}\"{}\": {}", each.empty() ? "" : ", ", alias, states);
    fmt::print("{{\"published\": {}, \"seen\": {}, \"links\": {}, \"of\": {{{}}}}}\n", published,
               native->states, node->relay().links(), each);
  }
};

}  // namespace
}  // namespace lobo::testing

int main(int count, char** words) {
  const auto number = [&](int at, std::uint64_t absent) {
    return count > at ? lobo::parse_decimal(words[at]).value_or(absent) : absent;
  };
  lobo::testing::BrowserRoom room;
  room.run(static_cast<int>(number(1, 0)), std::chrono::milliseconds(number(2, 4)));
  return 0;
}
