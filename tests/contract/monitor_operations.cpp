#include "contract/monitor_operations.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "graph/control_plane.hpp"
#include "runtime/ports.hpp"
#include "support/system.hpp"
#include "wire/http/message.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;

const std::string monitors = "/ss-nrm/v1/subscriptions";
const std::string profiles = "/ss-nrm/v1/monitoring-profiles";
constexpr std::string_view profile_text = R"({"measReqs":{"measDataTypes":["DL_DELAY"]}})";
constexpr std::string_view patch_text = R"({"notifUri":"http://app1.example/other"})";
constexpr std::size_t beyond_any_limit = 70000;

std::string body(std::string_view ue = "ue1", std::string_view type = "DL_DELAY") {
  return R"({"valUeIds":[{"valUeId":")" + std::string(ue) +
         R"("}],"notifUri":"http://app1.example/m","suppFeat":"1f0000000001","measReqs":{)"
         R"("measDataTypes":[")" +
         std::string(type) + R"("],"aggrWindowSec":3600}})";
}
std::string path_of(const http::Response& response) {
  const std::string location(response.headers.find("location").value_or("/none"));
  const auto at = location.find("/ss-nrm");
  return at == std::string::npos ? monitors + "/none" : location.substr(at);
}
std::string made(System& s) { return path_of(s.ask("POST", monitors, body())); }
std::string made_profile(System& s) {
  return path_of(s.ask("POST", profiles, std::string(profile_text)));
}

System::Setup slow_clients(double burst) {
  return {.adjust = [burst](ControlPlane::Config& config) {
    config.router.requests_per_second = 0.01;
    config.router.request_burst = burst;
  }};
}

/// Every record's state becomes one that we never wrote.
void spoil_records(System& s) {
  std::vector<runtime::StoreChange> unit;
  for (auto [key, record] : s.durable().records) {
    record.state = "{}";
    ++record.version;
    unit.emplace_back(runtime::PutRecord{std::move(record)});
  }
  s.server().store.commit(std::move(unit), [](const Result<void>&) {});
  s.loop.run_for(20ms);
  s.crash_and_restart();
}

/// What every operation on an existing thing answers in the same way.
struct Common {
  std::string_view operation;
  std::string method;
  std::function<std::string(System&)> target;
  std::string body;
};

std::vector<Common> operations() {
  const auto fixed = [](std::string target) {
    return [target = std::move(target)](System&) { return target; };
  };
  return {{"SubscribeUnicastMonitoring", "POST", fixed(monitors), body()},
          {"ListUnicastMonitoringSubscriptions",
           "GET",
           [](System& s) {
             made(s);
             return monitors;
           },
           {}},
          {"ReadUnicastMonitoringSubscription", "GET", made, {}},
          {"UpdateUnicastMonitoring", "PUT", made, body("ue1", "UL_DELAY")},
          {"ModifyUnicastMonitoring", "PATCH", made, std::string(patch_text)},
          {"UnsubscribeUnicastMonitoring", "DELETE", made, {}},
          {"CreateMonitoringProfile", "POST", fixed(profiles), std::string(profile_text)},
          {"ListMonitoringProfiles",
           "GET",
           [](System& s) {
             made_profile(s);
             return profiles;
           },
           {}},
          {"ReadMonitoringProfile", "GET", made_profile, {}},
          {"DeleteMonitoringProfile", "DELETE", made_profile, {}}};
}

int success_of(const Common& one) {
  if (one.method == "POST") return 201;
  return one.method == "DELETE" ? 204 : 200;
}

void add_common(const Common& one, std::vector<MonitorCase>& out) {
  const auto add = [&](int status, std::function<int(System&)> provoke, System::Setup setup = {}) {
    out.push_back({one.operation, status, std::move(provoke), std::move(setup)});
  };
  const bool reads = one.method == "GET";
  const bool writes = !one.body.empty();
  const bool lists = one.operation.starts_with("List");
  const bool creates = one.method == "POST";
  const bool profile = one.operation.ends_with("Profile") || one.operation.ends_with("Profiles");
  add(success_of(one),
      [one](System& s) { return s.ask(one.method, one.target(s), one.body).status; });
  add(401, [one](System& s) { return s.ask(one.method, one.target(s), one.body, {}, "").status; });
  add(403, [one](System& s) {
    return s.ask(one.method, one.target(s), one.body, {{"x-lobo-scopes", "other"}}).status;
  });
  if (one.method != "DELETE")
    add(400, [one, lists](System& s) {
      const auto target = one.target(s);
      return s
          .ask(one.method, lists ? target + "?limit=many" : target,
               lists                   ? std::string()
               : one.method == "PATCH" ? "[]"
                                       : "{}")
          .status;
    });
  if (!creates && !lists)
    add(404,
        [one](System& s) { return s.ask(one.method, one.target(s), one.body, {}, "app2").status; });
  if (reads)
    add(406, [one](System& s) {
      return s.ask("GET", one.target(s), {}, {{"accept", "text/html"}}).status;
    });
  if (writes) {
    add(413, [one](System& s) {
      return s.ask(one.method, one.target(s), std::string(beyond_any_limit, ' ')).status;
    });
    add(415, [one](System& s) {
      return s.ask(one.method, one.target(s), one.body, {{"content-type", "text/plain"}}).status;
    });
  }
  if (!creates && !reads)
    add(412, [one](System& s) {
      return s.ask(one.method, one.target(s), one.body, {{"if-match", "\"999\""}}).status;
    });
  // One question to make the thing, where one is needed, and one too many.
  add(
      429,
      [one](System& s) {
        const auto target = one.target(s);
        s.ask("GET", "/ss-nrm/v1/subscriptions");
        return s.ask(one.method, target, one.body).status;
      },
      slow_clients(creates ? 1 : 2));
  add(503, [one, reads](System& s) {
    const auto target = one.target(s);
    if (reads) {
      s.crash_and_restart();  // What was used a moment ago would be in memory.
      s.server().store.set_gone(true);
    } else {
      s.server().store.set_full(true);
    }
    return s.ask(one.method, target, one.body).status;
  });
  if (creates)
    add(409, [one, profile](System& s) {
      const http::Headers key{{"idempotency-key", "k"}};
      s.ask("POST", one.target(s), one.body, key);
      return s
          .ask("POST", one.target(s),
               profile ? R"({"measReqs":{"measDataTypes":["RT_DELAY"]}})" : body("ue2"), key)
          .status;
    });
  const bool erases_profile = one.operation == "DeleteMonitoringProfile";
  if (!erases_profile)
    add(500, [one, creates](System& s) {
      const http::Headers key = creates ? http::Headers{{"idempotency-key", "k"}} : http::Headers{};
      const auto target = one.target(s);
      if (creates) s.ask("POST", target, one.body, key);
      spoil_records(s);
      return s.ask(one.method, target, one.body, key).status;
    });
}

