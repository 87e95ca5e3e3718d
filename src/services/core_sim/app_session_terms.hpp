#pragma once
// What an application session of Npcf_PolicyAuthorization asks of the network, after all its
// members were checked against each other and against what the network knows. The terms are those
// of AsSessionWithQoS: behind both stand the same cells.

#include <string>

#include "api/policy_authorization.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/session_terms.hpp"
#include "services/core_sim/world.hpp"

namespace lobo::core_sim {

using AppSession = api::policy_authorization::AppSessionContextReqData;
using AppSessionEvents = api::policy_authorization::EventsSubscReqData;

/// Which UE a session is about; otherwise as ue_of of a Subscription.
Outcome<UeIndex> ue_of(const AppSession& session, const World& world, const CoreConfig& config);

/// Every rule between members that the schema cannot say, all violations at once (400 with
/// INVALID_SERVICE_INFORMATION, or FILTER_RESTRICTIONS where only flows are wrong); 403 for a QoS
/// reference that the operator does not have, and for more media components than are served.
Outcome<Terms> terms_of(const AppSession& session, const World& world, const PcfQuirks& quirks);

/// The rules of a subscription to events by itself; `where` is its JSON pointer.
std::vector<Fault> events_faults(const AppSessionEvents& events, const std::string& where);

}  // namespace lobo::core_sim
