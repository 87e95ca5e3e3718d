// The state of the fleet for the planner, and what follows from its plan: groups and shares for
// steering, servers that may stand by.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/media_m1.hpp"
#include "api/media_types.hpp"
#include "base/clock.hpp"
#include "model/bit_rate.hpp"
#include "services/media_energy/checks.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/figures.hpp"
#include "services/media_energy/ports.hpp"

namespace lobo::media_energy {

namespace m1 = api::media_m1;
namespace types = api::media_types;

namespace {

constexpr double bits_per_mbit = 1e6;
/// Where a policy sets no limit: any location that the operator has.
constexpr double latency_unlimited_ms = 60'000;

std::string group_id(std::string_view session, std::string_view policy) {
  return std::string(session) + '/' + std::string(policy);
}

Objective objective_of(const m1::EnergyPolicy& policy) {
  if (!policy.service_energy_profile || !policy.service_energy_profile->objective)
    return Objective::energy;
  switch (*policy.service_energy_profile->objective) {
    case m1::EnergyObjective::energy: return Objective::energy;
    case m1::EnergyObjective::carbon: return Objective::carbon;
    case m1::EnergyObjective::cost: return Objective::cost;
  }
  return Objective::energy;
}

}  // namespace

FleetState Eiaf::fleet(Instant now) const {
  FleetState out;
  std::map<std::string, std::uint32_t, std::less<>> index;
  std::map<std::string, double, std::less<>> elsewhere;  // Mbit/s that no subscription accounts for
  for (const auto& [id, settings] : settings_.locations) {
    const auto figures = figures_at(id, servers_at(id), settings, now, interval_at(id));
    FleetLocation location;
    location.id = id;
    location.state = figures.state;
    // A figure made from traffic alone makes all places look alike; nobody is steered by it.
    if (figures.servers_known > 0 && figures.method == types::EnergyMethod::model_traffic)
      location.state = LocationState::unknown;
    location.servers = figures.servers;
    location.server_mbps = figures.server_mbps;
    location.idle_w = figures.idle_w;
    location.max_w = figures.max_w;
    location.standby_w = figures.standby_w;
    location.site_w = settings.site_w;
    location.pue = figures.pue;
    location.carbon_g_per_kwh = figures.carbon_g_per_kwh;
    location.price_per_kwh = settings.price_per_kwh;
    index.emplace(id, static_cast<std::uint32_t>(out.locations.size()));
    out.locations.push_back(std::move(location));
    elsewhere[id] = figures.mbps;
  }

  std::map<std::string, std::size_t, std::less<>> groups;
  std::map<std::string, std::uint32_t, std::less<>> users;  // provisioning sessions of a location
  for (const auto& [id, session] : sessions_) {
    if (!session.hosting) continue;
    const auto locations = locations_of(*session.hosting);
    for (const auto location : locations) ++users[std::string(location)];
    const auto open = [&](std::string name) -> FleetGroup& {
      groups.emplace(name, out.groups.size());
      auto& group = out.groups.emplace_back();
      group.id = std::move(name);
      group.latency_ms_max = latency_unlimited_ms;
      group.switch_cost_j = switch_cost_default_j;
      for (const auto location : locations) {
        const auto at = index.find(location);
        if (at == index.end()) continue;
        FleetPath path;
        path.location = at->second;
        path.latency_ms = settings_.locations.find(location)->second.latency_ms;
        group.paths.push_back(path);
      }
      return group;
    };
    // Sessions of players that tell nothing about themselves.
    open(group_id(id, ""));
    for (const auto& [policy_id, running] : session.policies) {
      const auto& policy = running.run.policy();
      auto& group = open(group_id(id, policy_id));
      group.objective = objective_of(policy);
      if (!policy.service_energy_profile) continue;
      const auto& profile = *policy.service_energy_profile;
      group.switch_cost_j = profile.switch_cost_joule.value_or(switch_cost_default_j);
      if (!profile.qoe_floor) continue;
      if (profile.qoe_floor->max_latency_ms)
        group.latency_ms_max = static_cast<double>(*profile.qoe_floor->max_latency_ms);
      if (profile.qoe_floor->min_bit_rate)
        if (const auto rate = model::parse_bit_rate(*profile.qoe_floor->min_bit_rate))
          group.bit_rate_mbps_min = static_cast<double>(rate->count) / bits_per_mbit;
    }
  }
  const auto path_to = [&](FleetGroup& group, std::string_view location) -> FleetPath* {
    const auto at = index.find(location);
    if (at == index.end()) return nullptr;
    const auto found = std::ranges::find(group.paths, at->second, &FleetPath::location);
    return found == group.paths.end() ? nullptr : &*found;
  };
  std::map<std::pair<std::size_t, std::string>, std::uint32_t> vetoes;
  for (const auto& [id, subscription] : subscriptions_) {
    const auto found = groups.find(
        group_id(subscription.asked.provisioning_session_id, subscription.asked.energy_policy_id));
    if (found == groups.end()) continue;
    auto& group = out.groups[found->second];
    ++group.sessions;
    group.demand_mbps += subscription.mbps;
    const auto here = location_of(subscription);
    if (auto* path = path_to(group, here)) path->current_mbps += subscription.mbps;
    if (const auto at = elsewhere.find(here); at != elsewhere.end())
      at->second = std::max(0.0, at->second - subscription.mbps);
    for (const auto& [location, until] : subscription.vetoes)
      if (now < until) ++vetoes[{found->second, location}];
  }
  // Players that only content steering knows, where a policy was named for them. Those without one
  // are in what is measured at each place.
  for (const auto& [name, player] : steered_) {
    const auto found = groups.find(player.group);
    if (found == groups.end() || player.group.ends_with('/')) continue;
    auto& group = out.groups[found->second];
    ++group.sessions;
    group.demand_mbps += settings_.usual_mbps;
    for (const auto& [location, until] : player.vetoes)
      if (now < until) ++vetoes[{found->second, location}];
    const auto* placed = map_.find(name);
    if (placed == nullptr) continue;
    if (auto* path = path_to(group, placed->location)) path->current_mbps += settings_.usual_mbps;
    if (const auto at = elsewhere.find(placed->location); at != elsewhere.end())
      at->second = std::max(0.0, at->second - settings_.usual_mbps);
  }
  // What a few could not play from, all may; where most could not, nobody is sent.
  for (const auto& [at, count] : vetoes) {
    auto& group = out.groups[at.first];
    if (count * 2 <= group.sessions) continue;
    if (auto* path = path_to(group, at.second)) path->vetoed = true;
  }
  for (auto& group : out.groups) {
    if (!group.id.ends_with('/')) continue;
    for (auto& path : group.paths) {
      const auto& name = out.locations[path.location].id;
      path.current_mbps = elsewhere[name] / users[name];
      group.demand_mbps += path.current_mbps;
    }
    group.sessions = static_cast<std::uint32_t>(group.demand_mbps / settings_.usual_mbps);
  }
  return out;
}

void Eiaf::plan(Instant now) {
  // After a start it is first learned who is where: before that, any plan would move everybody.
  if (now < began_ + settings_.plan_every) return;
  planned_ = now;
  if (settings_.locations.empty() || sessions_.empty()) return;
  auto made = planner_.plan(fleet(now), now);
  if (!made) {
    step("1319", "planner", "no plan: " + made.error().detail);
    return;
  }
  plan_ = std::move(*made);
  desire(plan_);
  publish(now);
  step("1319", "planner", plan_.adoption);
}

/// The servers that the plan does not need stand by, the hungriest first; the others are active.
void Eiaf::desire(const PlanTable& plan) {
  if (!settings_.servers_stand_by) return;
  for (const auto& location : plan.locations) {
    std::vector<Server*> here;
    for (auto& [id, server] : servers_) {
      // One that serves several locations stays: what one does not need another may.
      const auto& parts = server.registered.service_locations;
      if (server.registered.can_stand_by.value_or(false) && parts.size() == 1 &&
          parts.front().service_location_id == location.id)
        here.push_back(&server);
    }
    std::ranges::stable_sort(
        here, {}, [](const Server* server) { return server->registered.host.idle_power_w; });
    // Servers that cannot stand by are on whether they are needed or not.
    const auto always_on = servers_at(location.id).size() - here.size();
    for (std::size_t i = 0; i < here.size(); ++i) {
      const auto wanted =
          i + always_on < location.servers || location.state == LocationState::unknown
              ? types::AsState::active
              : types::AsState::standby;
      if (std::exchange(here[i]->desired, wanted) != wanted) configurations_.erase(here[i]->id);
    }
  }
}

const PlanGroup* Eiaf::group_of(std::string_view session, std::string_view policy) const {
  const auto id = group_id(session, policy);
  const auto found = std::ranges::lower_bound(plan_.groups, id, {}, &PlanGroup::id);
  return found != plan_.groups.end() && found->id == id ? &*found : nullptr;
}

}  // namespace lobo::media_energy
