#pragma once
// Who wants to hear of energy on E5 (steps 8, 32 and 35f): kind "energy_subscription". It does not
// change; what happens to it is observed. It ends by DELETE, with its provisioning session, or when
// nobody has asked or told anything on it for long (Told "expire").

#include <string_view>

#include "services/media_energy/ports.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::media_energy {

class Eiaf;

inline constexpr std::string_view subscription_kind = "energy_subscription";
inline constexpr std::string_view every_subscription = "energy_subscription";
/// Below the time after which a waiting request is given up.
inline constexpr std::int64_t poll_wait_max_s = 10;

class SubscriptionMachine final : public resource::Machine {
 public:
  /// Both outlive it.
  SubscriptionMachine(const Settings& settings, const Eiaf& eiaf)
      : settings_(settings), eiaf_(eiaf) {}

  std::string_view kind() const override { return subscription_kind; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  Result<resource::Outcome> subscribe(const resource::Record* current, const resource::Key& key,
                                      const resource::Command& command, Instant now,
                                      const resource::Lookup& lookup) const;

  const Settings& settings_;
  const Eiaf& eiaf_;
};

}  // namespace lobo::media_energy
