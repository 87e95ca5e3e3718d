#pragma once
// The plan for endpoints of content steering, and what they tell of players: kind "media_steering",
// one resource without a stored state. Questions and reports are observed and never committed.

#include <string_view>

#include "services/media_energy/ports.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::media_energy {

inline constexpr std::string_view steering_kind = "media_steering";
inline constexpr std::string_view steering_id = "plan";

class SteeringMachine final : public resource::Machine {
 public:
  std::string_view kind() const override { return steering_kind; }
  /// Observe "plan_poll": state::PlanPoll. Observe "steered": SteeringReports.
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;
};

}  // namespace lobo::media_energy
