#pragma once
// What both parts of the control API show alike.

#include "api/net_control.hpp"
#include "services/core_sim/world.hpp"

namespace lobo::core_sim {

api::net_control::LinkDegradation link_view(const Link& link);

}  // namespace lobo::core_sim
