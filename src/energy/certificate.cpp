#include "energy/certificate.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "energy/network.hpp"

namespace lobo::energy {
namespace {

using Piece = std::pair<double, double>;  // cost of one Mbit/s, how many of them

/// Fills the demand from the cheapest piece: what is there already costs no switching, the rest
/// goes where cost, price and switching together are least.
double cheapest_way(std::span<const Arc> arcs, double demand, std::span<const double> prices,
                    std::vector<Piece>& pieces) {
  double rest = std::numeric_limits<double>::infinity();
  for (const Arc& arc : arcs) rest = std::min(rest, arc.cost + prices[arc.place] + arc.switch_cost);
  pieces.clear();
  for (const Arc& arc : arcs) {
    const double cost = arc.cost + prices[arc.place];
    if (arc.current > 0 && cost < rest) pieces.emplace_back(cost, arc.current);
  }
  std::sort(pieces.begin(), pieces.end());
  double sum = 0;
  for (const auto& [cost, mbps] : pieces) {
    const double taken = std::min(demand, mbps);
    sum += cost * taken;
    demand -= taken;
  }
  return demand > 0 ? sum + rest * demand : sum;
}

}  // namespace

double lower_bound(const Network& network, std::span<const Tiers> tiers,
                   std::span<const double> prices) {
  std::vector<double> price(prices.begin(), prices.end());
  price[network.nowhere()] = 0;
  std::vector<Piece> pieces;
  double bound = 0;
  for (std::uint32_t g = 0; g < network.groups(); ++g)
    bound += cheapest_way(network.of(g), network.demand[g], price, pieces);
  for (std::uint32_t p = 0; p + 1 < network.places; ++p) {
    const double at_base = -price[p] * tiers[p].base;
    const double at_all = at_base + (tiers[p].extra_cost - price[p]) * tiers[p].extra;
    bound += std::min({0.0, at_base, at_all});
  }
  return bound;
}

}  // namespace lobo::energy
