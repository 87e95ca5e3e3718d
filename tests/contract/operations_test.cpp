// Every operation that the control plane serves, against what api/*.yaml declares of it: each
// status that can be provoked is provoked, each answer has a declared status and a body of its
// schema, and nobody is served without credentials.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/adaptation_cases.hpp"
#include "contract/declared.hpp"
#include "contract/mm_qos_cases.hpp"
#include "contract/monitor_operations.hpp"
#include "contract/operation_case.hpp"
#include "runtime/effect_runner.hpp"
#include "support/doors.hpp"
#include "support/system.hpp"
#include "wire/http/message.hpp"
#include "wire/json/value.hpp"
#include "wire/resource/route.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;

using contract::declared;

const http::Headers json_type{{"content-type", "application/json"}};
const std::string all(collection);
constexpr std::string_view patch_text = R"({"uniQosReq":"bronze"})";

void watch(System& system) {
  system.on_answer = [](const http::Request& request, const http::Response& response) {
    const auto wrong = contract::wrong_with(request, response);
    EXPECT_TRUE(wrong.empty()) << wrong;
  };
}

http::Response good_create(System& s) { return s.ask("POST", all, System::body("ue1", "silver")); }
std::string made(System& s) { return System::path_of(s.create().value_or("none")); }
std::string callback_of(System& s, std::string_view kind) {
  const auto id = s.create().value_or("none");
  auto path = s.callback_path(id, s.secret_of(id).value_or("none"));
  if (kind == "unicast") return path;
  if (kind == "app-session-events") return path + "/notify";
  if (kind == "app-session-end") return path + "/terminate";
  if (kind == "reliable") return reliable_callback(s);
  for (const auto& request : s.core->seen) {
    const auto at = request.body.find("/nrm-callbacks/v1/ue-watch/");
    if (at != std::string::npos) return request.body.substr(at, request.body.find('"', at) - at);
  }
  return "/nrm-callbacks/v1/ue-watch/none/none";
}
std::string news(std::string_view kind) {
  if (kind == "unicast")
    return R"({"transaction":"http://core.example/a/subscriptions/1","eventReports":[{"event":"QOS_GUARANTEED"}]})";
  if (kind == "app-session-events")
    return R"({"evSubsUri":"http://core.example/a/app-sessions/1","evNotifs":[{"event":"PLMN_CHG"}]})";
  if (kind == "app-session-end")
    return R"({"resUri":"http://core.example/a/app-sessions/1","termCause":"PS_TO_CS_HO"})";
  if (kind == "reliable") return af_news;
  return R"({"subscription":"http://core.example/a/subscriptions/1"})";
}

/// As `news`, but with something to record, so that the resource is busy until it is committed.
std::string grave_news(System& s, std::string_view kind) {
  if (kind == "unicast")
    return R"({"transaction":"http://core.example/a/subscriptions/)" + s.at_core().at(0).id +
           R"(","eventReports":[{"event":"QOS_NOT_GUARANTEED"}]})";
  if (kind == "app-session-events")
    return R"({"evSubsUri":"http://core.example/a/app-sessions/)" + s.at_core().at(0).id +
           R"(/events-subscription","evNotifs":[{"event":"QOS_NOTIF"}],)"
           R"("qncReports":[{"notifType":"NOT_GUARANTEED"}]})";
  if (kind == "app-session-end")
    return R"({"resUri":"http://core.example/a/app-sessions/)" + s.at_core().at(0).id +
           R"(","termCause":"PS_TO_CS_HO"})";
  if (kind == "reliable") return af_news;
  return R"({"subscription":"http://core.example/a/subscriptions/1","monitoringEventReports":[)"
         R"({"monitoringType":"PDN_CONNECTIVITY_STATUS","pdnConnInfoList":[{"status":"CREATED",)"
         R"("pdnType":"IPV4","ipv4Addr":"10.45.9.9"}]}]})";
}

