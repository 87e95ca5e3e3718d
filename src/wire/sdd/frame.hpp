#pragma once
// Frames of a datagram: each carries one state of one component of an asset, or a fragment of one
// that no datagram holds. Several stand in a datagram, one behind the other (docs/sdd.md). Nothing
// is allocated; payloads are borrowed.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <tl/expected.hpp>

#include "base/bytes.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::sdd {

/// What browsers take (1,211 bytes and less), with room for what a transport puts in front.
inline constexpr std::size_t datagram_bytes_max = 1150;
inline constexpr std::size_t fragments_max = 4;
inline constexpr std::size_t state_bytes_max = 4096;
/// Of a head: octet, flow, alias, component, sequence, time, base, fragment, length.
inline constexpr std::size_t frame_head_bytes_max = 1 + 8 + 2 + 1 + 4 + 4 + 4 + 1 + 2;
inline constexpr std::size_t fragment_payload_max = datagram_bytes_max - frame_head_bytes_max;
static_assert(fragments_max * fragment_payload_max >= state_bytes_max);

// For who leaves the time out of a frame that was written with it: its flag in the first octet, its
// place in what write_frame_rest() wrote.
inline constexpr unsigned frame_time_flag = 0x02;
inline constexpr unsigned frame_dup_path_flag = 0x04;
inline constexpr std::size_t frame_time_at = sizeof(Alias) + sizeof(Component) + sizeof(Sequence);

enum class FrameKind : std::uint8_t { state = 0, fragment = 1 };

struct Frame {
  FrameKind kind = FrameKind::state;
  bool key = false;       ///< stands alone; else it counts on `base`, or is opaque
  bool dup_path = false;  ///< the copy that went the second way
  bool more = false;      ///< fragments alone: another one follows
  FlowId flow = 0;
  Alias alias = 0;
  Component component = 0;
  Sequence seq = 0;
  std::optional<NodeTime> tx_time;  ///< when it was sent first
  std::optional<Sequence> base;     ///< a delta: the key frame that it changes
  std::uint8_t fragment = 0;        ///< which one, from 0
  Bytes payload;
};

enum class FrameFault : std::uint8_t {
  cut,            ///< ends before its head or its payload does
  kind_unknown,   ///< nobody knows how long it is
  flow_zero,      ///< or one beyond 32 bits
  payload_empty,  ///< nothing is told
  fragment_number,
  flags,  ///< that contradict each other or the kind
};

constexpr std::string_view to_string(FrameFault fault) {
  switch (fault) {
    case FrameFault::cut: return "cut";
    case FrameFault::kind_unknown: return "kind_unknown";
    case FrameFault::flow_zero: return "flow_zero";
    case FrameFault::payload_empty: return "payload_empty";
    case FrameFault::fragment_number: return "fragment_number";
    case FrameFault::flags: return "flags";
  }
  std::abort();
}

/// How many octets write_frame() takes.
std::size_t frame_bytes(const Frame& frame);
/// The part before the component's state alone: what differs from one receiver to the next.
void write_frame_start(ByteWriter& out, const Frame& frame);
/// The rest, which is the same for all who get this state.
void write_frame_rest(ByteWriter& out, const Frame& frame);
inline void write_frame(ByteWriter& out, const Frame& frame) {
  write_frame_start(out, frame);
  write_frame_rest(out, frame);
}

/// The first frame of what `in` has left. After a fault the rest of the datagram says nothing.
tl::expected<Frame, FrameFault> read_frame(ByteReader& in);

}  // namespace lobo::sdd
