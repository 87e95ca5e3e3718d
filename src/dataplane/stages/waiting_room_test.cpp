#include "dataplane/stages/waiting_room.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "dataplane/stages/path_test_support.hpp"
#include "dataplane/stages/pipeline.hpp"
#include "model/address.hpp"
#include "wire/packet/parse.hpp"

namespace lobo::dataplane {
namespace {

using std::chrono::milliseconds;
using test::Octets;

constexpr auto its_gnb = "192.168.3.77";
constexpr model::MacAddress its_mac{{0x02, 0, 0, 0, 3, 77}};

/// A UPF with a session towards a gNB whose address nobody told.
class WaitingRoom : public ::testing::Test {
 protected:
  WaitingRoom() {
    auto session = test::session();
    session.fars.at({1}).outer_header->v4 = test::ipv4(its_gnb);
    upf.serve({session});
  }
  test::Sent down(std::size_t from, std::size_t to) {
    std::vector<Octets> frames;
    for (; from < to; ++from) frames.push_back(test::down_frame(test::numbered(from)));
    return upf.downlink(frames);
  }
  test::Sent up(const std::string& to) {
    const Octets packet = test::ip_packet(test::flow(test::ue, 40000, to, 5004), test::numbered(0));
    return upf.uplink({test::n3_frame(test::g_pdu(packet))});
  }
  void tell_of_gnb() {
    auto side = test::n3_side();
    side.known.push_back({test::ip(its_gnb), its_mac});
    upf.neighbours = std::make_unique<Neighbours>(side, test::n6_side());
  }
  std::uint64_t waiting() const { return upf.pipeline->counters().downlink.waiting.value(); }
  void add_up() const { EXPECT_TRUE(test::adds_up(upf.pipeline->counters())); }

  test::Upf upf;
};

TEST_F(WaitingRoom, what_waited_leaves_in_its_order_with_the_address_that_was_missing) {
  EXPECT_TRUE(down(0, 10).n3.empty());
  EXPECT_EQ(waiting(), 10U);
  EXPECT_TRUE(upf.release().n3.empty()) << "nobody answered yet";
  add_up();
  tell_of_gnb();
  const auto sent = upf.release();
  ASSERT_EQ(sent.n3.size(), 10U);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(test::mac_at(sent.n3[i], 0), its_mac);
    EXPECT_EQ(test::mac_at(sent.n3[i], 6), test::n3_mac);
    const auto inner = packet::parse_ip(test::Tunnelled(sent.n3[i]).payload());
    EXPECT_TRUE(std::ranges::equal(inner.user_data(), test::numbered(i)));
  }
  EXPECT_EQ(waiting(), 0U);
  EXPECT_FALSE(upf.pipeline->anything_waits());
  EXPECT_EQ(upf.pipeline->counters().downlink.sent.packets.value(), 10U);
  add_up();
  EXPECT_EQ(down(10, 11).n3.size(), 1U);
}

TEST_F(WaitingRoom, a_packet_of_the_uplink_waits_for_the_host_on_n6) {
  EXPECT_TRUE(up("192.168.6.9").n6.empty());
  EXPECT_EQ(upf.pipeline->counters().uplink.waiting.value(), 1U);
  auto side = test::n6_side();
  side.known.push_back({test::ip("192.168.6.9"), its_mac});
  upf.neighbours = std::make_unique<Neighbours>(test::n3_side(), side);
  const auto sent = upf.release();
  ASSERT_EQ(sent.n6.size(), 1U);
  EXPECT_EQ(test::mac_at(sent.n6[0], 0), its_mac);
  EXPECT_EQ(packet::parse_ethernet(sent.n6[0]).user_data().size(), 20U);
  add_up();
}

TEST_F(WaitingRoom, who_never_answers_is_given_up_and_asked_anew) {
  (void)down(0, 3);
  upf.now += waiting_time_max - milliseconds{1};
  (void)down(3, 4);
  EXPECT_TRUE(upf.release().n3.empty());
  EXPECT_EQ(waiting(), 4U);
  upf.now += milliseconds{1};
  EXPECT_TRUE(upf.release().n3.empty());
  EXPECT_EQ(waiting(), 0U);
  EXPECT_EQ(upf.dropped(PathDrop::no_neighbour), 4U);
  add_up();
  (void)down(4, 5);
  tell_of_gnb();
  EXPECT_EQ(upf.release().n3.size(), 1U);
  add_up();
}

TEST_F(WaitingRoom, one_next_hop_may_keep_so_many_waiting_and_no_others_out) {
  (void)down(0, waiting_per_hop_max + 5);
  EXPECT_EQ(waiting(), waiting_per_hop_max);
  EXPECT_EQ(upf.dropped(PathDrop::no_neighbour), 5U);
  (void)up("192.168.6.9");
  EXPECT_EQ(upf.pipeline->counters().uplink.waiting.value(), 1U);
  tell_of_gnb();
  EXPECT_EQ(upf.release().n3.size(), waiting_per_hop_max);
  add_up();
}

TEST_F(WaitingRoom, many_that_nobody_has_take_the_places_and_no_more) {
  for (std::size_t host = 100; host < 100 + waited_hops_max + 4; ++host)
    (void)up("192.168.6." + std::to_string(host));
  const auto& uplink = upf.pipeline->counters().uplink;
  EXPECT_EQ(uplink.waiting.value(), waited_hops_max);
  EXPECT_EQ(uplink.dropped[PathDrop::no_neighbour].packets.value(), 4U);
  EXPECT_TRUE(down(0, 1).n3.empty());
  EXPECT_EQ(upf.dropped(PathDrop::no_neighbour), 1U) << "no place is free for the gNB";
  upf.now += waiting_time_max;
  (void)upf.release();
  (void)down(0, 1);
  EXPECT_EQ(waiting(), 1U);
  add_up();
}

TEST_F(WaitingRoom, a_frame_that_is_longer_than_a_place_does_not_wait) {
  (void)upf.downlink({test::down_frame(Octets(waiting_frame_bytes_max))});
  EXPECT_EQ(waiting(), 0U);
  EXPECT_EQ(upf.dropped(PathDrop::no_neighbour), 1U);
  add_up();
}

}  // namespace
}  // namespace lobo::dataplane
