#include "demo_story.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ratio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/trace/trace_view.hpp"
#include "api_client.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "demo_report.hpp"
#include "demo_world.hpp"
#include "json_rows.hpp"
#include "wire/http/message.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::string_view collection = "/ss-nra/v1/unicast-subscriptions";
constexpr std::string_view all_features = "70000000001";
constexpr auto told_within = 1000ms;  ///< a degradation reaches the application within a second
constexpr auto patience = 20'000ms;   ///< for anything that has no limit of its own
constexpr auto settled_within = 40'000ms;  ///< after a crash: what was in doubt has been decided

double milliseconds_since(SteadyTime since) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - since)
      .count();
}

/// A subscription that the server acknowledged.
struct Held {
  std::string ue;
  std::string id;
};

class Story {
 public:
  explicit Story(const std::string& directory) : world_(directory) {
    report_.demo = "story";
    report_.subject =
        "A QoS promise asked for, refused, given, broken, told, survived and released. The server, "
        "its store, "
        "the application and every HTTP exchange are real; the 5G core and the radio network are "
        "lobo netsim.";
  }

  DemoReport play() {
    const SteadyTime begin = std::chrono::steady_clock::now();
    const auto chapters = {&Story::processes_start,
                           &Story::three_ues_get_qos,
                           &Story::admission_refuses,
                           &Story::asked_again_with_the_offer,
                           &Story::link_degrades,
                           &Story::link_recovers,
                           &Story::killed_in_mid_procedure,
                           &Story::back_with_everything,
                           &Story::released};
    for (const auto chapter : chapters) {
      if (world_.interrupted()) break;
      (this->*chapter)();
      if (report_.steps.empty() || !report_.steps.back().ok)
        break;  // the rest would only repeat the failure
    }
    report_.interrupted = world_.interrupted();
    world_.end();
    draw();
    figure("total_seconds", milliseconds_since(begin) / 1000);
    return std::move(report_);
  }

 private:
  /// Notes a step and tells it: what, which clause, real or simulated, how it went.
  bool step(std::string name, std::string clause, bool real, bool ok, std::string detail) {
    return tell_step(report_, {std::move(name), std::move(clause), ok, real, std::move(detail)},
                     "network simulated");
  }
  void figure(std::string name, double value) {
    report_.figures.emplace_back(std::move(name), value);
  }

  std::string create_body(std::string_view ue, std::string_view qos) const {
    return fmt::format(
        R"({{"valTgtUe":{{"valUeId":"{}"}},"uniQosReq":"{}","notifUri":"{}","suppFeat":"{}"}})", ue,
        qos, world_.notify_uri(ue), all_features);
  }
  Result<http::Response> create(std::string_view ue, std::string_view qos) {
    return world_.nrm().exchange("POST", collection, create_body(ue, qos));
  }
  /// Remembers what a 201 acknowledged; says what it was, or what came instead.
  std::string keep(std::string_view ue, const Result<http::Response>& answer) {
    if (!answer) return answer.error().detail;
    if (answer->status != 201) return error_of(*answer).detail;
    const std::string_view location = answer->headers.find("location").value_or("");
    held_.push_back({std::string(ue), std::string(location.substr(location.rfind('/') + 1))});
    const auto body = json::parse(answer->body);
    const json::Value* state = body ? find_path(*body, "uniQosState.controlPlane") : nullptr;
    return fmt::format("{} {}", ue,
                       state && state->text() ? *state->text() : std::string("without a state"));
  }
  std::size_t reservations() {
    const auto answer = world_.net().ask("GET", "/netsim-control/v1/reservations");
    const json::Value* list = answer ? answer->find("reservations") : nullptr;
    return list && list->array() ? list->array()->size() : SIZE_MAX;
  }

  /// The processes know their peer as "client" or by its address; the story knows who that is: the
  /// application, or whoever turns the knobs of the simulated network.
  void name_parties(adapters::trace::SeenMessage& message) const {
    const auto known = [](const std::string& party) { return party == "lobo" || party == "nef"; };
    const bool knobs = message.from == "nef" || message.to == "nef";
    for (auto* party : {&message.from, &message.to})
      if (!known(*party)) *party = knobs ? "operator" : "application";
  }

