#pragma once
// Holds a plan against its problem, without the code that made it: conservation, floors, capacity,
// servers, shortages, cost, and the bound that its prices prove.

#include "base/result.hpp"
#include "energy/plan.hpp"
#include "energy/problem.hpp"

namespace lobo::energy {

/// Each broken promise with its place in the plan ("/flows/3", "/certificate/cost"). O(paths).
Result<void> verify(const Problem& problem, const Plan& plan);

}  // namespace lobo::energy
