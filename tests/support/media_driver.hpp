#pragma once
// The media application function as its tests drive it: a runtime of a few lines (records, tells,
// one event at a time), a clock that the test moves, and a planner that does as it is told. Only
// for tests.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/media_e3.hpp"
#include "api/media_e5.hpp"
#include "base/text.hpp"
#include "model/date_time.hpp"
#include "services/media_energy/consumed.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/ports.hpp"
#include "services/media_energy/recipient.hpp"
#include "services/media_energy/routes.hpp"
#include "services/media_energy/server.hpp"
#include "services/media_energy/session.hpp"
#include "services/media_energy/steering.hpp"
#include "services/media_energy/subscription.hpp"
#include "wire/http/problem.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::testing {

class MediaRecords final : public resource::Lookup {
 public:
  Result<std::optional<resource::Record>> find(const resource::Key& key) const override {
    const auto found = all.find(key);
    return found == all.end() ? std::nullopt : std::optional(found->second);
  }
  Result<std::vector<resource::Record>> list(std::string_view kind, std::string_view owner,
                                             std::string_view after,
                                             std::size_t limit) const override {
    std::vector<resource::Record> out;
    for (const auto& [key, record] : all)
      if (key.kind == kind && record.owner == owner && key.id > after && out.size() < limit)
        out.push_back(record);
    return out;
  }
  Result<std::vector<resource::Key>> by_subject(std::string_view kind, std::string_view subject,
                                                std::size_t limit) const override {
    std::vector<resource::Key> out;
    for (const auto& [key, record] : all)
      if (key.kind == kind && record.subject == subject && out.size() < limit) out.push_back(key);
    return out;
  }
  Result<std::uint64_t> count(std::string_view kind, std::string_view owner) const override {
    return static_cast<std::uint64_t>(std::ranges::count_if(
        all, [&](const auto& one) { return one.first.kind == kind && one.second.owner == owner; }));
  }
  std::map<resource::Key, resource::Record> all;
};

/// Gives every group the shares that the test wants, and remembers what it was asked.
class ToldPlanner final : public media_energy::Planner {
 public:
  Result<media_energy::PlanTable> plan(const media_energy::FleetState& fleet,
                                       Instant now) override {
    asked = fleet;
    ++plans;
    if (refuses) return fail(Errc::unavailable, "told to refuse");
    media_energy::PlanTable out;
    out.revision = ++revision;
    out.made = now;
    out.valid_until = now + std::chrono::minutes{5};
    out.adoption = "adopted";
    for (const auto& group : fleet.groups) out.groups.push_back({group.id, shares, {}, 0});
    std::ranges::sort(out.groups, {}, &media_energy::PlanGroup::id);
    for (const auto& location : fleet.locations)
      out.locations.push_back(
          {location.id, location.state,
           servers.contains(location.id) ? servers.at(location.id) : location.servers});
    return out;
  }
  std::vector<std::string> order(std::string_view /*session*/,
                                 const media_energy::PlanGroup& group) const override {
    auto sorted = group.shares;
    std::ranges::stable_sort(sorted,
                             [](const auto& a, const auto& b) { return a.weight > b.weight; });
    std::vector<std::string> out;
    for (const auto& share : sorted) out.push_back(share.location);
    return out;
  }
  std::uint64_t hash(std::string_view session) const override { return fnv1a(session); }
  media_energy::FleetState asked;
  std::vector<media_energy::PlanShare> shares;
  std::map<std::string, std::uint32_t> servers;
  std::uint64_t revision = 0;
  int plans = 0;
  bool refuses = false;
};

inline media_energy::Settings media_settings() {
  media_energy::Settings out;
  out.api_root = "http://af.example";
  for (const auto& [id, latency] : {std::pair{"SL1", 10.0}, {"SL2", 25.0}, {"SL3", 60.0}}) {
    media_energy::LocationSettings location;
    location.latency_ms = latency;
    location.server_mbps_max = 10'000;
    location.idle_w_min = 5;
    out.locations.emplace(id, location);
  }
  out.steering_url = "http://steer.example/steer/dash";
  out.sinks.https_only = false;
  out.sinks.hosts = {"asp.example", "oam.example"};
  return out;
}

