#pragma once
// From a problem to a plan: transport, whole servers, certificate. A pure function: same problem,
// same effort, same plan, on any machine of one kind.

#include <cstdint>

#include "base/result.hpp"
#include "energy/plan.hpp"
#include "energy/problem.hpp"

namespace lobo::energy {

/// How hard to look. One step is a look at one edge of the residual graph, some nanoseconds.
struct Effort {
  std::uint64_t steps_max = 150'000'000;  ///< for all after the transport plan itself
  std::uint32_t starts = 8;               ///< of the local search, small fleets only
  double branch_gap = 1e-4;  ///< small fleets: a plan this much better is not worth a search
  std::uint64_t seed = 1;    ///< of the perturbed starts
  bool operator==(const Effort&) const = default;
};

inline constexpr std::uint32_t starts_max = 64;
inline constexpr Effort incremental{.steps_max = 20'000'000, .starts = 2};

/// The problem's faults, or a plan. Demand that cannot be served is named in it and is no fault.
Result<Plan> make_plan(const Problem& problem, const Effort& effort = {});

/// The same after things have changed a little: the search begins at the servers of the plan
/// before, which is one start more; everything else is computed anew.
Result<Plan> replan(const Problem& problem, const Plan& before, const Effort& effort = incremental);

}  // namespace lobo::energy
