#include "energy/planner.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "energy/branch.hpp"
#include "energy/certificate.hpp"
#include "energy/costs.hpp"
#include "energy/figures.hpp"
#include "energy/network.hpp"
#include "energy/plan.hpp"
#include "energy/problem.hpp"
#include "energy/servers.hpp"
#include "energy/transport.hpp"

namespace lobo::energy {
namespace {

/// By how much a perturbed start misjudges a server's cost.
constexpr double start_noise = 0.5;

/// One way through the stages, for one share of spare servers.
class Search {
 public:
  Search(const Problem& problem, const Effort& effort, double spare_share, const Servers* before)
      : problem_(problem),
        effort_(effort),
        before_(before),
        costs_(location_costs(problem, spare_share)),
        network_(make_network(problem, costs_)) {}

  void run() {
    relax();
    if (problem_.idle_control == IdleControl::none) {
      for (const LocationCosts& c : costs_) servers_.push_back(c.servers);
      return;
    }
    const bool small = costs_.size() <= branch_places_max;
    search_from(std::move(best_), first_servers(),
                small ? effort_.steps_max / 4 : effort_.steps_max);
    if (small) look_further();
    // Capacity that no flow uses in the end is not powered.
    const Servers needed = servers_for_load(*best_, costs_);
    for (std::size_t p = 0; p < servers_.size(); ++p)
      servers_[p] = std::min(servers_[p], needed[p]);
  }

  /// What could be served, but not by these locations.
  bool is_short_of_capacity() const {
    double without_path = 0;
    for (std::uint32_t g = 0; g < network_.groups(); ++g)
      if (network_.of(g).size() == 1) without_path += network_.demand[g];
    return best_->unplaced() > without_path + shortage_min();
  }

  Plan plan() const {
    Plan plan;
    plan.servers = servers_;
    plan.flows.resize(network_.groups());
    double cost = standing_cost(costs_, servers_);
    double unplaced = 0;
    for (std::uint32_t g = 0; g < network_.groups(); ++g) cost += read_group(g, plan, unplaced);
    Certificate& certificate = plan.certificate;
    certificate.cost = cost;
    // Both count what is unplaced at the same high cost; without it a gap says more.
    const double nowhere = network_.arcs.empty() ? 0 : network_.arcs.back().cost;
    certificate.bound_by_prices = bound_by_prices_ - nowhere * unplaced;
    certificate.bound = std::max(certificate.bound_by_prices, bound_ - nowhere * unplaced);
    certificate.gap = cost > 0 ? std::max(0.0, (cost - certificate.bound) / cost) : 0;
    certificate.prices.assign(prices_.begin(), prices_.end() - 1);
    plan.figures = figures_of(problem_, plan.flows, plan.servers);
    plan.steps = steps_ + best_->steps();
    return plan;
  }

 private:
  /// Those of the plan before where they are near what the load needs: whoever keeps its servers
  /// need not wake others.
  Servers first_servers() const {
    if (before_ == nullptr) return servers_;
    Servers servers = servers_;
    for (std::size_t p = 0; p < servers.size(); ++p)
      servers[p] = std::min(std::max(servers[p], (*before_)[p]), costs_[p].servers);
    return servers;
  }

  /// Less is rounding.
  double shortage_min() const { return 1e-9 * network_.total; }

  void relax() {
    best_ = std::make_unique<Transport>(network_);
    if (problem_.idle_control == IdleControl::none)
      for (std::uint32_t p = 0; p < costs_.size(); ++p)
        best_->open(p, fixed_tiers(costs_[p], costs_[p].servers));
    else
      open_relaxed(*best_, costs_);
    best_->place_all();
    unplaced_min_ = best_->unplaced();
    std::vector<Tiers> tiers;
    for (std::uint32_t p = 0; p < network_.places; ++p) tiers.push_back(best_->tiers(p));
    prices_ = best_->prices();
    bound_by_prices_ = bound_ = lower_bound(network_, tiers, prices_);
    if (problem_.idle_control != IdleControl::none) servers_ = servers_for_load(*best_, costs_);
    value_ = std::numeric_limits<double>::infinity();
  }