class MediaDriver {
 public:
  explicit MediaDriver(media_energy::Settings given = media_settings())
      : settings(std::move(given)), eiaf(settings, planner) {
    machines_.push_back(std::make_unique<media_energy::SessionMachine>(settings));
    machines_.push_back(std::make_unique<media_energy::ServerMachine>(settings, eiaf));
    machines_.push_back(std::make_unique<media_energy::SubscriptionMachine>(settings, eiaf));
    machines_.push_back(std::make_unique<media_energy::RecipientMachine>());
    machines_.push_back(std::make_unique<media_energy::ConsumedMachine>());
    machines_.push_back(std::make_unique<media_energy::SteeringMachine>());
    routes_ = media_energy::routes(settings, eiaf);
  }

  // ---- asking ----
  /// The answer, or status 0 while the question waits (`late` has it then).
  http::Response ask(std::string method, std::string target, std::string body = {},
                     std::string who = "asp") {
    http::Request request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    return ask(std::move(request), who);
  }
  http::Response ask(http::Request request, const std::string& who) {
    resource::PathParams params;
    const auto path = http::split_target(request.target).path;
    for (const auto& route : routes_) {
      if (route.operation.method != request.method || !fits(route.operation.path, path, params))
        continue;
      const std::string fresh = "id" + std::to_string(++ids_);
      const resource::Principal principal{who, {}};
      auto decision = route.handle({request, params, principal, records, now, fresh});
      if (!decision) return http::problem(decision.error());
      if (auto* response = std::get_if<http::Response>(&*decision)) return std::move(*response);
      const auto& to = std::get<resource::Dispatch>(*decision).to;
      const auto id = ++requests_;
      const auto secret = params.find("secret");
      const auto refused =
          secret != params.end()
              ? step(to, resource::Callback{id, secret->second, request})
              : step(to, resource::Command{id, std::string(route.operation.id), request, principal,
                                           "secret" + std::to_string(1000000000 + ids_)});
      if (refused) return http::problem(*refused);
      pump();
      last_request = id;
      const auto answer = replies.find(id);
      return answer == replies.end() ? http::Response{} : answer->second;
    }
    return http::problem(Error{Errc::not_found, "no such operation", {}});
  }
  http::Response late() const {
    const auto found = replies.find(last_request);
    return found == replies.end() ? http::Response{} : found->second;
  }
  static json::Value body_of(const http::Response& response) {
    const auto body = json::parse(response.body);
    EXPECT_TRUE(body) << response.status << ' ' << response.body;
    return body.value_or(json::Value{});
  }
  /// The places of a refusal.
  static std::vector<std::string> blamed(const http::Response& response) {
    std::vector<std::string> out;
    const auto body = body_of(response);
    const auto* params = body.find("invalidParams");
    if (params == nullptr) return out;
    for (const auto& one : *params->array()) out.push_back(*one.find("param")->text());
    return out;
  }
  static std::string id_of(const http::Response& response) {
    const std::string location(response.headers.find("location").value_or(""));
    return location.substr(location.rfind('/') + 1);
  }

