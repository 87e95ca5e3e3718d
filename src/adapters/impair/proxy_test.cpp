#include "adapters/impair/proxy.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/require.hpp"
#include "model/address.hpp"
#include "wire/impair/line.hpp"

namespace lobo::adapters::impair {
namespace {

using namespace std::chrono_literals;

UdpEndpoint loopback() { return {*model::parse_ip_address("127.0.0.1"), 0}; }

/// A client, the proxy, and a server that sends everything back.
class impair_proxy : public ::testing::Test {
 protected:
  impair_proxy() {
    auto opened =
        UdpSocket::open(loop, loopback(), [this](const UdpEndpoint& from, Bytes datagram) {
          ports_seen.insert(from.port);
          server->send(from, datagram);
        });
    require(opened.has_value());
    server = std::move(*opened);
  }
  void open(const lobo::impair::Settings& up, const lobo::impair::Settings& down) {
    auto opened = open_proxy(
        loop, {.at = loopback(), .to = server->local(), .up = up, .down = down, .seed = 11});
    ASSERT_TRUE(opened) << opened.error().detail;
    proxy = std::move(*opened);
    auto socket = UdpSocket::open(loop, loopback(), [this](const UdpEndpoint&, Bytes) {
      back.push_back(std::chrono::steady_clock::now());
    });
    ASSERT_TRUE(socket);
    client = std::move(*socket);
  }
  void send() {
    sent.push_back(std::chrono::steady_clock::now());
    client->send(proxy->local(), std::as_bytes(std::span("datagram")));
  }
  bool until(const std::function<bool()>& reached) {
    bool late = false;
    const auto limit = loop.after(20s, [&] {
      late = true;
      loop.stop();
    });
    std::function<void()> check = [&] {
      if (reached()) return loop.stop();
      loop.after(1ms, check);
    };
    check();
    if (!reached()) loop.run();
    loop.cancel(limit);
    return !late;
  }

  EventLoop loop;
  std::unique_ptr<UdpSocket> server;
  std::unique_ptr<UdpSocket> client;
  std::unique_ptr<Proxy> proxy;
  std::set<std::uint16_t> ports_seen;
  std::vector<std::chrono::steady_clock::time_point> sent, back;
};

TEST_F(impair_proxy, what_goes_there_and_back_waits_both_times) {
  open({.delay = 20ms}, {.delay = 10ms});
  for (int i = 0; i < 20; ++i) send();
  ASSERT_TRUE(until([&] { return back.size() == 20; }));
  for (std::size_t i = 0; i < 20; ++i) EXPECT_GE(back[i] - sent[i], 30ms);
  EXPECT_EQ(proxy->up().delivered, 20U);
  EXPECT_EQ(proxy->down().delivered, 20U);
  EXPECT_GE(proxy->up().delay_min, 20ms);
  EXPECT_GE(proxy->down().delay_min, 10ms);
}

TEST_F(impair_proxy, what_the_statistics_call_lost_is_what_did_not_arrive) {
  open({.loss = {200'000}}, {.loss = {100'000}});
  std::size_t given = 0;
  ASSERT_TRUE(until([&] {
    for (int i = 0; i < 20 && given < 2000; ++i, ++given) send();
    return given == 2000 && proxy->up().taken == 2000 &&
           proxy->down().taken == 2000 - proxy->up().lost && back.size() == proxy->down().delivered;
  }));
  EXPECT_NEAR(static_cast<double>(proxy->up().lost), 400, 100);
  EXPECT_EQ(back.size() + proxy->up().lost + proxy->down().lost, 2000U);
}

TEST_F(impair_proxy, a_client_comes_from_another_port_after_a_rebinding) {
  open({}, {});
  send();
  ASSERT_TRUE(until([&] { return back.size() == 1; }));
  EXPECT_EQ(ports_seen.size(), 1U);
  ASSERT_TRUE(proxy->rebind());
  send();
  ASSERT_TRUE(until([&] { return back.size() == 2; }));
  EXPECT_EQ(ports_seen.size(), 2U);
  EXPECT_EQ(proxy->counters().rebindings, 1U);
  EXPECT_EQ(proxy->counters().clients, 1U);
}

TEST_F(impair_proxy, a_port_that_somebody_has_is_refused_by_name) {
  const auto opened =
      open_proxy(loop, {.at = server->local(), .to = server->local(), .up = {}, .down = {}});
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().detail.find(std::to_string(server->local().port)), std::string::npos);
}

}  // namespace
}  // namespace lobo::adapters::impair
