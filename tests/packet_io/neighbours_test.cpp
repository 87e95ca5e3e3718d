#include "adapters/packet_io/neighbours.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "adapters/packet_io/af_packet.hpp"
#include "adapters/packet_io/link.hpp"
#include "adapters/packet_io/wait.hpp"
#include "base/bytes.hpp"
#include "model/address.hpp"
#include "support/live_net.hpp"
#include "wire/packet_io/port.hpp"
#include "world.hpp"

namespace lobo::packet_io_test {
namespace {

namespace io = adapters::packet_io;
using namespace std::chrono_literals;
using testing::LiveNet;

constexpr model::Ipv4Address own{{10, 9, 0, 1}};
constexpr model::Ipv4Address router{{10, 9, 0, 2}};
constexpr model::MacAddress first_router{{2, 0, 0, 0, 0, 0x11}};
constexpr model::MacAddress second_router{{2, 0, 0, 0, 0, 0x22}};

constexpr std::uint16_t ether_type_arp = 0x0806;
constexpr std::size_t operation_at = 20;
constexpr std::size_t sender_at = 22;
constexpr std::size_t target_at = 38;  // protocol address

/// A neighbour at the far end of the pair that answers ARP by this test's hand.
class Neighbour {
 public:
  Neighbour() {
    auto opened = io::open_af_packet({.interface = LiveNet::far});
    if (opened) port_ = std::move(*opened);
  }
  explicit operator bool() const { return port_ != nullptr; }

  /// The next ARP request for the router's address, as it came.
  std::optional<Frame> request() {
    Batch batch;
    Port* const ports[] = {port_.get()};
    const auto end = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < end) {
      (void)io::wait_for_packets(ports, 50ms);
      (void)port_->receive(batch);
      for (const auto& packet : batch.packets()) {
        Frame frame = copy_of(packet);
        if (frame.size() >= target_at + 4 && be16_at(frame, 12) == ether_type_arp &&
            be16_at(frame, operation_at) == 1 && be32_at(frame, target_at) == 0x0A090002)
          return frame;
      }
    }
    return std::nullopt;
  }

  void answer(const Frame& asked, const model::MacAddress& as) {
    Frame reply = asked;
    ByteWriter out(reply);
    out.bytes(Bytes(asked).subspan(6, 6));
    out.bytes(std::as_bytes(std::span(as.octets)));
    put_be16_at(reply, operation_at, 2);
    ByteWriter sides(MutableBytes(reply).subspan(sender_at));
    sides.bytes(std::as_bytes(std::span(as.octets)));
    sides.be32(0x0A090002);
    sides.bytes(Bytes(asked).subspan(sender_at, 10));
    const std::array packets{view_of(reply)};
    ASSERT_EQ(port_->send(packets), 1U);
  }

 private:
  std::unique_ptr<Port> port_;
};

/// Asks until it is `wanted`, as a worker does from turn to turn, by a clock that is `ahead`.
bool becomes(io::Neighbours& neighbours, const model::MacAddress& wanted,
             std::chrono::milliseconds ahead = 0ms) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (auto now = std::chrono::steady_clock::now(); now < end;
       now = std::chrono::steady_clock::now())
    if (neighbours.resolve(router, now + ahead) == wanted) return true;
  return false;
}

TEST(neighbours, an_unknown_next_hop_is_asked_for_by_the_kernel_and_then_known) {
  const auto net = LiveNet::make();
  if (!net) GTEST_SKIP() << LiveNet::why_not();
  ASSERT_TRUE(LiveNet::ip("addr add 10.9.0.1/24 dev lobo0"));
  Neighbour neighbour;
  ASSERT_TRUE(neighbour);
  auto link = io::find_link(LiveNet::near);
  ASSERT_TRUE(link.has_value());
  auto neighbours = io::Neighbours::open(*link);
  ASSERT_TRUE(neighbours.has_value());
  EXPECT_EQ(neighbours->resolve(router, std::chrono::steady_clock::now()), std::nullopt);
  const auto asked = neighbour.request();
  ASSERT_TRUE(asked.has_value()) << "the kernel was not provoked";
  neighbour.answer(*asked, first_router);
  EXPECT_TRUE(becomes(*neighbours, first_router));
}

TEST(neighbours, an_address_that_changes_in_the_kernels_table_is_noticed) {
  const auto net = LiveNet::make();
  if (!net) GTEST_SKIP() << LiveNet::why_not();
  ASSERT_TRUE(LiveNet::ip("addr add 10.9.0.1/24 dev lobo0"));
  ASSERT_TRUE(LiveNet::ip("neigh add 10.9.0.2 lladdr 02:00:00:00:00:11 dev lobo0"));
  auto link = io::find_link(LiveNet::near);
  ASSERT_TRUE(link.has_value());
  auto neighbours = io::Neighbours::open(*link);
  ASSERT_TRUE(neighbours.has_value());
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_EQ(neighbours->resolve(router, begin), first_router);
  ASSERT_TRUE(LiveNet::ip("neigh replace 10.9.0.2 lladdr 02:00:00:00:00:22 dev lobo0"));
  EXPECT_EQ(neighbours->resolve(router, begin + 1ms), first_router) << "not looked at each time";
  EXPECT_EQ(neighbours->resolve(router, begin + io::neighbour_look_interval), second_router);
}

