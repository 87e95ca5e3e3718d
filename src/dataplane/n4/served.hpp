#pragma once
// What this UPF does not do of what a session's rules may ask to be measured. Refused, so that no
// control plane waits for a report that never comes.

#include <optional>

#include "dataplane/rules/apply.hpp"
#include "dataplane/rules/session.hpp"

namespace lobo::dataplane::n4 {

/// Of a session whose rules hold together; the first fault.
std::optional<RuleRefusal> refuse_measurements(const Session& session);

}  // namespace lobo::dataplane::n4
