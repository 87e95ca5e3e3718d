#include "energy/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "energy/certificate.hpp"
#include "energy/costs.hpp"
#include "energy/network.hpp"
#include "energy/plan.hpp"
#include "energy/problem.hpp"

namespace lobo::energy {
namespace {

/// Relative: sums of doubles in another order.
constexpr double rounding = 1e-7;

class Audit {
 public:
  Audit(const Problem& problem, const Plan& plan)
      : problem_(problem), plan_(plan), load_(problem.locations.size()) {
    for (const Group& group : problem.groups) total_ += group.demand_mbps;
  }

  Result<void> run() {
    if (plan_.flows.size() != problem_.groups.size()) blame("/flows", "one list for each group");
    if (plan_.servers.size() != problem_.locations.size())
      blame("/servers", "one number for each location");
    if (plan_.certificate.prices.size() != problem_.locations.size())
      blame("/certificate/prices", "one price for each location");
    if (!faults_.empty()) return result();
    for (std::size_t g = 0; g < problem_.groups.size(); ++g) group(g);
    for (std::size_t p = 0; p < load_.size(); ++p) location(p);
    certificate();
    return result();
  }

 private:
  void blame(std::string where, std::string reason) {
    if (faults_.size() < faults_max)
      faults_.push_back({Errc::out_of_range, std::move(where), std::move(reason)});
  }
  Result<void> result() {
    if (faults_.empty()) return {};
    return fail(Errc::internal, "the plan breaks its promises", std::move(faults_));
  }

  double shortage_of(std::size_t g) const {
    for (const Shortage& shortage : plan_.shortages)
      if (shortage.group == g) return shortage.mbps;
    return 0;
  }

  void group(std::size_t g) {
    const std::string where = fmt::format("/flows/{}", g);
    const Group& wants = problem_.groups[g];
    double served = 0;
    for (const Flow& flow : plan_.flows[g]) {
      const auto path = std::find_if(wants.paths.begin(), wants.paths.end(),
                                     [&](const Path& p) { return p.location == flow.location; });
      if (path == wants.paths.end() || flow.location >= load_.size()) {
        blame(where, "a flow where no path leads");
        continue;
      }
      const Location& there = problem_.locations[flow.location];
      if (!meets_floor(wants.floor, *path)) blame(where, "below the quality floor");
      if (!takes_sessions(there)) blame(where, "to a location that takes no sessions");
      if (!(flow.mbps > 0)) blame(where, "a flow of nothing");
      const double watt = cost_of_watt(there, problem_.objective);
      const double moved =
          std::max(0.0, flow.mbps - std::min(path->current_mbps, wants.demand_mbps));
      load_[flow.location] += flow.mbps;
      served += flow.mbps;
      cost_ += watt * flow.mbps *
                   (path->network_w_per_mbps +
                    there.pue * (there.max_w - there.idle_w) / there.server_mbps) +
               problem_.switch_cost_per_mbps * moved;
    }
    if (std::abs(served + shortage_of(g) - wants.demand_mbps) > rounding * std::max(1.0, total_))
      blame(where, "served and short together are not what is wanted");
  }

  void location(std::size_t p) {
    const Location& there = problem_.locations[p];
    const std::uint32_t servers = plan_.servers[p];
    const double spare = plan_.spares_used ? 0 : problem_.spare_share;
    const double capacity = servers * there.server_mbps * problem_.utilisation_target / (1 + spare);
    if (servers > there.servers_max) blame(fmt::format("/servers/{}", p), "more than there are");
    if (load_[p] > capacity + rounding * std::max(1.0, total_))
      blame(fmt::format("/servers/{}", p), "too few for the load");
    const double watt = cost_of_watt(there, problem_.objective) * there.pue;
    if (problem_.idle_control != IdleControl::none)
      cost_ += watt * (there.idle_w - there.standby_w) * servers;
    if (problem_.idle_control == IdleControl::sites && servers > 0) cost_ += watt * there.site_w;
  }

  void certificate() {
    const Certificate& says = plan_.certificate;
    const double near = rounding * std::max(1.0, std::abs(cost_));
    if (std::abs(says.cost - cost_) > near)
      blame("/certificate/cost", "is not what the plan costs");
    const auto costs = location_costs(problem_, plan_.spares_used ? 0 : problem_.spare_share);
    const Network network = make_network(problem_, costs);
    std::vector<Tiers> tiers;
    for (const LocationCosts& c : costs)
      tiers.push_back(problem_.idle_control == IdleControl::none ? fixed_tiers(c, c.servers)
                                                                 : relaxed_tiers(c, 0, c.servers));
    tiers.emplace_back();
    std::vector<double> prices = says.prices;
    prices.push_back(0);
    double bound = lower_bound(network, tiers, prices);
    for (const Shortage& shortage : plan_.shortages)
      bound -= shortage.mbps * network.arcs.back().cost;
    const double near_bound =
        network.arcs.empty() ? 0 : near + rounding * 1e-3 * network.arcs.back().cost * total_;
    if (std::abs(says.bound_by_prices - bound) > near_bound)
      blame("/certificate/bound_by_prices", "is not what the prices prove");
    if (says.bound < says.bound_by_prices || says.bound > says.cost + near)
      blame("/certificate/bound", "lies between bound_by_prices and cost");
  }

  const Problem& problem_;
  const Plan& plan_;
  std::vector<double> load_;
  double total_ = 0;
  double cost_ = 0;
  std::vector<Fault> faults_;
};

}  // namespace

Result<void> verify(const Problem& problem, const Plan& plan) {
  if (auto checked = check(problem); !checked) return checked;
  return Audit(problem, plan).run();
}

}  // namespace lobo::energy
