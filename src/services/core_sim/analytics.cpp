#include "services/core_sim/analytics.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/analytics_exposure.hpp"
#include "api/common.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "model/bit_rate.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/measurements.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/session_terms.hpp"
#include "services/core_sim/timers.hpp"
#include "services/core_sim/world.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::core_sim {

namespace view = api::analytics_exposure;
namespace operation = view::operation;
using Body = view::AnalyticsExposureSubsc;
using Method = view::NotificationMethodKnown;

namespace {

inline constexpr std::int64_t analytics_period_max = std::int64_t{100} * 365 * 86'400;
inline constexpr std::uint32_t ppm_per_loss_unit = 1'000;  // a tenth of a percent
inline constexpr std::uint64_t loss_units = 1'000;         // of all packets
inline constexpr std::uint64_t bits_per_octet = 8;
inline constexpr std::uint64_t ms_per_second = 1'000;
inline constexpr std::uint64_t us_per_ms = 1'000;

std::optional<UeIndex> target_of(const Body& body, const World& world, std::vector<Fault>& faults) {
  if (body.analy_events_subs.size() != 1) {
    faults.push_back({Errc::not_allowed, "/analyEventsSubs", "one event each is served"});
    return std::nullopt;
  }
  const auto& wanted = body.analy_events_subs.front();
  if (!(wanted.analy_event == view::AnalyticsEventKnown::dn_performance))
    faults.push_back(
        {Errc::not_allowed, "/analyEventsSubs/0/analyEvent", "is not served by this network"});
  if (!wanted.tgt_ue || !wanted.tgt_ue->gpsi) {
    faults.push_back({Errc::missing, "/analyEventsSubs/0/tgtUe/gpsi", "one UE is needed"});
    return std::nullopt;
  }
  return world.by_gpsi(*wanted.tgt_ue->gpsi);
}

void read_reporting(const view::ReportingInformation& from, AnalyticsTerms& terms, Instant now,
                    std::vector<Fault>& faults) {
  terms.immediate = from.imm_rep.value_or(false);
  if (from.max_report_nbr) terms.reports_max = static_cast<std::uint64_t>(*from.max_report_nbr);
  terms.expires = from.mon_dur;
  if (terms.expires && *terms.expires <= now)
    faults.push_back({Errc::out_of_range, "/analyRepInfo/monDur", "is over already"});
  if (!from.notif_method || *from.notif_method == Method::periodic) {
    if (from.rep_period.value_or(0) > 0)
      terms.period = std::chrono::seconds(std::min(*from.rep_period, analytics_period_max));
    else if (from.notif_method)
      faults.push_back(
          {Errc::missing, "/analyRepInfo/repPeriod", "PERIODIC needs a period above 0"});
  } else if (!(*from.notif_method == Method::one_time)) {
    faults.push_back(
        {Errc::not_allowed, "/analyRepInfo/notifMethod", "is not served by this network"});
  }
}

Outcome<AnalyticsTerms> terms_of(const Body& body, const World& world, Instant now) {
  AnalyticsTerms terms;
  std::vector<Fault> faults;
  terms.destination = body.notif_uri;
  terms.notif_id = body.notif_id;
  terms.test_notification = body.request_test_notification.value_or(false);
  if (!is_callback_uri(body.notif_uri))
    faults.push_back({Errc::pattern, "/notifUri", "must be an absolute http(s) URI"});
  const auto ue = target_of(body, world, faults);
  if (body.analy_rep_info) read_reporting(*body.analy_rep_info, terms, now, faults);
  if (!faults.empty()) {
    const auto code = faults.front().code;
    return refuse(code, "The members do not fit together.", std::move(faults));
  }
  if (!ue) return refuse(404, "USER_NOT_FOUND", "The network knows no such UE.");
  terms.ue = *ue;
  return terms;
}

}  // namespace

Answer Analytics::handle(const Call& call) {
  const auto id = call.operation.id;
  if (id == operation::read_all_analytics_subscriptions) return fetch_all(call);
  if (id == operation::create_analytics_subscription) return create(call);
  if (id == operation::read_analytics_subscription) return fetch(call);
  if (id == operation::update_analytics_subscription) return update(call);
  if (id == operation::delete_analytics_subscription) return remove(call);
  return refuse(Errc::not_found, "There is no such operation.");
}

