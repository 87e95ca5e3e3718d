#pragma once
// Method and path <-> event, for reliable transmissions.

#include <functional>
#include <string_view>

#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/resource/route.hpp"

namespace lobo::seal_nrm {

/// Null where it is no operation of api/nra_reliable.yaml. `settings` outlives it.
std::function<Result<resource::Decision>(const resource::RouteContext&)> reliable_route(
    std::string_view operation, const Settings& settings);

}  // namespace lobo::seal_nrm
