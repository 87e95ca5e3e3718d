#pragma once
// E3 messages from the agent's values, and back: nothing but the change of form.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_config.hpp"
#include "api/media_e3.hpp"
#include "energy/meter/ledger.hpp"
#include "energy/meter/trigger.hpp"

namespace lobo::app {

/// Step 3: who we are, and the name plate of the host.
api::media_e3::AsRegistration registration_of(const AgentConfig& config, double idle_w);

/// Steps 4 and 30. The same report gives the same message, whenever it is sent.
api::media_e3::AsEnergyReport message_of(const AgentConfig& config,
                                         const energy::meter::Report& report,
                                         const std::string& boot_id);

/// "210" or "210 0.6": g/kWh and the renewable share. Nothing where it is neither.
std::optional<AgentSupply> parse_supply(std::string_view text);

/// The names to be told apart, by location of the configuration; flows at others are not ours.
std::vector<std::vector<std::string>> flows_of(
    const AgentConfig& config, const api::media_e3::EnergyReportingConfiguration& configuration);

/// Triggers that the agent can watch; others are the AF's own to compare.
std::vector<energy::meter::TriggerSettings> triggers_of(
    const api::media_e3::EnergyReportingConfiguration& configuration);

}  // namespace lobo::app
