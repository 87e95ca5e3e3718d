#include "lp_file.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <iterator>
#include <string>
#include <vector>

#include "energy/problem.hpp"

namespace lobo::energy {
namespace {

double weight(const Location& location, Objective objective) {
  if (objective == Objective::carbon) return location.carbon_g_per_kwh / 1000;
  if (objective == Objective::price) return location.price_per_kwh / 1000;
  return 1;
}

}  // namespace

// x: flow, z: flow beyond what is there, v: unserved, n: servers, y: site on.
std::string lp_file(const Problem& problem, Whole whole, double unserved_mbps) {
  std::string objective;
  std::string rows;
  std::string bounds;
  std::string integers;
  std::string unserved;
  const auto to = [](std::string& text) { return std::back_inserter(text); };
  std::vector<std::string> load(problem.locations.size());
  for (std::size_t g = 0; g < problem.groups.size(); ++g) {
    const Group& group = problem.groups[g];
    std::string sum;
    for (const Path& path : group.paths) {
      const Location& l = problem.locations[path.location];
      if (!meets_floor(group.floor, path) || !takes_sessions(l)) continue;
      const std::string x = fmt::format("x{}_{}", g, path.location);
      const double m = weight(l, problem.objective) *
                       (l.pue * (l.max_w - l.idle_w) / l.server_mbps + path.network_w_per_mbps);
      fmt::format_to(to(objective), " + {:.15g} {}\n", m, x);
      fmt::format_to(to(sum), " + {}\n", x);
      fmt::format_to(to(load[path.location]), " + {}\n", x);
      if (problem.switch_cost_per_mbps == 0) continue;
      fmt::format_to(to(objective), " + {:.15g} z{}_{}\n", problem.switch_cost_per_mbps, g,
                     path.location);
      fmt::format_to(to(rows), "s{}_{}: {} - z{}_{} <= {:.15g}\n", g, path.location, x, g,
                     path.location, path.current_mbps);
    }
    fmt::format_to(to(rows), "d{}:\n{} + v{} = {:.15g}\n", g, sum, g, group.demand_mbps);
    fmt::format_to(to(unserved), " + v{}\n", g);
  }
  fmt::format_to(to(rows), "all:\n{} <= {:.15g}\n", unserved, unserved_mbps);
  for (std::size_t p = 0; p < problem.locations.size(); ++p) {
    const Location& l = problem.locations[p];
    if (load[p].empty()) continue;
    const double watt = weight(l, problem.objective) * l.pue;
    const double u = l.server_mbps * problem.utilisation_target / (1 + problem.spare_share);
    fmt::format_to(to(rows), "c{}:\n{} - {:.15g} n{} <= 0\n", p, load[p], u, p);
    fmt::format_to(to(rows), "o{}: n{} - {} y{} <= 0\n", p, p, l.servers_max, p);
    const bool servers = problem.idle_control != IdleControl::none;
    const bool sites = problem.idle_control == IdleControl::sites;
    if (servers)
      fmt::format_to(to(objective), " + {:.15g} n{}\n", watt * (l.idle_w - l.standby_w), p);
    if (sites) fmt::format_to(to(objective), " + {:.15g} y{}\n", watt * l.site_w, p);
    fmt::format_to(to(bounds), "0 <= n{} <= {}\n0 <= y{} <= 1\n", p, l.servers_max, p);
    fmt::format_to(to(integers), "n{}\ny{}\n", p, p);
  }
  std::string text = "Minimize\nobj:\n" + objective + "Subject To\n" + rows + "Bounds\n" + bounds;
  if (whole == Whole::yes) text += "Generals\n" + integers;
  return text + "End\n";
}

}  // namespace lobo::energy
