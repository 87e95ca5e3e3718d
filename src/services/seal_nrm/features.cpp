#include "services/seal_nrm/features.hpp"

#include <cstddef>
#include <optional>
#include <string>

#include "model/supported_features.hpp"

namespace lobo::seal_nrm {

using model::SupportedFeatures;

bool negotiated(const std::optional<std::string>& features, Feature feature) {
  const auto asked = features ? SupportedFeatures::parse(*features) : std::nullopt;
  return asked && asked->has(static_cast<std::size_t>(feature));
}

bool negotiated(const std::optional<std::string>& features, MonitorFeature feature) {
  const auto asked = features ? SupportedFeatures::parse(*features) : std::nullopt;
  return asked && asked->has(static_cast<std::size_t>(feature));
}

std::optional<std::string> negotiate_monitoring(const std::optional<std::string>& asked) {
  if (!asked) return std::nullopt;
  static const SupportedFeatures ours = [] {
    SupportedFeatures all;
    for (const auto feature :
         {MonitorFeature::notification_test_event, MonitorFeature::report_extras,
          MonitorFeature::state, MonitorFeature::profiles, MonitorFeature::window_seconds,
          MonitorFeature::per_ue})
      all = all.with(static_cast<std::size_t>(feature));
    return all;
  }();
  return ours.shared_with(SupportedFeatures::parse(*asked).value_or(SupportedFeatures{})).text();
}

std::optional<std::string> negotiate(const std::optional<std::string>& asked) {
  if (!asked) return std::nullopt;
  static const SupportedFeatures ours = [] {
    SupportedFeatures all;
    for (const auto feature : {Feature::notification_test_event, Feature::qos_events,
                               Feature::qos_state, Feature::modify_and_list})
      all = all.with(static_cast<std::size_t>(feature));
    return all;
  }();
  return ours.shared_with(SupportedFeatures::parse(*asked).value_or(SupportedFeatures{})).text();
}

}  // namespace lobo::seal_nrm
