#include "services/media_energy/checks.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/media_e3.hpp"
#include "api/media_m1.hpp"
#include "api/media_types.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "model/bit_rate.hpp"
#include "services/media_energy/faults.hpp"
#include "services/media_energy/ports.hpp"
#include "wire/http/url.hpp"

namespace lobo::media_energy {

namespace m1 = api::media_m1;
namespace types = api::media_types;

namespace {

/// Idle and dynamic energy may differ from their sum by what rounding to text costs.
constexpr double sum_tolerance = 1e-6;
constexpr std::size_t domain_name_octets_max = 253;

std::string at(std::string_view list, std::size_t index, std::string_view member = {}) {
  return '/' + std::string(list) + '/' + std::to_string(index) + std::string(member);
}

void check_locator(const std::string& url, std::string where, Faults& faults) {
  if (const auto parsed = http::parse_url(url); !parsed)
    faults.add(Errc::pattern, std::move(where), parsed.error().detail);
}

void check_known(const std::string& location, std::string where, const Settings& settings,
                 Faults& faults) {
  if (!settings.locations.contains(location))
    faults.add(Errc::not_allowed, std::move(where),
               "'" + location + "' is no service location of this operator");
}

// ---- policy -----------------------------------------------------------------------------------

class PolicyCheck {
 public:
  PolicyCheck(const m1::EnergyPolicy& policy, const m1::ContentHostingConfiguration* hosting,
              const Settings& settings)
      : policy_(policy), hosting_(hosting), settings_(settings) {}

  Result<void> run() {
    scope();
    reporting();
    thresholds();
    guidance();
    suspension();
    recovery();
    recipients();
    floor();
    budget();
    return faults_.verdict();
  }

 private:
  bool scope_names_components() const {
    return policy_.monitoring_scope && policy_.monitoring_scope->component_types;
  }

  void scope() {
    if (!policy_.monitoring_scope) return;
    const auto& scope = *policy_.monitoring_scope;
    if (scope.slice_info)
      faults_.add(Errc::not_allowed, "/monitoringScope/sliceInfo",
                  "the slice of a session is not known here");
    if (scope.dnn)
      faults_.add(Errc::not_allowed, "/monitoringScope/dnn",
                  "the data network of a session is not known here");
    if (!scope.locations) return;
    for (std::size_t i = 0; i < scope.locations->size(); ++i)
      check_known((*scope.locations)[i], at("monitoringScope/locations", i), settings_, faults_);
  }

  void reporting() {
    const auto interval = reporting_interval_of(policy_);
    if (policy_.reporting && policy_.reporting->sampling_period &&
        *policy_.reporting->sampling_period > interval)
      faults_.add(Errc::out_of_range, "/reporting/samplingPeriod",
                  "is longer than the reporting interval of " + std::to_string(interval) + " s");
    if (policy_.report_validity_time && *policy_.report_validity_time < interval)
      faults_.add(Errc::out_of_range, "/reportValidityTime",
                  "is shorter than the reporting interval of " + std::to_string(interval) + " s");
  }

  void thresholds() {
    if (!policy_.thresholds) return;
    for (std::size_t i = 0; i < policy_.thresholds->size(); ++i) {
      const auto& threshold = (*policy_.thresholds)[i];
      const bool up = threshold.direction == types::ThresholdDirection::up;
      if (up ? threshold.clear >= threshold.crossing : threshold.clear <= threshold.crossing)
        faults_.add(Errc::out_of_range, at("thresholds", i, "/clear"),
                    up ? "must be below crossing" : "must be above crossing");
      const bool ratio = threshold.metric == types::EnergyMetric::renewable_ratio ||
                         threshold.metric == types::EnergyMetric::cpu_load;
      const auto in_range = [&](double value, std::string_view member) {
        if (ratio && value > 1)
          faults_.add(Errc::out_of_range, at("thresholds", i, member),
                      "this metric is a ratio from 0 to 1");
      };
      in_range(threshold.crossing, "/crossing");
      in_range(threshold.clear, "/clear");
      if (!refs_.insert(threshold.threshold_ref).second)
        faults_.add(Errc::duplicate, at("thresholds", i, "/thresholdRef"),
                    "'" + threshold.threshold_ref + "' names two thresholds");
    }
  }

  void resolves(const std::string& ref, std::string where) {
    if (!refs_.contains(ref))
      faults_.add(Errc::not_allowed, std::move(where), "'" + ref + "' is none of the thresholds");
  }

