// Every operation of the media application function, against what api/media_*.yaml declare of it:
// each status that can be provoked is provoked, each answer has a declared status and a body of its
// schema, and nobody is served without credentials.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "contract/declared.hpp"
#include "media/world.hpp"
#include "support/media_driver.hpp"
#include "wire/http/message.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;
using contract::declared_media;

constexpr std::size_t beyond_any_limit = 2'000'000;

/// Asks the operation as it stands, with these changes.
struct Ask {
  http::Headers headers;
  std::optional<std::string> body;
  std::optional<std::string> who;
};

class Provoker {
 public:
  explicit Provoker(const MediaOperation& operation) : operation_(operation) {
    world.on_answer = [](const http::Request& request, const http::Response& response) {
      const auto wrong = contract::wrong_with(request, response);
      EXPECT_TRUE(wrong.empty()) << wrong;
    };
    at = operation.path(world);
  }
  http::Request request(const Ask& with = {}) const {
    return world.request(operation_.method, at, with.body.value_or(operation_.body), with.headers,
                         with.who.value_or(operation_.who));
  }
  int ask(const Ask& with = {}) { return world.ask(request(with)).status; }

  MediaWorld world;
  std::string at;

 private:
  const MediaOperation& operation_;
};

/// How each status of any operation is provoked; 0 where this operation has no way to it.
int provoke(const MediaOperation& operation, int status) {
  Provoker p(operation);
  const bool takes_body = !operation.body.empty();
  switch (status) {
    case 400:
      if (takes_body) return p.ask({.body = "{"});
      return p.ask({.body = "{}"});
    case 304: {
      const auto now = p.world.ask(p.request());
      return p.ask({.headers = {{"if-none-match", std::string(*now.headers.find("etag"))}}});
    }
    case 401: return p.ask({.who = ""});
    case 403: return p.ask({.headers = {{"x-lobo-scopes", "other"}}});
    case 404:
      if (operation.of_one) return p.ask({.who = "other"});
      p.at = p.at.substr(0, p.at.rfind('/')) + "/none";
      return p.ask();
    case 406: return p.ask({.headers = {{"accept", "text/html"}}});
    case 409:
      if (operation.id == "CreateProvisioningSession") {
        p.ask({.headers = {{"idempotency-key", "k"}}});
        return p.ask({.headers = {{"idempotency-key", "k"}},
                      .body = R"({"provisioningSessionType":"UPLINK","appId":"b"})"});
      }
      p.ask();
      return p.ask();
    case 412: return p.ask({.headers = {{"if-match", "\"999\""}}});
    case 413: return p.ask({.body = std::string(beyond_any_limit, ' ')});
    case 415: return p.ask({.headers = {{"content-type", "text/plain"}}});
    case 429:
      p.world.server().plane.router().change_limits(
          {.resources_per_owner_max = 1000, .requests_per_second = 0.001, .request_burst = 0});
      return p.ask();
    case 500: {
      const Ask with{.headers = takes_body && operation.method == "POST"
                                    ? http::Headers{{"idempotency-key", "k"}}
                                    : http::Headers{}};
      if (operation.id == "CreateProvisioningSession") p.ask(with);
      p.world.spoil();
      return p.ask(with);
    }
    case 503:
      p.world.crash_and_restart();  // What was used a moment ago would be in memory.
      p.world.server().store.set_gone(true);
      return p.ask();
    default: return p.ask();
  }
}

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
    Exception{"DELETE", 400, "nothing of it is read but what HTTP itself refuses"},
    Exception{"ReceiveNetworkMonitoring", 429,
              "a callback has no rate of its own; a subscription's queue has"},
    Exception{"ReceiveNetworkResourceEvents", 429, "as ReceiveNetworkMonitoring"},
    Exception{"ReceiveNetworkUserPlaneEvents", 429, "as ReceiveNetworkMonitoring"},
    Exception{"ReceiveNetworkAppSessionEvents", 429, "as ReceiveNetworkMonitoring"},
    Exception{"RegisterApplicationServer", 500, "what is stored is replaced unread"},
    Exception{"DeregisterApplicationServer", 500, "nothing stored is read for it"},
    Exception{"SubmitAsEnergyReports", 500, "nothing stored is read for it"},
    Exception{"GetSteeringPlan", 500, "nothing stored is read for it"},
    Exception{"GetSteeringPlan", 404, "provoked beside eiaf_steering.cpp"},
    Exception{"SubmitSteeringReports", 500, "nothing stored is read for it"},
    Exception{"SubmitConsumptionReport", 500, "nothing stored is read for it"},
    Exception{"UnsubscribeFromEnergyInformation", 500, "nothing stored is read for it"},
    Exception{"ReportUeEnergyState", 500, "nothing stored is read for it"},
    Exception{"NotifyServiceLocationChange", 500, "nothing stored is read for it"},
    Exception{"RegisterApplicationServer", 201, "provoked by a test of its own"},
    Exception{"ReplaceContentHostingConfiguration", 409, "provoked beside session.cpp"},
    Exception{"ModifyContentHostingConfiguration", 409, "as ReplaceContentHostingConfiguration"},
    Exception{"SubscribeToEnergyInformation", 0, "its statuses are provoked by a test of its own"},
};
bool excepted(const MediaOperation& operation, int status) {
  return std::ranges::any_of(exceptions, [&](const Exception& one) {
    return (one.status == status || one.status == 0) &&
           (one.operation == "*" || one.operation == operation.id ||
            one.operation == operation.method);
  });
}

