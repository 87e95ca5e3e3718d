// What the kernel says of an interface, and a UDP port that takes nothing.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/capture/file.hpp"
#include "adapters/packet_io/interface_addresses.hpp"
#include "adapters/packet_io/link.hpp"
#include "adapters/packet_io/silent_port.hpp"
#include "model/address.hpp"
#include "support/live_net.hpp"

namespace lobo::packet_io_test {
namespace {

namespace io = adapters::packet_io;
using ::lobo::testing::LiveNet;

model::IpAddress address(const std::string& text) { return *model::parse_ip_address(text); }

TEST(packet_io_interface, its_addresses_come_with_their_networks) {
  const auto net = LiveNet::make();
  if (!net) GTEST_SKIP() << LiveNet::why_not();
  const auto link = io::find_link(LiveNet::near);
  ASSERT_TRUE(link);
  EXPECT_EQ(io::addresses_of(*link)->size(), 0U);
  ASSERT_TRUE(LiveNet::ip("address add 10.1.2.3/20 dev lobo0"));
  ASSERT_TRUE(LiveNet::ip("address add 10.9.9.9/32 dev lobo1"));
  const std::vector<io::InterfaceAddress> expected{{address("10.1.2.3"), 20}};
  EXPECT_EQ(*io::addresses_of(*link), expected);
}

TEST(packet_io_interface, the_default_route_with_the_lowest_metric_names_the_gateway) {
  const auto net = LiveNet::make();
  if (!net) GTEST_SKIP() << LiveNet::why_not();
  const auto link = io::find_link(LiveNet::near);
  ASSERT_TRUE(link);
  ASSERT_TRUE(LiveNet::ip("address add 10.1.2.3/24 dev lobo0"));
  EXPECT_EQ(io::default_gateways(*link), io::Gateways{});
  ASSERT_TRUE(LiveNet::ip("route add default via 10.1.2.254 metric 50"));
  ASSERT_TRUE(LiveNet::ip("route add default via 10.1.2.253 metric 40"));
  ASSERT_TRUE(LiveNet::ip("route add 10.77.0.0/16 via 10.1.2.252"));
  EXPECT_EQ(io::default_gateways(*link).v4, model::Ipv4Address::parse("10.1.2.253"));
  const auto other = io::find_link(LiveNet::far);
  EXPECT_EQ(io::default_gateways(*other), io::Gateways{});
}

/// errno of what comes back to a datagram for that port; 0: a datagram.
int answer_of(std::uint16_t port) {
  const adapters::UniqueFile socket(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), true);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  EXPECT_EQ(::send(socket.get(), "x", 1, 0), 1);
  char answer = 0;
  return ::recv(socket.get(), &answer, 1, 0) < 0 ? errno : 0;
}

TEST(packet_io_interface, a_silent_port_takes_nothing_and_nobody_is_told_that_it_is_closed) {
  const auto net = LiveNet::make();
  if (!net) GTEST_SKIP() << LiveNet::why_not();
  ASSERT_TRUE(LiveNet::ip("link set lo up"));
  constexpr std::uint16_t port = 2152;  // in a namespace of this test's own
  EXPECT_EQ(answer_of(port), ECONNREFUSED);
  {
    const auto silent = io::SilentPort::open(address("127.0.0.1"), port);
    ASSERT_TRUE(silent);
    EXPECT_EQ(answer_of(port), EAGAIN);
    const auto second = io::SilentPort::open(address("127.0.0.1"), port);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().detail.find("2152"), std::string::npos);
  }
  EXPECT_EQ(answer_of(port), ECONNREFUSED);
  EXPECT_FALSE(io::SilentPort::open(address("10.200.0.1"), port));
}

}  // namespace
}  // namespace lobo::packet_io_test
