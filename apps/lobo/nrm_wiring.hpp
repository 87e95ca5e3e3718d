#pragma once
// The NRM service's ports, filled from the configuration.

#include <optional>
#include <string>
#include <string_view>

#include "api/state/seal_nrm.hpp"
#include "config.hpp"
#include "graph/control_plane.hpp"
#include "services/seal_nrm/ports.hpp"

namespace lobo::app {

/// Puts the configured UEs, users and groups in place of what was known.
void replace_ues(ConfiguredUes& ues, const NrmConfig& config);

/// As the service keeps addresses: spelt one way. Nothing where the text is none.
std::optional<api::state::seal_nrm::UeAddress> ue_address_of(std::string_view text);

/// `api_root` is how applications reach us, and how the core does where the configuration does not
/// say otherwise.
Result<seal_nrm::Settings> nrm_settings(const NrmConfig& config, const std::string& api_root);

}  // namespace lobo::app
