// Inputs that killed neighbours (open5GS, free5GC, 5G-MAG), given to the whole control plane. The
// numbers are those of the collection of such inputs; 13 and the route table of 14 stand in
// bad_input_test.cpp and operations_test.cpp, the rows about user packets belong to the data plane.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/common.hpp"
#include "base/result.hpp"
#include "contract/bad_bodies.hpp"
#include "graph/control_plane.hpp"
#include "services/core_sim/config.hpp"
#include "support/system.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;

const std::string all(collection);

std::string with_requirement(const std::string& requirement) {
  return R"({"valTgtUe":{"valUeId":"ue1"},"notifUri":"http://app1.example/n","uniQosReq":)" +
         contract::as_string(requirement) + '}';
}
std::vector<std::string> blamed(const http::Response& response) {
  std::vector<std::string> out;
  const auto problem = json::read<api::common::ProblemDetails>(response.body);
  if (problem && problem->invalid_params)
    for (const auto& param : *problem->invalid_params) out.push_back(param.param);
  return out;
}
using Names = std::vector<std::string>;

bool is_session(const http::Request& request) {
  return request.target.find("as-session-with-qos") != std::string::npos;
}

TEST(lessons, lesson_01_an_incomplete_flow_description_is_refused_and_never_reaches_the_core) {
  System system;
  for (const std::string flow :
       {"permit in", "permit", "permit out", "permit out 17 from", "permit out ip from any to",
        "permit out 17 from 192.0.2.1 99999 to any", "deny in",
        "permit in 17 from any to any frag x"}) {
    const auto response =
        system.ask("POST", all,
                   with_requirement(R"({"qosReference":"gold","flows":[{"flowDescriptions":[")" +
                                    flow + R"("]}]})"));
    EXPECT_EQ(response.status, 400) << flow;
    EXPECT_EQ(blamed(response), Names{"/uniQosReq/flows/0/flowDescriptions/0"}) << flow;
  }
  EXPECT_TRUE(system.core->seen.empty());
  EXPECT_TRUE(system.durable().records.empty());
}

