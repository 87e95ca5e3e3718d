#pragma once
// What a distribution of load over locations draws, in all: what a plan cannot change included.

#include <cstdint>
#include <span>
#include <vector>

#include "energy/plan.hpp"
#include "energy/problem.hpp"

namespace lobo::energy {

/// Locations that are down are taken to draw nothing. Under IdleControl::none all servers are
/// powered, whatever `servers` says.
Figures figures_of(const Problem& problem, std::span<const std::vector<Flow>> flows,
                   std::span<const std::uint32_t> servers);

}  // namespace lobo::energy
