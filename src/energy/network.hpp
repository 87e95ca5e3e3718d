#pragma once
// The transport problem behind a Problem: groups that want Mbit/s, places that have them, arcs
// between the two for the paths that meet the floor. Flat arrays; the last place is "nowhere",
// which takes all that fits nowhere else, at a cost that no detour can reach.
//
//   min  sum c x + sum s (x - h)^+ + cost of the places' load
//   s.t. what leaves a group = its demand;  what enters a place <= its capacity;  x >= 0

#include <cstdint>
#include <span>
#include <vector>

#include "energy/costs.hpp"
#include "energy/problem.hpp"

namespace lobo::energy {

struct Arc {
  std::uint32_t place = 0;
  double cost = 0;         ///< c, for each Mbit/s
  double switch_cost = 0;  ///< s, for each Mbit/s above `current`
  double current = 0;      ///< h, Mbit/s there now
};

/// What load costs at a place: the first `base` Mbit/s nothing, the next `extra` each `extra_cost`.
/// Fixed servers are all base; servers yet to be counted are extra, at their share of a server.
struct Tiers {
  double base = 0;
  double extra = 0;
  double extra_cost = 0;
  bool operator==(const Tiers&) const = default;
};

struct Network {
  std::vector<double> demand;  ///< of each group, Mbit/s
  std::vector<std::uint32_t>
      first;  ///< arcs of group g: [first[g], first[g + 1]); the last: nowhere
  std::vector<Arc> arcs;
  std::uint32_t places = 0;  ///< nowhere included, as the last
  double total = 0;          ///< demand of all groups

  std::uint32_t nowhere() const { return places - 1; }
  std::uint32_t groups() const { return static_cast<std::uint32_t>(demand.size()); }
  std::span<const Arc> of(std::uint32_t group) const {
    return {arcs.data() + first[group], arcs.data() + first[group + 1]};
  }
};

/// Arcs for the paths that meet their floor and lead to a place with servers.
Network make_network(const Problem& problem, std::span<const LocationCosts> costs);

/// n servers, powered and paid for.
Tiers fixed_tiers(const LocationCosts& costs, std::uint32_t servers);

/// Between `least` (paid for) and `most` servers, fractions allowed. The site's cost is spread over
/// `most`: no plan with n <= most servers pays less, so the relaxation stays a lower bound.
Tiers relaxed_tiers(const LocationCosts& costs, std::uint32_t least, std::uint32_t most);

/// What `servers` cost at a place before any load.
double standing_cost(const LocationCosts& costs, std::uint32_t servers);

}  // namespace lobo::energy
