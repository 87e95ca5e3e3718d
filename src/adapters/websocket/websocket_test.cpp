#include "adapters/websocket/websocket.hpp"

#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/asio_loop.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters::websocket {
namespace {

std::string text_of(Bytes bytes) {
  std::string text;
  for (const std::byte octet : bytes) text += std::to_integer<char>(octet);
  return text;
}
Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

class Heard final : public quic::LinkEvents {
 public:
  void on_opened(quic::LinkId link, const quic::Opened& how) override {
    last = link;
    opened = how;
  }
  void on_datagram(quic::LinkId, Bytes datagram) override {
    datagrams.push_back(text_of(datagram));
  }
  void on_stream(quic::LinkId, quic::StreamNo stream, Bytes octets, bool end) override {
    streams[stream].first += text_of(octets);
    streams[stream].second = end;
  }
  void on_stream_reset(quic::LinkId, quic::StreamNo stream, std::uint64_t code) override {
    resets[stream] = code;
  }
  void on_acked(quic::LinkId, std::uint64_t) override {}
  void on_lost(quic::LinkId, std::uint64_t) override {}
  void on_closed(quic::LinkId, const quic::Closed& why) override { closed = why; }

  quic::LinkId last = 0;
  std::optional<quic::Opened> opened;
  std::vector<std::string> datagrams;
  std::map<quic::StreamNo, std::pair<std::string, bool>> streams;
  std::map<quic::StreamNo, std::uint64_t> resets;
  std::optional<quic::Closed> closed;
};

/// A browser's end, by Beast.
struct Client {
  explicit Client(EventLoop& loop) : stream(loop.impl().io.get_executor()) {}
  void connect(const UdpEndpoint& to, std::string path, std::string origin) {
    auto& tcp = stream.next_layer();
    tcp.connect({asio::ip::make_address(model::to_text(to.address)), to.port});
    stream.binary(true);
    stream.set_option(boost::beast::websocket::stream_base::decorator(
        [origin](boost::beast::websocket::request_type& request) {
          request.set(boost::beast::http::field::origin, origin);
        }));
    stream.async_handshake("relay.example", path, [this](const boost::system::error_code& error) {
      answered = true;
      failed = error;
      if (!error) read();
    });
  }
  void read() {
    stream.async_read(buffer, [this](const boost::system::error_code& error, std::size_t) {
      failed = error;
      if (error) return;
      const auto data = buffer.cdata();
      messages.emplace_back(static_cast<const char*>(data.data()), data.size());
      buffer.consume(buffer.size());
      if (reads) read();
    });
  }
  /// Small enough to be written at once.
  void send(std::string_view message) { stream.write(asio::buffer(message)); }

  boost::beast::websocket::stream<Socket> stream;
  boost::beast::flat_buffer buffer;
  bool answered = false;
  bool reads = true;
  boost::system::error_code failed;
  std::vector<std::string> messages;
};

class websocket_links : public ::testing::Test {
 protected:
  websocket_links() {
    auto made = open(loop,
                     {.at = {*model::parse_ip_address("127.0.0.1"), 0},
                      .origins = {"https://app.example"},
                      .path = "/sdd"},
                     heard);
    require(made.has_value());
    server = std::move(*made);
  }
  void meet() {
    client.connect(server->local(), "/sdd?room=1", "https://app.example");
    ASSERT_TRUE(until([&] { return heard.opened.has_value() && client.answered; }));
    ASSERT_FALSE(client.failed) << client.failed.message();
  }
  bool until(const std::function<bool()>& reached) {
    bool late = false;
    const auto limit = loop.after(std::chrono::seconds{20}, [&] {
      late = true;
      loop.stop();
    });
    std::function<void()> check = [&] {
      if (reached()) return loop.stop();
      loop.after(std::chrono::milliseconds{1}, check);
    };
    check();
    if (!reached()) loop.run();
    loop.cancel(limit);
    return !late;
  }

