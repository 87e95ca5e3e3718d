// What AF_XDP has besides: the program that chooses, what becomes of the rest, and who takes the
// program off.

#include "adapters/packet_io/af_xdp.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/packet_io/af_packet.hpp"
#include "adapters/packet_io/served.hpp"
#include "adapters/packet_io/wait.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"
#include "support/live_net.hpp"
#include "wire/packet/build.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet_io/port.hpp"
#include "world.hpp"

namespace lobo::packet_io_test {
namespace {

namespace io = adapters::packet_io;
using testing::LiveNet;

/// The namespace, or why XDP cannot be tried here.
std::pair<std::unique_ptr<LiveNet>, std::string> xdp_net(std::size_t mtu = 1500) {
  auto net = LiveNet::make(mtu);
  if (!net) return {nullptr, LiveNet::why_not()};
  if (net->in_user_namespace())
    return {nullptr, "an XDP program needs CAP_BPF, which root of a user namespace does not have"};
  if (mtu == 1500) {
    const auto ports = io::open_af_xdp({.interface = LiveNet::far});
    if (!ports &&
        (ports.error().code == Errc::unavailable || ports.error().code == Errc::forbidden))
      return {nullptr, ports.error().detail};
  }
  return {std::move(net), std::string{}};
}

model::IpAddress address(std::string_view text) { return *model::parse_ip_address(text); }

struct Udp {
  std::string from;
  std::string to;
  std::uint16_t port;
  std::vector<packet::VlanTag> tags = {};
  std::size_t ipv4_options_bytes = 0;
};

Frame frame_of(const Udp& udp) {
  Frame frame(400);
  const auto flow = packet::flow_between(address(udp.from), 999, address(udp.to), udp.port);
  const std::vector<std::byte> options(udp.ipv4_options_bytes, std::byte{1});  // no operation
  const std::array<std::byte, 21> data{};
  const auto size =
      packet::build_udp_frame(frame, {.vlans = udp.tags}, flow, {.ipv4_options = options}, data);
  frame.resize(size.value_or(0));
  return frame;
}

Frame fragment_of(const Udp& udp, std::uint16_t offset_and_flags) {
  auto frame = frame_of(udp);
  put_be16_at(frame, 14 + 6, offset_and_flags);
  return frame;
}

Frames all_of(Port& port, std::size_t wanted) {
  Frames frames;
  Batch batch;
  Port* const ports[] = {&port};
  while (true) {
    if (port.receive(batch) == 0) {
      if (frames.size() >= wanted || !io::wait_for_packets(ports, patience)) return frames;
      continue;
    }
    for (const auto& packet : batch.packets()) frames.push_back(copy_of(packet));
  }
}

TEST(af_xdp, takes_what_is_served_and_leaves_the_rest_to_the_kernel) {
  const auto [net, why] = xdp_net();
  if (!net) GTEST_SKIP() << why;
  const io::ServedList served{
      {.ip_version = 4, .udp_port = 2152},
      {.ip_version = 4, .destination = address("10.45.0.0"), .prefix_length = 17},
      {.ip_version = 6, .destination = address("2001:db8:1::"), .prefix_length = 48},
      {.ip_version = 6,
       .destination = address("2001:db8:2::1"),
       .prefix_length = 128,
       .udp_port = 4000},
  };
  auto ports = io::open_af_xdp({.interface = LiveNet::far, .served = served});
  ASSERT_TRUE(ports.has_value()) << ports.error().detail;
  auto kernel = io::open_af_packet({.interface = LiveNet::far, .rings = false});
  auto sender = io::open_af_packet({.interface = LiveNet::near});
  ASSERT_TRUE(kernel.has_value() && sender.has_value());

  const Frames ours{
      frame_of({"192.0.2.1", "192.0.2.2", 2152}),
      frame_of({"192.0.2.1", "192.0.2.2", 2152, {{0x8100, 5}}}),
      frame_of({"192.0.2.1", "192.0.2.2", 2152, {{0x88A8, 5}, {0x8100, 6}}}),
      frame_of({"192.0.2.1", "192.0.2.2", 2152, {}, 40}),
      frame_of({"192.0.2.1", "10.45.127.255", 9}),
      fragment_of({"192.0.2.1", "10.45.0.1", 9}, 0x2000),
      frame_of({"2001:db8::1", "2001:db8:1:ffff::9", 9}),
      frame_of({"2001:db8::1", "2001:db8:2::1", 4000}),
  };
  const Frames theirs{
      frame_of({"192.0.2.1", "192.0.2.2", 2153}),
      frame_of({"192.0.2.1", "10.45.128.0", 9}),
      fragment_of({"192.0.2.1", "192.0.2.2", 2152}, 0x2000),
      fragment_of({"192.0.2.1", "192.0.2.2", 2152}, 0x0010),
      frame_of({"2001:db8::1", "2001:db8:2::1", 4001}),
      frame_of({"2001:db8::1", "2001:db8:2::2", 4000}),
      frame_of({"2001:db8::1", "2001:db9:1::1", 2152}),
      numbered(1, 60),
      numbered(2, 15),
  };
  for (auto frame : ours) ASSERT_EQ((*sender)->send(std::array{view_of(frame)}), 1U);
  for (auto frame : theirs) ASSERT_EQ((*sender)->send(std::array{view_of(frame)}), 1U);
  EXPECT_TRUE(same(all_of(**kernel, theirs.size()), theirs));
  EXPECT_TRUE(same(all_of(*ports->front(), ours.size()), ours));
}

TEST(af_xdp, a_list_that_contradicts_itself_is_refused) {
  const auto [net, why] = xdp_net();
  if (!net) GTEST_SKIP() << why;
  const auto refused = [](io::ServedList served) {
    return !io::open_af_xdp({.interface = LiveNet::far, .served = std::move(served)}).has_value();
  };
  EXPECT_TRUE(refused({{.ip_version = 5}}));
  EXPECT_TRUE(refused({{.ip_version = 6, .destination = address("10.0.0.0"), .prefix_length = 8}}));
  EXPECT_TRUE(
      refused({{.ip_version = 4, .destination = address("10.0.0.0"), .prefix_length = 33}}));
  EXPECT_TRUE(refused(io::ServedList(io::served_max + 1, {.udp_port = 1})));
  EXPECT_FALSE(refused(io::ServedList(io::served_max, {.ip_version = 6,
                                                       .destination = address("2001:db8::1"),
                                                       .prefix_length = 127,
                                                       .udp_port = 1})));
}

TEST(af_xdp, a_second_program_is_refused_and_af_packet_takes_its_place) {
  const auto [net, why] = xdp_net();
  if (!net) GTEST_SKIP() << why;
  auto first = io::open_af_xdp({.interface = LiveNet::far, .served = {{.udp_port = 2152}}});
  ASSERT_TRUE(first.has_value()) << first.error().detail;
  std::vector<std::string> told;
  const auto tell = [&](std::string_view what) { told.emplace_back(what); };
  auto second =
      io::open_fastest({.interface = LiveNet::far, .tell = tell}, {.interface = LiveNet::far});
  ASSERT_TRUE(second.has_value());
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find("another XDP program is on it"), std::string::npos);
  EXPECT_NE(told[0].find("AF_PACKET takes its place"), std::string::npos);

