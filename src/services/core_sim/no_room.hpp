#pragma once
// The 403 of a full cell: what the network would accept instead (TS 29.514 clause 4.2.2.2,
// acceptableServInfo, which a NEF hands on).

#include "services/core_sim/admission.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/session_terms.hpp"

namespace lobo::core_sim {

/// The rates that are left if `held` is given back, and the QoS references that would fit: those
/// that the AF named itself first, then those nearest to what it wanted.
Refusal no_room(const Network& network, CellIndex cell, const Terms& terms, const Share& held);

}  // namespace lobo::core_sim
