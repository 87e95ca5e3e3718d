#include "relay/slot.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/require.hpp"
#include "relay/measure/stream_meter.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/sequence_window.hpp"
#include "wire/sdd/types.hpp"
#include "wire/sdd/varint.hpp"

namespace lobo::relay {

void State::add(const sdd::Frame& frame) {
  std::array<std::byte, sdd::frame_head_bytes_max> start;
  ByteWriter head(start);
  sdd::write_frame_start(head, frame);
  const std::size_t from = bytes_.size();
  bytes_.resize(from + sdd::frame_bytes(frame) - head.position());
  ByteWriter rest(MutableBytes(bytes_).subspan(from));
  sdd::write_frame_rest(rest, frame);
  require(rest.ok() && count_ < sdd::fragments_max);
  firsts_[count_] = u8_at(start, 0);
  ends_[count_] = static_cast<std::uint32_t>(bytes_.size());
  ++count_;
}

std::vector<std::byte> State::payload() const {
  std::vector<std::byte> whole;
  std::array<std::byte, sdd::datagram_bytes_max> place;
  for (std::size_t i = 0; i < count_; ++i) {
    const Block part = block(i);
    ByteWriter out(place);
    out.u8(part.first);
    sdd::write_varint(out, 1);  // some flow
    out.bytes(part.rest);
    ByteReader in(out.written());
    const auto frame = sdd::read_frame(in);
    require(frame.has_value());
    whole.insert(whole.end(), frame->payload.begin(), frame->payload.end());
  }
  return whole;
}

bool Assembly::take(const sdd::Frame& fragment) {
  if (!open_ || fragment.seq != frame_.seq) {
    if (open_ && sdd::distance(fragment.seq, frame_.seq) < 0) return false;
    frame_ = fragment;
    frame_.payload = {};
    have_ = 0;
    last_.reset();
    open_ = true;
  }
  payloads_[fragment.fragment].assign(fragment.payload.begin(), fragment.payload.end());
  have_ |= 1U << fragment.fragment;
  if (!fragment.more) last_ = fragment.fragment;
  if (!last_ || have_ != (2U << *last_) - 1) return false;
  open_ = false;
  return true;
}

sdd::Frame Assembly::piece(std::size_t at) const {
  sdd::Frame frame = frame_;
  frame.fragment = static_cast<std::uint8_t>(at);
  frame.more = at < *last_;
  frame.payload = payloads_[at];
  return frame;
}

/// Whoever goes on counting where it left off keeps its numbers, and what it says again is what is
/// known; anybody else is numbered on behind what was there.
void Slot::follow(std::uint32_t from, const sdd::Frame& frame) {
  if (publisher == from) return;
  publisher = from;
  const std::int32_t ahead = seen.started() ? sdd::distance(frame.seq, seen.newest()) : 0;
  const bool goes_on = ahead > 0 && ahead <= sdd::sequence_jump_max;
  const bool again = ahead == 0 && frame.kind == sdd::FrameKind::state && !newest.empty() &&
                     newest.seq() == frame.seq &&
                     std::ranges::equal(newest.payload(), frame.payload);
  offset = !seen.started() || goes_on || again ? 0 : seen.newest() + 1 - frame.seq;
  meter.restart();
  assembly = {};
}

void Slot::fill(State& state, const sdd::Frame& frame, bool whole, Instant now) {
  state.begin(frame.seq, frame.base, came, now);
  if (whole) return state.add(frame);
  for (std::size_t i = 0; i < assembly.count(); ++i) state.add(assembly.piece(i));
}

Taken Slot::store(const sdd::Frame& frame, bool whole, Instant now) {
  if (frame.base && !newest.empty() && !newest.base() && newest.seq() == *frame.base)
    std::swap(key, newest);
  else if (frame.base && (key.empty() || key.seq() != *frame.base))
    return Taken::base_unknown;
  fill(newest, frame, whole, now);
  return Taken::stored;
}

Taken Slot::publish(std::uint32_t from, sdd::Frame frame, Window& window, Instant now) {
  follow(from, frame);
  author = from;
  frame.seq += offset;
  if (frame.base) *frame.base += offset;
  frame.dup_path = false;
  if (!frame.tx_time) frame.tx_time = node_time(now);
  const bool whole = frame.kind == sdd::FrameKind::state;
  sdd::Arrival arrival = seen.look(frame.seq);
  const bool fresh = arrival == sdd::Arrival::newest || arrival == sdd::Arrival::late;
  if (fresh && !whole && !assembly.take(frame)) return Taken::incomplete;
  arrival = seen.take(frame.seq);
  if (fresh) ++came;
  std::size_t bytes = frame.payload.size();
  if (fresh && !whole) {
    bytes = 0;
    for (std::size_t i = 0; i < assembly.count(); ++i) bytes += assembly.piece(i).payload.size();
  }
  meter.add(window, frame.seq, arrival, bytes, frame.tx_time, now);
  switch (arrival) {
    case sdd::Arrival::duplicate: return Taken::duplicate;
    case sdd::Arrival::too_old: return Taken::too_old;
    case sdd::Arrival::too_far: return Taken::too_far;
    case sdd::Arrival::late:
      if (!lossy) return Taken::late;
      break;
    case sdd::Arrival::newest: break;
  }
  if (!lossy) return store(frame, whole, now);
  fill(newest, frame, whole, now);
  return Taken::queued;
}

}  // namespace lobo::relay
