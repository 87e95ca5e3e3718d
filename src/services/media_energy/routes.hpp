#pragma once
// Method and path <-> event, for M1, M5, E3 and E5.

#include <vector>

#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/ports.hpp"
#include "wire/resource/route.hpp"

namespace lobo::media_energy {

/// Both outlive the routes.
std::vector<resource::Route> routes(const Settings& settings, const Eiaf& eiaf);

}  // namespace lobo::media_energy
