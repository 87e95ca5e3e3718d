#include "energy/servers.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/rng.hpp"
#include "energy/costs.hpp"
#include "energy/network.hpp"
#include "energy/transport.hpp"

namespace lobo::energy {
namespace {

/// Most promising places that a step of three changes combines.
constexpr std::size_t wide_places_max = 24;
/// Neighbours of one plan that are tried before the search gives up.
constexpr std::size_t neighbours_max = 8192;
/// A gain below this share of the value is none.
constexpr double gain_share_min = 1e-9;

}  // namespace

Servers servers_for_load(const Transport& transport, std::span<const LocationCosts> costs) {
  Servers servers(costs.size());
  for (std::uint32_t p = 0; p < costs.size(); ++p) {
    const double load = transport.load(p);
    if (!(load > 16 * transport.tiny())) continue;
    const double wanted = std::ceil(load / costs[p].server_mbps - 1e-9);
    servers[p] = static_cast<std::uint32_t>(
        std::clamp(wanted, 1.0, std::max(1.0, static_cast<double>(costs[p].servers))));
  }
  return servers;
}

double standing_cost(std::span<const LocationCosts> costs, const Servers& servers) {
  double sum = 0;
  for (std::size_t p = 0; p < costs.size(); ++p) sum += standing_cost(costs[p], servers[p]);
  return sum;
}

void open_relaxed(Transport& transport, std::span<const LocationCosts> costs) {
  for (std::uint32_t p = 0; p < costs.size(); ++p)
    transport.open(p, relaxed_tiers(costs[p], 0, costs[p].servers));
}

void open_perturbed(Transport& transport, std::span<const LocationCosts> costs, double noise,
                    Rng& rng) {
  for (std::uint32_t p = 0; p < costs.size(); ++p) {
    Tiers tiers = relaxed_tiers(costs[p], 0, costs[p].servers);
    const double uniform = static_cast<double>(rng.next() >> 11U) * 0x1p-53;
    tiers.extra_cost *= 1 + noise * (2 * uniform - 1);
    transport.open(p, tiers);
  }
}

ServerSearch::ServerSearch(Transport& transport, std::span<const LocationCosts> costs,
                           double unplaced_max)
    : transport_(transport), costs_(costs), unplaced_max_(unplaced_max), servers_(costs.size()) {}

bool ServerSearch::set(std::uint32_t place, std::uint32_t servers, double rise_max) {
  servers_[place] = servers;
  return transport_.change_tiers(place, fixed_tiers(costs_[place], servers), rise_max);
}

void ServerSearch::fix(const Servers& servers) {
  constexpr double any = std::numeric_limits<double>::infinity();
  // More capacity before less, so that nobody is without a place in between.
  for (std::uint32_t p = 0; p < servers.size(); ++p)
    if (fixed_tiers(costs_[p], servers[p]).base >= transport_.load(p)) set(p, servers[p], any);
  for (std::uint32_t p = 0; p < servers.size(); ++p)
    if (servers_[p] != servers[p] || transport_.tiers(p) != fixed_tiers(costs_[p], servers[p]))
      set(p, servers[p], any);
  transport_.forget_log();
}

bool ServerSearch::take_if_better(const Neighbour& neighbour) {
  const Transport::Mark before = transport_.mark();
  const Servers servers_before = servers_;
  const double value_before = value();
  const double value_wanted = value_before - gain_share_min * std::abs(value_before);
  bool finished = true;
  // Capacity comes before it goes.
  for (const bool more : {true, false})
    for (std::uint32_t i = 0; i < neighbour.count && finished; ++i) {
      const Step& step = neighbour.steps[i];
      if ((step.servers > 0) != more) continue;
      const auto servers = static_cast<std::uint32_t>(
          static_cast<std::int64_t>(servers_[step.place]) + step.servers);
      double rise_max = std::numeric_limits<double>::infinity();
      if (!more) {
        servers_[step.place] = servers;
        // What is still to go may save its standing cost as well.
        double later = 0;
        for (std::uint32_t k = i + 1; k < neighbour.count; ++k)
          if (neighbour.steps[k].servers < 0)
            later += costs_[neighbour.steps[k].place].per_server +
                     costs_[neighbour.steps[k].place].per_site;
        rise_max = value_wanted - value() + later;
      }
      finished = set(step.place, servers, rise_max);
    }
  if (finished && value() < value_wanted &&
      transport_.unplaced() <= unplaced_max_ + 16 * transport_.tiny()) {
    transport_.forget_log();
    return true;
  }
  transport_.rollback(before);
  servers_ = servers_before;
  return false;
}

/// By gain, then by places, so that the order is the same on every machine.
bool ServerSearch::more_promising(const Neighbour& a, const Neighbour& b) {
  if (a.gain_max != b.gain_max) return a.gain_max > b.gain_max;
  for (std::size_t i = 0; i < 3; ++i) {
    if (a.steps[i].place != b.steps[i].place) return a.steps[i].place < b.steps[i].place;
    if (a.steps[i].servers != b.steps[i].servers) return a.steps[i].servers < b.steps[i].servers;
  }
  return false;
}

/// Each step with what it can gain at most: what its servers stand for, less what its capacity is
/// worth at today's prices.
void ServerSearch::list_neighbours(std::vector<Neighbour>& out) {
  out.clear();
  const std::vector<double> price = transport_.prices();
  const double worth = gain_share_min * std::abs(value());
  std::vector<Neighbour> less;
  std::vector<Neighbour> more;
  for (std::uint32_t p = 0; p < costs_.size(); ++p) {
    const LocationCosts& c = costs_[p];
    const double capacity_worth = price[p] * c.server_mbps;
    if (servers_[p] > 0)
      less.push_back(
          {c.per_server + (servers_[p] == 1 ? c.per_site : 0) - capacity_worth, {{p, -1}}, 1});
    if (servers_[p] < c.servers)
      more.push_back(
          {capacity_worth - c.per_server - (servers_[p] == 0 ? c.per_site : 0), {{p, 1}}, 1});
    if (servers_[p] > 1 && c.per_site > 0)
      out.push_back({(c.per_server - capacity_worth) * servers_[p] + c.per_site,
                     {{p, -static_cast<std::int32_t>(servers_[p])}},
                     1});
  }
  std::sort(less.begin(), less.end(), more_promising);
  std::sort(more.begin(), more.end(), more_promising);
  out.insert(out.end(), less.begin(), less.end());
  out.insert(out.end(), more.begin(), more.end());
  for (const Neighbour& a : less)
    for (const Neighbour& b : more) {
      if (a.gain_max + b.gain_max <= worth) break;
      if (a.steps[0].place != b.steps[0].place)
        out.push_back({a.gain_max + b.gain_max, {a.steps[0], b.steps[0]}, 2});
    }
  list_wide(less, more, worth, out);
  std::erase_if(out, [&](const Neighbour& n) { return n.gain_max <= worth; });
  std::sort(out.begin(), out.end(), [](const Neighbour& x, const Neighbour& y) {
    return x.count != y.count ? x.count < y.count : more_promising(x, y);
  });
  if (out.size() > neighbours_max) out.resize(neighbours_max);
}

void ServerSearch::list_wide(const std::vector<Neighbour>& less, const std::vector<Neighbour>& more,
                             double worth, std::vector<Neighbour>& out) {
  const std::size_t fewer = std::min(less.size(), wide_places_max);
  const std::size_t extra = std::min(more.size(), wide_places_max);
  const auto add = [&](const Neighbour& a, const Neighbour& b, const Neighbour& c) {
    const double gain = a.gain_max + b.gain_max + c.gain_max;
    if (gain <= worth || a.steps[0].place == c.steps[0].place ||
        b.steps[0].place == c.steps[0].place || a.steps[0].place == b.steps[0].place)
      return;
    out.push_back({gain, {a.steps[0], b.steps[0], c.steps[0]}, 3});
  };
  for (std::size_t i = 0; i < fewer; ++i)
    for (std::size_t k = i + 1; k < fewer; ++k)
      for (std::size_t m = 0; m < extra; ++m) add(less[i], less[k], more[m]);
  for (std::size_t i = 0; i < fewer; ++i)
    for (std::size_t k = 0; k < extra; ++k)
      for (std::size_t m = k + 1; m < extra; ++m) add(less[i], more[k], more[m]);
}

void ServerSearch::improve(std::uint64_t steps_end) {
  std::vector<Neighbour> neighbours;
  bool better = true;
  while (better && transport_.steps() < steps_end) {
    list_neighbours(neighbours);
    better = false;
    for (const Neighbour& neighbour : neighbours) {
      if (transport_.steps() >= steps_end) return;
      bool possible = true;
      for (std::uint32_t i = 0; i < neighbour.count; ++i) {
        const auto at = static_cast<std::int64_t>(servers_[neighbour.steps[i].place]) +
                        neighbour.steps[i].servers;
        possible = possible && at >= 0 && at <= costs_[neighbour.steps[i].place].servers;
      }
      // Simple steps are taken one after the other on old prices; wider ones begin a new list.
      if (possible && take_if_better(neighbour)) {
        better = true;
        if (neighbour.count > 1) break;
      } else if (neighbour.count > 1 && better) {
        break;
      }
    }
  }
}

}  // namespace lobo::energy
