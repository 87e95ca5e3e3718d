#pragma once
// Method and path <-> event, for ss-nrm: monitoring subscriptions and profiles.

#include <vector>

#include "services/seal_nrm/monitor_view.hpp"
#include "wire/resource/route.hpp"

namespace lobo::seal_nrm {

/// `view` outlives the routes.
std::vector<resource::Route> monitor_routes(const MonitorView& view);

}  // namespace lobo::seal_nrm
