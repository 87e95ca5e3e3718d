#pragma once
// Method and path <-> event, for ss-nra unicast subscriptions and the core's callbacks about them.

#include <cstddef>
#include <vector>

#include "services/seal_nrm/ports.hpp"
#include "wire/resource/route.hpp"

namespace lobo::seal_nrm {

inline constexpr std::size_t list_limit_default = 100;
inline constexpr std::size_t list_limit_max = 1000;

/// `settings` outlives the routes.
std::vector<resource::Route> routes(const Settings& settings);

}  // namespace lobo::seal_nrm