std::vector<Case> cases_of_a_broken_store() {
  return {
      {"CreateUnicastSubscription", 500,
       [](System& s) {
         const auto request =
             s.request("POST", all, System::body("ue1", "silver"), {{"idempotency-key", "k"}});
         s.ask(request);
         return over_spoilt(s, request);
       }},
      {"ListUnicastSubscriptions", 500,
       [](System& s) {
         good_create(s);
         return over_spoilt(s, s.request("GET", all));
       }},
      {"GetUnicastSubscription", 500,
       [](System& s) { return over_spoilt(s, s.request("GET", made(s))); }},
      {"ModifyUnicastSubscription", 500,
       [](System& s) {
         return over_spoilt(s, s.request("PATCH", made(s), std::string(patch_text)));
       }},
      {"DeleteUnicastSubscription", 500,
       [](System& s) { return over_spoilt(s, s.request("DELETE", made(s))); }},
  };
}

std::vector<Case> cases_of_a_client() {
  return {
      {"CreateUnicastSubscription", 201, [](System& s) { return good_create(s).status; }},
      {"CreateUnicastSubscription", 400, [](System& s) { return s.ask("POST", all, "{}").status; }},
      {"CreateUnicastSubscription", 401,
       [](System& s) { return s.ask("POST", all, System::body("ue1", "gold"), {}, "").status; }},
      {"CreateUnicastSubscription", 403,
       [](System& s) {
         for (int i = 0; i < 5; ++i) s.create("ue1", "gold");
         return s.ask("POST", all, System::body("ue1", "gold")).status;  // The cell has no more.
       }},
      {"CreateUnicastSubscription", 404,
       [](System& s) { return s.ask("POST", all, System::body("ue9", "gold")).status; }},
      {"CreateUnicastSubscription", 409,
       [](System& s) {
         s.ask("POST", all, System::body("ue1", "silver"), {{"idempotency-key", "k"}});
         return s.ask("POST", all, System::body("ue2", "silver"), {{"idempotency-key", "k"}})
             .status;
       }},
      {"CreateUnicastSubscription", 413,
       [](System& s) { return s.ask("POST", all, std::string(beyond_any_limit, ' ')).status; }},
      {"CreateUnicastSubscription", 415,
       [](System& s) {
         return s.ask("POST", all, System::body("ue1", "gold"), {{"content-type", "text/plain"}})
             .status;
       }},
      {"CreateUnicastSubscription", 429,
       [](System& s) {
         good_create(s);
         good_create(s);
         return good_create(s).status;
       },
       slow_clients()},
      {"CreateUnicastSubscription", 503,
       [](System& s) {
         s.server().store.set_full(true);
         return good_create(s).status;
       }},
      {"CreateUnicastSubscription", 504,
       [](System& s) {
         s.core->silent = is_write_to_session;
         return good_create(s).status;
       }},

      {"ListUnicastSubscriptions", 200,
       [](System& s) {
         good_create(s);
         return s.ask("GET", all).status;
       }},
      {"ListUnicastSubscriptions", 400,
       [](System& s) { return s.ask("GET", all + "?limit=many").status; }},
      {"ListUnicastSubscriptions", 401,
       [](System& s) { return s.ask("GET", all, {}, {}, "").status; }},
      {"ListUnicastSubscriptions", 403,
       [](System& s) { return s.ask("GET", all, {}, {{"x-lobo-scopes", "other"}}).status; }},
      {"ListUnicastSubscriptions", 406,
       [](System& s) { return s.ask("GET", all, {}, {{"accept", "text/html"}}).status; }},
      {"ListUnicastSubscriptions", 429,
       [](System& s) {
         s.ask("GET", all);
         s.ask("GET", all);
         return s.ask("GET", all).status;
       },
       slow_clients()},
      {"ListUnicastSubscriptions", 503,
       [](System& s) {
         s.server().store.set_gone(true);
         return s.ask("GET", all).status;
       }},

      {"GetUnicastSubscription", 200, [](System& s) { return s.ask("GET", made(s)).status; }},
      {"GetUnicastSubscription", 400, [](System& s) { return s.ask("GET", made(s), "{}").status; }},
      {"GetUnicastSubscription", 401,
       [](System& s) { return s.ask("GET", made(s), {}, {}, "").status; }},
      {"GetUnicastSubscription", 403,
       [](System& s) { return s.ask("GET", made(s), {}, {{"x-lobo-scopes", "other"}}).status; }},
      {"GetUnicastSubscription", 404,
       [](System& s) { return s.ask("GET", made(s), {}, {}, "app2").status; }},
      {"GetUnicastSubscription", 406,
       [](System& s) { return s.ask("GET", made(s), {}, {{"accept", "text/html"}}).status; }},
      {"GetUnicastSubscription", 429,
       [](System& s) {
         const auto at = made(s);
         s.ask("GET", at);
         return s.ask("GET", at).status;
       },
       slow_clients()},
      {"GetUnicastSubscription", 503,
       [](System& s) {
         const auto at = made(s);
         s.crash_and_restart();  // What was used a moment ago would be in memory.
         s.server().store.set_gone(true);
         return s.ask("GET", at).status;
       }},

      {"ModifyUnicastSubscription", 200,
       [](System& s) { return s.ask("PATCH", made(s), std::string(patch_text)).status; }},
      {"ModifyUnicastSubscription", 400,
       [](System& s) { return s.ask("PATCH", made(s), "{}").status; }},
      {"ModifyUnicastSubscription", 401,
       [](System& s) { return s.ask("PATCH", made(s), std::string(patch_text), {}, "").status; }},
      {"ModifyUnicastSubscription", 403,
       [](System& s) {
         for (int i = 0; i < 4; ++i) s.create("ue1", "gold");
         const auto at = made(s);
         return s.ask("PATCH", at, R"({"uniQosReq":"{\"gbrDl\":\"39 Mbps\"}"})").status;
       }},
      {"ModifyUnicastSubscription", 404,
       [](System& s) {
         return s.ask("PATCH", made(s), std::string(patch_text), {}, "app2").status;
       }},
      {"ModifyUnicastSubscription", 409,
       [](System& s) {
         const auto at = made(s);
         s.core->silent = is_write_to_session;
         begin(s, s.request("PATCH", at, std::string(patch_text)));
         return s.ask("PATCH", at, R"({"uniQosReq":"gold"})").status;
       }},
      {"ModifyUnicastSubscription", 412,
       [](System& s) {
         return s.ask("PATCH", made(s), std::string(patch_text), {{"if-match", "\"999\""}}).status;
       }},
      {"ModifyUnicastSubscription", 413,
       [](System& s) {
         return s.ask("PATCH", made(s), std::string(beyond_any_limit, ' ')).status;
       }},
      {"ModifyUnicastSubscription", 415,
       [](System& s) {
         return s.ask("PATCH", made(s), std::string(patch_text), json_type).status;
       }},
      {"ModifyUnicastSubscription", 429,
       [](System& s) {
         const auto at = made(s);
         s.ask("GET", at);
         return s.ask("PATCH", at, std::string(patch_text)).status;
       },
       slow_clients()},
      {"ModifyUnicastSubscription", 503,
       [](System& s) {
         const auto at = made(s);
         s.server().store.set_full(true);
         return s.ask("PATCH", at, std::string(patch_text)).status;
       }},
      {"ModifyUnicastSubscription", 504,
       [](System& s) {
         const auto at = made(s);
         s.core->silent = [](const http::Request&) { return true; };
         return s.ask("PATCH", at, std::string(patch_text)).status;
       }},

      {"DeleteUnicastSubscription", 204, [](System& s) { return s.ask("DELETE", made(s)).status; }},
      {"DeleteUnicastSubscription", 401,
       [](System& s) { return s.ask("DELETE", made(s), {}, {}, "").status; }},
      {"DeleteUnicastSubscription", 403,
       [](System& s) { return s.ask("DELETE", made(s), {}, {{"x-lobo-scopes", "other"}}).status; }},
      {"DeleteUnicastSubscription", 404,
       [](System& s) { return s.ask("DELETE", made(s), {}, {}, "app2").status; }},
      {"DeleteUnicastSubscription", 412,
       [](System& s) { return s.ask("DELETE", made(s), {}, {{"if-match", "\"999\""}}).status; }},
      {"DeleteUnicastSubscription", 429,
       [](System& s) {
         const auto at = made(s);
         s.ask("GET", at);
         return s.ask("DELETE", at).status;
       },
       slow_clients()},
      {"DeleteUnicastSubscription", 503,
       [](System& s) {
         const auto at = made(s);
         s.server().store.set_full(true);
         return s.ask("DELETE", at).status;
       }},
      {"DeleteUnicastSubscription", 504,
       [](System& s) {
         const auto at = made(s);
         s.core->silent = [](const http::Request&) { return true; };
         return s.ask("DELETE", at).status;
       }},
  };
}

