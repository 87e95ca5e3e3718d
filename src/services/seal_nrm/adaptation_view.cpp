#include "services/seal_nrm/adaptation_view.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "api/nra_adaptation.hpp"
#include "api/ss_nra.hpp"
#include "api/state/adaptation.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/adaptation_page.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

using api::nra_adaptation::AdaptationCounts;
using api::nra_adaptation::AdaptationResultKnown;
using api::nra_adaptation::AdaptationStatus;
using api::nra_adaptation::NetworkResourceAdaptation;
using api::ss_nra::ControlPlaneStateKnown;
using api::ss_nra::UserPlaneStateKnown;
using api::state::adaptation::AdaptationStage;
using api::state::adaptation::AdaptationState;
using api::state::adaptation::PageState;

namespace {

ControlPlaneStateKnown control_plane(const AdaptationState& state, const AdaptationCounts& ues) {
  if (state.stage == AdaptationStage::releasing) return ControlPlaneStateKnown::releasing;
  if (ues.pending > 0 || ues.total == 0) return ControlPlaneStateKnown::requested;
  if (ues.refused == ues.total) return ControlPlaneStateKnown::refused;
  if (ues.degraded + ues.refused > 0) return ControlPlaneStateKnown::degraded;
  return state.counts.simulated > 0 ? ControlPlaneStateKnown::simulated
                                    : ControlPlaneStateKnown::confirmed;
}

// Enforced for all that have something, or it is not said.
UserPlaneStateKnown user_plane(const AdaptationState& state, const AdaptationCounts& ues) {
  const auto served = ues.confirmed + ues.negotiated + ues.degraded;
  if (served > 0 && state.counts.enforced.value_or(0) == served)
    return UserPlaneStateKnown::enforced;
  return state.counts.simulated > 0 ? UserPlaneStateKnown::simulated : UserPlaneStateKnown::unknown;
}

AdaptationStatus status_of(const AdaptationState& state, const AdaptationCounts& ues,
                           const Settings& settings) {
  AdaptationStatus status;
  status.ues = ues;
  status.control_plane = control_plane(state, ues);
  status.user_plane = user_plane(state, ues);
  status.network = settings.core.peer;
  status.cause = state.cause;
  status.updated_at = state.changed_at;
  return status;
}

void count(AdaptationCounts& ues, AdaptationResultKnown result) {
  ++ues.total;
  switch (result) {
    case AdaptationResultKnown::pending: ++ues.pending; return;
    case AdaptationResultKnown::confirmed: ++ues.confirmed; return;
    case AdaptationResultKnown::negotiated: ++ues.negotiated; return;
    case AdaptationResultKnown::degraded: ++ues.degraded; return;
    case AdaptationResultKnown::refused: ++ues.refused; return;
  }
}

}  // namespace

std::string adaptation_uri(const Settings& settings, std::string_view id) {
  static constexpr std::string_view collection = "/ss-nra/v1/network-resource-adaptations/";
  return std::string(settings.api_root).append(collection).append(id);
}

NetworkResourceAdaptation represent_adaptation(const AdaptationState& state,
                                               const Settings& settings) {
  auto doc = state.doc;
  AdaptationCounts ues;
  ues.total = static_cast<std::int64_t>(state.members);
  ues.confirmed = state.counts.confirmed;
  ues.negotiated = state.counts.negotiated;
  ues.degraded = state.counts.degraded;
  ues.refused = state.counts.refused;
  // Pages tell their counts when they are done; whoever has left meanwhile may still be in them.
  ues.pending = std::max<std::int64_t>(
      0, ues.total - ues.confirmed - ues.negotiated - ues.degraded - ues.refused);
  doc.adapt_state = status_of(state, ues, settings);
  return doc;
}

Result<NetworkResourceAdaptation> represent_adaptation(std::string_view id,
                                                       const AdaptationState& state,
                                                       const Settings& settings,
                                                       const resource::Lookup& lookup) {
  if (state.members > results_shown_max) return represent_adaptation(state, settings);
  auto doc = state.doc;
  doc.ue_results.emplace();
  const bool listed = !state.doc.val_group_id;
  if (listed) doc.val_ue_ids.emplace();
  AdaptationCounts ues;
  for (std::uint64_t number = 0; number < state.pages; ++number) {
    const auto page = page_of(id, number, lookup);
    if (!page) return fail(page.error());
    for (const auto& member : page->members) {
      if (member.dropped.value_or(false)) continue;
      auto& result = doc.ue_results->emplace_back(result_of(member));
      count(ues, result.result.known().value_or(AdaptationResultKnown::pending));
      if (listed) doc.val_ue_ids->push_back(target_of(member));
    }
  }
  doc.adapt_state = status_of(state, ues, settings);
  return doc;
}

Result<PageState> page_of(std::string_view adaptation, std::uint64_t number,
                          const resource::Lookup& lookup) {
  const auto record = lookup.find(page_key(adaptation, number));
  if (!record) return fail(record.error());
  if (!*record) return PageState{};
  auto state = json::read<PageState>((*record)->state);
  if (!state) return fail(Errc::internal, "stored page cannot be read: " + state.error().detail);
  return std::move(*state);
}

}  // namespace lobo::seal_nrm
