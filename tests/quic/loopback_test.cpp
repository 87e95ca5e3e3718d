#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "adapters/quic/links.hpp"
#include "adapters/quic/quic.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "quic/ends.hpp"

namespace lobo::testing {
namespace {

using quic_loopback = QuicEnds;

TEST_F(quic_loopback, both_ends_know_protocol_and_peer_of_an_open_connection) {
  meet();
  EXPECT_EQ(at_client.opened_as.at(link).protocol, "sdd/1");
  EXPECT_TRUE(at_client.opened_as.at(link).by_us);
  EXPECT_EQ(at_client.opened_as.at(link).peer, server->local());
  EXPECT_EQ(at_server.opened_as.at(at_server.last).protocol, "sdd/1");
  EXPECT_FALSE(at_server.opened_as.at(at_server.last).by_us);
  EXPECT_EQ(server->size(), 1U);
  EXPECT_GT(client->stats(link).min_rtt.count(), 0);
  EXPECT_GT(client->stats(link).window_bytes, 0U);
}

TEST_F(quic_loopback, datagrams_come_back_and_each_tag_is_acknowledged_once) {
  at_server.when_datagram = [this](quic::LinkId from, Bytes datagram) {
    EXPECT_TRUE(server->send_datagram(from, datagram, 0));
  };
  meet();
  constexpr std::uint64_t count = 100;
  for (std::uint64_t tag = 1; tag <= count; ++tag)
    ASSERT_TRUE(client->send_datagram(link, bytes_of("state " + std::to_string(tag)), tag));
  EXPECT_FALSE(client->writable(link));
  ASSERT_TRUE(until(
      [&] { return at_client.datagrams.size() == count && at_client.acked.size() == count; }));
  EXPECT_TRUE(client->writable(link));
  std::vector<std::uint64_t> tags(count);
  std::iota(tags.begin(), tags.end(), 1);
  std::ranges::sort(at_client.acked);
  EXPECT_EQ(at_client.acked, tags);
  EXPECT_TRUE(at_client.lost.empty());
  EXPECT_EQ(at_client.datagrams.front(), "state 1");
}

TEST_F(quic_loopback, datagrams_of_one_turn_share_packets_and_system_calls) {
  meet();
  const auto packets = client->counters().packets_out;
  const auto sends = client->counters().sends;
  for (std::uint64_t tag = 0; tag < 90; ++tag)
    ASSERT_TRUE(client->send_datagram(link, bytes_of(std::string(200, 'x')), tag));
  ASSERT_TRUE(until([&] { return at_server.datagrams.size() == 90; }));
  EXPECT_LE(client->counters().packets_out - packets, 30U) << "five fit into a packet";
  EXPECT_LE(client->counters().sends - sends, 12U);
}

TEST_F(quic_loopback, a_long_stream_arrives_whole_in_both_directions) {
  at_server.when_stream = [this](quic::LinkId from, quic::StreamNo stream, Bytes octets, bool end) {
    EXPECT_TRUE(server->write_stream(from, stream, octets, end));
  };
  auto settings = server_settings();
  settings.limits.stream_send_bytes_max = 4U << 20U;  // it echoes faster than it is acknowledged
  serve(settings);
  meet();
  std::string text(3 << 20, ' ');
  for (std::size_t i = 0; i < text.size(); ++i)
    text[i] = static_cast<char>('a' + (i * 7 + i / 1000) % 26);
  const auto stream = client->open_stream(link, quic::StreamKind::both);
  ASSERT_TRUE(stream);
  std::size_t given = 0;
  ASSERT_TRUE(until([&] {
    constexpr std::size_t piece = 50'000;
    while (given < text.size()) {
      const std::size_t size = std::min(piece, text.size() - given);
      if (!client->write_stream(link, *stream, bytes_of(text).subspan(given, size),
                                given + size == text.size()))
        break;
      given += size;
    }
    return at_client.streams[*stream].ended;
  }));
  EXPECT_TRUE(at_client.streams[*stream].octets == text);
  EXPECT_TRUE(at_server.streams[*stream].octets == text);
}

TEST_F(quic_loopback, streams_of_one_message_each_arrive_with_their_end_and_are_given_back) {
  at_server.when_stream = [this](quic::LinkId from, quic::StreamNo stream, Bytes, bool end) {
    if (!end) return;
    EXPECT_TRUE(server->write_stream(from, stream, {}, true));
  };
  meet();
  constexpr std::size_t many = 600;  // more than may be open at a time
  std::size_t sent = 0;
  ASSERT_TRUE(until([&] {
    while (sent < many) {
      const auto stream = client->open_stream(link, quic::StreamKind::both);
      if (!stream) break;
      EXPECT_TRUE(client->write_stream(link, *stream, bytes_of("m" + std::to_string(sent)), true));
      ++sent;
    }
    return std::ranges::count_if(at_client.streams, [](const auto& one) {
             return one.second.ended;
           }) == static_cast<std::ptrdiff_t>(many);
  }));
  EXPECT_EQ(at_server.streams.size(), many);
  EXPECT_EQ(at_server.streams.rbegin()->second.octets, "m599");
}

TEST_F(quic_loopback, a_stream_that_is_given_up_is_told_to_the_other_end) {
  meet();
  const auto stream = client->open_stream(link, quic::StreamKind::both);
  ASSERT_TRUE(stream);
  ASSERT_TRUE(client->write_stream(link, *stream, bytes_of("begin"), false));
  ASSERT_TRUE(until([&] { return at_server.streams[*stream].octets == "begin"; }));
  client->reset_stream(link, *stream, 7);
  ASSERT_TRUE(until([&] { return at_server.streams[*stream].reset.has_value(); }));
  EXPECT_EQ(at_server.streams[*stream].reset, 7U);
  EXPECT_FALSE(client->write_stream(link, *stream, bytes_of("more"), false));
}

TEST_F(quic_loopback, what_does_not_fit_is_refused_by_name) {
  auto settings = client_settings();
  settings.limits.datagrams_queued_max = 3;
  settings.limits.stream_send_bytes_max = 1000;
  make_client(settings);
  auto tight = server_settings();
  tight.limits.streams_both_max = 2;
  serve(tight);
  meet();
  const std::size_t most = client->datagram_max(link);
  EXPECT_GE(most, 1200U);
  EXPECT_EQ(client->send_datagram(link, bytes_of(std::string(most + 1, 'x')), 1).error().code,
            Errc::too_large);
  for (std::uint64_t tag = 0; tag < 3; ++tag)
    EXPECT_TRUE(client->send_datagram(link, bytes_of(std::string(most, 'x')), tag));
  EXPECT_EQ(client->send_datagram(link, bytes_of("x"), 9).error().code, Errc::too_many);
  const auto stream = client->open_stream(link, quic::StreamKind::both);
  ASSERT_TRUE(stream);
  EXPECT_EQ(
      client->write_stream(link, *stream, bytes_of(std::string(1001, 'x')), false).error().code,
      Errc::too_many);
  ASSERT_TRUE(client->open_stream(link, quic::StreamKind::both));
  EXPECT_EQ(client->open_stream(link, quic::StreamKind::both).error().code, Errc::too_many);
  EXPECT_EQ(client->write_stream(link, 4000, bytes_of("x"), false).error().code, Errc::not_found);
  EXPECT_EQ(client->send_datagram(link + 1, bytes_of("x"), 1).error().code, Errc::not_found);
  // The longest datagrams arrived all the same.
  ASSERT_TRUE(until([&] { return at_server.datagrams.size() == 3; }));
  EXPECT_EQ(at_server.datagrams.front().size(), most);
}

TEST_F(quic_loopback, the_other_end_hears_code_and_reason_of_a_close) {
  meet();
  client->close(link, 42, "enough of it");
  ASSERT_TRUE(until([&] { return !at_client.closed.empty() && !at_server.closed.empty(); }));
  EXPECT_EQ(at_client.closed.at(link).cause, quic::CloseCause::local);
  const auto& heard = at_server.closed.at(at_server.last);
  EXPECT_EQ(heard.cause, quic::CloseCause::peer);
  EXPECT_EQ(heard.code, 42U);
  EXPECT_EQ(heard.detail, "enough of it");
  EXPECT_EQ(server->size(), 0U);
  EXPECT_EQ(client->send_datagram(link, bytes_of("x"), 1).error().code, Errc::not_found);
}

TEST_F(quic_loopback, a_server_that_shuts_says_goodbye_to_all_and_takes_nobody_more) {
  meet();
  const auto first = link;
  link = connect(target());
  ASSERT_TRUE(until([&] { return server->size() == 2; }));
  server->shut(1, "maintenance");
  ASSERT_TRUE(until([&] { return at_client.closed.size() == 2; }));
  EXPECT_EQ(at_client.closed.at(first).detail, "maintenance");
  const auto late = connect(target());
  ASSERT_TRUE(until([&] { return at_client.closed.contains(late); }));
  EXPECT_EQ(at_client.closed.at(late).cause, quic::CloseCause::refused);
}

TEST_F(quic_loopback, a_silent_peer_is_given_up_after_the_idle_time) {
  auto settings = server_settings();
  settings.idle_max = std::chrono::milliseconds{60};
  serve(settings);
  meet();
  ASSERT_TRUE(until([&] { return !at_server.closed.empty() && !at_client.closed.empty(); }));
  EXPECT_EQ(at_server.closed.at(at_server.last).cause, quic::CloseCause::idle);
  EXPECT_EQ(at_client.closed.at(link).cause, quic::CloseCause::idle);
}

TEST_F(quic_loopback, a_client_that_keeps_alive_outlives_the_idle_time) {
  auto settings = server_settings();
  settings.idle_max = std::chrono::milliseconds{100};
  serve(settings);
  make_client();
  auto to = target();
  to.keep_alive = std::chrono::milliseconds{20};
  link = connect(to);
  ASSERT_TRUE(until([&] { return at_server.last != 0; }));
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(until([&] {
    return std::chrono::steady_clock::now() - began > std::chrono::milliseconds{300} ||
           !at_server.closed.empty();
  }));
  EXPECT_TRUE(at_server.closed.empty());
}

}  // namespace
}  // namespace lobo::testing