  // ---- a usual world ----
  std::string session() {
    const auto made = ask("POST", "/3gpp-m1/v2/provisioning-sessions",
                          R"({"provisioningSessionType":"DOWNLINK","appId":"app-1"})");
    EXPECT_EQ(made.status, 201) << made.body;
    return id_of(made);
  }
  static std::string session_path(std::string_view id) {
    return "/3gpp-m1/v2/provisioning-sessions/" + std::string(id);
  }
  static std::string hosting_text() {
    std::string list;
    for (const auto* id : {"SL1", "SL2"})
      list += std::string(list.empty() ? "" : ",") +
              R"({"entryPoint":{"relativePath":"live.mpd","contentType":"application/dash+xml"},)" +
              R"("baseURL":"http://)" + lower_ascii(id) + R"(.example/m4/","serviceLocationId":")" +
              id + R"("})";
    return R"({"name":"live","ingestConfiguration":{},"distributionConfigurations":[)" + list +
           "]}";
  }
  void host(std::string_view id) {
    const auto made =
        ask("POST", session_path(id) + "/content-hosting-configuration", hosting_text());
    EXPECT_EQ(made.status, 201) << made.body;
  }
  static std::string everything_exposed() {
    return R"({"recipients":["ASP","EIC","APPLICATION"],"parameters":["energyThresholdStatus",)"
           R"("energyBudgetStatus","energyAdaptationStatus","energyAdaptationRecommendation",)"
           R"("energyConsumptionValue","energyEfficiencyMetric","carbon","energyCharacteristics"]})";
  }
  void expose(std::string_view id, std::string text = everything_exposed()) {
    const auto path = session_path(id) + "/energy-information-exposure";
    if (ask("GET", path).status == 200) ask("DELETE", path);
    const auto made = ask("POST", path, std::move(text));
    EXPECT_EQ(made.status, 201) << made.body;
  }
  std::string policy(std::string_view id, std::string text) {
    const auto made = ask("POST", session_path(id) + "/energy-policies", std::move(text));
    EXPECT_EQ(made.status, 201) << made.body;
    return id_of(made);
  }
  static std::string registration(std::string_view location, double capacity = 1000,
                                  double idle = 100, double max = 200) {
    return R"({"serviceLocations":[{"serviceLocationId":")" + std::string(location) +
           R"(","baseUrls":["http://)" + lower_ascii(location) +
           R"(.example/m4/"]}],"host":{"capacityMbps":)" + std::to_string(capacity) +
           R"(,"idlePowerW":)" + std::to_string(idle) + R"(,"maxPowerW":)" + std::to_string(max) +
           R"(,"method":"MODEL_CPU","relUncertainty":0.15},"canStandBy":true})";
  }
  void server(const std::string& id, std::string_view location) {
    const auto made =
        ask("PUT", "/x-e3/v1/application-servers/" + id, registration(location), "as");
    EXPECT_EQ(made.status, 201) << made.body;
  }

  struct Reported {
    double power_w = 120;
    double mbps = 100;
    std::string state = "ACTIVE";
    std::string boot = "boot1";
    std::optional<std::uint64_t> sequence{};
    double sessions = 25;
    std::map<std::string, double> flows{};  ///< by domain name: its part of all that is served
  };
  /// One more second has passed at that server: its counters go on, and it reports.
  http::Response report(const std::string& id, const std::string& location, Reported given) {
    auto& meter = meters_[id];
    if (meter.boot != given.boot) meter = Meter{given.boot, 0, 0, 0, 0, {}};
    const double seconds = 1;
    meter.idle_j += 100 * seconds;
    meter.dynamic_j += std::max(0.0, given.power_w - 100) * seconds;
    meter.octets += static_cast<std::uint64_t>(given.mbps * 1e6 / 8 * seconds);
    std::string flows;
    for (const auto& [name, part] : given.flows) {
      auto& flow = meter.flows[name];
      flow.first += std::max(100.0, given.power_w) * part * seconds;
      flow.second += static_cast<std::uint64_t>(given.mbps * 1e6 / 8 * part * seconds);
      flows += std::string(flows.empty() ? R"(,"perServiceDataFlow":[)" : ",") +
               R"({"serviceLocationId":")" + location + R"(","domainName":")" + name +
               R"(","energyJ":)" + std::to_string(flow.first) + R"(,"bytesTx":)" +
               std::to_string(flow.second) + "}";
    }
    if (!flows.empty()) flows += "]";
    const auto sequence = given.sequence.value_or(++meter.sequence);
    return ask("POST", "/x-e3/v1/as-energy-reports",
               report_text(id, location, given, meter.idle_j, meter.dynamic_j, meter.octets,
                           sequence, flows),
               "as");
  }
  std::string report_text(const std::string& id, const std::string& location, const Reported& given,
                          double idle_j, double dynamic_j, std::uint64_t octets,
                          std::uint64_t sequence, const std::string& flows = {}) const {
    return R"({"reports":[{"reportId":"r","sequence":)" + std::to_string(sequence) +
           R"(,"asInstanceId":")" + id + R"(","bootId":")" + given.boot +
           R"(","reason":"PERIODIC","measurementTime":{"start":")" +
           model::format_date_time(now - std::chrono::seconds{1}) + R"(","end":")" +
           model::format_date_time(now) + R"("},"timestamp":")" + model::format_date_time(now) +
           R"(","validityTime":30,"host":{"energyJ":)" + std::to_string(idle_j + dynamic_j) +
           R"(,"powerW":)" + std::to_string(given.power_w) +
           R"(,"method":"MODEL_CPU","relUncertainty":0.15,"cpuUtil":0.3,"state":")" + given.state +
           R"("},"perServiceLocation":[{"serviceLocationId":")" + location + R"(","energyJ":)" +
           std::to_string(idle_j + dynamic_j) + R"(,"idleShareJ":)" + std::to_string(idle_j) +
           R"(,"dynamicJ":)" + std::to_string(dynamic_j) + R"(,"bytesTx":)" +
           std::to_string(octets) + R"(,"activeSessions":)" +
           std::to_string(static_cast<std::uint64_t>(given.sessions)) + "}]" + flows + "}]}";
  }
  /// Seconds pass, and each server named reports in each of them.
  void run(int seconds, const std::map<std::string, Reported>& reports = {}) {
    for (int i = 0; i < seconds; ++i) {
      now += std::chrono::seconds{1};
      for (const auto& [id, given] : reports) {
        const auto location = "SL" + id.substr(id.size() - 1);
        const auto answer = report(id, location, given);
        EXPECT_EQ(answer.status, 200) << answer.body;
      }
      eiaf.advance(now);
      pump();
    }
  }

  std::string subscribe(std::string_view session_id, std::string_view policy_id,
                        std::string_view media_session, std::string_view more = {}) {
    const auto made =
        ask("POST", "/x-e5/v1/subscriptions",
            R"({"provisioningSessionId":")" + std::string(session_id) + R"(","energyPolicyId":")" +
                std::string(policy_id) + R"(","mediaDeliverySessionId":")" +
                std::string(media_session) + '"' + std::string(more) + "}",
            "ue");
    EXPECT_EQ(made.status, 201) << made.body;
    return id_of(made);
  }
  /// The events that came since the last time, of that subscription.
  std::vector<api::media_e5::ClientEnergyReport> heard(const std::string& subscription) {
    auto& after = heard_[subscription];
    const auto answer = ask(
        "GET", "/x-e5/v1/subscriptions/" + subscription + "/events?after=" + std::to_string(after),
        {}, "ue");
    EXPECT_EQ(answer.status, 200) << answer.body;
    const auto events = json::read<api::media_e5::EnergyEvents>(answer.body);
    EXPECT_TRUE(events) << answer.body;
    if (!events) return {};
    after = events->last;
    return events->events;
  }
  /// The recommendations among them.
  std::vector<api::media_e5::EnergyAdaptationRecommendation> recommended(
      const std::string& subscription) {
    std::vector<api::media_e5::EnergyAdaptationRecommendation> out;
    for (const auto& event : heard(subscription))
      if (event.energy_adaptation_recommendation)
        out.push_back(*event.energy_adaptation_recommendation);
    return out;
  }
  http::Response moved(const std::string& subscription, std::string_view to,
                       std::string_view move_id, std::string_view outcome = "SUCCEEDED",
                       int stall_ms = 0) {
    std::string move = move_id.empty() ? "" : R"("moveId":")" + std::string(move_id) + R"(",)";
    return ask("POST", "/x-e5/v1/subscriptions/" + subscription + "/service-location-changes",
               "{" + move + R"("to":")" + std::string(to) + R"(","at":")" +
                   model::format_date_time(now) + R"(","outcome":")" + std::string(outcome) +
                   R"(","stallMs":)" + std::to_string(stall_ms) + "}",
               "ue");
  }

  media_energy::Settings settings;
  ToldPlanner planner;
  media_energy::Eiaf eiaf;
  MediaRecords records;
  Instant now = *model::parse_date_time("2026-11-22T12:00:00Z");
  std::map<resource::RequestId, http::Response> replies;
  std::vector<resource::Notify> notified;
  std::vector<media_energy::Eiaf::Step> steps;
  std::map<std::string, double> consumed_s;
  resource::RequestId last_request = 0;

 private:
  struct Meter {
    std::string boot;
    double idle_j = 0;
    double dynamic_j = 0;
    std::uint64_t octets = 0;
    std::uint64_t sequence = 0;
    std::map<std::string, std::pair<double, std::uint64_t>> flows;
  };

  static bool fits(std::string_view pattern, std::string_view path, resource::PathParams& params) {
    const auto wanted = split(pattern, '/');
    const auto given = split(path, '/');
    if (wanted.size() != given.size()) return false;
    resource::PathParams found;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i].starts_with('{'))
        found.emplace(wanted[i].substr(1, wanted[i].size() - 2),
                      http::percent_decode(given[i]).value_or(""));
      else if (wanted[i] != given[i])
        return false;
    }
    params = std::move(found);
    return true;
  }

  std::optional<Error> step(const resource::Key& key, const resource::Event& event) {
    const auto machine =
        std::ranges::find_if(machines_, [&](const auto& one) { return one->kind() == key.kind; });
    EXPECT_NE(machine, machines_.end()) << key.kind;
    const auto found = records.all.find(key);
    const auto* current = found == records.all.end() ? nullptr : &found->second;
    auto outcome = (*machine)->step(current, key, event, now, records);
    if (!outcome) return outcome.error();
    if (outcome->change == resource::Change::erase) records.all.erase(key);
    if (outcome->change == resource::Change::put) {
      const auto version = current == nullptr ? 1 : current->version + 1;
      records.all.insert_or_assign(
          key, resource::Record{key, outcome->owner, outcome->subject, version, outcome->state});
    }
    for (auto& effect : outcome->effects) {
      if (auto* reply = std::get_if<resource::Reply>(&effect))
        replies[reply->request] = std::move(reply->response);
      else if (auto* observe = std::get_if<resource::Observe>(&effect))
        eiaf.observed(key, *observe, now);
      else if (auto* notify = std::get_if<resource::Notify>(&effect))
        notified.push_back(std::move(*notify));
    }
    return std::nullopt;
  }

  void pump() {
    for (int round = 0; round < 10; ++round) {
      auto dues = eiaf.take_dues();
      for (auto& one : dues.steps) steps.push_back(std::move(one));
      for (const auto& [location, seconds] : dues.consumed_s) consumed_s[location] += seconds;
      for (auto& answer : dues.answers) replies[answer.request] = std::move(answer.response);
      if (dues.told.empty()) return;
      for (auto& told : dues.told)
        step(told.to, resource::Told{{"eiaf", ""}, std::move(told.what), std::move(told.body)});
    }
  }

  std::vector<std::unique_ptr<resource::Machine>> machines_;
  std::vector<resource::Route> routes_;
  std::map<std::string, Meter> meters_;
  std::map<std::string, std::uint64_t> heard_;
  std::uint64_t ids_ = 0;
  resource::RequestId requests_ = 0;
};

}  // namespace lobo::testing
