#include "services/media_energy/policy_run.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/media_e5.hpp"
#include "api/media_m1.hpp"
#include "api/state/media_energy.hpp"
#include "base/clock.hpp"
#include "services/media_energy/checks.hpp"
#include "services/media_energy/figures.hpp"
#include "services/media_energy/latch.hpp"

namespace lobo::media_energy {

namespace m1 = api::media_m1;
namespace e5 = api::media_e5;
namespace state = api::state::media_energy;

namespace {

bool concerns(std::string_view unit_location, std::string_view location) {
  return unit_location.empty() || unit_location == location;
}

}  // namespace

PolicyRun::PolicyRun(m1::EnergyPolicy policy, Instant now)
    : policy_(std::move(policy)), ramp_at_(now) {}

void PolicyRun::replace(m1::EnergyPolicy policy, Instant now) {
  const auto before = std::exchange(policy_, std::move(policy));
  for (auto& [unit, watch] : watches_) {
    std::vector<Latch> latches(thresholds());
    for (std::size_t i = 0; i < thresholds(); ++i) {
      latches[i].begin(now);
      const auto& threshold = (*policy_.thresholds)[i];
      if (!before.thresholds) continue;
      const auto same = std::ranges::find(*before.thresholds, threshold);
      if (same != before.thresholds->end())
        latches[i] = watch.latches[static_cast<std::size_t>(same - before.thresholds->begin())];
    }
    watch.latches = std::move(latches);
  }
  if (before.measurement_time != policy_.measurement_time) measuring_ = false;
  if (before.energy_budget != policy_.energy_budget) {
    period_start_ = {};
    segment_ = 0;
  }
}

bool PolicyRun::measuring(Instant now) const {
  if (!policy_.measurement_time) return true;
  const auto& time = *policy_.measurement_time;
  if (time.start && now < *time.start) return false;
  const bool by_session = time.alignment == m1::MeasurementAlignment::session;
  if (!time.duration || by_session) return true;
  // Without a start it runs from when the policy was first at work.
  const auto start = time.start.value_or(measuring_ ? window_start_ : now);
  return now < start + std::chrono::seconds{*time.duration};
}

PolicyRun::Changes PolicyRun::observe(const std::vector<Unit>& units, Instant now) {
  Changes changes;
  refill(now);
  if (!measuring(now)) {
    for (auto& [key, watch] : watches_)
      for (auto& latch : watch.latches) latch.forget();
    return changes;
  }
  const bool begins = !measuring_;
  if (begins) {
    window_start_ = now;
    measuring_ = true;
  }
  std::erase_if(watches_, [&](const auto& one) {
    return std::ranges::none_of(units, [&](const Unit& unit) { return unit.key == one.first; });
  });
  if (begins) window_wh_ = 0;
  double added_wh = 0;
  for (const auto& unit : units) {
    const auto [at, fresh] = watches_.try_emplace(unit.key);
    auto& watch = at->second;
    if (fresh) {
      watch.location = unit.location;
      watch.latches.resize(thresholds());
      for (auto& latch : watch.latches) latch.begin(now);
      watch.seen_wh = unit.figures.energy_wh;
      if (const auto before = restored_.extract(unit.key)) watch.window_wh = before.mapped();
    }
    if (begins) watch.window_wh = 0;
    const double added = std::max(
        0.0, unit.figures.energy_wh - std::exchange(watch.seen_wh, unit.figures.energy_wh));
    watch.window_wh += added;
    added_wh += added;
    for (std::size_t i = 0; i < thresholds(); ++i) {
      const auto& threshold = (*policy_.thresholds)[i];
      const auto value = metric_of(unit.figures, threshold.metric, watch.window_wh);
      if (!value) {
        watch.latches[i].forget();
      } else if (watch.latches[i].observe(threshold, *value, now)) {
        changes.transitions.push_back(
            {unit.key, unit.location, threshold.threshold_ref, watch.latches[i].crossed()});
      }
    }
    if (policy_.suspension_policy && all_crossed(watch, policy_.suspension_policy->conditions)) {
      if (!watch.suspended_since) watch.suspended_since = now;
    } else {
      watch.suspended_since.reset();
    }
    if (policy_.recovery_policy && any_crossed(watch, policy_.recovery_policy->conditions))
      watch.quiet_since.reset();
    else if (!watch.quiet_since)
      watch.quiet_since = now;
  }
  window_wh_ += added_wh;
  observe_budget(added_wh, now, changes);
  return changes;
}

double PolicyRun::window_wh(std::string_view location) const {
  if (location.empty()) return window_wh_;
  double wh = 0;
  for (const auto& [key, watch] : watches_)
    if (concerns(watch.location, location)) wh += watch.window_wh;
  return wh;
}

// ---- thresholds -------------------------------------------------------------------------------

std::optional<std::size_t> PolicyRun::index_of(std::string_view ref) const {
  for (std::size_t i = 0; i < thresholds(); ++i)
    if ((*policy_.thresholds)[i].threshold_ref == ref) return i;
  return std::nullopt;
}

bool PolicyRun::all_crossed(const Watch& watch, const std::vector<std::string>& refs) const {
  return std::ranges::all_of(refs, [&](const auto& ref) {
    const auto index = index_of(ref);
    return index && watch.latches[*index].crossed();
  });
}

bool PolicyRun::any_crossed(const Watch& watch, const std::vector<std::string>& refs) const {
  return std::ranges::any_of(refs, [&](const auto& ref) {
    const auto index = index_of(ref);
    return index && watch.latches[*index].crossed();
  });
}

bool PolicyRun::crossed(std::string_view threshold_ref, std::string_view location) const {
  const auto index = index_of(threshold_ref);
  if (!index) return false;
  return std::ranges::any_of(watches_, [&](const auto& one) {
    return concerns(one.second.location, location) && one.second.latches[*index].crossed();
  });
}

std::vector<e5::EnergyThresholdStatus> PolicyRun::status(std::string_view location) const {
  std::vector<e5::EnergyThresholdStatus> out;
  for (const auto& [key, watch] : watches_) {
    if (!location.empty() && !concerns(watch.location, location)) continue;
    for (std::size_t i = 0; i < thresholds(); ++i) {
      e5::EnergyThresholdStatus one;
      one.threshold_ref = (*policy_.thresholds)[i].threshold_ref;
      one.state = watch.latches[i].state();
      one.since = watch.latches[i].since();
      one.value = watch.latches[i].value();
      out.push_back(std::move(one));
    }
  }
  return out;
}

// ---- suspension and recovery ------------------------------------------------------------------

bool PolicyRun::suspends(std::string_view location, Instant now) const {
  if (!policy_.suspension_policy) return false;
  const std::chrono::seconds longest{policy_.suspension_policy->max_duration};
  return std::ranges::any_of(watches_, [&](const auto& one) {
    const auto& since = one.second.suspended_since;
    return concerns(one.second.location, location) && since && now < *since + longest;
  });
}

std::optional<bool> PolicyRun::recovered(std::string_view location, Instant now) const {
  if (!policy_.recovery_policy) return std::nullopt;
  const std::chrono::seconds hold_off{
      policy_.recovery_policy->hold_off.value_or(hold_off_default_s)};
  return std::ranges::all_of(watches_, [&](const auto& one) {
    if (!concerns(one.second.location, location)) return true;
    return one.second.quiet_since && now >= *one.second.quiet_since + hold_off;
  });
}

void PolicyRun::refill(Instant now) {
  if (!policy_.recovery_policy) return;
  const auto rate = static_cast<double>(policy_.recovery_policy->ramp_sessions_per_second);
  const double passed = std::chrono::duration<double>(now - std::exchange(ramp_at_, now)).count();
  // A second's worth at most: what was not used does not become a crowd.
  ramp_ = std::min(rate, ramp_ + passed * rate);
}

bool PolicyRun::take_ramp() {
  if (!policy_.recovery_policy) return true;
  if (ramp_ < 1) return false;
  ramp_ -= 1;
  return true;
}

// ---- budget -----------------------------------------------------------------------------------

std::size_t PolicyRun::segment_of(double used_wh) const {
  const auto& segments = policy_.energy_budget->segments;
  std::size_t at = 0;
  while (at + 1 < segments.size() && used_wh >= segments[at].upper_wh.value_or(used_wh + 1)) ++at;
  return at;
}

void PolicyRun::observe_budget(double added_wh, Instant now, Changes& changes) {
  if (!policy_.energy_budget) return;
  period_start_ = std::min(period_start_, now);  // A clock that was set back gives nothing back.
  period_wh_ += added_wh;
  const std::chrono::seconds period{policy_.energy_budget->period};
  if (period_start_ == Instant{} || now >= period_start_ + period) {
    if (period_start_ != Instant{}) changes.budget = segment_ != 0;
    // Periods follow each other without a gap, however late anybody looks.
    const auto late =
        period_start_ == Instant{} ? Instant::duration::zero() : (now - period_start_) % period;
    period_start_ = now - late;
    period_wh_ = 0;
    segment_ = 0;
    if (changes.budget) ++segment_changes_;
  }
  const auto at = segment_of(period_wh_);
  if (at == segment_) return;
  segment_ = at;
  ++segment_changes_;
  changes.budget = true;
}

state::ConsumedState PolicyRun::consumed() const {
  state::ConsumedState out;
  if (measuring_) out.window_start = window_start_;
  out.window_wh = window_wh_;
  if (period_start_ != Instant{}) out.period_start = period_start_;
  out.period_wh = period_wh_;
  for (const auto& [key, watch] : watches_)
    if (watch.window_wh > 0 && out.units.size() < restored_units_max)
      out.units.push_back({key, watch.window_wh});
  return out;
}

void PolicyRun::restore(const state::ConsumedState& before) {
  measuring_ = before.window_start.has_value();
  window_start_ = before.window_start.value_or(Instant{});
  window_wh_ = before.window_wh;
  for (const auto& unit : before.units) restored_.emplace(unit.key, unit.window_wh);
  if (!policy_.energy_budget) return;
  period_start_ = before.period_start.value_or(Instant{});
  period_wh_ = before.period_wh;
  segment_ = segment_of(period_wh_);
}

const m1::BudgetSegment* PolicyRun::segment() const {
  return policy_.energy_budget ? &policy_.energy_budget->segments[segment_] : nullptr;
}

std::optional<e5::EnergyBudgetStatus> PolicyRun::budget(Instant /*now*/) const {
  if (!policy_.energy_budget || period_start_ == Instant{}) return std::nullopt;
  const auto& segments = policy_.energy_budget->segments;
  e5::EnergyBudgetStatus out;
  out.period = {period_start_, period_start_ + std::chrono::seconds{policy_.energy_budget->period}};
  out.used_wh = period_wh_;
  out.budget_wh = segments.back().upper_wh.value_or(segments.back().lower_wh);
  out.remaining_ratio =
      out.budget_wh > 0 ? std::clamp(1 - out.used_wh / out.budget_wh, 0.0, 1.0) : 0;
  out.segment_index = static_cast<std::int64_t>(segment_);
  const bool exhausted = out.used_wh >= out.budget_wh;
  out.state = exhausted       ? e5::BudgetState::exhausted
              : segment_ == 0 ? e5::BudgetState::ok
                              : e5::BudgetState::warning;
  return out;
}

}  // namespace lobo::media_energy
