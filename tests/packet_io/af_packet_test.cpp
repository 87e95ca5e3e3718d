#include "adapters/packet_io/af_packet.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/packet_io/wait.hpp"
#include "model/address.hpp"
#include "support/live_net.hpp"
#include "wire/packet/build.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"
#include "world.hpp"

namespace lobo::packet_io_test {
namespace {

namespace io = adapters::packet_io;
using testing::LiveNet;

/// From here on the kernel refuses this process both rings, as some sandboxes do. For good.
bool refuse_rings() {
  const auto argument = [](unsigned number) {
    return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + number * 8);
  };
  std::array program{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setsockopt, 0, 6),
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(1)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOL_PACKET, 0, 4),
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(2)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_RX_RING, 1, 0),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_TX_RING, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()),
                          .filter = program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/// 0, or the step that went wrong, in a process that may not have rings.
int works_without_rings() {
  if (!refuse_rings()) return 1;
  std::vector<std::string> told;
  const auto tell = [&](std::string_view what) { told.emplace_back(what); };
  auto near = io::open_af_packet({.interface = LiveNet::near, .tell = tell});
  auto far = io::open_af_packet({.interface = LiveNet::far});
  if (!near || !far) return 2;
  if (told.size() != 2 || told[0].find("TPACKET_V3") == std::string::npos ||
      told[1].find("TX_RING") == std::string::npos)
    return 3;
  auto frame = numbered(1, 100);
  if ((*near)->send(std::array{view_of(frame)}) != 1) return 4;
  Batch batch;
  Port* const ports[] = {far->get()};
  if (!io::wait_for_packets(ports, patience) || (*far)->receive(batch) != 1) return 5;
  return copy_of(batch[0]) == frame ? 0 : 6;
}

TEST(af_packet, where_rings_are_refused_system_calls_take_their_place_and_that_is_told) {
  const auto net = LiveNet::make();
  if (!net) GTEST_SKIP() << LiveNet::why_not();
  const auto child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(works_without_rings());
  int status = -1;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  ASSERT_TRUE(WIFEXITED(status));  // NOLINT(misc-include-cleaner): of two headers
  // NOLINTNEXTLINE(misc-include-cleaner): of two headers
  EXPECT_EQ(WEXITSTATUS(status), 0) << "the step that went wrong";
}

Frame datagram(std::uint16_t source_port) {
  Frame frame(200);
  const auto flow = packet::flow_between(model::Ipv4Address{{10, 9, 0, 1}}, source_port,
                                         model::Ipv4Address{{10, 9, 0, 2}}, 5000);
  const std::array<std::byte, 20> data{};
  const auto size = packet::build_udp_frame(frame, {}, flow, {}, data);
  frame.resize(size.value_or(0));
  return frame;
}

TEST(af_packet, ports_of_one_fanout_share_packets_by_flow_and_each_comes_once) {
  const auto net = LiveNet::make();
  if (!net) GTEST_SKIP() << LiveNet::why_not();
  auto sender = io::open_af_packet({.interface = LiveNet::near});
  ASSERT_TRUE(sender.has_value());
  std::array<std::unique_ptr<Port>, 2> workers;
  for (auto& worker : workers) {
    auto port = io::open_af_packet({.interface = LiveNet::far, .fanout = 7});
    ASSERT_TRUE(port.has_value());
    worker = std::move(*port);
  }
  constexpr std::size_t flows = 64;
  constexpr std::size_t packets_of_flow = 5;
  for (std::size_t round = 0; round < packets_of_flow; ++round)
    for (std::size_t i = 0; i < flows; ++i) {
      auto frame = datagram(static_cast<std::uint16_t>(10'000 + i));
      ASSERT_EQ((*sender)->send(std::array{view_of(frame)}), 1U);
    }
  std::array<std::multiset<std::uint16_t>, 2> seen;
  Port* const both[] = {workers[0].get(), workers[1].get()};
  while (seen[0].size() + seen[1].size() < flows * packets_of_flow) {
    ASSERT_TRUE(io::wait_for_packets(both, patience));
    for (std::size_t i = 0; i < workers.size(); ++i) {
      Batch batch;
      (void)workers[i]->receive(batch);
      for (const auto& packet : batch.packets())
        seen[i].insert(packet::parse_ethernet(packet.bytes()).flow.source_port);
    }
  }
  EXPECT_FALSE(seen[0].empty());
  EXPECT_FALSE(seen[1].empty());
  for (const auto& one : seen)
    for (const auto port : one) EXPECT_EQ(one.count(port), packets_of_flow);
}

TEST(af_packet, a_tag_that_the_kernel_keeps_beside_the_frame_is_put_back) {
  const auto net = LiveNet::make();
  if (!net) GTEST_SKIP() << LiveNet::why_not();
  auto sender = io::open_af_packet({.interface = LiveNet::near});
  auto receiver = io::open_af_packet({.interface = LiveNet::far});
  ASSERT_TRUE(sender.has_value() && receiver.has_value());
  // Another reader of the interface, which does not ask what is kept beside the frame.
  const int other = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(::if_nametoindex(LiveNet::far));
  ASSERT_EQ(::bind(other, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);

  const auto bare = numbered(1, 100);
  const std::array<std::array<std::uint16_t, 2>, 1> tag{{{0x8100, 0x6007}}};
  auto frame = tagged(bare, tag);
  ASSERT_EQ((*sender)->send(std::array{view_of(frame)}), 1U);
  Frame seen(200);
  seen.resize(static_cast<std::size_t>(::recv(other, seen.data(), seen.size(), 0)));
  ::close(other);
  EXPECT_EQ(seen, bare) << "the kernel did not take it off";
  Batch batch;
  Port* const ports[] = {receiver->get()};
  ASSERT_TRUE(io::wait_for_packets(ports, patience));
  ASSERT_EQ((*receiver)->receive(batch), 1U);
  EXPECT_EQ(copy_of(batch[0]), frame);
}

TEST(af_packet, a_link_that_is_no_ethernet_is_refused) {
  const auto net = LiveNet::make();
  if (!net) GTEST_SKIP() << LiveNet::why_not();
  if (!LiveNet::ip("tuntap add dev lobotun mode tun")) GTEST_SKIP() << "no tun device here";
  const auto port = io::open_af_packet({.interface = "lobotun"});
  ASSERT_FALSE(port.has_value());
  EXPECT_NE(port.error().detail.find("not Ethernet"), std::string::npos);
}

}  // namespace
}  // namespace lobo::packet_io_test
