// What ports on interfaces do besides: interfaces that go away, privileges that are missing, and
// the work that a kernel leaves to cards.

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <vector>

#include "adapters/packet_io/wait.hpp"
#include "base/result.hpp"
#include "kernel_sender.hpp"
#include "support/live_net.hpp"
#include "wire/packet/edit.hpp"
#include "wire/packet/parse.hpp"
#include "wire/packet_io/port.hpp"
#include "world.hpp"

namespace lobo::packet_io_test {
namespace {

namespace io = adapters::packet_io;
using testing::LiveNet;

class live_port : public ::testing::TestWithParam<Kind> {};

std::string name_of(const ::testing::TestParamInfo<Kind>& info) { return to_string(info.param); }
INSTANTIATE_TEST_SUITE_P(each, live_port, ::testing::ValuesIn(live_kinds), name_of);

/// What the port's state becomes, within patience.
PortState wait_for_state(Port& port, PortState wanted) {
  Port* const ports[] = {&port};
  Batch batch;
  const auto end = std::chrono::steady_clock::now() + patience;
  while (port.state() != wanted && std::chrono::steady_clock::now() < end) {
    (void)io::wait_for_packets(ports, std::chrono::milliseconds{5});
    (void)port.receive(batch);
  }
  return port.state();
}

TEST_P(live_port, goes_down_and_comes_up_with_its_interface) {
  World world(GetParam(), {});
  LOBO_NEED(world);
  ASSERT_TRUE(LiveNet::ip("link set lobo1 down"));
  EXPECT_EQ(wait_for_state(world.receiver(), PortState::link_down), PortState::link_down);
  EXPECT_NE(world.receiver().trouble().find("lobo1 is down"), std::string::npos);
  Frames lost{numbered(1, 60), numbered(2, 60)};
  (void)world.receiver().send(std::array{view_of(lost[0]), view_of(lost[1])});
  Batch batch;
  EXPECT_EQ(world.receiver().receive(batch), 0U);

  ASSERT_TRUE(LiveNet::ip("link set lobo1 up"));
  EXPECT_EQ(wait_for_state(world.receiver(), PortState::open), PortState::open);
  EXPECT_EQ(world.sender().state(), PortState::open);
  const Frames frames{numbered(3, 60), numbered(4, 61)};
  // What the kernel itself says when an interface comes up is not ours.
  Frames arrived = world.transfer(frames);
  std::erase_if(arrived, [&](const Frame& frame) {
    return std::ranges::find(frames, frame) == frames.end();
  });
  EXPECT_TRUE(same(arrived, frames));
}

TEST_P(live_port, an_interface_that_goes_away_ends_its_port_and_nothing_hangs) {
  World world(GetParam(), {});
  LOBO_NEED(world);
  Frames frames{numbered(1, 60), numbered(2, 60)};
  ASSERT_EQ(world.offer(frames), 2U);
  ASSERT_TRUE(LiveNet::ip("link del lobo1"));
  EXPECT_EQ(wait_for_state(world.receiver(), PortState::gone), PortState::gone);
  EXPECT_NE(world.receiver().trouble().find("lobo1 is gone"), std::string::npos);
  Batch batch;
  for (int i = 0; i < 3; ++i) {
    (void)world.offer(frames);
    (void)world.receiver().receive(batch);
  }
  EXPECT_EQ(world.sender().state(), PortState::gone);
  world.sender().close();
  world.receiver().close();
  EXPECT_EQ(world.receiver().state(), PortState::closed);
}

TEST_P(live_port, an_unknown_interface_is_named) {
  World world(GetParam(), {});
  LOBO_NEED(world);
  Error why;
  EXPECT_EQ(world.open("lobo7", &why), nullptr);
  EXPECT_NE(why.detail.find("lobo7"), std::string::npos) << why.detail;
  EXPECT_NE(why.detail.find("no such interface"), std::string::npos) << why.detail;
  EXPECT_EQ(why.code, Errc::not_found);
  EXPECT_EQ(world.open("a-name-that-is-too-long", &why), nullptr);
  EXPECT_EQ(world.open("", &why), nullptr);
}

/// This thread without some capabilities, as long as this lives.
class Without {
 public:
  Without(std::initializer_list<unsigned> capabilities) {
    ::syscall(SYS_capget, &header_, before_.data());
    auto fewer = before_;
    for (const unsigned one : capabilities) fewer[one / 32].effective &= ~(1U << one % 32);
    ::syscall(SYS_capset, &header_, fewer.data());
  }
  Without(const Without&) = delete;
  Without& operator=(const Without&) = delete;
  ~Without() { ::syscall(SYS_capset, &header_, before_.data()); }

