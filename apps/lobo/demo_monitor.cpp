#include "demo_monitor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api_client.hpp"
#include "base/result.hpp"
#include "demo_report.hpp"
#include "demo_world.hpp"
#include "json_rows.hpp"
#include "monitor_plot.hpp"
#include "wire/http/message.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::string_view collection = "/ss-nrm/v1/subscriptions";
constexpr std::string_view all_features = "1f0000000001";
constexpr std::size_t crowd = 50;
constexpr std::size_t degraded = 20;  ///< of them
constexpr std::int64_t threshold_ms = 60;
constexpr auto patience = 30'000ms;
/// Two aggregation windows, the engine's grace, and the sample period of the network.
constexpr double told_within_ms = 2 * 1000 + 500 + 1000;
constexpr std::int64_t reports_wanted = 40;

double seconds_between(SteadyTime from, SteadyTime to) {
  return std::chrono::duration<double>(to - from).count();
}

std::optional<std::int64_t> number_at(const json::Value& value, std::string_view path) {
  const auto* found = find_path(value, path);
  return found != nullptr ? found->integer() : std::nullopt;
}

class Story {
 public:
  explicit Story(const std::string& directory) : world_(directory, crowd) {
    report_.demo = "monitor";
    report_.subject = fmt::format(
        "What {} UEs of a group experience, told by threshold and by period, through a crash, to "
        "an "
        "end by count. The server, its store, the application and every HTTP exchange are real; "
        "the "
        "5G core and what it measures are lobo netsim.",
        crowd);
  }

  DemoReport play() {
    const auto begin = std::chrono::steady_clock::now();
    const auto chapters = {&Story::processes_start, &Story::subscribed,  &Story::flowing,
                           &Story::links_degrade,   &Story::killed,      &Story::links_recover,
                           &Story::ends_by_count,   &Story::nothing_left};
    for (const auto chapter : chapters) {
      if (world_.interrupted()) break;
      (this->*chapter)();
      if (report_.steps.empty() || !report_.steps.back().ok) break;
    }
    report_.interrupted = world_.interrupted();
    world_.end();
    draw();
    figure("total_seconds", seconds_between(begin, std::chrono::steady_clock::now()));
    return std::move(report_);
  }

 private:
  bool step(std::string name, std::string clause, bool real, bool ok, std::string detail) {
    return tell_step(report_, {std::move(name), std::move(clause), ok, real, std::move(detail)},
                     "network simulated");
  }
  void figure(std::string name, double value) {
    report_.figures.emplace_back(std::move(name), value);
  }

  std::string subscribe(std::string_view name, std::string_view reporting) {
    const auto body = fmt::format(
        R"({{"valGroupId":"crew","notifUri":"{}","suppFeat":"{}","perUeRep":true,)"
        R"("measReqs":{{"measDataTypes":["DL_DELAY"],"measAggrGranWnd":1000}},"reportReqs":{}}})",
        world_.notify_uri(name), all_features, reporting);
    const auto made = world_.nrm().call("POST", collection, body);
    if (!made) {
      said_ = made.error().detail;
      return {};
    }
    const auto location = made->headers.find("location").value_or("");
    return std::string(location.substr(location.rfind('/') + 1));
  }
  /// Reports of one subscription, in the order in which they came.
  /// Each report once: one may come twice with the same number, since a server that is killed does
  /// not know yet that it was taken.
  std::vector<const Heard*> reports_of(std::string_view name) const {
    std::vector<const Heard*> out;
    std::set<std::int64_t> numbers;
    for (const auto& one : world_.heard())
      if (one.path == fmt::format("/events/{}", name) &&
          numbers.insert(number_at(one.body, "seq").value_or(0)).second)
        out.push_back(&one);
    return out;
  }
  bool wait(const std::function<bool()>& done, std::chrono::milliseconds longest = patience) {
    return run_until(
               world_.loop(), [&] { return world_.interrupted() || done(); }, longest) &&
           done();
  }
  /// How many UEs the threshold reports from `since` on name, beyond or below the threshold.
  std::size_t crossed(std::size_t since, bool up) const {
    const auto all = reports_of("thresholds");
    std::size_t count = 0;
    for (std::size_t i = since; i < all.size(); ++i) {
      const auto* each = all[i]->body.find("ueReports");
      if (each == nullptr || each->array() == nullptr) continue;
      for (const auto& ue : *each->array())
        if (const auto delay = number_at(ue, "measData.dlDelay"))
          count += (*delay > threshold_ms) == up ? 1U : 0U;
    }
    return count;
  }

