// What a plan saves on a made-up day, and what happens to a fleet when something changes. Both run
// the planner as the media AF has it (graph/media_planner.hpp) and draw sessions as the steering
// endpoint does (energy/rendezvous.hpp).
//
//   media_energy day TRACE.csv wide|flat on|standby SEED SESSIONS LOCATIONS STEPS
//   media_energy herd plan|greenest TTL_SECONDS SEED
//
// print one JSON object. Everybody is held to the same quality: only paths that meet a group's
// floor are used by anybody, and nobody may be loaded above the same share of its capacity.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/require.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"
#include "energy/plan.hpp"
#include "energy/planner.hpp"
#include "energy/problem.hpp"
#include "energy/rendezvous.hpp"
#include "energy/synthetic.hpp"
#include "graph/media_planner.hpp"
#include "media_herd.hpp"
#include "services/media_energy/ports.hpp"

namespace lobo::bench {
namespace {

using namespace std::chrono_literals;
using media_energy::FleetGroup;
using media_energy::FleetLocation;
using media_energy::FleetState;
using media_energy::LocationState;
using media_energy::PlanTable;
using media_energy::Settings;

constexpr std::size_t zones = 4;
constexpr double utilisation = 0.85;
constexpr double remains =
    0.75;  // of the sessions, over the five minutes of a step: 20 min on average
constexpr std::size_t sample = 5000;  // sessions that are followed one by one

double uniform(Rng& rng) { return static_cast<double>(rng.next() >> 11U) * 0x1p-53; }

// ---- the day ----------------------------------------------------------------------------------

struct Row {
  std::array<double, zones> demand{}, grid{};
};

std::vector<Row> read_trace(const char* path) {
  std::ifstream file(path);
  require(static_cast<bool>(file));
  std::vector<Row> rows;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    const auto words = split(line, ',');
    require(words.size() == 1 + 2 * zones);
    Row row;
    for (std::size_t z = 0; z < zones; ++z) {
      row.demand[z] = std::strtod(std::string(words[1 + z]).c_str(), nullptr);
      row.grid[z] = std::strtod(std::string(words[1 + zones + z]).c_str(), nullptr);
    }
    rows.push_back(row);
  }
  return rows;
}

/// The fleet of a made-up problem as the AF would see it.
FleetState fleet_of(const energy::Problem& problem) {
  FleetState out;
  for (const auto& from : problem.locations) {
    FleetLocation to;
    to.id = from.id;
    to.state = LocationState::active;
    to.servers = from.servers_max;
    to.server_mbps = from.server_mbps;
    to.idle_w = from.idle_w;
    to.max_w = from.max_w;
    to.standby_w = from.standby_w;
    to.pue = from.pue;
    out.locations.push_back(to);
  }
  for (const auto& from : problem.groups) {
    FleetGroup to;
    to.id = from.id;
    to.sessions = from.sessions;
    to.demand_mbps = from.demand_mbps;
    to.latency_ms_max = from.floor.latency_ms_max;
    to.bit_rate_mbps_min = from.floor.bit_rate_mbps_min;
    to.switch_cost_j = 60;
    for (const auto& path : from.paths)
      if (energy::meets_floor(from.floor, path))
        to.paths.push_back({path.location, path.latency_ms, 0, false});
    if (!to.paths.empty()) out.groups.push_back(std::move(to));
  }
  return out;
}

using Flows = std::vector<std::vector<double>>;  // Mbit/s of each group by its path

struct Bill {
  double wh = 0, g = 0, latency = 0, mbps = 0, unmet = 0, over = 0;
};

double capacity_of(const FleetLocation& location) {
  return location.servers * location.server_mbps * utilisation;
}

std::vector<double> loads_of(const FleetState& fleet, const Flows& flows) {
  std::vector<double> load(fleet.locations.size());
  for (std::size_t g = 0; g < flows.size(); ++g)
    for (std::size_t p = 0; p < flows[g].size(); ++p)
      load[fleet.groups[g].paths[p].location] += flows[g][p];
  return load;
}

/// What `hours` of it take. Servers that nobody needs stand by, or are on all the same.
void charge(Bill& bill, const FleetState& fleet, const Flows& flows, bool standby, double hours) {
  const auto load = loads_of(fleet, flows);
  for (std::size_t l = 0; l < load.size(); ++l) {
    const auto& at = fleet.locations[l];
    const double needed = std::ceil(load[l] / (at.server_mbps * utilisation) - 1e-9);
    const double on = standby ? std::min<double>(at.servers, needed) : at.servers;
    const double watts = at.pue * (on * at.idle_w + (at.servers - on) * at.standby_w +
                                   (at.max_w - at.idle_w) * load[l] / at.server_mbps);
    bill.wh += watts * hours;
    bill.g += watts * hours / 1000 * at.carbon_g_per_kwh;
    bill.over += std::max(0.0, load[l] - capacity_of(at) * (1 + 1e-6)) * hours;
  }
  for (std::size_t g = 0; g < flows.size(); ++g) {
    double served = 0;
    for (std::size_t p = 0; p < flows[g].size(); ++p) {
      served += flows[g][p];
      bill.latency += flows[g][p] * fleet.groups[g].paths[p].latency_ms * hours;
    }
    bill.mbps += served * hours;
    bill.unmet += std::max(0.0, fleet.groups[g].demand_mbps - served) * hours;
  }
}

/// Below this no policy can come that serves as much over the same paths at the same utilisation:
/// the certificate of a plan without spares, switching costs or history, and what stand-by draws.
double least_watts(const FleetState& fleet, bool standby, double& made) {
  energy::Problem problem;
  problem.idle_control = standby ? energy::IdleControl::servers : energy::IdleControl::none;
  problem.utilisation_target = utilisation;
  double always = 0;
  for (const auto& from : fleet.locations) {
    always += from.pue * from.servers * (standby ? from.standby_w : from.idle_w);
    problem.locations.push_back({.id = from.id,
                                 .servers_max = from.servers,
                                 .server_mbps = from.server_mbps,
                                 .idle_w = from.idle_w,
                                 .max_w = from.max_w,
                                 .standby_w = from.standby_w,
                                 .pue = from.pue});
  }
  for (const auto& from : fleet.groups) {
    auto& to = problem.groups.emplace_back();
    to.id = from.id;
    to.sessions = from.sessions;
    to.demand_mbps = from.demand_mbps;
    to.floor.latency_ms_max = from.latency_ms_max;
    for (const auto& path : from.paths)
      to.paths.push_back({.location = path.location, .latency_ms = path.latency_ms});
  }
  const auto plan = energy::make_plan(problem);
  require(plan.has_value());
  made = always + plan->certificate.cost;
  return always + plan->certificate.bound;
}

/// Each group fills its places in the order of `cost`, as far as there is room.
Flows fill(const FleetState& fleet,
           const std::function<double(const FleetGroup&, std::size_t)>& cost, Flows flows = {}) {
  flows.resize(fleet.groups.size());
  for (std::size_t g = 0; g < flows.size(); ++g) flows[g].resize(fleet.groups[g].paths.size());
  auto load = loads_of(fleet, flows);
  // Who has the fewest places first: the others find one elsewhere.
  std::vector<std::size_t> order(flows.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](std::size_t g) { return fleet.groups[g].paths.size(); });
  for (const auto g : order) {
    const auto& group = fleet.groups[g];
    double left = group.demand_mbps - std::accumulate(flows[g].begin(), flows[g].end(), 0.0);
    std::vector<std::size_t> ways(group.paths.size());
    std::iota(ways.begin(), ways.end(), 0);
    std::ranges::stable_sort(ways, {}, [&](std::size_t p) { return cost(group, p); });
    for (const auto p : ways) {
      const auto at = group.paths[p].location;
      const double more =
          std::clamp(capacity_of(fleet.locations[at]) - load[at], 0.0, std::max(0.0, left));
      flows[g][p] += more;
      load[at] += more;
      left -= more;
    }
  }
  return flows;
}

