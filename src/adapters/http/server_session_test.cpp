// The server's sessions without a socket: every byte, and all time, in the test's hand.

#include "adapters/http/server_session.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/session.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::adapters {
namespace {

using namespace std::chrono_literals;
using Reply = runtime::HttpHandler::ReplyFn;

struct FakeTransport final : Transport {
  int wakes = 0;
  void wake() override { ++wakes; }
  void abort() override {}
};

struct Handler final : runtime::HttpHandler {
  std::vector<http::Request> seen;
  std::vector<Reply> kept;
  bool keep = false;
  void handle(http::Request request, Reply reply) override {
    seen.push_back(request);
    if (keep)
      kept.push_back(std::move(reply));
    else
      reply({200, {}, request.target + "|" + request.body});
  }
};

class http1_session : public testing::Test {
 protected:
  http1_session() {
    shared->handler = &handler;
    shared->limits = limits();
    open();
  }
  static ServerLimits limits() {
    ServerLimits out;
    out.body_bytes_max = 100;
    out.pipelined_max = 3;
    return out;
  }
  void open() {
    session = make_server_session(
        shared, transport,
        {.alpn = "",
         .peer = {.address = "192.0.2.1", .loopback = false, .certificate_subject = {}},
         .secure = false},
        now);
    output.clear();
  }
  void send(std::string_view bytes) {
    session->receive(bytes, now);
    collect();
  }
  void collect() { session->produce(output, now); }
  /// Moves time to the session's deadline, which must be `after` from now.
  void expire(std::chrono::milliseconds after) {
    ASSERT_EQ(session->deadline(), now + after);
    now += after;
    session->expired(now);
    collect();
  }
  int status() const { return output.size() < 12 ? 0 : std::stoi(output.substr(9, 3)); }
  std::size_t answers() const {
    std::size_t count = 0;
    for (auto at = output.find("HTTP/1.1 "); at != std::string::npos;
         at = output.find("HTTP/1.1 ", at + 1))
      ++count;
    return count;
  }

