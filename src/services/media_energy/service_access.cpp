// Service access information (M5, steps 6, 11 and 32): where a session may be played from, and what
// that takes there.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "api/media_m1.hpp"
#include "api/media_m5.hpp"
#include "api/media_types.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/media_energy/checks.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/figures.hpp"
#include "services/media_energy/ports.hpp"
#include "wire/json/json.hpp"

namespace lobo::media_energy {

namespace m1 = api::media_m1;
namespace m5 = api::media_m5;

namespace {

constexpr double percent = 100;
constexpr double wh_per_kwh = 1000;

/// What a metrics reporting configuration means that names no scheme (TS 26.247 clause 10).
constexpr std::string_view qoe_scheme = "urn:3GPP:ns:PSS:DASH:QM10";

/// The upper ends of classes A to F, as multiples of the least that a gigabyte takes.
constexpr std::array<double, 6> class_ends{1.1, 1.3, 1.6, 2, 3, 5};

m5::EnergyClass class_of(double wh_per_gb, double least) {
  const double ratio = least > 0 ? wh_per_gb / least : 1;
  std::size_t at = 0;
  while (at < class_ends.size() && ratio > class_ends[at]) ++at;
  return static_cast<m5::EnergyClass>(at);
}

m5::M5ServiceLocationState shown(LocationState state) {
  switch (state) {
    case LocationState::active: return m5::M5ServiceLocationState::active;
    case LocationState::draining: return m5::M5ServiceLocationState::draining;
    case LocationState::standby: return m5::M5ServiceLocationState::standby;
    case LocationState::down: return m5::M5ServiceLocationState::down;
    case LocationState::unknown: return m5::M5ServiceLocationState::unknown;
  }
  return m5::M5ServiceLocationState::unknown;
}

/// `relative` below `base`, whichever of the two has the slash.
std::string joined(std::string base, std::string_view relative) {
  if (!base.ends_with('/')) base += '/';
  if (relative.starts_with('/')) relative.remove_prefix(1);
  return base + std::string(relative);
}

struct Place {
  std::string id;
  std::string base_url;
  Figures figures;
};

m5::EnergyCharacteristics characteristics(const Figures& figures, double least) {
  m5::EnergyCharacteristics out;
  out.method = figures.method;
  out.rel_uncertainty = figures.rel_uncertainty;
  out.valid_until = figures.valid_until;
  if (figures.capacity_mbps > 0)
    out.load_level = std::clamp<std::int64_t>(
        std::llround(figures.mbps / figures.capacity_mbps * percent), 0, 100);
  if (!figures.wh_per_gb) return out;
  out.wh_per_gb = figures.wh_per_gb;
  out.g_co2e_per_gb = *figures.wh_per_gb / wh_per_kwh * figures.carbon_g_per_kwh;
  out.energy_class = class_of(*figures.wh_per_gb, least);
  return out;
}

}  // namespace

std::vector<std::string> Eiaf::order_for(const Newcomer& who, std::string_view session_id,
                                         const Session& session) const {
  if (who.media_session.empty()) return {};
  std::string_view policy;
  for (const auto& [id, running] : session.policies)
    if (policy.empty() && (who.policy.empty() || id == who.policy ||
                           running.run.policy().external_reference == who.policy))
      policy = id;
  const auto* group = group_of(session_id, policy);
  return group == nullptr ? std::vector<std::string>{} : planner_.order(who.media_session, *group);
}

Result<m5::ServiceAccessInformationResource> Eiaf::service_access(std::string_view id, Instant now,
                                                                  const Newcomer& who) const {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return fail(Errc::not_found, "no such provisioning session");
  const auto& session = found->second;
  m5::ServiceAccessInformationResource out;
  out.provisioning_session_id = std::string(id);
  out.provisioning_session_type = api::media_types::ProvisioningSessionType(session.state.type);
  const bool exposed = exposes(session, m1::ExposureRecipient::application) &&
                       exposes(session, m1::ExposedParameter::energy_characteristics);

  if (session.hosting) {
    const auto order = order_for(who, id, session);
    // Entry points of one path are one, served from several places.
    std::map<std::string, std::pair<m1::M1MediaEntryPoint, std::vector<Place>>> entries;
    for (const auto& one : session.hosting->distribution_configurations) {
      if (!one.entry_point || !one.base_url) continue;
      auto& entry = entries[one.entry_point->relative_path];
      entry.first = *one.entry_point;
      const auto location = one.service_location_id.value_or("");
      entry.second.push_back({location, *one.base_url,
                              location.empty() ? Figures{} : figures_of(location, session, now)});
    }
    auto& points = out.streaming_access.emplace().entry_points.emplace();
    for (auto& [path, entry] : entries) {
      auto& places = entry.second;
      double least = 0;
      for (const auto& place : places)
        if (const auto& wh = place.figures.wh_per_gb)
          least = least == 0 ? *wh : std::min(least, *wh);
      // Those that take new sessions first, as the plan has them for who says which session it is;
      // by energy only where that may be seen.
      std::ranges::stable_sort(places, [&](const Place& a, const Place& b) {
        const auto rank = [&](const Place& place) {
          const bool open = place.figures.state == LocationState::active;
          const double wh = exposed ? place.figures.wh_per_gb.value_or(1e12) : 0;
          const auto planned = std::ranges::find(order, place.id) - order.begin();
          return std::tuple(open ? 0 : 1, planned, wh);
        };
        return rank(a) < rank(b);
      });
      auto& point = points.emplace_back();
      point.locator = joined(places.front().base_url, path);
      point.content_type = entry.first.content_type;
      point.profiles = entry.first.profiles;
      for (std::size_t i = 0; i < places.size(); ++i) {
        if (places[i].id.empty()) continue;
        m5::M5ServiceLocation location;
        location.service_location_id = places[i].id;
        location.base_url = places[i].base_url;
        location.priority = static_cast<std::int64_t>(i) + 1;
        location.state = shown(places[i].figures.state);
        if (exposed && places[i].figures.servers_known > 0) {
          location.energy_characteristics = characteristics(places[i].figures, least);
          location.energy_characteristics->qoe_score = qoe_score(places[i].id, now);
        }
        if (!point.service_locations) point.service_locations.emplace();
        point.service_locations->push_back(std::move(location));
      }
    }
  }
  for (const auto& kept : session.state.metrics) {
    const auto wanted = json::read<m1::MetricsReportingConfiguration>(kept.text);
    if (!wanted) return fail(Errc::internal, "a stored configuration cannot be read");
    m5::ClientMetricsReporting reporting;
    reporting.metrics_reporting_configuration_id = kept.id;
    reporting.server_addresses = {settings_.api_root + settings_.prefixes.m5 + '/'};
    reporting.scheme = wanted->scheme.value_or(std::string(qoe_scheme));
    reporting.data_network_name = wanted->data_network_name;
    reporting.reporting_interval = wanted->reporting_interval;
    reporting.sample_percentage = wanted->sample_percentage.value_or(percent);
    reporting.url_filters = wanted->url_filters.value_or(std::vector<std::string>{});
    reporting.sampling_period = wanted->sampling_period;
    reporting.metrics = wanted->metrics.value_or(std::vector<std::string>{});
    if (!out.client_metrics_reporting_configurations)
      out.client_metrics_reporting_configurations.emplace();
    out.client_metrics_reporting_configurations->push_back(std::move(reporting));
  }
  if (session.state.consumption) {
    const auto wanted =
        json::read<m1::ConsumptionReportingConfiguration>(*session.state.consumption);
    if (!wanted) return fail(Errc::internal, "a stored configuration cannot be read");
    m5::ClientConsumptionReporting reporting;
    reporting.reporting_interval = wanted->reporting_interval;
    reporting.server_addresses = {settings_.api_root + settings_.prefixes.m5 + '/'};
    reporting.location_reporting = wanted->location_reporting.value_or(false);
    reporting.access_reporting = wanted->access_reporting.value_or(false);
    reporting.sample_percentage = wanted->sample_percentage.value_or(percent);
    out.client_consumption_reporting_configuration = std::move(reporting);
  }
  if (exposes(session, m1::ExposureRecipient::eic) && !session.policies.empty()) {
    m5::ClientEnergyInformation energy;
    energy.server_addresses = {settings_.api_root + settings_.prefixes.e5 + '/'};
    energy.transports = {m5::EnergyTransport::sse, m5::EnergyTransport::long_poll};
    std::int64_t interval = 0;
    for (const auto& [policy_id, running] : session.policies) {
      const auto& policy = running.run.policy();
      energy.energy_policy_bindings.push_back(
          {policy.external_reference.value_or(policy_id), policy_id});
      const auto each = reporting_interval_of(policy);
      interval = interval == 0 ? each : std::min(interval, each);
    }
    energy.reporting_interval =
        std::max(interval, session.exposure->reporting_interval.value_or(interval));
    if (!settings_.steering_url.empty()) energy.content_steering_url = settings_.steering_url;
    out.client_energy_information_configuration = std::move(energy);
  }
  return out;
}

}  // namespace lobo::media_energy