  void search_from(std::unique_ptr<Transport> transport, const Servers& servers,
                   std::uint64_t steps) {
    ServerSearch search(*transport, costs_, unplaced_min_);
    const std::uint64_t steps_end = transport->steps() + steps;
    search.fix(servers);
    search.improve(steps_end);
    const double value = search.value();
    if (best_ == nullptr || value < value_) {
      value_ = value;
      servers_ = search.servers();
      std::swap(best_, transport);
    }
    if (transport != nullptr) steps_ += transport->steps();
  }

  /// Small fleets: other starts, then branch and bound with what is left of the work.
  void look_further() {
    SeededRng rng(effort_.seed);
    const std::uint64_t starts = std::clamp<std::uint64_t>(effort_.starts, 1, starts_max);
    for (std::uint64_t i = 1; i < starts && !good_enough(); ++i) {
      auto transport = std::make_unique<Transport>(network_);
      open_perturbed(*transport, costs_, start_noise, rng);
      transport->place_all();
      const Servers servers = servers_for_load(*transport, costs_);
      search_from(std::move(transport), servers, effort_.steps_max / 4 / starts);
    }
    if (good_enough()) return;
    Transport relaxed(network_);
    open_relaxed(relaxed, costs_);
    relaxed.place_all();
    const BranchResult found =
        branch_and_bound(relaxed, costs_, value_, unplaced_min_, effort_.branch_gap,
                         relaxed.steps() + effort_.steps_max / 2);
    bound_ = std::max(bound_, found.bound);
    steps_ += relaxed.steps();
    if (!found.servers.empty()) {
      auto transport = std::make_unique<Transport>(network_);
      open_relaxed(*transport, costs_);
      transport->place_all();
      search_from(std::move(transport), found.servers, effort_.steps_max / 8);
    }
  }

  bool good_enough() const { return value_ - bound_ <= effort_.branch_gap * std::abs(value_); }

  /// Its flows and its shortage; returns what the flows cost.
  double read_group(std::uint32_t g, Plan& plan, double& unplaced) const {
    double cost = 0;
    double placed = 0;
    std::vector<Flow>& flows = plan.flows[g];
    for (std::uint32_t a = network_.first[g]; a + 1 < network_.first[g + 1]; ++a) {
      const double mbps = best_->flow(a);
      if (!(mbps > best_->tiny())) continue;
      const Arc& arc = network_.arcs[a];
      const double moved = std::max(0.0, mbps - arc.current);
      flows.push_back({arc.place, mbps});
      placed += mbps;
      plan.moved_mbps += moved;
      cost += arc.cost * mbps + arc.switch_cost * moved;
    }
    const double missing = network_.demand[g] - placed;
    if (missing > shortage_min()) {
      unplaced += missing;
      plan.shortages.push_back({g, missing,
                                network_.of(g).size() == 1 ? ShortageCause::no_path_meets_floor
                                                           : ShortageCause::no_capacity});
    }
    std::sort(flows.begin(), flows.end(),
              [](const Flow& a, const Flow& b) { return a.location < b.location; });
    return cost;
  }

  const Problem& problem_;
  const Effort& effort_;
  const Servers* before_;  ///< of the plan before, or null
  std::vector<LocationCosts> costs_;
  Network network_;
  std::unique_ptr<Transport> best_;
  Servers servers_;
  std::vector<double> prices_;
  double unplaced_min_ = 0;
  double bound_by_prices_ = 0;
  double bound_ = 0;
  double value_ = 0;
  std::uint64_t steps_ = 0;
};

Result<Plan> plan_from(const Problem& problem, const Effort& effort, const Servers* before) {
  if (auto checked = check(problem); !checked) return fail(std::move(checked.error()));
  Search with_spares(problem, effort, problem.spare_share, before);
  with_spares.run();
  if (problem.spare_share == 0 || !with_spares.is_short_of_capacity()) return with_spares.plan();
  // Spares are there for sudden demand, and this is it.
  Search without(problem, effort, 0, before);
  without.run();
  Plan plan = without.plan();
  plan.spares_used = true;
  return plan;
}

}  // namespace

Result<Plan> make_plan(const Problem& problem, const Effort& effort) {
  return plan_from(problem, effort, nullptr);
}

Result<Plan> replan(const Problem& problem, const Plan& before, const Effort& effort) {
  const bool fits = before.servers.size() == problem.locations.size();
  return plan_from(problem, effort, fits ? &before.servers : nullptr);
}

}  // namespace lobo::energy
