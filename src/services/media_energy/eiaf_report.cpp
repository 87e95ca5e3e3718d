// What is told: events on E5 with the twelve parameters of TR 26.942 clause 7.13.5.2, and
// notifications on M8. What the exposure configuration does not list is left out.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/media_e5.hpp"
#include "api/media_m1.hpp"
#include "api/media_types.hpp"
#include "api/state/media_energy.hpp"
#include "base/clock.hpp"
#include "base/text.hpp"
#include "services/media_energy/checks.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/figures.hpp"
#include "services/media_energy/policy_run.hpp"
#include "services/media_energy/ports.hpp"
#include "wire/json/json.hpp"

namespace lobo::media_energy {

namespace e5 = api::media_e5;
namespace m1 = api::media_m1;
namespace state = api::state::media_energy;
namespace types = api::media_types;

namespace {

constexpr double percent = 100;
constexpr std::uint64_t sample_steps = 10'000;

/// The coarser of the two: what is exposed is never finer than either.
types::EnergyScope coarser(types::EnergyScope a, types::EnergyScope b) {
  const auto grain = [](types::EnergyScope scope) {
    switch (scope) {
      case types::EnergyScope::service: return 0;
      case types::EnergyScope::service_location: return 1;
      case types::EnergyScope::as_instance: return 2;
      case types::EnergyScope::session: return 2;
      case types::EnergyScope::service_data_flow: return 3;
    }
    return 0;
  };
  return grain(a) <= grain(b) ? a : b;
}

/// The same sessions each time, and no others.
bool sampled(std::string_view session, double percentage) {
  const auto step = fnv1a(session) % sample_steps;
  return static_cast<double>(step) * percent / static_cast<double>(sample_steps) < percentage;
}

}  // namespace

e5::ClientEnergyReport Eiaf::describe(const Session& session, const Running& running,
                                      std::string_view session_id, std::string_view location,
                                      Reason reason, Instant now) const {
  const auto& policy = running.run.policy();
  auto level = policy.monitoring_scope ? policy.monitoring_scope->level
                                       : types::EnergyScope::service_location;
  if (session.exposure && session.exposure->granularity)
    level = coarser(level, *session.exposure->granularity);
  const bool whole = level == types::EnergyScope::service || location.empty();
  if (whole) level = types::EnergyScope::service;
  std::vector<Figures> parts;
  if (session.hosting)
    for (const auto id : locations_of(*session.hosting))
      if (whole || id == location)
        parts.push_back(
            level == types::EnergyScope::service_data_flow
                ? flow_figures(std::string(id), flows_at(*session.hosting, id), session, now)
                : figures_of(std::string(id), session, now));
  const auto figures = together(parts);

  e5::ClientEnergyReport out;
  out.energy_policy_id = policy.energy_policy_id.value_or("");
  out.app_id = session.state.app_id;
  out.provisioning_session_id = std::string(session_id);
  out.energy_measurement_scope.level = level;
  if (!whole) out.energy_measurement_scope.service_location_id = std::string(location);
  if (policy.monitoring_scope)
    out.energy_measurement_scope.sample_percentage = policy.monitoring_scope->sample_percentage;
  const auto start = running.run.window_start() == Instant{} ? now : running.run.window_start();
  out.energy_measurement_time = {start, std::max(figures.to, start + std::chrono::milliseconds{1})};
  out.energy_reporting_reason = reason;
  out.energy_report_validity_time = validity_of(policy);
  out.energy_information_timestamp = now;
  auto status = running.run.status(whole ? std::string_view() : location);
  if (!status.empty()) out.energy_threshold_status = std::move(status);
  out.energy_budget_status = running.run.budget(now);
  if (figures.servers_known == 0) return out;  // Nothing valid is known: no figure is made up.
  out.energy_consumption_value =
      e5::EnergyConsumptionValue{running.run.window_wh(whole ? std::string_view() : location), "Wh",
                                 figures.method, figures.rel_uncertainty};
  if (figures.bit_per_joule)
    out.energy_efficiency_metric = e5::EnergyEfficiencyMetric{*figures.bit_per_joule};
  e5::CarbonInformation carbon;
  carbon.intensity_g_per_k_wh = figures.carbon_g_per_kwh;
  carbon.renewable_ratio = figures.renewable_ratio;
  carbon.source = figures.carbon_reported ? "reported" : "configured";
  carbon.valid_until =
      std::min(figures.valid_until, now + std::chrono::seconds{validity_of(policy)});
  out.carbon = std::move(carbon);
  return out;
}

void Eiaf::withhold(e5::ClientEnergyReport& report, const Session& session) {
  using m1::ExposedParameter;
  const auto keep = [&](ExposedParameter parameter, auto& member) {
    if (!exposes(session, parameter)) member.reset();
  };
  keep(ExposedParameter::energy_threshold_status, report.energy_threshold_status);
  keep(ExposedParameter::energy_budget_status, report.energy_budget_status);
  keep(ExposedParameter::energy_adaptation_status, report.energy_adaptation_status);
  keep(ExposedParameter::energy_adaptation_recommendation, report.energy_adaptation_recommendation);
  keep(ExposedParameter::energy_consumption_value, report.energy_consumption_value);
  keep(ExposedParameter::energy_efficiency_metric, report.energy_efficiency_metric);
  keep(ExposedParameter::carbon, report.carbon);
}

void Eiaf::report(const std::string& id, Subscription& subscription, const Session& session,
                  const Running& running, Reason reason,
                  const std::optional<e5::EnergyAdaptationRecommendation>& what, Instant now) {
  if (!running.to_collectors || !exposes(session, m1::ExposureRecipient::eic)) return;
  auto event = describe(session, running, subscription.asked.provisioning_session_id,
                        location_of(subscription), reason, now);
  event.media_delivery_session_ids = {subscription.asked.media_delivery_session_id};
  const auto& adaptation = subscription.adaptation;
  e5::EnergyAdaptationStatus status;
  status.state = adaptation.state;
  status.since = adaptation.since == Instant{} ? subscription.made : adaptation.since;
  if (adaptation.state != e5::AdaptationState::none) {
    status.action = adaptation.action;
    status.move_id = adaptation.move_id;
  }
  event.energy_adaptation_status = std::move(status);
  event.energy_adaptation_recommendation = what;
  withhold(event, session);
  event.sequence = ++subscription.next;
  subscription.events.push_back(std::move(event));
  while (subscription.events.size() > events_kept_max) subscription.events.pop_front();
  subscription.reported = now;
  subscription.late.reset();
  answer_polls(id, subscription, now, false);
  feed(id, subscription, now);
}

/// A report of what is measured: sampled, spaced, within the measurement time of this session.
void Eiaf::report_measured(const std::string& id, Subscription& subscription,
                           const Session& session, const Running& running, Reason reason,
                           Instant now) {
  const auto& policy = running.run.policy();
  if (policy.monitoring_scope && policy.monitoring_scope->sample_percentage &&
      !sampled(subscription.asked.media_delivery_session_id,
               *policy.monitoring_scope->sample_percentage))
    return;
  if (!running.run.measuring(now)) return;
  if (const auto& time = policy.measurement_time;
      time && time->alignment == m1::MeasurementAlignment::session && time->duration &&
      now >= std::max(subscription.made, time->start.value_or(subscription.made)) +
                 std::chrono::seconds{*time->duration})
    return;
  m1::EnergyReporting silent;
  silent.mode = m1::ReportingMode::both;
  const auto reporting = policy.reporting.value_or(silent);
  if (reason == Reason::periodic ? reporting.mode == m1::ReportingMode::threshold
                                 : reporting.mode == m1::ReportingMode::periodic)
    return;
  const std::chrono::seconds spacing{
      reporting.min_report_spacing.value_or(report_spacing_default_s)};
  if (subscription.reported != Instant{} && now < subscription.reported + spacing) {
    // The gravest reason of what was held back is told; its figures are those of then.
    if (!subscription.late || *subscription.late == Reason::periodic) subscription.late = reason;
    return;
  }
  report(id, subscription, session, running, reason, std::nullopt, now);
}

void Eiaf::report_periodically(const std::string& id, Subscription& subscription,
                               const Session& session, const Running& running, Instant now) {
  if (subscription.late)
    report_measured(id, subscription, session, running, *subscription.late, now);
  const auto& policy = running.run.policy();
  if (policy.reporting && policy.reporting->one_shot_after) {
    if (subscription.one_shot_done ||
        now < subscription.made + std::chrono::seconds{*policy.reporting->one_shot_after})
      return;
    subscription.one_shot_done = true;
    return report_measured(id, subscription, session, running, Reason::periodic, now);
  }
  auto interval = reporting_interval_of(policy);
  if (session.exposure)
    interval = std::max(interval, session.exposure->reporting_interval.value_or(interval));
  if (subscription.next_periodic == Instant{})
    subscription.next_periodic = subscription.made + std::chrono::seconds{interval};
  // A policy that has become more eager counts from now on.
  subscription.next_periodic =
      std::min(subscription.next_periodic, now + std::chrono::seconds{interval});
  if (now < subscription.next_periodic) return;
  subscription.next_periodic = now + std::chrono::seconds{interval};
  report_measured(id, subscription, session, running, Reason::periodic, now);
}

/// M8: to each recipient that is notified at a URI. `about` is the session of a collector's
/// feedback.
void Eiaf::notify(const std::string& session_id, const Session& session, Running& running,
                  Reason reason, std::string_view location, const Subscription* about,
                  Instant now) {
  if (running.recipients.empty() || !exposes(session, m1::ExposureRecipient::asp)) return;
  auto report = describe(session, running, session_id, location, reason, now);
  if (about != nullptr) {
    report.media_delivery_session_ids = {about->asked.media_delivery_session_id};
    e5::EnergyAdaptationStatus status;
    status.state = about->adaptation.state;
    status.since = about->adaptation.since == Instant{} ? now : about->adaptation.since;
    if (about->adaptation.state != e5::AdaptationState::none) {
      status.action = about->adaptation.action;
      status.move_id = about->adaptation.move_id;
    }
    report.energy_adaptation_status = std::move(status);
  }
  withhold(report, session);
  for (const auto& recipient : running.recipients) {
    state::RecipientReport body;
    body.to = recipient.to;
    body.notification.provisioning_session_id = session_id;
    body.notification.energy_policy_id = report.energy_policy_id;
    if (!recipient.profile.empty()) body.notification.data_access_profile_ref = recipient.profile;
    body.notification.reports = {report};
    tell(recipient.key, "report", json::write(body));
  }
}

}  // namespace lobo::media_energy
