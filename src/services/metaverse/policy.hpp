#pragma once
// A policy (precondition 0): kind "mm_policy". Each change is told to all live sessions, which
// resolve themselves again: a session that it does not concern comes to the same result and stays
// as it is.

#include <string_view>

#include "services/metaverse/ports.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::metaverse {

inline constexpr std::string_view policy_kind = "mm_policy";
/// The subject of every policy, by which they are found at the start.
inline constexpr std::string_view every_policy = "mm_policy";

class PolicyMachine final : public resource::Machine {
 public:
  /// `settings` outlives it.
  explicit PolicyMachine(const Settings& settings) : settings_(settings) {}

  std::string_view kind() const override { return policy_kind; }
  /// Observe "policy" follows each change; its body is the new state, empty when it is gone.
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  const Settings& settings_;
};

}  // namespace lobo::metaverse
