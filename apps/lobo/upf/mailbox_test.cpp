#include "upf/mailbox.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "base/bytes.hpp"
#include "wire/packet_io/batch.hpp"

namespace lobo::app {
namespace {

constexpr std::size_t frame_bytes_max = 128;

/// A packet that says its number, and is as long as that number makes it.
class Numbered {
 public:
  Numbered() : room_(packet_io::headroom_min + frame_bytes_max + 1 + packet_io::tailroom_min) {}
  packet_io::Packet packet(std::uint64_t number, std::size_t size) {
    std::memcpy(room_.data() + packet_io::headroom_min, &number, sizeof number);
    return {MutableBytes(room_), packet_io::headroom_min, size, std::chrono::nanoseconds{7}};
  }

 private:
  std::vector<std::byte> room_;
};

std::uint64_t number_of(const packet_io::Packet& packet) {
  std::uint64_t number = 0;
  std::memcpy(&number, packet.bytes().data(), sizeof number);
  return number;
}
std::size_t size_of(std::uint64_t number) { return sizeof number + number % 100; }

TEST(mailbox, holds_so_many_packets_and_no_longer_ones) {
  Mailbox mail(frame_bytes_max);
  Numbered made;
  EXPECT_FALSE(mail.put(made.packet(0, frame_bytes_max + 1)));
  for (std::uint64_t i = 0; i < mailbox_packets_max; ++i)
    ASSERT_TRUE(mail.put(made.packet(i, frame_bytes_max)));
  EXPECT_FALSE(mail.put(made.packet(mailbox_packets_max, 8)));
  packet_io::Batch batch;
  ASSERT_EQ(mail.receive(batch), packet_io::batch_packets_max);
  EXPECT_FALSE(mail.put(made.packet(mailbox_packets_max, 8))) << "a batch is lent until the next";
  ASSERT_EQ(mail.receive(batch), packet_io::batch_packets_max);
  EXPECT_EQ(number_of(batch[0]), packet_io::batch_packets_max);
  EXPECT_EQ(batch[0].arrived, std::chrono::nanoseconds{7});
  EXPECT_TRUE(mail.put(made.packet(mailbox_packets_max, 8)));
}

// To be run with the thread sanitizer as well.
TEST(mailbox, gives_each_packet_once_in_order_to_a_reader_that_sleeps_between) {
  constexpr std::uint64_t many = 200'000;
  Mailbox mail(frame_bytes_max);
  std::thread writer([&mail] {
    Numbered made;
    for (std::uint64_t i = 0; i < many;)
      if (mail.put(made.packet(i, size_of(i))))
        ++i;
      else
        std::this_thread::yield();
  });
  packet_io::Batch batch;
  std::uint64_t next = 0;
  bool lost = false;
  while (next < many && !lost) {
    if (mail.receive(batch) == 0) {
      pollfd bell{mail.descriptor(), POLLIN, 0};
      if (!mail.about_to_wait()) lost = ::poll(&bell, 1, 10'000) != 1;
      continue;
    }
    for (std::size_t i = 0; i < batch.size(); ++i, ++next)
      ASSERT_TRUE(number_of(batch[i]) == next && batch[i].size() == size_of(next)) << next;
  }
  EXPECT_FALSE(lost) << "it slept beside " << next;
  writer.join();
}

}  // namespace
}  // namespace lobo::app
