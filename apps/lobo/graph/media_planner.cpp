#include "graph/media_planner.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "energy/adopt.hpp"
#include "energy/failover.hpp"
#include "energy/plan.hpp"
#include "energy/planner.hpp"
#include "energy/problem.hpp"
#include "energy/rendezvous.hpp"
#include "services/media_energy/ports.hpp"

namespace lobo::app {

using media_energy::FleetGroup;
using media_energy::FleetLocation;
using media_energy::FleetState;
using media_energy::LocationState;
using media_energy::Objective;
using media_energy::PlanGroup;
using media_energy::PlanTable;

namespace {

constexpr std::int64_t valid_for_plans = 3;
constexpr double watts_per_kw = 1000;
/// Of a location's capacity as much may arrive as twice the share of the sessions that may move.
constexpr double capacity_to_demand = 2;
/// A path's throughput is not measured here: the location's rate is what it may promise.
constexpr double throughput_unknown_mbps = 1e6;

energy::Objective objective_of(Objective objective) {
  switch (objective) {
    case Objective::energy: return energy::Objective::energy;
    case Objective::carbon: return energy::Objective::carbon;
    case Objective::cost: return energy::Objective::price;
  }
  std::abort();
}

/// Nothing can be planned about a location whose reports are missing: who is there stays there.
bool plannable(const FleetLocation& location) {
  return location.state != LocationState::unknown && location.servers > 0 &&
         location.server_mbps > 0;
}

energy::Location to_location(const FleetLocation& from, std::uint32_t servers_used) {
  energy::Location out;
  out.id = from.id;
  switch (from.state) {
    case LocationState::active: out.state = energy::LocationState::active; break;
    case LocationState::draining: out.state = energy::LocationState::draining; break;
    case LocationState::standby: out.state = energy::LocationState::standby; break;
    case LocationState::down:
    case LocationState::unknown: out.state = energy::LocationState::down; break;
  }
  out.servers_max = from.servers - std::min(from.servers, servers_used);
  out.server_mbps = from.server_mbps;
  out.idle_w = from.idle_w;
  out.max_w = std::max(from.max_w, from.idle_w);
  out.standby_w = std::min(from.standby_w, from.idle_w);
  out.site_w = from.site_w;
  out.pue = from.pue;
  out.carbon_g_per_kwh = from.carbon_g_per_kwh;
  out.price_per_kwh = from.price_per_kwh;
  if (!plannable(from)) {
    out.state = energy::LocationState::down;
    out.servers_max = 0;
    out.server_mbps = 1;
  }
  return out;
}

/// The joules of a switch, over what a session still lasts, as watts for each Mbit/s; then in the
/// unit of the objective at a grid that is the mean of the fleet's.
double switch_cost(const FleetState& fleet, Objective objective, double joules, double mbps,
                   double remaining_s) {
  if (mbps <= 0) return 0;
  const double watts = joules / remaining_s / mbps;
  double grid = 0, price = 0;
  for (const auto& location : fleet.locations) {
    grid += location.carbon_g_per_kwh;
    price += location.price_per_kwh;
  }
  const auto count = static_cast<double>(std::max<std::size_t>(1, fleet.locations.size()));
  switch (objective) {
    case Objective::energy: return watts;
    case Objective::carbon: return watts * grid / count / watts_per_kw;
    case Objective::cost: return watts * price / count / watts_per_kw;
  }
  std::abort();
}

double sum_of(const std::vector<energy::Flow>& flows) {
  double sum = 0;
  for (const auto& flow : flows) sum += flow.mbps;
  return sum;
}

/// What is beyond the planner's range is as far out of reach at its end.
energy::QoeFloor floor_of(const FleetGroup& group) {
  return {group.latency_ms_max, std::min(group.bit_rate_mbps_min, energy::quantity_max)};
}

/// The old shares of today's demand.
energy::Plan scaled(energy::Plan plan, const energy::Problem& problem) {
  for (std::size_t g = 0; g < plan.flows.size(); ++g) {
    const double sum = sum_of(plan.flows[g]);
    if (sum <= 0) continue;
    for (auto& flow : plan.flows[g]) flow.mbps *= problem.groups[g].demand_mbps / sum;
  }
  return plan;
}

/// Of a group of few, a small step of the shares moves nobody, and the next step would begin at the
/// same place: its way goes on from the shares that were last let out.
energy::Problem few_where_told(energy::Problem problem,
                               const std::vector<std::vector<energy::Flow>>& released) {
  if (released.size() != problem.groups.size()) return problem;
  for (std::size_t g = 0; g < problem.groups.size(); ++g) {
    auto& group = problem.groups[g];
    const double sum = sum_of(released[g]);
    if (group.sessions >= energy::small_group_sessions || sum <= 0) continue;
    for (auto& path : group.paths) {
      const auto told = std::ranges::find(released[g], path.location, &energy::Flow::location);
      path.current_mbps = told == released[g].end() ? 0 : told->mbps / sum * group.demand_mbps;
    }
  }
  return problem;
}

}  // namespace

Result<PlanTable> MediaPlanner::plan(const FleetState& fleet, Instant now) {
  PlanTable out;
  out.made = now;
  out.valid_until = now + valid_for_plans * settings_.plan_every;
  std::vector<std::uint32_t> servers_used(fleet.locations.size());
  // One objective after the other: what one has taken the next does not have.
  // Who is nowhere yet comes last: a place that is awake already will do.
  std::vector objectives{Objective::energy, Objective::carbon, Objective::cost};
  std::ranges::stable_partition(objectives, [&](Objective objective) {
    return std::ranges::any_of(fleet.groups, [&](const FleetGroup& group) {
      return group.objective == objective && group.demand_mbps > 0;
    });
  });
  std::vector<Placed> placed;
  for (const auto objective : objectives)
    if (auto done = plan_for(objective, fleet, now, servers_used, placed, out); !done)
      return fail(std::move(done.error()));
  add_failover(fleet, placed, servers_used, out);
  for (std::size_t i = 0; i < fleet.locations.size(); ++i)
    out.locations.push_back({fleet.locations[i].id, fleet.locations[i].state, servers_used[i]});
  std::ranges::sort(out.groups, {}, &PlanGroup::id);
  std::ranges::sort(out.locations, {}, &media_energy::PlanLocation::id);
  out.revision = ++revision_;
  return out;
}

Result<void> MediaPlanner::plan_for(Objective objective, const FleetState& fleet, Instant now,
                                    std::vector<std::uint32_t>& servers_used,
                                    std::vector<Placed>& placed, PlanTable& out) {
  energy::Problem problem;
  problem.objective = objective_of(objective);
  problem.idle_control =
      settings_.servers_stand_by ? energy::IdleControl::servers : energy::IdleControl::none;
  problem.utilisation_target = settings_.utilisation;
  problem.spare_share = settings_.spare_share;
  Kept fresh;
  for (std::size_t i = 0; i < fleet.locations.size(); ++i) {
    problem.locations.push_back(to_location(fleet.locations[i], servers_used[i]));
    fresh.locations.push_back(fleet.locations[i].id);
  }
  std::vector<const FleetGroup*> groups;
  double joules = 0, mbps = 0, sessions = 0;
  for (const auto& from : fleet.groups) {
    if (from.objective != objective) continue;
    energy::Group group;
    group.id = from.id;
    group.sessions = from.sessions;
    // Where nobody is yet, somebody may come: the plan says where to.
    group.demand_mbps = from.demand_mbps > 0 ? from.demand_mbps : settings_.usual_mbps;
    group.floor = floor_of(from);
    for (const auto& path : from.paths) {
      const auto& location = fleet.locations[path.location];
      if (location.state == LocationState::unknown) {
        group.demand_mbps = std::max(0.0, group.demand_mbps - path.current_mbps);
        continue;
      }
      energy::Path to;
      to.location = path.location;
      to.latency_ms = path.latency_ms;
      to.throughput_mbps = throughput_unknown_mbps;
      to.current_mbps = path.current_mbps;
      to.vetoed = path.vetoed;
      group.paths.push_back(to);
    }
    // A group is part of everybody's plan: what one asks for that cannot be is no reason to have
    // none.
    if (group.paths.empty()) group.demand_mbps = 0;
    group.demand_mbps = std::min(group.demand_mbps, energy::quantity_max);
    for (auto& path : group.paths)
      path.current_mbps = std::min(path.current_mbps, energy::quantity_max);
    joules += from.switch_cost_j * from.sessions;
    mbps += from.demand_mbps;
    sessions += from.sessions;
    fresh.groups.push_back(from.id);
    groups.push_back(&from);
    problem.groups.push_back(std::move(group));
  }
  if (groups.empty()) return {};
  if (sessions > 0)
    problem.switch_cost_per_mbps =
        switch_cost(fleet, objective, joules / sessions, mbps / sessions, settings_.remaining_s);

  auto made = energy::make_plan(problem);
  if (!made) return fail(std::move(made.error()));
  auto& kept = kept_[objective];
  const bool comparable = kept.groups == fresh.groups && kept.locations == fresh.locations;
  auto adoption = energy::Adoption::adopted;
  if (comparable)
    adoption = energy::decide(
        problem, kept.plan, *made,
        std::chrono::duration_cast<std::chrono::seconds>(now - kept.adopted),
        energy::AdoptionRules{.saving_share_min = energy::AdoptionRules{}.saving_share_min,
                              .spacing_min = settings_.plan_spacing});
  if (comparable) fresh.released = std::move(kept.released);
  if (adoption == energy::Adoption::adopted || adoption == energy::Adoption::adopted_forced) {
    fresh.plan = std::move(*made);
    fresh.adopted = now;
    kept = std::move(fresh);
  } else {
    kept.released = std::move(fresh.released);
  }
  const auto target = scaled(kept.plan, problem);
  const auto released =
      energy::release(few_where_told(problem, kept.released), target,
                      {.share_of_demand = settings_.release_share,
                       .share_of_capacity = capacity_to_demand * settings_.release_share});
  kept.released = released.flows;
  out.adoption = energy::to_string(adoption);
  out.power_w += kept.plan.figures.power_w;
  out.gap = std::max(out.gap, kept.plan.certificate.gap);
  // For somebody who may come a place is kept awake only where there is no other.
  const bool others = std::ranges::any_of(servers_used, [](auto servers) { return servers > 0; });
  if (mbps > 0 || !others)
    for (std::size_t i = 0; i < servers_used.size() && i < released.servers.size(); ++i)
      servers_used[i] += released.servers[i];

  for (std::size_t g = 0; g < groups.size(); ++g) {
    PlanGroup group;
    group.id = groups[g]->id;
    auto& let_out = placed.emplace_back(Placed{groups[g], released.flows[g]});
    for (const auto& flow : released.flows[g])
      if (flow.mbps > 0) group.shares.push_back({fleet.locations[flow.location].id, flow.mbps});
    for (const auto& path : groups[g]->paths) {
      const auto& location = fleet.locations[path.location];
      if (location.state == LocationState::unknown) {
        if (path.current_mbps > 0) {
          group.shares.push_back({location.id, path.current_mbps});
          let_out.flows.push_back({path.location, path.current_mbps});
        }
        continue;
      }
      const bool good = location.state == LocationState::active && !path.vetoed &&
                        path.latency_ms <= groups[g]->latency_ms_max;
      const bool has_share =
          std::ranges::find(group.shares, location.id, &media_energy::PlanShare::location) !=
          group.shares.end();
      if (good && !has_share)
        group.reserve.push_back({location.id, location.servers * location.server_mbps});
    }
    for (const auto& shortage : kept.plan.shortages)
      if (shortage.group == g) group.short_mbps = shortage.mbps;
    out.groups.push_back(std::move(group));
  }
  return {};
}

void MediaPlanner::add_failover(const FleetState& fleet, const std::vector<Placed>& placed,
                                const std::vector<std::uint32_t>& servers_used,
                                PlanTable& out) const {
  energy::Problem problem;
  for (const auto& location : fleet.locations)
    problem.locations.push_back(to_location(location, 0));
  std::vector<std::vector<energy::Flow>> flows;
  for (const auto& [from, let_out] : placed) {
    auto& group = problem.groups.emplace_back();
    group.floor = floor_of(*from);
    for (const auto& path : from->paths) {
      auto& to = group.paths.emplace_back();
      to.location = path.location;
      to.latency_ms = path.latency_ms;
      to.throughput_mbps = throughput_unknown_mbps;
      to.vetoed = path.vetoed;
    }
    flows.push_back(let_out);
  }
  // Servers that never stand by are all there is to wait for.
  auto powered = servers_used;
  if (!settings_.servers_stand_by)
    for (std::size_t i = 0; i < powered.size(); ++i) powered[i] = problem.locations[i].servers_max;
  const auto failover = energy::plan_failover(problem, flows, powered);
  for (std::size_t g = 0; g < placed.size(); ++g) {
    auto& group = out.groups[g];  // they stand in the order in which they were placed
    for (const auto& way : failover.ways[g]) {
      media_energy::PlanFailover to{fleet.locations[way.lost].id, {}};
      for (const auto& flow : way.to)
        to.to.push_back({fleet.locations[flow.location].id, flow.mbps});
      if (!to.to.empty()) group.failover.push_back(std::move(to));
    }
  }
  for (const double peak : failover.peak) out.failover_peak = std::max(out.failover_peak, peak);
}

std::uint64_t MediaPlanner::hash(std::string_view session) const {
  return energy::stable_hash(session);
}

std::vector<std::string> MediaPlanner::order(std::string_view session,
                                             const PlanGroup& group) const {
  const auto hashed = [](const std::vector<media_energy::PlanShare>& from) {
    std::vector<energy::Share> out;
    for (const auto& share : from)
      out.push_back({energy::stable_hash(share.location), share.weight});
    return out;
  };
  const auto shares = hashed(group.shares), reserve = hashed(group.reserve);
  const auto name = energy::stable_hash(session);
  std::vector<std::string> out;
  const auto add = [&](const std::string& location) {
    if (std::ranges::find(out, location) == out.end()) out.push_back(location);
  };
  // As content steering has it (energy/steering/answer.cpp): a session gets one order from both.
  if (const auto first = energy::pick(name, shares); first != energy::no_location) {
    add(group.shares[first].location);
    const auto next =
        std::ranges::find(group.failover, out.front(), &media_energy::PlanFailover::lost);
    if (next != group.failover.end())
      for (const auto at : energy::failover_ranks(name, shares[first].location, hashed(next->to)))
        add(next->to[at].location);
  }
  for (const auto at : energy::ranks(name, shares, reserve))
    add(at < group.shares.size() ? group.shares[at].location
                                 : group.reserve[at - group.shares.size()].location);
  return out;
}

}  // namespace lobo::app
