#include "services/seal_nrm/representation.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "api/ss_nra.hpp"
#include "api/state/seal_nrm.hpp"
#include "services/seal_nrm/features.hpp"
#include "services/seal_nrm/ports.hpp"

namespace lobo::seal_nrm {

using api::ss_nra::ControlPlaneStateKnown;
using api::ss_nra::UniQosState;
using api::ss_nra::UserPlaneStateKnown;
using api::state::seal_nrm::UnicastStage;
using api::state::seal_nrm::UnicastState;

namespace {

ControlPlaneStateKnown control_plane(const UnicastState& state) {
  switch (state.stage) {
    case UnicastStage::resolving:
    case UnicastStage::reserving:
    case UnicastStage::allocating:
    case UnicastStage::rebinding: return ControlPlaneStateKnown::requested;
    case UnicastStage::confirmed:
      // A network that is none confirms nothing.
      return state.simulated.value_or(false) ? ControlPlaneStateKnown::simulated
                                             : ControlPlaneStateKnown::confirmed;
    case UnicastStage::degraded: return ControlPlaneStateKnown::degraded;
    case UnicastStage::terminated: return ControlPlaneStateKnown::refused;
    case UnicastStage::releasing: return ControlPlaneStateKnown::releasing;
  }
  std::abort();
}

}  // namespace

std::string unicast_uri(const Settings& settings, std::string_view id) {
  static constexpr std::string_view collection = "/ss-nra/v1/unicast-subscriptions/";
  std::string uri;
  uri.reserve(settings.api_root.size() + collection.size() + id.size());
  return uri.append(settings.api_root).append(collection).append(id);
}

bool is_enforced(const UnicastState& state) {
  return state.enforced.value_or(false) &&
         (state.stage == UnicastStage::confirmed || state.stage == UnicastStage::degraded);
}

UniQosState truth(const UnicastState& state, const Settings& settings) {
  UniQosState out;
  out.control_plane = control_plane(state);
  // Where nobody told us how packets are treated, that is not ours to claim.
  if (is_enforced(state))
    out.user_plane = UserPlaneStateKnown::enforced;
  else
    out.user_plane = state.simulated.value_or(false) ? UserPlaneStateKnown::simulated
                                                     : UserPlaneStateKnown::unknown;
  out.network = settings.core.peer;
  out.applied_qos_ref = state.applied_qos_ref;
  out.cause = state.cause;
  if (!out.cause && state.unfollowed.value_or(false)) out.cause = "UE_ADDRESS_NOT_FOLLOWED";
  if (state.held.doubt == api::state::seal_nrm::Doubt::suspected) out.orphan_suspected = true;
  out.updated_at = state.changed_at;
  if (state.losses_untold) out.losses_untold = static_cast<std::int64_t>(*state.losses_untold);
  return out;
}

api::ss_nra::UnicastSubscription represent(const UnicastState& state, const Settings& settings) {
  auto doc = state.doc;
  if (negotiated(doc.supp_feat, Feature::qos_state)) doc.uni_qos_state = truth(state, settings);
  return doc;
}

}  // namespace lobo::seal_nrm
