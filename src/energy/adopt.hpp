#pragma once
// Between two plans: whether the new one is worth it, and how much of it is let out at once. Both
// work against the herd, and both give way where the old state is not allowed to last.

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <vector>

#include "energy/plan.hpp"
#include "energy/problem.hpp"

namespace lobo::energy {

// ---- hysteresis
// --------------------------------------------------------------------------------------

struct AdoptionRules {
  double saving_share_min = 0.03;        ///< a new plan saves more than this share
  std::chrono::seconds spacing_min{60};  ///< and comes at least so long after the last
};

enum class Adoption : std::uint8_t {
  adopted,         ///< saves enough, and is not too soon
  adopted_forced,  ///< the old plan cannot be kept: floor, capacity or a location is broken
  kept_saves_little,
  kept_too_soon,
};

constexpr std::string_view to_string(Adoption adoption) {
  switch (adoption) {
    case Adoption::adopted: return "adopted";
    case Adoption::adopted_forced: return "adopted_forced";
    case Adoption::kept_saves_little: return "kept_saves_little";
    case Adoption::kept_too_soon: return "kept_too_soon";
  }
  std::abort();
}

/// What the old plan's shares cost under today's problem, comparable with Certificate::cost;
/// nothing if they cannot be kept, or serve less than `after` does.
std::optional<double> cost_of_keeping(const Problem& problem, const Plan& before,
                                      const Plan& after);

Adoption decide(const Problem& problem, const Plan& before, const Plan& after,
                std::chrono::seconds since_last, const AdoptionRules& rules = {});

// ---- release limit
// -----------------------------------------------------------------------------------

struct ReleaseLimit {
  double share_of_demand = 0.05;    ///< that may move in one release
  double share_of_capacity = 0.10;  ///< of a location, that may arrive there in one release
};

struct Release {
  std::vector<std::vector<Flow>>
      flows;  ///< of each group: the shares to hash by until the next release
  std::vector<std::uint32_t> servers;  ///< that carry them
  double fraction = 0;                 ///< of the way from where sessions are to the plan
  double forced_mbps =
      0;  ///< that had to move whatever the limit: floor or location is gone, or new
  bool limit_exceeded = false;  ///< relief of an overloaded location took more
  bool operator==(const Release&) const = default;
};

/// The plan, as far as the limit lets it. Who cannot stay goes to the plan at once, everybody else
/// by interpolation of shares between Path::current_mbps and the plan. The load of a location is
/// then never above both its load before and its planned load; where it is above its capacity
/// before, as much moves as relieves it.
Release release(const Problem& problem, const Plan& plan, const ReleaseLimit& limit = {});

}  // namespace lobo::energy