  void check_action(types::EnergyAction action, const std::optional<m1::AdaptationParams>& given,
                    const std::string& where) {
    using types::EnergyAction;
    const auto params = given.value_or(m1::AdaptationParams{});
    const auto needs = [&](bool there, std::string_view member) {
      if (!there)
        faults_.add(Errc::missing, where + "/params/" + std::string(member),
                    "this action needs it");
    };
    switch (action) {
      case EnergyAction::reduce_max_bitrate:
        needs(params.max_bit_rate.has_value(), "maxBitRate");
        if (const auto floor = floor_rate(); floor && params.max_bit_rate) {
          const auto limit = model::parse_bit_rate(*params.max_bit_rate);
          if (!limit || limit->count < floor->count)
            faults_.add(Errc::out_of_range, where + "/params/maxBitRate",
                        "is below the floor of the service energy profile");
        }
        break;
      case EnergyAction::reduce_max_resolution:
        needs(params.max_height.has_value(), "maxHeight");
        if (const auto lowest = floor_height();
            lowest && params.max_height && *params.max_height < *lowest)
          faults_.add(Errc::out_of_range, where + "/params/maxHeight",
                      "is below the floor of the service energy profile");
        break;
      case EnergyAction::prefer_codec: needs(params.codecs.has_value(), "codecs"); break;
      case EnergyAction::drop_component:
        needs(params.component_types.has_value() || scope_names_components(), "componentTypes");
        break;
      case EnergyAction::suspend_session:
      case EnergyAction::resume:
        faults_.add(Errc::not_allowed, where + "/action",
                    "follows from the suspension and recovery policies, and is no guidance");
        break;
      case EnergyAction::reselect_service_location:
      case EnergyAction::defer_download:
      case EnergyAction::none: break;
    }
  }

  void guidance() {
    if (!policy_.adaptation_guidance) return;
    for (std::size_t i = 0; i < policy_.adaptation_guidance->size(); ++i) {
      const auto& one = (*policy_.adaptation_guidance)[i];
      resolves(one.trigger_threshold_ref, at("adaptationGuidance", i, "/triggerThresholdRef"));
      check_action(one.action, one.params, at("adaptationGuidance", i));
    }
  }

  void suspension() {
    if (!policy_.suspension_policy) return;
    const auto& suspension = *policy_.suspension_policy;
    for (std::size_t i = 0; i < suspension.conditions.size(); ++i)
      resolves(suspension.conditions[i], at("suspensionPolicy/conditions", i));
    if (suspension.target == m1::SuspensionTarget::component && !suspension.component_types &&
        !scope_names_components())
      faults_.add(Errc::missing, "/suspensionPolicy/componentTypes",
                  "neither the suspension nor the monitoring scope names a component");
  }

  void recovery() {
    if (!policy_.recovery_policy) return;
    const auto& conditions = policy_.recovery_policy->conditions;
    for (std::size_t i = 0; i < conditions.size(); ++i)
      resolves(conditions[i], at("recoveryPolicy/conditions", i));
  }

  void recipients() {
    if (!policy_.recipients) return;
    for (std::size_t i = 0; i < policy_.recipients->size(); ++i) {
      const auto& one = (*policy_.recipients)[i];
      const auto where = at("recipients", i, "/notificationUri");
      if (one.type == m1::RecipientType::eic) {
        if (one.notification_uri)
          faults_.add(Errc::not_allowed, where, "collectors hear on E5, not at a URI");
        continue;
      }
      if (!one.notification_uri) {
        faults_.add(Errc::missing, where, "this recipient is notified at a URI");
        continue;
      }
      const auto url = http::parse_url(*one.notification_uri);
      if (!url)
        faults_.add(Errc::pattern, where, url.error().detail);
      else if (const auto allowed = settings_.sinks.check(*url); !allowed)
        faults_.add(allowed.error().code, where, allowed.error().detail);
    }
  }

  std::optional<BitsPerSecond> floor_rate() const {
    if (!policy_.service_energy_profile || !policy_.service_energy_profile->qoe_floor ||
        !policy_.service_energy_profile->qoe_floor->min_bit_rate)
      return std::nullopt;
    return model::parse_bit_rate(*policy_.service_energy_profile->qoe_floor->min_bit_rate);
  }
  std::optional<std::int64_t> floor_height() const {
    if (!policy_.service_energy_profile || !policy_.service_energy_profile->qoe_floor)
      return std::nullopt;
    return policy_.service_energy_profile->qoe_floor->min_height;
  }

