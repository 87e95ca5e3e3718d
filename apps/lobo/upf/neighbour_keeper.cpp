#include "upf/neighbour_keeper.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "adapters/packet_io/neighbours.hpp"
#include "base/result.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/wanted_addresses.hpp"
#include "upf/handover.hpp"
#include "upf/ports.hpp"

namespace lobo::app {

namespace io = adapters::packet_io;
using dataplane::PathSide;

NeighbourKeeper::NeighbourKeeper(Side n3, Side n6, Takers to)
    : sides_{std::move(n3), std::move(n6)}, to_(std::move(to)) {
  static_assert(static_cast<std::size_t>(PathSide::n3) == 0 &&
                static_cast<std::size_t>(PathSide::n6) == 1);
}

Result<NeighbourKeeper> NeighbourKeeper::open(const UpfSide& n3, const UpfSide& n6, Takers to,
                                              Time now) {
  auto on_n3 = io::Neighbours::open(n3.link);
  if (!on_n3) return fail(std::move(on_n3.error()));
  auto on_n6 = io::Neighbours::open(n6.link);
  if (!on_n6) return fail(std::move(on_n6.error()));
  NeighbourKeeper keeper({n3.addresses, std::move(*on_n3), {}},
                         {n6.addresses, std::move(*on_n6), {}}, std::move(to));
  for (Side& side : keeper.sides_) {
    if (side.addresses.gateway_v4)
      side.entries[*side.addresses.gateway_v4] = {std::nullopt, now, true};
    if (side.addresses.gateway_v6)
      side.entries[*side.addresses.gateway_v6] = {std::nullopt, now, true};
    look_at(side, now);
  }
  keeper.hand_over();
  return keeper;
}

void NeighbourKeeper::want(const dataplane::WantedAddress& wanted, Time now) {
  Side& side = of(wanted.side);
  const auto found = side.entries.find(wanted.address);
  if (found != side.entries.end()) {
    found->second.wanted_at = now;
    return;
  }
  if (side.entries.size() >= dataplane::neighbours_max) {
    ++not_kept_;
    return;
  }
  side.entries.emplace(wanted.address, Entry{.mac = std::nullopt, .wanted_at = now});
}

bool NeighbourKeeper::look_at(Side& side, Time now) {
  bool changed = false;
  for (auto entry = side.entries.begin(); entry != side.entries.end();) {
    auto& [address, is] = *entry;
    const auto mac = side.kernel.resolve(address, now);
    changed = changed || mac != is.mac;
    is.mac = mac;
    const bool forgotten = !mac && !is.forever && now - is.wanted_at > neighbour_patience;
    entry = forgotten ? side.entries.erase(entry) : std::next(entry);
  }
  if (!changed) return false;
  side.addresses.known.clear();
  for (const auto& [address, is] : side.entries)
    if (is.mac) side.addresses.known.push_back({address, *is.mac});
  return true;
}

void NeighbourKeeper::look(Time now) {
  bool changed = false;
  for (Side& side : sides_) changed = look_at(side, now) || changed;
  if (changed)
    hand_over();
  else
    for (Handover<dataplane::Neighbours>* const one : to_) one->collect();
}

void NeighbourKeeper::hand_over() {
  for (Handover<dataplane::Neighbours>* const one : to_)
    one->give(std::make_unique<dataplane::Neighbours>(of(PathSide::n3).addresses,
                                                      of(PathSide::n6).addresses));
}

/// What is not known yet is looked at often; kernel.resolve() itself sees to it that nobody is
/// asked more often than he should.
std::optional<std::chrono::milliseconds> NeighbourKeeper::next_look() const {
  bool any = false;
  for (const Side& side : sides_) {
    any = any || !side.entries.empty();
    for (const auto& [address, is] : side.entries)
      if (!is.mac && !is.forever) return io::neighbour_wait_interval;
  }
  if (!any) return std::nullopt;
  return io::neighbour_look_interval;
}

}  // namespace lobo::app
