#pragma once
// Packets in a row, as a port hands them to a worker: views on frames that stay where they are,
// each with room in front for the headers of a tunnel and behind for an option.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "base/bytes.hpp"
#include "base/require.hpp"

namespace lobo::packet_io {

/// Ethernet with two tags, IPv6, UDP and GTP-U's own 12 octets take 82; the rest is for extension
/// headers.
inline constexpr std::size_t headroom_min = 128;
/// For UDP options with their padding and checksum.
inline constexpr std::size_t tailroom_min = 64;
inline constexpr std::size_t batch_packets_max = 64;

/// A view on a frame that begins with its Ethernet header and has no frame check sequence. The
/// bytes around it, headroom and tailroom, are the packet's own until its port takes the frame
/// back.
class Packet {
 public:
  Packet() = default;
  /// The `size` bytes from `at` on in `room`.
  Packet(MutableBytes room, std::size_t at, std::size_t size, std::chrono::nanoseconds arrived_at)
      : arrived(arrived_at),
        data_(room.data() + at),
        size_(static_cast<std::uint32_t>(size)),
        headroom_(clipped(at)),
        tailroom_(clipped(room.size() - at - size)) {
    require(at <= room.size() && size <= room.size() - at &&
            size <= std::numeric_limits<std::uint32_t>::max());
  }

  MutableBytes bytes() const { return {data_, size_}; }
  std::size_t size() const { return size_; }
  std::size_t headroom() const { return headroom_; }
  std::size_t tailroom() const { return tailroom_; }

  // What of these does not fit is not done at all, and they say false.
  [[nodiscard]] bool grow_front(std::size_t count) {
    if (count > headroom_) return false;
    data_ -= count;
    size_ += static_cast<std::uint32_t>(count);
    headroom_ = static_cast<std::uint16_t>(headroom_ - count);
    return true;
  }
  [[nodiscard]] bool grow_back(std::size_t count) {
    if (count > tailroom_) return false;
    size_ += static_cast<std::uint32_t>(count);
    tailroom_ = static_cast<std::uint16_t>(tailroom_ - count);
    return true;
  }
  [[nodiscard]] bool shrink_front(std::size_t count) {
    if (count > size_) return false;
    data_ += count;
    size_ -= static_cast<std::uint32_t>(count);
    headroom_ = clipped(headroom_ + count);
    return true;
  }
  [[nodiscard]] bool shrink_back(std::size_t count) {
    if (count > size_) return false;
    size_ -= static_cast<std::uint32_t>(count);
    tailroom_ = clipped(tailroom_ + count);
    return true;
  }
  /// Leaves of the frame what is between `begin` and `end`, with `front` bytes before it.
  [[nodiscard]] bool reframe(std::size_t begin, std::size_t end, std::size_t front) {
    if (begin > end || end > size_ || headroom_ + begin < front) return false;
    tailroom_ = clipped(tailroom_ + size_ - end);
    headroom_ = clipped(headroom_ + begin - front);
    data_ += static_cast<std::ptrdiff_t>(begin) - static_cast<std::ptrdiff_t>(front);
    size_ = static_cast<std::uint32_t>(end - begin + front);
    return true;
  }

  std::chrono::nanoseconds arrived{};  ///< since 1970, by the port's clock; 0 where nobody knows

 private:
  static constexpr std::uint16_t clipped(std::size_t room) {
    return static_cast<std::uint16_t>(
        std::min<std::size_t>(room, std::numeric_limits<std::uint16_t>::max()));
  }

  std::byte* data_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint16_t headroom_ = 0;
  std::uint16_t tailroom_ = 0;
};

/// What one turn of a worker handles. It owns no frame: it may be cleared, filtered and reordered
/// at will, its packets may be copied into another batch.
class Batch {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == batch_packets_max; }
  void clear() { size_ = 0; }
  void push(const Packet& packet) {
    require(!full());
    packets_[size_++] = packet;
  }
  Packet& operator[](std::size_t index) { return packets_[index]; }
  const Packet& operator[](std::size_t index) const { return packets_[index]; }
  std::span<Packet> packets() { return std::span(packets_).first(size_); }
  std::span<const Packet> packets() const { return std::span(packets_).first(size_); }

  /// Keeps the packets for which `wanted` holds, in their order.
  template <class Wanted>
  void keep_if(const Wanted& wanted) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < size_; ++i)
      if (wanted(packets_[i])) packets_[kept++] = packets_[i];
    size_ = kept;
  }

 private:
  std::array<Packet, batch_packets_max> packets_;
  std::size_t size_ = 0;
};

}  // namespace lobo::packet_io
