#pragma once
// A monitoring profile that was stored to be used again (T21, T22): kind "monitoring_profile". Made
// by its owner, or by a subscription that brought one along (Tell "store"). It does not change;
// what was subscribed with it goes on when it is gone.

#include "services/seal_nrm/ports.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

class MonitoringProfileMachine final : public resource::Machine {
 public:
  explicit MonitoringProfileMachine(const Settings& settings) : settings_(settings) {}

  std::string_view kind() const override { return "monitoring_profile"; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  const Settings& settings_;
};

}  // namespace lobo::seal_nrm
