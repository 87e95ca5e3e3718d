// Who serves from where, what is known of each place, and what its servers are asked to report
// (E3).

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/media_e3.hpp"
#include "api/media_m1.hpp"
#include "api/media_types.hpp"
#include "base/clock.hpp"
#include "base/text.hpp"
#include "services/media_energy/checks.hpp"
#include "services/media_energy/counters.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/figures.hpp"
#include "services/media_energy/mapping.hpp"
#include "services/media_energy/policy_run.hpp"
#include "services/media_energy/ports.hpp"
#include "wire/json/json.hpp"

namespace lobo::media_energy {

namespace e3 = api::media_e3;
namespace m1 = api::media_m1;
namespace types = api::media_types;

namespace {

/// Of one server, as the configuration may name.
constexpr std::size_t flows_told_apart_max = 256;

template <class T>
std::string revision_of(const T& value) {
  return std::to_string(fnv1a(json::write(value)));
}

}  // namespace

// ---- who is where -----------------------------------------------------------------------------

void Eiaf::saw(std::string_view session, std::string_view location, Source source, Instant now) {
  if (settings_.locations.contains(location))
    map_.saw(session, location, source, now, settings_.subscription_idle);
  else
    map_.count_unmapped();
}

void Eiaf::reindex() const {
  if (!std::exchange(stale_, false)) return;
  index_.clear();
  places_.clear();
  refused_bases_ = 0;
  configurations_.clear();
  for (const auto& [id, session] : sessions_) {
    if (!session.hosting) continue;
    for (const auto& one : session.hosting->distribution_configurations)
      if (one.service_location_id && one.base_url)
        index_.add(*one.base_url, *one.service_location_id);
    for (const auto location : locations_of(*session.hosting)) {
      auto& place = places_[std::string(location)];
      place.sessions.emplace_back(id, &session);
      for (const auto& [policy_id, running] : session.policies) {
        const auto interval = reporting_interval_of(running.run.policy());
        place.interval_s = std::min(place.interval_s.value_or(interval), interval);
      }
    }
  }
  for (const auto& [id, server] : servers_)
    for (const auto& part : server.registered.service_locations) {
      auto& servers = places_[part.service_location_id].servers;
      if (servers.empty() || servers.back() != &server) servers.push_back(&server);
      for (const auto& url : part.base_urls)
        if (!index_.claim(url, part.service_location_id)) ++refused_bases_;
    }
  for (const auto& [id, server] : servers_)
    for (const auto& [url, location] : server.reported_bases)
      if (!index_.claim(url, location)) ++refused_bases_;
}

/// What a report names beside the registration.
void Eiaf::claim(Server& server, const std::string& url, const std::string& location) {
  if (server.reported_bases.contains(url)) return;
  if (server.reported_bases.size() >= reported_bases_max || !index().claim(url, location)) {
    ++refused_bases_;
    return;
  }
  server.reported_bases.emplace(url, location);
}

std::optional<std::string_view> Eiaf::location_below(std::string_view url) const {
  return index().find(url);
}

const std::string* Eiaf::subscription_of(std::string_view media_session) const {
  const auto found = subscription_of_.find(media_session);
  return found == subscription_of_.end() ? nullptr : &found->second;
}

LocationIndex& Eiaf::index() const {
  reindex();
  return index_;
}

const Eiaf::AtLocation* Eiaf::place(std::string_view location) const {
  reindex();
  const auto found = places_.find(location);
  return found == places_.end() ? nullptr : &found->second;
}

const Eiaf::Running* Eiaf::running(const Subscription& subscription) const {
  const auto session = sessions_.find(subscription.asked.provisioning_session_id);
  if (session == sessions_.end()) return nullptr;
  const auto policy = session->second.policies.find(subscription.asked.energy_policy_id);
  return policy == session->second.policies.end() ? nullptr : &policy->second;
}

std::string Eiaf::location_of(const Subscription& subscription) const {
  const auto* placed = map_.find(subscription.asked.media_delivery_session_id);
  return placed == nullptr ? std::string() : placed->location;
}

std::vector<const Server*> Eiaf::servers_at(std::string_view location,
                                            const Session* session) const {
  const std::vector<std::string>* only = nullptr;
  if (session != nullptr && session->hosting)
    for (const auto& one : session->hosting->distribution_configurations)
      if (one.service_location_id && *one.service_location_id == location && one.as_instance_ids)
        only = &*one.as_instance_ids;
  const auto* here = place(location);
  if (here == nullptr) return {};
  auto out = here->servers;
  if (only != nullptr)
    std::erase_if(out, [&](const Server* server) {
      return std::ranges::find(*only, server->id) == only->end();
    });
  return out;
}

/// How often servers there are asked to report: the most impatient policy decides.
std::chrono::seconds Eiaf::interval_at(std::string_view location) const {
  const auto* here = place(location);
  const auto least = here == nullptr ? std::nullopt : here->interval_s;
  return std::chrono::seconds{least.value_or(reporting_interval_default_s)};
}

Figures Eiaf::figures_of(const std::string& location, const Session& session, Instant now) const {
  const auto known = settings_.locations.find(location);
  return figures_at(location, servers_at(location, &session),
                    known == settings_.locations.end() ? LocationSettings{} : known->second, now,
                    interval_at(location));
}

Figures Eiaf::flow_figures(const std::string& location, const std::vector<std::string>& flows,
                           const Session& session, Instant now) const {
  const auto known = settings_.locations.find(location);
  return figures_at(location, servers_at(location, &session),
                    known == settings_.locations.end() ? LocationSettings{} : known->second, now,
                    interval_at(location), &flows);
}

/// Parameter 2: what the thresholds of a policy are held against.
std::vector<Unit> Eiaf::units(const Session& session, const Policy& policy, Instant now) const {
  std::vector<Unit> out;
  if (!session.hosting) return out;
  const auto scope = policy.monitoring_scope.value_or(m1::MonitoringScope{});
  const auto level = policy.monitoring_scope ? scope.level : types::EnergyScope::service_location;
  std::vector<Figures> all;
  for (const auto location : locations_of(*session.hosting)) {
    if (scope.locations && std::ranges::find(*scope.locations, location) == scope.locations->end())
      continue;
    const std::string name(location);
    auto figures = figures_of(name, session, now);
    switch (level) {
      case types::EnergyScope::service: all.push_back(figures); break;
      case types::EnergyScope::session:
        // Of one session on the average: what is metered there cannot be told apart any further.
        if (figures.sessions >= 1) {
          figures.power_w /= figures.sessions;
          figures.mbps /= figures.sessions;
          figures.energy_wh /= figures.sessions;
        }
        out.push_back({name, name, figures});
        break;
      case types::EnergyScope::as_instance:
        for (const auto* server : servers_at(location, &session)) {
          const auto known = settings_.locations.find(location);
          out.push_back({name + '/' + server->id, name,
                         figures_at(name, {server}, known->second, now, interval_at(location))});
        }
        break;
      case types::EnergyScope::service_data_flow:
        for (const auto& flow : flows_at(*session.hosting, location))
          out.push_back({name + '/' + flow, name, flow_figures(name, {flow}, session, now)});
        break;
      case types::EnergyScope::service_location: out.push_back({name, name, figures}); break;
    }
  }
  if (level == types::EnergyScope::service) out.push_back({"", "", together(all)});
  return out;
}

// ---- E3 ---------------------------------------------------------------------------------------

e3::EnergyReportingConfiguration Eiaf::configuration(std::string_view id) const {
  reindex();
  const auto kept = configurations_.find(id);
  if (kept != configurations_.end()) return kept->second;
  const auto server = servers_.find(id);
  if (server == servers_.end()) return configured(id, {}, types::AsState::active);
  auto out = configured(id, server->second.registered, server->second.desired);
  configurations_.emplace(id, out);
  return out;
}

e3::EnergyReportingConfiguration Eiaf::configuration(std::string_view id,
                                                     const e3::AsRegistration& registered) const {
  const auto server = servers_.find(id);
  if (server == servers_.end()) return configured(id, registered, types::AsState::active);
  if (server->second.registered == registered) return configuration(id);
  return configured(id, registered, server->second.desired);
}

/// What the policies of these locations ask of a server.
e3::EnergyReportingConfiguration Eiaf::configured(std::string_view id,
                                                  const e3::AsRegistration& registered,
                                                  types::AsState desired) const {
  reindex();
  e3::EnergyReportingConfiguration out;
  out.configuration_id = std::string(id);
  out.scope = types::EnergyScope::service_location;
  out.reporting_interval = reporting_interval_default_s;
  out.sampling_period = sampling_period_default_s;
  out.min_report_spacing = report_spacing_default_s;
  out.report_validity_time = validity_in_intervals * reporting_interval_default_s;
  out.desired_state = desired;
  std::optional<std::int64_t> interval, sampling, spacing, validity;
  const auto least = [](std::optional<std::int64_t>& into, std::int64_t value) {
    into = std::min(into.value_or(value), value);
  };
  std::vector<e3::EnergyReportingTrigger> triggers;
  std::set<std::pair<std::string, std::string>> flows;
  std::map<std::string_view, const Session*> concerned;
  for (const auto& part : registered.service_locations)
    if (const auto* here = place(part.service_location_id))
      concerned.insert(here->sessions.begin(), here->sessions.end());
  for (const auto& [session_id, session] : concerned) {
    for (const auto& [policy_id, running] : session->policies) {
      const auto& policy = running.run.policy();
      const auto reporting = policy.reporting.value_or(m1::EnergyReporting{});
      if (policy.monitoring_scope && session->hosting &&
          policy.monitoring_scope->level == types::EnergyScope::service_data_flow)
        for (const auto& part : registered.service_locations)
          for (auto& flow : flows_at(*session->hosting, part.service_location_id))
            if (flows.size() < flows_told_apart_max)
              flows.emplace(part.service_location_id, std::move(flow));
      least(interval, reporting_interval_of(policy));
      least(sampling, reporting.sampling_period.value_or(sampling_period_default_s));
      least(spacing, reporting.min_report_spacing.value_or(report_spacing_default_s));
      least(validity, validity_of(policy));
      for (const auto& threshold : policy.thresholds.value_or(std::vector<m1::EnergyThreshold>{}))
        triggers.push_back({policy_id + '/' + threshold.threshold_ref, threshold.metric,
                            threshold.direction, threshold.crossing, threshold.clear,
                            threshold.dwell.value_or(0)});
    }
  }
  out.reporting_interval = interval.value_or(out.reporting_interval);
  out.sampling_period = sampling.value_or(out.sampling_period);
  out.min_report_spacing = spacing.value_or(out.min_report_spacing);
  out.report_validity_time = validity.value_or(out.report_validity_time);
  if (!triggers.empty()) out.triggers = std::move(triggers);
  if (!flows.empty()) {
    out.scope = types::EnergyScope::service_data_flow;
    out.service_data_flows.emplace();
    for (const auto& [location, name] : flows)
      out.service_data_flows->push_back({.service_location_id = location, .domain_name = name});
  }
  out.revision = revision_of(out);
  return out;
}

e3::AsReporting Eiaf::reporting(std::string_view id, Instant now) const {
  const auto found = servers_.find(id);
  if (found == servers_.end()) return {};
  std::chrono::seconds interval{configuration(id).reporting_interval};
  return found->second.counters.reporting(now, interval);
}

e3::AsEnergyReportReceipt Eiaf::receipt(const e3::AsEnergyReports& reports, Instant now) const {
  e3::AsEnergyReportReceipt out;
  const auto& id = reports.reports.front().as_instance_id;
  const auto found = servers_.find(id);
  if (found == servers_.end()) return out;
  auto counters = found->second.counters;  // A copy: each report counts for the next one.
  for (const auto& one : reports.reports) {
    const auto why = counters.disbelief(one, found->second.registered, settings_, now);
    switch (counters.take(one, found->second.registered, settings_, now)) {
      case Taken::counted: ++out.accepted; break;
      case Taken::repeated:
      case Taken::reordered: ++out.repeated; break;
      case Taken::implausible:
        ++out.implausible;
        if (!out.implausible_cause) out.implausible_cause = why;
        break;
    }
  }
  auto current = configuration(id);
  if (reports.reports.back().configuration_revision != current.revision)
    out.configuration = std::move(current);
  return out;
}

Instant Eiaf::expires(std::string_view id) const {
  const auto found = subscriptions_.find(id);
  return found == subscriptions_.end() ? Instant{}
                                       : found->second.active + settings_.subscription_idle;
}

}  // namespace lobo::media_energy
