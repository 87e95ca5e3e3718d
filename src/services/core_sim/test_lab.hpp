#pragma once
// A small network for tests, on a clock that only the test moves. Callbacks are answered 204 at
// once unless the test wants something else.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/rng.hpp"
#include "services/core_sim/core_sim.hpp"
#include "wire/json/value.hpp"

namespace lobo::core_sim {

inline constexpr BitsPerSecond mbps(std::uint64_t count) { return {count * 1'000'000}; }

/// Two cells of 100/50 Mbit/s, three UEs in the first of them, one without a PDU session.
inline CoreConfig lab_config() {
  CoreConfig config;
  config.api_root = "http://nef.example:7777";
  config.cells = {{.name = "cell1", .capacity_dl = mbps(100), .capacity_ul = mbps(50)},
                  {.name = "cell2", .capacity_dl = mbps(100), .capacity_ul = mbps(50)}};
  config.ues = {
      {.name = "ue1",
       .external_id = "ue1@lab.example",
       .msisdn = "15551230001",
       .ipv4 = "10.45.0.2",
       .ipv6 = "2001:db8::2",
       .mac = "02-00-00-00-00-01",
       .cell = "cell1"},
      {.name = "ue2", .external_id = "ue2@lab.example", .ipv4 = "10.45.0.3", .cell = "cell1"},
      {.name = "ue3", .external_id = "ue3@lab.example", .ipv4 = "10.45.0.4", .cell = "cell1"},
      {.name = "away",
       .external_id = "away@lab.example",
       .ipv4 = "10.45.0.9",
       .cell = "cell2",
       .attached = false}};
  using std::chrono::milliseconds;
  config.qos = {
      {.name = "video-hd",
       .five_qi = 2,
       .quality = {mbps(60), mbps(10), milliseconds(100), 10'000}},
      {.name = "video-sd", .five_qi = 2, .quality = {mbps(20), mbps(5), milliseconds(200), 60'000}},
      {.name = "control", .five_qi = 82, .quality = {mbps(1), mbps(1), milliseconds(10), 100}},
      {.name = "best-effort", .five_qi = 9, .quality = {}}};
  config.afs = {{"lobo"}, {"other"}};
  config.clients = {{"lobo-client", "s3cret+", {"lobo"}}};
  return config;
}

struct Sent {
  std::string to;
  std::string body;
  std::string simulated;  ///< the header
};

class Lab {
 public:
  explicit Lab(const CoreConfig& config = lab_config(), std::uint64_t seed = 1)
      : rng_(seed), core(config, rng_) {}

  http::Request request(std::string method, std::string target, std::string body = {},
                        std::string type = "application/json") const {
    http::Request made;
    made.method = std::move(method);
    made.scheme = "http";
    made.authority = "nef.example:7777";
    made.target = std::move(target);
    if (!body.empty()) made.headers.add("content-type", std::move(type));
    made.body = std::move(body);
    made.peer = {.address = "127.0.0.1", .loopback = true, .certificate_subject = {}};
    return made;
  }
  Output ask(const http::Request& what) {
    auto output = core.handle(what, clock_.now());
    deliver(output.callbacks);
    if (between) between();
    return output;
  }
  /// The answer; status 0 where there is none.
  http::Response send(std::string method, std::string target, std::string body = {},
                      std::string type = "application/json") {
    auto output =
        ask(request(std::move(method), std::move(target), std::move(body), std::move(type)));
    return output.response.value_or(http::Response{});
  }
  http::Response post_session(std::string body) {
    return send("POST", sessions_path, std::move(body));
  }
  http::Response control(std::string path, std::string body = {}) {
    return send("POST", "/netsim-control/v1" + path, std::move(body));
  }

  void run_for(std::chrono::microseconds duration) {
    const auto until = clock_.now() + duration;
    for (auto due = core.next_due(); due && *due <= until; due = core.next_due()) {
      if (*due > clock_.now()) clock_.set(*due);
      deliver(core.tick(clock_.now()));
      if (between) between();
    }
    clock_.set(until);
  }
  Instant now() const { return clock_.now(); }

  /// The event of each callback since the last call: "QOS_NOT_GUARANTEED video-sd".
  std::vector<std::string> events() {
    std::vector<std::string> names;
    for (const auto& one : sent) {
      const auto value = json::parse(one.body);
      const auto* reports = value ? value->find("eventReports") : nullptr;
      if (reports == nullptr || reports->array() == nullptr) continue;
      for (const auto& report : *reports->array()) {
        std::string name = *report.find("event")->text();
        if (const auto* applied = report.find("appliedQosRef")) name += " " + *applied->text();
        names.push_back(std::move(name));
      }
    }
    sent.clear();
    return names;
  }

  static constexpr const char* sessions_path = "/3gpp-as-session-with-qos/v1/lobo/subscriptions";

 private:
  void deliver(const std::vector<OutgoingCallback>& callbacks) {
    for (const auto& callback : callbacks) {
      const auto& out = callback.request;
      sent.push_back({out.scheme + "://" + out.authority + out.target, out.body,
                      std::string(out.headers.find("x-lobo-simulated").value_or(""))});
      const auto answer = answer_callback ? answer_callback(out) : http::Response{204, {}, {}};
      core.answered(callback.id, answer ? &*answer : nullptr, clock_.now());
    }
  }

  ManualClock clock_;
  SeededRng rng_;

 public:
  CoreSim core;
  std::vector<Sent> sent;
  std::function<std::optional<http::Response>(const http::Request&)> answer_callback;
  std::function<void()> between;  ///< after each request and each tick
};

inline constexpr std::string_view all_events =
    R"(["SUCCESSFUL_RESOURCES_ALLOCATION","FAILED_RESOURCES_ALLOCATION",)"
    R"("QOS_NOT_GUARANTEED","QOS_GUARANTEED"])";

/// Of all packets of ue1, as who only measures asks: nothing but what default traffic has.
inline std::string observer_body(
    std::string_view of =
        R"("qosMonInfo":{"reqQosMonParams":["DOWNLINK"],"repFreqs":["PERIODIC"],"repPeriod":2})",
    std::string_view figures = R"("req5Gsdelay":300)") {
  return R"({"notificationDestination":"http://app.example/events","ueIpv4Addr":"10.45.0.2",)"
         R"("flowInfo":[{"flowId":1,"flowDescriptions":["permit out ip from any to 10.45.0.2",)"
         R"("permit in ip from 10.45.0.2 to any"]}],"tscQosReq":{)" +
         std::string(figures) +
         R"(},"events":["QOS_MONITORING","FAILED_RESOURCES_ALLOCATION",)"
         R"("SUCCESSFUL_RESOURCES_ALLOCATION"],)" +
         std::string(of) + "}";
}
/// A session of `ipv4` with `reference`; `more` is appended as further members (",…").
inline std::string session_body(std::string_view reference, std::string_view ipv4 = "10.45.0.2",
                                std::string_view more = {}) {
  std::string body = R"({"notificationDestination":"http://app.example/cb/1","ueIpv4Addr":")";
  body += ipv4;
  body += R"(","flowInfo":[{"flowId":65537,"flowDescriptions":)"
          R"(["permit out 17 from 192.0.2.10 5004 to )";
  body += ipv4;
  body += R"( 40000"]}],"qosReference":")";
  body += reference;
  body += R"(","events":)";
  body += all_events;
  body += more;
  return body + "}";
}

/// The path of Location.
inline std::string location_path(const http::Response& response) {
  const auto location = response.headers.find("location").value_or("");
  const auto at = location.find("/3gpp");
  return at == std::string_view::npos ? std::string() : std::string(location.substr(at));
}

/// The member at a JSON pointer, as text; empty where there is none.
inline std::string member(std::string_view body, std::string_view pointer) {
  auto value = json::parse(body);
  if (!value) return {};
  const json::Value* at = &*value;
  for (const auto part : split(pointer.substr(1), '/')) {
    if (const auto* items = at->array()) {
      const auto index = parse_decimal(part);
      at = index && *index < items->size() ? &(*items)[static_cast<std::size_t>(*index)] : nullptr;
    } else {
      at = at->find(part);
    }
    if (at == nullptr) return {};
  }
  return at->text() != nullptr ? *at->text() : json::to_text(*at);
}

}  // namespace lobo::core_sim
