#include "energy/failover.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "energy/costs.hpp"
#include "energy/network.hpp"
#include "energy/plan.hpp"
#include "energy/problem.hpp"
#include "energy/transport.hpp"

namespace lobo::energy {
namespace {

/// From even to full: the first at which everybody has a place is taken, so that what sessions are
/// drawn to by chance finds room as well. Beyond 0.95 only where there is no room below.
constexpr std::array levels{0.70, 0.80, 0.85, 0.90, failover_load_max, 1.0};

class Losses {
 public:
  Losses(const Problem& problem, const std::vector<std::vector<Flow>>& flows,
         const std::vector<std::uint32_t>& servers)
      : problem_(problem),
        servers_(servers),
        load_(problem.locations.size()),
        users_(problem.locations.size()) {
    for (std::uint32_t g = 0; g < flows.size(); ++g)
      for (const Flow& flow : flows[g]) {
        load_[flow.location] += flow.mbps;
        users_[flow.location].push_back({g, flow.mbps});
      }
    const auto costs = location_costs(problem, 0);
    for (const LocationCosts& c : costs) dearest_ = std::max(dearest_, c.per_mbps);
    for (const LocationCosts& c : costs) cost_.push_back(dearest_ > 0 ? c.per_mbps / dearest_ : 0);
  }

  Failover run() {
    out_.ways.resize(problem_.groups.size());
    out_.peak.resize(load_.size());
    out_.homeless_mbps.resize(load_.size());
    for (std::uint32_t lost = 0; lost < load_.size(); ++lost)
      if (!users_[lost].empty()) lose(lost);
    return std::move(out_);
  }

 private:
  struct User {
    std::uint32_t group = 0;
    double mbps = 0;
  };

  double full(std::uint32_t place) const {
    const Location& at = problem_.locations[place];
    return at.server_mbps * at.servers_max;
  }

  /// What a place may take at a level: its powered servers for nothing, those that must be woken at
  /// a price that no detour over powered ones reaches.
  Tiers tiers(std::uint32_t place, double level) const {
    const Location& at = problem_.locations[place];
    const double powered = at.server_mbps * std::min(servers_[place], at.servers_max);
    const double base = std::max(0.0, level * powered - load_[place]);
    return {.base = base,
            .extra = std::max(0.0, level * full(place) - load_[place] - base),
            .extra_cost = static_cast<double>(load_.size()) + 2};
  }

  Network network_without(std::uint32_t lost) const {
    Network network;
    network.places = static_cast<std::uint32_t>(load_.size() + 1);
    network.first.push_back(0);
    // No chain of moves costs more than an arc and a woken server for each place on it.
    const auto places = static_cast<double>(network.places);
    const double nowhere = (places + 2) * (places + 4);
    for (const User& user : users_[lost]) {
      const Group& group = problem_.groups[user.group];
      network.demand.push_back(user.mbps);
      network.total += user.mbps;
      for (const Path& path : group.paths)
        if (path.location != lost && full(path.location) > 0 &&
            problem_.locations[path.location].state == LocationState::active &&
            meets_floor(group.floor, path))
          network.arcs.push_back({.place = path.location, .cost = cost_[path.location]});
      network.arcs.push_back({.place = network.nowhere(), .cost = nowhere});
      network.first.push_back(static_cast<std::uint32_t>(network.arcs.size()));
    }
    return network;
  }

  void lose(std::uint32_t lost) {
    const Network network = network_without(lost);
    for (const double level : levels) {
      Transport transport(network);
      for (std::uint32_t p = 0; p + 1 < network.places; ++p) transport.open(p, tiers(p, level));
      transport.place_all();
      if (level != levels.back() && transport.unplaced() > 1e-9 * network.total) continue;
      read(lost, transport);
      return;
    }
  }

  void read(std::uint32_t lost, const Transport& transport) {
    const Network& network = transport.network();
    for (std::uint32_t i = 0; i < users_[lost].size(); ++i) {
      auto& way = out_.ways[users_[lost][i].group].emplace_back();
      way.lost = lost;
      for (std::uint32_t a = network.first[i]; a + 1 < network.first[i + 1]; ++a)
        if (transport.flow(a) > transport.tiny())
          way.to.push_back({network.arcs[a].place, transport.flow(a)});
      std::ranges::sort(way.to, {}, &Flow::location);
    }
    out_.homeless_mbps[lost] =
        transport.unplaced() > 1e-9 * network.total ? transport.unplaced() : 0;
    for (std::uint32_t p = 0; p < load_.size(); ++p)
      if (p != lost && full(p) > 0)
        out_.peak[lost] = std::max(out_.peak[lost], (load_[p] + transport.load(p)) / full(p));
  }

  const Problem& problem_;
  const std::vector<std::uint32_t>& servers_;
  std::vector<double> load_;
  std::vector<std::vector<User>> users_;  ///< of each location
  std::vector<double> cost_;              ///< of a Mbit/s at each location, the dearest is 1
  double dearest_ = 0;
  Failover out_;
};

}  // namespace

Failover plan_failover(const Problem& problem, const std::vector<std::vector<Flow>>& flows,
                       const std::vector<std::uint32_t>& servers) {
  return Losses(problem, flows, servers).run();
}

}  // namespace lobo::energy
