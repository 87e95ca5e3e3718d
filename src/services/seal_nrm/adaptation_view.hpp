#pragma once
// What an adaptation looks like from outside. The results of its members are read from the pages.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/nra_adaptation.hpp"
#include "api/state/adaptation.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

/// Of more UEs an answer tells the counts only; GET …/ue-results has the results page by page.
inline constexpr std::size_t results_shown_max = 1000;

/// "{apiRoot}/ss-nra/v1/network-resource-adaptations/{id}"
std::string adaptation_uri(const Settings& settings, std::string_view id);

/// Without the results: for a list.
api::nra_adaptation::NetworkResourceAdaptation represent_adaptation(
    const api::state::adaptation::AdaptationState& state, const Settings& settings);
/// With the results, and the list of UEs where it was made with one.
Result<api::nra_adaptation::NetworkResourceAdaptation> represent_adaptation(
    std::string_view id, const api::state::adaptation::AdaptationState& state,
    const Settings& settings, const resource::Lookup& lookup);

/// The page of that number; one that is not there has no members.
Result<api::state::adaptation::PageState> page_of(std::string_view adaptation, std::uint64_t number,
                                                  const resource::Lookup& lookup);

}  // namespace lobo::seal_nrm