double latency(const FleetGroup& group, std::size_t p) { return group.paths[p].latency_ms; }

/// Shares by `weight`, cut where there is no room; the rest to the nearest that has some.
Flows spread(const FleetState& fleet,
             const std::function<double(const FleetGroup&, std::size_t)>& weight) {
  Flows flows;
  for (const auto& group : fleet.groups) {
    auto& of = flows.emplace_back(group.paths.size());
    double sum = 0;
    for (std::size_t p = 0; p < of.size(); ++p) sum += weight(group, p);
    for (std::size_t p = 0; p < of.size(); ++p) of[p] = group.demand_mbps * weight(group, p) / sum;
  }
  const auto load = loads_of(fleet, flows);
  for (std::size_t g = 0; g < flows.size(); ++g)
    for (std::size_t p = 0; p < flows[g].size(); ++p) {
      const auto at = fleet.groups[g].paths[p].location;
      flows[g][p] *= std::min(1.0, capacity_of(fleet.locations[at]) / std::max(1e-9, load[at]));
    }
  return fill(fleet, latency, std::move(flows));
}

/// The plan's shares of today's demand.
Flows flows_of(const FleetState& fleet, const PlanTable& plan) {
  std::map<std::string_view, std::size_t> index;
  for (std::size_t l = 0; l < fleet.locations.size(); ++l) index[fleet.locations[l].id] = l;
  Flows flows;
  for (const auto& group : fleet.groups) {
    auto& of = flows.emplace_back(group.paths.size());
    const auto found =
        std::ranges::lower_bound(plan.groups, group.id, {}, &media_energy::PlanGroup::id);
    if (found == plan.groups.end() || found->id != group.id) continue;
    double sum = 0;
    for (const auto& share : found->shares) sum += share.weight;
    for (const auto& share : found->shares)
      for (std::size_t p = 0; p < of.size(); ++p)
        if (group.paths[p].location == index.at(share.location))
          of[p] = share.weight / sum * (group.demand_mbps - found->short_mbps);
  }
  return flows;
}

