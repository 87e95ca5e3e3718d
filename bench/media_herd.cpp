#include "media_herd.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/require.hpp"
#include "base/rng.hpp"
#include "energy/rendezvous.hpp"
#include "graph/media_planner.hpp"
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

constexpr double utilisation = 0.85;

double uniform(Rng& rng) { return static_cast<double>(rng.next() >> 11U) * 0x1p-53; }

constexpr std::size_t herd_sessions = 20'000;
constexpr double herd_mbps = 4;
constexpr auto herd_tick = 1s;
constexpr int event_at = 1200;    // seconds: the greenest place's grid gets the dirtiest
constexpr int loss_at = 2400;     // a place is gone, all at once
constexpr int return_at = 3600;   // and comes back
constexpr int restart_at = 4800;  // the AF begins anew, and has to learn who is where
constexpr int herd_end = 6000;
constexpr int report_age = 10;  // seconds: how old what is known of load is

/// Six places, any of which may serve anybody; the fleet is used by 0.55 when all are there.
FleetState herd_fleet() {
  FleetState out;
  const std::array<double, 6> sizes{1.6, 1.2, 1, 1, 0.8, 0.8};
  const double all = std::accumulate(sizes.begin(), sizes.end(), 0.0);
  FleetGroup group;
  group.id = "s/p";
  group.objective = media_energy::Objective::carbon;
  group.latency_ms_max = 100;
  group.switch_cost_j = 60;
  for (std::uint32_t l = 0; l < sizes.size(); ++l) {
    FleetLocation to;
    to.id = fmt::format("SL{}", l + 1);
    to.state = LocationState::active;
    to.server_mbps = 1000;
    to.servers = static_cast<std::uint32_t>(
        std::ceil(herd_sessions * herd_mbps / 0.55 * sizes[l] / all / to.server_mbps));
    to.idle_w = 100;
    to.max_w = 220;
    to.standby_w = 8;
    to.pue = 1.2;
    to.carbon_g_per_kwh = 100 + 80 * l;
    out.locations.push_back(to);
    group.paths.push_back({l, 20, 0, false});
  }
  group.sessions = herd_sessions;
  group.demand_mbps = herd_sessions * herd_mbps;
  out.groups.push_back(std::move(group));
  return out;
}

struct Player {
  std::uint64_t name = 0;
  std::size_t at = 0;
  int next = 0;
};

struct Phase {
  std::string_view name;
  int from = 0, until = 0;
  double peak = 0;
  double over_s = 0;
  std::uint64_t switches = 0;
  int last_over = 0;
};

/// A group of the plan with its locations as numbers.
struct Hashed {
  struct Next {
    std::vector<energy::Share> weights;
    std::vector<std::size_t> names;
  };
  std::vector<energy::Share> shares, reserve;
  std::vector<std::size_t> names;  ///< of the shares, then of the reserve
  std::vector<Next> failover;      ///< of each share
};

std::size_t place_of(std::string_view id) { return static_cast<std::size_t>(id.back() - '1'); }

Hashed hashed(const media_energy::PlanGroup& group) {
  Hashed out;
  for (const auto* list : {&group.shares, &group.reserve})
    for (const auto& share : *list) {
      (list == &group.shares ? out.shares : out.reserve)
          .push_back({energy::stable_hash(share.location), share.weight});
      out.names.push_back(place_of(share.location));
    }
  for (const auto& share : group.shares) {
    auto& next = out.failover.emplace_back();
    for (const auto& way : group.failover)
      for (const auto& to : way.to) {
        if (way.lost != share.location) continue;
        next.weights.push_back({energy::stable_hash(to.location), to.weight});
        next.names.push_back(place_of(to.location));
      }
  }
  return out;
}

}  // namespace

