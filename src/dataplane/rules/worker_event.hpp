#pragma once
// What a worker tells the control plane of a session, in passing: a ring for one writer and one
// reader. Where it is full the event is lost and counted; whoever reads looks at the meters from
// time to time anyway.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/require.hpp"

namespace lobo::dataplane {

struct WorkerEvent {
  enum class Kind : std::uint8_t {
    usage,             ///< `id`: a URR; a mark that was asked for is reached
    downlink_data,     ///< `id`: a PDR whose FAR buffers and notifies; once until its rules change
    error_indication,  ///< `id`: the TEID, `peer_v4` the address of who does not know it
    delay,             ///< `id`: a QFI; `delay_us`
  };
  Kind kind{};
  std::uint64_t seid = 0;
  std::uint32_t id = 0;
  std::uint32_t peer_v4 = 0;
  /// Downlink, uplink, round trip, in microseconds, of one packet; nothing where not measured.
  std::array<std::optional<std::uint32_t>, 3> delay_us{};
  bool operator==(const WorkerEvent&) const = default;
};

class WorkerEvents {
 public:
  /// `size`, a power of two: how many may wait.
  explicit WorkerEvents(std::size_t size = 4096) : slots_(size), mask_(size - 1) {
    require(size >= 2 && (size & mask_) == 0);
  }

  /// The worker. False, and counted, where there is no room.
  bool push(const WorkerEvent& event) noexcept {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) > mask_) {
      lost_.store(lost_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return false;
    }
    slots_[tail & mask_] = event;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }
  /// The control plane.
  std::optional<WorkerEvent> pop() noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return std::nullopt;
    WorkerEvent event = slots_[head & mask_];
    head_.store(head + 1, std::memory_order_release);
    return event;
  }
  std::uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }

 private:
  std::vector<WorkerEvent> slots_;
  std::size_t mask_;
  static constexpr std::size_t cache_line = 64;
  alignas(cache_line) std::atomic<std::size_t> head_{0};
  alignas(cache_line) std::atomic<std::size_t> tail_{0};
  std::atomic<std::uint64_t> lost_{0};
};

}  // namespace lobo::dataplane
