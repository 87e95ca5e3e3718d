#include "services/core_sim/watches.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/monitoring_event.hpp"
#include "base/clock.hpp"
#include "base/rng.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/timers.hpp"
#include "services/core_sim/world.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::core_sim {

namespace {

using api::monitoring_event::MonitoringNotification;
using api::monitoring_event::PdnConnectionStatusKnown;
using api::monitoring_event::PdnTypeKnown;
using api::monitoring_event::ReachabilityType;
using Type = MonitoringTypeKnown;

// TS 29.336 clause 8.4.58 numbers the reasons; the simulated UE leaves by itself.
inline constexpr std::int64_t ue_detached = 0;

}  // namespace

Watch* Watches::find(std::string_view scs_as_id, std::string_view id) {
  const auto at = by_id_.find(id);
  if (at == by_id_.end()) return nullptr;
  auto& watch = watches_.at(at->second);
  return watch.scs_as_id == scs_as_id ? &watch : nullptr;
}

std::size_t Watches::count_of(std::string_view scs_as_id) const {
  const auto at = by_af_.find(scs_as_id);
  return at == by_af_.end() ? 0 : at->second.size();
}

void Watches::each_of(std::string_view scs_as_id,
                      const std::function<void(const Watch&)>& visit) const {
  const auto at = by_af_.find(scs_as_id);
  if (at == by_af_.end()) return;
  for (const auto number : at->second) visit(watches_.at(number));
}

std::string Watches::uri_of(const Watch& watch) const {
  return net_.config.api_root + "/3gpp-monitoring-event/v1/" +
         http::percent_encode(watch.scs_as_id) + "/subscriptions/" + watch.id;
}

Watch& Watches::create(std::string_view scs_as_id, UeIndex ue, WatchTerms terms, Instant now) {
  const auto number = net_.next_number++;
  auto& watch = watches_[number];
  watch.number = number;
  watch.id = random_id(net_.rng);
  watch.scs_as_id = scs_as_id;
  watch.ue = ue;
  watch.terms = std::move(terms);
  by_id_.emplace(watch.id, number);
  by_af_[watch.scs_as_id].insert(number);
  by_ue_[ue].insert(number);
  start_timers(watch, now);
  return watch;
}

void Watches::modify(Watch& watch, WatchTerms terms, Instant now) {
  watch.terms = std::move(terms);
  watch.reports_sent = 0;
  net_.timers.stop_all(watch.number);
  start_timers(watch, now);
}

void Watches::start_timers(const Watch& watch, Instant now) {
  const auto& terms = watch.terms;
  if (terms.expires) net_.timers.start({watch.number, TimerKind::expiry}, *terms.expires);
  if (terms.period) net_.timers.start({watch.number, TimerKind::period}, now + *terms.period);
}

// What was reported before the end still leaves.
void Watches::remove(Watch& watch) {
  const auto number = watch.number;
  net_.timers.stop_all(number);
  by_id_.erase(watch.id);
  const auto of_af = by_af_.find(watch.scs_as_id);
  of_af->second.erase(number);
  if (of_af->second.empty()) by_af_.erase(of_af);
  const auto of_ue = by_ue_.find(watch.ue);
  of_ue->second.erase(number);
  if (of_ue->second.empty()) by_ue_.erase(of_ue);
  watches_.erase(number);
}

// ---- reports ----------------------------------------------------------------------------------

MonitoringReport Watches::report_of(UeIndex ue, Type type, Instant now) const {
  const auto& config = net_.world.ue(ue).config;
  MonitoringReport report;
  report.monitoring_type = type;
  report.event_time = now;
  if (!config.external_id.empty()) report.external_id = config.external_id;
  if (!config.msisdn.empty()) report.msisdn = config.msisdn;
  return report;
}

MonitoringReport Watches::connection(UeIndex ue, const UeConfig& addresses, bool created,
                                     Instant now) const {
  auto report = report_of(ue, Type::pdn_connectivity_status, now);
  auto& info = report.pdn_conn_info_list.emplace().emplace_back();
  info.status = created ? PdnConnectionStatusKnown::created : PdnConnectionStatusKnown::released;
  info.apn = addresses.dnn;
  const bool v4 = !addresses.ipv4.empty();
  const bool v6 = !addresses.ipv6.empty();
  info.pdn_type = v4 && v6 ? PdnTypeKnown::ipv4_v6
                  : v4     ? PdnTypeKnown::ipv4
                  : v6     ? PdnTypeKnown::ipv6
                           : PdnTypeKnown::ethernet;
  if (v4) info.ipv4_addr = addresses.ipv4;
  if (v6) info.ipv6_addrs = {addresses.ipv6};
  if (!v4 && !v6 && !addresses.mac.empty()) info.mac_addrs = {addresses.mac};
  return report;
}