TEST(neighbours, what_the_kernel_forgot_is_asked_for_anew_and_used_meanwhile) {
  const auto net = LiveNet::make();
  if (!net) GTEST_SKIP() << LiveNet::why_not();
  ASSERT_TRUE(LiveNet::ip("addr add 10.9.0.1/24 dev lobo0"));
  ASSERT_TRUE(LiveNet::ip("neigh add 10.9.0.2 lladdr 02:00:00:00:00:11 dev lobo0"));
  Neighbour neighbour;
  ASSERT_TRUE(neighbour);
  auto link = io::find_link(LiveNet::near);
  ASSERT_TRUE(link.has_value());
  auto neighbours = io::Neighbours::open(*link);
  ASSERT_TRUE(neighbours.has_value());
  auto now = std::chrono::steady_clock::now();
  ASSERT_EQ(neighbours->resolve(router, now), first_router);
  ASSERT_TRUE(LiveNet::ip("neigh del 10.9.0.2 dev lobo0"));
  now += io::neighbour_look_interval;
  EXPECT_EQ(neighbours->resolve(router, now), first_router);
  const auto asked = neighbour.request();
  ASSERT_TRUE(asked.has_value()) << "the kernel was not provoked";
  now += io::neighbour_look_interval;
  EXPECT_EQ(neighbours->resolve(router, now), first_router) << "nobody has answered yet";
  EXPECT_EQ(neighbours->resolve(router, now + io::neighbour_kept_max), std::nullopt);
  neighbour.answer(*asked, second_router);
  EXPECT_TRUE(becomes(*neighbours, second_router,
                      2 * io::neighbour_look_interval + io::neighbour_kept_max));
}

TEST(neighbours, what_the_kernel_calls_unreachable_is_known_no_more) {
  const auto net = LiveNet::make();
  if (!net) GTEST_SKIP() << LiveNet::why_not();
  ASSERT_TRUE(LiveNet::ip("addr add 10.9.0.1/24 dev lobo0"));
  ASSERT_TRUE(LiveNet::ip("neigh add 10.9.0.2 lladdr 02:00:00:00:00:11 dev lobo0"));
  auto link = io::find_link(LiveNet::near);
  ASSERT_TRUE(link.has_value());
  auto neighbours = io::Neighbours::open(*link);
  ASSERT_TRUE(neighbours.has_value());
  const auto now = std::chrono::steady_clock::now();
  ASSERT_EQ(neighbours->resolve(router, now), first_router);
  ASSERT_TRUE(LiveNet::ip("neigh replace 10.9.0.2 nud failed dev lobo0"));
  EXPECT_EQ(neighbours->resolve(router, now + io::neighbour_look_interval), std::nullopt);
}

TEST(neighbours, groups_and_the_loopback_interface_need_nobodys_answer) {
  const auto net = LiveNet::make();
  if (!net) GTEST_SKIP() << LiveNet::why_not();
  auto link = io::find_link(LiveNet::near);
  ASSERT_TRUE(link.has_value());
  auto neighbours = io::Neighbours::open(*link);
  ASSERT_TRUE(neighbours.has_value());
  const auto now = std::chrono::steady_clock::now();
  EXPECT_EQ(neighbours->resolve(model::Ipv4Address{{239, 129, 2, 3}}, now),
            (model::MacAddress{{0x01, 0x00, 0x5E, 0x01, 2, 3}}));
  EXPECT_EQ(neighbours->resolve(*model::Ipv6Address::parse("ff02::1:2"), now),
            (model::MacAddress{{0x33, 0x33, 0, 1, 0, 2}}));
  auto loopback = io::find_link("lo");
  ASSERT_TRUE(loopback.has_value());
  auto at_home = io::Neighbours::open(*loopback);
  ASSERT_TRUE(at_home.has_value());
  EXPECT_EQ(at_home->resolve(model::Ipv4Address{{127, 0, 0, 1}}, now), model::MacAddress{});
}

TEST(neighbours, a_route_names_interface_source_and_next_hop) {
  const auto net = LiveNet::make();
  if (!net) GTEST_SKIP() << LiveNet::why_not();
  ASSERT_TRUE(LiveNet::ip("addr add 10.9.0.1/24 dev lobo0"));
  ASSERT_TRUE(LiveNet::ip("route add 10.45.0.0/16 via 10.9.0.2"));
  const auto near = io::find_route(model::Ipv4Address{{10, 9, 0, 7}});
  ASSERT_TRUE(near.has_value());
  EXPECT_EQ(near->link.name, LiveNet::near);
  EXPECT_EQ(near->source, model::IpAddress(own));
  EXPECT_EQ(near->next_hop, model::IpAddress(model::Ipv4Address{{10, 9, 0, 7}}));
  const auto far = io::find_route(model::Ipv4Address{{10, 45, 0, 7}});
  ASSERT_TRUE(far.has_value());
  EXPECT_EQ(far->next_hop, model::IpAddress(router));
  const auto nowhere = io::find_route(model::Ipv4Address{{192, 0, 2, 1}});
  ASSERT_FALSE(nowhere.has_value());
  EXPECT_NE(nowhere.error().detail.find("no route to 192.0.2.1"), std::string::npos);
}

}  // namespace
}  // namespace lobo::packet_io_test
