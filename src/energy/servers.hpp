#pragma once
// Whole servers. The transport plan says how much load a place should get; a server is powered or
// not. Rounded up, then improved by local search over the number of servers, each step with the
// exact cheapest flows for it:
//   one less;  one less here and one more there;  two less and one more;  one less and two more;
//   where sites can be turned off: a whole site less.
// The dual prices say what a step can gain at most (the cost of transport is convex in capacity),
// so most steps are never tried. Work is counted in steps over edges, not in time: same input, same
// plan.

#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.hpp"
#include "energy/costs.hpp"
#include "energy/transport.hpp"

namespace lobo::energy {

using Servers = std::vector<std::uint32_t>;

/// Enough servers at each place for its load.
Servers servers_for_load(const Transport& transport, std::span<const LocationCosts> costs);

double standing_cost(std::span<const LocationCosts> costs, const Servers& servers);

/// Relaxed tiers for all places; with `noise`, each server's cost is off by up to so large a share.
void open_relaxed(Transport& transport, std::span<const LocationCosts> costs);
void open_perturbed(Transport& transport, std::span<const LocationCosts> costs, double noise,
                    Rng& rng);

class ServerSearch {
 public:
  /// `unplaced_max`: demand that may stay unserved, because no plan can serve it. A plan that
  /// serves less is never taken, however cheap.
  ServerSearch(Transport& transport, std::span<const LocationCosts> costs, double unplaced_max);

  /// Fixes the servers and finds the cheapest flows for them.
  void fix(const Servers& servers);

  /// Improves until no neighbour is cheaper, or the transport has made `steps_end` steps.
  void improve(std::uint64_t steps_end);

  const Servers& servers() const { return servers_; }
  /// Transport and servers together; what is unplaced counts at its high cost.
  double value() const { return transport_.cost() + standing_cost(costs_, servers_); }

 private:
  struct Step {
    std::uint32_t place = 0;
    std::int32_t servers = 0;
  };
  struct Neighbour {
    double gain_max = 0;
    Step steps[3];
    std::uint32_t count = 0;
  };

  static bool more_promising(const Neighbour& a, const Neighbour& b);
  void list_neighbours(std::vector<Neighbour>& out);
  void list_wide(const std::vector<Neighbour>& less, const std::vector<Neighbour>& more,
                 double worth, std::vector<Neighbour>& out);
  bool take_if_better(const Neighbour& neighbour);
  bool set(std::uint32_t place, std::uint32_t servers, double rise_max);

  Transport& transport_;
  std::span<const LocationCosts> costs_;
  double unplaced_max_;
  Servers servers_;
};

}  // namespace lobo::energy