  SteadyTime now{1000s};
  Handler handler;
  FakeTransport transport;
  ServerSharedPtr shared = std::make_shared<ServerShared>();
  std::shared_ptr<Session> session;
  std::string output;
};

constexpr std::string_view get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

TEST_F(http1_session, answers_and_waits_for_more) {
  send(get);
  EXPECT_EQ(status(), 200);
  EXPECT_NE(output.find("\r\n\r\n/a|"), std::string::npos);
  EXPECT_FALSE(session->finished());
  EXPECT_EQ(handler.seen.at(0).peer.address, "192.0.2.1");
}

TEST_F(http1_session, slices_do_not_matter) {
  const std::string text =
      "\r\nPOST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\r\nPOST /b HTTP/1.1\r\nHost: h\r\nContent-Length: "
      "2\r\n\r\nde";
  for (std::size_t slice = 1; slice <= text.size(); ++slice) {
    open();
    for (std::size_t at = 0; at < text.size(); at += slice)
      send(std::string_view(text).substr(at, slice));
    EXPECT_EQ(answers(), 2U) << slice;
    EXPECT_NE(output.find("/a|abc"), std::string::npos) << slice;
    EXPECT_NE(output.find("/b|de"), std::string::npos) << slice;
  }
}

TEST_F(http1_session, pipelined_answers_come_in_the_order_of_the_requests) {
  handler.keep = true;
  send(std::string(get) + "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_EQ(handler.kept.size(), 2U);
  handler.kept[1]({200, {}, "second"});
  collect();
  EXPECT_EQ(output, "");
  handler.kept[0]({200, {}, "first"});
  collect();
  EXPECT_LT(output.find("first"), output.find("second"));
}

TEST_F(http1_session, pipelining_is_bounded_and_goes_on_when_there_is_room) {
  handler.keep = true;
  std::string five;
  for (int i = 0; i < 5; ++i) five += get;
  send(five);
  EXPECT_EQ(handler.seen.size(), 3U);
  EXPECT_FALSE(session->wants_input());
  handler.kept[0]({200, {}, "x"});
  EXPECT_GT(transport.wakes, 0);
  collect();
  EXPECT_EQ(handler.seen.size(), 4U);
  for (std::size_t i = 1; i < 5; ++i) {
    handler.kept.at(i)({200, {}, "x"});
    collect();
  }
  EXPECT_EQ(answers(), 5U);
  EXPECT_TRUE(session->wants_input());
}

TEST_F(http1_session, a_second_reply_does_nothing) {
  handler.keep = true;
  send(get);
  handler.kept[0]({200, {}, "x"});
  handler.kept[0]({200, {}, "y"});
  collect();
  EXPECT_EQ(answers(), 1U);
}

TEST_F(http1_session, a_reply_after_the_requester_has_gone_does_nothing) {
  handler.keep = true;
  send(get);
  session->closed("reset");
  handler.kept[0]({200, {}, "x"});
  session.reset();
  handler.kept[0]({200, {}, "y"});
  EXPECT_EQ(transport.wakes, 0);
}

TEST_F(http1_session, an_answer_without_a_valid_status_becomes_500) {
  handler.keep = true;
  send(get);
  handler.kept[0]({0, {}, "x"});
  collect();
  EXPECT_EQ(status(), 500);
}

TEST_F(http1_session, is_told_to_continue_before_it_sends_the_body) {
  send("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(output, "HTTP/1.1 100 Continue\r\n\r\n");
  output.clear();
  send("ab");
  EXPECT_EQ(status(), 200);
}

TEST_F(http1_session, is_not_told_to_continue_what_is_too_large) {
  send("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 101\r\n\r\n");
  EXPECT_EQ(status(), 413);
  EXPECT_TRUE(session->finished());
}

TEST_F(http1_session, a_length_beyond_the_limit_is_refused_before_the_body) {
  send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n");
  EXPECT_EQ(status(), 413);
  EXPECT_NE(output.find("connection: close"), std::string::npos);
  EXPECT_TRUE(handler.seen.empty());
}

TEST_F(http1_session, a_refusal_comes_after_earlier_answers_and_ends_the_connection) {
  handler.keep = true;
  send(std::string(get) + "nonsense\r\n\r\n" + std::string(get));
  EXPECT_EQ(output, "");
  EXPECT_EQ(handler.seen.size(), 1U);
  handler.kept[0]({200, {}, "first"});
  collect();
  EXPECT_LT(output.find("first"), output.find("400 Bad Request"));
  EXPECT_TRUE(session->finished());
}

TEST_F(http1_session, nothing_after_connection_close_is_read) {
  send("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + std::string(get));
  EXPECT_EQ(handler.seen.size(), 1U);
  EXPECT_NE(output.find("connection: close"), std::string::npos);
  EXPECT_TRUE(session->finished());
}

TEST_F(http1_session, a_peer_that_sends_no_more_still_gets_its_answer) {
  handler.keep = true;
  send(get);
  session->end_of_input(now);
  EXPECT_FALSE(session->finished());
  handler.kept[0]({200, {}, "x"});
  collect();
  EXPECT_EQ(status(), 200);
  EXPECT_TRUE(session->finished());
}

TEST_F(http1_session, a_connection_that_says_nothing_is_closed_without_an_answer) {
  expire(limits().header_timeout);
  EXPECT_EQ(output, "");
  EXPECT_TRUE(session->finished());
}

TEST_F(http1_session, a_head_that_trickles_is_ended_with_408) {
  const auto began = now;
  for (const char c : std::string_view("GET / HTTP/1.1\r\nHo")) {
    now += 100ms;
    session->receive({&c, 1}, now);
    ASSERT_LE(session->deadline(), began + limits().header_timeout + 100ms);  // no byte buys time
  }
  now = session->deadline();
  session->expired(now);
  collect();
  EXPECT_EQ(status(), 408);
  EXPECT_TRUE(session->finished());
}

TEST_F(http1_session, a_body_that_trickles_is_ended_with_408) {
  send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
  const auto end = session->deadline();
  EXPECT_EQ(end, now + limits().body_timeout);
  now += 1s;
  send("a");
  EXPECT_EQ(session->deadline(), end);
  now = end;
  session->expired(now);
  collect();
  EXPECT_EQ(status(), 408);
}

TEST_F(http1_session, an_idle_connection_is_closed_silently_and_a_busy_one_is_not) {
  handler.keep = true;
  send(get);
  EXPECT_EQ(session->deadline(), never);
  handler.kept[0]({200, {}, "x"});
  collect();
  output.clear();
  expire(limits().idle_timeout);
  EXPECT_EQ(output, "");
  EXPECT_TRUE(session->finished());
}

TEST_F(http1_session, draining_ends_an_idle_connection_at_once_and_a_busy_one_after_its_answer) {
  send(get);
  session->drain(now);
  EXPECT_TRUE(session->finished());
  open();
  handler.keep = true;
  send(get);
  session->drain(now);
  EXPECT_FALSE(session->finished());
  handler.kept[0]({200, {}, "x"});
  collect();
  EXPECT_NE(output.find("connection: close"), std::string::npos);
  EXPECT_TRUE(session->finished());
}

TEST_F(http1_session, options_and_unknown_methods_reach_the_handler) {
  send("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\nBREW /pot HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_EQ(handler.seen.size(), 2U);
  EXPECT_EQ(handler.seen[0].target, "*");
  EXPECT_EQ(handler.seen[1].method, "BREW");
}

TEST_F(http1_session, bytes_that_only_begin_like_the_http2_preface_are_http1) {
  send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nX");
  EXPECT_TRUE(output.empty() || output.find("HTTP/1.1") == std::string::npos);  // HTTP/2 frames
  open();
  send("PR");
  EXPECT_EQ(output, "");
  send("OPFIND / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(status(), 200);
}

TEST_F(http1_session, counts_what_it_refused) {
  send("nonsense\r\n\r\n");
  EXPECT_EQ(shared->counters.messages_refused, 1U);
  EXPECT_EQ(shared->counters.requests_http1, 0U);
}

}  // namespace
}  // namespace lobo::adapters
