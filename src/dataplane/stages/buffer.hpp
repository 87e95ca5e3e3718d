#pragma once
// Downlink packets of FARs that buffer (TS 29.244 clause 5.2.3), kept as they came until the
// session's rules are others: then they pass again, as if they came now. Nothing has been done to
// them before but to find their session: options are opened, sets tracked and octets counted when
// they really pass.
//
// A session has its place in one of 32 rows of eight, by its SEID, so that who floods sleeping UEs
// costs a look at eight places a packet. Places and memory are bounded; what finds no room is
// dropped, the newest first.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/elapsed.hpp"
#include "dataplane/rules/packet_facts.hpp"
#include "dataplane/rules/rule_set.hpp"
#include "dataplane/stages/passage.hpp"
#include "wire/packet_io/batch.hpp"

namespace lobo::dataplane {

inline constexpr std::size_t buffer_rows = 32;
inline constexpr std::size_t buffer_ways = 8;
inline constexpr std::size_t buffered_sessions_max = buffer_rows * buffer_ways;
inline constexpr std::size_t buffered_packets_max = 4096;
inline constexpr std::size_t buffered_frame_bytes_max = 2048;
/// From the first packet of a session on; paging takes a few seconds at most.
inline constexpr Elapsed buffered_time_max = std::chrono::seconds{10};
inline constexpr Elapsed buffer_expiry_interval = std::chrono::milliseconds{100};

class Buffer {
 public:
  Buffer();

  /// A copy of the passage's packet; false where there is no room for it.
  bool put(const Passage& passage, const Turn& turn) noexcept;
  std::size_t size() const { return size_; }

  /// What is let go without having been taken.
  struct Dropped {
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;
  };
  /// Adds to `batch`, until it is full, packets of sessions whose rules are others than when they
  /// came; none where there are no more. Those of sessions that ended, that the control plane gave
  /// up (DROBU) or that have waited for too long are dropped. What it lends is good until the next
  /// call. Cost: a look-up for each session that has packets here, once for each RuleSet.
  Dropped take(const Turn& turn, packet_io::Batch& batch) noexcept;

 private:
  struct Kept {
    std::uint32_t slot = 0;
    std::uint32_t size = 0;
    std::chrono::nanoseconds arrived{};
  };
  /// What waits for one session.
  struct Queue {
    std::uint64_t seid = 0;
    std::uint64_t revision = 0;  ///< of the rules under which it waits
    std::uint32_t given_up = 0;  ///< SessionRules::buffers_given_up() then
    PacketFacts facts;           ///< of its first packet, by which the session is found
    Elapsed since{};
    std::size_t leaving = 0;  ///< of `kept`: the first so many go
    std::vector<Kept> kept;   ///< none: the place is free
  };
  Queue* place_of(std::uint64_t seid) noexcept;
  MutableBytes room_of(std::uint32_t slot) const noexcept;
  void look(const Turn& turn, Dropped& dropped) noexcept;
  void drop(Queue& queue, Dropped& dropped) noexcept;

  std::unique_ptr<std::byte[]> frames_;  ///< not written before it is used: it costs nothing until
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> lent_;
  std::array<Queue, buffered_sessions_max> queues_;
  std::size_t size_ = 0;
  std::uint64_t looked_ = 0;  ///< at the RuleSet of this number
  Elapsed expiry_at_{};
};

}  // namespace lobo::dataplane