/// Sessions that are followed through the day: how often each changes its place.
class Followed {
 public:
  Followed(const FleetState& fleet, Rng& rng) {
    std::vector<double> until;
    for (const auto& group : fleet.groups)
      until.push_back((until.empty() ? 0 : until.back()) + group.demand_mbps);
    for (std::size_t i = 0; i < sample; ++i)
      sessions_.push_back(
          {rng.next(),
           static_cast<std::size_t>(std::ranges::lower_bound(until, uniform(rng) * until.back()) -
                                    until.begin())});
  }
  void look(const FleetState& fleet, const Flows& flows, Rng& rng) {
    std::vector<std::vector<energy::Share>> shares(flows.size());
    for (std::size_t g = 0; g < flows.size(); ++g)
      for (std::size_t p = 0; p < flows[g].size(); ++p)
        shares[g].push_back(
            {energy::stable_hash(fleet.locations[fleet.groups[g].paths[p].location].id),
             flows[g][p]});
    for (auto& one : sessions_) {
      if (uniform(rng) > remains) one = {rng.next(), one.group};  // It ends, another one begins.
      const auto at = energy::pick(one.name, shares[one.group]);
      if (one.at != energy::no_location) {
        ++looks_;
        if (at != one.at) ++switches_;
        if (at != one.at && at == one.before) ++returns_;
      }
      one.before = std::exchange(one.at, at);
    }
  }
  double switches_per_hour(double step_hours) const {
    return static_cast<double>(switches_) / (static_cast<double>(looks_) * step_hours);
  }
  double returns_share() const {
    return static_cast<double>(returns_) / static_cast<double>(std::max<std::uint64_t>(1, looks_));
  }

 private:
  struct Session {
    std::uint64_t name = 0;
    std::size_t group = 0;
    std::size_t at = energy::no_location, before = energy::no_location;
  };
  std::vector<Session> sessions_;
  std::uint64_t looks_ = 0, switches_ = 0, returns_ = 0;
};

std::string text_of(std::string_view name, const Bill& bill, const Bill& nearest) {
  return fmt::format(
      R"("{}":{{"kwh":{:.3f},"kg":{:.4f},"latency_ms":{:.2f},"unmet_share":{:.6f},"over_mbps_h":{:.3f},)"
      R"("energy_vs_nearest":{:.4f},"carbon_vs_nearest":{:.4f}}})",
      name, bill.wh / 1000, bill.g / 1000, bill.latency / bill.mbps,
      bill.unmet / (bill.unmet + bill.mbps), bill.over, bill.wh / nearest.wh - 1,
      bill.g / nearest.g - 1);
}

