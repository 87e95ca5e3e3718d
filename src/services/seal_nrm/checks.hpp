#pragma once
// Rules of a unicast subscription that its schema cannot say. Every fault of a body is told at
// once.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/ss_nra.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"

namespace lobo::seal_nrm {

struct CheckedCreate {
  api::ss_nra::UnicastSubscription doc;  ///< features negotiated, what we do not serve taken out
  api::ss_nra::UniQosRequirement qos;
  std::string gpsi;
  std::string unknown_ue;  ///< pointer of the member that names a UE nobody knows; else empty
};
Result<CheckedCreate> check_create(api::ss_nra::UnicastSubscription doc, std::string_view requester,
                                   const Settings& settings, const UeDirectory& directory,
                                   Instant now);

struct CheckedModify {
  api::ss_nra::UnicastSubscription doc;
  api::ss_nra::UniQosRequirement qos;
};
Result<CheckedModify> check_modify(const api::ss_nra::UnicastSubscription& doc,
                                   const api::ss_nra::UniQosRequirement& qos,
                                   std::string_view patch, std::string_view requester,
                                   const Settings& settings, Instant now);

/// uniQosReq: the name of a configured VAL service, else a known QoS reference, else the text of a
/// UniQosRequirement. Pointers of faults start with /uniQosReq and go on inside it.
Result<api::ss_nra::UniQosRequirement> resolve_requirement(const std::optional<std::string>& text,
                                                           std::string_view requester,
                                                           const Settings& settings);

/// Rules of where notifications go and when a resource ends, the same for every resource.
std::vector<Fault> common_faults(const std::string& notif_uri, const std::optional<Instant>& end,
                                 const Settings& settings, Instant now);

/// Rules of one requirement, whoever states it: an application, or the configuration of a service.
/// Pointers of faults start with /uniQosReq.
std::vector<Fault> requirement_faults(const api::ss_nra::UniQosRequirement& qos,
                                      const Settings& settings);

}  // namespace lobo::seal_nrm
