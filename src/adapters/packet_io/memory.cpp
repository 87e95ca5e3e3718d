#include "adapters/packet_io/memory.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "adapters/capture/file.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::adapters::packet_io {
namespace {

using lobo::packet_io::Batch;
using lobo::packet_io::Counters;
using lobo::packet_io::DropReason;
using lobo::packet_io::headroom_min;
using lobo::packet_io::Packet;
using lobo::packet_io::Port;
using lobo::packet_io::PortState;
using lobo::packet_io::tailroom_min;

constexpr std::size_t cache_line = 64;

/// One direction. Invariant: taken_ <= filled_ <= taken_ + slots; the producer alone writes slots
/// in [filled_, taken_ + slots) and then filled_, the consumer alone reads [taken_, filled_).
class Ring {
 public:
  Ring(const MemoryOptions& options, UniqueFile wake)
      : mask_(options.ring_packets - 1),
        frame_bytes_max_(options.frame_bytes_max),
        stride_((headroom_min + frame_bytes_max_ + tailroom_min + cache_line - 1) / cache_line *
                cache_line),
        memory_(stride_ * options.ring_packets),
        slots_(options.ring_packets),
        wake_(std::move(wake)) {}

  std::size_t send(std::span<const Packet> packets, Counters& counters);
  void receive(Batch& batch, Counters& counters);
  /// Before the consumer waits: whether it need not.
  bool arm();
  void close();
  bool closed() const { return closed_.load(std::memory_order_seq_cst); }
  bool empty() const {
    return filled_.load(std::memory_order_seq_cst) ==
           taken_.load(std::memory_order_relaxed) + lent_;
  }
  int descriptor() const { return wake_.get(); }
  std::size_t frame_bytes_max() const { return frame_bytes_max_; }

 private:
  struct Slot {
    std::size_t size = 0;
    std::chrono::nanoseconds arrived{};
  };
  MutableBytes room(std::uint64_t index) {
    return MutableBytes(memory_).subspan((index & mask_) * stride_, stride_);
  }
  void wake_consumer();

  std::size_t mask_;
  std::size_t frame_bytes_max_;
  std::size_t stride_;
  std::vector<std::byte> memory_;
  std::vector<Slot> slots_;
  UniqueFile wake_;
  std::uint64_t lent_ = 0;  ///< the consumer's: slots from taken_ on that it is looking at
  alignas(cache_line) std::atomic<std::uint64_t> filled_ = 0;
  alignas(cache_line) std::atomic<std::uint64_t> taken_ = 0;
  alignas(cache_line) std::atomic<bool> waiting_ = false;
  std::atomic<bool> closed_ = false;
};

std::size_t Ring::send(std::span<const Packet> packets, Counters& counters) {
  if (closed()) return 0;
  const auto begin = filled_.load(std::memory_order_relaxed);
  const auto end = taken_.load(std::memory_order_acquire) + slots_.size();
  auto at = begin;
  std::size_t accepted = 0;
  for (const auto& packet : packets) {
    const auto frame = packet.bytes();
    if (frame.size() > frame_bytes_max_) {
      ++counters[DropReason::too_long];
      ++accepted;
      continue;
    }
    if (at == end) break;
    std::ranges::copy(frame, room(at).begin() + headroom_min);
    slots_[at & mask_] = {frame.size(), packet.arrived};
    counters.sent.add(frame.size());
    ++at;
    ++accepted;
  }
  if (at == begin) return accepted;
  filled_.store(at, std::memory_order_seq_cst);
  wake_consumer();
  return accepted;
}

void Ring::wake_consumer() {
  // Either the consumer sees what was filled, or we see that it waits: each writes its own word
  // and then reads the other's, all four in one order.
  if (!waiting_.load(std::memory_order_seq_cst)) return;
  const std::uint64_t one = 1;
  (void)::write(wake_.get(), &one, sizeof one);  // it fails only where it is readable already
}

bool Ring::arm() {
  waiting_.store(true, std::memory_order_seq_cst);
  return lent_ > 0 || !empty() || closed();
}

void Ring::receive(Batch& batch, Counters& counters) {
  batch.clear();
  if (waiting_.load(std::memory_order_relaxed)) {
    waiting_.store(false, std::memory_order_relaxed);
    std::uint64_t ignored = 0;
    (void)::read(wake_.get(), &ignored, sizeof ignored);  // it may never have been written
  }
  const auto begin = taken_.load(std::memory_order_relaxed) + lent_;
  taken_.store(begin, std::memory_order_release);
  const auto filled = filled_.load(std::memory_order_acquire);
  lent_ = std::min<std::uint64_t>(filled - begin, lobo::packet_io::batch_packets_max);
  for (auto at = begin; at != begin + lent_; ++at) {
    const auto& slot = slots_[at & mask_];
    counters.received.add(slot.size);
    batch.push({room(at), headroom_min, slot.size, slot.arrived});
  }
}

void Ring::close() {
  closed_.store(true, std::memory_order_seq_cst);
  wake_consumer();
}

class MemoryPort final : public Port {
 public:
  MemoryPort(std::shared_ptr<Ring> in, std::shared_ptr<Ring> out)
      : in_(std::move(in)), out_(std::move(out)) {}
  ~MemoryPort() override { close(); }

  std::size_t receive(Batch& batch) noexcept override {
    batch.clear();
    if (!closed_) in_->receive(batch, counters_);
    return batch.size();
  }
  std::size_t send(std::span<const Packet> packets) noexcept override {
    return closed_ ? 0 : out_->send(packets, counters_);
  }
  PortState state() noexcept override {
    if (closed_) return PortState::closed;
    // In this order: what was sent before the end is still there.
    return in_->closed() && in_->empty() ? PortState::ended : PortState::open;
  }
  int descriptor() const noexcept override { return in_->descriptor(); }
  bool about_to_wait() noexcept override { return closed_ || in_->arm(); }
  const Counters& counters() noexcept override { return counters_; }
  std::size_t frame_bytes_max() const noexcept override { return out_->frame_bytes_max(); }
  void close() noexcept override {
    if (std::exchange(closed_, true)) return;
    in_->close();
    out_->close();
  }

 private:
  std::shared_ptr<Ring> in_;
  std::shared_ptr<Ring> out_;
  Counters counters_;
  bool closed_ = false;
};

}  // namespace

Result<MemoryPair> make_memory_pair(const MemoryOptions& options) {
  if (!std::has_single_bit(options.ring_packets) || options.ring_packets > memory_ring_packets_max)
    return fail(Errc::out_of_range,
                fmt::format("a ring of {} packets: a power of two, at most {}, is wanted",
                            options.ring_packets, memory_ring_packets_max));
  if (options.frame_bytes_max == 0 || options.frame_bytes_max > memory_frame_bytes_max)
    return fail(Errc::out_of_range, fmt::format("frames of {} bytes: 1 to {} are wanted",
                                                options.frame_bytes_max, memory_frame_bytes_max));
  std::shared_ptr<Ring> rings[2];
  for (auto& ring : rings) {
    UniqueFile wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), true);
    if (wake.get() < 0) return fail(Errc::refused, std::strerror(errno));
    ring = std::make_shared<Ring>(options, std::move(wake));
  }
  return MemoryPair{std::make_unique<MemoryPort>(rings[0], rings[1]),
                    std::make_unique<MemoryPort>(rings[1], rings[0])};
}

}  // namespace lobo::adapters::packet_io