std::vector<Case> cases_of_the_network() {
  std::vector<Case> out;
  for (const auto& [operation, callback] : std::map<std::string_view, std::string_view>{
           {"ReceiveUserPlaneNotification", "unicast"},
           {"ReceiveMonitoringNotification", "ue-watch"},
           {"ReceiveAfNotification", "reliable"},
           {"ReceiveAppSessionEvents", "app-session-events"},
           {"ReceiveAppSessionTermination", "app-session-end"}}) {
    const std::string_view kind = callback;
    const auto setup = kind.starts_with("app-session") ? through_pcf()
                       : kind == "reliable"            ? two_paths()
                                                       : System::Setup{};
    const auto ask = [kind](System& s, std::string text, http::Headers headers = {}) {
      return s.ask("POST", callback_of(s, kind), std::move(text), headers, "").status;
    };
    out.push_back({operation, 204, [ask, kind](System& s) { return ask(s, news(kind)); }, setup});
    out.push_back({operation, 400, [ask](System& s) { return ask(s, "{}"); }, setup});
    out.push_back({operation, 404,
                   [kind](System& s) {
                     return s.ask("POST", callback_of(s, kind) + "x", news(kind), {}, "").status;
                   },
                   setup});
    out.push_back({operation, 413,
                   [ask](System& s) { return ask(s, std::string(beyond_any_limit * 20, ' ')); },
                   setup});
    out.push_back(
        {operation, 415,
         [ask, kind](System& s) { return ask(s, news(kind), {{"content-type", "text/plain"}}); },
         setup});
    out.push_back({operation, 503,
                   [kind](System& s) {
                     const auto at = callback_of(s, kind);
                     s.crash_and_restart();  // As above.
                     s.server().store.set_gone(true);
                     return s.ask("POST", at, news(kind), {}, "").status;
                   },
                   setup});
    out.push_back({operation, 500,
                   [kind](System& s) {
                     const auto at = callback_of(s, kind);
                     return over_spoilt(s, s.request("POST", at, news(kind), {}, ""));
                   },
                   setup});
    out.push_back({operation, 429,
                   [kind](System& s) {
                     const auto at = callback_of(s, kind);
                     const auto request = s.request("POST", at, grave_news(s, kind), {}, "");
                     s.server().store.set_latency(1s);
                     auto& router = s.server().control_plane.router();
                     // One is being committed, as many as may be wait behind it.
                     for (std::size_t i = 0; i <= runtime::events_per_resource_max; ++i)
                       router.handle(request, [](const http::Response&) {});
                     return s.ask(request).status;
                   },
                   setup});
  }
  return out;
}

