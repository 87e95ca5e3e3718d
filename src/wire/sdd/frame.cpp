#include "wire/sdd/frame.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <tl/expected.hpp>

#include "base/bytes.hpp"
#include "wire/sdd/types.hpp"
#include "wire/sdd/varint.hpp"

namespace lobo::sdd {
namespace {

// The first octet: three bits of kind, five of flags.
constexpr unsigned kind_shift = 5;
constexpr unsigned flag_delta = 0x10;
constexpr unsigned flag_key = 0x08;
constexpr unsigned flag_dup_path = frame_dup_path_flag;
constexpr unsigned flag_time = frame_time_flag;
constexpr unsigned flag_more = 0x01;

unsigned first_octet(const Frame& frame) {
  return static_cast<unsigned>(frame.kind) << kind_shift | (frame.base ? flag_delta : 0) |
         (frame.key ? flag_key : 0) | (frame.dup_path ? flag_dup_path : 0) |
         (frame.tx_time ? flag_time : 0) | (frame.more ? flag_more : 0);
}

}  // namespace

std::size_t frame_bytes(const Frame& frame) {
  return 1 + varint_bytes(frame.flow) + sizeof(Alias) + sizeof(Component) + sizeof(Sequence) +
         (frame.tx_time ? sizeof(NodeTime) : 0) + (frame.base ? sizeof(Sequence) : 0) +
         (frame.kind == FrameKind::fragment ? 1 : 0) + varint_bytes(frame.payload.size()) +
         frame.payload.size();
}

void write_frame_start(ByteWriter& out, const Frame& frame) {
  out.u8(static_cast<std::uint8_t>(first_octet(frame)));
  write_varint(out, frame.flow);
}

void write_frame_rest(ByteWriter& out, const Frame& frame) {
  out.be16(frame.alias);
  out.u8(frame.component);
  out.be32(frame.seq);
  if (frame.tx_time) out.be32(*frame.tx_time);
  if (frame.base) out.be32(*frame.base);
  if (frame.kind == FrameKind::fragment) out.u8(frame.fragment);
  write_varint(out, frame.payload.size());
  out.bytes(frame.payload);
}

tl::expected<Frame, FrameFault> read_frame(ByteReader& in) {
  using Fault = tl::unexpected<FrameFault>;
  const unsigned first = in.u8();
  if (!in.ok()) return Fault(FrameFault::cut);
  if (first >> kind_shift > static_cast<unsigned>(FrameKind::fragment))
    return Fault(FrameFault::kind_unknown);
  Frame frame;
  frame.kind = static_cast<FrameKind>(first >> kind_shift);
  frame.key = (first & flag_key) != 0;
  frame.dup_path = (first & flag_dup_path) != 0;
  frame.more = (first & flag_more) != 0;
  const bool delta = (first & flag_delta) != 0;
  const std::uint64_t flow = read_varint(in);
  frame.alias = in.be16();
  frame.component = in.u8();
  frame.seq = in.be32();
  if ((first & flag_time) != 0) frame.tx_time = in.be32();
  if (delta) frame.base = in.be32();
  if (frame.kind == FrameKind::fragment) frame.fragment = in.u8();
  const std::uint64_t size = read_varint(in);
  if (!in.ok() || size > in.left()) return Fault(FrameFault::cut);
  frame.payload = in.bytes(static_cast<std::size_t>(size));
  if (flow == 0 || flow > std::numeric_limits<FlowId>::max()) return Fault(FrameFault::flow_zero);
  frame.flow = static_cast<FlowId>(flow);
  if (size == 0) return Fault(FrameFault::payload_empty);
  const bool whole = frame.kind == FrameKind::state;
  if ((delta && frame.key) || (whole && frame.more)) return Fault(FrameFault::flags);
  // The last that may come is no longer followed.
  const std::size_t last = fragments_max - 1;
  if (!whole && (frame.fragment > last || (frame.fragment == last && frame.more)))
    return Fault(FrameFault::fragment_number);
  return frame;
}

}  // namespace lobo::sdd
