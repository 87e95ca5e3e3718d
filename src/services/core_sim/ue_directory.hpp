#pragma once
// UE address and identity retrieval of the NEF (TS 29.522; api/ue_address.yaml, api/ue_id.yaml).

#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/network.hpp"

namespace lobo::core_sim {

/// `afId` of the body is checked by the caller as scsAsId is elsewhere.
Answer retrieve_ue_address(const Call& call, const Network& network);
Answer retrieve_ue_id(const Call& call, const Network& network);

}  // namespace lobo::core_sim
