#pragma once
// Packets that are ready to leave but for the address of their next hop, as a host keeps them (RFC
// 1122 clause 2.3.2.2): copies, few and for a short time, since whoever asks for many addresses
// that nobody has must not fill a memory. Those of one next hop leave in the order in which they
// came.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/elapsed.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/wanted_addresses.hpp"
#include "wire/packet_io/batch.hpp"

namespace lobo::dataplane {

/// Next hops that are waited for at a time, and packets that wait for one of them.
inline constexpr std::size_t waited_hops_max = 16;
inline constexpr std::size_t waiting_per_hop_max = 64;
/// A longer frame does not wait.
inline constexpr std::size_t waiting_frame_bytes_max = 2048;
/// From the first that waits for a next hop on: who has not answered until then is given up.
inline constexpr Elapsed waiting_time_max = std::chrono::seconds{1};

class WaitingRoom {
 public:
  struct Kept {
    PathSide side{};
    HopAddress hop;
    bool downlink = false;
    std::uint32_t frame_octets = 0;  ///< as it came
    packet_io::Packet packet;
  };
  WaitingRoom();

  /// A copy of `kept.packet` waits; false where there is no room for it.
  bool put(const Kept& kept, Elapsed now) noexcept;
  std::size_t size() const { return size_; }

  /// Takes out one whose next hop is known now, with its address in its frame, or was given up.
  /// What it lends is good until the next put(). Cost: a look-up for each next hop that is waited
  /// for.
  struct Left {
    Kept kept;
    bool reached = false;
  };
  std::optional<Left> take(const Neighbours& neighbours, Elapsed now) noexcept;

 private:
  struct Hop {
    PathSide side{};
    HopAddress address;
    Elapsed since{};
    std::size_t left = 0;    ///< of `kept`, those that have gone
    std::vector<Kept> kept;  ///< empty: nobody waits for it
  };
  Hop* place_of(const Kept& kept) noexcept;

  /// waiting_frame_bytes_max for each that may wait; made without being written, so that it takes
  /// no memory before somebody waits.
  std::unique_ptr<std::byte[]> frames_;
  std::array<Hop, waited_hops_max> hops_;
  std::size_t size_ = 0;
};

}  // namespace lobo::dataplane
