// The server and the client with each other, on loopback, in one loop.

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::adapters {
namespace {

using namespace std::chrono_literals;

/// Answers what `answer` says, at once or when it likes.
struct Handler final : runtime::HttpHandler {
  std::function<void(http::Request, ReplyFn)> answer;
  std::vector<http::Request> seen;
  void handle(http::Request request, ReplyFn reply) override {
    seen.push_back(request);
    if (answer) return answer(std::move(request), std::move(reply));
    reply({200, {{"content-type", "text/plain"}}, request.method + " " + request.body});
  }
};

class server_and_client : public testing::Test {
 protected:
  void serve(ServerConfig config = {}) {
    server.emplace(loop, std::move(config), handler);
    const auto listening = server->listen();
    ASSERT_TRUE(listening) << listening.error().detail;
  }
  void connect(Http2Use use, ClientConfig config = {}) {
    config.http2 = use;
    client.emplace(loop, std::move(config));
  }
  http::Request request(std::string method, std::string target, std::string body = {}) {
    return {.method = std::move(method),
            .scheme = "http",
            .authority = "127.0.0.1:" + std::to_string(server->port()),
            .target = std::move(target),
            .headers = {},
            .body = std::move(body),
            .peer = {}};
  }
  /// Runs the loop until `count` answers are there.
  std::vector<Result<http::Response>> ask(std::vector<http::Request> requests,
                                          std::chrono::milliseconds deadline = 10s) {
    std::vector<Result<http::Response>> out(requests.size());
    std::size_t missing = requests.size();
    for (std::size_t i = 0; i < requests.size(); ++i)
      client->send(std::move(requests[i]), deadline, [&, i](Result<http::Response> result) {
        out[i] = std::move(result);
        if (--missing == 0) loop.stop();
      });
    loop.run();
    return out;
  }
  Result<http::Response> ask_one(http::Request one, std::chrono::milliseconds deadline = 10s) {
    std::vector<http::Request> requests;
    requests.push_back(std::move(one));
    return ask(std::move(requests), deadline).front();
  }

  EventLoop loop;
  Handler handler;
  std::optional<HttpServer> server;
  std::optional<HttpClient> client;
};

class either_version : public server_and_client, public testing::WithParamInterface<Http2Use> {};

TEST_P(either_version, carries_a_request_and_its_answer) {
  serve();
  connect(GetParam());
  auto post = request("POST", "/a/b?c=d", "hello");
  post.headers.add("content-type", "text/plain");
  const auto answer = ask_one(std::move(post));
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "POST hello");
  EXPECT_EQ(answer->headers.find("content-type"), "text/plain");
  EXPECT_TRUE(answer->headers.find("date").has_value());
  ASSERT_EQ(handler.seen.size(), 1U);
  const auto& seen = handler.seen.front();
  EXPECT_EQ(seen.scheme, "http");
  EXPECT_EQ(seen.authority, "127.0.0.1:" + std::to_string(server->port()));
  EXPECT_EQ(seen.target, "/a/b?c=d");
  EXPECT_EQ(seen.headers.find("content-type"), "text/plain");
  EXPECT_EQ(seen.peer.address, "127.0.0.1");
  EXPECT_TRUE(seen.peer.loopback);
  EXPECT_FALSE(seen.peer.certificate_subject.has_value());
}

TEST_P(either_version, keeps_its_connection_for_the_next_request) {
  serve();
  connect(GetParam());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(ask_one(request("GET", "/")));
  EXPECT_EQ(client->counters().connections_opened, 1U);
  EXPECT_EQ(server->counters().connections_accepted, 1U);
}

TEST_P(either_version, carries_a_large_body_both_ways) {
  serve();
  connect(GetParam());
  handler.answer = [](http::Request asked, runtime::HttpHandler::ReplyFn reply) {
    reply({200, {}, std::move(asked.body)});
  };
  std::string body(1000000, 'x');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 23);
  const auto answer = ask_one(request("PUT", "/", body));
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->body, body);
}

TEST_P(either_version, answers_later_from_the_loop) {
  serve();
  connect(GetParam());
  handler.answer = [this](http::Request, runtime::HttpHandler::ReplyFn reply) {
    loop.after(1ms, [reply] { reply({204, {}, {}}); });
  };
  const auto answer = ask_one(request("DELETE", "/x"));
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->status, 204);
  EXPECT_EQ(answer->body, "");
}