std::string Analytics::uri_of(const Subscription& subscription) const {
  return net_.config.api_root + "/3gpp-analyticsexposure/v1/" +
         http::percent_encode(subscription.af_id) + "/subscriptions/" + subscription.id;
}

Outcome<Analytics::Subscription*> Analytics::found(const Call& call) {
  const auto at = by_id_.find(call.param("subscriptionId"));
  if (at != by_id_.end()) {
    auto& subscription = subscriptions_.at(at->second);
    if (subscription.af_id == call.param("afId")) return &subscription;
  }
  return refuse(Errc::not_found, "The AF has no such subscription.");
}

Answer Analytics::fetch_all(const Call& call) {
  std::string list = "[";
  if (const auto of_af = by_af_.find(call.param("afId")); of_af != by_af_.end())
    for (const auto number : of_af->second) {
      if (list.size() > 1) list += ',';
      list += subscriptions_.at(number).body;
    }
  return json_response(200, list + "]");
}

Answer Analytics::create(const Call& call) {
  auto body = read_body<Body>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(std::move(body.error()));
  auto terms = terms_of(*body, net_.world, call.now);
  if (!terms) return tl::unexpected<Refusal>(std::move(terms.error()));
  const auto af = call.param("afId");
  if (const auto of_af = by_af_.find(af);
      of_af != by_af_.end() && of_af->second.size() >= net_.config.limits.watches_per_af_max)
    return refuse(403, "QUOTA_EXCEEDED", "The AF has as many subscriptions as it may have.");

  const auto number = net_.next_number++;
  auto& made = subscriptions_[number];
  made.number = number;
  made.id = random_id(net_.rng);
  made.af_id = af;
  made.terms = std::move(*terms);
  made.told = net_.world.ue(made.terms.ue).carried;
  made.told_at = call.now;
  by_id_.emplace(made.id, number);
  by_af_[made.af_id].insert(number);
  start_timers(made, call.now);

  body->self = uri_of(made);
  if (body->supp_feat)
    body->supp_feat = common_features(net_.config.supported_features, *body->supp_feat);
  body->event_notifis.reset();
  made.body = json::write(*body);
  if (made.terms.test_notification) {
    api::common::TestNotification notification;
    notification.subscription = uri_of(made);
    net_.callbacks.push(number, made.terms.destination, test_notification,
                        json::write(notification), call.now, call.now);
  }
  if (made.terms.immediate && !net_.is_mute("DN_PERFORMANCE"))
    if (auto news = measured(made, call.now)) {
      body->event_notifis = {std::move(*news)};
      ++made.reports_sent;
    }
  auto response = json_answer(201, *body);
  response.headers.add("location", uri_of(made));
  return response;
}

Answer Analytics::fetch(const Call& call) {
  const auto one = found(call);
  if (!one) return tl::unexpected<Refusal>(one.error());
  return json_response(200, (*one)->body);
}

Answer Analytics::update(const Call& call) {
  const auto one = found(call);
  if (!one) return tl::unexpected<Refusal>(one.error());
  auto body = read_body<Body>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(std::move(body.error()));
  auto terms = terms_of(*body, net_.world, call.now);
  if (!terms) return tl::unexpected<Refusal>(std::move(terms.error()));
  (*one)->terms = std::move(*terms);
  (*one)->told = net_.world.ue((*one)->terms.ue).carried;
  (*one)->told_at = call.now;
  (*one)->reports_sent = 0;
  net_.timers.stop_all((*one)->number);
  start_timers(**one, call.now);
  body->self = uri_of(**one);
  body->event_notifis.reset();
  (*one)->body = json::write(*body);
  return json_response(200, (*one)->body);
}

Answer Analytics::remove(const Call& call) {
  const auto one = found(call);
  if (!one) return tl::unexpected<Refusal>(one.error());
  net_.callbacks.drop((*one)->number);
  erase(**one);
  return http::Response{204, {{std::string(simulated_header), "netsim"}}, {}};
}

