#include "adapters/udp/batch_socket.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/udp/readiness.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view loopbacks[] = {"127.0.0.1", "::1"};

Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string text_of(Bytes bytes) {
  std::string text(bytes.size(), ' ');
  std::ranges::transform(bytes, text.begin(),
                         [](std::byte octet) { return std::to_integer<char>(octet); });
  return text;
}

BatchSocket on(std::string_view address) {
  auto socket = BatchSocket::open({*model::parse_ip_address(address), 0});
  EXPECT_TRUE(socket) << socket.error().detail;
  return std::move(*socket);
}

TEST(batch_socket, datagrams_arrive_head_and_body_in_one_with_who_sent_them) {
  for (const auto address : loopbacks) {
    BatchSocket one = on(address);
    BatchSocket other = on(address);
    one.send(other.local(), bytes_of("head and "), bytes_of("body"));
    one.send(other.local(), bytes_of("alone"));
    EventLoop loop;
    std::vector<std::string> heard;
    const Readiness readable(loop, other.descriptor(), [&] {
      other.receive([&](const UdpEndpoint& from, Bytes datagram) {
        EXPECT_EQ(from, one.local());
        heard.push_back(text_of(datagram));
      });
      if (heard.size() == 2) loop.stop();
    });
    loop.after(10s, [&loop] { loop.stop(); });
    loop.run();
    EXPECT_EQ(heard, (std::vector<std::string>{"head and body", "alone"})) << address;
    EXPECT_EQ(one.lost(), 0U);
  }
}

TEST(batch_socket, a_batch_is_bounded_and_the_rest_is_there_the_next_time) {
  BatchSocket one = on("127.0.0.1");
  BatchSocket other = on("127.0.0.1");
  for (std::size_t i = 0; i < udp_batch_max + 3; ++i) one.send(other.local(), bytes_of("x"));
  std::size_t heard = 0;
  const auto count = [&heard](const UdpEndpoint&, Bytes) { ++heard; };
  EXPECT_EQ(other.receive(count), udp_batch_max);
  EXPECT_EQ(other.receive(count), 3U);
  EXPECT_EQ(other.receive(count), 0U);
  EXPECT_EQ(heard, udp_batch_max + 3);
}

TEST(batch_socket, what_is_too_long_for_a_datagram_is_lost_and_counted) {
  BatchSocket one = on("127.0.0.1");
  const std::vector<std::byte> body(udp_datagram_bytes_max);
  one.send(one.local(), bytes_of("x"), body);
  one.send(one.local(), body);
  EXPECT_EQ(one.lost(), 2U);
}

TEST(batch_socket, a_port_that_somebody_has_is_refused_by_name) {
  BatchSocket one = on("127.0.0.1");
  const auto second = BatchSocket::open(one.local());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().detail.find(std::to_string(one.local().port)), std::string::npos);
}

TEST(readiness, says_nothing_any_more_once_it_is_gone_and_leaves_the_descriptor_open) {
  BatchSocket one = on("127.0.0.1");
  EventLoop loop;
  std::size_t calls = 0;
  {
    const Readiness readable(loop, one.descriptor(), [&calls] { ++calls; });
  }
  one.send(one.local(), bytes_of("x"));
  loop.after(1ms, [&loop] { loop.stop(); });
  loop.run();
  EXPECT_EQ(calls, 0U);
  EXPECT_EQ(one.receive([](const UdpEndpoint&, Bytes) {}), 1U);
}

}  // namespace
}  // namespace lobo::adapters