TEST_P(either_version, many_requests_at_once_each_get_their_own_answer) {
  serve();
  connect(GetParam());
  std::vector<http::Request> requests;
  for (int i = 0; i < 300; ++i) requests.push_back(request("POST", "/", std::to_string(i)));
  const auto answers = ask(std::move(requests));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    ASSERT_TRUE(answers[i]) << answers[i].error().detail;
    EXPECT_EQ(answers[i]->body, "POST " + std::to_string(i));
  }
}

TEST_P(either_version, a_deadline_ends_the_wait_and_the_late_reply_does_nothing) {
  serve();
  connect(GetParam());
  std::vector<runtime::HttpHandler::ReplyFn> kept;
  handler.answer = [&](http::Request, runtime::HttpHandler::ReplyFn reply) {
    kept.push_back(std::move(reply));
  };
  const auto answer = ask_one(request("GET", "/"), 20ms);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::timeout);
  handler.answer = nullptr;
  ASSERT_TRUE(ask_one(request("GET", "/")));  // by now the server knows that the first is gone
  ASSERT_EQ(kept.size(), 1U);
  kept.front()({200, {}, "late"});
  kept.front()({200, {}, "later"});
  const auto next = ask_one(request("GET", "/", ""));
  ASSERT_TRUE(next);
  EXPECT_EQ(next->body, "GET ");
}

TEST_P(either_version, a_body_beyond_the_limit_is_answered_413_and_the_server_serves_on) {
  ServerConfig config;
  config.limits.body_bytes_max = 1000;
  serve(config);
  connect(GetParam());
  const auto answer = ask_one(request("POST", "/", std::string(1001, 'x')));
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->status, 413);
  EXPECT_TRUE(handler.seen.empty());
  const auto exact = ask_one(request("POST", "/", std::string(1000, 'x')));
  ASSERT_TRUE(exact);
  EXPECT_EQ(exact->status, 200);
}

