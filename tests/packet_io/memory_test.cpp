#include "adapters/packet_io/memory.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <ios>
#include <string>
#include <thread>

#include "adapters/packet_io/capture_port.hpp"
#include "adapters/packet_io/wait.hpp"
#include "base/bytes.hpp"
#include "support/temp_dir.hpp"
#include "wire/capture/capture.hpp"
#include "wire/capture/writer.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"
#include "world.hpp"

namespace lobo::packet_io_test {
namespace {

namespace io = adapters::packet_io;

TEST(memory_ring, two_threads_lose_nothing_and_the_one_that_waits_is_woken) {
  constexpr std::uint32_t count = 50'000;
  auto pair = io::make_memory_pair({.ring_packets = 64, .frame_bytes_max = 64});
  ASSERT_TRUE(pair.has_value());
  std::thread producer([&port = *pair->first] {
    for (std::uint32_t number = 0; number < count;) {
      auto frame = numbered(number, 18 + number % 40);
      const std::array packets{view_of(frame)};
      if (port.send(packets) == 1)
        ++number;
      else
        std::this_thread::yield();
    }
    port.close();
  });
  std::uint32_t next = 0;
  bool same = true;
  Batch batch;
  Port* const ports[] = {pair->second.get()};
  while (pair->second->state() == PortState::open) {
    if (pair->second->receive(batch) == 0 && !io::wait_for_packets(ports, patience)) break;
    for (const auto& packet : batch.packets()) {
      same = same && copy_of(packet) == numbered(next, 18 + next % 40);
      ++next;
    }
  }
  producer.join();
  EXPECT_TRUE(same);
  EXPECT_EQ(next, count);
}

TEST(memory_ring, numbers_beyond_its_bounds_are_refused) {
  EXPECT_FALSE(io::make_memory_pair({.ring_packets = 3}).has_value());
  EXPECT_FALSE(io::make_memory_pair({.ring_packets = 0}).has_value());
  EXPECT_FALSE(io::make_memory_pair({.ring_packets = io::memory_ring_packets_max * 2}).has_value());
  EXPECT_FALSE(io::make_memory_pair({.frame_bytes_max = 0}).has_value());
}

TEST(packet_view, grows_into_its_rooms_and_no_further) {
  std::array<std::byte, 300> room{};
  Packet packet(room, 130, 100, {});
  EXPECT_FALSE(packet.grow_front(131));
  EXPECT_FALSE(packet.grow_back(71));
  EXPECT_FALSE(packet.shrink_front(101));
  EXPECT_FALSE(packet.shrink_back(101));
  EXPECT_EQ(packet.bytes().data(), room.data() + 130);
  EXPECT_EQ(packet.size(), 100U);
  ASSERT_TRUE(packet.grow_front(130));
  ASSERT_TRUE(packet.grow_back(70));
  EXPECT_EQ(packet.bytes().data(), room.data());
  EXPECT_EQ(packet.size(), 300U);
  ASSERT_TRUE(packet.shrink_front(14));
  ASSERT_TRUE(packet.shrink_back(1));
  EXPECT_EQ(packet.headroom(), 14U);
  EXPECT_EQ(packet.tailroom(), 1U);
}

/// Writes one packet of a capture that no port would write.
void write_capture(const std::string& path, const capture::Packet& packet) {
  capture::Writer writer(capture::Format::pcap_nanoseconds);
  std::array<std::byte, 1024> out;
  const auto size = writer.packet(packet, out);
  ASSERT_TRUE(size.has_value());
  std::ofstream file(path, std::ios::binary);
  for (const auto byte : Bytes(out).first(*size)) file.put(static_cast<char>(byte));
}

std::uint64_t dropped_of(const capture::Packet& packet, DropReason reason) {
  const testing::TempDir folder;
  write_capture(folder.file("odd.pcap"), packet);
  auto port = io::open_capture({.read = folder.file("odd.pcap"), .frame_bytes_max = 200});
  EXPECT_TRUE(port.has_value());
  Batch batch;
  EXPECT_EQ((*port)->receive(batch), 0U);
  EXPECT_EQ((*port)->state(), PortState::ended);
  return (*port)->counters()[reason];
}

TEST(capture_port, counts_packets_that_are_no_whole_ethernet_frames) {
  const auto frame = numbered(1, 100);
  const auto longer = numbered(2, 201);
  EXPECT_EQ(
      dropped_of({.link_type = capture::LinkType::raw, .original_length = 100, .bytes = frame},
                 DropReason::not_ethernet),
      1U);
  EXPECT_EQ(
      dropped_of({.link_type = capture::LinkType::ethernet, .original_length = 101, .bytes = frame},
                 DropReason::cut),
      1U);
  EXPECT_EQ(dropped_of(
                {.link_type = capture::LinkType::ethernet, .original_length = 201, .bytes = longer},
                DropReason::too_long),
            1U);
}

TEST(capture_port, keeps_the_times_and_says_what_is_wrong_with_a_file) {
  const testing::TempDir folder;
  const auto frame = numbered(1, 100);
  constexpr std::chrono::nanoseconds time{1'700'000'000'123'456'789};
  write_capture(folder.file("one.pcap"), {.time = time,
                                          .link_type = capture::LinkType::ethernet,
                                          .original_length = 100,
                                          .bytes = frame});
  auto port = io::open_capture({.read = folder.file("one.pcap"), .write = folder.file("two.pcap")});
  ASSERT_TRUE(port.has_value());
  Batch batch;
  ASSERT_EQ((*port)->receive(batch), 1U);
  EXPECT_EQ(batch[0].arrived, time);
  EXPECT_EQ((*port)->send(batch.packets()), 1U);
  (*port)->close();
  auto again = io::open_capture({.read = folder.file("two.pcap")});
  ASSERT_TRUE(again.has_value());
  ASSERT_EQ((*again)->receive(batch), 1U);
  EXPECT_EQ(batch[0].arrived, time);
  EXPECT_EQ(copy_of(batch[0]), frame);

  std::ofstream(folder.file("no.pcap")) << "this is no capture, and it is long enough to see that";
  auto broken = io::open_capture({.read = folder.file("no.pcap")});
  ASSERT_TRUE(broken.has_value());
  EXPECT_EQ((*broken)->receive(batch), 0U);
  EXPECT_EQ((*broken)->state(), PortState::failed);
  EXPECT_NE((*broken)->trouble().find("neither pcap nor pcapng"), std::string::npos);
  EXPECT_FALSE(io::open_capture({.read = folder.file("missing.pcap")}).has_value());
  EXPECT_FALSE(io::open_capture({.read = folder.file("one.pcap"), .write = folder.file("one.pcap")})
                   .has_value());
}

}  // namespace
}  // namespace lobo::packet_io_test
