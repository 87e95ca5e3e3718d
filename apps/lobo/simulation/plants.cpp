#include "simulation/plants.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/ss_nrm.hpp"
#include "base/result.hpp"
#include "runtime/forwarding_store.hpp"
#include "runtime/ports.hpp"
#include "sim/loop.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"

namespace lobo::app::simulation {

namespace {

using runtime::StoreChange;

class PlantedStore final : public runtime::ForwardingStore {
 public:
  PlantedStore(runtime::Store& inner, sim::SimLoop& loop, Plant plant, runtime::HttpClient& sinks)
      : ForwardingStore(inner), loop_(loop), plant_(plant), sinks_(sinks) {}

  void commit(std::vector<StoreChange> unit, std::function<void(Result<void>)> done) override {
    if (plant_ == Plant::forget_calls) erase_effects(unit, "call");
    if (plant_ == Plant::forget_tells) erase_effects(unit, "tell");
    if (plant_ == Plant::forget_timers)
      std::erase_if(unit, [](const StoreChange& change) {
        return std::holds_alternative<runtime::PutTimer>(change);
      });
    if (plant_ == Plant::tidy_too_much) erase_another(unit, "unicast");
    if (plant_ == Plant::forget_monitors) erase_another(unit, "monitor");
    if (plant_ == Plant::notify_before_commit) send_early(unit);
    if (plant_ != Plant::reply_before_durable)
      return inner().commit(std::move(unit), std::move(done));
    // Done is said at once; what the store really does comes later, or never.
    loop_.post([done = std::move(done)] { done({}); });
    loop_.after(std::chrono::milliseconds(20),
                [this, unit = std::move(unit), alive = std::weak_ptr<bool>(alive_)] {
                  if (alive.lock()) inner().commit(unit, [](const Result<void>&) {});
                });
  }
  Result<std::vector<resource::Key>> by_subject(std::string_view kind, std::string_view subject,
                                                std::size_t limit) const override {
    if (plant_ == Plant::follow_no_monitors && kind == "monitor")
      return std::vector<resource::Key>{};
    return ForwardingStore::by_subject(kind, subject, limit);
  }

