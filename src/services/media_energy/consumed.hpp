#pragma once
// What was consumed under one policy (its budget, its measurement window): kind "media_consumed".
// Written now and then, so that a process that was killed forgets little of it.

#include <string>
#include <string_view>

#include "wire/resource/machine.hpp"

namespace lobo::media_energy {

inline constexpr std::string_view consumed_kind = "media_consumed";
inline constexpr std::string_view every_consumed = "consumed";

/// Of a policy of a provisioning session.
std::string consumed_id(std::string_view session, std::string_view policy);

class ConsumedMachine final : public resource::Machine {
 public:
  std::string_view kind() const override { return consumed_kind; }
  /// Told "consumed" (ConsumedState) and "end".
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;
};

}  // namespace lobo::media_energy
