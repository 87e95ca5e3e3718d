// runtime::HttpClient and HttpHandler: one suite, run over real sockets (HTTP/1.1 and h2c) and over
// the virtual network.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "runtime/ports.hpp"
#include "sim/loop.hpp"
#include "sim/network.hpp"
#include "wire/http/message.hpp"

namespace lobo::runtime {
namespace {

using namespace std::chrono_literals;

class Handler final : public HttpHandler {
 public:
  std::vector<http::Request> seen;
  std::function<void(const http::Request&, const ReplyFn&)> answer;
  void handle(http::Request request, ReplyFn reply) override {
    seen.push_back(request);
    answer(request, reply);
  }
};

template <adapters::Http2Use use>
struct Real {
  explicit Real(HttpHandler& handler) : server(loop, {}, handler) {
    adapters::ClientConfig config;
    config.http2 = use;
    client = std::make_unique<adapters::HttpClient>(loop, config);
    if (!server.listen()) std::abort();
    authority = "127.0.0.1:" + std::to_string(server.port());
  }
  Scheduler& scheduler() { return loop; }
  HttpClient& http() { return *client; }
  /// Port 1 is nobody's on loopback.
  std::string nobody() const { return "127.0.0.1:1"; }
  void run_until(const std::function<bool()>& done) {
    std::function<void()> look = [&] {
      if (done()) return loop.stop();
      loop.after(1ms, look);
    };
    loop.post(look);
    const auto patience = loop.after(10s, [this] { loop.stop(); });
    loop.run();
    loop.cancel(patience);
  }
  adapters::EventLoop loop;
  adapters::HttpServer server;
  std::unique_ptr<adapters::HttpClient> client;
  std::string authority;
};
using Http1 = Real<adapters::Http2Use::never>;
using Http2 = Real<adapters::Http2Use::always>;

struct Virtual {
  explicit Virtual(HttpHandler& handler) { network.attach(authority, &handler); }
  Scheduler& scheduler() { return loop; }
  HttpClient& http() { return *client; }
  std::string nobody() const { return "nobody"; }
  void run_until(const std::function<bool()>& done) { loop.run_until(done, 10s); }
  SeededRng rng{1};
  sim::SimLoop loop;
  sim::SimNetwork network{loop, rng};
  std::string authority = "server";
  std::unique_ptr<HttpClient> client = network.client("client");
};

template <class World>
class HttpClientSuite : public testing::Test {
 public:
  using Answer = std::optional<Result<http::Response>>;
  std::shared_ptr<Answer> send(std::string target, std::string body = {},
                               std::chrono::milliseconds deadline = 5s,
                               std::string authority = {}) {
    auto answer = std::make_shared<Answer>();
    http::Request request{.method = "POST",
                          .scheme = "http",
                          .authority = authority.empty() ? world.authority : std::move(authority),
                          .target = std::move(target),
                          .headers = {{"content-type", "text/plain"}},
                          .body = std::move(body)};
    world.http().send(std::move(request), deadline,
                      [this, answer](Result<http::Response> response) {
                        ++answered;
                        *answer = std::move(response);
                      });
    return answer;
  }
  Result<http::Response> wait(const std::shared_ptr<Answer>& answer) {
    world.run_until([&] { return answer->has_value(); });
    return answer->value_or(fail(Errc::internal, "never answered"));
  }
  Handler handler;
  World world{handler};
  int answered = 0;
};
using Worlds = testing::Types<Http1, Http2, Virtual>;
TYPED_TEST_SUITE(HttpClientSuite, Worlds);

TYPED_TEST(HttpClientSuite, a_request_arrives_as_it_was_sent_and_the_answer_comes_back) {
  this->handler.answer = [](const http::Request& request, const auto& reply) {
    reply(http::Response{201, {{"location", "/made"}}, "got " + request.body});
  };
  const auto answer = this->send("/a/b?c=d", "hello");
  EXPECT_FALSE(answer->has_value());  // Never inside the call.
  const auto response = this->wait(answer);
  ASSERT_TRUE(response) << response.error().detail;
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->headers.find("location"), "/made");
  EXPECT_EQ(response->body, "got hello");
  ASSERT_EQ(this->handler.seen.size(), 1U);
  const auto& seen = this->handler.seen.front();
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/a/b?c=d");
  EXPECT_EQ(seen.headers.find("content-type"), "text/plain");
  EXPECT_EQ(seen.authority, this->world.authority);
}

TYPED_TEST(HttpClientSuite, where_nobody_listens_the_answer_is_unavailable) {
  const auto response = this->wait(this->send("/", {}, 5s, this->world.nobody()));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::unavailable);
}

TYPED_TEST(HttpClientSuite, who_is_never_answered_is_told_at_the_deadline_once) {
  std::vector<HttpHandler::ReplyFn> kept;
  this->handler.answer = [&](const http::Request&, const auto& reply) { kept.push_back(reply); };
  const auto response = this->wait(this->send("/", {}, 100ms));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::timeout);
  for (const auto& reply : kept) reply(http::Response{200, {}, {}});  // Too late: goes nowhere.
  bool later = false;
  this->world.scheduler().after(50ms, [&] { later = true; });
  this->world.run_until([&] { return later; });
  EXPECT_EQ(this->answered, 1);
}

TYPED_TEST(HttpClientSuite, an_answer_may_come_later) {
  this->handler.answer = [this](const http::Request&, const auto& reply) {
    this->world.scheduler().after(20ms, [reply] { reply(http::Response{204, {}, {}}); });
  };
  EXPECT_EQ(this->wait(this->send("/"))->status, 204);
}

TYPED_TEST(HttpClientSuite, an_answer_that_does_not_arrive_whole_is_no_answer) {
  for (const auto delivery : {http::Delivery::none, http::Delivery::cut_short}) {
    this->handler.answer = [&](const http::Request&, const auto& reply) {
      reply(http::Response{200, {}, std::string(1000, 'x'), delivery});
    };
    const auto response = this->wait(this->send("/"));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Errc::unavailable);
  }
}

TYPED_TEST(HttpClientSuite, a_redirect_is_an_answer_like_any_other) {
  this->handler.answer = [](const http::Request&, const auto& reply) {
    reply(http::Response{307, {{"location", "/elsewhere"}}, {}});
  };
  EXPECT_EQ(this->wait(this->send("/"))->status, 307);
  EXPECT_EQ(this->handler.seen.size(), 1U);
}

TYPED_TEST(HttpClientSuite, many_at_once_get_each_their_own_answer) {
  this->handler.answer = [](const http::Request& request, const auto& reply) {
    reply(http::Response{200, {}, request.target});
  };
  std::map<std::string, std::shared_ptr<typename HttpClientSuite<TypeParam>::Answer>> answers;
  for (int i = 0; i < 200; ++i) {
    const auto target = "/" + std::to_string(i);
    answers.emplace(target, this->send(target));
  }
  this->world.run_until([&] { return this->answered == 200; });
  for (const auto& [target, answer] : answers) {
    ASSERT_TRUE(answer->has_value() && answer->value());
    EXPECT_EQ((*answer)->value().body, target);
  }
}

}  // namespace
}  // namespace lobo::runtime
