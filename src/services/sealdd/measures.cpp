#include "services/sealdd/measures.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/common.hpp"
#include "api/sdd_relay.hpp"
#include "api/sdd_tqm.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "model/bit_rate.hpp"
#include "services/sealdd/aggregate.hpp"
#include "services/sealdd/kept.hpp"
#include "services/sealdd/quality.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"

namespace lobo::sealdd {

namespace rly = api::sdd_relay;
namespace state = api::state::sealdd;
namespace tqm = api::sdd_tqm;
using tqm::NotificationMethodKnown;
using tqm::RepGranularityKnown;

namespace {

constexpr std::chrono::seconds period_usual{10};
constexpr double us_per_ms = 1000;
constexpr double ppm_per_permille = 1000;

std::vector<tqm::MeasurementId> everything() {
  return {tqm::MeasurementIdKnown::latency, tqm::MeasurementIdKnown::bitrate,
          tqm::MeasurementIdKnown::packet_loss_rate, tqm::MeasurementIdKnown::jitter};
}

/// What of it the data really has.
std::vector<tqm::MeasurementId> told_of(const tqm::TransQualMeasData& data) {
  std::vector<tqm::MeasurementId> out;
  if (data.avg_latency) out.emplace_back(tqm::MeasurementIdKnown::latency);
  if (data.avg_bit_rate) out.emplace_back(tqm::MeasurementIdKnown::bitrate);
  if (data.avg_pack_loss_rate) out.emplace_back(tqm::MeasurementIdKnown::packet_loss_rate);
  if (data.avg_jitter) out.emplace_back(tqm::MeasurementIdKnown::jitter);
  return out;
}

std::chrono::seconds period_of(const tqm::TransQualMeasReq& req) {
  return req.rep_periodicity ? std::chrono::seconds(std::max<std::int64_t>(1, *req.rep_periodicity))
                             : period_usual;
}

std::optional<double> bps(const std::optional<std::string>& text) {
  const auto rate = text ? model::parse_bit_rate(*text) : std::nullopt;
  return rate ? std::optional(static_cast<double>(rate->count)) : std::nullopt;
}
std::optional<double> number(const std::optional<std::int64_t>& value) {
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

/// The worse of what it was so far and what these two limits say.
void hold(Standing& so_far, double value, std::optional<double> least, std::optional<double> most) {
  constexpr double leave = criterion_leave_percent / 100.0;
  auto is = Standing::good;
  if (most) is = value > *most ? Standing::bad : value > *most * leave ? Standing::between : is;
  if (least && is != Standing::bad)
    is = value < *least ? Standing::bad : value < *least / leave ? Standing::between : is;
  so_far = std::max(so_far, is);
}

bool in(const api::common::TimeWindow& window, Instant now) {
  return window.start_time <= now && now < window.stop_time;
}

}  // namespace

NotificationMethodKnown method_of(const tqm::TransQualMeasReq& req) {
  const auto known = req.rep_type ? req.rep_type->known() : std::nullopt;
  if (known) return *known;
  return req.rep_criteria ? NotificationMethodKnown::on_event_detection
                          : NotificationMethodKnown::periodic;
}

bool Whom::wants(const Measured& one) const {
  return (room.empty() || one.room == room) && (ues.empty() || ues.contains(one.ue)) &&
         (assets.empty() || assets.contains(one.asset));
}

Standing standing(const tqm::TransQualMeasCriteria& criteria, const Aggregate& of) {
  auto out = Standing::good;
  if (!of.delay().empty())
    hold(out, of.delay().mean() / us_per_ms, number(criteria.min_latency),
         number(criteria.max_latency));
  if (!of.jitter().empty())
    hold(out, of.jitter().mean() / us_per_ms, number(criteria.min_jitter),
         number(criteria.max_jitter));
  if (of.packets() + of.lost() > 0)
    hold(out, static_cast<double>(of.loss_ppm()) / ppm_per_permille,
         number(criteria.min_pack_loss_rate), number(criteria.max_pack_loss_rate));
  hold(out, of.bits_per_second(), bps(criteria.min_bit_rate), bps(criteria.max_bit_rate));
  return out;
}

bool Latch::turn(Standing now) {
  ++held_;
  const bool change =
      entered_ ? now == Standing::good && held_ >= criterion_hold_ticks : now == Standing::bad;
  if (!change) return false;
  entered_ = !entered_;
  held_ = 0;
  return true;
}

// ---- who there is -----------------------------------------------------------------------------

void Measures::connection_changed(const std::string& id, const state::ConnectionState& kept) {
  auto& ids = flows_of_[id];
  std::set<std::int64_t> now;
  for (const auto& [asset, flow] : kept.flows) {
    if (flow.alias > 0) names_[{kept.room, flow.alias}] = asset;
    for (const auto flow_id : flow.flow_ids) {
      auto& one = flows_[flow_id];
      if (now.insert(flow_id).second) one.assets.clear();
      one.of = {id, kept.room, kept.ue, {}};
      one.assets.push_back({flow.alias, asset});
    }
  }
  for (const auto old : ids)
    if (!now.contains(old)) {
      if (const auto gone = flows_.find(old); gone != flows_.end()) {
        windows_ -= gone->second.windows.size();
        flows_.erase(gone);
      }
    }
  ids.assign(now.begin(), now.end());
}

void Measures::connection_gone(const std::string& id) {
  const auto found = flows_of_.find(id);
  if (found == flows_of_.end()) return;
  for (const auto flow : found->second)
    if (const auto gone = flows_.find(flow); gone != flows_.end()) {
      windows_ -= gone->second.windows.size();
      flows_.erase(gone);
    }
  flows_of_.erase(found);
  std::erase_if(seconds_, [&](const auto& one) { return one.first.first == id; });
}

void Measures::subscribed(const std::string& id, const state::KeptState& kept, Instant now) {
  auto asked = json::read<tqm::TransQualMeasSubsc>(kept.text);
  if (!asked) return;
  auto before = subscriptions_.find(id);
  Subscription fresh;
  fresh.extended = is_extended(kept.text);
  fresh.whom.assets.insert(asked->app_traffic_ids.begin(), asked->app_traffic_ids.end());
  if (asked->val_ue_ids_list)
    fresh.whom.ues.insert(asked->val_ue_ids_list->begin(), asked->val_ue_ids_list->end());
  fresh.whom.room = asked->val_group_id.value_or("");
  for (const auto& [key, spec] : asked->reqs) {
    auto& req = fresh.reqs[key];
    // A notification changes the record as well: what was collected goes on where nothing changed.
    if (before != subscriptions_.end()) {
      const auto was = before->second.reqs.find(key);
      if (was != before->second.reqs.end() && was->second.spec == spec) req = was->second;
    }
    req.spec = spec;
    if (req.due == Instant{}) {
      req.due = now + period_of(spec);
      if (method_of(spec) == NotificationMethodKnown::one_time && spec.meas_window)
        req.due = spec.meas_window->stop_time;
    }
    if (kept.done) req.done = std::ranges::find(*kept.done, key) != kept.done->end();
  }
  fresh.asked = std::move(*asked);
  subscriptions_.insert_or_assign(id, std::move(fresh));
}

// ---- what comes -------------------------------------------------------------------------------

std::string Measures::asset_of(const Flow& flow, std::optional<std::int64_t> alias) const {
  if (alias) {
    const auto own = std::ranges::find(flow.assets, *alias, &Asset::alias);
    if (own != flow.assets.end()) return own->name;
    const auto named = names_.find({flow.of.room, *alias});
    if (named != names_.end()) return named->second;
  }
  return flow.assets.empty() ? std::string() : flow.assets.front().name;
}

void Measures::reported(const rly::RelayReport& report) {
  if (!report.windows) return;
  for (const auto& window : *report.windows) {
    const auto found = flows_.find(window.flow_id);
    if (found == flows_.end()) continue;
    auto& flow = found->second;
    auto of = flow.of;
    of.asset = asset_of(flow, window.alias);
    flow.windows.push_back(window);
    ++windows_;
    if (flow.windows.size() > windows_kept_max) {
      flow.windows.pop_front();
      --windows_;
    }
    for (auto& [id, subscription] : subscriptions_)
      if (subscription.whom.wants(of)) count(subscription, of, window);
    auto& second = seconds_[{of.connection, of.asset}];
    second.of = of;
    second.what.add(window);
  }
  // More flows than were planned for: the newest windows of each are kept.
  for (bool some = true; some && windows_ > windows_all_max;) {
    some = false;
    for (auto& [id, flow] : flows_) {
      if (flow.windows.size() <= 1) continue;
      flow.windows.pop_front();
      --windows_;
      some = true;
    }
  }
}

void Measures::count(Subscription& subscription, const Measured& of,
                     const rly::RelayWindow& window) {
  for (auto& [key, req] : subscription.reqs) {
    if (req.done || !is_active(subscription, req, window.from)) continue;
    const auto granularity = req.spec.rep_granularity
                                 ? req.spec.rep_granularity->known()
                                 : std::optional(RepGranularityKnown::individual_val_ue);
    const std::string unit_key = granularity == RepGranularityKnown::individual_val_ue ? of.ue
                                 : granularity == RepGranularityKnown::val_group       ? of.room
                                                                                       : "";
    if (!req.units.contains(unit_key) && req.units.size() >= units_max) continue;
    auto& unit = req.units[unit_key];
    unit.since.add(window);
    unit.second.add(window);
    if (unit.ues.size() < quality_ues_max) unit.ues.insert(of.ue);
    unit.assets.insert(of.asset);
  }
}

bool Measures::is_active(const Subscription& subscription, const Requirement& req, Instant now) {
  if (req.spec.meas_exp_time && now >= *req.spec.meas_exp_time) return false;
  if (req.spec.meas_window && !in(*req.spec.meas_window, now)) return false;
  if (!subscription.asked.meas_conds) return true;
  return std::ranges::any_of(*subscription.asked.meas_conds, [now](const auto& condition) {
    return !condition.tm_wdws ||
           std::ranges::any_of(*condition.tm_wdws, [now](const auto& one) { return in(one, now); });
  });
}

// ---- what goes --------------------------------------------------------------------------------

void Measures::report(const Subscription& subscription, const std::string& key, const Unit& unit,
                      const Aggregate& what, std::optional<tqm::CriteriaState> criteria,
                      Instant now, std::vector<tqm::TransQualMeasReport>& out) const {
  const auto& spec = subscription.reqs.find(key)->second.spec;
  auto data = what.data(
      spec.meas_id,
      static_cast<int>(subscription.extended ? spec.k_percentile.value_or(percentile_usual)
                                             : percentile_usual),
      subscription.extended, now);
  if (!data || out.size() >= reports_told_max) return;
  tqm::TransQualMeasReport one;
  one.meas_id = told_of(*data);
  one.val_ue_ids.emplace(unit.ues.begin(), unit.ues.end());
  one.meas_data = std::move(*data);
  if (subscription.extended) {
    one.req_key = key;
    one.app_traffic_ids.emplace(unit.assets.begin(), unit.assets.end());
    one.criteria = criteria;
  }
  out.push_back(std::move(one));
}

void Measures::look(const std::string& id, Subscription& subscription, Instant now) {
  tqm::TransQualMeasNotif notif;
  state::ReportTold told;
  for (auto& [key, req] : subscription.reqs) {
    if (req.done) continue;
    const auto method = method_of(req.spec);
    if (method == NotificationMethodKnown::on_event_detection) {
      for (auto& [name, unit] : req.units) {
        if (unit.second.empty() || !req.spec.rep_criteria) continue;
        if (unit.latch.turn(standing(*req.spec.rep_criteria, unit.second)) &&
            (unit.latch.entered() || subscription.extended))
          report(subscription, key, unit, unit.second,
                 unit.latch.entered() ? tqm::CriteriaState::entered : tqm::CriteriaState::left, now,
                 notif.reports);
        unit.second.clear();
        unit.since.clear();
      }
      continue;
    }
    if (now < req.due) continue;
    const auto before = notif.reports.size();
    for (auto& [name, unit] : req.units)
      report(subscription, key, unit, unit.since, std::nullopt, now, notif.reports);
    if (method == NotificationMethodKnown::one_time) {
      if (notif.reports.size() == before) continue;  // Nothing was measured yet: it waits.
      req.done = true;
      if (!told.done) told.done.emplace();
      told.done->push_back(key);
    }
    req.units.clear();
    while (req.due <= now) req.due += period_of(req.spec);
  }
  if (notif.reports.empty()) return;
  told.body = json::write(notif);
  told_.push_back({{std::string(quality_kind), id}, "report", json::write(told)});
}

bool Measures::advance(Instant now) {
  if (now < ticked_ + tick) return false;
  ticked_ = now;
  for (auto& [id, subscription] : subscriptions_) look(id, subscription, now);
  return true;
}

Instant Measures::next_deadline(Instant now) const {
  if (flows_.empty() && subscriptions_.empty()) return now + std::chrono::hours(1);
  return std::max(now, ticked_ + tick);
}

std::vector<resource::Tell> Measures::take_told() { return std::exchange(told_, {}); }

std::vector<Measures::Second> Measures::take_seconds() {
  std::vector<Second> out;
  for (auto& [key, second] : seconds_) out.push_back(std::move(second));
  seconds_.clear();
  return out;
}

std::vector<tqm::TransQualMeasReport> Measures::history(const Whom& whom, bool extended,
                                                        Instant now) const {
  std::map<std::string, Unit, std::less<>> units;
  for (const auto& [id, flow] : flows_)
    for (const auto& window : flow.windows) {
      auto of = flow.of;
      of.asset = asset_of(flow, window.alias);
      if (!whom.wants(of)) continue;
      auto& unit = units[of.ue];
      unit.since.add(window);
      unit.assets.insert(of.asset);
    }
  std::vector<tqm::TransQualMeasReport> out;
  for (const auto& [ue, unit] : units) {
    auto data = unit.since.data(everything(), percentile_usual, extended, now);
    if (!data || out.size() >= reports_told_max) continue;
    tqm::TransQualMeasReport one;
    one.meas_id = told_of(*data);
    one.val_ue_ids = std::vector{ue};
    one.meas_data = std::move(*data);
    if (extended) one.app_traffic_ids.emplace(unit.assets.begin(), unit.assets.end());
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace lobo::sealdd
