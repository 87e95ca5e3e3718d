#pragma once
// A subscription to events of sessions (step 7): kind "mm_subscription", found by its owner.

#include <string_view>

#include "services/metaverse/ports.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::metaverse {

inline constexpr std::string_view subscription_kind = "mm_subscription";

class SubscriptionMachine final : public resource::Machine {
 public:
  /// `settings` outlives it.
  explicit SubscriptionMachine(const Settings& settings) : settings_(settings) {}

  std::string_view kind() const override { return subscription_kind; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  const Settings& settings_;
};

}  // namespace lobo::metaverse
