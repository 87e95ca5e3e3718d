#pragma once
// The exact transport plan, by successive shortest paths on a graph of the places alone.
//
// The step from place j to place k costs what it costs to move one Mbit/s of the group for which
// that is cheapest, among those served from j that may be served from k. To place demand is to
// follow the shortest path to a place with room; the groups themselves are never nodes, so that a
// path is found in some places squared steps, whatever the number of sessions.
//
// Invariant: no cycle of the residual graph has a negative cost, so what is placed is placed as
// cheaply as possible. place_all() keeps it because it follows shortest paths; settle() restores it
// after the tiers of one place have changed, because then each negative cycle leads through that
// place.
//
// Everything can be undone: mark(), then rollback() to it.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "energy/network.hpp"

namespace lobo::energy {

class Transport {
 public:
  struct Mark {
    std::size_t log = 0;
    double cost = 0;
  };

  /// Empty, all places closed. `network` must outlive it.
  explicit Transport(const Network& network);

  /// Before place_all(); afterwards change_tiers().
  void open(std::uint32_t place, Tiers tiers) { tiers_[place] = tiers; }

  /// Places each group's demand, once.
  void place_all();

  /// New tiers, and the cheapest plan under them. False as soon as it has become dearer by more
  /// than `rise_max`: then the plan is unfinished and has to be rolled back.
  bool change_tiers(std::uint32_t place, Tiers tiers,
                    double rise_max = std::numeric_limits<double>::infinity());

  Mark mark() const { return {log_.size(), cost_}; }
  void rollback(Mark to);
  void forget_log() { log_.clear(); }

  double cost() const { return cost_; }
  double load(std::uint32_t place) const { return load_[place]; }
  double flow(std::uint32_t arc) const { return flow_[arc]; }
  double unplaced() const { return load_[network_.nowhere()]; }
  const Tiers& tiers(std::uint32_t place) const { return tiers_[place]; }
  const Network& network() const { return network_; }

  /// Below this many Mbit/s is nothing: 1e-11 of the demand, so that sums of doubles stay exact
  /// enough.
  double tiny() const { return tiny_; }

  /// What one more Mbit/s costs at each place: optimal dual values. A place that is closed gets the
  /// least price at which nobody would go there.
  std::vector<double> prices();

  /// Edges of the residual graph looked at so far. Deterministic, unlike time.
  std::uint64_t steps() const { return steps_; }

 private:
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
  static constexpr double infinite = std::numeric_limits<double>::infinity();

  /// Places that a look at the steps into one place compares at once: two or four fit a register.
  static constexpr std::size_t lanes = 8;

  struct Change {
    std::uint32_t index = 0;  ///< arc, or place if `tiers` is meant
    bool is_tiers = false;
    double flow = 0;
    Tiers tiers;
  };

  struct Move {  ///< of one group, from one place to another
    std::uint32_t out = 0;
    std::uint32_t in = 0;
  };

  std::size_t cell(std::uint32_t from, std::uint32_t to) const {
    return static_cast<std::size_t>(to) * stride_ + from;
  }
  std::uint32_t arc_of(std::uint32_t group, std::uint32_t place) const {
    return arc_at_[static_cast<std::size_t>(group) * network_.places + place];
  }

  double up_cost(std::uint32_t arc) const;
  double down_cost(std::uint32_t arc) const;
  double up_room(std::uint32_t arc) const;
  double down_room(std::uint32_t arc) const;
  double add_cost(std::uint32_t place) const;
  double add_room(std::uint32_t place) const;
  double refund(std::uint32_t place) const;
  double refund_room(std::uint32_t place) const;
  double tier_cost(std::uint32_t place, double load) const;
  double arc_cost(std::uint32_t arc, double flow) const;

  void set_flow(std::uint32_t arc, double flow);
  void set_tiers(std::uint32_t place, Tiers tiers);
  void hold(std::uint32_t arc);
  void release(std::uint32_t arc);
  void offer_step(std::uint32_t from_arc, std::uint32_t to_arc);
  void find_step(std::uint32_t from, std::uint32_t to);

  void search_from_roots();
  void distances_to_room(std::uint32_t except);
  void distances_to(std::uint32_t place);
  bool distances_hold();
  double room_on_path(std::uint32_t from, double limit);
  void shift_along_path(double amount);

  void place(std::uint32_t group);
  bool push_out(std::uint32_t place, double rise_limit);
  void drop(std::uint32_t place);
  void pull_in(std::uint32_t place);

  const Network& network_;
  std::size_t stride_;  ///< places, up to a multiple of `lanes`: what is beyond is infinitely far
  double tiny_;
  double indifferent_;  ///< costs that differ by less are the same
  std::size_t shifts_max_;
  std::vector<std::uint32_t> arc_at_;  ///< group x place -> arc, or none
  std::vector<std::uint32_t> group_;   ///< of each arc
  std::vector<double> flow_, up_, down_;
  std::vector<double> load_;
  std::vector<Tiers> tiers_;
  std::vector<std::vector<std::uint32_t>> holders_;  ///< arcs with flow into each place
  std::vector<std::uint32_t> holder_at_;             ///< where an arc stands there, or none
  std::vector<double> step_cost_;        ///< by cell(): cheapest step; -infinite: to be found again
  std::vector<std::uint32_t> step_arc_;  ///< by cell(): the arc into `from` that it takes from
  std::vector<double> distance_;         ///< from each place to the roots of the last search
  std::vector<std::uint32_t> next_;      ///< towards the root; a root's is itself
  std::vector<double> next_cost_;        ///< what that step cost, or the root's own cost
  std::vector<Move> path_;
  std::vector<std::uint32_t> queue_;
  std::vector<bool> queued_;
  std::vector<Change> log_;
  double cost_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace lobo::energy
