#include "web_origins.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "runtime/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::app {
namespace {

class Inner final : public runtime::HttpHandler {
 public:
  void handle(http::Request request, ReplyFn reply) override {
    seen = std::move(request);
    reply({200, {{"etag", "\"1\""}}, "{}"});
  }
  std::optional<http::Request> seen;
};

class web_origins : public ::testing::Test {
 protected:
  http::Response ask(std::string method, std::string target, std::string origin,
                     http::Headers headers = {}) {
    http::Request request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers = std::move(headers);
    if (!origin.empty()) request.headers.add("origin", origin);
    inner.seen.reset();
    std::optional<http::Response> got;
    handler.handle(std::move(request), [&](http::Response told) { got = std::move(told); });
    return got.value_or(http::Response{});
  }
  static std::string allowed(const http::Response& answer) {
    return std::string(answer.headers.find("access-control-allow-origin").value_or(""));
  }
  Inner inner;
  WebOrigins handler{{"https://page.example"}, {"/x-e5/v1/", "/3gpp-m5/v2/"}, inner};
};

TEST_F(web_origins, a_page_that_is_listed_may_read_answers_of_client_apis) {
  const auto answer = ask("GET", "/x-e5/v1/subscriptions/1/events", "https://page.example");
  EXPECT_EQ(allowed(answer), "https://page.example");
  EXPECT_EQ(answer.headers.find("vary"), "origin");
  EXPECT_EQ(answer.body, "{}");
}

TEST_F(web_origins, other_pages_and_other_apis_get_what_they_would_have_got) {
  EXPECT_EQ(allowed(ask("GET", "/x-e5/v1/subscriptions/1", "https://other.example")), "");
  EXPECT_EQ(allowed(ask("GET", "/3gpp-m1/v2/provisioning-sessions", "https://page.example")), "");
  EXPECT_EQ(allowed(ask("GET", "/x-e5/v1/subscriptions/1", "")), "");
}

TEST_F(web_origins, a_preflight_is_answered_without_a_token_and_goes_no_further) {
  const http::Headers preflight{{"access-control-request-method", "POST"}};
  const auto answer = ask("OPTIONS", "/x-e5/v1/subscriptions", "https://page.example", preflight);
  EXPECT_EQ(answer.status, 204);
  EXPECT_FALSE(inner.seen);
  ask("OPTIONS", "/x-e5/v1/subscriptions", "https://other.example", preflight);
  EXPECT_TRUE(inner.seen) << "nothing of ours";
}

TEST_F(web_origins, any_origin_is_one_word) {
  WebOrigins any({"*"}, {"/x-e5/v1/"}, inner);
  std::string told;
  http::Request request;
  request.target = "/x-e5/v1/subscriptions";
  request.headers.add("origin", "null");
  any.handle(std::move(request), [&](const http::Response& answer) { told = allowed(answer); });
  EXPECT_EQ(told, "*");
}

}  // namespace
}  // namespace lobo::app
