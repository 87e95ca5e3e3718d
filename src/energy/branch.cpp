#include "energy/branch.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "energy/costs.hpp"
#include "energy/network.hpp"
#include "energy/servers.hpp"
#include "energy/transport.hpp"

namespace lobo::energy {
namespace {

struct Range {
  std::uint32_t least = 0;
  std::uint32_t most = 0;
};

class Tree {
 public:
  Tree(Transport& transport, std::span<const LocationCosts> costs, double value,
       double unplaced_max, double gap, std::uint64_t steps_end)
      : transport_(transport),
        costs_(costs),
        best_{{}, value, 0},
        unplaced_max_(unplaced_max),
        gap_(gap),
        steps_end_(steps_end) {
    for (const LocationCosts& c : costs) ranges_.push_back({0, c.servers});
  }

  BranchResult run() {
    best_.bound = std::min(explore(0), best_.value);
    return best_;
  }

 private:
  static constexpr std::uint32_t whole = ~0U;

  /// What the servers that must run cost before any load.
  double paid() const {
    double sum = 0;
    for (std::size_t p = 0; p < costs_.size(); ++p)
      sum += standing_cost(costs_[p], ranges_[p].least);
    return sum;
  }

  double enough() const { return best_.value - gap_ * std::abs(best_.value); }

  /// The plan of this node with its servers rounded up is a plan for whole servers.
  void round_up() {
    const Servers servers = servers_for_load(transport_, costs_);
    double value = transport_.cost() + standing_cost(costs_, servers);
    for (std::uint32_t p = 0; p < costs_.size(); ++p) {
      const Tiers& tiers = transport_.tiers(p);
      value -= tiers.extra_cost * std::max(0.0, transport_.load(p) - tiers.base);
    }
    if (value >= best_.value) return;
    best_.value = value;
    best_.servers = servers;
  }

  /// The place whose relaxed cost is furthest below that of its servers rounded up.
  std::uint32_t most_undecided() const {
    std::uint32_t best = whole;
    double best_missing = 1e-9 * std::abs(best_.value);
    const Servers servers = servers_for_load(transport_, costs_);
    for (std::uint32_t p = 0; p < costs_.size(); ++p) {
      if (ranges_[p].least >= ranges_[p].most) continue;
      const Tiers& tiers = transport_.tiers(p);
      const double relaxed = standing_cost(costs_[p], ranges_[p].least) +
                             tiers.extra_cost * std::max(0.0, transport_.load(p) - tiers.base);
      const double missing = standing_cost(costs_[p], servers[p]) - relaxed;
      if (missing <= best_missing) continue;
      best_missing = missing;
      best = p;
    }
    return best;
  }

  double child(std::uint32_t place, Range range, std::size_t depth) {
    const Range before = ranges_[place];
    const Transport::Mark mark = transport_.mark();
    ranges_[place] = range;
    transport_.change_tiers(place, relaxed_tiers(costs_[place], range.least, range.most));
    const double bound = explore(depth + 1);
    transport_.rollback(mark);
    ranges_[place] = before;
    return bound;
  }

  /// A bound of all that lies below this node.
  double explore(std::size_t depth) {
    // Flows leave as little as possible unserved, so below this node more would be left.
    if (transport_.unplaced() > unplaced_max_ + 16 * transport_.tiny())
      return std::numeric_limits<double>::infinity();
    const double bound = transport_.cost() + paid();
    if (bound >= enough()) return bound;
    round_up();
    if (bound >= enough() || depth >= branch_depth_max || transport_.steps() >= steps_end_)
      return bound;
    const std::uint32_t place = most_undecided();
    if (place == whole) return bound;
    const Range range = ranges_[place];
    const double wanted = transport_.load(place) / costs_[place].server_mbps;
    const auto below =
        std::clamp(static_cast<std::uint32_t>(wanted + 1e-9), range.least, range.most - 1);
    const Range less{range.least, below};
    const Range more{below + 1, range.most};
    const bool less_first = wanted - below < 0.5;
    const double first = child(place, less_first ? less : more, depth);
    const double second = child(place, less_first ? more : less, depth);
    return std::max(bound, std::min(first, second));
  }

  Transport& transport_;
  std::span<const LocationCosts> costs_;
  BranchResult best_;
  double unplaced_max_;
  double gap_;
  std::uint64_t steps_end_;
  std::vector<Range> ranges_;
};

}  // namespace

BranchResult branch_and_bound(Transport& transport, std::span<const LocationCosts> costs,
                              double value, double unplaced_max, double gap,
                              std::uint64_t steps_end) {
  return Tree(transport, costs, value, unplaced_max, gap, steps_end).run();
}

}  // namespace lobo::energy
