// Peers whose address changes: behind a NAT that forgets, and on purpose.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/quic/quic.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "quic/ends.hpp"

namespace lobo::testing {
namespace {

/// A NAT of one client: what comes in goes on from a port of its own, which it may forget.
class Nat {
 public:
  Nat(adapters::EventLoop& loop, UdpEndpoint server) : loop_(loop), server_(server) {
    auto inside =
        adapters::UdpSocket::open(loop, loopback(), [this](const UdpEndpoint& from, Bytes packet) {
          client_ = from;
          packets.push_back(text_of(packet));
          outside_->send(server_, packet);
        });
    require(inside.has_value());
    inside_ = std::move(*inside);
    forget();
  }
  UdpEndpoint inside() const { return inside_->local(); }
  void forget() {
    auto outside = adapters::UdpSocket::open(
        loop_, loopback(),
        [this](const UdpEndpoint&, Bytes packet) { inside_->send(client_, packet); });
    require(outside.has_value());
    outside_ = std::move(*outside);
  }
  std::vector<std::string> packets;  ///< that the client sent

 private:
  adapters::EventLoop& loop_;
  UdpEndpoint server_;
  UdpEndpoint client_;
  std::unique_ptr<adapters::UdpSocket> inside_;
  std::unique_ptr<adapters::UdpSocket> outside_;
};

class quic_paths : public QuicEnds {
 protected:
  /// A hundred states there and back, with something that happens in the middle; the longest time
  /// between two that came back.
  std::chrono::microseconds echo_hundred(const std::function<void()>& in_the_middle) {
    using Time = std::chrono::steady_clock;
    at_server.when_datagram = [this](quic::LinkId from, Bytes datagram) {
      (void)server->send_datagram(from, datagram, 0);
    };
    std::size_t sent = 0;
    Time::time_point last = Time::now();
    Time::duration longest{};
    at_client.when_datagram = [&](quic::LinkId, Bytes) {
      longest = std::max(longest, Time::now() - last);
      last = Time::now();
    };
    std::function<void()> send = [&] {
      if (sent == 50) in_the_middle();
      EXPECT_TRUE(client->send_datagram(link, bytes_of("state"), sent));
      if (++sent < 100) loop.after(std::chrono::milliseconds{2}, send);
    };
    send();
    EXPECT_TRUE(until([&] { return at_client.datagrams.size() == 100; }));
    at_client.when_datagram = nullptr;
    return std::chrono::duration_cast<std::chrono::microseconds>(longest);
  }
};

TEST_F(quic_paths, a_nat_that_forgets_its_port_costs_no_datagram) {
  serve();
  make_client();
  Nat nat(loop, server->local());
  auto to = target();
  to.to = nat.inside();
  link = connect(to);
  ASSERT_TRUE(until([&] { return at_server.last != 0; }));
  echo_hundred([&] { nat.forget(); });
  EXPECT_EQ(at_client.datagrams.size(), 100U);
  EXPECT_GE(server->counters().paths_validated, 1U);
  EXPECT_TRUE(at_server.closed.empty());
}

TEST_F(quic_paths, a_client_moves_to_another_address_and_loses_nothing) {
  meet();
  echo_hundred([&] {
    const auto moved = client->migrate(link, loopback("127.0.0.2"));
    EXPECT_TRUE(moved) << moved.error().detail;
  });
  EXPECT_EQ(at_client.datagrams.size(), 100U);
  EXPECT_GE(server->counters().paths_validated, 1U);
  EXPECT_GE(client->counters().paths_validated, 1U);
}

TEST_F(quic_paths, a_server_does_not_move_and_a_link_that_is_gone_neither) {
  meet();
  EXPECT_EQ(server->migrate(at_server.last, loopback("127.0.0.2")).error().code, Errc::not_found);
  EXPECT_EQ(client->migrate(link + 5, loopback("127.0.0.2")).error().code, Errc::not_found);
}

TEST_F(quic_paths, the_identifier_of_a_connection_says_which_node_and_worker_has_it) {
  auto settings = server_settings();
  settings.node = 0x1234;
  settings.worker = 0x56;
  serve(settings);
  make_client();
  Nat nat(loop, server->local());
  auto to = target();
  to.to = nat.inside();
  link = connect(to);
  ASSERT_TRUE(until([&] { return at_server.last != 0; }));
  ASSERT_TRUE(client->send_datagram(link, bytes_of("x"), 1));
  ASSERT_TRUE(until([&] { return at_server.datagrams.size() == 1; }));
  // RFC 9000 clause 17.3.1: a short header has the identifier behind its first octet.
  const std::string& packet = nat.packets.back();
  ASSERT_GT(packet.size(), 13U);
  EXPECT_EQ(static_cast<unsigned char>(packet[0]) & 0x80U, 0U);
  EXPECT_EQ(packet.substr(1, 3), std::string("\x12\x34\x56"));
}

}  // namespace
}  // namespace lobo::testing
