#pragma once
// Rules of an adaptation that its schema cannot say (T1). Every fault of a body is told at once.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/common.hpp"
#include "api/nra_adaptation.hpp"
#include "api/ss_nra.hpp"
#include "api/state/adaptation.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"

namespace lobo::seal_nrm {

using api::state::adaptation::UeName;

struct CheckedAdaptation {
  api::nra_adaptation::NetworkResourceAdaptation doc;  ///< without the list of UEs
  api::ss_nra::UniQosRequirement qos;
  std::vector<UeName> members;
  std::uint64_t group_revision = 0;
  bool unknown_group = false;
};
Result<CheckedAdaptation> check_adaptation(api::nra_adaptation::NetworkResourceAdaptation doc,
                                           std::string_view requester, const Settings& settings,
                                           const UeDirectory& directory, Instant now);

struct CheckedAdaptationChange {
  api::nra_adaptation::NetworkResourceAdaptation doc;
  std::optional<api::ss_nra::UniQosRequirement> qos;  ///< where it is another
  std::optional<std::vector<UeName>> members;         ///< where a list was given
};
Result<CheckedAdaptationChange> check_adaptation_change(
    const api::nra_adaptation::NetworkResourceAdaptation& doc,
    const api::ss_nra::UniQosRequirement& qos, std::string_view patch, std::string_view requester,
    const Settings& settings, const UeDirectory& directory, Instant now);

/// The group, where it exists and `requester` may name it; else null.
std::shared_ptr<const DirectoryGroup> visible_group(const UeDirectory& directory,
                                                    std::string_view id,
                                                    std::string_view requester);
UeName name_of(const GroupMember& member);

}  // namespace lobo::seal_nrm