  void processes_start() {
    const auto started = world_.start();
    began_ = std::chrono::steady_clock::now();
    step("the network and the server start", "TS 23.434 clause 14.3.3.1", true, started.has_value(),
         started ? fmt::format("both are ready, with {} UEs in the group crew", crowd)
                 : started.error().detail);
  }

  void subscribed() {
    thresholds_ = subscribe(
        "thresholds",
        fmt::format(R"({{"reportingMode":"ON_EVENT_DETECTION","reportingThrs":[{{"measThrValues":)"
                    R"({{"dlDelay":{}}},"thrDirection":"CROSSED"}}]}})",
                    threshold_ms));
    periodic_ =
        subscribe("periodic",
                  fmt::format(R"({{"reportingMode":"PERIODIC","reportingPeriod":1,"repTerminMode":)"
                              R"("EVENT_TRIGGERED_NUM_REPORTS_REACHED","maxNumRep":{}}})",
                              reports_wanted));
    step("the group is subscribed to by threshold and by period",
         "TS 23.434 clause 14.3.3.4.1, tables 14.3.2.20-1 and 14.3.2.21-1", false,
         !thresholds_.empty() && !periodic_.empty(),
         said_.empty()
             ? fmt::format("crossing {} ms; every second, {} reports", threshold_ms, reports_wanted)
             : said_);
  }

  void flowing() {
    const bool all = world_.ask_until(
        world_.nrm(), fmt::format("{}/{}", collection, thresholds_),
        [](const json::Value& shown) {
          const auto* measures = find_path(shown, "monState.measures");
          return measures != nullptr && measures->array() != nullptr &&
                 !measures->array()->empty() &&
                 number_at(measures->array()->front(), "flowing") ==
                     static_cast<std::int64_t>(crowd);
        },
        patience);
    step("the network measures all of them", "TS 29.122 clause 5.14.2.1.6, QOS_MONITORING", false,
         all && crossed(0, true) == 0,
         all ? fmt::format("{} sources flow, shared by both subscriptions", crowd)
             : "not all sources flow");
  }

  /// Changes the links of some UEs and waits until each was told of.
  void links_change(std::string name, std::string_view verb, std::string_view body, bool up) {
    const auto since = reports_of("thresholds").size();
    bool changed = true;
    for (std::size_t i = 1; i <= degraded; ++i)
      changed = changed &&
                world_.net().call("POST", fmt::format("/netsim-control/v1/ues/ue{}/{}", i, verb),
                                  std::string(body));
    const auto settled = std::chrono::steady_clock::now();
    const bool told = changed && wait([&] { return crossed(since, up) >= degraded; });
    const auto all = reports_of("thresholds");
    double last = 0;
    for (std::size_t i = since; i < all.size(); ++i)
      last = std::max(last, 1000 * seconds_between(settled, all[i]->at));
    figure(up ? "crossed_up_told_ms" : "crossed_down_told_ms", last);
    step(std::move(name), "TS 23.434 clause 14.3.3.4.2, table 14.3.2.22-1", false,
         told && last <= told_within_ms,
         told
             ? fmt::format("{} UEs in {} notifications, the last {:.0f} ms after the links changed "
                           "(limit {:.0f} ms: two windows, a sample, the grace)",
                           crossed(since, up), all.size() - since, last, told_within_ms)
             : fmt::format("{} of {} UEs were told of", crossed(since, up), degraded));
  }
  void links_degrade() {
    links_change(fmt::format("{} links get worse and the application is told of each", degraded),
                 "degrade", R"({"delayMs":90})", true);
  }
  void links_recover() {
    links_change("the links recover and the application is told of each", "restore", {}, false);
  }

  /// The highest number among the reports of one subscription. A report may come twice with the
  /// same number: the server that is killed does not know yet that it was taken.
  std::int64_t last_number(std::string_view name) const {
    std::int64_t last = 0;
    for (const auto* one : reports_of(name))
      last = std::max(last, number_at(one->body, "seq").value_or(0));
    return last;
  }