  /// Every message of the run, for the report and as trace.mmd.
  void draw() {
    auto run = adapters::trace::read_last_run(world_.directory() + "/trace");
    if (!run || run->messages.empty()) {
      step("the run is drawn", "trace", true, false,
           run ? "no message was recorded" : run.error().detail);
      return;
    }
    for (auto& message : run->messages) name_parties(message);
    if (const auto written =
            write_file(world_.directory() + "/trace.mmd", adapters::trace::to_mermaid(*run));
        !written)
      step("the run is drawn", "trace", true, false, written.error().detail);
    const Instant begin = run->messages.front().at;
    for (const auto& message : run->messages)
      report_.sequence.push_back(
          {.from = message.from,
           .to = message.to,
           .text = message.text,
           .clause = message.clause,
           .when =
               fmt::format("{:.3f} s", std::chrono::duration<double>(message.at - begin).count()),
           .request = message.request});
    figure("messages", static_cast<double>(run->messages.size()));
  }

  void processes_start() {
    const SteadyTime begin = std::chrono::steady_clock::now();
    const auto started = world_.start();
    figure("start_ms", milliseconds_since(begin));
    step("the network and the server start",
         "TS 23.434 clause 14.3.3.1: NRM server, NEF behind N33", true, started.has_value(),
         started ? "both are ready" : started.error().detail);
  }

  void three_ues_get_qos() {
    std::string said;
    double slowest = 0;
    for (const auto& [ue, qos] : {std::pair{"ue1", "xr-video"}, std::pair{"ue2", "xr-gold"},
                                  std::pair{"ue3", "xr-silver"}}) {
      const SteadyTime begin = std::chrono::steady_clock::now();
      said += (said.empty() ? "" : ", ") + keep(ue, create(ue, qos));
      slowest = std::max(slowest, milliseconds_since(begin));
    }
    figure("create_ms_max", slowest);
    const std::size_t at_core = reservations();
    step("three UEs get QoS", "TS 23.434 clause 14.3.3.3.2, tables 14.3.2.6-1 and 14.3.2.7-1",
         false, held_.size() == 3 && at_core == 3,
         fmt::format("{}; the core holds {} reservations", said, at_core));
  }

  void admission_refuses() {
    const auto answer = create("ue4", "xr-gold");
    const bool refused = answer && answer->status == 403;
    if (refused) offer_ = offered(answer->body);
    step("a fourth is refused by admission", "TS 29.122 clause 5.14.2.1, acceptableServInfo", false,
         refused && !offer_.empty() && reservations() == 3,
         refused ? fmt::format("{}; offered: {}", error_of(*answer).detail,
                               offer_.empty() ? "nothing" : offer_)
                 : keep("ue4", answer));
  }

  /// A QoS reference that the network would accept, from the refusal's acceptableServInfo.
  static std::string offered(const std::string& problem_text) {
    const auto problem = json::parse(problem_text);
    const json::Value* components =
        problem ? find_path(*problem, "acceptableServInfo.accBwMedComps") : nullptr;
    if (!components || !components->object()) return {};
    for (const auto& [name, component] : *components->object()) {
      const json::Value* alternatives = component.find("altSerReqs");
      if (alternatives && alternatives->array() && !alternatives->array()->empty())
        if (const auto* text = alternatives->array()->front().text()) return *text;
      const json::Value* reference = component.find("qosReference");
      if (reference && reference->text()) return *reference->text();
    }
    return {};
  }

  void asked_again_with_the_offer() {
    const std::string said = keep("ue4", create("ue4", offer_));
    const std::size_t at_core = reservations();
    step("asked again with what the network offered", "TS 23.434 clause 14.3.3.3.2", false,
         held_.size() == 4 && at_core == 4,
         fmt::format("{} with {}; the core holds {}", said, offer_, at_core));
  }

  /// Changes ue1's link and waits for the news at the application.
  void link_changes(std::string name, std::string_view verb, std::string body,
                    std::string_view event) {
    const std::size_t since = world_.heard().size();
    const SteadyTime begin = std::chrono::steady_clock::now();
    const auto changed = world_.net().call(
        "POST", fmt::format("/netsim-control/v1/ues/ue1/{}", verb), std::move(body));
    const auto news = changed ? world_.wait_for("ue1", event, since, patience) : std::nullopt;
    const double latency =
        news ? std::chrono::duration<double, std::milli>(news->at - begin).count() : 0;
    if (news) {
      report_.latencies.emplace_back(std::string(event), latency);
      figure(fmt::format("{}_notified_ms", lower_ascii(event)), latency);
    }
    step(std::move(name),
         "TS 29.122 clause 5.14.2.1.6, " + std::string(event) + "; TS 23.434 clause 14.3.3.3",
         false, news && latency <= std::chrono::duration<double, std::milli>(told_within).count(),
         news ? fmt::format("{} reached the application {:.1f} ms after the link changed", event,
                            latency)
         : changed ? fmt::format("no {} came", event)
                   : changed.error().detail);
  }
  void link_degrades() {
    link_changes("a link degrades and the application is told within a second", "degrade",
                 R"({"lossPercent":5,"delayMs":40})", "QOS_NOT_GUARANTEED");
  }
  void link_recovers() {
    link_changes("the link recovers and the application is told", "restore", {}, "QOS_GUARANTEED");
  }

