// What a session is recommended, and when it is given back what was taken (parameters 5 to 7 and
// 9). The AF decides here; a collector relays.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/media_e5.hpp"
#include "api/media_m1.hpp"
#include "api/media_types.hpp"
#include "base/clock.hpp"
#include "model/bit_rate.hpp"
#include "services/media_energy/checks.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/policy_run.hpp"
#include "services/media_energy/ports.hpp"

namespace lobo::media_energy {

namespace e5 = api::media_e5;
namespace m1 = api::media_m1;
namespace types = api::media_types;

namespace {

constexpr double bits_per_mbit = 1e6;
/// A herd is spread so that no more than so many sessions move in a second, and over at most half a
/// minute: the longest that a player should be kept waiting.
constexpr double moves_per_second = 50;
constexpr std::int64_t jitter_ms_max = 30'000;
/// Below this a UE on battery saves.
constexpr double battery_low = 0.2;

bool saves(const e5::UeEnergyState& ue) {
  if (ue.thermal && *ue.thermal >= e5::ThermalState::serious) return true;
  const bool on_battery = !ue.power_source || *ue.power_source == e5::PowerSource::battery;
  return on_battery && ue.battery && *ue.battery < battery_low;
}

types::EnergyMode mode_of(const e5::UeEnergyState& ue, const m1::EnergyPolicy& policy) {
  if (saves(ue)) return types::EnergyMode::eco;
  if (ue.user_mode) return *ue.user_mode;
  if (policy.service_energy_profile && policy.service_energy_profile->mode)
    return *policy.service_energy_profile->mode;
  return types::EnergyMode::standard;
}

const m1::QoeFloor* floor_of(const m1::EnergyPolicy& policy) {
  if (!policy.service_energy_profile || !policy.service_energy_profile->qoe_floor) return nullptr;
  return &*policy.service_energy_profile->qoe_floor;
}

std::vector<types::ComponentType> components(
    const std::optional<std::vector<types::ComponentType>>& named, const m1::EnergyPolicy& policy) {
  if (named) return *named;
  if (policy.monitoring_scope && policy.monitoring_scope->component_types)
    return *policy.monitoring_scope->component_types;
  return {};
}

/// Of what is named, what the session has; nothing where it would be left without any.
std::optional<std::vector<types::ComponentType>> droppable(
    const e5::NewEnergySubscription& asked, const std::vector<types::ComponentType>& named) {
  if (!asked.component_types) return std::nullopt;
  std::vector<types::ComponentType> out;
  for (const auto one : *asked.component_types)
    if (std::ranges::find(named, one) != named.end()) out.push_back(one);
  if (out.empty() || out.size() == asked.component_types->size()) return std::nullopt;
  return out;
}

bool lowers_quality(types::EnergyAction action) {
  return action == types::EnergyAction::reduce_max_bitrate ||
         action == types::EnergyAction::reduce_max_resolution;
}

}  // namespace

bool Eiaf::may_move(const Subscription& subscription, const Policy& policy, Instant now) const {
  std::int64_t allowed = moves_per_hour_default;
  if (policy.service_energy_profile)
    allowed = policy.service_energy_profile->max_moves_per_session_per_hour.value_or(allowed);
  const auto recent = std::ranges::count_if(
      subscription.moves, [&](Instant at) { return now < at + std::chrono::hours{1}; });
  return recent < allowed;
}

/// Parameter 9: an economical service reacts to everything, one for performance only to what is
/// critical.
bool Eiaf::reacts_to(const Subscription& subscription, const Policy& policy,
                     const m1::EnergyThreshold& threshold) const {
  const auto severity = threshold.severity.value_or(m1::Severity::warning);
  switch (mode_of(subscription.ue, policy)) {
    case types::EnergyMode::eco: return true;
    case types::EnergyMode::standard: return severity >= m1::Severity::warning;
    case types::EnergyMode::performance: return severity == m1::Severity::critical;
  }
  return true;
}

/// Where else a session may go: of the plan first, then what has room; never a place that is
/// crossed, vetoed, unknown or below the floor.
std::vector<std::string> Eiaf::better_locations(const Subscription& subscription,
                                                const Session& session, const Running& running,
                                                Instant now) const {
  const auto& policy = running.run.policy();
  const auto here = location_of(subscription);
  const auto* floor = floor_of(policy);
  const auto fit = [&](const std::string& id) {
    if (id == here) return false;
    const auto settings = settings_.locations.find(id);
    if (settings == settings_.locations.end()) return false;
    if (floor != nullptr && floor->max_latency_ms &&
        settings->second.latency_ms > static_cast<double>(*floor->max_latency_ms))
      return false;
    if (const auto veto = subscription.vetoes.find(id);
        veto != subscription.vetoes.end() && now < veto->second)
      return false;
    const auto figures = figures_of(id, session, now);
    if (figures.state != LocationState::active) return false;
    if (figures.mbps + subscription.mbps > figures.capacity_mbps * settings_.utilisation)
      return false;
    for (const auto& threshold : policy.thresholds.value_or(std::vector<m1::EnergyThreshold>{}))
      if (running.run.crossed(threshold.threshold_ref, id)) return false;
    return true;
  };
  std::vector<std::string> out;
  const auto add = [&](const std::string& id) {
    if (std::ranges::find(out, id) == out.end() && fit(id)) out.push_back(id);
  };
  const auto* group =
      group_of(subscription.asked.provisioning_session_id, subscription.asked.energy_policy_id);
  if (group != nullptr)
    for (const auto& id : planner_.order(subscription.asked.media_delivery_session_id, *group))
      add(id);
  if (session.hosting)
    for (const auto id : locations_of(*session.hosting)) add(std::string(id));
  if (saves(subscription.ue))
    std::ranges::stable_sort(out, {}, [&](const std::string& id) {
      return settings_.locations.find(id)->second.latency_ms;
    });
  return out;
}

/// Parameter 5: the action with what it needs, or nothing where this session cannot do it.
std::optional<e5::EnergyAdaptationRecommendation> Eiaf::feasible(
    const Subscription& subscription, const Session& session, const Running& running, Action action,
    const std::optional<m1::AdaptationParams>& given, Instant now) const {
  const auto& policy = running.run.policy();
  const auto& asked = subscription.asked;
  const auto params = given.value_or(m1::AdaptationParams{});
  e5::EnergyAdaptationRecommendation out;
  out.action = action;
  switch (action) {
    case Action::reselect_service_location: {
      if (location_of(subscription).empty() || !may_move(subscription, policy, now))
        return std::nullopt;
      auto order = better_locations(subscription, session, running, now);
      if (order.empty()) return std::nullopt;
      out.service_location_priority = std::move(order);
      return out;
    }
    case Action::reduce_max_bitrate: {
      const auto limit = model::parse_bit_rate(params.max_bit_rate.value_or(""));
      if (!limit || static_cast<double>(limit->count) / bits_per_mbit >= subscription.mbps)
        return std::nullopt;
      out.max_bit_rate = params.max_bit_rate;
      return out;
    }
    case Action::reduce_max_resolution:
      if (asked.component_types &&
          std::ranges::find(*asked.component_types, types::ComponentType::video) ==
              asked.component_types->end())
        return std::nullopt;
      out.max_width = params.max_width;
      out.max_height = params.max_height;
      return out;
    case Action::prefer_codec: {
      if (!asked.codecs || !params.codecs) return std::nullopt;
      std::vector<std::string> known;
      for (const auto& wanted : *params.codecs)
        if (std::ranges::any_of(*asked.codecs, [&](const std::string& one) {
              return one.substr(0, one.find('.')) == wanted.substr(0, wanted.find('.'));
            }))
          known.push_back(wanted);
      if (known.empty()) return std::nullopt;
      out.codecs = std::move(known);
      return out;
    }
    case Action::drop_component: {
      auto dropped = droppable(asked, components(params.component_types, policy));
      if (!dropped) return std::nullopt;
      out.component_types = std::move(*dropped);
      return out;
    }
    case Action::defer_download:
      if (asked.session_kind && *asked.session_kind != e5::MediaSessionKind::downlink)
        return std::nullopt;
      return out;
    case Action::suspend_session:
    case Action::resume:
    case Action::none: return out;
  }
  return std::nullopt;
}

void Eiaf::recommend(const std::string& id, Subscription& subscription, Session& session,
                     Running& running, e5::EnergyAdaptationRecommendation what, Adaptation why,
                     Reason reason, Instant now) {
  const bool moves = what.action == Action::reselect_service_location;
  const std::chrono::seconds validity{validity_of(running.run.policy())};
  what.not_before = now;
  what.not_after = now + validity;
  what.jitter_ms = std::min(
      jitter_ms_max,
      static_cast<std::int64_t>(static_cast<double>(running.affected) * 1000 / moves_per_second));
  what.move_id = id.substr(0, 8) + '-' + std::to_string(++moves_);
  if (moves) {
    ++running.affected;
    subscription.moves.push_back(now);
    while (!subscription.moves.empty() && now >= subscription.moves.front() + std::chrono::hours{1})
      subscription.moves.pop_front();
    why.target = what.service_location_priority->front();
  }
  why.action = what.action;
  why.state = what.action == Action::resume ? e5::AdaptationState::reverted
                                            : e5::AdaptationState::recommended;
  why.move_id = what.move_id;
  why.since = now;
  why.not_after = what.not_after;
  subscription.adaptation = std::move(why);
  step(moves ? "32" : "35", id, std::string(types::to_string(what.action)));
  report(id, subscription, session, running, reason, what, now);
}

/// Parameters 6 and 7. True where the session has something now that must last.
bool Eiaf::give_back(const std::string& id, Subscription& subscription, Session& session,
                     Running& running, Instant now) {
  auto& adaptation = subscription.adaptation;
  const bool held = adaptation.state == e5::AdaptationState::recommended ||
                    adaptation.state == e5::AdaptationState::applied;
  if (!held) return false;
  const bool moves = adaptation.action == Action::reselect_service_location;
  if (moves) {
    // A move is over when it was made, or when nobody made it in time.
    if (adaptation.state == e5::AdaptationState::recommended && now < adaptation.not_after)
      return true;
    if (adaptation.state == e5::AdaptationState::recommended) {
      adaptation.state = e5::AdaptationState::failed;
      subscription.vetoes[adaptation.target] = now + settings_.veto_time;
    }
    return false;
  }
  if (adaptation.action == Action::none) return now < adaptation.not_after;
  const auto here = location_of(subscription);
  bool over = false;
  if (adaptation.suspension) {
    over = !running.run.suspends(here, now);
  } else if (adaptation.network) {
    over = !subscription.network.degraded();
  } else if (adaptation.budget) {
    over = running.run.segment_changes() != adaptation.budget_change;
  } else {
    over = !running.run.crossed(adaptation.threshold_ref, here);
  }
  if (!over) return true;
  // A suspension ends by itself; what was lowered rises again as recovery permits.
  if (!adaptation.suspension) {
    if (network_holds_back(subscription, now)) return true;
    if (const auto recovered = running.run.recovered(here, now); recovered && !*recovered)
      return true;
    if (saves(subscription.ue) && lowers_quality(adaptation.action)) return true;
  }
  if (!running.run.take_ramp()) return true;
  e5::EnergyAdaptationRecommendation resume;
  resume.action = Action::resume;
  const auto reason = adaptation.network ? Reason::qos_restored : Reason::threshold_cleared;
  recommend(id, subscription, session, running, std::move(resume), {}, reason, now);
  return true;
}

bool Eiaf::adapt_to_thresholds(const std::string& id, Subscription& subscription, Session& session,
                               Running& running, Instant now) {
  const auto& policy = running.run.policy();
  const auto here = location_of(subscription);
  auto guidance = policy.adaptation_guidance.value_or(std::vector<m1::AdaptationGuidance>{});
  if (saves(subscription.ue))  // Lower operation points before other places.
    std::ranges::stable_partition(guidance,
                                  [](const auto& one) { return lowers_quality(one.action); });
  for (const auto& one : guidance) {
    const auto threshold = std::ranges::find(*policy.thresholds, one.trigger_threshold_ref,
                                             &m1::EnergyThreshold::threshold_ref);
    if (threshold == policy.thresholds->end() ||
        !running.run.crossed(one.trigger_threshold_ref, here) ||
        !reacts_to(subscription, policy, *threshold))
      continue;
    auto what = feasible(subscription, session, running, one.action, one.params, now);
    if (!what) continue;
    Adaptation why;
    why.threshold_ref = one.trigger_threshold_ref;
    const bool moves = one.action == Action::reselect_service_location;
    recommend(id, subscription, session, running, std::move(*what), std::move(why),
              moves ? Reason::reselection : Reason::threshold_crossed, now);
    return true;
  }
  return false;
}

/// A service whose guidance knows reselection follows the plan, at the pace at which it is let out.
void Eiaf::adapt_to_plan(const std::string& id, Subscription& subscription, Session& session,
                         Running& running, Instant now) {
  const auto& policy = running.run.policy();
  const auto guidance = policy.adaptation_guidance.value_or(std::vector<m1::AdaptationGuidance>{});
  const bool knows = std::ranges::any_of(
      guidance, [](const auto& one) { return one.action == Action::reselect_service_location; });
  if (!knows || subscription.moved_by_plan == plan_.revision) return;
  const auto here = location_of(subscription);
  const auto* group =
      group_of(subscription.asked.provisioning_session_id, subscription.asked.energy_policy_id);
  if (here.empty() || group == nullptr) return;
  subscription.moved_by_plan = plan_.revision;
  const auto order = planner_.order(subscription.asked.media_delivery_session_id, *group);
  if (order.empty() || order.front() == here) return;
  auto what = feasible(subscription, session, running, Action::reselect_service_location, {}, now);
  // Only where the plan has it: any other place would undo the plan.
  if (!what || what->service_location_priority->front() != order.front()) return;
  recommend(id, subscription, session, running, std::move(*what), {}, Reason::reselection, now);
}

void Eiaf::adapt(const std::string& id, Subscription& subscription, Session& session,
                 Running& running, Instant now) {
  const auto& policy = running.run.policy();
  if (!running.to_collectors || !exposes(session, m1::ExposureRecipient::eic)) return;
  const auto here = location_of(subscription);
  // A suspension goes before everything else.
  const bool consents = subscription.asked.user_consent.value_or(false);
  if (!subscription.adaptation.suspension && running.run.suspends(here, now) &&
      (consents || !policy.suspension_policy->user_consent_required.value_or(true))) {
    const auto& suspension = *policy.suspension_policy;
    const bool whole = suspension.target == m1::SuspensionTarget::session;
    std::optional<m1::AdaptationParams> params;
    params.emplace().component_types = suspension.component_types;
    if (auto what =
            feasible(subscription, session, running,
                     whole ? Action::suspend_session : Action::drop_component, params, now)) {
      Adaptation why;
      why.suspension = true;
      return recommend(id, subscription, session, running, std::move(*what), std::move(why),
                       Reason::threshold_crossed, now);
    }
  }
  if (give_back(id, subscription, session, running, now)) return;
  if (adapt_to_quality(id, subscription, session, running, now)) return;
  if (adapt_to_network(id, subscription, session, running, now)) return;
  if (adapt_to_thresholds(id, subscription, session, running, now)) return;
  const auto* segment = running.run.segment();
  if (segment != nullptr && subscription.budget_told != running.run.segment_changes()) {
    subscription.budget_told = running.run.segment_changes();
    if (segment->action != Action::none)
      if (auto what =
              feasible(subscription, session, running, segment->action, segment->params, now)) {
        Adaptation why;
        why.budget = true;
        why.budget_change = running.run.segment_changes();
        return recommend(id, subscription, session, running, std::move(*what), std::move(why),
                         Reason::budget_changed, now);
      }
  }
  // A move costs the network what it does not have now.
  if (!subscription.network.degraded()) adapt_to_plan(id, subscription, session, running, now);
}

}  // namespace lobo::media_energy