 private:
  static void erase_effects(std::vector<StoreChange>& unit, std::string_view type) {
    std::erase_if(unit, [type](const StoreChange& change) {
      const auto* put = std::get_if<runtime::PutEffect>(&change);
      return put != nullptr && put->effect.type == type;
    });
  }
  void erase_another(std::vector<StoreChange>& unit, std::string_view kind) {
    for (const auto& change : unit) {
      const auto* erase = std::get_if<runtime::EraseRecord>(&change);
      if (erase == nullptr || erase->key.kind != kind) continue;
      const auto others = inner().list(kind, "app1", "", 1);
      if (others && !others->empty()) unit.emplace_back(runtime::EraseRecord{others->front().key});
      return;
    }
  }
  void send_early(const std::vector<StoreChange>& unit) {
    for (const auto& change : unit) {
      const auto* put = std::get_if<runtime::PutEffect>(&change);
      if (put == nullptr || put->effect.type != "notify" || put->effect.parked) continue;
      const auto effect = resource::effect_from_json(put->effect.body);
      if (!effect || !std::holds_alternative<resource::Notify>(*effect)) continue;
      const auto& notify = std::get<resource::Notify>(*effect);
      const auto url = http::parse_url(notify.to);
      if (!url) continue;
      http::Request request{.method = "POST",
                            .scheme = url->scheme,
                            .authority = url->authority(),
                            .target = url->target,
                            .headers = {{"content-type", "application/json"}},
                            .body = notify.body};
      sinks_.send(std::move(request), std::chrono::milliseconds(1000),
                  [](const Result<http::Response>&) {});
    }
  }
  sim::SimLoop& loop_;
  Plant plant_;
  runtime::HttpClient& sinks_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class PlantedClient final : public runtime::HttpClient {
 public:
  PlantedClient(runtime::HttpClient& inner, sim::SimLoop& loop, Plant plant)
      : inner_(inner), loop_(loop), plant_(plant) {}

  void send(http::Request request, std::chrono::milliseconds deadline, Done done) override {
    const bool notification = request.headers.find("x-lobo-sequence").has_value();
    const bool subscription =
        request.method == "POST" && request.target.ends_with("/subscriptions");
    const bool session =
        subscription && request.target.find("as-session-with-qos") != std::string::npos;
    const bool analytics = request.target.find("3gpp-analyticsexposure") != std::string::npos;
    // A session that only measures asks for the event by which it does.
    const bool measures = (subscription && analytics) ||
                          (session && (request.body.find("QOS_MONITORING") != std::string::npos ||
                                       request.body.find("USAGE_REPORT") != std::string::npos));
    const bool release = request.method == "DELETE";
    if (notification) ++notifications_;
    if (release && plant_ == Plant::pretend_release && ++releases_ % 3 == 0) return pretend(done);
    if (release && analytics && plant_ == Plant::keep_measuring) return pretend(done);
    if (notification)
      if (const auto report = json::read<api::ss_nrm::MonitoringReport>(request.body))
        return report_to(std::move(request), *report, deadline, std::move(done));
    if (plant_ == Plant::swallow_notifications && notification && notifications_ % 2 == 0)
      return pretend(done);
    if (plant_ == Plant::swap_notifications && notification && notifications_ % 2 == 0) {
      pretend(done);
      loop_.after(std::chrono::seconds(30), [this, request = std::move(request), deadline,
                                             alive = std::weak_ptr<bool>(alive_)]() mutable {
        if (alive.lock())
          inner_.send(std::move(request), deadline, [](const Result<http::Response>&) {});
      });
      return;
    }
    if ((plant_ == Plant::reserve_twice && session) || (plant_ == Plant::measure_twice && measures))
      inner_.send(request, deadline, [](const Result<http::Response>&) {});
    inner_.send(std::move(request), deadline, std::move(done));
  }

 private:
  /// What was to be sent is done, if one believes the answer.
  void pretend(Done done) {
    loop_.post([done = std::move(done)] { done(http::Response{204, {}, {}}); });
  }

  void report_to(http::Request request, api::ss_nrm::MonitoringReport report,
                 std::chrono::milliseconds deadline, Done done) {
    const bool last = report.termination_cause.has_value();
    if (plant_ == Plant::swallow_reports && ++reports_ % 3 == 0) return pretend(done);
    if (plant_ == Plant::end_without_cause) report.termination_cause.reset();
    if (plant_ == Plant::wrong_unit && report.meas_data && report.meas_data->dl_delay)
      *report.meas_data->dl_delay *= 1'000'000;
    request.body = json::write(report);
    if (plant_ == Plant::end_twice && last && report.seq) {
      auto again = request;
      ++*report.seq;
      again.body = json::write(report);
      inner_.send(std::move(again), deadline, [](const Result<http::Response>&) {});
    }
    inner_.send(std::move(request), deadline, std::move(done));
  }

  runtime::HttpClient& inner_;
  sim::SimLoop& loop_;
  Plant plant_;
  std::uint64_t notifications_ = 0;
  std::uint64_t reports_ = 0;
  std::uint64_t releases_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

const std::vector<Plant>& plants() {
  static const std::vector<Plant> all{Plant::reply_before_durable,
                                      Plant::forget_calls,
                                      Plant::forget_timers,
                                      Plant::forget_tells,
                                      Plant::swallow_notifications,
                                      Plant::swap_notifications,
                                      Plant::reserve_twice,
                                      Plant::notify_before_commit,
                                      Plant::tidy_too_much,
                                      Plant::no_audit,
                                      Plant::pretend_release,
                                      Plant::forget_monitors,
                                      Plant::follow_no_monitors,
                                      Plant::swallow_reports,
                                      Plant::end_without_cause,
                                      Plant::end_twice,
                                      Plant::wrong_unit,
                                      Plant::measure_twice,
                                      Plant::keep_measuring,
                                      Plant::old_groups};
  return all;
}

std::string_view to_string(Plant plant) {
  switch (plant) {
    case Plant::reply_before_durable: return "reply_before_durable";
    case Plant::forget_calls: return "forget_calls";
    case Plant::forget_timers: return "forget_timers";
    case Plant::forget_tells: return "forget_tells";
    case Plant::swallow_notifications: return "swallow_notifications";
    case Plant::swap_notifications: return "swap_notifications";
    case Plant::reserve_twice: return "reserve_twice";
    case Plant::notify_before_commit: return "notify_before_commit";
    case Plant::tidy_too_much: return "tidy_too_much";
    case Plant::no_audit: return "no_audit";
    case Plant::pretend_release: return "pretend_release";
    case Plant::forget_monitors: return "forget_monitors";
    case Plant::follow_no_monitors: return "follow_no_monitors";
    case Plant::swallow_reports: return "swallow_reports";
    case Plant::end_without_cause: return "end_without_cause";
    case Plant::end_twice: return "end_twice";
    case Plant::wrong_unit: return "wrong_unit";
    case Plant::measure_twice: return "measure_twice";
    case Plant::keep_measuring: return "keep_measuring";
    case Plant::old_groups: return "old_groups";
  }
  std::abort();
}

std::optional<Plant> plant_from(std::string_view name) {
  const auto found =
      std::ranges::find(plants(), name, [](Plant plant) { return to_string(plant); });
  return found == plants().end() ? std::nullopt : std::optional(*found);
}

std::string_view caught_by(Plant plant) {
  switch (plant) {
    case Plant::reply_before_durable: return "durable_before_reply";
    case Plant::forget_calls: return "never_stuck";
    case Plant::forget_timers: return "never_stuck";
    case Plant::forget_tells: return "adaptation_agrees";
    case Plant::swallow_notifications: return "notifications_complete";
    case Plant::swap_notifications: return "notifications_complete";
    case Plant::reserve_twice: return "one_reservation_each";
    case Plant::notify_before_commit: return "commit_before_notification";
    case Plant::tidy_too_much: return "nothing_acknowledged_is_lost";
    case Plant::no_audit: return "one_reservation_each";
    case Plant::pretend_release: return "nothing_left_behind";
    case Plant::forget_monitors: return "nothing_acknowledged_is_lost";
    case Plant::follow_no_monitors: return "monitors_go_on";
    case Plant::swallow_reports: return "notifications_complete";
    case Plant::end_without_cause: return "monitor_ends_once";
    case Plant::end_twice: return "monitor_ends_once";
    case Plant::wrong_unit: return "monitor_values_possible";
    case Plant::measure_twice: return "measures_as_needed";
    case Plant::keep_measuring: return "measures_as_needed";
    case Plant::old_groups: return "monitor_follows_group";
  }
  std::abort();
}

std::unique_ptr<runtime::Store> planted_store(runtime::Store& store, sim::SimLoop& loop,
                                              Plant plant, runtime::HttpClient& sinks) {
  return std::make_unique<PlantedStore>(store, loop, plant, sinks);
}
std::unique_ptr<runtime::HttpClient> planted_client(runtime::HttpClient& client, sim::SimLoop& loop,
                                                    Plant plant) {
  return std::make_unique<PlantedClient>(client, loop, plant);
}

}  // namespace lobo::app::simulation
