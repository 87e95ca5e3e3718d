// Answers whose body grows, over both versions, without a socket: every byte, and all time, in the
// test's hand.

#include "wire/http/growing_body.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/http/http2_frames.hpp"
#include "adapters/http/server_session.hpp"
#include "adapters/http/session.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::adapters {
namespace {

using namespace std::chrono_literals;
using State = http::GrowingBody::State;

constexpr std::size_t bound = 100'000;

struct NoTransport final : Transport {
  int wakes = 0;
  void wake() override { ++wakes; }
  void abort() override {}
};

/// "/" is answered with a body that is whole; "/grow" with one that grows, "/late" when the test
/// wants it, and of "/cut" there is too much at once.
struct Grower final : runtime::HttpHandler {
  http::GrowingBodies& bodies;
  http::GrowingBodyPtr made;
  std::function<void()> late;  ///< answers "/late"
  explicit Grower(http::GrowingBodies& with) : bodies(with) {}
  void handle(http::Request request, ReplyFn reply) override {
    http::Response answer{200, {}, "whole"};
    if (request.target != "/") {
      made = std::make_shared<http::GrowingBody>(bound);
      answer = {200, {{"content-type", "text/event-stream"}}, {}};
      bodies.offer(answer, made);
    }
    if (request.target == "/cut") made->append(std::string(bound + 1, 'x'));
    if (request.target == "/late")
      late = [reply = std::move(reply), answer]() mutable { reply(std::move(answer)); };
    else
      reply(std::move(answer));
  }
};

class growing_body : public testing::Test {
 protected:
  growing_body() {
    shared->handler = &handler;
    shared->growing = bodies;
  }
  void open(std::string alpn) {
    session = make_server_session(shared, transport, {.alpn = std::move(alpn), .peer = {}}, now);
  }
  std::string collect() {
    std::string all;
    for (std::string some;; some.clear()) {
      session->produce(some, now);
      if (some.empty()) return all;
      all += some;
    }
  }
  std::string send(std::string_view bytes) {
    session->receive(bytes, now);
    return collect();
  }

