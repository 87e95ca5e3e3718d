// What ports of DPDK have besides: devices by name, an environment that begins once, and buffers
// that come back. Skipped in a build without DPDK.

#include "adapters/packet_io/dpdk.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "support/temp_dir.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"
#include "world.hpp"

namespace lobo::packet_io_test {
namespace {

namespace io = adapters::packet_io;

class dpdk : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto port = io::open_dpdk({"net_null0"});
    if (!port && (port.error().code == Errc::unavailable || port.error().code == Errc::too_many))
      GTEST_SKIP() << port.error().detail;
    ASSERT_TRUE(port.has_value()) << port.error().detail;
  }
};

std::string refusal(const std::string& device, Errc code) {
  const auto port = io::open_dpdk({device});
  if (port) return "opened";
  EXPECT_EQ(port.error().code, code) << port.error().detail;
  return port.error().detail;
}

TEST_F(dpdk, a_null_device_gives_bursts_without_end_and_takes_them) {
  auto port = io::open_dpdk({"net_null1,size=1272"});
  ASSERT_TRUE(port.has_value()) << port.error().detail;
  EXPECT_EQ((*port)->state(), PortState::open);
  EXPECT_EQ((*port)->descriptor(), -1);
  Batch batch;
  constexpr std::size_t turns = 1000;  // many times its buffers
  static_assert(turns * packet_io::batch_packets_max > 10 * io::dpdk_buffers);
  for (std::size_t turn = 0; turn < turns; ++turn) {
    ASSERT_EQ((*port)->receive(batch), packet_io::batch_packets_max) << "in turn " << turn;
    for (const auto& packet : batch.packets()) {
      ASSERT_EQ(packet.size(), 1272U);
      ASSERT_GE(packet.headroom(), packet_io::headroom_min);
      ASSERT_GE(packet.tailroom(), packet_io::tailroom_min);
    }
    ASSERT_EQ((*port)->send(batch.packets()), batch.size());
  }
  const auto all = turns * packet_io::batch_packets_max;
  EXPECT_EQ((*port)->counters().received, (packet_io::Tally{all, all * 1272}));
  EXPECT_EQ((*port)->counters().sent, (packet_io::Tally{all, all * 1272}));
  EXPECT_EQ((*port)->counters().dropped,
            (std::array<std::uint64_t, packet_io::drop_reasons_count>{}));
}

TEST_F(dpdk, frames_of_the_largest_size_have_their_rooms_and_larger_ones_are_dropped) {
  for (const auto& [size, whole] : {std::pair{2048, true}, std::pair{2049, false}}) {
    auto port = io::open_dpdk({"net_null1,size=" + std::to_string(size)});
    ASSERT_TRUE(port.has_value()) << port.error().detail;
    Batch batch;
    EXPECT_EQ((*port)->receive(batch), whole ? packet_io::batch_packets_max : 0U);
    EXPECT_EQ((*port)->counters()[DropReason::too_long], whole ? 0U : packet_io::batch_packets_max);
  }
}

TEST_F(dpdk, one_worker_opens_a_port_and_another_uses_it) {
  auto port = io::open_dpdk({"net_null1,size=100"});
  ASSERT_TRUE(port.has_value()) << port.error().detail;
  std::size_t received = 0;
  std::thread([&] {
    Batch batch;
    received = (*port)->receive(batch);
  }).join();
  EXPECT_EQ(received, packet_io::batch_packets_max);
}

TEST_F(dpdk, what_is_no_device_is_refused_and_told) {
  for (const char* const wrong : {"", "eth0", "net_null0;size=1", "0000:00:1f.6", "net_NULL0", ","})
    EXPECT_NE(refusal(wrong, Errc::pattern).find("net_memif0,role=server"), std::string::npos)
        << wrong;
  (void)refusal("net_null0,size=" + std::string(io::dpdk_device_bytes_max, '1'), Errc::pattern);
  EXPECT_NE(refusal("net_nothing0", Errc::refused).find("net_nothing0"), std::string::npos);
  EXPECT_NE(refusal("net_null1,speed=9", Errc::refused).find("speed=9"), std::string::npos);
  const testing::TempDir folder;
  EXPECT_NE(
      refusal("net_memif1,role=client,socket=" + folder.file("nobody") + ",socket-abstract=no",
              Errc::refused)
          .find("onnect"),
      std::string::npos)
      << "DPDK's own words";
  EXPECT_NE(refusal("net_memif1,role=king", Errc::refused).find("role"), std::string::npos);
}

