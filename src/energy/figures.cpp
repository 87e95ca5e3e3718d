#include "energy/figures.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "energy/plan.hpp"
#include "energy/problem.hpp"

namespace lobo::energy {
namespace {

double site_power_w(const Location& location, IdleControl control, std::uint32_t servers,
                    double load_mbps) {
  if (location.state == LocationState::down) return 0;
  const std::uint32_t on =
      control == IdleControl::none ? location.servers_max : std::min(servers, location.servers_max);
  double watts = on * location.idle_w + (location.servers_max - on) * location.standby_w +
                 (location.max_w - location.idle_w) * load_mbps / location.server_mbps;
  if (on > 0 || control != IdleControl::sites) watts += location.site_w;
  return watts * location.pue;
}

/// Network power of one Mbit/s on the path of a group to a location; 0 where there is no path.
double network_w(const Group& group, std::uint32_t location) {
  for (const Path& path : group.paths)
    if (path.location == location) return path.network_w_per_mbps;
  return 0;
}

}  // namespace

Figures figures_of(const Problem& problem, std::span<const std::vector<Flow>> flows,
                   std::span<const std::uint32_t> servers) {
  std::vector<double> load(problem.locations.size());
  std::vector<double> watts(problem.locations.size());
  for (std::size_t g = 0; g < flows.size(); ++g)
    for (const Flow& flow : flows[g]) {
      load[flow.location] += flow.mbps;
      watts[flow.location] += flow.mbps * network_w(problem.groups[g], flow.location);
    }
  Figures sum;
  for (std::size_t p = 0; p < watts.size(); ++p) {
    const Location& location = problem.locations[p];
    watts[p] += site_power_w(location, problem.idle_control, servers[p], load[p]);
    sum.power_w += watts[p];
    sum.carbon_g_per_h += watts[p] * location.carbon_g_per_kwh / 1000;
    sum.price_per_h += watts[p] * location.price_per_kwh / 1000;
  }
  return sum;
}

}  // namespace lobo::energy