int day(std::span<char*> words) {
  const auto rows = read_trace(words[0]);
  const bool standby = words[2] == std::string_view("standby");
  const energy::Synthetic wanted{.sessions = static_cast<std::uint32_t>(std::atoi(words[4])),
                                 .locations = static_cast<std::uint32_t>(std::atoi(words[5])),
                                 .regions = 40,
                                 .utilisation = 0.55,
                                 .placed_share = 0,
                                 .fleet = words[1] == std::string_view("wide")
                                              ? energy::Fleet::wide_range
                                              : energy::Fleet::flat_range,
                                 .seed = static_cast<std::uint64_t>(std::atoi(words[3]))};
  const auto step =
      std::max<std::size_t>(1, rows.size() / static_cast<std::size_t>(std::atoi(words[6])));
  const double hours = 24.0 * static_cast<double>(step) / static_cast<double>(rows.size());
  SeededRng rng{wanted.seed};
  auto fleet = fleet_of(energy::make_synthetic(wanted));
  std::vector<double> peak;
  std::vector<std::size_t> zone_of;
  for (const auto& group : fleet.groups) {
    peak.push_back(group.demand_mbps);
    const auto nearest =
        std::ranges::min_element(group.paths, {}, &media_energy::FleetPath::latency_ms);
    zone_of.push_back(nearest->location % zones);
  }
  Followed followed(fleet, rng), by_carbon(fleet, rng);
  std::map<std::string_view, Bill> bills;
  Settings settings;
  settings.servers_stand_by = standby;
  settings.utilisation = utilisation;
  settings.release_share = 0.5;
  app::MediaPlanner energy_planner(settings), carbon_planner(settings);
  Flows mine, green;
  double least_wh = 0, optimum_wh = 0;
  Instant now{24h};
  for (std::size_t at = 0; at < rows.size(); at += step) {
    const auto& row = rows[at];
    for (std::size_t l = 0; l < fleet.locations.size(); ++l)
      fleet.locations[l].carbon_g_per_kwh = row.grid[l % zones];
    for (std::size_t g = 0; g < fleet.groups.size(); ++g) {
      auto& group = fleet.groups[g];
      group.demand_mbps = peak[g] * row.demand[zone_of[g]];
      group.sessions = static_cast<std::uint32_t>(group.demand_mbps / 4);
    }
    // One plan stands for the ten that half minutes make of five minutes: as much may move as with
    // those. It sees where sessions are because it sent them there.
    now += std::chrono::seconds{static_cast<std::int64_t>(hours * 3600)};
    const auto planned = [&](app::MediaPlanner& planner, Flows& flows,
                             media_energy::Objective objective) {
      for (std::size_t g = 0; g < fleet.groups.size(); ++g) {
        auto& group = fleet.groups[g];
        group.objective = objective;
        const double sum =
            g < flows.size() ? std::accumulate(flows[g].begin(), flows[g].end(), 0.0) : 0.0;
        for (std::size_t p = 0; p < group.paths.size(); ++p)
          group.paths[p].current_mbps = sum > 0 ? flows[g][p] / sum * group.demand_mbps : 0;
      }
      const auto plan = planner.plan(fleet, now);
      require(plan.has_value());
      flows = flows_of(fleet, *plan);
    };
    planned(energy_planner, mine, media_energy::Objective::energy);
    planned(carbon_planner, green, media_energy::Objective::carbon);
    double optimum = 0;
    least_wh += least_watts(fleet, standby, optimum) * hours;
    optimum_wh += optimum * hours;
    charge(bills["plan_energy"], fleet, mine, standby, hours);
    charge(bills["plan_carbon"], fleet, green, standby, hours);
    charge(bills["nearest"], fleet, fill(fleet, latency), standby, hours);
    charge(bills["round_robin"], fleet, spread(fleet, [](const auto&, std::size_t) { return 1.0; }),
           standby, hours);
    charge(
        bills["latency_only"], fleet,
        spread(fleet, [](const auto& group,
                         std::size_t p) { return 1 / std::max(1.0, group.paths[p].latency_ms); }),
        standby, hours);
    charge(bills["greenest_first"], fleet,
           fill(fleet,
                [&](const auto& group, std::size_t p) {
                  const auto& there = fleet.locations[group.paths[p].location];
                  return there.carbon_g_per_kwh * there.pue * there.max_w / there.server_mbps;
                }),
           standby, hours);
    followed.look(fleet, mine, rng);
    by_carbon.look(fleet, green, rng);
  }
  std::string out = fmt::format(
      R"({{"least":{{"kwh":{:.3f},"energy_vs_nearest":{:.4f},"planned_anew_vs_nearest":{:.4f}}},)",
      least_wh / 1000, least_wh / bills["nearest"].wh - 1, optimum_wh / bills["nearest"].wh - 1);
  for (const auto& [name, bill] : bills) out += text_of(name, bill, bills["nearest"]) + ',';
  out +=
      fmt::format(R"("switches_per_session_hour":{{"plan_energy":{:.4f},"plan_carbon":{:.4f}}},)"
                  R"("back_within_two_steps_share":{{"plan_energy":{:.5f},"plan_carbon":{:.5f}}},)"
                  R"("step_minutes":{:.1f},"locations":{},"groups":{}}})",
                  followed.switches_per_hour(hours), by_carbon.switches_per_hour(hours),
                  followed.returns_share(), by_carbon.returns_share(), hours * 60,
                  fleet.locations.size(), fleet.groups.size());
  std::puts(out.c_str());
  return 0;
}

}  // namespace
}  // namespace lobo::bench

int main(int count, char** words) {
  const std::span<char*> all(words, static_cast<std::size_t>(count));
  if (count == 9 && all[1] == std::string_view("day")) return lobo::bench::day(all.subspan(2));
  if (count == 5 && all[1] == std::string_view("herd")) return lobo::bench::herd(all.subspan(2));
  std::fputs(
      "media_energy day TRACE wide|flat on|standby SEED SESSIONS LOCATIONS STEPS\n"
      "media_energy herd plan|greenest TTL SEED\n",
      stderr);
  return 2;
}
