#pragma once
// What a core offers in place of what it refuses: AcceptableServiceInfo (TS 29.514 clause 5.6.2.31)
// in the ProblemDetails of a refusal.

#include <optional>
#include <string_view>

#include "api/ss_nra.hpp"
#include "services/seal_nrm/ports.hpp"

namespace lobo::seal_nrm {

/// `wanted`, reduced to what `acceptable` (its JSON) says would be granted. Nothing where that is
/// no less than was wanted already, or nothing that can be asked for: a QoS reference stays one,
/// and only one that is agreed on; figures are lowered, never raised.
std::optional<api::ss_nra::UniQosRequirement> offered_quality(
    const api::ss_nra::UniQosRequirement& wanted, std::string_view acceptable,
    const Settings& settings);

}  // namespace lobo::seal_nrm
