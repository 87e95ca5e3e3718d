// Re-planning a fleet: sessions counted into groups, plan made and certified, sessions told where
// to go. CPU-seconds of this process by getrusage; the instance is made before and not counted. In
// the same process, in turn: a greedy baseline, and a plan again after a part of the sessions has
// changed.
//
//   energy_planner SESSIONS LOCATIONS UTILISATION SWITCH_COST OBJECTIVE CHURN SEED
//
// prints one JSON object.

#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string_view>
#include <vector>

#include "base/require.hpp"
#include "base/rng.hpp"
#include "energy/aggregate.hpp"
#include "energy/costs.hpp"
#include "energy/figures.hpp"
#include "energy/plan.hpp"
#include "energy/planner.hpp"
#include "energy/problem.hpp"
#include "energy/rendezvous.hpp"
#include "energy/synthetic.hpp"
#include "energy/verify.hpp"

namespace lobo::energy {
namespace {

double cpu_ms() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto ms = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
  };
  return ms(used.ru_utime) + ms(used.ru_stime);
}

double resident_mb() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_maxrss) / 1024;
}

/// Each session of the instance: its group, a rate of about the group's mean, a place as the group
/// has.
std::vector<Session> make_sessions(const Problem& problem, Rng& rng) {
  std::vector<Session> sessions;
  for (std::uint32_t g = 0; g < problem.groups.size(); ++g) {
    const Group& group = problem.groups[g];
    std::vector<const Path*> now;
    for (const Path& path : group.paths)
      if (path.current_mbps > 0) now.push_back(&path);
    const double mean = group.demand_mbps * 1000 / group.sessions;
    for (std::uint32_t i = 0; i < group.sessions; ++i)
      sessions.push_back(
          {g, now[rng.below(now.size())]->location,
           static_cast<std::uint32_t>(mean * (0.5 + static_cast<double>(rng.below(1024)) / 1024))});
  }
  return sessions;
}

struct Tables {
  std::vector<std::vector<Share>> shares;  // of each group
  std::vector<std::vector<std::uint32_t>> locations;
};

Tables tables_of(const Problem& problem, const Plan& plan) {
  std::vector<std::uint64_t> names;
  for (const Location& location : problem.locations) names.push_back(stable_hash(location.id));
  Tables tables;
  for (const auto& flows : plan.flows) {
    auto& shares = tables.shares.emplace_back();
    auto& locations = tables.locations.emplace_back();
    for (const Flow& flow : flows) {
      shares.push_back({names[flow.location], flow.mbps});
      locations.push_back(flow.location);
    }
  }
  return tables;
}

std::uint32_t assigned(const Tables& tables, const Session& session, std::uint64_t id) {
  const std::size_t index = pick(id, tables.shares[session.group]);
  return index == no_location ? Session::nowhere : tables.locations[session.group][index];
}

/// What a careful engineer writes first: largest groups first, each to the cheapest good location
/// with room, a server counted at its share. Knows capacity and floors, knows no detours and no
/// whole servers.
double greedy_cost(const Problem& problem) {
  const auto costs = location_costs(problem, problem.spare_share);
  std::vector<std::uint32_t> order(problem.groups.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return problem.groups[a].demand_mbps > problem.groups[b].demand_mbps;
  });
  std::vector<double> load(costs.size());
  double cost = 0;
  for (const std::uint32_t g : order) {
    const Group& group = problem.groups[g];
    std::vector<const Path*> good;
    for (const Path& path : group.paths)
      if (costs[path.location].servers > 0 && meets_floor(group.floor, path)) good.push_back(&path);
    const auto unit = [&](const Path* path) {
      const LocationCosts& c = costs[path->location];
      return c.per_mbps + c.per_server / c.server_mbps;
    };
    std::stable_sort(good.begin(), good.end(),
                     [&](const Path* a, const Path* b) { return unit(a) < unit(b); });
    double left = group.demand_mbps;
    for (const Path* path : good) {
      const LocationCosts& c = costs[path->location];
      const double mbps = std::min(left, c.server_mbps * c.servers - load[path->location]);
      load[path->location] += mbps;
      cost += c.per_mbps * mbps +
              problem.switch_cost_per_mbps * std::max(0.0, mbps - path->current_mbps);
      left -= mbps;
    }
  }
  for (std::size_t p = 0; p < costs.size(); ++p) {
    double servers = 0;
    while (servers * costs[p].server_mbps < load[p] * (1 - 1e-12)) ++servers;
    cost += costs[p].per_server * servers;
  }
  return cost;
}

