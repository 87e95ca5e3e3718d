#include "energy/client/media_session.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/media_e5.hpp"
#include "api/media_m5.hpp"
#include "api/media_types.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "model/bit_rate.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/qoe/report.hpp"

namespace lobo::energy::client {

namespace e5 = api::media_e5;
namespace m5 = api::media_m5;
using Action = api::media_types::EnergyAction;

namespace {

using namespace std::chrono_literals;

/// Beyond what a question may wait: the AF answers the others at once.
constexpr auto patience = 10'000ms;
constexpr std::size_t calls_under_way_max = 16;

double figure(const m5::M5ServiceLocation& location, Choice choice) {
  constexpr double unknown = std::numeric_limits<double>::max();
  const auto& energy = location.energy_characteristics;
  switch (choice) {
    case Choice::priority: return static_cast<double>(location.priority);
    case Choice::energy: return energy ? energy->wh_per_gb.value_or(unknown) : unknown;
    case Choice::carbon: return energy ? energy->g_co2e_per_gb.value_or(unknown) : unknown;
  }
  std::abort();
}

std::string_view number_of(Delivery what) {
  switch (what) {
    case Delivery::begun: return "17";
    case Delivery::requested: return "18";
    case Delivery::arriving: return "19";
    case Delivery::connected: return "35c";
    case Delivery::goes_on: return "35g";
  }
  std::abort();
}

/// Nobody new goes where a place sleeps, drains or is not known.
bool takes_sessions(const m5::M5ServiceLocation& location) {
  return !location.state || *location.state == m5::M5ServiceLocationState::active;
}

}  // namespace

MediaSession::MediaSession(SessionSettings settings, Rng& rng)
    : settings_(std::move(settings)), rng_(rng) {
  while (settings_.api_root.ends_with('/')) settings_.api_root.pop_back();
}

void MediaSession::step(std::string_view number, std::string what) {
  if (dues_.steps.size() < steps_max) dues_.steps.push_back({number, std::move(what)});
}

MediaSession::Dues MediaSession::take_dues() { return std::exchange(dues_, {}); }

// ---- requests ---------------------------------------------------------------------------------

void MediaSession::call(Purpose purpose, std::string method, const std::string& url,
                        std::string body, std::chrono::milliseconds how_long) {
  const auto parsed = http::parse_url(url);
  if (!parsed || under_way_.size() >= calls_under_way_max) {
    ++refused_;
    return;
  }
  Call out;
  out.id = ++calls_;
  out.request.method = std::move(method);
  out.request.scheme = parsed->scheme;
  out.request.authority = parsed->authority();
  out.request.target = parsed->target;
  out.request.headers.add("accept", "application/json");
  if (!body.empty())
    out.request.headers.add("content-type", purpose == Purpose::metrics
                                                ? std::string(qoe::report_media_type)
                                                : "application/json");
  if (purpose == Purpose::access && !access_tag_.empty())
    out.request.headers.add("if-none-match", access_tag_);
  under_way_.push_back({out.id, purpose, body});
  out.request.body = std::move(body);
  out.patience = how_long;
  dues_.calls.push_back(std::move(out));
}

void MediaSession::retry(Purpose purpose, Instant now) {
  later_.push_back({now + pause_, purpose});
  pause_ = std::min(pause_ * 2, retry_most);
}

void MediaSession::do_again(Purpose purpose) {
  switch (purpose) {
    case Purpose::access: return fetch();
    case Purpose::subscribe: return subscribe();
    case Purpose::events: return listen();
    case Purpose::ue_energy: return send_ue_energy();
    case Purpose::change:
    case Purpose::metrics:
    case Purpose::consumption:
    case Purpose::measurement:
    case Purpose::unsubscribe: return;  // Told once: the AF learns by other ways, or forgets.
  }
  std::abort();
}

void MediaSession::answered(std::uint64_t id, const Result<http::Response>& answer, Instant now) {
  const auto found = std::ranges::find(under_way_, id, &UnderWay::id);
  if (found == under_way_.end()) return;
  const auto purpose = found->purpose;
  under_way_.erase(found);
  if (phase_ == Phase::ended) return;
  const int status = answer ? answer->status : 0;
  if (purpose == Purpose::change || purpose == Purpose::metrics ||
      purpose == Purpose::consumption || purpose == Purpose::measurement ||
      purpose == Purpose::unsubscribe) {
    if (status >= 400) ++refused_;
    return;
  }
  if (status == 304) {  // Nothing of the service access information has changed.
    pause_ = retry_first;
    return;
  }
  if (purpose == Purpose::ue_energy && status == 204) return;
  const bool gone = status == 404 && purpose != Purpose::access;
  if (gone) {  // It forgot the subscription: a new one, from its first event on.
    subscription_.clear();
    after_ = 0;
    phase_ = Phase::subscribing;
    if (std::ranges::none_of(later_,
                             [](const Later& one) { return one.purpose == Purpose::subscribe; }))
      retry(Purpose::subscribe, now);
    return;
  }
  if (status != 200 && status != 201) {
    if (status >= 400 && status < 500) ++refused_;
    return retry(purpose, now);
  }
  pause_ = retry_first;
  switch (purpose) {
    case Purpose::access: return accessed(*answer, now);
    case Purpose::subscribe: return subscribed(*answer);
    case Purpose::events: return heard(*answer, now);
    case Purpose::ue_energy:
    case Purpose::change:
    case Purpose::metrics:
    case Purpose::consumption:
    case Purpose::measurement:
    case Purpose::unsubscribe: return;
  }
}

// ---- steps 5 to 16 ----------------------------------------------------------------------------

void MediaSession::start(Instant /*now*/) {
  if (phase_ != Phase::idle) return;
  // 5. The application begins a media delivery session.
  step("5", "session begun");
  phase_ = Phase::fetching;
  fetch();
}

void MediaSession::fetch() {
  call(Purpose::access, "GET",
       settings_.api_root + settings_.m5 + "/service-access-information/" +
           http::percent_encode(settings_.provisioning_session) +
           "?media-delivery-session-id=" + http::percent_encode(settings_.session) +
           (settings_.policy_reference.empty()
                ? ""
                : "&energy-policy=" + http::percent_encode(settings_.policy_reference)),
       {}, patience);
}

void MediaSession::accessed(const http::Response& answer, Instant now) {
  const auto read = json::read<m5::ServiceAccessInformationResource>(answer.body);
  if (!read) {
    ++refused_;
    return retry(Purpose::access, now);
  }
  access_tag_ = std::string(answer.headers.find("etag").value_or(""));
  entry_points_.clear();
  if (read->streaming_access && read->streaming_access->entry_points)
    for (const auto& point : *read->streaming_access->entry_points) {
      auto& to = entry_points_.emplace_back();
      to.locator = point.locator;
      to.content_type = point.content_type;
      to.locations = point.service_locations.value_or(std::vector<m5::M5ServiceLocation>{});
      std::ranges::stable_sort(to.locations, {}, &m5::M5ServiceLocation::priority);
    }
  if (const auto& energy = read->client_energy_information_configuration) {
    e5_ = energy->server_addresses.front();
    while (e5_.ends_with('/')) e5_.pop_back();
    steering_url_ = energy->content_steering_url.value_or("");
    for (const auto& binding : energy->energy_policy_bindings)
      if (policy_.empty() && (settings_.policy_reference.empty() ||
                              binding.external_reference == settings_.policy_reference))
        policy_ = binding.energy_policy_id;
  }
  if (phase_ != Phase::fetching) {
    step("32", "service access information fetched again");
    return;
  }
  follow_reporting(*read);
  // 6, 11. Service access information with the locations; 7. the collector's context is made.
  step("6", "service access information fetched");
  step("7", "collection context made");
  step("11", std::to_string(entry_points_.size()) + " entry points");
  // 12. The entity tag is the receipt: what is asked again is asked by it.
  step("12", access_tag_.empty() ? "taken up" : "taken up as " + access_tag_);
  // 15. The entry points go to the application, which chooses (16).
  step("15", "entry points told to the application");
  phase_ = Phase::choosing;
}

std::optional<m5::M5ServiceLocation> MediaSession::best(std::size_t entry_point,
                                                        Choice choice) const {
  if (entry_point >= entry_points_.size()) return std::nullopt;
  const auto& locations = entry_points_[entry_point].locations;
  if (locations.empty()) return std::nullopt;
  return *std::ranges::min_element(locations, {}, [&](const auto& location) {
    return std::pair(takes_sessions(location) ? 0 : 1, figure(location, choice));
  });
}

bool MediaSession::select(std::size_t entry_point, std::string_view location, Instant now) {
  if (phase_ != Phase::choosing || entry_point >= entry_points_.size()) return false;
  const auto& locations = entry_points_[entry_point].locations;
  const bool known =
      std::ranges::find(locations, location, &m5::M5ServiceLocation::service_location_id) !=
      locations.end();
  if (!known && !(location.empty() && locations.empty())) return false;
  entry_point_ = entry_point;
  location_ = location;
  step("16", "entry point selected");
  // 10c. The handler subscribes to QoE metrics; the first come at once.
  dues_.orders.emplace_back(TellMetrics{});
  step("10c", "QoE metrics subscribed to");
  begin_reporting(now);
  if (!settings_.collect || e5_.empty() || policy_.empty()) {
    phase_ = Phase::without_energy;
    return true;
  }
  phase_ = Phase::subscribing;
  subscribe();
  return true;
}

// ---- E5 ---------------------------------------------------------------------------------------

void MediaSession::subscribe() {
  e5::NewEnergySubscription asked;
  asked.provisioning_session_id = settings_.provisioning_session;
  asked.energy_policy_id = policy_;
  asked.media_delivery_session_id = settings_.session;
  asked.session_kind = settings_.kind;
  if (!settings_.bit_rate.empty()) asked.bit_rate = settings_.bit_rate;
  if (!settings_.components.empty()) asked.component_types = settings_.components;
  if (!settings_.codecs.empty()) asked.codecs = settings_.codecs;
  asked.user_consent = settings_.user_consent;
  if (!location_.empty()) asked.service_location_id = location_;
  asked.ue_energy_state = ue_;
  ue_told_ = true;
  call(Purpose::subscribe, "POST", e5_ + "/subscriptions", json::write(asked), patience);
}

void MediaSession::subscribed(const http::Response& answer) {
  const auto read = json::read<e5::EnergySubscription>(answer.body);
  if (!read) {
    ++refused_;
    return;
  }
  // By our way to the AF, not by Location: a proxy may stand between.
  subscription_ = e5_ + "/subscriptions/" + http::percent_encode(read->subscription_id);
  step("8", "subscribed to energy information");
  phase_ = Phase::listening;
  if (!ue_told_) send_ue_energy();
  listen();
}

void MediaSession::listen() {
  if (subscription_.empty()) return;
  call(Purpose::events, "GET",
       subscription_ + "/events?after=" + std::to_string(after_) +
           "&wait=" + std::to_string(poll_wait.count()),
       {}, poll_wait + patience);
}

void MediaSession::heard(const http::Response& answer, Instant now) {
  const auto read = json::read<e5::EnergyEvents>(answer.body);
  if (!read) {
    ++refused_;
    return retry(Purpose::events, now);
  }
  after_ = std::max(after_, read->last);
  for (const auto& event : read->events) hear(event, now);
  listen();
}

void MediaSession::hear(const e5::ClientEnergyReport& report, Instant now) {
  report_ = report;
  if (report.energy_adaptation_recommendation)
    recommended(*report.energy_adaptation_recommendation, now);
}

void MediaSession::change_ue_energy(const UeEnergyState& state, Instant /*now*/) {
  ue_ = state;
  ue_told_ = false;
  send_ue_energy();
}

void MediaSession::send_ue_energy() {
  if (subscription_.empty() || !ue_) return;
  ue_told_ = true;
  call(Purpose::ue_energy, "PUT", subscription_ + "/ue-energy-state", json::write(*ue_), patience);
}

void MediaSession::end(Instant /*now*/) {
  if (phase_ == Phase::ended) return;
  phase_ = Phase::ended;
  later_.clear();
  waiting_.clear();
  reportings_.clear();
  if (!subscription_.empty()) call(Purpose::unsubscribe, "DELETE", subscription_, {}, patience);
}

// ---- steps 32 to 35f --------------------------------------------------------------------------

std::optional<Order> MediaSession::order_of(const e5::EnergyAdaptationRecommendation& what) const {
  SelectOperationPoint point;
  point.move_id = what.move_id;
  switch (what.action) {
    case Action::reselect_service_location: {
      SelectLocation move{.move_id = what.move_id, .locations = {}};
      if (entry_point_ >= entry_points_.size()) return std::nullopt;
      const auto& known = entry_points_[entry_point_].locations;
      for (const auto& id : what.service_location_priority.value_or(std::vector<std::string>{})) {
        const auto found =
            std::ranges::find(known, id, &m5::M5ServiceLocation::service_location_id);
        if (found != known.end()) move.locations.push_back(*found);
      }
      if (move.locations.empty()) return std::nullopt;
      return move;
    }
    case Action::reduce_max_bitrate:
    case Action::reduce_max_resolution:
    case Action::prefer_codec:
    case Action::drop_component:
      if (what.max_bit_rate)
        if (const auto rate = model::parse_bit_rate(*what.max_bit_rate))
          point.bit_rate_max = rate->count;
      point.width_max = what.max_width;
      point.height_max = what.max_height;
      point.codecs = what.codecs.value_or(std::vector<std::string>{});
      if (what.action == Action::drop_component)
        point.dropped =
            what.component_types.value_or(std::vector<api::media_types::ComponentType>{});
      return point;
    case Action::suspend_session: point.suspended = true; return point;
    case Action::defer_download: point.deferred = true; return point;
    case Action::resume: return point;  // Nothing is limited any more.
    case Action::none: return std::nullopt;
  }
  return std::nullopt;
}

void MediaSession::recommended(const e5::EnergyAdaptationRecommendation& what, Instant now) {
  // 32. The AF has decided; the service access information that goes with it is fetched again.
  step("32", "recommended " + what.move_id);
  fetch();
  auto order = order_of(what);
  if (!order) {
    ++refused_;
    return;
  }
  // Within what the AF leaves: the members of a herd go one by one.
  const auto spread = what.jitter_ms > 0
                          ? std::chrono::milliseconds{static_cast<std::int64_t>(
                                rng_.next() % static_cast<std::uint64_t>(what.jitter_ms))}
                          : 0ms;
  if (waiting_.size() >= orders_waiting_max) waiting_.erase(waiting_.begin());
  waiting_.push_back({what.not_before + spread, what.not_after, std::move(*order)});
  advance(now);
}

void MediaSession::changed(std::string_view move_id, std::string_view from, std::string_view to,
                           e5::MoveOutcome outcome, std::chrono::milliseconds stall, Instant now) {
  // 35e. Relayed to the collector; 35f. which tells the AF.
  step("35e", std::string(move_id));
  if (subscription_.empty()) return;
  e5::ServiceLocationChange change;
  if (!move_id.empty()) change.move_id = std::string(move_id);
  if (!from.empty()) change.from = std::string(from);
  change.to = std::string(to);
  change.at = now;
  change.outcome = outcome;
  if (stall > 0ms) change.stall_ms = stall.count();
  call(Purpose::change, "POST", subscription_ + "/service-location-changes", json::write(change),
       patience);
  step("35f", std::string(to));
}

void MediaSession::delivers(Delivery what, std::string_view location) {
  step(number_of(what), std::string(location));
}

void MediaSession::switched(std::string_view move_id, std::string_view from, std::string_view to,
                            std::chrono::milliseconds stall, Instant now) {
  // 35d. The player is served from there.
  step("35d", std::string(from) + " to " + std::string(to));
  location_ = to;
  changed(move_id, from, to, e5::MoveOutcome::succeeded, stall, now);
}

void MediaSession::not_switched(std::string_view move_id, std::string_view from,
                                std::string_view to, Instant now) {
  changed(move_id, from, to, e5::MoveOutcome::failed, 0ms, now);
}

void MediaSession::tell(const QoeMetrics& metrics) {
  if (!metrics_) step("10c", "initial QoE metrics of a running session");
  metrics_ = metrics;
  send_reports();
}

// ---- time -------------------------------------------------------------------------------------

std::optional<Instant> MediaSession::next_deadline() const {
  std::optional<Instant> first;
  const auto consider = [&](Instant at) { first = std::min(first.value_or(at), at); };
  for (const auto& one : later_) consider(one.at);
  for (const auto& one : waiting_) consider(one.due);
  for (const auto& one : reportings_)
    if (one.since != Instant{} && !one.due) consider(one.since + one.interval);
  return first;
}

void MediaSession::advance(Instant now) {
  std::vector<Purpose> again;
  std::erase_if(later_, [&](const Later& one) {
    if (now < one.at) return false;
    again.push_back(one.purpose);
    return true;
  });
  for (const auto purpose : again) do_again(purpose);
  // 10c, 31a. The player is asked how it is; what it says goes out with send_reports().
  if (reports_due(now)) dues_.orders.emplace_back(TellMetrics{});
  std::erase_if(waiting_, [&](Waiting& one) {
    if (now < one.due) return false;
    if (now > one.not_after) {
      step("35", "recommendation expired");
      return true;
    }
    // 35, 35a. The location is the AF's choice; 35b. the player is asked to switch.
    if (std::holds_alternative<SelectLocation>(one.order)) {
      step("35", "location chosen by the AF");
      step("35a", "the session stays the same one");
      step("35b", "switch requested");
    } else {
      step("35", "operation point requested");
    }
    dues_.orders.push_back(std::move(one.order));
    return true;
  });
}

}  // namespace lobo::energy::client