TEST_F(dpdk, a_name_is_taken_as_long_as_its_port_is_open) {
  auto first = io::open_dpdk({"net_null1"});
  ASSERT_TRUE(first.has_value()) << first.error().detail;
  EXPECT_NE(refusal("net_null1", Errc::conflict).find("of that name"), std::string::npos);
  (*first)->close();
  EXPECT_EQ((*first)->state(), PortState::closed);
  EXPECT_TRUE(io::open_dpdk({"net_null1"}).has_value());
}

TEST_F(dpdk, ports_are_bounded_and_closed_ones_leave_their_memory_to_others) {
  // Many times what the memory of the process holds.
  for (unsigned round = 0; round < 20; ++round) {
    std::vector<std::unique_ptr<Port>> ports;
    for (std::size_t i = 0; i < io::dpdk_ports_max; ++i) {
      auto port = io::open_dpdk({"net_null" + std::to_string(i)});
      ASSERT_TRUE(port.has_value()) << port.error().detail << " in round " << round;
      ports.push_back(std::move(*port));
      Batch batch;
      ASSERT_EQ(ports.back()->receive(batch), packet_io::batch_packets_max);
    }
    EXPECT_NE(refusal("net_null99", Errc::too_many).find("8 devices"), std::string::npos);
  }
}

TEST_F(dpdk, the_thread_that_opens_may_run_where_it_might_before) {
  cpu_set_t before;
  cpu_set_t after;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  ASSERT_TRUE(io::open_dpdk({"net_null1"}).has_value());
  ASSERT_EQ(::sched_getaffinity(0, sizeof after, &after), 0);
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

class dpdk_memif : public dpdk {
 protected:
  /// Null, with the test skipped, where the memory of DPDK is used up, as after some thousand
  /// repetitions in one process.
  std::unique_ptr<Port> end_of(const std::string& role) const {
    auto port = io::open_dpdk({"net_memif_" + role + ",role=" + role +
                               ",socket=" + folder_.file("s") + ",socket-abstract=no"});
    if (port) return std::move(*port);
    skip_if_used_up(port.error());
    return nullptr;
  }
  static bool becomes(Port& port, PortState wanted) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (port.state() != wanted && std::chrono::steady_clock::now() < end) continue;
    return port.state() == wanted;
  }

 private:
  static void skip_if_used_up(const Error& why) {
    if (why.code == Errc::too_many) GTEST_SKIP() << why.detail;
    ADD_FAILURE() << why.detail;
  }

  testing::TempDir folder_;
};

TEST_F(dpdk_memif, finds_its_peer_again_after_that_one_came_back) {
  auto server = end_of("server");
  if (!server) return;
  auto lost = numbered(1, 60);
  EXPECT_EQ(server->state(), PortState::link_down);
  EXPECT_EQ(server->send(std::array{view_of(lost)}), 1U);
  EXPECT_EQ(server->counters()[DropReason::link_down], 1U);
  for (std::uint32_t i = 2; i < 5; ++i) {
    auto client = end_of("client");
    if (!client) return;
    ASSERT_TRUE(becomes(*server, PortState::open) && becomes(*client, PortState::open));
    auto frame = numbered(i, 300);
    ASSERT_EQ(client->send(std::array{view_of(frame)}), 1U);
    Batch batch;
    ASSERT_EQ(server->receive(batch), 1U);
    EXPECT_EQ(copy_of(batch[0]), frame);
    client->close();
    ASSERT_TRUE(becomes(*server, PortState::link_down));
    EXPECT_EQ(server->receive(batch), 0U);
  }
}

// DPDK's thread has read of both ends that something happened when the second one goes; what is
// opened next has their file numbers.
TEST_F(dpdk_memif, one_that_comes_right_after_another_went_is_not_taken_for_it) {
  for (int i = 0; i < 2; ++i) {
    auto server = end_of("server");
    if (!server) return;
    auto client = end_of("client");
    if (!client) return;
    ASSERT_TRUE(becomes(*server, PortState::open) && becomes(*client, PortState::open));
    client->close();
    server->close();
  }
}

TEST(without_dpdk, the_refusal_says_what_is_missing) {
  const auto port = io::open_dpdk({"net_null0"});
  if (port) GTEST_SKIP() << "this build has DPDK";
  EXPECT_EQ(port.error().code, Errc::unavailable);
  EXPECT_NE(port.error().detail.find("libdpdk-dev"), std::string::npos);
  EXPECT_NE(io::describe_dpdk().find("off"), std::string::npos);
}

}  // namespace
}  // namespace lobo::packet_io_test
