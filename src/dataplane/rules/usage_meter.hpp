#pragma once
// What passed under a URR (TS 29.244 clause 5.2.2), counted by the worker that owns the session and
// read by the control plane at any time. One thread writes each member; which one is said below.

#include <atomic>
#include <cstdint>
#include <limits>

#include "wire/packet/flow_filter.hpp"

namespace lobo::dataplane {

/// Written by one thread, read by any. Each value is right by itself; two of them may be of
/// different moments.
class Counter {
 public:
  void add(std::uint64_t count) noexcept { set(value() + count); }
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Volumes up to which something holds, as absolute values of the meter's own counters.
struct VolumeMark {
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t total = never;
  std::uint64_t uplink = never;
  std::uint64_t downlink = never;
  bool operator==(const VolumeMark&) const = default;
};

class UsageMeter {
 public:
  struct Reading {
    std::uint64_t uplink_octets = 0;
    std::uint64_t downlink_octets = 0;
    std::uint64_t uplink_packets = 0;
    std::uint64_t downlink_packets = 0;
    /// Since 1970 by the worker's clock; 0 where nothing passed yet.
    std::uint64_t first_packet_ns = 0;
    std::uint64_t last_packet_ns = 0;
    bool operator==(const Reading&) const = default;
  };

  // The worker.

  /// Counts a packet. True once where a threshold that the control plane set was reached thereby:
  /// it is to be told. (A threshold of one octet tells of the first packet.)
  [[nodiscard]] bool count(packet::Travel travel, std::uint32_t octets,
                           std::uint64_t now_ns) noexcept {
    const bool up = travel == packet::Travel::from_ue;
    (up ? uplink_octets_ : downlink_octets_).add(octets);
    (up ? uplink_packets_ : downlink_packets_).add(1);
    if (first_packet_ns_.value() == 0) first_packet_ns_.set(now_ns);
    last_packet_ns_.set(now_ns);
    if (told_.load(std::memory_order_relaxed) || !reached(threshold_)) return false;
    told_.store(true, std::memory_order_relaxed);
    return true;
  }
  /// A quota is used up, of volume or of time: packets under this URR go no further (clause
  /// 5.2.2.2.1).
  bool exhausted() const noexcept {
    return closed_.load(std::memory_order_relaxed) || reached(quota_);
  }

  // The control plane.

  Reading read() const noexcept {
    return {uplink_octets_.value(),    downlink_octets_.value(), uplink_packets_.value(),
            downlink_packets_.value(), first_packet_ns_.value(), last_packet_ns_.value()};
  }
  /// When to be told next; told once, then again only after another call of this.
  void tell_at(const VolumeMark& mark) noexcept {
    threshold_.set(mark);
    told_.store(false, std::memory_order_relaxed);
  }
  void close_at(const VolumeMark& mark) noexcept { quota_.set(mark); }
  /// By time, or by validity: whatever the volume.
  void close(bool closed) noexcept { closed_.store(closed, std::memory_order_relaxed); }

 private:
  struct Limit {
    Counter total, uplink, downlink;
    Limit() noexcept { set({}); }
    void set(const VolumeMark& mark) noexcept {
      total.set(mark.total);
      uplink.set(mark.uplink);
      downlink.set(mark.downlink);
    }
  };
  bool reached(const Limit& limit) const noexcept {
    const std::uint64_t up = uplink_octets_.value();
    const std::uint64_t down = downlink_octets_.value();
    return up + down >= limit.total.value() || up >= limit.uplink.value() ||
           down >= limit.downlink.value();
  }

  Counter uplink_octets_, downlink_octets_, uplink_packets_, downlink_packets_;
  Counter first_packet_ns_, last_packet_ns_;
  Limit threshold_, quota_;          ///< by the control plane
  std::atomic<bool> told_{false};    ///< by both: the worker sets it, the control plane clears it
  std::atomic<bool> closed_{false};  ///< by the control plane
};

}  // namespace lobo::dataplane