std::vector<Case> cases() {
  auto out = cases_of_a_client();
  for (auto& one : cases_of_a_broken_store()) out.push_back(std::move(one));
  for (auto& one : cases_of_the_network()) out.push_back(std::move(one));
  for (auto& one : cases_of_adaptations()) out.push_back(std::move(one));
  for (auto& one : cases_of_mm_qos()) out.push_back(std::move(one));
  for (auto& one : cases_of_reliables()) out.push_back(std::move(one));
  for (auto& one : monitor_cases())
    out.push_back({one.operation, one.status, std::move(one.provoke), std::move(one.setup)});
  return out;
}

/// Declared, and not provoked here, with the reason. Operation "*" is every one.
struct Exception {
  std::string_view operation;
  int status;
  std::string_view reason;
};
constexpr std::array exceptions{
    Exception{"*", 307, "this server redirects nobody; the standard lets a server do so"},
    Exception{"*", 308, "this server redirects nobody; the standard lets a server do so"},
    Exception{"*", 411,
              "a request without a length has no body here, and is refused as 400 or 415"},
    Exception{"DeleteUnicastSubscription", 400,
              "nothing of it is read but what HTTP itself refuses; the raw requests of the "
              "end-to-end tests do that"},
    Exception{"DeleteNetworkResourceAdaptation", 400, "as of a unicast subscription"},
    Exception{"DeleteMmQos", 400, "as of a unicast subscription"},
    Exception{"DeleteReliableTransmission", 400, "as of a unicast subscription"},
    Exception{"UnsubscribeUnicastMonitoring", 400, "as DeleteUnicastSubscription"},
    Exception{"DeleteMonitoringProfile", 400, "as DeleteUnicastSubscription"},
    Exception{"DeleteMonitoringProfile", 500, "nothing stored is read for it"},
    Exception{"ReceiveMeasurements", 429,
              "a sample costs no commit, so that none waits for another"},
    Exception{"ReceiveAnalytics", 429, "as ReceiveMeasurements"},
};
bool covers(const Exception& one, std::string_view operation, int status) {
  return one.status == status && (one.operation == "*" || one.operation == operation);
}

