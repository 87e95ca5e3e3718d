#pragma once
// What a unicast resource looks like from outside.

#include <string>
#include <string_view>

#include "api/ss_nra.hpp"
#include "api/state/seal_nrm.hpp"
#include "services/seal_nrm/ports.hpp"

namespace lobo::seal_nrm {

/// "{apiRoot}/ss-nra/v1/unicast-subscriptions/{id}"
std::string unicast_uri(const Settings& settings, std::string_view id);

/// The document as it was accepted; with the feature negotiated also what is really so.
api::ss_nra::UnicastSubscription represent(const api::state::seal_nrm::UnicastState& state,
                                           const Settings& settings);

/// Whether the core's last word on it was that packets are treated so.
bool is_enforced(const api::state::seal_nrm::UnicastState& state);

/// For administration: the truth about a resource whatever its client negotiated.
api::ss_nra::UniQosState truth(const api::state::seal_nrm::UnicastState& state,
                               const Settings& settings);

}  // namespace lobo::seal_nrm