int run(char** argv) {
  Synthetic wanted;
  wanted.sessions = static_cast<std::uint32_t>(std::atol(argv[1]));
  wanted.locations = static_cast<std::uint32_t>(std::atol(argv[2]));
  wanted.regions = wanted.locations * 2;
  wanted.utilisation = std::atof(argv[3]);
  wanted.seed = static_cast<std::uint64_t>(std::atoll(argv[7]));
  Problem problem = make_synthetic(wanted);
  problem.switch_cost_per_mbps = std::atof(argv[4]);
  problem.objective = std::string_view(argv[5]) == "carbon" ? Objective::carbon : Objective::energy;
  SeededRng rng(wanted.seed);
  std::vector<Session> sessions = make_sessions(problem, rng);
  std::vector<std::uint32_t> answers(sessions.size());

  const double t0 = cpu_ms();
  Aggregate aggregate(problem.groups.size(), problem.locations.size());
  for (const Session& session : sessions) require(aggregate.join(session).has_value());
  aggregate.write(problem);
  const double t1 = cpu_ms();
  const auto cold = make_plan(problem);
  require(cold.has_value());
  const double t2 = cpu_ms();
  Tables tables = tables_of(problem, *cold);
  for (std::size_t i = 0; i < sessions.size(); ++i) answers[i] = assigned(tables, sessions[i], i);
  const double t3 = cpu_ms();
  require(verify(problem, *cold).has_value());
  const double greedy_from = cpu_ms();
  const double greedy = greedy_cost(problem);
  const double greedy_ms = cpu_ms() - greedy_from;

  // Everybody moves as told; then a part of the sessions ends and as many others begin.
  Problem later = problem;
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    Session moved = sessions[i];
    moved.location = answers[i];
    require(aggregate.change(sessions[i], moved).has_value());
    sessions[i] = moved;
  }
  std::vector<std::size_t> changed;
  const auto churn =
      static_cast<std::size_t>(std::atof(argv[6]) * static_cast<double>(sessions.size()));
  for (std::size_t i = 0; i < churn; ++i) changed.push_back(rng.below(sessions.size()));
  const double t4 = cpu_ms();
  for (const std::size_t i : changed) {
    Session other = sessions[i];
    other.kbps = other.kbps % 7919 + 500;
    other.location = Session::nowhere;
    require(aggregate.change(sessions[i], other).has_value());
    sessions[i] = other;
  }
  aggregate.write(later);
  const auto next = replan(later, *cold);
  require(next.has_value());
  tables = tables_of(later, *next);
  for (const std::size_t i : changed)
    answers[i] = assigned(tables, sessions[i], i + sessions.size());
  const double t5 = cpu_ms();
  require(verify(later, *next).has_value());

  std::printf(
      "{\"groups\": %zu, \"cold_ms\": %.1f, \"aggregate_ms\": %.1f, \"plan_ms\": %.1f, "
      "\"assign_ms\": %.1f, "
      "\"steps\": %llu, \"cost\": %.3f, \"gap\": %.6f, \"moved_share\": %.3f, \"short\": %zu, "
      "\"greedy_ms\": %.1f, \"greedy_over_bound\": %.5f, \"churn_ms\": %.1f, \"churn_gap\": %.6f, "
      "\"churn_steps\": %llu, \"peak_mb\": %.1f}\n",
      problem.groups.size(), t3 - t0, t1 - t0, t2 - t1, t3 - t2,
      static_cast<unsigned long long>(cold->steps), cold->certificate.cost, cold->certificate.gap,
      cold->moved_mbps /
          std::accumulate(problem.groups.begin(), problem.groups.end(), 0.0,
                          [](double sum, const Group& g) { return sum + g.demand_mbps; }),
      cold->shortages.size(), greedy_ms, greedy / cold->certificate.bound - 1, t5 - t4,
      next->certificate.gap, static_cast<unsigned long long>(next->steps), resident_mb());
  return 0;
}

}  // namespace
}  // namespace lobo::energy

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fprintf(
        stderr, "energy_planner SESSIONS LOCATIONS UTILISATION SWITCH_COST OBJECTIVE CHURN SEED\n");
    return 2;
  }
  return lobo::energy::run(argv);
}
