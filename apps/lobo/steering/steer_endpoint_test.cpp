#include "steering/steer_endpoint.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/rng.hpp"
#include "energy/steering/plan_file.hpp"
#include "energy/steering/plan_table.hpp"
#include "steering/steer_config.hpp"
#include "steering/token_keys.hpp"
#include "wire/http/message.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using energy::steering::PlanTable;

std::shared_ptr<const PlanTable> plan(std::string_view shares) {
  auto read = energy::steering::read_plan(
      R"({"version":1,"validUntil":"2100-01-01T00:00:00Z","ttl":30,"locations":[{"id":"SL1"},{"id":"SL2"}],)"
      R"("groups":[{"id":"all","shares":)" +
      std::string(shares) + "}]}");
  EXPECT_TRUE(read);
  return std::make_shared<const PlanTable>(std::move(*read));
}

class SteerEndpointTest : public ::testing::Test {
 protected:
  http::Response get(std::string target, std::string method = "GET") {
    http::Request request;
    request.method = std::move(method);
    if (target.starts_with(origin)) target.erase(0, origin.size());
    request.scheme = "http";
    request.authority = "steer.example:7777";
    request.target = std::move(target);
    std::optional<http::Response> got;
    endpoint_.handle(std::move(request), [&](http::Response told) { got = std::move(told); });
    EXPECT_TRUE(got);
    return got.value_or(http::Response{});
  }
  static constexpr std::string_view origin = "http://steer.example:7777";
  static json::Value body(const http::Response& response) {
    auto value = json::parse(response.body);
    EXPECT_TRUE(value);
    return value ? *value : json::Value{};
  }
  static std::string first(const http::Response& response) {
    return *body(response).find("PATHWAY-PRIORITY")->array()->front().text();
  }
  static std::string reload(const http::Response& response) {
    return *body(response).find("RELOAD-URI")->text();
  }

  ManualClock clock_;
  SeededRng rng_{7};
  SteerConfig config_{.plan = "", .keys = "", .path = "/steer", .requests_per_second = 100};
  SteerEndpoint endpoint_{config_, clock_, rng_, plan(R"({"SL1":1})"), TokenKeys::random(rng_)};
};

using steer_endpoint = SteerEndpointTest;

TEST_F(steer_endpoint, the_first_request_succeeds_whatever_it_asks) {
  for (const auto* target : {"/steer", "/steer/dash", "/steer/hls", "/steer/any/path",
                             "/steer/dash?t=nonsense", "/steer/dash?%%%&&=&t=%00"}) {
    const auto got = get(target);
    EXPECT_EQ(got.status, 200) << target;
    EXPECT_EQ(first(got), "SL1") << target;
  }
}

TEST_F(steer_endpoint, players_of_any_origin_may_read_it_and_caches_do_not_keep_it) {
  const auto got = get("/steer/dash");
  EXPECT_EQ(got.headers.find("access-control-allow-origin"), "*");
  EXPECT_NE(got.headers.find("access-control-expose-headers")->find("Retry-After"),
            std::string_view::npos);
  EXPECT_EQ(got.headers.find("content-type"), "application/json");
  EXPECT_EQ(got.headers.find("cache-control"), "no-store");
  const auto preflight = get("/steer/dash", "OPTIONS");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.headers.find("access-control-allow-origin"), "*");
}

TEST_F(steer_endpoint, the_reload_uri_leads_back_to_the_same_kind_and_session) {
  const auto once = get("/steer/hls?p=SL1");
  const auto uri = reload(once);
  EXPECT_TRUE(uri.starts_with("http://steer.example:7777/steer/hls?t=2.own.all.")) << uri;
  EXPECT_TRUE(uri.ends_with("&p=SL1")) << uri;
  get(uri + "&_HLS_pathway=SL1&_HLS_throughput=5000");
  EXPECT_EQ(endpoint_.counters().sessions, 1U);
  EXPECT_EQ(endpoint_.counters().foreign, 0U);
}

TEST_F(steer_endpoint, the_reload_uri_is_absolute_with_the_scheme_that_a_proxy_tells) {
  http::Request request;
  request.method = "GET";
  request.scheme = "http";
  request.authority = "steer.example";
  request.target = "/steer/dash";
  request.headers.add("x-forwarded-proto", "https");
  std::string uri;
  endpoint_.handle(std::move(request), [&](const http::Response& told) { uri = reload(told); });
  EXPECT_TRUE(uri.starts_with("https://steer.example/steer/dash?t=")) << uri;
}

TEST_F(steer_endpoint, load_is_shed_by_longer_ttls_and_never_by_a_refusal) {
  std::int64_t longest = 0;
  for (int second = 0; second < 3; ++second) {
    for (int i = 0; i < 500; ++i) {
      const auto got = get("/steer/dash");
      ASSERT_EQ(got.status, 200);
      longest = std::max(longest, *body(got).find("TTL")->integer());
    }
    clock_.advance(1s);
  }
  EXPECT_GT(longest, 100);  // five times as many as it is meant for
  EXPECT_LE(longest, 300);
  EXPECT_GT(endpoint_.counters().stretched, 0U);
}

TEST_F(steer_endpoint, a_changed_plan_holds_for_the_next_request_of_a_session) {
  const auto before = get("/steer/dash");
  endpoint_.change(plan(R"({"SL2":1})"), TokenKeys::random(rng_));
  const auto after = get(reload(before));  // signed by a key that is gone: a new session, no error
  EXPECT_EQ(after.status, 200);
  EXPECT_EQ(first(after), "SL2");
}

TEST_F(steer_endpoint, what_is_not_below_its_path_is_not_there) {
  EXPECT_EQ(get("/steering").status, 404);
  EXPECT_EQ(get("/").status, 404);
  EXPECT_EQ(get("/steer", "POST").status, 405);
}

TEST(token_keys, the_first_signs_and_all_are_believed) {
  const std::string a(64, 'a');
  const std::string b(64, 'b');
  const auto both = TokenKeys::parse("# keys\nnew " + a + "\n old  " + b + "\n\n");
  ASSERT_TRUE(both);
  EXPECT_EQ((*both)->signing_key(), "new");
  const auto old = TokenKeys::parse("old " + b);
  ASSERT_TRUE(old);
  EXPECT_EQ((*both)->tag("old", "text"), (*old)->tag("old", "text"));
  EXPECT_NE((*both)->tag("old", "text"), (*both)->tag("new", "text"));
  EXPECT_FALSE((*both)->tag("other", "text"));
}

TEST(token_keys, a_file_that_is_wrong_is_told_line_by_line) {
  const std::string a(64, 'a');
  const auto wrong =
      TokenKeys::parse("k1 " + a + "\nk1 " + a + "\nk2 abc\nbad.name " + a + "\nk3\n");
  ASSERT_FALSE(wrong);
  ASSERT_EQ(wrong.error().faults.size(), 4U);
  EXPECT_EQ(wrong.error().faults[0].where, "line 2");
  EXPECT_EQ(wrong.error().faults[3].where, "line 5");
  EXPECT_FALSE(TokenKeys::parse("# nothing"));
}

}  // namespace
}  // namespace lobo::app
