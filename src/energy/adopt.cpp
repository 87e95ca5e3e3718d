#include "energy/adopt.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "energy/costs.hpp"
#include "energy/network.hpp"
#include "energy/plan.hpp"
#include "energy/problem.hpp"

namespace lobo::energy {
namespace {

/// Relative: sums of doubles.
constexpr double rounding = 1e-9;

const Path* path_to(const Group& group, std::uint32_t location) {
  for (const Path& path : group.paths)
    if (path.location == location) return &path;
  return nullptr;
}

double sum_of(std::span<const Flow> flows) {
  double sum = 0;
  for (const Flow& flow : flows) sum += flow.mbps;
  return sum;
}

std::uint32_t servers_for(double load, double server_mbps) {
  return load > 0 ? static_cast<std::uint32_t>(std::ceil(load / server_mbps - 1e-9)) : 0U;
}

/// Who is served there may stay: the floor holds, and the location still serves.
bool may_stay(const Group& group, const Path& path, const Location& location) {
  return meets_floor(group.floor, path) &&
         (location.state == LocationState::active || location.state == LocationState::draining);
}

/// By location: what a group has now and may keep, what it shall have, and what it has at the least
/// allowed change.
struct Ways {
  std::vector<double> base;
  std::vector<double> target;
};

Ways ways_of(const Problem& problem, std::size_t g, const Plan& plan, double& forced_mbps) {
  const Group& group = problem.groups[g];
  Ways ways{std::vector<double>(problem.locations.size()),
            std::vector<double>(problem.locations.size())};
  double kept = 0;
  for (const Path& path : group.paths)
    if (may_stay(group, path, problem.locations[path.location])) {
      ways.base[path.location] = path.current_mbps;
      kept += path.current_mbps;
    }
  double wanted = 0;
  for (const Flow& flow : plan.flows[g]) {
    ways.target[flow.location] = flow.mbps;
    wanted += flow.mbps;
  }
  if (kept > wanted) {
    for (double& mbps : ways.base) mbps *= wanted / kept;
    return ways;
  }
  double open = 0;
  for (std::size_t p = 0; p < ways.base.size(); ++p)
    open += std::max(0.0, ways.target[p] - ways.base[p]);
  const double missing = wanted - kept;
  forced_mbps += missing;
  if (open > 0)
    for (std::size_t p = 0; p < ways.base.size(); ++p)
      ways.base[p] += std::max(0.0, ways.target[p] - ways.base[p]) * std::min(1.0, missing / open);
  return ways;
}

/// How far towards the plan: as the limit says, but far enough that nobody is above capacity.
double fraction_of(const Problem& problem, std::span<const Ways> ways, const ReleaseLimit& limit,
                   bool& limit_exceeded) {
  const std::size_t places = problem.locations.size();
  std::vector<double> arriving(places);
  std::vector<double> base(places);
  std::vector<double> target(places);
  double moving = 0;
  double demand = 0;
  for (const Ways& way : ways)
    for (std::size_t p = 0; p < places; ++p) {
      const double more = std::max(0.0, way.target[p] - way.base[p]);
      arriving[p] += more;
      moving += more;
      base[p] += way.base[p];
      target[p] += way.target[p];
      demand += way.target[p];
    }
  double allowed = 1;
  double needed = 0;
  if (moving > 0) allowed = std::min(1.0, limit.share_of_demand * demand / moving);
  for (std::size_t p = 0; p < places; ++p) {
    const Location& l = problem.locations[p];
    const double capacity = l.servers_max * l.server_mbps * problem.utilisation_target;
    if (arriving[p] > rounding * demand)
      allowed = std::min(allowed, limit.share_of_capacity * capacity / arriving[p]);
    if (base[p] > capacity + rounding * demand && base[p] > target[p])
      needed = std::max(needed, std::min(1.0, (base[p] - capacity) / (base[p] - target[p])));
  }
  limit_exceeded = needed > allowed;
  return std::max(allowed, needed);
}

}  // namespace

std::optional<double> cost_of_keeping(const Problem& problem, const Plan& before,
                                      const Plan& after) {
  if (before.flows.size() != problem.groups.size() ||
      before.servers.size() != problem.locations.size())
    return std::nullopt;
  const auto costs = location_costs(problem, after.spares_used ? 0 : problem.spare_share);
  std::vector<double> load(costs.size());
  double demand = 0;
  double cost = 0;
  for (std::size_t g = 0; g < problem.groups.size(); ++g) {
    const Group& group = problem.groups[g];
    const double wanted = sum_of(after.flows[g]);
    const double had = sum_of(before.flows[g]);
    demand += wanted;
    if (!(wanted > 0)) continue;
    if (!(had > 0)) return std::nullopt;
    for (const Flow& flow : before.flows[g]) {
      const Path* path = path_to(group, flow.location);
      if (path == nullptr || !takes_sessions(problem.locations[flow.location]) ||
          !meets_floor(group.floor, *path))
        return std::nullopt;
      const double mbps = flow.mbps * wanted / had;
      const LocationCosts& there = costs[flow.location];
      load[flow.location] += mbps;
      cost += mbps * (there.per_mbps + there.weight * path->network_w_per_mbps) +
              problem.switch_cost_per_mbps * std::max(0.0, mbps - path->current_mbps);
    }
  }
  for (std::size_t p = 0; p < costs.size(); ++p) {
    if (load[p] > costs[p].servers * costs[p].server_mbps + rounding * demand) return std::nullopt;
    cost += standing_cost(costs[p],
                          std::min(costs[p].servers, servers_for(load[p], costs[p].server_mbps)));
  }
  return cost;
}

Adoption decide(const Problem& problem, const Plan& before, const Plan& after,
                std::chrono::seconds since_last, const AdoptionRules& rules) {
  const std::optional<double> keeping = cost_of_keeping(problem, before, after);
  if (!keeping) return Adoption::adopted_forced;
  if (!(*keeping - after.certificate.cost > rules.saving_share_min * *keeping))
    return Adoption::kept_saves_little;
  return since_last < rules.spacing_min ? Adoption::kept_too_soon : Adoption::adopted;
}

Release release(const Problem& problem, const Plan& plan, const ReleaseLimit& limit) {
  Release out;
  std::vector<Ways> ways;
  for (std::size_t g = 0; g < problem.groups.size(); ++g)
    ways.push_back(ways_of(problem, g, plan, out.forced_mbps));
  out.fraction = fraction_of(problem, ways, limit, out.limit_exceeded);
  std::vector<double> load(problem.locations.size());
  for (const Ways& way : ways) {
    auto& flows = out.flows.emplace_back();
    for (std::uint32_t p = 0; p < way.base.size(); ++p) {
      const double mbps = way.base[p] + out.fraction * (way.target[p] - way.base[p]);
      if (!(mbps > rounding * (way.base[p] + way.target[p]))) continue;
      flows.push_back({p, mbps});
      load[p] += mbps;
    }
  }
  for (std::size_t p = 0; p < load.size(); ++p) {
    const Location& l = problem.locations[p];
    const double spare = plan.spares_used ? 0 : problem.spare_share;
    const std::uint32_t needed =
        servers_for(load[p], l.server_mbps * problem.utilisation_target / (1 + spare));
    out.servers.push_back(std::min(l.servers_max, std::max(needed, plan.servers[p])));
  }
  return out;
}

}  // namespace lobo::energy
