#pragma once
// Negotiation of optional features (TS 29.500 clause 6.6.2): a bitmap in hexadecimal, the last
// digit standing for features 1 to 4. Extensions of this house take private numbers from 41 on;
// they are listed in docs/spec-map.md.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lobo::seal_nrm {

enum class Feature : std::uint8_t {
  notification_test_event = 1,  ///< TS 29.549 clause 7.4.1.6
  qos_events = 41,       ///< QOS_NOT_GUARANTEED, QOS_GUARANTEED, QOS_TERMINATED in notifications
  qos_state = 42,        ///< uniQosState in representations
  modify_and_list = 43,  ///< PATCH and list
};

/// The same of ss-nrm, which counts for itself.
enum class MonitorFeature : std::uint8_t {
  notification_test_event = 1,  ///< TS 29.549 clause 7.5.1.6
  report_extras = 41,   ///< seq, subscriptionId, measuredFrom, gapSec, terminationCause in reports,
                        ///< and reports without measData
  state = 42,           ///< monState: what is really measured
  profiles = 43,        ///< profile, profileId, valServiceId, and the collection of profiles
  window_seconds = 44,  ///< aggrWindowSec
  per_ue = 45,          ///< perUeRep, ueReports
};

bool negotiated(const std::optional<std::string>& features, Feature feature);
bool negotiated(const std::optional<std::string>& features, MonitorFeature feature);

/// What both sides have, in as many digits as needed ("0" for nothing); nothing where the client
/// did not ask.
std::optional<std::string> negotiate(const std::optional<std::string>& asked);
std::optional<std::string> negotiate_monitoring(const std::optional<std::string>& asked);

}  // namespace lobo::seal_nrm