int herd(std::span<char*> words) {
  const bool planned = words[0] == std::string_view("plan");
  const int ttl = std::atoi(words[1]);
  SeededRng rng{static_cast<std::uint64_t>(std::atoi(words[2]))};
  Settings settings;
  settings.utilisation = utilisation;
  auto planner = std::make_unique<app::MediaPlanner>(settings);
  auto fleet = herd_fleet();
  const std::size_t places = fleet.locations.size();
  std::vector<Player> players(herd_sessions);
  for (std::size_t i = 0; i < players.size(); ++i)
    players[i] = {rng.next(), i % places,
                  static_cast<int>(rng.next() % static_cast<unsigned>(ttl))};
  std::vector<Phase> phases{{"settled", 600, event_at},
                            {"signal_step", event_at, loss_at},
                            {"loss", loss_at, return_at},
                            {"return", return_at, restart_at},
                            {"restart", restart_at, herd_end}};
  PlanTable plan;
  Instant now{24h};
  int learned_from = 0;
  std::vector<double> noise(places, 1);
  std::vector<std::vector<double>> history;
  const auto loads = [&] {
    std::vector<double> out(places);
    for (const auto& player : players) out[player.at] += herd_mbps;
    return out;
  };
  const auto capacity = [&](std::size_t l) {
    return fleet.locations[l].servers * fleet.locations[l].server_mbps;
  };
  bool lost = false;
  for (int second = 0; second < herd_end; ++second, now += herd_tick) {
    if (second == event_at) fleet.locations[0].carbon_g_per_kwh = 900;
    lost = second >= loss_at && second < return_at;
    if (second == restart_at) {  // It knows nothing, and moves nobody before a planning interval.
      planner = std::make_unique<app::MediaPlanner>(settings);
      learned_from = second;
    }
    const auto load = loads();
    history.push_back(load);
    const auto& known = history[history.size() > report_age ? history.size() - 1 - report_age : 0];
    if (second % 60 == 0)
      for (auto& one : noise) one = 1 + 0.12 * (2 * uniform(rng) - 1);
    // Steering goes on with the plan that it has while the AF learns.
    if (second % 30 == 0 && second - learned_from >= (learned_from > 0 ? 30 : 0)) {
      auto seen = fleet;
      for (std::size_t l = 0; l < places; ++l) {
        seen.locations[l].carbon_g_per_kwh *= noise[l];
        seen.groups[0].paths[l].current_mbps = load[l];
      }
      // Three missed reports of 10 s: until then nobody knows that the place is gone.
      if (lost && second >= loss_at + 3 * report_age) {
        seen.locations[1].state = LocationState::down;
        seen.groups[0].paths[1].current_mbps = 0;
      }
      auto made = planner->plan(seen, now);
      require(made.has_value());
      plan = std::move(*made);
    }
    // What a player is told: the place that it is drawn to, then where the plan has room for those
    // who lose that one, then the rest (energy/steering/answer.cpp).
    const auto table = hashed(plan.groups[0]);
    const auto first_alive = [&](std::uint64_t session) {
      const auto drawn = energy::pick(session, table.shares);
      const auto alive = [&](std::size_t place) { return !(lost && place == 1); };
      if (alive(table.names[drawn])) return table.names[drawn];
      const auto& next = table.failover[drawn];
      for (const auto rank :
           energy::failover_ranks(session, table.shares[drawn].location, next.weights))
        if (alive(next.names[rank])) return next.names[rank];
      for (const auto rank : energy::ranks(session, table.shares, table.reserve))
        if (alive(table.names[rank])) return table.names[rank];
      return table.names[drawn];
    };
    std::vector<std::size_t> green(places);
    std::iota(green.begin(), green.end(), 0);
    std::ranges::stable_sort(green, {}, [&](std::size_t l) {
      const bool full = known[l] > utilisation * capacity(l);
      return std::pair(full ? 1 : 0, fleet.locations[l].carbon_g_per_kwh * noise[l]);
    });
    for (auto& player : players) {
      // A player whose place is dead does not wait for its poll: it takes its next one.
      const bool stranded = lost && player.at == 1;
      if (!stranded && second < player.next) continue;
      player.next = second + static_cast<int>(ttl * (0.8 + 0.4 * uniform(rng)));
      std::size_t to = player.at;
      if (planned) {
        to = first_alive(player.name);
      } else {
        for (const auto l : green)
          if (!(lost && l == 1)) {
            to = l;
            break;
          }
      }
      if (to == player.at) continue;
      player.at = to;
      for (auto& phase : phases)
        if (second >= phase.from && second < phase.until) ++phase.switches;
    }
    const auto after = loads();
    for (auto& phase : phases) {
      if (second < phase.from || second >= phase.until) continue;
      bool over = false;
      for (std::size_t l = 0; l < places; ++l) {
        if (lost && l == 1) continue;
        phase.peak = std::max(phase.peak, after[l] / capacity(l));
        over = over || after[l] > capacity(l);
      }
      if (over) {
        phase.over_s += 1;
        phase.last_over = second - phase.from;
      }
    }
  }
  std::string out = fmt::format(R"({{"policy":"{}","ttl_s":{})", words[0], ttl);
  for (const auto& phase : phases)
    out += fmt::format(
        R"(,"{}":{{"peak":{:.3f},"overload_s":{:.0f},"over_until_s":{},"switches_per_session_hour":{:.3f}}})",
        phase.name, phase.peak, phase.over_s, phase.last_over,
        static_cast<double>(phase.switches) / herd_sessions * 3600 / (phase.until - phase.from));
  std::puts((out + '}').c_str());
  return 0;
}

}  // namespace lobo::bench
