#pragma once
// Packets that one worker got and another one's sessions are to handle: a ring for one writer and
// one reader, with copies, in the order of arrival. The reader has it as a port that receives only;
// what finds no room the writer drops and counts.
//
// Whoever waits says so before it looks a last time; whoever puts looks for that afterwards. In the
// order that all threads see one of the two comes first, so no packet waits for another.

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "adapters/capture/file.hpp"
#include "base/bytes.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::app {

/// Of one pair of workers and one side.
inline constexpr std::size_t mailbox_packets_max = 512;
static_assert(mailbox_packets_max > packet_io::batch_packets_max);

class Mailbox final : public packet_io::Port {
 public:
  explicit Mailbox(std::size_t frame_bytes_max)
      : frame_bytes_max_(frame_bytes_max),
        slot_bytes_(packet_io::headroom_min + frame_bytes_max + packet_io::tailroom_min),
        room_(mailbox_packets_max * slot_bytes_),
        sizes_(mailbox_packets_max),
        bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), true) {}

  /// The writer. False where there is no room, or the packet is longer than a frame.
  bool put(const packet_io::Packet& packet) noexcept {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (packet.size() > frame_bytes_max_) return false;
    if (tail - head_.load(std::memory_order_acquire) == mailbox_packets_max) return false;
    std::ranges::copy(packet.bytes(), slot(tail).begin() + packet_io::headroom_min);
    sizes_[tail % mailbox_packets_max] = {packet.size(), packet.arrived};
    tail_.store(tail + 1);
    if (waits_.load() && waits_.exchange(false)) ring();
    return true;
  }

  // The reader.

  std::size_t receive(packet_io::Batch& batch) noexcept override {
    batch.clear();
    const std::size_t from = head_.load(std::memory_order_relaxed) + lent_;
    head_.store(from, std::memory_order_release);
    const std::size_t ready = tail_.load(std::memory_order_acquire) - from;
    lent_ = std::min(ready, packet_io::batch_packets_max);
    for (std::size_t i = 0; i < lent_; ++i) {
      const Kept& kept = sizes_[(from + i) % mailbox_packets_max];
      batch.push({slot(from + i), packet_io::headroom_min, kept.size, kept.arrived});
    }
    return lent_;
  }
  std::size_t send(std::span<const packet_io::Packet>) noexcept override { return 0; }
  packet_io::PortState state() noexcept override { return packet_io::PortState::open; }
  int descriptor() const noexcept override { return bell_.get(); }
  bool about_to_wait() noexcept override {
    std::uint64_t rung = 0;
    (void)!::read(bell_.get(), &rung, sizeof rung);
    waits_.store(true);
    if (tail_.load() == head_.load(std::memory_order_relaxed) + lent_) return false;
    waits_.store(false);
    return true;
  }
  /// Nothing: its packets were counted where they came in.
  const packet_io::Counters& counters() noexcept override { return none_; }
  std::size_t frame_bytes_max() const noexcept override { return frame_bytes_max_; }
  void close() noexcept override {}

 private:
  struct Kept {
    std::size_t size = 0;
    std::chrono::nanoseconds arrived{};
  };
  MutableBytes slot(std::size_t number) {
    return MutableBytes(room_).subspan(number % mailbox_packets_max * slot_bytes_, slot_bytes_);
  }
  void ring() noexcept {
    const std::uint64_t once = 1;
    (void)!::write(bell_.get(), &once, sizeof once);
  }

  std::size_t frame_bytes_max_;
  std::size_t slot_bytes_;
  std::vector<std::byte> room_;
  std::vector<Kept> sizes_;
  adapters::UniqueFile bell_;
  packet_io::Counters none_;
  std::size_t lent_ = 0;  ///< the reader's
  static constexpr std::size_t cache_line = 64;
  alignas(cache_line) std::atomic<std::size_t> head_{0};
  alignas(cache_line) std::atomic<std::size_t> tail_{0};
  std::atomic<bool> waits_{false};
};

}  // namespace lobo::app
