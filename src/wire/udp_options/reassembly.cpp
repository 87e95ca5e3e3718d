#include "wire/udp_options/reassembly.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/require.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"
#include "wire/udp_options/kinds.hpp"
#include "wire/udp_options/surplus.hpp"

namespace lobo::udp_options {

Reassembler::Reassembler(const Limits& limits)
    : slots_(limits.datagrams), keep_for_(limits.keep_for) {
  require(limits.datagrams > 0);
  for (Slot& slot : slots_) slot.data.resize(reassembled_bytes_max);
}

std::size_t Reassembler::in_work() const {
  return static_cast<std::size_t>(std::ranges::count(slots_, true, &Slot::used));
}

Reassembler::Slot& Reassembler::slot_for(const packet::FlowKey& flow, std::uint32_t identification,
                                         Instant now) {
  Slot* chosen = &slots_.front();
  for (Slot& slot : slots_) {
    if (slot.used && now - slot.since >= keep_for_) slot.used = false;
    if (slot.used && slot.identification == identification && slot.flow == flow) return slot;
    const bool better = chosen->used && (!slot.used || slot.since < chosen->since);
    if (better) chosen = &slot;
  }
  chosen->used = true;
  chosen->flow = flow;
  chosen->identification = identification;
  chosen->since = now;
  chosen->end = 0;
  chosen->bytes = 0;
  chosen->pieces = 0;
  return *chosen;
}

Taken Reassembler::put(Slot& slot, const Frag& frag, Bytes data) {
  const std::uint32_t from = frag.offset;
  const auto to = static_cast<std::uint32_t>(from + data.size());
  if (from < packet::udp_header_bytes || to > reassembled_bytes_max) return Taken::bounds;
  if (frag.rdos && (*frag.rdos < packet::udp_header_bytes || *frag.rdos > to)) return Taken::bounds;
  const auto stored = slot.data.begin() + static_cast<std::ptrdiff_t>(from);
  for (std::size_t i = 0; i < slot.pieces; ++i) {
    const Piece& piece = slot.piece[i];
    if (piece.from == from && piece.to == to &&
        std::ranges::equal(data, Bytes(stored, data.size())))
      return !frag.rdos || slot.end == to ? Taken::repeated : Taken::conflict;
    if (from < piece.to && piece.from < to) return Taken::conflict;
    if (frag.rdos && piece.to > to) return Taken::conflict;
  }
  if (slot.end != 0 && (frag.rdos || to > slot.end)) return Taken::conflict;
  if (slot.pieces == fragments_per_datagram_max) return Taken::too_many_fragments;
  slot.piece[slot.pieces++] = {from, to};
  std::ranges::copy(data, stored);
  slot.bytes += to - from;
  if (frag.rdos) {
    slot.end = to;
    slot.rdos = *frag.rdos;
  }
  // No piece overlaps another, so their sum says whether all is there.
  const bool all = slot.end != 0 && slot.bytes == slot.end - packet::udp_header_bytes;
  return all ? Taken::complete : Taken::kept;
}

Taken Reassembler::add(const packet::PacketView& view, const Surplus& surplus, Instant now) {
  const std::optional<Frag> frag = surplus.frag();
  const Bytes data = surplus.fragment_data();
  if (!frag || data.empty()) return Taken::not_a_fragment;
  Slot& slot = slot_for(view.flow, frag->identification, now);
  const Taken taken = put(slot, *frag, data);
  if (taken == Taken::kept || taken == Taken::repeated) return taken;
  slot.used = false;
  if (taken != Taken::complete) return taken;
  const Bytes whole(slot.data);
  datagram_ = {
      .flow = slot.flow,
      .user_data = whole.subspan(packet::udp_header_bytes, slot.rdos - packet::udp_header_bytes),
      .surplus = whole.subspan(slot.rdos, slot.end - slot.rdos),
      .odd = slot.rdos % 2 != 0};
  return taken;
}

}  // namespace lobo::udp_options
