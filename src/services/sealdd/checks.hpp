#pragma once
// Rules between members that a schema cannot say, by clause.

#include <string_view>

#include "api/sdd_connections.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/faults.hpp"
#include "services/sealdd/flows.hpp"
#include "services/sealdd/ports.hpp"

namespace lobo::sealdd {

/// A URI that notifications may go to.
void check_sink(Faults& faults, std::string_view where, std::string_view uri,
                const Settings& settings);

void check_flows(Faults& faults, const FlowRequests& flows);

Result<void> check_connection(const api::sdd_connections::SddConnectionReq& asked,
                              const Settings& settings, Instant now);

}  // namespace lobo::sealdd
