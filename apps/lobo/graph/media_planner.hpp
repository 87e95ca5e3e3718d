#pragma once
// The planner of src/energy behind the port of services/media_energy: from the state of a fleet to
// a problem, from a plan to the table that steering serves. Keeps the plan before, because a plan
// is worth its change only against that.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "energy/plan.hpp"
#include "energy/problem.hpp"
#include "services/media_energy/ports.hpp"

namespace lobo::app {

class MediaPlanner final : public media_energy::Planner {
 public:
  /// `settings` outlives it.
  explicit MediaPlanner(const media_energy::Settings& settings) : settings_(settings) {}

  Result<media_energy::PlanTable> plan(const media_energy::FleetState& fleet, Instant now) override;
  std::vector<std::string> order(std::string_view session,
                                 const media_energy::PlanGroup& group) const override;
  std::uint64_t hash(std::string_view session) const override;

 private:
  /// Of the groups of one objective.
  struct Kept {
    std::vector<std::string> groups;     ///< by index of the plan
    std::vector<std::string> locations;  ///< the same
    energy::Plan plan;
    Instant adopted{};
    std::vector<std::vector<energy::Flow>> released;  ///< of each group, as last let out
  };
  /// Where each group is let out to, of all objectives together.
  struct Placed {
    const media_energy::FleetGroup* group = nullptr;
    std::vector<energy::Flow> flows;
  };
  Result<void> plan_for(media_energy::Objective objective, const media_energy::FleetState& fleet,
                        Instant now, std::vector<std::uint32_t>& servers_used,
                        std::vector<Placed>& placed, media_energy::PlanTable& out);
  void add_failover(const media_energy::FleetState& fleet, const std::vector<Placed>& placed,
                    const std::vector<std::uint32_t>& servers_used,
                    media_energy::PlanTable& out) const;

  const media_energy::Settings& settings_;
  std::map<media_energy::Objective, Kept> kept_;
  std::uint64_t revision_ = 0;
};

}  // namespace lobo::app
