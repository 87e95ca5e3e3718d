#pragma once
// The BSF's question (TS 29.521 clause 4.2.4; api/bsf.yaml): which PCF serves the PDU session that
// has an address.

#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/network.hpp"

namespace lobo::core_sim {

Answer find_pcf_binding(const Call& call, const Network& network);

}  // namespace lobo::core_sim
