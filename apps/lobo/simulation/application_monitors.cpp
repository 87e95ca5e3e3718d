// An application that has the quality of its UEs, its group and its streams monitored.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/common.hpp"
#include "api/ss_nrm.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "simulation/application.hpp"
#include "simulation/monitor_wishes.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::simulation {

namespace nrm = api::ss_nrm;
using detail::last_segment;
using detail::monitors;
using detail::path_of;

namespace {
constexpr std::size_t monitors_held_max = 6;  ///< then some are released before others are made
constexpr std::string_view json_type = "application/json";
constexpr std::string_view patch_type = "application/merge-patch+json";
}  // namespace

void Application::act_on_monitors() {
  const auto held = all_held(true);
  if (held.empty()) return rng_.below(4) == 0 ? measure_once() : monitor();
  const auto& one = held[rng_.below(held.size())];
  switch (rng_.below(10)) {
    case 0:
    case 1:
    case 2:
    case 3: return held.size() < monitors_held_max ? monitor() : release(one);
    case 4: return measure_once();
    case 5:
    case 6: return change_monitor(one);
    case 7: return release(one);
    case 8: return list(monitors, [] {});
    default: return read(one);
  }
}

void Application::monitor() {
  auto wanted = wish_to_monitor({setup_.ues, setup_.group, setup_.streams}, rng_, loop_.now());
  // Reports that carry no identifier are known by where they come to.
  wanted.notif_uri = "http://" + setup_.authority + "/reports/" + std::to_string(key_last_ + 1);
  ask(monitors, json::write(wanted));
}

void Application::measure_once() {
  const auto wanted =
      wish_for_one_report({setup_.ues, setup_.group, setup_.streams}, rng_, loop_.now());
  send("POST", std::string(monitors), {{"content-type", std::string(json_type)}},
       json::write(wanted), [this](const Result<http::Response>& response) {
         if (!response || response->status != 200) return;
         if (const auto report = json::read<nrm::MonitoringReport>(response->body);
             report && report_)
           report_(*report);
       });
}

void Application::change_monitor(const std::string& id) {
  auto& monitored = known_[id].monitored;
  auto other = monitored.asked;
  wish_otherwise(other, rng_, loop_.now());
  monitored.updated = true;
  monitored.ends.merge(causes_of(other));
  const auto ignore = [](const Result<http::Response>&) {};
  if (rng_.below(2) == 0)
    return send("PUT", path_of(known_[id]), {{"content-type", std::string(json_type)}},
                json::write(other), ignore);
  nrm::MonitoringSubscriptionPatch patch;
  patch.report_reqs = other.report_reqs;
  // What it reports of has to fit to what it measures.
  patch.meas_reqs = other.meas_reqs;
  send("PATCH", path_of(known_[id]), {{"content-type", std::string(patch_type)}},
       json::write(patch), ignore);
}

/// `body` is what was asked for.
void Application::monitor_created(Known& known, const std::string& body) {
  auto asked = json::read<nrm::MonitoringSubscription>(body);
  if (!asked) return;
  auto& monitored = known.monitored;
  monitored.ends.merge(causes_of(*asked));
  monitored.tag = last_segment(asked->notif_uri.value_or(""));
  monitored.tested = asked->req_test_notif.value_or(false);
  monitored.confirmed_at = loop_.now();
  monitored.asked = std::move(*asked);
}

void Application::take_monitors(const std::string& body) {
  const auto page = json::read<nrm::MonitoringSubscriptionList>(body);
  if (!page) return;
  for (const auto& item : page->items) {
    listed_.insert(item.subscription_id);
    auto& known = known_[item.subscription_id];
    known.id = item.subscription_id;
    known.what = Asked::monitor;
  }
}

void Application::hear_report(const http::Request& request) {
  if (const auto test = json::read<api::common::TestNotification>(request.body))
    return hear({last_segment(test->subscription), 1, "test"}, false, Asked::monitor);
  const auto report = json::read<nrm::MonitoringReport>(request.body);
  if (!report) return;
  if (report_) report_(*report);
  if (report->meas_data) values_at_[last_segment(request.target)] = loop_.now();
  if (!report->subscription_id || !report->seq) return;  // Nothing was promised but values.
  const auto number = static_cast<std::uint64_t>(*report->seq);
  const bool ends = report->termination_cause.has_value();
  if (ends)
    known_[*report->subscription_id].monitored.causes[number] = report->termination_cause->text;
  hear({*report->subscription_id, number, "report"}, ends, Asked::monitor);
}

std::optional<Instant> Application::values_at(const std::string& tag) const {
  const auto found = values_at_.find(tag);
  return found == values_at_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace lobo::app::simulation