  void killed() {
    const auto told = reports_of("thresholds").size();
    const auto periodic = reports_of("periodic").size();
    const auto begin = std::chrono::steady_clock::now();
    world_.kill_server();
    const auto started = world_.start_server();
    std::optional<std::int64_t> gap;
    const bool on = started && wait([&] {
                      for (const auto* one : reports_of("periodic"))
                        if (const auto of_it = number_at(one->body, "gapSec")) gap = of_it;
                      return gap && reports_of("periodic").size() > periodic + 2;
                    });
    figure("gap_seconds", seconds_between(begin, std::chrono::steady_clock::now()));
    std::int64_t sequence = 0;
    bool holes = false;
    for (const auto* one : reports_of("periodic")) {
      const auto number = number_at(one->body, "seq").value_or(0);
      holes = holes || number > sequence + 1;
      sequence = std::max(sequence, number);
    }
    step("the server is killed with -9 and goes on where it was",
         "recovery: progress is committed "
         "with each report",
         true, on && !holes && reports_of("thresholds").size() == told,
         on ? fmt::format("number {} came without a hole, the gap of {} s is told, no threshold is "
                          "told anew",
                          sequence, *gap)
         : started ? "no report with its gap came after the restart"
                   : started.error().detail);
  }

  void ends_by_count() {
    const bool ended = wait(
        [&] {
          const auto all = reports_of("periodic");
          return !all.empty() && all.back()->body.find("terminationCause") != nullptr;
        },
        std::chrono::milliseconds{(reports_wanted + 20) * 1000});
    const auto all = reports_of("periodic");
    const auto* cause = all.empty() ? nullptr : all.back()->body.find("terminationCause");
    figure("periodic_reports", static_cast<double>(all.size()));
    step("the periodic reports end by their count, and the last one says so",
         "TS 23.434 clause 14.3.3.4.3", false,
         ended && cause != nullptr && cause->text() != nullptr &&
             *cause->text() == "NUM_REPORTS_REACHED",
         ended ? fmt::format("{} reports; {}", all.size(), *cause->text())
               : fmt::format("{} reports, and no end", all.size()));
  }

  void nothing_left() {
    const auto gone = world_.nrm().call("DELETE", fmt::format("{}/{}", collection, thresholds_));
    json::Value last;
    const bool empty = world_.ask_until(
        world_.net(), "/netsim-control/v1/summary",
        [&](const json::Value& answer) {
          last = answer;
          return number_at(answer, "sessionsWithQos") == 0 &&
                 number_at(answer, "monitoringSubscriptions") == 0;
        },
        patience);
    step("unsubscribed, and the core holds nothing of ours", "TS 23.434 clause 14.3.3.4.3", false,
         gone && empty,
         empty ? "0 sessions, 0 monitoring subscriptions"
               : fmt::format("the core still holds {} sessions",
                             number_at(last, "sessionsWithQos").value_or(-1)));
  }

  /// The mean and the worst of the group second by second, and each threshold notification.
  void draw() {
    Plot plot;
    plot.unit = "downlink delay, ms";
    plot.threshold = static_cast<double>(threshold_ms);
    PlotLine mean{.name = "mean of the group", .style = "a", .points = {}};
    PlotLine worst{.name = "worst UE", .style = "b", .points = {}};
    for (const auto* one : reports_of("periodic")) {
      const double at = seconds_between(began_, one->at);
      if (const auto value = number_at(one->body, "measData.dlDelay"))
        mean.points.push_back({at, static_cast<double>(*value)});
      std::int64_t highest = -1;
      if (const auto* each = one->body.find("ueReports"); each != nullptr && each->array())
        for (const auto& ue : *each->array())
          highest = std::max(highest, number_at(ue, "measData.dlDelay").value_or(-1));
      if (highest >= 0) worst.points.push_back({at, static_cast<double>(highest)});
    }
    for (const auto* one : reports_of("thresholds")) {
      const auto* each = one->body.find("ueReports");
      const auto value = number_at(one->body, "measData.dlDelay");
      if (each == nullptr || each->array() == nullptr || !value) continue;
      plot.marks.push_back({.seconds = seconds_between(began_, one->at),
                            .text = fmt::format("{} UEs {}", each->array()->size(),
                                                *value > threshold_ms ? "above" : "below"),
                            .up = *value > threshold_ms});
    }
    plot.lines = {std::move(mean), std::move(worst)};
    if (auto svg = plot_svg(plot); !svg.empty())
      report_.pictures.emplace_back("What was measured, and when notifications went out",
                                    std::move(svg));
  }

  DemoWorld world_;
  DemoReport report_;
  SteadyTime began_ = std::chrono::steady_clock::now();
  std::string thresholds_, periodic_, said_;
};

}  // namespace

DemoReport play_monitor(const std::string& directory) { return Story(directory).play(); }

}  // namespace lobo::app
