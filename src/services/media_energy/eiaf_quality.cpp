// Steps 10f, 10g and 31d of TR 26.942 clause 7.13.6: QoE reports tell where a session is served
// from and how well. Where it plays below the QoE floor of its policy it is taken away from; what
// is told of a location is shown with its energy.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/media_m1.hpp"
#include "base/clock.hpp"
#include "model/bit_rate.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/mapping.hpp"
#include "services/media_energy/policy_run.hpp"
#include "services/media_energy/ports.hpp"
#include "wire/qoe/report.hpp"

namespace lobo::media_energy {

namespace m1 = api::media_m1;

namespace {

/// Clocks of clients may be so far ahead.
constexpr std::chrono::minutes clock_apart_max{5};
/// What a new report weighs in the score of its location.
constexpr double new_weight = 0.2;
/// A score that nobody confirms for so long is none.
constexpr std::chrono::minutes score_age_max{10};
constexpr std::size_t uuid_digits = 32;

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// A UUID of digits alone, with its hyphens; anything else is nothing.
std::string hyphenated(std::string_view digits) {
  if (digits.size() != uuid_digits || !std::ranges::all_of(digits, is_hex)) return {};
  std::string out(digits);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) out.insert(at, 1, '-');
  return out;
}

/// Parameter 9: what the service must not fall below, and did.
bool is_below(const qoe::QoeReport& report, const m1::EnergyPolicy& policy) {
  if (!policy.service_energy_profile || !policy.service_energy_profile->qoe_floor) return false;
  const auto& floor = *policy.service_energy_profile->qoe_floor;
  if (floor.max_startup_ms && report.startup && report.startup->count() > *floor.max_startup_ms)
    return true;
  if (const auto ratio = report.rebuffer_ratio();
      floor.max_rebuffer_ratio && ratio && *ratio > *floor.max_rebuffer_ratio)
    return true;
  const auto rate = floor.min_bit_rate ? model::parse_bit_rate(*floor.min_bit_rate) : std::nullopt;
  return rate && report.throughput_bps && *report.throughput_bps < rate->count;
}

}  // namespace

/// recordingSessionId is hexadecimal digits: a session that is called by a UUID is found by them.
std::string Eiaf::session_named(std::string_view name) const {
  if (subscription_of_.contains(name)) return std::string(name);
  auto uuid = hyphenated(name);
  if (subscription_of_.contains(uuid)) return uuid;
  return std::string(name);
}

void Eiaf::quality_told(const std::string& body, Instant now) {
  const auto read = qoe::read_report(body);
  if (!read) return;
  for (const auto& one : read->reports) take_quality(one, *read, now);
}

void Eiaf::take_quality(const qoe::QoeReport& report, const qoe::ReceptionReport& of, Instant now) {
  const auto name =
      session_named(report.recording_session.empty() ? of.client_id : report.recording_session);
  if (name.empty()) return map_.count_unmapped();
  if (report.time > now + clock_apart_max || report.time + settings_.subscription_idle < now) {
    ++stale_qoe_;
    return;
  }
  const auto known = subscription_of_.find(name);
  const auto found =
      known == subscription_of_.end() ? subscriptions_.end() : subscriptions_.find(known->second);
  auto* subscription = found == subscriptions_.end() ? nullptr : &found->second;
  bool first = true;
  if (subscription != nullptr) {
    if (report.time <= subscription->qoe_seen) {
      ++stale_qoe_;
      return;
    }
    first = subscription->qoe_seen == Instant{};
    subscription->qoe_seen = report.time;
  }
  step(first ? "10f" : "31d", name, "QoE report");
  const auto at = settings_.locations.contains(report.service_location)
                      ? std::optional<std::string_view>(report.service_location)
                      : index().find(of.content_uri);
  if (!at || !settings_.locations.contains(*at)) return map_.count_unmapped();
  map_.saw(name, *at, Source::qoe, now, settings_.subscription_idle);
  step("10g", name, "mapped to a service location");
  if (const auto ratio = report.rebuffer_ratio()) {
    auto& quality = quality_[std::string(*at)];
    const bool fresh = quality.seen != Instant{} && now < quality.seen + score_age_max;
    const double score = 1 - *ratio;
    quality.score = fresh ? (1 - new_weight) * quality.score + new_weight * score : score;
    quality.seen = now;
  }
  if (subscription == nullptr) return;
  const auto* policy = running(*subscription);
  if (policy == nullptr || !is_below(report, policy->run.policy())) return;
  subscription->vetoes[std::string(*at)] = now + settings_.veto_time;
  subscription->below_floor = std::string(*at);
}

std::optional<double> Eiaf::qoe_score(std::string_view location, Instant now) const {
  const auto found = quality_.find(location);
  if (found == quality_.end() || now >= found->second.seen + score_age_max) return std::nullopt;
  return found->second.score;
}

/// A service whose guidance knows reselection leaves a place where it plays too badly, whatever
/// that place takes.
bool Eiaf::adapt_to_quality(const std::string& id, Subscription& subscription, Session& session,
                            Running& running, Instant now) {
  const auto where = std::exchange(subscription.below_floor, {});
  if (where.empty() || where != location_of(subscription)) return false;
  const auto guidance =
      running.run.policy().adaptation_guidance.value_or(std::vector<m1::AdaptationGuidance>{});
  if (std::ranges::none_of(guidance, [](const auto& one) {
        return one.action == Action::reselect_service_location;
      }))
    return false;
  auto what = feasible(subscription, session, running, Action::reselect_service_location, {}, now);
  if (!what) return false;
  recommend(id, subscription, session, running, std::move(*what), {}, Reason::reselection, now);
  return true;
}

}  // namespace lobo::media_energy
