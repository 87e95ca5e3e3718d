#pragma once
// Whom the worker can reach on N3 and N6: it tells which next hops it wants, the kernel is asked
// for them, and what is known goes to the worker as a whole, as often as it changes. Packets for a
// next hop that is not known yet are dropped and counted; who sends them is expected to send more.
//
// The kernel decides how long a neighbour is known: what it cannot reach leaves the worker's
// snapshot too, and is wanted anew by the next packet. What it has forgotten stays while it is
// asked anew.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "adapters/packet_io/neighbours.hpp"
#include "base/result.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/wanted_addresses.hpp"
#include "model/address.hpp"
#include "upf/handover.hpp"
#include "upf/ports.hpp"

namespace lobo::app {

/// A next hop that nobody wants any more, or that does not answer, is forgotten after this.
inline constexpr std::chrono::seconds neighbour_patience{3};

class NeighbourKeeper {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Takers = std::vector<Handover<dataplane::Neighbours>*>;  ///< one for each worker

  /// Hands over a first snapshot, in which nobody is known; gateways are wanted at once.
  static Result<NeighbourKeeper> open(const UpfSide& n3, const UpfSide& n6, Takers to, Time now);

  void want(const dataplane::WantedAddress& wanted, Time now);
  /// Asks the kernel, and hands over what changed.
  void look(Time now);
  /// When to call look() again; nothing while nobody is wanted.
  std::optional<std::chrono::milliseconds> next_look() const;

  std::size_t known(dataplane::PathSide side) const { return of(side).addresses.known.size(); }
  /// Beyond neighbours_max.
  std::uint64_t not_kept() const { return not_kept_; }

 private:
  struct Entry {
    std::optional<model::MacAddress> mac;
    Time wanted_at;
    bool forever = false;  ///< a gateway
  };
  struct Side {
    dataplane::SideNeighbours addresses;
    adapters::packet_io::Neighbours kernel;
    std::map<model::IpAddress, Entry> entries;
  };

  NeighbourKeeper(Side n3, Side n6, Takers to);
  Side& of(dataplane::PathSide side) { return sides_[static_cast<std::size_t>(side)]; }
  const Side& of(dataplane::PathSide side) const { return sides_[static_cast<std::size_t>(side)]; }
  /// Whether something changed.
  static bool look_at(Side& side, Time now);
  void hand_over();

  std::array<Side, 2> sides_;  ///< by PathSide
  Takers to_;
  std::uint64_t not_kept_ = 0;
};

}  // namespace lobo::app
