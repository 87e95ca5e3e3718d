#pragma once
// QoS of a mobile metaverse service (TS 23.434 clause 14.3.5.4.2, T69 to T71): an adaptation
// (adaptation.hpp) of the service's UEs, whose quality is put together from that of its sessions,
// and whose reservations bear one multiModalId. What an adaptation is told in T1 and T2 is said
// here in T69 to T71; the machine, its pages and its members are the same.
//
// All or nothing, unless `partial` is asked for: T70 has a positive and a negative result, and
// nothing between.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/nra_adaptation.hpp"
#include "api/nra_mm_qos.hpp"
#include "api/ss_nra.hpp"
#include "api/state/adaptation.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/adaptation_checks.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

struct CheckedMmQos {
  api::nra_mm_qos::MmQosManagement mm;  ///< without the list of UEs
  CheckedAdaptation adaptation;
};
/// `id` stands for the service where the request names none.
Result<CheckedMmQos> check_mm_qos(api::nra_mm_qos::MmQosManagement mm, std::string_view id,
                                  std::string_view requester, const Settings& settings,
                                  const UeDirectory& directory, Instant now);

struct CheckedMmQosChange {
  api::nra_mm_qos::MmQosManagement mm;
  CheckedAdaptationChange adaptation;
};
Result<CheckedMmQosChange> check_mm_qos_change(
    const api::nra_mm_qos::MmQosManagement& mm,
    const api::nra_adaptation::NetworkResourceAdaptation& doc,
    const api::ss_nra::UniQosRequirement& qos, std::string_view patch, std::string_view requester,
    const Settings& settings, const UeDirectory& directory, Instant now);

/// What one UE needs for all sessions at once: rates add up, of delay and loss the strictest
/// counts. Faults name the member of `mm`.
Result<api::ss_nra::UniQosRequirement> quality_of(const api::nra_mm_qos::MmQosManagement& mm,
                                                  const Settings& settings);

std::string mm_qos_uri(const Settings& settings, std::string_view id);
/// Without the results of UEs: what a list shows.
api::nra_mm_qos::MmQosManagement represent_mm_qos(
    const api::state::adaptation::AdaptationState& state, const Settings& settings);
/// As a whole.
Result<api::nra_mm_qos::MmQosManagement> represent_mm_qos(
    std::string_view id, const api::state::adaptation::AdaptationState& state,
    const Settings& settings, const resource::Lookup& lookup);
/// T70 and T71: what is told, and beyond which figures.
api::nra_mm_qos::MmReportConfig report_config(const api::ss_nra::UniQosRequirement& qos);
/// T71: what each session is configured with.
std::optional<std::vector<api::nra_mm_qos::MmSession>> session_configs(
    const api::nra_mm_qos::MmQosManagement& mm);
/// Events of an adaptation as T71 has them.
std::string mm_qos_notification(const api::nra_adaptation::AdaptationNotification& told,
                                const api::nra_mm_qos::MmQosManagement& mm);

}  // namespace lobo::seal_nrm
