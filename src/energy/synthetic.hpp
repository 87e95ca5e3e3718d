#pragma once
// Fleets and audiences to try the planner on: made up, from a seed. Locations of three tiers on a
// map (few central and large, more regional, most at the edge and small), latency from distance,
// four service classes, five bit rates, a grid of its own for each location. For tests, benchmarks
// and demonstrations; what is measured on them says so.

#include <cstdint>

#include "energy/problem.hpp"

namespace lobo::energy {

/// How much of a server's power depends on its load.
enum class Fleet : std::uint8_t {
  wide_range,  ///< 2.1 to 2.8 times as much at full load as idle
  flat_range,  ///< 1.08 times as much: what servers of network media draw
};

struct Synthetic {
  std::uint32_t sessions = 10'000;
  std::uint32_t locations = 20;
  std::uint32_t regions =
      200;                    ///< with four service classes each: at most four times as many groups
  double utilisation = 0.46;  ///< demand / what the fleet may carry
  double placed_share = 1;    ///< of the sessions are somewhere already, at random
  Fleet fleet = Fleet::wide_range;
  std::uint64_t seed = 1;
};

Problem make_synthetic(const Synthetic& synthetic);

}  // namespace lobo::energy