  http::GrowingBodiesPtr bodies = std::make_shared<http::GrowingBodies>();
  Grower handler{*bodies};
  NoTransport transport;
  ServerSharedPtr shared = std::make_shared<ServerShared>();
  SteadyTime now{1h};
  std::shared_ptr<Session> session;
};

TEST_F(growing_body, that_nobody_claimed_gives_its_place_up) {
  http::Response first, last;
  const auto oldest = std::make_shared<http::GrowingBody>();
  bodies->offer(first, oldest);
  for (std::size_t i = 0; i < http::growing_unclaimed_max; ++i)
    bodies->offer(last, std::make_shared<http::GrowingBody>());
  EXPECT_EQ(oldest->state(), State::left);
  EXPECT_FALSE(bodies->claim(first));
  EXPECT_TRUE(bodies->claim(last));
  EXPECT_FALSE(last.headers.find(http::growing_ticket_field));
  EXPECT_FALSE(bodies->claim(last));
}

TEST_F(growing_body, is_sent_as_it_grows_in_chunks) {
  open("");
  const auto head = send("GET /grow HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_NE(head.find("transfer-encoding: chunked\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("content-length"), std::string::npos);
  EXPECT_EQ(head.find(http::growing_ticket_field), std::string::npos);
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  const auto before = transport.wakes;
  EXPECT_TRUE(handler.made->append("first, of 0x15 octets"));
  EXPECT_EQ(transport.wakes, before + 1);
  EXPECT_EQ(collect(), "15\r\nfirst, of 0x15 octets\r\n");
  EXPECT_EQ(session->deadline(), never) << "quiet is no reason to end it";
  handler.made->append("b");
  handler.made->end();
  EXPECT_EQ(collect(), "1\r\nb\r\n0\r\n\r\n");
  EXPECT_FALSE(handler.made->append("c"));
  EXPECT_NE(send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").find("\r\n\r\nwhole"), std::string::npos)
      << "the connection serves on";
}

TEST_F(growing_body, holds_back_the_answers_behind_it) {
  open("");
  send("GET /grow HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  handler.made->append("a");
  EXPECT_EQ(collect(), "1\r\na\r\n");
  handler.made->end();
  const auto rest = collect();
  EXPECT_TRUE(rest.starts_with("0\r\n\r\nHTTP/1.1 200")) << rest;
  EXPECT_TRUE(rest.ends_with("whole"));
}

TEST_F(growing_body, goes_to_a_reader_of_http_1_0_until_the_connection_ends) {
  open("");
  const auto head = send("GET /grow HTTP/1.0\r\nHost: h\r\n\r\n");
  EXPECT_EQ(head.find("transfer-encoding"), std::string::npos) << head;
  EXPECT_NE(head.find("connection: close"), std::string::npos);
  handler.made->append("plain");
  EXPECT_EQ(collect(), "plain");
  EXPECT_FALSE(session->finished());
  handler.made->end();
  EXPECT_EQ(collect(), "");
  EXPECT_TRUE(session->finished());
}

TEST_F(growing_body, of_http_1_0_is_not_mixed_with_the_answer_behind_it) {
  open("");
  send(
      "GET /grow HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"
      "GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
  handler.made->append("plain");
  handler.made->end();
  EXPECT_EQ(collect(), "plain");
  EXPECT_TRUE(session->finished());
}

TEST_F(growing_body, is_left_where_its_requester_went_before_the_answer) {
  open("");
  send("GET /late HTTP/1.1\r\nHost: h\r\n\r\n");
  session->closed("reset");
  handler.late();
  EXPECT_EQ(handler.made->state(), State::left);
  open("");
  send("GET /late HTTP/1.1\r\nHost: h\r\n\r\n");
  session.reset();
  handler.late();
  EXPECT_EQ(handler.made->state(), State::left);
}

TEST_F(growing_body, has_no_body_for_who_asks_for_the_head_alone) {
  open("");
  send("HEAD /grow HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(handler.made->state(), State::left);
  EXPECT_FALSE(handler.made->append("x"));
  EXPECT_NE(send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").find("whole"), std::string::npos);
}

TEST_F(growing_body, ends_short_for_a_reader_that_is_too_slow) {
  open("");
  send("GET /grow HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(handler.made->append(std::string(bound, 'x')));
  EXPECT_FALSE(handler.made->append("y"));
  EXPECT_EQ(handler.made->state(), State::cut);
  EXPECT_EQ(collect(), "") << "nothing that looks like an end";
  EXPECT_TRUE(session->finished());
}

TEST_F(growing_body, is_left_when_its_reader_goes) {
  open("");
  send("GET /grow HTTP/1.1\r\nHost: h\r\n\r\n");
  session->end_of_input(now);
  EXPECT_EQ(handler.made->state(), State::left);
  EXPECT_TRUE(session->finished());
  open("");
  send("GET /grow HTTP/1.1\r\nHost: h\r\n\r\n");
  session->closed("reset");
  EXPECT_FALSE(handler.made->append("x"));
}

TEST_F(growing_body, ends_whole_when_the_server_drains) {
  open("");
  send("GET /grow HTTP/1.1\r\nHost: h\r\n\r\n");
  handler.made->append("last");
  session->drain(now);
  EXPECT_EQ(collect(), "4\r\nlast\r\n0\r\n\r\n");
  EXPECT_TRUE(session->finished());
}

// ---- HTTP/2 -----------------------------------------------------------------------------------

/// A client of nghttp2's; it takes DATA, and gives window back only where it is told to.
class growing_body_h2 : public growing_body {
 protected:
  growing_body_h2() {
    nghttp2_session_callbacks* made = nullptr;
    nghttp2_session_callbacks_new(&made);
    const CallbacksPtr callbacks(made);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        made, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                 std::size_t size, void* self) {
          static_cast<growing_body_h2*>(self)->got[id].append(reinterpret_cast<const char*>(data),
                                                              size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        made, [](nghttp2_session*, std::int32_t id, std::uint32_t code, void* self) {
          static_cast<growing_body_h2*>(self)->ended[id] = code;
          return 0;
        });
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    const OptionPtr options(option);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_session* client = nullptr;
    nghttp2_session_client_new2(&client, made, this, option);
    client_.reset(client);
    nghttp2_submit_settings(client, NGHTTP2_FLAG_NONE, nullptr, 0);
    open("h2");
  }
  std::int32_t ask(std::string_view path) {
    const std::array<nghttp2_nv, 4> fields{
        borrowed_field(":method", "GET"), borrowed_field(":scheme", "http"),
        borrowed_field(":path", path), borrowed_field(":authority", "h")};
    const auto id = nghttp2_submit_request(client_.get(), nullptr, fields.data(), fields.size(),
                                           nullptr, nullptr);
    exchange();
    return id;
  }
  void exchange() {
    for (bool more = true; more;) {
      std::string out;
      drain_output(client_.get(), out);
      const auto back = send(out);
      if (!back.empty())
        nghttp2_session_mem_recv(client_.get(), reinterpret_cast<const std::uint8_t*>(back.data()),
                                 back.size());
      more = !out.empty() || !back.empty();
    }
  }

  SessionPtr client_;
  std::map<std::int32_t, std::string> got;
  std::map<std::int32_t, std::uint32_t> ended;
};

TEST_F(growing_body_h2, is_sent_as_it_grows_while_others_are_served) {
  const auto id = ask("/grow");
  EXPECT_EQ(got[id], "");
  handler.made->append("a");
  exchange();
  EXPECT_EQ(got[id], "a");
  const auto other = ask("/");
  EXPECT_EQ(got[other], "whole");
  EXPECT_TRUE(ended.contains(other));
  EXPECT_FALSE(ended.contains(id));
  handler.made->append("b");
  handler.made->end();
  exchange();
  EXPECT_EQ(got[id], "ab");
  EXPECT_EQ(ended.at(id), static_cast<std::uint32_t>(NGHTTP2_NO_ERROR));
}

TEST_F(growing_body_h2, may_be_quiet_for_long_but_not_untaken) {
  const auto id = ask("/grow");
  now += 10h;
  EXPECT_EQ(session->deadline(), never);
  handler.made->append("a");
  exchange();
  EXPECT_EQ(got[id], "a");
  EXPECT_EQ(session->deadline(), never);
  now += 10h;
  handler.made->append(std::string(70'000, 'x'));  // more than the window
  EXPECT_EQ(session->deadline(), never) << "its time begins when it is sent";
  exchange();
  ASSERT_EQ(session->deadline(), now + shared->limits.write_timeout);
  now = session->deadline();
  session->expired(now);
  exchange();
  EXPECT_TRUE(session->finished());
}

TEST_F(growing_body_h2, is_reset_for_a_reader_that_is_too_slow_and_the_connection_stays) {
  const auto id = ask("/grow");
  handler.made->append(std::string(90'000, 'x'));
  exchange();
  EXPECT_EQ(got[id].size(), 65'535U) << "the window that it gave";
  EXPECT_TRUE(handler.made->append(std::string(70'000, 'y')));
  EXPECT_FALSE(handler.made->append(std::string(70'000, 'z')));
  exchange();
  EXPECT_EQ(ended.at(id), static_cast<std::uint32_t>(NGHTTP2_CANCEL));
  nghttp2_session_consume_connection(client_.get(), 65'535);
  const auto other = ask("/");
  EXPECT_EQ(got[other], "whole");
}

TEST_F(growing_body_h2, of_which_there_was_too_much_at_once_is_reset) {
  const auto id = ask("/cut");
  EXPECT_TRUE(ended.contains(id));
  EXPECT_EQ(got[id], "");
}

TEST_F(growing_body_h2, is_left_where_its_requester_went_before_the_answer) {
  const auto id = ask("/late");
  nghttp2_submit_rst_stream(client_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  exchange();
  handler.late();
  EXPECT_EQ(handler.made->state(), State::left);
  ask("/late");
  session->closed("reset");
  handler.late();
  EXPECT_EQ(handler.made->state(), State::left);
}

TEST_F(growing_body_h2, is_left_when_its_reader_goes) {
  const auto id = ask("/grow");
  nghttp2_submit_rst_stream(client_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  exchange();
  EXPECT_EQ(handler.made->state(), State::left);
  ask("/grow");
  session->closed("reset");
  EXPECT_FALSE(handler.made->append("x"));
}

TEST_F(growing_body_h2, ends_whole_when_the_server_drains) {
  const auto id = ask("/grow");
  handler.made->append("last");
  session->drain(now);
  exchange();
  EXPECT_EQ(got[id], "last");
  EXPECT_EQ(ended.at(id), static_cast<std::uint32_t>(NGHTTP2_NO_ERROR));
}

}  // namespace
}  // namespace lobo::adapters
