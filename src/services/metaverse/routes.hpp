#pragma once
// Method and path <-> event, for sessions, subscriptions, policies and SEALDD's callbacks.

#include <vector>

#include "services/metaverse/ports.hpp"
#include "wire/resource/route.hpp"

namespace lobo::metaverse {

/// Both outlive the routes.
std::vector<resource::Route> routes(const Settings& settings, const Parked& parked);

}  // namespace lobo::metaverse
