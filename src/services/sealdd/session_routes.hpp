#pragma once
// Method and path <-> event, for the sessions of the SEALDD server.

#include <string_view>

#include "services/sealdd/ports.hpp"
#include "wire/resource/route_steps.hpp"

namespace lobo::sealdd {

/// Of an operation of api/sdd_das.yaml. `settings` outlives it.
resource::Handle session_handle(std::string_view id, const Settings& settings);

}  // namespace lobo::sealdd