  /// A floor that no location of the session can meet could only ever be broken.
  void floor() {
    if (!policy_.service_energy_profile || !policy_.service_energy_profile->qoe_floor) return;
    const auto& floor = *policy_.service_energy_profile->qoe_floor;
    const auto rate = floor_rate();
    if (floor.min_bit_rate && !rate)
      faults_.add(Errc::out_of_range, "/serviceEnergyProfile/qoeFloor/minBitRate",
                  "is more than any network carries");
    if (hosting_ == nullptr) return;
    const auto locations = locations_of(*hosting_);
    // What one server cannot send, no session of a location gets.
    const auto carries = [&](std::string_view id) {
      const auto known = settings_.locations.find(id);
      return known != settings_.locations.end() &&
             static_cast<double>(rate->count) <= known->second.server_mbps_max * 1e6;
    };
    if (rate && !locations.empty() && std::ranges::none_of(locations, carries))
      faults_.add(Errc::out_of_range, "/serviceEnergyProfile/qoeFloor/minBitRate",
                  "no server of this session's locations sends as much");
    if (!floor.max_latency_ms) return;
    const auto near = [&](std::string_view id) {
      const auto known = settings_.locations.find(id);
      return known != settings_.locations.end() &&
             known->second.latency_ms <= static_cast<double>(*floor.max_latency_ms);
    };
    if (!locations.empty() && std::ranges::none_of(locations, near))
      faults_.add(Errc::out_of_range, "/serviceEnergyProfile/qoeFloor/maxLatencyMs",
                  "no service location of this session is as near");
  }

  void budget() {
    if (!policy_.energy_budget) return;
    const auto& segments = policy_.energy_budget->segments;
    double reached = 0;
    for (std::size_t i = 0; i < segments.size(); ++i) {
      const auto& segment = segments[i];
      const auto where = at("energyBudget/segments", i);
      if (segment.lower_wh != reached)
        faults_.add(Errc::out_of_range, where + "/lowerWh",
                    i == 0 ? "the first segment begins at 0"
                           : "each segment begins where the one before ends");
      const bool last = i + 1 == segments.size();
      if (!segment.upper_wh && !last)
        faults_.add(Errc::missing, where + "/upperWh", "only the last segment has no end");
      if (segment.upper_wh && *segment.upper_wh <= segment.lower_wh)
        faults_.add(Errc::out_of_range, where + "/upperWh", "must be above lowerWh");
      check_action(segment.action, segment.params, where);
      reached = segment.upper_wh.value_or(reached);
    }
  }

