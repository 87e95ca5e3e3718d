#pragma once
// Method and path <-> event, for the APIs of the SEALDD server.

#include <vector>

#include "services/sealdd/nodes.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/resource/route.hpp"

namespace lobo::sealdd {

/// Both outlive the routes.
std::vector<resource::Route> routes(const Settings& settings, const Nodes& nodes);

}  // namespace lobo::sealdd
