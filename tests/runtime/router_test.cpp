#include "runtime/router.hpp"

#include <optional>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "runtime/effect_runner.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/route.hpp"
#include "world.hpp"

namespace lobo::runtime {
namespace {

using namespace std::chrono_literals;

using resource::Decision;
using resource::Dispatch;
using resource::Operation;
using resource::Protection;
using resource::RouteContext;

class RouterTest : public World {
 public:
  RouterTest() {
    const auto to_promise = [](const RouteContext& context) -> Result<Decision> {
      return Dispatch{{"promise", context.params.at("id")}, false};
    };
    server->router.add(
        {{Operation{.id = "create",
                    .method = "POST",
                    .path = "/toy/v1/promises",
                    .scope = "toy",
                    .content_type = "application/json",
                    .body_bytes_max = 100},
          [](const RouteContext& context) -> Result<Decision> {
            return Dispatch{{"promise", std::string(context.fresh_id)}, true};
          }},
         {Operation{.id = "read",
                    .method = "GET",
                    .path = "/toy/v1/promises/{id}",
                    .scope = "toy",
                    .content_type = ""},
          [](const RouteContext& context) -> Result<Decision> {
            return http::Response{200, {}, context.params.at("id")};
          }},
         {Operation{.id = "drop",
                    .method = "DELETE",
                    .path = "/toy/v1/promises/{id}",
                    .scope = "toy",
                    .content_type = ""},
          to_promise},
         {Operation{.id = "other",
                    .method = "GET",
                    .path = "/toy/v1/other",
                    .scope = "unheld",
                    .content_type = ""},
          to_promise},
         {Operation{.id = "admin",
                    .method = "GET",
                    .path = "/admin",
                    .scope = "",
                    .content_type = "",
                    .protection = Protection::loopback},
          [](const RouteContext&) -> Result<Decision> { return http::Response{200, {}, {}}; }}});
  }
  http::Response ask(std::string method, std::string target, http::Headers more = {},
                     std::string body = {}) {
    http::Request request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers = std::move(more);
    if (!request.headers.find("x-lobo-client")) request.headers.add("x-lobo-client", "app");
    request.body = std::move(body);
    std::optional<http::Response> answer;
    server->router.handle(std::move(request),
                          [&](http::Response response) { answer = std::move(response); });
    loop.run_until([&] { return answer.has_value(); }, 30s);
    return answer.value_or(http::Response{});
  }
  http::Response create(http::Headers more = {}, std::string body = "{}") {
    more.add("content-type", "application/json");
    return ask("POST", "/toy/v1/promises", std::move(more), std::move(body));
  }
};

TEST_F(RouterTest, each_refusal_has_its_status) {
  EXPECT_EQ(ask("GET", "/nowhere").status, 404);
  EXPECT_EQ(ask("GET", "").status, 404);
  EXPECT_EQ(ask("GET", "/toy/v1/promises/").status, 404);
  EXPECT_EQ(ask("GET", "/toy/v1/promises/%zz").status, 404);
  const auto wrong_method = ask("PUT", "/toy/v1/promises/1");
  EXPECT_EQ(wrong_method.status, 405);
  EXPECT_EQ(wrong_method.headers.find("allow"), "GET, DELETE");
  EXPECT_EQ(ask("POST", "/toy/v1/promises", {{"content-type", "text/plain"}}, "{}").status, 415);
  EXPECT_EQ(ask("POST", "/toy/v1/promises", {}, "{}").status, 415);
  EXPECT_EQ(create({}, std::string(101, ' ')).status, 413);
  EXPECT_EQ(ask("GET", "/toy/v1/promises/1", {{"accept", "text/html"}}).status, 406);
  EXPECT_EQ(ask("GET", "/toy/v1/other").status, 403);
  EXPECT_EQ(ask("GET", "/admin").status, 403);
  http::Request nobody;
  nobody.method = "GET";
  nobody.target = "/toy/v1/promises/1";
  int status = 0;
  server->router.handle(nobody, [&](http::Response response) { status = response.status; });
  EXPECT_EQ(status, 401);
}

TEST_F(RouterTest, a_path_parameter_is_decoded) {
  EXPECT_EQ(ask("GET", "/toy/v1/promises/a%2Fb?x=1").body, "a/b");
}

TEST_F(RouterTest, a_create_is_answered_when_the_network_has_answered) {
  EXPECT_EQ(create().status, 201);
  EXPECT_EQ(nef.seen.size(), 1U);
}

TEST_F(RouterTest, an_idempotency_key_makes_one_resource_even_across_a_crash) {
  EXPECT_EQ(create({{"idempotency-key", "k1"}}).status, 201);
  EXPECT_EQ(create({{"idempotency-key", "k1"}}).status, 201);
  EXPECT_EQ(server->store.state().records.size(), 1U);
  EXPECT_EQ(create({{"idempotency-key", "k1"}}, "{\"other\":1}").status, 409);
  EXPECT_EQ(create({{"idempotency-key", "k1"}, {"x-lobo-client", "somebody"}}).status, 201);
  EXPECT_EQ(server->store.state().records.size(), 2U);
  EXPECT_EQ(create({{"idempotency-key", ""}}).status, 400);
  EXPECT_EQ(create({{"idempotency-key", std::string(129, 'k')}}).status, 400);
}

TEST_F(RouterTest, the_key_of_a_resource_that_is_gone_makes_a_new_one) {
  EXPECT_EQ(create({{"idempotency-key", "k1"}}).status, 201);
  const auto id = server->store.state().records.begin()->first.id;
  EXPECT_EQ(ask("DELETE", "/toy/v1/promises/" + id).status, 204);
  EXPECT_EQ(create({{"idempotency-key", "k1"}}).status, 201);
  EXPECT_EQ(nef.seen.size(), 2U);
}

TEST_F(RouterTest, keys_are_forgotten_after_a_day) {
  EXPECT_EQ(create({{"idempotency-key", "k1"}}).status, 201);
  EXPECT_EQ(server->store.state().idempotency.size(), 1U);
  loop.run_for(idempotency_kept + tidy_every);
  EXPECT_TRUE(server->store.state().idempotency.empty());
  EXPECT_EQ(create({{"idempotency-key", "k1"}}).status, 201);
  EXPECT_EQ(server->store.state().records.size(), 2U);
}

TEST_F(RouterTest, a_client_that_asks_too_fast_is_told_when_to_come_back) {
  server->router.change_limits({.requests_per_second = 1, .request_burst = 2});
  EXPECT_EQ(ask("GET", "/toy/v1/promises/1").status, 200);
  EXPECT_EQ(ask("GET", "/toy/v1/promises/1").status, 200);
  const auto refused = ask("GET", "/toy/v1/promises/1");
  EXPECT_EQ(refused.status, 429);
  EXPECT_TRUE(refused.headers.find("retry-after"));
  EXPECT_EQ(ask("GET", "/toy/v1/promises/1", {{"x-lobo-client", "another"}}).status, 200);
  loop.run_for(1s);
  EXPECT_EQ(ask("GET", "/toy/v1/promises/1").status, 200);
}

TEST_F(RouterTest, a_quota_of_resources_refuses_creates_but_never_a_release) {
  server->router.change_limits({.resources_per_owner_max = 1});
  EXPECT_EQ(create().status, 201);
  EXPECT_EQ(create().status, 429);
  const auto id = server->store.state().records.begin()->first.id;
  EXPECT_EQ(ask("DELETE", "/toy/v1/promises/" + id).status, 204);
  EXPECT_EQ(create().status, 201);
}

TEST_F(RouterTest, nobody_is_left_hanging) {
  nef.answer = [](const http::Request&) { return std::nullopt; };
  server->store.set_latency(60s);
  EXPECT_EQ(create().status, 504);
}

}  // namespace
}  // namespace lobo::runtime