  const m1::EnergyPolicy& policy_;
  const m1::ContentHostingConfiguration* hosting_;
  const Settings& settings_;
  std::set<std::string> refs_;
  Faults faults_;
};

}  // namespace

std::int64_t reporting_interval_of(const m1::EnergyPolicy& policy) {
  if (!policy.reporting) return reporting_interval_default_s;
  return policy.reporting->reporting_interval.value_or(reporting_interval_default_s);
}

std::int64_t validity_of(const m1::EnergyPolicy& policy) {
  return policy.report_validity_time.value_or(validity_in_intervals *
                                              reporting_interval_of(policy));
}

std::vector<std::string_view> locations_of(const m1::ContentHostingConfiguration& hosting) {
  std::vector<std::string_view> out;
  for (const auto& distribution : hosting.distribution_configurations)
    if (distribution.service_location_id &&
        std::ranges::find(out, *distribution.service_location_id) == out.end())
      out.emplace_back(*distribution.service_location_id);
  return out;
}

std::vector<std::string> flows_at(const m1::ContentHostingConfiguration& hosting,
                                  std::string_view location) {
  std::set<std::string> names;
  const auto add = [&](std::string_view name) {
    if (!name.empty() && name.size() <= domain_name_octets_max) names.insert(lower_ascii(name));
  };
  for (const auto& distribution : hosting.distribution_configurations) {
    if (distribution.service_location_id != location) continue;
    if (distribution.canonical_domain_name) add(*distribution.canonical_domain_name);
    if (distribution.domain_name_alias) add(*distribution.domain_name_alias);
    if (!distribution.base_url) continue;
    if (const auto url = http::parse_url(*distribution.base_url)) add(url->host);
  }
  return {names.begin(), names.end()};
}

Result<void> check_type(std::string_view provisioning_session_type) {
  static constexpr std::string_view served[] = {"DOWNLINK", "UPLINK", "RTC"};
  Faults faults;
  if (std::ranges::find(served, provisioning_session_type) == std::end(served))
    faults.add(Errc::not_allowed, "/provisioningSessionType",
               "must be one of DOWNLINK, UPLINK, RTC");
  return faults.verdict();
}

Result<void> check_policy(const m1::EnergyPolicy& policy,
                          const m1::ContentHostingConfiguration* hosting,
                          const Settings& settings) {
  return PolicyCheck(policy, hosting, settings).run();
}

Result<void> check_hosting(const m1::ContentHostingConfiguration& hosting,
                           const Settings& settings) {
  Faults faults;
  std::set<std::pair<std::string, std::string>> seen;  // location and entry point
  for (std::size_t i = 0; i < hosting.distribution_configurations.size(); ++i) {
    const auto& one = hosting.distribution_configurations[i];
    const auto list = std::string_view("distributionConfigurations");
    if (one.base_url)
      check_locator(*one.base_url, at(list, i, "/baseURL"), faults);
    else
      faults.add(Errc::missing, at(list, i, "/baseURL"),
                 "content is not hosted here: say below which URL it is served");
    if (one.as_instance_ids && !one.service_location_id)
      faults.add(Errc::missing, at(list, i, "/serviceLocationId"),
                 "application servers are named as a part of a service location");
    if (!one.service_location_id) continue;
    check_known(*one.service_location_id, at(list, i, "/serviceLocationId"), settings, faults);
    const auto entry = one.entry_point ? one.entry_point->relative_path : std::string();
    if (!seen.emplace(*one.service_location_id, entry).second)
      faults.add(Errc::duplicate, at(list, i, "/serviceLocationId"),
                 "'" + *one.service_location_id + "' serves this entry point already");
  }
  return faults.verdict();
}

Result<void> check_registration(const api::media_e3::AsRegistration& registration,
                                const Settings& settings) {
  Faults faults;
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < registration.service_locations.size(); ++i) {
    const auto& one = registration.service_locations[i];
    check_known(one.service_location_id, at("serviceLocations", i, "/serviceLocationId"), settings,
                faults);
    if (!seen.insert(one.service_location_id).second)
      faults.add(Errc::duplicate, at("serviceLocations", i, "/serviceLocationId"), "stands twice");
    for (std::size_t url = 0; url < one.base_urls.size(); ++url)
      check_locator(one.base_urls[url], at("serviceLocations", i) + at("baseUrls", url), faults);
  }
  const auto& host = registration.host;
  if (host.idle_power_w > host.max_power_w)
    faults.add(Errc::out_of_range, "/host/idlePowerW", "is above maxPowerW");
  if (host.standby_power_w && *host.standby_power_w > host.idle_power_w)
    faults.add(Errc::out_of_range, "/host/standbyPowerW", "is above idlePowerW");
  return faults.verdict();
}

Result<void> check_reports(const api::media_e3::AsEnergyReports& reports,
                           std::string_view as_instance) {
  Faults faults;
  for (std::size_t i = 0; i < reports.reports.size(); ++i) {
    const auto& report = reports.reports[i];
    if (report.as_instance_id != as_instance)
      faults.add(Errc::not_allowed, at("reports", i, "/asInstanceId"),
                 "all reports of a request are of one application server");
    if (report.measurement_time.end <= report.measurement_time.start)
      faults.add(Errc::out_of_range, at("reports", i, "/measurementTime/end"),
                 "must be after start");
    if (report.host.idle_power_w && report.host.max_power_w &&
        *report.host.idle_power_w > *report.host.max_power_w)
      faults.add(Errc::out_of_range, at("reports", i, "/host/idlePowerW"), "is above maxPowerW");
    std::set<std::string_view> seen;
    for (std::size_t part = 0; part < report.per_service_location.size(); ++part) {
      const auto& one = report.per_service_location[part];
      const auto where = at("reports", i) + at("perServiceLocation", part);
      if (!seen.insert(one.service_location_id).second)
        faults.add(Errc::duplicate, where + "/serviceLocationId", "stands twice");
      const double sum = one.idle_share_j + one.dynamic_j;
      if (std::abs(sum - one.energy_j) > sum_tolerance * std::max(1.0, one.energy_j))
        faults.add(Errc::out_of_range, where + "/energyJ", "must be idleShareJ + dynamicJ");
    }
    // Locations are parts of their host. A counter that wraps has begun anew, theirs have not.
    double parts = 0;
    for (const auto& one : report.per_service_location) parts += one.energy_j;
    if (!report.host.energy_max_j &&
        parts > report.host.energy_j + sum_tolerance * std::max(1.0, report.host.energy_j))
      faults.add(Errc::out_of_range, at("reports", i, "/perServiceLocation"),
                 "its locations took more energyJ than the host");
  }
  return faults.verdict();
}

}  // namespace lobo::media_energy
