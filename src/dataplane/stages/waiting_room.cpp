#include "dataplane/stages/waiting_room.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>

#include "base/bytes.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/outer_headers.hpp"
#include "dataplane/stages/wanted_addresses.hpp"
#include "wire/packet_io/batch.hpp"

namespace lobo::dataplane {

WaitingRoom::WaitingRoom()
    : frames_(std::make_unique_for_overwrite<std::byte[]>(waited_hops_max * waiting_per_hop_max *
                                                          waiting_frame_bytes_max)) {
  for (Hop& hop : hops_) hop.kept.reserve(waiting_per_hop_max);
}

/// The one of its next hop, else a free one, else null.
WaitingRoom::Hop* WaitingRoom::place_of(const Kept& kept) noexcept {
  Hop* place = nullptr;
  for (Hop& hop : hops_) {
    if (hop.kept.empty())
      place = &hop;
    else if (hop.side == kept.side && hop.address == kept.hop)
      return &hop;
  }
  return place;
}

bool WaitingRoom::put(const Kept& kept, Elapsed now) noexcept {
  const std::size_t size = kept.packet.size();
  Hop* const hop = place_of(kept);
  if (hop == nullptr || hop->kept.size() == waiting_per_hop_max || size > waiting_frame_bytes_max)
    return false;
  if (hop->kept.empty()) {
    hop->side = kept.side;
    hop->address = kept.hop;
    hop->since = now;
  }
  const auto slot =
      static_cast<std::size_t>(hop - hops_.data()) * waiting_per_hop_max + hop->kept.size();
  const MutableBytes frame(frames_.get() + slot * waiting_frame_bytes_max, waiting_frame_bytes_max);
  std::ranges::copy(kept.packet.bytes(), frame.begin());
  hop->kept.push_back(kept);
  hop->kept.back().packet = {frame, 0, size, kept.packet.arrived};
  ++size_;
  return true;
}

std::optional<WaitingRoom::Left> WaitingRoom::take(const Neighbours& neighbours,
                                                   Elapsed now) noexcept {
  for (Hop& hop : hops_) {
    if (hop.kept.empty()) continue;
    const Side& side = hop.side == PathSide::n3 ? neighbours.n3 : neighbours.n6;
    const auto mac = side.hop_to(hop.address).mac;
    if (!mac && now - hop.since < waiting_time_max) continue;
    Left left{.kept = hop.kept[hop.left], .reached = mac.has_value()};
    if (mac) address_link(left.kept.packet.bytes(), *mac);
    if (++hop.left == hop.kept.size()) {
      hop.kept.clear();
      hop.left = 0;
    }
    --size_;
    return left;
  }
  return std::nullopt;
}

}  // namespace lobo::dataplane
