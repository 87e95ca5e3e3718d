#pragma once
// A provisioning session with all that a provider provisioned for it (M1, step 1): kind
// "media_session", one record, so that it changes and goes as a whole. Representations are kept as
// they came: members that are not known here are shown again.

#include <optional>
#include <string>
#include <string_view>

#include "api/media_m1.hpp"
#include "api/state/media_energy.hpp"
#include "services/media_energy/ports.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::media_energy {

inline constexpr std::string_view session_kind = "media_session";
/// The subject of every session, by which they are found at the start.
inline constexpr std::string_view every_session = "media_session";

class SessionMachine final : public resource::Machine {
 public:
  /// `settings` outlives it.
  explicit SessionMachine(const Settings& settings) : settings_(settings) {}

  std::string_view kind() const override { return session_kind; }
  /// Observe "session" follows each change; its body is the new state, empty when it is gone.
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  const Settings& settings_;
};

/// The session's own representation.
api::media_m1::ProvisioningSession represent(const api::state::media_energy::SessionState& state,
                                             std::string_view id);

/// What belongs to a session, one by one or in a collection.
enum class Part : std::uint8_t { hosting, consumption, exposure, metrics, policy };

/// The last segment of its path: "energy-policies".
std::string_view segment_of(Part part);

/// Its representation as text, or nothing where there is none. `id` counts in collections only.
std::optional<std::string> part_text(const api::state::media_energy::SessionState& state, Part part,
                                     std::string_view id);

/// The kept policy of that id, read; nothing where there is none.
std::optional<api::media_m1::EnergyPolicy> policy_of(
    const api::state::media_energy::SessionState& state, std::string_view id);
std::optional<api::media_m1::ContentHostingConfiguration> hosting_of(
    const api::state::media_energy::SessionState& state);
std::optional<api::media_m1::EnergyInformationExposure> exposure_of(
    const api::state::media_energy::SessionState& state);

}  // namespace lobo::media_energy
