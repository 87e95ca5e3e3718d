#include "adapters/udp/socket.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view loopbacks[] = {"127.0.0.1", "::1"};

Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

struct Heard {
  UdpEndpoint from;
  std::string text;
};

/// A socket that keeps what it hears, and ends the loop when it has heard enough.
struct Ear {
  Ear(EventLoop& on, const UdpEndpoint& at, std::size_t enough)
      : socket(UdpSocket::open(on, at, [this, &on, enough](const UdpEndpoint& from, Bytes bytes) {
          std::string text(bytes.size(), ' ');
          for (std::size_t i = 0; i < bytes.size(); ++i)
            text[i] = static_cast<char>(std::to_integer<unsigned char>(bytes[i]));
          heard.push_back({from, std::move(text)});
          if (heard.size() == enough) on.stop();
        })) {}
  std::vector<Heard> heard;
  Result<std::unique_ptr<UdpSocket>> socket;
};

UdpEndpoint any_port(std::string_view address) { return {*model::parse_ip_address(address), 0}; }

class udp_socket : public testing::TestWithParam<std::string_view> {};

TEST_P(udp_socket, carries_datagrams_whole_and_tells_who_sent_them) {
  EventLoop loop;
  Ear a(loop, any_port(GetParam()), 2), b(loop, any_port(GetParam()), 9);
  if (!a.socket) GTEST_SKIP() << "this machine has no " << GetParam();
  ASSERT_TRUE(b.socket);
  (*b.socket)->send((*a.socket)->local(), bytes_of("first"));
  (*b.socket)->send((*a.socket)->local(), bytes_of(""));
  loop.after(5s, [&] { loop.stop(); });
  loop.run();
  ASSERT_EQ(a.heard.size(), 2U);
  EXPECT_EQ(a.heard[0].text, "first");
  EXPECT_EQ(a.heard[0].from, (*b.socket)->local());
  EXPECT_EQ(a.heard[1].text, "");
  EXPECT_NE((*a.socket)->local().port, 0);
}

INSTANTIATE_TEST_SUITE_P(address, udp_socket, testing::ValuesIn(loopbacks),
                         [](const auto& given) { return given.param == "::1" ? "ipv6" : "ipv4"; });

TEST(udp_socket_of_a_port, that_is_taken_is_refused_with_its_name) {
  EventLoop loop;
  const Ear first(loop, any_port("127.0.0.1"), 1);
  ASSERT_TRUE(first.socket);
  const auto taken = (*first.socket)->local();
  const Ear second(loop, taken, 1);
  ASSERT_FALSE(second.socket);
  EXPECT_NE(second.socket.error().detail.find(std::to_string(taken.port)), std::string::npos);
}

TEST(udp_socket_goes_on, after_it_wrote_to_a_port_that_nobody_has) {
  EventLoop loop;
  Ear ear(loop, any_port("127.0.0.1"), 1);
  ASSERT_TRUE(ear.socket);
  std::optional<UdpEndpoint> nobody;
  {
    const Ear gone(loop, any_port("127.0.0.1"), 1);
    nobody = (*gone.socket)->local();
  }
  (*ear.socket)->send(*nobody, bytes_of("is there anybody"));
  (*ear.socket)->send((*ear.socket)->local(), bytes_of("myself"));
  // The refusal of the first may be told to the second, which then is lost, and counted.
  if ((*ear.socket)->lost() > 0) (*ear.socket)->send((*ear.socket)->local(), bytes_of("myself"));
  loop.after(5s, [&] { loop.stop(); });
  loop.run();
  ASSERT_EQ(ear.heard.size(), 1U);
  EXPECT_EQ(ear.heard[0].text, "myself");
}

}  // namespace
}  // namespace lobo::adapters
