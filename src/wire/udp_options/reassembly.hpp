#pragma once
// Puts datagrams together that were split by the FRAG option (RFC 9868 clause 11.4), to look into
// them; nothing is forwarded from here. All memory is taken at construction.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"
#include "wire/udp_options/surplus.hpp"

namespace lobo::udp_options {

inline constexpr std::size_t fragments_per_datagram_max = 64;
/// An IP packet's length field cannot tell more, and offsets have 16 bits.
inline constexpr std::size_t reassembled_bytes_max = 0xFFFF;

/// What became of a fragment.
enum class Taken : std::uint8_t {
  complete,            ///< the datagram is whole: see Reassembler::datagram()
  kept,                ///< more are needed
  repeated,            ///< the same fragment again: nothing changed
  not_a_fragment,      ///< no accepted FRAG option, or no data with it
  bounds,              ///< offset, length or RDOS that cannot be: the datagram is given up
  conflict,            ///< overlaps another one, or a second end: the datagram is given up
  too_many_fragments,  ///< more than fragments_per_datagram_max: the datagram is given up
};
constexpr std::string_view to_string(Taken taken) {
  switch (taken) {
    case Taken::complete: return "complete";
    case Taken::kept: return "kept";
    case Taken::repeated: return "repeated";
    case Taken::not_a_fragment: return "not_a_fragment";
    case Taken::bounds: return "bounds";
    case Taken::conflict: return "conflict";
    case Taken::too_many_fragments: return "too_many_fragments";
  }
  std::abort();
}

struct Datagram {
  packet::FlowKey flow;
  Bytes user_data;
  Bytes surplus;  ///< read with read_surplus(surplus, {.odd = odd}): its own OCS may be unused
  bool odd = false;
};

class Reassembler {
 public:
  struct Limits {
    std::size_t datagrams = 8;  ///< in work at the same time; the oldest makes room
    std::chrono::seconds keep_for{120};
  };
  explicit Reassembler(const Limits& limits);

  /// `surplus` is read_surplus(view).
  Taken add(const packet::PacketView& view, const Surplus& surplus, Instant now);
  /// After Taken::complete, until the next add().
  const Datagram& datagram() const { return datagram_; }
  std::size_t in_work() const;

 private:
  struct Piece {
    std::uint32_t from = 0;
    std::uint32_t to = 0;
  };
  struct Slot {
    bool used = false;
    std::uint32_t identification = 0;
    std::uint32_t end = 0;   ///< of the original datagram; 0 until its last fragment came
    std::uint32_t rdos = 0;  ///< valid with `end`
    std::uint32_t bytes = 0;
    std::size_t pieces = 0;
    packet::FlowKey flow;
    Instant since;
    std::array<Piece, fragments_per_datagram_max> piece;
    std::vector<std::byte> data;
  };
  Slot& slot_for(const packet::FlowKey& flow, std::uint32_t identification, Instant now);
  static Taken put(Slot& slot, const Frag& frag, Bytes data);

  std::vector<Slot> slots_;
  std::chrono::seconds keep_for_;
  Datagram datagram_;
};

}  // namespace lobo::udp_options
