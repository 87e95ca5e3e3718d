// The client against servers that misbehave. Each is a plain socket in a thread of the test.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "base/result.hpp"
#include "wire/http/message.hpp"

namespace lobo::adapters {
namespace {

using namespace std::chrono_literals;

/// One accepted connection, blocking.
class RawLink {
 public:
  explicit RawLink(int fd) : fd_(fd) {}
  ~RawLink() { ::close(fd_); }
  RawLink(const RawLink&) = delete;
  RawLink& operator=(const RawLink&) = delete;
  void send(std::string_view bytes) const {
    (void)::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  /// Reads until the end of a request head, or until the peer closes.
  std::string read_head() const {
    std::string out;
    char byte = 0;
    while (out.find("\r\n\r\n") == std::string::npos && ::recv(fd_, &byte, 1, 0) == 1) out += byte;
    return out;
  }
  /// Blocks until the peer closes.
  void read_to_end() const {
    std::vector<char> sink(65536);
    while (::recv(fd_, sink.data(), sink.size(), 0) > 0) {}
  }

 private:
  int fd_;
};

/// Listens and runs `scripts`, one for each connection, in turn.
class RawServer {
 public:
  using Script = std::function<void(const RawLink&)>;
  explicit RawServer(std::vector<Script> scripts) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    // The sockets interface wants this cast.
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(fd_, generic, size), 0);
    EXPECT_EQ(::listen(fd_, 16), 0);
    EXPECT_EQ(::getsockname(fd_, generic, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, scripts = std::move(scripts)] {
      for (const auto& script : scripts) {
        const int accepted = ::accept(fd_, nullptr, nullptr);
        if (accepted < 0) return;
        const RawLink link(accepted);
        current_ = accepted;
        if (!ending_) script(link);
        current_ = -1;
      }
    });
  }
  ~RawServer() {
    ending_ = true;
    ::shutdown(fd_, SHUT_RDWR);                                       // wakes accept()
    if (const int fd = current_; fd >= 0) ::shutdown(fd, SHUT_RDWR);  // wakes a script that reads
    thread_.join();
    ::close(fd_);
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;
  std::string authority() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int fd_;
  std::uint16_t port_ = 0;
  std::atomic<int> current_ = -1;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

class hostile_server : public testing::Test {
 protected:
  Result<http::Response> ask(HttpClient& client, const RawServer& server,
                             std::string method = "GET", std::chrono::milliseconds deadline = 10s) {
    Result<http::Response> out;
    client.send({.method = std::move(method),
                 .scheme = "http",
                 .authority = server.authority(),
                 .target = "/",
                 .headers = {},
                 .body = {},
                 .peer = {}},
                deadline, [&](Result<http::Response> result) {
                  out = std::move(result);
                  loop.stop();
                });
    loop.run();
    return out;
  }
  /// What one request gets where the server answers `bytes` and closes.
  Result<http::Response> answered(std::string bytes, ClientConfig config = {},
                                  std::string method = "GET") {
    HttpClient client(loop, std::move(config));
    const RawServer server({[&](const RawLink& link) {
      link.read_head();
      link.send(bytes);
    }});
    return ask(client, server, std::move(method));
  }
  Errc refused(std::string bytes, ClientConfig config = {}) {
    const auto result = answered(std::move(bytes), std::move(config));
    EXPECT_FALSE(result);
    return result ? Errc::internal : result.error().code;
  }

  EventLoop loop;
};

TEST_F(hostile_server, that_closes_before_an_answer_is_unavailable) {
  EXPECT_EQ(refused(""), Errc::unavailable);
}

TEST_F(hostile_server, that_closes_in_the_middle_of_the_head_is_unavailable) {
  EXPECT_EQ(refused("HTTP/1.1 200 OK\r\nContent-"), Errc::unavailable);
}

TEST_F(hostile_server, that_closes_in_the_middle_of_the_body_is_unavailable) {
  EXPECT_EQ(refused("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), Errc::unavailable);
  EXPECT_EQ(refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
            Errc::unavailable);
}

TEST_F(hostile_server, that_never_answers_is_a_timeout) {
  HttpClient client(loop, {});
  const RawServer server({[](const RawLink& link) { link.read_to_end(); }});
  const auto result = ask(client, server, "GET", 20ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timeout);
}

TEST_F(hostile_server, that_answers_garbage_is_malformed) {
  EXPECT_EQ(refused(std::string("\x00\x01\x02\r\n\r\n", 7)), Errc::malformed);
  EXPECT_EQ(refused("220 smtp ready\r\n\r\n"), Errc::malformed);
  EXPECT_EQ(refused("HTTP/1.1 200 OK\nContent-Length: 0\n\n"), Errc::malformed);
  EXPECT_EQ(refused("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
            Errc::malformed);
  EXPECT_EQ(refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            Errc::malformed);
  EXPECT_EQ(refused("HTTP/1.1 101 Switching Protocols\r\n\r\n"), Errc::malformed);
}

TEST_F(hostile_server, that_sends_a_huge_head_is_too_large) {
  EXPECT_EQ(refused("HTTP/1.1 200 OK\r\nX: " + std::string(20000, 'a') + "\r\n\r\n"),
            Errc::too_large);
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 200; ++i) many += "a: b\r\n";
  EXPECT_EQ(refused(many + "\r\n"), Errc::too_large);
}

TEST_F(hostile_server, that_sends_a_huge_body_is_too_large) {
  ClientConfig config;
  config.limits.body_bytes_max = 100;
  EXPECT_EQ(refused("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", config), Errc::too_large);
  EXPECT_EQ(refused("HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'x'), config), Errc::too_large);
  EXPECT_EQ(refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" +
                        std::string(101, 'x') + "\r\n0\r\n\r\n",
                    config),
            Errc::too_large);
}

TEST_F(hostile_server, that_floods_interim_responses_is_malformed) {
  std::string flood;
  for (int i = 0; i < 100; ++i) flood += "HTTP/1.1 103 Early Hints\r\n\r\n";
  EXPECT_EQ(refused(flood), Errc::malformed);
  const auto few = answered(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 "
      "OK\r\nContent-Length: 2\r\n\r\nok");
  ASSERT_TRUE(few) << few.error().detail;
  EXPECT_EQ(few->body, "ok");
  EXPECT_FALSE(few->headers.find("link").has_value());
}

TEST_F(hostile_server, that_ends_its_body_by_closing_is_understood) {
  const auto result = answered("HTTP/1.0 200 OK\r\n\r\nall of it");
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_EQ(result->body, "all of it");
}

TEST_F(hostile_server, that_sends_more_than_its_answer_gets_no_second_request_on_that_connection) {
  HttpClient client(loop, {});
  const auto smuggle = [](const RawLink& link) {
    link.read_head();
    link.send(
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: "
        "6\r\n\r\npoison");
    link.read_to_end();
  };
  const RawServer server({smuggle, smuggle});
  for (int i = 0; i < 2; ++i) {
    const auto result = ask(client, server);
    ASSERT_TRUE(result) << result.error().detail;
    EXPECT_EQ(result->body, "a");
  }
  EXPECT_EQ(client.counters().connections_opened, 2U);
}

/// Answers one request, then closes when the second arrives: the race of a kept connection.
void answer_then_close(const RawLink& link) {
  link.read_head();
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
  link.read_head();
}
void answer(const RawLink& link) {
  link.read_head();
  link.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nb");
}

TEST_F(hostile_server, that_closes_a_kept_connection_is_asked_again_once_if_that_is_safe) {
  HttpClient client(loop, {});
  const RawServer server({answer_then_close, answer});
  ASSERT_TRUE(ask(client, server));
  const auto result = ask(client, server, "GET");
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_EQ(result->body, "b");
  EXPECT_EQ(client.counters().repeated, 1U);
}

TEST_F(hostile_server,
       that_closes_a_kept_connection_is_not_asked_again_where_that_could_act_twice) {
  HttpClient client(loop, {});
  const RawServer server({answer_then_close, answer});
  ASSERT_TRUE(ask(client, server));
  const auto result = ask(client, server, "POST");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::unavailable);
  EXPECT_EQ(client.counters().repeated, 0U);
  ASSERT_TRUE(ask(client, server));  // uses up the second script
}

TEST_F(hostile_server, that_closes_a_fresh_connection_is_not_asked_again) {
  HttpClient client(loop, {});
  const RawServer server({[](const RawLink& link) { link.read_head(); }, answer});
  EXPECT_FALSE(ask(client, server));
  EXPECT_EQ(client.counters().repeated, 0U);
  ASSERT_TRUE(ask(client, server));
}

TEST_F(hostile_server, that_speaks_no_http2_is_refused_by_a_client_that_insists) {
  ClientConfig config;
  config.http2 = Http2Use::always;
  EXPECT_NE(
      refused("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", config),
      Errc::internal);
}

TEST_F(hostile_server, the_queue_for_a_server_is_bounded) {
  ClientConfig config;
  config.limits.connections_max = 1;
  config.limits.waiting_max = 2;
  HttpClient client(loop, config);
  const RawServer server({[](const RawLink& link) { link.read_to_end(); }});
  std::vector<Errc> codes;
  for (int i = 0; i < 5; ++i)
    client.send({.method = "GET",
                 .scheme = "http",
                 .authority = server.authority(),
                 .target = "/",
                 .headers = {},
                 .body = {},
                 .peer = {}},
                50ms, [&](const Result<http::Response>& result) {
                  codes.push_back(result ? Errc::internal : result.error().code);
                  if (codes.size() == 5) loop.stop();
                });
  loop.run();
  EXPECT_EQ(std::count(codes.begin(), codes.end(), Errc::unavailable), 3);
  EXPECT_EQ(std::count(codes.begin(), codes.end(), Errc::timeout), 2);
}

}  // namespace
}  // namespace lobo::adapters