TEST(operations, each_declared_status_that_can_be_provoked_comes_as_declared) {
  std::set<std::pair<std::string, int>> seen;
  for (const auto& one : cases()) {
    SCOPED_TRACE(std::string(one.operation) + ' ' + std::to_string(one.status));
    System system(one.setup);
    watch(system);
    EXPECT_EQ(one.provoke(system), one.status);
    seen.emplace(one.operation, one.status);
  }
  for (const auto& [id, operation] : declared())
    for (const auto& [status, body] : operation.answers) {
      const auto is_it = [&](const Exception& one) { return covers(one, id, status); };
      EXPECT_NE(seen.contains({id, status}), std::ranges::any_of(exceptions, is_it))
          << id << ' ' << status
          << " is declared; either it is provoked here or its reason stands above";
    }
}

// What our own store cannot take is no failure of the network, and says so (TS 29.500 clause
// 5.2.7.2).
TEST(operations, a_store_that_cannot_take_it_is_told_as_a_lack_of_ours_and_not_of_the_network) {
  System system;
  watch(system);
  const auto at = made(system);
  const auto causes = [&] {
    std::set<std::string> out;
    for (const auto& request :
         {system.request("POST", all, System::body("ue2", "silver")), system.request("GET", at),
          system.request("PATCH", at, std::string(patch_text)), system.request("DELETE", at)}) {
      const auto response = system.ask(request);
      if (response.status < 400) continue;
      EXPECT_EQ(response.status, 503);
      EXPECT_TRUE(response.headers.find("retry-after"));
      const auto problem = json::parse(response.body);
      out.insert(problem && problem->find("cause") ? *problem->find("cause")->text() : "none");
    }
    return out;
  };
  system.server().store.set_full(true);
  EXPECT_EQ(causes(), std::set<std::string>{"INSUFFICIENT_RESOURCES"});
  system.server().store.set_full(false);
  system.server().store.set_gone(true);
  EXPECT_EQ(causes(), std::set<std::string>{"INSUFFICIENT_RESOURCES"});
  system.server().store.set_gone(false);
  system.core->bend = [](const http::Request&, http::Response& r) { r = {503, {}, {}}; };
  const auto refused = system.ask("POST", all, System::body("ue3", "silver"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.body.find("NETWORK_"), std::string::npos) << refused.body;
}

TEST(operations, the_server_serves_what_the_documents_declare_and_nothing_else) {
  System system;
  std::set<std::string> served;
  for (const auto& operation : system.server().control_plane.router().operations())
    served.emplace(operation.id);
  std::set<std::string> written;
  for (const auto& [id, operation] : declared()) written.insert(id);
  EXPECT_EQ(served, written);
}

/// Good requests of every operation, with the credentials given.
std::vector<http::Request> one_of_each(System& system, std::string_view client,
                                       const http::Headers& headers) {
  const auto id = system.create().value_or("none");
  const auto path = System::path_of(id);
  return {
      system.request("GET", all, {}, headers, client),
      system.request("GET", path, {}, headers, client),
      system.request("PATCH", path, std::string(patch_text), headers, client),
      system.request("POST", all, System::body("ue2", "bronze"), headers, client),
      system.request("POST", system.callback_path(id, "forged"), news("unicast"), headers, client),
      system.request("POST", system.callback_path(id, "forged") + "/notify",
                     news("app-session-events"), headers, client),
      system.request("POST", system.callback_path(id, "forged") + "/terminate",
                     news("app-session-end"), headers, client),
      system.request("POST", "/nrm-callbacks/v1/ue-watch/extid-ue1@lobodon.example/forged",
                     news("ue-watch"), headers, client),
      system.request("DELETE", path, {}, headers, client)};
}

/// The same of adaptations.
std::vector<http::Request> one_of_each_adaptation(System& system, std::string_view client,
                                                  const http::Headers& headers) {
  const auto path = made_adaptation(system);
  return {system.request("GET", adaptations, {}, headers, client),
          system.request("GET", path, {}, headers, client),
          system.request("GET", path + "/ue-results", {}, headers, client),
          system.request("PATCH", path, std::string(patch_text), headers, client),
          system.request("POST", adaptations, adaptation_body("ue2", "bronze"), headers, client),
          system.request("DELETE", path, {}, headers, client)};
}

/// The same of metaverse services and reliable transmissions.
std::vector<http::Request> one_of_each_extension(System& system, std::string_view client,
                                                 const http::Headers& headers) {
  const auto mm = made_mm(system);
  const auto reliable = made_reliable(system);
  return {system.request("GET", mm_managements, {}, headers, client),
          system.request("GET", mm, {}, headers, client),
          system.request("PATCH", mm, mm_patch, headers, client),
          system.request("POST", mm_managements, mm_body("ue2", mm_silver), headers, client),
          system.request("DELETE", mm, {}, headers, client),
          system.request("GET", reliables, {}, headers, client),
          system.request("GET", reliable, {}, headers, client),
          system.request("POST", reliables, reliable_body("ue2"), headers, client),
          system.request("POST", "/nrm-callbacks/v1/reliable/x/forged", af_news, headers, client),
          system.request("DELETE", reliable, {}, headers, client)};
}

// users.md row 14: an unauthenticated register, a scope passed by.
TEST(lessons, lesson_14_every_route_declares_its_protection_and_serves_nobody_without_it) {
  System system(two_paths());
  for (const auto& operation : system.server().control_plane.router().operations()) {
    SCOPED_TRACE(std::string(operation.id));
    switch (operation.protection) {
      case resource::Protection::token: EXPECT_FALSE(operation.scope.empty()); break;
      case resource::Protection::secret:
        EXPECT_NE(operation.path.find("{secret}"), std::string_view::npos);
        break;
      case resource::Protection::loopback:
      case resource::Protection::none:
        ADD_FAILURE() << "no such route belongs on the northbound side";
        break;
    }
  }
  watch(system);
  auto strangers = one_of_each(system, "", {});
  for (auto& stranger : one_of_each_monitoring(system, "", {})) strangers.push_back(stranger);
  const http::Headers scopeless{{"x-lobo-scopes", "ss-other"}};
  for (auto& stranger : one_of_each(system, "app1", scopeless)) strangers.push_back(stranger);
  for (auto& stranger : one_of_each_monitoring(system, "app1", scopeless))
    strangers.push_back(stranger);
  for (auto& stranger : one_of_each_adaptation(system, "", {})) strangers.push_back(stranger);
  for (auto& stranger : one_of_each_adaptation(system, "app1", scopeless))
    strangers.push_back(stranger);
  for (auto& stranger : one_of_each_extension(system, "", {})) strangers.push_back(stranger);
  for (auto& stranger : one_of_each_extension(system, "app1", scopeless))
    strangers.push_back(stranger);
  system.loop.run_for(3s);  // What the good ones began has been settled.
  const auto before = system.durable();
  std::set<std::string> reached;
  for (const auto& request : strangers) {
    const auto status = system.ask(request).status;
    EXPECT_TRUE(status == 401 || status == 403 || status == 404)
        << request.method << ' ' << request.target << ' ' << status;
    if (const auto* operation = contract::operation_of(request))
      reached.insert(operation->method + operation->path);
  }
  EXPECT_EQ(reached.size(), declared().size()) << "an operation is not asked here";
  EXPECT_EQ(before, system.durable());
}

/// Requests good and bad in every mixture, under every fault: no status that is not declared.
TEST(operations, no_undeclared_status_comes_whatever_is_asked_and_whatever_fails) {
  const std::array<http::Headers, 6> envelopes{
      http::Headers{},
      http::Headers{{"accept", "text/html"}},
      http::Headers{{"content-type", "text/plain"}},
      http::Headers{{"if-match", "nonsense"}},
      http::Headers{{"idempotency-key", std::string(500, 'x')}},
      http::Headers{
          {"accept", ";;,"}, {"content-type", ";"}, {"if-match", ""}, {"idempotency-key", ""}}};
  const std::array<std::string, 8> bodies{"",
                                          "{}",
                                          "[]",
                                          "null",
                                          std::string(beyond_any_limit, 'x'),
                                          System::body("ue1", "gold"),
                                          std::string(patch_text),
                                          "\xff\xfe"};
  using Fault = void (*)(System&);
  const std::array<Fault, 5> faults{
      [](System&) {}, [](System& s) { s.server().store.set_full(true); },
      [](System& s) { s.server().store.set_gone(true); },
      [](System& s) { s.core->silent = [](const http::Request&) { return true; }; },
      [](System& s) {
        s.core->bend = [](const http::Request&, http::Response& r) { r = {418, {}, "teapot"}; };
      }};
  for (const auto fault : faults) {
    System system;
    watch(system);
    const auto id = system.create().value_or("none");
    const auto secret = system.secret_of(id).value_or("none");
    fault(system);
    for (const auto* method : {"GET", "POST", "PATCH", "PUT", "DELETE"})
      for (const auto& target :
           {all, adaptations, adaptations + "/nobody", adaptations + "/nobody/ue-results",
            mm_managements, mm_managements + "/nobody", reliables, reliables + "/nobody",
            all + "?limit=0", System::path_of("nobody"), System::path_of(id),
            System::path_of("%00"), system.callback_path(id, secret), system.callback_path(id, "x"),
            std::string("/")})
        for (const auto& headers : envelopes)
          for (const auto& body : bodies) {
            if (std::string_view(method) == "DELETE" && target == System::path_of(id)) continue;
            system.ask(method, target, body, headers);
          }
  }
}

}  // namespace
}  // namespace lobo::app::testing
