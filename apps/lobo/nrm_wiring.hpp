#pragma once
// The NRM service's ports, filled from the configuration.

#include <string>

#include "config.hpp"
#include "graph/control_plane.hpp"
#include "services/seal_nrm/ports.hpp"

namespace lobo::app {

/// Puts the configured UEs, users and groups in place of what was known.
void replace_ues(ConfiguredUes& ues, const NrmConfig& config);

/// `api_root` is how applications reach us, and how the core does where the configuration does not
/// say otherwise.
Result<seal_nrm::Settings> nrm_settings(const NrmConfig& config, const std::string& api_root);

}  // namespace lobo::app