TEST(media_operations, each_declared_status_that_can_be_provoked_comes_as_declared) {
  std::set<std::string_view> seen;
  for (const auto& operation : media_operations()) {
    seen.insert(operation.id);
    const auto found = declared_media().find(std::string(operation.id));
    ASSERT_NE(found, declared_media().end()) << operation.id;
    for (const auto& [status, body] : found->second.answers) {
      if (excepted(operation, status)) continue;
      SCOPED_TRACE(std::string(operation.id) + ' ' + std::to_string(status));
      EXPECT_EQ(provoke(operation, status), status);
    }
  }
  seen.insert("SubscribeToEnergyInformation");
  for (const auto& [id, operation] : declared_media()) EXPECT_TRUE(seen.contains(id)) << id;
}

TEST(media_operations, the_server_serves_what_the_documents_declare_and_nothing_else) {
  MediaWorld world;
  std::set<std::string> served, written;
  for (const auto& operation : world.server().plane.router().operations())
    served.emplace(operation.id);
  for (const auto& [id, operation] : declared_media()) written.insert(id);
  EXPECT_EQ(served, written);
}

TEST(media_operations, a_server_registers_under_a_free_name_and_keeps_it) {
  MediaWorld w;
  const std::string at = "/x-e3/v1/application-servers/as7";
  const auto text = lobo::testing::MediaDriver::registration("SL1");
  const auto made = w.ask("PUT", at, text, {}, "as");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.headers.find("location").value_or(""), "http://af.example" + at);
  EXPECT_EQ(w.ask("PUT", at, text, {}, "as").status, 200);
  EXPECT_EQ(w.ask("PUT", at, text, {}, "thief").status, 404);
}

TEST(media_operations, a_subscription_is_refused_as_declared) {
  MediaWorld w;
  w.on_answer = [](const http::Request& request, const http::Response& response) {
    const auto wrong = contract::wrong_with(request, response);
    EXPECT_TRUE(wrong.empty()) << wrong;
  };
  const std::string at = "/x-e5/v1/subscriptions";
  const auto session = w.session();
  const auto id = session.substr(session.rfind('/') + 1);
  const auto policy = MediaWorld::id_of(w.ask("POST", session + "/energy-policies", "{}"));
  const auto text = [&](std::string_view of, std::string_view under) {
    return R"({"provisioningSessionId":")" + std::string(of) + R"(","energyPolicyId":")" +
           std::string(under) + R"(","mediaDeliverySessionId":"m"})";
  };
  const auto good = text(id, policy);
  const auto ask = [&](const std::string& body, http::Headers headers = {},
                       std::string_view who = "ue") {
    return w.ask("POST", at, body, std::move(headers), who).status;
  };
  EXPECT_EQ(ask(good, {{"idempotency-key", "k"}}), 201);
  EXPECT_EQ(ask(text("none", policy)), 404);
  EXPECT_EQ(ask(text(id, "none")), 404);
  EXPECT_EQ(ask("{}"), 400);
  EXPECT_EQ(ask(good, {}, ""), 401);
  EXPECT_EQ(ask(good, {{"x-lobo-scopes", "media-m1"}}), 403);
  EXPECT_EQ(ask(text(id, "none"), {{"idempotency-key", "k"}}), 409);
  EXPECT_EQ(ask(std::string(beyond_any_limit, ' ')), 413);
  EXPECT_EQ(ask(good, {{"content-type", "text/plain"}}), 415);
  w.spoil();
  EXPECT_EQ(ask(good), 500);
  w.crash_and_restart();
  w.server().store.set_gone(true);
  EXPECT_EQ(ask(good), 503);
  w.server().plane.router().change_limits(
      {.resources_per_owner_max = 1000, .requests_per_second = 0.001, .request_burst = 0});
  EXPECT_EQ(ask(good), 429);
}

TEST(media_operations, no_undeclared_status_comes_whatever_is_asked) {
  const std::array<http::Headers, 5> envelopes{
      http::Headers{{"accept", "text/html"}}, http::Headers{{"content-type", "text/plain"}},
      http::Headers{{"if-match", "nonsense"}},
      http::Headers{{"idempotency-key", std::string(500, 'x')}},
      http::Headers{{"accept", ";;,"}, {"content-type", ";"}, {"if-match", ""}}};
  const std::array<std::string, 5> bodies{"", "{}", "[]", "null", "\xff\xfe"};
  for (const auto& operation : media_operations()) {
    SCOPED_TRACE(std::string(operation.id));
    Provoker p(operation);
    for (const auto& envelope : envelopes)
      for (const auto& body : bodies) p.ask({.headers = envelope, .body = body});
  }
}

}  // namespace
}  // namespace lobo::app::testing