std::optional<MonitoringReport> Watches::present(UeIndex ue, const WatchTerms& terms,
                                                 Instant now) const {
  const auto& state = net_.world.ue(ue);
  if (terms.type == Type::pdn_connectivity_status)
    return connection(ue, state.config, state.session_up, now);
  if (terms.type == Type::location_reporting) {
    auto report = report_of(ue, terms.type, now);
    auto& location = report.location_info.emplace();
    location.age_of_location_info = 0;
    location.cell_id = state.config.cell;
    return report;
  }
  if (terms.type == Type::ue_reachability && state.session_up) {
    auto report = report_of(ue, terms.type, now);
    report.reachability_type = ReachabilityType(terms.reachability);
    return report;
  }
  if (terms.type == Type::loss_of_connectivity && !state.session_up) {
    auto report = report_of(ue, terms.type, now);
    report.loss_of_connect_reason = ue_detached;
    return report;
  }
  return std::nullopt;
}

void Watches::count_report(Watch& watch) {
  ++watch.reports_sent;
  if (watch.terms.reports_max && watch.reports_sent >= *watch.terms.reports_max) remove(watch);
}

void Watches::send(Watch& watch, std::vector<MonitoringReport> reports, Instant now) {
  if (reports.empty()) return;
  MonitoringNotification notification;
  notification.subscription = uri_of(watch);
  notification.monitoring_event_reports = std::move(reports);
  net_.callbacks.push(watch.number, watch.terms.destination, monitoring_notification,
                      json::write(notification), now, now);
  count_report(watch);
}

void Watches::tell(UeIndex ue, Type type,
                   const std::function<std::vector<MonitoringReport>(const Watch&)>& reports,
                   Instant now) {
  const auto at = by_ue_.find(ue);
  if (at == by_ue_.end()) return;
  const auto numbers = at->second;
  for (const auto number : numbers) {
    auto& watch = watches_.at(number);
    if (watch.terms.type == type) send(watch, reports(watch), now);
  }
}

void Watches::attached(UeIndex ue, Instant now) {
  const auto as_it_is = [&](const Watch& watch) {
    auto report = present(ue, watch.terms, now);
    return report ? std::vector{std::move(*report)} : std::vector<MonitoringReport>{};
  };
  tell(ue, Type::pdn_connectivity_status, as_it_is, now);
  tell(ue, Type::ue_reachability, as_it_is, now);
}

void Watches::detached(UeIndex ue, Instant now) {
  const auto as_it_is = [&](const Watch& watch) {
    auto report = present(ue, watch.terms, now);
    return report ? std::vector{std::move(*report)} : std::vector<MonitoringReport>{};
  };
  tell(ue, Type::pdn_connectivity_status, as_it_is, now);
  tell(ue, Type::loss_of_connectivity, as_it_is, now);
}

// One notification with both: the old connection is gone before the new one is there.
void Watches::readdressed(UeIndex ue, const UeConfig& before, Instant now) {
  const auto both = [&](const Watch&) {
    return std::vector{connection(ue, before, false, now),
                       connection(ue, net_.world.ue(ue).config, true, now)};
  };
  tell(ue, Type::pdn_connectivity_status, both, now);
}

void Watches::moved(UeIndex ue, Instant now) {
  const auto place = [&](const Watch& watch) {
    auto report = present(ue, watch.terms, now);
    return report ? std::vector{std::move(*report)} : std::vector<MonitoringReport>{};
  };
  tell(ue, Type::location_reporting, place, now);
}

void Watches::timer(const TimerKey& key, Instant now) {
  const auto at = watches_.find(key.of);
  if (at == watches_.end()) return;
  auto& watch = at->second;
  if (key.kind == TimerKind::expiry) return remove(watch);
  if (key.kind != TimerKind::period || !watch.terms.period) return;
  net_.timers.start(key, now + *watch.terms.period);
  if (auto report = present(watch.ue, watch.terms, now)) send(watch, {std::move(*report)}, now);
}

}  // namespace lobo::core_sim
