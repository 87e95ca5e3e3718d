#include "services/seal_nrm/routes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "support/nrm_driver.hpp"
#include "wire/http/message.hpp"
#include "wire/json/value.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"
#include "wire/resource/route.hpp"

namespace lobo::seal_nrm {
namespace {

using lobo::testing::plain_create;
using resource::Decision;
using resource::Dispatch;

/// The routes over the records of a driver.
struct Routed : lobo::testing::NrmDriver {
  std::vector<resource::Route> all = routes(settings);

  Result<Decision> ask(std::string_view operation, const resource::PathParams& params = {},
                       const std::string& query = "", const std::string& who = "app") {
    const auto route = std::ranges::find_if(
        all, [&](const resource::Route& one) { return one.operation.id == operation; });
    EXPECT_NE(route, all.end());
    http::Request request;
    request.target = std::string(route->operation.path) + query;
    const resource::Principal principal{who, {}};
    return route->handle({.request = request,
                          .params = params,
                          .who = principal,
                          .lookup = lookup,
                          .now = now,
                          .fresh_id = "fresh"});
  }
  json::Value body_of(const Result<Decision>& decision) {
    return *json::parse(std::get<http::Response>(*decision).body);
  }
};

TEST(routes, are_protected_each_in_its_way) {
  Routed d;
  EXPECT_EQ(d.all.size(), 27U);
  for (const auto& route : d.all) {
    const bool callback = route.operation.path.starts_with("/nrm-callbacks/");
    EXPECT_EQ(route.operation.protection,
              callback ? resource::Protection::secret : resource::Protection::token)
        << route.operation.id;
    EXPECT_EQ(route.operation.scope, callback ? "" : "ss-nra") << route.operation.id;
  }
}

TEST(routes, create_what_the_router_named) {
  Routed d;
  const auto decision = d.ask("CreateUnicastSubscription");
  const auto& dispatch = std::get<Dispatch>(*decision);
  EXPECT_EQ(dispatch.to, (resource::Key{"unicast", "fresh"}));
  EXPECT_TRUE(dispatch.creates);
}

TEST(routes, show_a_subscription_to_its_owner_only) {
  Routed d;
  d.create(plain_create);
  d.deliver();
  const auto shown = d.ask("GetUnicastSubscription", {{"uniSubId", "u1"}});
  ASSERT_TRUE(shown);
  const auto& response = std::get<http::Response>(*shown);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.find("etag"), "\"3\"");
  EXPECT_EQ(*d.body_of(shown).find("uniQosState")->find("controlPlane")->text(), "confirmed");
  // Neither GPSI nor address nor secret is anybody's business.
  for (const char* hidden : {"49170", "10.45", "secret"})
    EXPECT_EQ(response.body.find(hidden), std::string::npos) << hidden;
  for (const char* operation :
       {"GetUnicastSubscription", "ModifyUnicastSubscription", "DeleteUnicastSubscription"}) {
    const auto stranger = d.ask(operation, {{"uniSubId", "u1"}}, "", "app2");
    ASSERT_FALSE(stranger) << operation;
    EXPECT_EQ(stranger.error(), d.ask(operation, {{"uniSubId", "none"}}).error()) << operation;
  }
}

TEST(routes, list_the_callers_own_in_pages) {
  Routed d;
  for (int i = 0; i < 5; ++i) d.create(plain_create, i == 2 ? "app2" : "app");
  d.deliver();
  auto page = d.body_of(d.ask("ListUnicastSubscriptions", {}, "?limit=3"));
  EXPECT_EQ(page.find("items")->array()->size(), 3U);
  const auto next = *page.find("next")->text();
  EXPECT_EQ(next, "u4");
  page = d.body_of(d.ask("ListUnicastSubscriptions", {}, "?limit=3&cursor=" + next));
  EXPECT_EQ(page.find("items")->array()->size(), 1U);
  EXPECT_EQ(page.find("next"), nullptr);
  EXPECT_EQ(
      d.body_of(d.ask("ListUnicastSubscriptions", {}, "", "app3")).find("items")->array()->size(),
      0U);
}

TEST(routes, lesson_05_refuse_a_query_that_cannot_be_read) {
  Routed d;
  for (const std::string query : {"?limit=0", "?limit=1001", "?limit=x", "?limit=", "?limit=%zz",
                                  "?limit=1&limit=2", "?limit=-1"})
    EXPECT_FALSE(d.ask("ListUnicastSubscriptions", {}, query)) << query;
}

TEST(routes, lead_a_callback_to_its_resource_or_nowhere) {
  Routed d;
  d.create(plain_create);
  d.deliver();
  const auto known = d.ask("ReceiveUserPlaneNotification", {{"id", "u1"}, {"secret", "x"}});
  EXPECT_EQ(std::get<Dispatch>(*known).to, (resource::Key{"unicast", "u1"}));
  const auto watch =
      d.ask("ReceiveMonitoringNotification", {{"id", "msisdn-491700000001"}, {"secret", "x"}});
  EXPECT_EQ(std::get<Dispatch>(*watch).to, (resource::Key{"ue_watch", "msisdn-491700000001"}));
  EXPECT_FALSE(d.ask("ReceiveUserPlaneNotification", {{"id", "u2"}, {"secret", "x"}}));
}

}  // namespace
}  // namespace lobo::seal_nrm