  void killed_in_mid_procedure() {
    // The core accepts the fifth reservation and keeps its answer to itself: the server has
    // committed the request, the core holds something, and nobody has been promised anything.
    const auto planned = world_.net().call(
        "POST", "/netsim-control/v1/faults",
        R"({"kind":"NEVER_ANSWER","operation":"CreateASSessionWithQoSSubscription"})");
    // The call ends when the server is killed, which is after this step.
    const auto answered = std::make_shared<bool>(false);
    world_.nrm().start(
        "POST", collection, create_body("ue5", "xr-silver"), {},
        [answered](const Result<http::Response>& answer) { *answered = answer.has_value(); });
    const bool at_core =
        planned && world_.ask_until(
                       world_.net(), "/netsim-control/v1/reservations",
                       [](const json::Value& answer) {
                         const json::Value* list = answer.find("reservations");
                         return list && list->array() && list->array()->size() == 5;
                       },
                       patience);
    world_.kill_server();
    step("the server is killed with -9 in mid-procedure",
         "decide, commit, act: the request is in the outbox", true, at_core && !*answered,
         at_core ? "the core held a fifth reservation whose 201 the server never read; nobody was "
                   "promised anything"
                 : "the fifth reservation did not reach the core");
  }

  void back_with_everything() {
    const SteadyTime begin = std::chrono::steady_clock::now();
    const auto started = world_.start_server();
    if (!started) {
      step("the server comes back", "recovery", true, false, started.error().detail);
      return;
    }
    figure("restart_ms", milliseconds_since(begin));
    const auto here = static_cast<std::size_t>(std::ranges::count_if(held_, [&](const Held& one) {
      return world_.nrm().call("GET", fmt::format("{}/{}", collection, one.id)).has_value();
    }));
    const bool settled = world_.ask_until(
        world_.net(), "/netsim-control/v1/reservations",
        [&](const json::Value& answer) {
          const json::Value* list = answer.find("reservations");
          return list && list->array() && list->array()->size() == held_.size();
        },
        settled_within);
    figure("recovered_ms", milliseconds_since(begin));
    step("it comes back with everything it had acknowledged",
         "reconciled over TS 29.122 clause 5.14.3.2 (list, match by notification URI, release)",
         true, here == held_.size() && settled,
         fmt::format("{} of {} subscriptions are there; the core holds {}", here, held_.size(),
                     reservations()));
  }

  /// How many of `what` the core has; -1 where it does not say.
  static std::int64_t count_in(const json::Value& summary, std::string_view what) {
    const json::Value* member = summary.find(what);
    return member ? member->integer().value_or(-1) : -1;
  }
  void released() {
    std::size_t gone = 0;
    for (const auto& one : held_)
      gone += world_.nrm().call("DELETE", fmt::format("{}/{}", collection, one.id)) ? 1 : 0;
    json::Value last;
    const bool empty = world_.ask_until(
        world_.net(), "/netsim-control/v1/summary",
        [&](const json::Value& answer) {
          last = answer;
          return count_in(answer, "sessionsWithQos") == 0 &&
                 count_in(answer, "monitoringSubscriptions") == 0;
        },
        settled_within);
    step("all is released and the core holds nothing of ours",
         "TS 29.122 clause 5.14.3.3.5 (DELETE)", false, gone == held_.size() && empty,
         fmt::format("{} of {} deleted; the core holds {} sessions and {} monitoring subscriptions",
                     gone, held_.size(), count_in(last, "sessionsWithQos"),
                     count_in(last, "monitoringSubscriptions")));
  }

  DemoWorld world_;
  DemoReport report_;
  std::vector<Held> held_;
  std::string offer_;
};

}  // namespace

DemoReport play_story(const std::string& directory) { return Story(directory).play(); }

}  // namespace lobo::app
