#pragma once
// What a request says of its packets, for the SMF: flow descriptions, PDU Set QoS and protocol
// description (TS 29.122 clause 5.14.2.1, TS 29.514 clause 5.6.2.7), in the names of both releases.

#include "api/policy_authorization.hpp"
#include "services/core_sim/session_terms.hpp"
#include "services/core_sim/smf_flow.hpp"
#include "services/core_sim/world.hpp"

namespace lobo::core_sim {

/// The members were checked before. What cannot be detected by flow descriptions (Ethernet, an
/// application's name, nothing at all) has none here.
Treatment treatment_of(const Subscription& subscription, const World& world);
Treatment treatment_of(const api::policy_authorization::MediaComponent& component,
                       const World& world);

}  // namespace lobo::core_sim
