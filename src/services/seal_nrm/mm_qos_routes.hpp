#pragma once
// Method and path <-> event, for QoS of metaverse services.

#include <functional>
#include <string_view>

#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/resource/route.hpp"

namespace lobo::seal_nrm {

/// Null where it is no operation of api/nra_mm_qos.yaml. `settings` outlives it.
std::function<Result<resource::Decision>(const resource::RouteContext&)> mm_qos_route(
    std::string_view operation, const Settings& settings);

}  // namespace lobo::seal_nrm