void Analytics::erase(const Subscription& subscription) {
  const auto number = subscription.number;
  net_.timers.stop_all(number);
  by_id_.erase(subscription.id);
  const auto of_af = by_af_.find(subscription.af_id);
  of_af->second.erase(number);
  if (of_af->second.empty()) by_af_.erase(of_af);
  subscriptions_.erase(number);
}

void Analytics::start_timers(const Subscription& subscription, Instant now) {
  const auto& terms = subscription.terms;
  if (terms.expires) net_.timers.start({subscription.number, TimerKind::expiry}, *terms.expires);
  if (terms.period)
    net_.timers.start({subscription.number, TimerKind::period}, now + *terms.period);
}

std::optional<view::AnalyticsEventNotif> Analytics::measured(Subscription& of, Instant now) {
  const auto& ue = net_.world.ue(of.terms.ue);
  if (!ue.session_up) return std::nullopt;
  auto figures = is_served(of.terms.ue) ? counted(of, ue, now) : computed(ue);
  if (!figures) return std::nullopt;
  view::AnalyticsEventNotif news;
  news.analy_event = view::AnalyticsEventKnown::dn_performance;
  news.time_stamp = now;
  auto& info = news.dn_perf_infos.emplace().emplace_back();
  info.dnn = ue.config.dnn;
  info.dn_perf.emplace_back().perf_data = std::move(*figures);
  return news;
}

std::optional<view::PerfData> Analytics::computed(const Ue& ue) {
  if (ue.link.measurement_fails) return std::nullopt;
  const auto got = experience({}, net_.world.cell(ue.cell), ue.link);
  const auto down = measured_rate(got.rate_dl, got.loss_ppm, net_.rng);
  const auto up = measured_rate(got.rate_ul, got.loss_ppm, net_.rng);
  view::PerfData figures;
  figures.avg_traffic_rate = model::format_bit_rate(down + up);
  figures.max_traffic_rate = model::format_bit_rate(got.rate_dl + got.rate_ul);
  const auto delay = std::max<std::int64_t>(1, ((got.delay_dl + got.delay_ul) / 2).count());
  figures.ave_packet_delay = delay;
  figures.max_packet_delay = delay + jitter_max.count();
  figures.avg_packet_loss_rate =
      static_cast<std::int64_t>((got.loss_ppm + ppm_per_loss_unit / 2) / ppm_per_loss_unit);
  return figures;
}

// Of no packet there is no loss: nothing is told of a time without any.
std::optional<view::PerfData> Analytics::counted(Subscription& of, const Ue& ue, Instant now) {
  const auto passed = ue.carried.since(of.told);
  const auto packets = passed.delivered + passed.lost;
  const auto span = std::chrono::duration_cast<std::chrono::milliseconds>(now - of.told_at);
  if (packets == 0 || span.count() <= 0) return std::nullopt;
  of.told = ue.carried;
  of.told_at = now;
  view::PerfData figures;
  figures.avg_traffic_rate = model::format_bit_rate(
      {passed.octets * bits_per_octet * ms_per_second / static_cast<std::uint64_t>(span.count())});
  if (passed.delivered > 0)
    figures.ave_packet_delay = static_cast<std::int64_t>(
        std::max<std::uint64_t>(1, passed.delay_us / passed.delivered / us_per_ms));
  figures.avg_packet_loss_rate =
      static_cast<std::int64_t>((passed.lost * loss_units + packets / 2) / packets);
  return figures;
}

void Analytics::timer(const TimerKey& key, Instant now) {
  const auto at = subscriptions_.find(key.of);
  if (at == subscriptions_.end()) return;
  auto& one = at->second;
  if (key.kind == TimerKind::expiry) return erase(one);
  if (key.kind != TimerKind::period || !one.terms.period) return;
  net_.timers.start(key, now + *one.terms.period);
  auto news = measured(one, now);
  if (!news || net_.is_mute("DN_PERFORMANCE")) return;
  view::AnalyticsEventNotification body;
  body.notif_id = one.terms.notif_id;
  body.analy_event_notifs.push_back(std::move(*news));
  net_.callbacks.push(one.number, one.terms.destination, analytics_notification, json::write(body),
                      now, now, is_served(one.terms.ue));
  ++one.reports_sent;
  if (one.terms.reports_max && one.reports_sent >= *one.terms.reports_max) erase(one);
}

}  // namespace lobo::core_sim