  first->front()->close();
  EXPECT_TRUE(io::open_af_xdp({.interface = LiveNet::far}).has_value())
      << "closing the last port takes the program off, at once";
}

TEST(af_xdp, frames_longer_than_a_page_holds_are_left_to_af_packet) {
  const auto [net, why] = xdp_net(9000);
  if (!net) GTEST_SKIP() << why;
  std::vector<std::string> told;
  const auto tell = [&](std::string_view what) { told.emplace_back(what); };
  auto ports =
      io::open_fastest({.interface = LiveNet::far, .tell = tell}, {.interface = LiveNet::far});
  ASSERT_TRUE(ports.has_value());
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find("AF_PACKET takes its place"), std::string::npos);
  EXPECT_EQ(ports->front()->frame_bytes_max(), 9014U);
}

/// A process that attaches its program, says so, and is ended by `number` while it works.
void attach_and_die_of(int number) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const auto child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto ports = io::open_af_xdp({.interface = LiveNet::far});
    const char said = ports ? 'y' : 'n';
    (void)::write(pipe[1], &said, 1);
    while (true) ::pause();
  }
  char said = 'n';
  EXPECT_EQ(::read(pipe[0], &said, 1), 1);
  EXPECT_EQ(said, 'y');
  EXPECT_FALSE(io::open_af_xdp({.interface = LiveNet::far}).has_value()) << "its program is there";
  EXPECT_EQ(::kill(child, number), 0);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  EXPECT_TRUE(WIFSIGNALED(status));  // NOLINT(misc-include-cleaner): of two headers
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST(af_xdp, leaves_no_program_behind_whatever_its_process_ends_of) {
  const auto [net, why] = xdp_net();
  if (!net) GTEST_SKIP() << why;
  for (const int number : {SIGTERM, SIGKILL}) {
    attach_and_die_of(number);
    // The kernel takes it off behind the process's end, in a moment.
    const auto end = std::chrono::steady_clock::now() + patience;
    bool off = false;
    while (!off && std::chrono::steady_clock::now() < end)
      off = io::open_af_xdp({.interface = LiveNet::far}).has_value();
    EXPECT_TRUE(off) << "after signal " << number;
  }
}

}  // namespace
}  // namespace lobo::packet_io_test