// ---- callbacks ----------------------------------------------------------------------------------

std::string callback_of(System& s, std::string_view kind) {
  s.ask("POST", monitors, body("ue1", kind == "measure" ? "DL_DELAY" : "AVG_PLR"));
  s.loop.run_for(1s);
  const std::string form = "/nrm-callbacks/v1/" + std::string(kind) + "/";
  for (const auto& request : s.core->seen) {
    const auto at = request.body.find(form);
    if (at != std::string::npos) return request.body.substr(at, request.body.find('"', at) - at);
  }
  return form + "none/none";
}
std::string news(std::string_view kind) {
  if (kind == "measure")
    return R"({"transaction":"http://core.example/a/subscriptions/1","eventReports":[)"
           R"({"event":"QOS_MONITORING","qosMonReports":[{"dlDelays":[7]}]}]})";
  return R"({"notifId":"n","analyEventNotifs":[{"analyEvent":"DN_PERFORMANCE",)"
         R"("timeStamp":"2026-11-22T12:00:00Z"}]})";
}

void add_callbacks(std::vector<MonitorCase>& out) {
  for (const auto& [operation, callback] : std::map<std::string_view, std::string_view>{
           {"ReceiveMeasurements", "measure"}, {"ReceiveAnalytics", "analytics"}}) {
    const std::string_view kind = callback;
    const auto ask = [kind](System& s, std::string text, const http::Headers& headers = {}) {
      return s.ask("POST", callback_of(s, kind), std::move(text), headers, "").status;
    };
    out.push_back({operation, 204, [ask, kind](System& s) { return ask(s, news(kind)); }});
    out.push_back({operation, 400, [ask](System& s) { return ask(s, "{}"); }});
    out.push_back({operation, 404, [kind](System& s) {
                     return s.ask("POST", callback_of(s, kind) + "x", news(kind), {}, "").status;
                   }});
    out.push_back({operation, 413,
                   [ask](System& s) { return ask(s, std::string(beyond_any_limit * 20, ' ')); }});
    out.push_back({operation, 415, [ask, kind](System& s) {
                     return ask(s, news(kind), {{"content-type", "text/plain"}});
                   }});
    out.push_back({operation, 503, [kind](System& s) {
                     const auto at = callback_of(s, kind);
                     s.crash_and_restart();
                     s.server().store.set_gone(true);
                     return s.ask("POST", at, news(kind), {}, "").status;
                   }});
    out.push_back({operation, 500, [kind](System& s) {
                     const auto at = callback_of(s, kind);
                     spoil_records(s);
                     return s.ask("POST", at, news(kind), {}, "").status;
                   }});
  }
}

}  // namespace

std::vector<MonitorCase> monitor_cases() {
  std::vector<MonitorCase> out;
  for (const auto& one : operations()) add_common(one, out);
  add_callbacks(out);
  out.push_back({"SubscribeUnicastMonitoring", 200, [](System& s) {
                   return s
                       .ask("POST", monitors,
                            R"({"valUeIds":[{"valUeId":"ue1"}],)"
                            R"("measReqs":{"measDataTypes":["DL_DELAY"]}})")
                       .status;
                 }});
  out.push_back({"SubscribeUnicastMonitoring", 404,
                 [](System& s) { return s.ask("POST", monitors, body("ue9")).status; }});
  return out;
}

std::vector<http::Request> one_of_each_monitoring(System& system, std::string_view client,
                                                  const http::Headers& headers) {
  const auto monitor = made(system);
  const auto profile = made_profile(system);
  std::vector<http::Request> out;
  for (const auto& one : operations()) {
    const bool on_profile = one.operation.ends_with("Profile");
    const auto target =
        one.method == "POST" || one.operation.starts_with("List")
            ? (one.operation.find("Profile") != std::string_view::npos ? profiles : monitors)
        : on_profile ? profile
                     : monitor;
    out.push_back(system.request(one.method, target, one.body, headers, client));
  }
  out.push_back(system.request("POST",
                               "/nrm-callbacks/v1/measure/delay:extid-ue1@lobodon.example/forged",
                               news("measure"), headers, client));
  out.push_back(system.request(
      "POST", "/nrm-callbacks/v1/analytics/analytics:extid-ue1@lobodon.example/forged",
      news("analytics"), headers, client));
  return out;
}

}  // namespace lobo::app::testing
