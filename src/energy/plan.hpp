#pragma once
// What the planner answers: who is served from where, by how many servers, what that costs, who
// goes short, and how far from the best plan it can be at most.

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "energy/problem.hpp"

namespace lobo::energy {

struct Flow {
  std::uint32_t location = 0;
  double mbps = 0;
  bool operator==(const Flow&) const = default;
};

enum class ShortageCause : std::uint8_t {
  no_path_meets_floor,  ///< no usable location is good enough for the group
  no_capacity,          ///< those that are good enough are full
};

constexpr std::string_view to_string(ShortageCause cause) {
  switch (cause) {
    case ShortageCause::no_path_meets_floor: return "no_path_meets_floor";
    case ShortageCause::no_capacity: return "no_capacity";
  }
  std::abort();
}

/// Demand of a group that no plan can place. The planner places as much as can be placed.
struct Shortage {
  std::uint32_t group = 0;
  double mbps = 0;
  ShortageCause cause{};
  bool operator==(const Shortage&) const = default;
};

/// No plan that serves as much costs less than `bound`; this one costs `cost`. Anybody can compute
/// `bound_by_prices` again from the problem and the prices (verify() does). Where branching has
/// raised it to `bound`, the difference rests on the search having been exhaustive.
struct Certificate {
  double cost = 0;             ///< of the plan: what can be controlled, and the cost of switching
  double bound_by_prices = 0;  ///< by weak duality, from `prices` alone
  double bound = 0;            ///< at least that
  double gap = 0;              ///< (cost - bound) / cost; 0 if the plan costs nothing
  std::vector<double> prices;  ///< of one Mbit/s of capacity at each location: the dual values
  bool operator==(const Certificate&) const = default;
};

/// All that is drawn, what no plan can change included.
struct Figures {
  double power_w = 0;
  double carbon_g_per_h = 0;
  double price_per_h = 0;
  bool operator==(const Figures&) const = default;
};

struct Plan {
  std::vector<std::vector<Flow>> flows;  ///< of each group, by location, all above zero
  std::vector<std::uint32_t> servers;    ///< to be powered at each location
  std::vector<Shortage> shortages;       ///< by group
  double moved_mbps = 0;                 ///< beyond what is there already
  bool spares_used = false;              ///< demand took the spare servers as well
  Figures figures;
  Certificate certificate;
  std::uint64_t steps = 0;  ///< work done: edges of the residual graph looked at
  bool operator==(const Plan&) const = default;
};

}  // namespace lobo::energy
