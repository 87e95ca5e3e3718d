#pragma once
// Next hops that packets were dropped for, so that the application has the kernel resolve them: a
// ring for one writer and one reader. The same address is told at most once in a while, however
// many packets want it.

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/elapsed.hpp"
#include "dataplane/rules/token_bucket.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "model/address.hpp"
#include "wire/packet/flow.hpp"

namespace lobo::dataplane {

enum class PathSide : std::uint8_t { n3, n6 };

struct WantedAddress {
  PathSide side{};
  model::IpAddress address;
  bool operator==(const WantedAddress&) const = default;
};

class WantedAddresses {
 public:
  static constexpr std::size_t waiting_max = 64;
  static constexpr std::size_t remembered = 256;
  static constexpr Elapsed told_again_after = std::chrono::milliseconds{500};

  WantedAddresses() { told_.fill({}); }

  /// The worker. What finds no room is asked for again by the next packet that wants it.
  void want(PathSide side, const HopAddress& address, Elapsed now) noexcept {
    Told& told =
        told_[packet::detail::fold(address.low ^ first_factor, address.high ^ second_factor) %
              remembered];
    if (told.at != TokenBucket::never && told.side == side && told.address == address &&
        now - told.at < told_again_after)
      return;
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == waiting_max) return;
    slots_[tail % waiting_max] = {side, address};
    tail_.store(tail + 1, std::memory_order_release);
    told = {side, address, now};
  }

  /// The application.
  std::optional<WantedAddress> pop() {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return std::nullopt;
    const Slot slot = slots_[head % waiting_max];
    head_.store(head + 1, std::memory_order_release);
    return WantedAddress{slot.side, slot.address.address()};
  }

 private:
  static constexpr std::uint64_t first_factor = 0x9E3779B97F4A7C15;
  static constexpr std::uint64_t second_factor = 0xC2B2AE3D27D4EB4F;
  struct Slot {
    PathSide side{};
    HopAddress address;
  };
  struct Told {
    PathSide side{};
    HopAddress address;
    Elapsed at = TokenBucket::never;
  };
  std::array<Slot, waiting_max> slots_{};
  std::array<Told, remembered> told_;
  std::atomic<std::size_t> head_{0};
  std::atomic<std::size_t> tail_{0};
};

}  // namespace lobo::dataplane