  EventLoop loop;
  Heard heard;
  Client client{loop};
  std::unique_ptr<Server> server;
};

TEST_F(websocket_links, datagrams_and_streams_pass_both_ways) {
  meet();
  EXPECT_EQ(heard.opened->protocol, "websocket");
  EXPECT_EQ(heard.opened->path, "/sdd?room=1");
  client.send(std::string_view("\0state", 6));
  client.send(std::string_view("\1\4\0hel", 6));
  client.send(std::string_view("\1\4\1lo", 5));
  ASSERT_TRUE(until([&] { return heard.streams[4].second; }));
  EXPECT_EQ(heard.datagrams, std::vector<std::string>{"state"});
  EXPECT_EQ(heard.streams[4].first, "hello");
  ASSERT_TRUE(server->send_datagram(heard.last, bytes_of("back"), 1));
  ASSERT_TRUE(server->write_stream(heard.last, 4, bytes_of("answer"), true));
  const auto own = server->open_stream(heard.last, quic::StreamKind::both);
  ASSERT_TRUE(own);
  ASSERT_TRUE(server->write_stream(heard.last, *own, bytes_of("push"), true));
  ASSERT_TRUE(until([&] { return client.messages.size() == 3; }));
  EXPECT_EQ(client.messages[0], std::string("\0back", 5));
  EXPECT_EQ(client.messages[1], std::string("\1\4\1answer", 9));
  EXPECT_EQ(client.messages[2], std::string("\1\1\1push", 7));
}

TEST_F(websocket_links, pages_of_other_origins_and_other_paths_do_not_come_in) {
  client.connect(server->local(), "/sdd", "https://evil.example");
  ASSERT_TRUE(until([&] { return client.answered; }));
  EXPECT_TRUE(client.failed);
  Client lost(loop);
  lost.connect(server->local(), "/other", "https://app.example");
  ASSERT_TRUE(until([&] { return lost.answered; }));
  EXPECT_TRUE(lost.failed);
  EXPECT_FALSE(heard.opened);
}

TEST_F(websocket_links, a_receiver_that_does_not_read_is_not_writable_and_costs_a_bounded_queue) {
  client.reads = false;
  meet();
  // What the kernels hold, and then what we do.
  std::size_t taken = 0;
  const std::string state(1000, 'x');
  ASSERT_TRUE(until([&] {
    while (server->send_datagram(heard.last, bytes_of(state), 0)) ++taken;
    return !server->writable(heard.last) && taken > datagrams_queued_max;
  }));
  EXPECT_FALSE(server->writable(heard.last));
  EXPECT_EQ(server->send_datagram(heard.last, bytes_of(state), 0).error().code, Errc::too_many);
}

TEST_F(websocket_links, messages_that_make_no_sense_end_the_link) {
  for (const std::string_view bad : {std::string_view(), std::string_view("\x07x", 2),
                                     std::string_view("\1\x40", 2), std::string_view("\1\4", 2)}) {
    heard.closed.reset();
    heard.opened.reset();
    Client one(loop);
    one.connect(server->local(), "/sdd", "https://app.example");
    ASSERT_TRUE(until([&] { return heard.opened.has_value() && one.answered; }));
    one.send(bad);
    ASSERT_TRUE(until([&] { return heard.closed.has_value(); }));
    EXPECT_EQ(heard.closed->cause, quic::CloseCause::local);
    ASSERT_TRUE(until([&] { return bool(one.failed); }));
  }
}

TEST_F(websocket_links, either_end_says_goodbye_with_a_code) {
  meet();
  server->close(heard.last, 7, "as you wished");
  ASSERT_TRUE(until([&] { return heard.closed.has_value() && client.failed; }));
  EXPECT_EQ(client.stream.reason().code, 4007);
  EXPECT_EQ(std::string_view(client.stream.reason().reason.data()), "as you wished");
  heard.closed.reset();
  heard.opened.reset();
  Client other(loop);
  other.connect(server->local(), "/sdd", "https://app.example");
  ASSERT_TRUE(until([&] { return heard.opened.has_value() && other.answered; }));
  other.stream.async_close(boost::beast::websocket::close_reason(
                               static_cast<boost::beast::websocket::close_code>(4009), "leaving"),
                           [](const boost::system::error_code&) {});
  ASSERT_TRUE(until([&] { return heard.closed.has_value(); }));
  EXPECT_EQ(heard.closed->cause, quic::CloseCause::peer);
  EXPECT_EQ(heard.closed->code, 9U);
  EXPECT_EQ(heard.closed->detail, "leaving");
}

}  // namespace
}  // namespace lobo::adapters::websocket