TEST(lessons, lesson_02_present_but_empty_is_a_class_of_its_own) {
  System system;
  const auto ask = [&](const std::string& body) { return system.ask("POST", all, body); };
  EXPECT_EQ(blamed(ask(R"({"valTgtUe":{"valUeId":""},"notifUri":"http://app1.example/n"})")),
            Names{"/valTgtUe/valUeId"});
  EXPECT_EQ(blamed(ask(R"({"valTgtUe":{"valUserId":""},"notifUri":"http://app1.example/n"})")),
            Names{"/valTgtUe/valUserId"});
  EXPECT_EQ(blamed(ask(R"({"valTgtUe":{},"notifUri":"http://app1.example/n"})")),
            Names{"/valTgtUe"});
  EXPECT_EQ(blamed(ask(R"({"valTgtUe":{"valUeId":"ue1"},"notifUri":""})")), Names{"/notifUri"});
  EXPECT_EQ(
      blamed(ask(
          R"({"valTgtUe":{"valUeId":"ue1"},"notifUri":"http://app1.example/n","uniQosReq":""})")),
      Names{"/uniQosReq"});
  EXPECT_EQ(blamed(ask(with_requirement(R"({"qosReference":""})"))),
            Names{"/uniQosReq/qosReference"});
  EXPECT_EQ(blamed(ask(with_requirement(R"({"qosReference":"gold","flows":[]})"))),
            Names{"/uniQosReq/flows"});
  EXPECT_TRUE(system.durable().records.empty());

  // The core tells an address that is empty: the UE is nowhere, and nothing is asked for it.
  system.core->bend = [](const http::Request&, http::Response& response) {
    for (std::size_t at = 0; (at = response.body.find("10.45.0.", at)) != std::string::npos;)
      response.body.erase(at, 9);
  };
  EXPECT_NE(ask(System::body("ue1", "gold")).status, 201);
  EXPECT_TRUE(std::ranges::none_of(system.core->seen, [](const auto& request) {
    return is_session(request) && request.method == "POST";
  }));
  system.core->bend = nullptr;
  system.settle();
  EXPECT_EQ(system.unjust(true), "");
}

/// What a core may answer to a request that it did carry out.
struct Lie {
  std::string what;
  std::function<void(http::Response&)> tell;
};

std::vector<Lie> lies() {
  std::vector<Lie> out;
  const auto located = [&](const std::string& what, const std::string& location) {
    out.push_back({"Location " + what,
                   [location](http::Response& r) { r.headers.set("location", location); }});
    out.push_back({"Location " + what + ", without a body", [location](http::Response& r) {
                     r.headers.set("location", location);
                     r.body.clear();
                   }});
  };
  for (const std::string location :
       {"", "/", "x", "//", "http:", "http://", "://", "subscriptions", "subscriptions/",
        "/subscriptions/..", "/a/subscriptions/%2e%2e", "../../../etc/passwd", "http://[::1",
        "/subscriptions/\"<>", "?x", "#"})
    located('\'' + location + '\'', location);
  located("on another host",
          "http://evil.example/3gpp-as-session-with-qos/v1/lodobon/subscriptions/elsewhere");
  located("of a session that is not there",
          "/3gpp-as-session-with-qos/v1/lodobon/subscriptions/elsewhere");
  located("of 10 kB",
          "/3gpp-as-session-with-qos/v1/lodobon/subscriptions/" + std::string(10240, 'a'));
  const auto body = [&](const std::string& what, std::string text) {
    out.push_back({"body " + what, [text](http::Response& r) { r.body = text; }});
    out.push_back({"body " + what + ", no Location", [text](http::Response& r) {
                     r.body = text;
                     r.headers.erase("location");
                   }});
  };
  body("empty", "");
  body("no JSON", "<html>");
  body("an array", "[]");
  body("null", "null");
  body("of wrong types", R"({"self":1,"notificationDestination":[]})");
  body("self elsewhere", R"({"self":"http://evil.example/subscriptions/elsewhere"})");
  body("of 1 MB", '"' + std::string(std::size_t{1} << 20U, 'x') + '"');
  body("deep", std::string(10000, '['));
  body("bad UTF-8", "{\"self\":\"\xff\"}");
  out.push_back({"wrong content type",
                 [](http::Response& r) { r.headers.set("content-type", "text/html"); }});
  out.push_back({"no header at all", [](http::Response& r) { r.headers = {}; }});
  for (const int status : {200, 202, 204, 206, 299, 300, 302, 304, 500, 502, 504})
    out.push_back(
        {"status " + std::to_string(status), [status](http::Response& r) { r.status = status; }});
  for (const int status : {307, 308})
    for (const std::string to : {"http://evil.example/x", "https://core.example:1/x",
                                 "//evil.example/x", "", "http://core.example@evil.example/x"})
      out.push_back({std::to_string(status) + " to '" + to + "'",
                     [status, to](http::Response& r) { r = {status, {{"location", to}}, {}}; }});
  return out;
}

using Match = bool (*)(const http::Request&);
struct Target {
  std::string what;
  Match match;
};
const std::vector<Target>& targets() {
  static const std::vector<Target> all_targets{
      {"reserve", [](const http::Request& r) { return is_session(r) && r.method == "POST"; }},
      {"watch",
       [](const http::Request& r) {
         return r.target.find("monitoring") != std::string::npos && r.method == "POST";
       }},
      {"modify",
       [](const http::Request& r) {
         return is_session(r) && (r.method == "PATCH" || r.method == "PUT");
       }},
      {"release", [](const http::Request& r) { return is_session(r) && r.method == "DELETE"; }},
      {"list", [](const http::Request& r) { return is_session(r) && r.method == "GET"; }},
      {"everything", [](const http::Request&) { return true; }},
  };
  return all_targets;
}

// The rule is one for all: a reservation that failed, or one that is confirmed and stands exactly
// once.
TEST(lessons, lesson_03_whatever_the_core_answers_the_books_agree_when_it_is_over) {
  for (const auto& target : targets())
    for (const auto& lie : lies()) {
      // A list without anything of ours cannot be told from the truth.
      if (target.what == "everything" &&
          (lie.what == "status 204" || lie.what.starts_with("body an array")))
        continue;
      SCOPED_TRACE(target.what + ": " + lie.what);
      System system;
      std::size_t told = 0;
      system.core->bend = [&](const http::Request& request, http::Response& response) {
        if (!target.match(request)) return;
        ++told;
        lie.tell(response);
      };
      const auto created = system.ask("POST", all, System::body("ue1", "silver"));
      EXPECT_TRUE(created.status == 201 || created.status >= 400) << created.status;
      EXPECT_NE(created.status, 500);
      if (created.status == 201) {
        const auto path = System::path_of(System::id_of(created));
        const auto patched = system.ask("PATCH", path, R"({"uniQosReq":"gold"})").status;
        EXPECT_TRUE(patched == 200 || (patched >= 400 && patched != 500)) << patched;
        if (target.what == "release") system.ask("DELETE", path);
      }
      // A network that lied for a while, and then is itself again.
      system.loop.run_for(30s);
      if (target.what != "list" && target.what != "modify") { EXPECT_GT(told, 0U); }
      system.core->bend = nullptr;
      system.settle();
      EXPECT_EQ(system.unjust(), "");
      system.release_everything();
      system.settle();
      EXPECT_EQ(system.unjust(true), "");
      EXPECT_TRUE(system.evil.seen.empty());
    }
}

TEST(lessons, lesson_04_a_client_that_hangs_up_before_the_answer_leaves_nothing_half_done) {
  struct Step {
    std::string what, method, body;
  };
  for (const auto& step :
       {Step{"create", "POST", System::body("ue1", "silver")},
        Step{"modify", "PATCH", R"({"uniQosReq":"gold"})"}, Step{"release", "DELETE", ""}})
    for (const auto wait : {0us, 700us, 1500us, 5000us, 25000us}) {
      SCOPED_TRACE(step.what + " after " + std::to_string(wait.count()));
      System system;
      const auto known = step.method == "POST" ? std::optional<std::string>() : system.create();
      auto client = system.network.client("app1");
      bool answered = false;
      client->send(system.request(step.method, known ? System::path_of(*known) : all, step.body),
                   10s, [&](const Result<http::Response>&) { answered = true; });
      system.loop.run_for(wait);
      client.reset();
      system.settle();
      EXPECT_FALSE(answered && wait == 0us);
      EXPECT_EQ(system.unjust(), "");
      // Whoever comes back finds out by the list, and can release it.
      system.release_everything();
      system.settle();
      EXPECT_EQ(system.unjust(true), "");
    }
}

TEST(lessons, lesson_05_a_query_that_cannot_be_read_is_not_an_empty_one) {
  System system;
  ASSERT_TRUE(system.create());
  for (const std::string query :
       {"limit=", "limit=0", "limit=1001", "limit=-1", "limit=abc", "limit=1e3", "limit={}",
        "limit=%7B%7D", "limit=18446744073709551617", "limit=%zz", "cursor=%", "%ff%",
        "limit=1&limit=x"}) {
    const auto response = system.ask("GET", all + '?' + query);
    EXPECT_EQ(response.status, 400) << query << ' ' << response.body;
  }
  EXPECT_EQ(blamed(system.ask("GET", all + "?limit={}")), Names{"query:limit"});
  EXPECT_EQ(system.ask("GET", all + "?limit=1").status, 200);
}

TEST(lessons, lesson_08_a_pool_that_is_used_up_is_a_status_code_and_a_release_still_works) {
  const auto fill = [](System& system, std::string_view quality,
                       const std::vector<std::string>& ues) {
    std::vector<std::string> ids;
    http::Response last;
    for (std::size_t i = 0; i < 300; ++i) {
      last = system.ask("POST", all, System::body(ues[i % ues.size()], quality));
      if (last.status != 201) break;
      ids.push_back(System::id_of(last));
    }
    EXPECT_FALSE(ids.empty());
    system.settle();
    const auto before = system.durable();
    EXPECT_EQ(system.ask("POST", all, System::body(ues[ids.size() % ues.size()], quality)).status,
              last.status);
    system.settle();
    // Of a refusal by the network only the count of effects remains.
    EXPECT_TRUE(before.records == system.durable().records &&
                before.effects == system.durable().effects &&
                before.timers == system.durable().timers);
    EXPECT_EQ(system.ask("DELETE", System::path_of(ids.front())).status, 204);
    EXPECT_EQ(system.ask("POST", all, System::body(ues[0], quality)).status, 201);
    system.release_everything();
    system.settle();
    EXPECT_EQ(system.unjust(true), "");
    return last;
  };
  {
    System system;  // The radio cell's capacity.
    const auto last = fill(system, "gold", {"ue1"});
    EXPECT_EQ(last.status, 403) << last.body;
  }
  {
    System system;  // One UE's subscriptions.
    const auto last = fill(system, "bronze", {"ue1"});
    EXPECT_EQ(last.status, 429);
    EXPECT_TRUE(last.headers.find("retry-after"));
    EXPECT_EQ(blamed(last), Names{"/valTgtUe"});
  }
  {
    System system({.adjust = [](ControlPlane::Config& config) {
      config.router.resources_per_owner_max = 7;
    }});
    EXPECT_EQ(fill(system, "bronze", {"ue1", "ue2", "ue3"}).status, 429);  // One client's quota.
  }
  {
    System system({.adjust_core = [](core_sim::CoreConfig& config) {
      config.limits.sessions_per_af_max = 5;
    }});
    const auto last = fill(system, "bronze", {"ue1", "ue2"});  // The core's own table.
    EXPECT_TRUE(last.status == 403 || last.status == 429 || last.status == 503) << last.status;
  }
}

TEST(lessons, lesson_08_requests_that_pile_up_are_each_answered) {
  System system;
  system.core->silent = is_session;
  constexpr int many = 20000;
  int answers = 0, undeclared = 0;
  for (int i = 0; i < many; ++i)
    system.server().control_plane.router().handle(
        system.request("POST", all, System::body("ue" + std::to_string(1 + i % 4), "bronze")),
        [&](const http::Response& response) {
          ++answers;
          if (response.status != 429 && response.status != 503 && response.status != 504)
            ++undeclared;
        });
  system.loop.run_for(30s);
  EXPECT_EQ(answers, many);
  EXPECT_EQ(undeclared, 0);
  system.core->silent = nullptr;
  system.settle();
  EXPECT_TRUE(system.create());
  system.release_everything();
  system.settle();
  EXPECT_EQ(system.unjust(true), "");
}

TEST(lessons, lesson_10_a_modification_that_is_refused_leaves_the_session_as_it_was) {
  System system;
  const auto id = system.create("ue1", "silver");
  ASSERT_TRUE(id);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(system.create("ue2", "gold"));
  system.settle();
  const auto path = System::path_of(*id);
  const auto state = [&] { return system.durable().find({"unicast", *id})->state; };
  const auto before_state = state();
  const auto before_core = system.operate("GET", "/netsim-control/v1/reservations").body;

  // Refused here: nothing is written at all.
  const auto before = system.durable();
  for (const std::string patch :
       {R"({"uniQosReq":"platinum"})", R"({"duration":"2001-01-01T00:00:00Z"})",
        R"({"notifUri":"http://127.0.0.1/"})", R"({"uniQosReq":null})",
        R"({"valTgtUe":{"valUeId":"ue2"},"uniQosReq":"gold"})", "{}", "[", ""})
    EXPECT_EQ(
        system.ask("PATCH", path, patch, {{"content-type", "application/merge-patch+json"}}).status,
        400)
        << patch;
  EXPECT_EQ(system.ask("PATCH", path, R"({"uniQosReq":"gold"})", {{"if-match", "\"7777\""}}).status,
            412);
  EXPECT_TRUE(before == system.durable());

  // Refused by the network, or not answered: what it was meant to become is forgotten.
  EXPECT_EQ(system.ask("PATCH", path, R"({"uniQosReq":"{\"gbrDl\":\"39 Mbps\"}"})").status, 403);
  system.settle();
  EXPECT_EQ(state(), before_state);
  EXPECT_EQ(system.operate("GET", "/netsim-control/v1/reservations").body, before_core);
  system.core->silent = [](const http::Request& request) {
    return is_session(request) && request.method != "GET";
  };
  EXPECT_GE(system.ask("PATCH", path, R"({"uniQosReq":"bronze"})").status, 503);
  system.core->silent = nullptr;
  system.settle();
  EXPECT_EQ(state(), before_state);
  EXPECT_EQ(system.operate("GET", "/netsim-control/v1/reservations").body, before_core);
  EXPECT_EQ(system.unjust(), "");
}

TEST(lessons, lesson_12_what_is_mandatory_may_be_missing_on_the_wire) {
  System system;
  const auto id = system.create();
  ASSERT_TRUE(id);
  system.settle();
  const auto path = system.callback_path(*id, system.secret_of(*id).value_or(""));
  const auto before = system.durable();
  const auto ask = [&](const std::string& body) {
    return blamed(system.ask("POST", path, body, {}, ""));
  };
  EXPECT_EQ(ask("{}"), (Names{"/transaction", "/eventReports"}));
  EXPECT_EQ(ask(R"({"transaction":"http://core.example/1"})"), Names{"/eventReports"});
  EXPECT_EQ(ask(R"({"transaction":"http://core.example/1","eventReports":[]})"),
            Names{"/eventReports"});
  EXPECT_EQ(ask(R"({"transaction":"http://core.example/1","eventReports":[{}]})"),
            Names{"/eventReports/0/event"});
  EXPECT_EQ(ask(R"({"transaction":"http://core.example/1","eventReports":[null]})"),
            Names{"/eventReports/0"});
  for (const std::string multipart : {"multipart/related", "multipart/related; boundary=x",
                                      "application/json; charset=utf-8", ""})
    EXPECT_EQ(system.ask("POST", path, "--x\r\n", {{"content-type", multipart}}, "").status,
              multipart.starts_with("app") ? 400 : 415)
        << multipart;
  EXPECT_TRUE(before == system.durable());
}

TEST(lessons, lesson_14_a_callback_with_a_forged_secret_is_not_taken) {
  System system;
  const auto mine = system.create("ue1"), other = system.create("ue2", "silver", "app2");
  ASSERT_TRUE(mine && other);
  system.settle();
  const auto secret = system.secret_of(*mine).value_or("");
  ASSERT_FALSE(secret.empty());
  const auto before = system.durable();
  const auto before_sink = system.sink.seen.size();
  auto flipped = secret;
  flipped.back() = flipped.back() == '0' ? '1' : '0';
  for (const auto& forged : {std::string("x"), secret.substr(1), secret + '0', flipped,
                             system.secret_of(*other).value_or(""), *mine, std::string(5000, '0'),
                             std::string("%00"), secret + "%00"})
    for (const auto* event :
         {"SESSION_TERMINATION", "QOS_NOT_GUARANTEED", "FAILED_RESOURCES_ALLOCATION"}) {
      const auto response = system.ask(
          "POST", system.callback_path(*mine, forged),
          std::string(R"({"transaction":"http://core.example/1","eventReports":[{"event":")") +
              event + R"("}]})",
          {{"if-match", "\"1\""}}, "");
      EXPECT_EQ(response.status, 404) << forged;
      EXPECT_EQ(response.body.find(secret), std::string::npos);
    }
  // Nor is it learned from the outside whether the object exists.
  EXPECT_EQ(system.ask("POST", system.callback_path(*mine, "x"), "{}", {}, "").body,
            system.ask("POST", system.callback_path("nobody", "x"), "{}", {}, "").body);
  EXPECT_TRUE(before == system.durable());
  system.settle();
  EXPECT_EQ(system.sink.seen.size(), before_sink);
}

TEST(lessons, lesson_14_our_credentials_go_to_the_configured_network_and_nowhere_else) {
  for (const int status : {0, 307, 308}) {
    System system;
    system.network.attach(sim::SimNetwork::alias_of(std::string(System::core_authority)), nullptr);
    system.core->bend = [status](const http::Request& request, http::Response& response) {
      if (status == 0) {
        response.headers.set("location",
                             "http://evil.example" + request.target + "/subscriptions/1");
        response.body =
            R"({"self":"http://evil.example/subscriptions/1","link":"http://evil.example/"})";
      } else {
        response = {status, {{"location", "http://evil.example" + request.target}}, {}};
      }
    };
    // A sink of a client, a callback's transaction, a Location: all from bodies and headers of
    // others.
    system.ask("POST", all, System::body("ue1", "silver"));
    system.ask(
        "POST", all,
        R"({"valTgtUe":{"valUeId":"ue2"},"reqTestNotif":true,"notifUri":"http://app1.example/n","suppFeat":"70000000000"})");
    system.ask(
        "POST", all,
        R"({"valTgtUe":{"valUeId":"ue2"},"reqTestNotif":true,"notifUri":"http://127.0.0.1/n"})");
    system.loop.run_for(20s);
    system.core->bend = nullptr;
    system.sink.answer = [](const http::Request&) {
      return http::Response{307, {{"location", "http://169.254.169.254/"}}, {}};
    };
    EXPECT_EQ(
        system
            .ask(
                "POST", all,
                R"({"valTgtUe":{"valUeId":"ue3"},"reqTestNotif":true,"notifUri":"http://app1.example/n","suppFeat":"70000000000"})")
            .status,
        201);
    system.settle();
    EXPECT_FALSE(system.sink.seen.empty());
    EXPECT_TRUE(system.evil.seen.empty());
    for (const auto& request : system.sink.seen)
      EXPECT_FALSE(request.headers.find("authorization"));
    EXPECT_TRUE(std::ranges::all_of(system.core->seen, [](const auto& request) {
      return request.headers.find("authorization").value_or("") == secret_token ||
             request.authority != System::core_authority;
    }));
    EXPECT_FALSE(system.core->seen.empty());
  }
}

}  // namespace
}  // namespace lobo::app::testing