 private:
  __user_cap_header_struct header_{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> before_{};
};

TEST_P(live_port, a_missing_capability_is_named) {
  World world(GetParam(), {});
  LOBO_NEED(world);
  world.receiver().close();
  Error why;
  {
    const Without without{CAP_NET_RAW};
    EXPECT_EQ(world.open(LiveNet::far, &why), nullptr);
    EXPECT_NE(why.detail.find("CAP_NET_RAW"), std::string::npos) << why.detail;
    EXPECT_NE(why.detail.find(LiveNet::far), std::string::npos) << why.detail;
  }
  if (GetParam() != Kind::af_xdp) return;
  const Without without{CAP_BPF, CAP_SYS_ADMIN};
  EXPECT_EQ(world.open(LiveNet::far, &why), nullptr);
  EXPECT_NE(why.detail.find("CAP_BPF"), std::string::npos) << why.detail;
}

TEST_P(live_port, does_not_hear_itself) {
  World world(GetParam(), {});
  LOBO_NEED(world);
  Frames frames{numbered(1, 60)};
  ASSERT_EQ(world.offer(frames), 1U);
  EXPECT_TRUE(same(world.collect(1), frames));
  Batch batch;
  EXPECT_EQ(world.sender().receive(batch), 0U);
}

TEST_P(live_port, a_checksum_that_the_kernel_left_open_is_completed) {
  World world(GetParam(), {});
  LOBO_NEED(world);
  give_addresses();
  ASSERT_TRUE(kernel_sends(2152, 777));
  const auto frames = world.collect(1);
  ASSERT_EQ(frames.size(), 1U);
  const auto view = packet::parse_ethernet(frames[0]);
  EXPECT_EQ(view.flow.destination_port, 2152);
  EXPECT_EQ(view.user_data().size(), 777U);
  EXPECT_EQ(packet::verify_udp_checksum(view), packet::UdpChecksum::good);
  EXPECT_EQ(world.receiver().counters().checksums_completed, 1U);
}

TEST_P(live_port, several_packets_in_one_are_told_and_counted_or_do_not_come_so) {
  World world(GetParam(), {});
  LOBO_NEED(world);
  give_addresses();
  constexpr std::size_t segments = 8;
  constexpr int segment_bytes = 1200;
  if (!kernel_sends(2152, segments * segment_bytes, segment_bytes))
    GTEST_SKIP() << "this kernel has no UDP_SEGMENT";
  if (GetParam() == Kind::af_xdp) {
    // XDP has no frames of several: the other end of the pair does not make them any more.
    EXPECT_EQ(world.collect(segments).size(), segments);
    return;
  }
  auto after = numbered(1, 60);
  ASSERT_EQ(world.sender().send(std::array{view_of(after)}), 1U);
  EXPECT_TRUE(same(world.collect(1), {after}));
  EXPECT_EQ(world.receiver().counters()[DropReason::aggregated], 1U);
  ASSERT_EQ(world.told().size(), 1U);
  EXPECT_NE(world.told()[0].find("ethtool -K lobo1 gro off"), std::string::npos);
}

}  // namespace
}  // namespace lobo::packet_io_test