TEST_P(either_version, an_answer_beyond_the_limit_is_too_large) {
  serve();
  ClientConfig config;
  config.limits.body_bytes_max = 1000;
  connect(GetParam(), config);
  handler.answer = [](http::Request, runtime::HttpHandler::ReplyFn reply) {
    reply({200, {}, std::string(1001, 'x')});
  };
  const auto answer = ask_one(request("GET", "/"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::too_large);
}

TEST_P(either_version, a_head_answer_tells_the_length_and_carries_no_body) {
  serve();
  connect(GetParam());
  const auto head = ask_one(request("HEAD", "/"));
  ASSERT_TRUE(head) << head.error().detail;
  EXPECT_EQ(head->headers.find("content-length"), "5");
  EXPECT_EQ(head->body, "");
  ASSERT_TRUE(ask_one(request("GET", "/")));
  EXPECT_EQ(client->counters().connections_opened, 1U);
}

TEST_P(either_version, a_drain_lets_the_request_under_way_end_and_then_reports) {
  serve();
  connect(GetParam());
  std::vector<std::string> order;
  handler.answer = [&](http::Request, runtime::HttpHandler::ReplyFn reply) {
    server->drain(10s, [&] {
      order.emplace_back("drained");
      loop.stop();
    });
    loop.after(2ms, [reply] { reply({200, {}, "last"}); });
  };
  client->send(request("GET", "/"), 10s, [&](Result<http::Response> answer) {
    order.emplace_back(answer ? answer->body : answer.error().detail);
  });
  loop.run();
  EXPECT_EQ(order, (std::vector<std::string>{"last", "drained"}));
  const auto refused = ask_one(request("GET", "/"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
}

TEST_P(either_version, a_drain_ends_at_its_deadline_whatever_is_under_way) {
  serve();
  connect(GetParam());
  runtime::HttpHandler::ReplyFn kept;
  handler.answer = [&](http::Request, runtime::HttpHandler::ReplyFn reply) {
    kept = std::move(reply);
    server->drain(5ms, [] {});
  };
  const auto answer = ask_one(request("POST", "/"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable);
  kept({200, {}, "nobody is there"});
}

TEST_P(either_version, a_request_that_cannot_be_written_is_refused_without_a_connection) {
  serve();
  connect(GetParam());
  auto split = request("GET", "/");
  split.headers.add("x", "a\r\nhost: other");
  EXPECT_EQ(ask_one(split).error().code, Errc::malformed);
  EXPECT_EQ(ask_one(request("GET", "/a b")).error().code, Errc::malformed);
  EXPECT_EQ(ask_one(request("GE T", "/")).error().code, Errc::malformed);
  EXPECT_EQ(client->counters().connections_opened, 0U);
}

TEST_P(either_version, a_field_that_would_split_the_answer_is_left_out) {
  serve();
  connect(GetParam());
  handler.answer = [](http::Request, runtime::HttpHandler::ReplyFn reply) {
    reply({200, {{"x-bad", "a\r\nset-cookie: b"}, {"x-good", "c"}, {"connection", "close"}}, "ok"});
  };
  const auto answer = ask_one(request("GET", "/"));
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_FALSE(answer->headers.find("x-bad").has_value());
  EXPECT_FALSE(answer->headers.find("set-cookie").has_value());
  EXPECT_EQ(answer->headers.find("x-good"), "c");
}

TEST_P(either_version, nobody_listening_is_unavailable) {
  serve();
  const auto gone = request("GET", "/");
  server.reset();
  connect(GetParam());
  const auto answer = ask_one(gone);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable);
}

TEST_P(either_version, an_address_that_is_not_admitted_is_not_connected_to) {
  serve();
  ClientConfig config;
  std::vector<std::string> asked;
  config.admits = [&](std::string_view host, std::string_view address) {
    asked.push_back(std::string(host) + " " + std::string(address));
    return false;
  };
  connect(GetParam(), config);
  auto named = request("GET", "/");
  named.authority = "localhost:" + std::to_string(server->port());
  EXPECT_EQ(ask_one(named).error().code, Errc::forbidden);
  EXPECT_EQ(ask_one(request("GET", "/")).error().code, Errc::forbidden);
  EXPECT_EQ(asked.back(), "127.0.0.1 127.0.0.1");
  EXPECT_TRUE(asked.front().starts_with("localhost "));
  EXPECT_EQ(server->counters().connections_accepted, 0U);
}

TEST_P(either_version, a_kept_connection_that_the_server_closed_is_replaced) {
  serve();
  connect(GetParam());
  ASSERT_TRUE(ask_one(request("GET", "/")));
  const auto port = server->port();
  server.reset();
  ServerConfig config;
  config.port = port;
  serve(config);
  const auto answer = ask_one(request("GET", "/"));
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(client->counters().connections_opened, 2U);
}

TEST_P(either_version, renewed_connections_end_what_they_carry_and_take_nothing_new) {
  serve();
  ClientConfig config;
  bool admitted = true;
  config.admits = [&](std::string_view, std::string_view) { return admitted; };
  connect(GetParam(), std::move(config));
  std::vector<runtime::HttpHandler::ReplyFn> waiting;
  handler.answer = [&](http::Request, runtime::HttpHandler::ReplyFn reply) {
    waiting.push_back(std::move(reply));
    loop.stop();
  };
  std::optional<Result<http::Response>> first, second;
  client->send(request("GET", "/1"), 10s, [&](auto result) {
    first = std::move(result);
    loop.stop();
  });
  loop.run();
  ASSERT_EQ(waiting.size(), 1U);
  admitted = false;
  client->renew_connections();
  client->send(request("GET", "/2"), 10s, [&](auto result) {
    second = std::move(result);
    loop.stop();
  });
  loop.run();
  ASSERT_TRUE(second && !*second);
  EXPECT_EQ(second->error().code, Errc::forbidden);
  EXPECT_FALSE(first);
  waiting[0]({200, {}, "done"});
  loop.run();
  ASSERT_TRUE(first);
  ASSERT_TRUE(*first) << first->error().detail;
  EXPECT_EQ((*first)->body, "done");
  admitted = true;
  handler.answer = nullptr;
  EXPECT_TRUE(ask_one(request("GET", "/4")));
  EXPECT_EQ(client->counters().connections_opened, 3U);
}

INSTANTIATE_TEST_SUITE_P(http, either_version, testing::Values(Http2Use::never, Http2Use::always),
                         [](const auto& version) {
                           return version.param == Http2Use::never ? "http1" : "http2";
                         });

}  // namespace
}  // namespace lobo::adapters
