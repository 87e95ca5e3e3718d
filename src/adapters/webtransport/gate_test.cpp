#include "adapters/webtransport/gate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/quic/links.hpp"
#include "adapters/webtransport/below_test_support.hpp"
#include "adapters/webtransport/tlv.hpp"
#include "adapters/webtransport/varint.hpp"
#include "base/bytes.hpp"

namespace lobo::adapters::webtransport {
namespace {

using testing::Above;
using testing::Below;
using testing::block;
using testing::frame;
using testing::good_request;
using testing::octets_of;

constexpr quic::LinkId link = 7;
constexpr quic::StreamNo request = 0;

class webtransport_gate : public ::testing::Test {
 protected:
  webtransport_gate() {
    gate.stand_on(below);
    gate.on_opened(link, {.protocol = "h3"});
  }
  void give(quic::StreamNo stream, const std::vector<std::byte>& octets, bool end = false) {
    gate.on_stream(link, stream, octets, end);
  }
  /// The status of the answer on that request, from its literal (see qpack.cpp).
  std::string status_of(quic::StreamNo stream) {
    const auto& out = below.streams[stream].octets;
    if (out.size() < 10) return {};
    std::string text;
    for (std::size_t i = 7; i < 10; ++i) text += std::to_integer<char>(out[i]);
    return text;
  }
  void begin_session() {
    give(2, octets_of(std::string_view("\x00\x04\x00", 3)));
    give(request, frame(1, block(good_request())));
#ifdef LOBO_NGHTTP3
    ASSERT_TRUE(above.opened);
#else
    GTEST_SKIP() << "built without nghttp3";
#endif
  }

  Above above;
  Below below;
  Gate gate{{.origins = {"https://app.example"}, .path = "/sdd"}, above};
};

TEST(webtransport_varint, numbers_are_read_as_the_standard_writes_them) {
  // RFC 9000 appendix A.1.
  const auto read = [](std::vector<unsigned> octets) {
    std::vector<std::byte> bytes;
    for (const unsigned octet : octets) bytes.push_back(static_cast<std::byte>(octet));
    return read_varint(bytes).value().value;
  };
  EXPECT_EQ(read({0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c}), 151288809941952652U);
  EXPECT_EQ(read({0x9d, 0x7f, 0x3e, 0x7d}), 494878333U);
  EXPECT_EQ(read({0x7b, 0xbd}), 15293U);
  EXPECT_EQ(read({0x25}), 37U);
  for (const std::uint64_t value :
       {0ULL, 63ULL, 64ULL, 16383ULL, 16384ULL, 1ULL << 30U, (1ULL << 62U) - 1}) {
    std::vector<std::byte> out;
    append_varint(out, value);
    EXPECT_EQ(out.size(), varint_octets(value));
    EXPECT_EQ(read_varint(out)->value, value);
    out.pop_back();
    EXPECT_FALSE(read_varint(out));
  }
}

TEST_F(webtransport_gate, settings_go_out_first_on_a_control_stream) {
  const auto& control = below.streams.at(3).octets;
  ASSERT_GT(control.size(), 3U);
  EXPECT_EQ(control[0], std::byte{0});
  EXPECT_EQ(control[1], std::byte{4});
  EXPECT_EQ(std::to_integer<std::size_t>(control[2]), control.size() - 3);
  EXPECT_FALSE(below.streams.at(3).ended);
}

TEST_F(webtransport_gate, a_link_of_another_protocol_passes_untouched) {
  gate.on_opened(9, {.protocol = "sdd/1"});
  ASSERT_TRUE(above.opened);
  gate.on_datagram(9, octets_of("state"));
  gate.on_stream(9, 0, octets_of("control"), true);
  EXPECT_EQ(above.datagrams.at(0), octets_of("state"));
  EXPECT_TRUE(above.streams.at(0).second);
  EXPECT_TRUE(gate.send_datagram(9, octets_of("back"), 1));
  EXPECT_EQ(below.datagrams.at(0), octets_of("back"));
  EXPECT_EQ(gate.datagram_max(9), 1200U);
  gate.close(9, 5, "");
  EXPECT_EQ(below.closed, 5U);
}

TEST_F(webtransport_gate, a_session_tells_where_it_comes_from_and_what_it_asked_for) {
  begin_session();
  EXPECT_EQ(above.opened->protocol, "webtransport");
  EXPECT_EQ(above.opened->path, "/sdd?room=9");
  EXPECT_EQ(above.opened->authority, "relay.example:4433");
  EXPECT_EQ(above.opened->origin, "https://app.example");
  EXPECT_EQ(status_of(request), "200");
  EXPECT_FALSE(below.streams[request].ended);
}

TEST_F(webtransport_gate, a_request_that_comes_octet_by_octet_is_the_same_request) {
  for (const std::byte octet : octets_of(std::string_view("\x00\x04\x02\x08\x01", 5)))
    give(2, {octet});
  for (const std::byte octet : frame(1, block(good_request()))) give(request, {octet});
#ifdef LOBO_NGHTTP3
  EXPECT_EQ(status_of(request), "200");
  EXPECT_FALSE(below.closed);
#endif
}

TEST_F(webtransport_gate, requests_that_are_none_of_ours_are_answered_with_why) {
#ifndef LOBO_NGHTTP3
  GTEST_SKIP() << "built without nghttp3";
#endif
  const auto with = [](std::string_view name, std::string_view value) {
    auto fields = good_request();
    std::ranges::find(fields, name, [](const auto& one) { return one.first; })->second = value;
    return fields;
  };
  quic::StreamNo next = 0;
  for (const auto& [fields, status] : {std::pair{with(":method", "GET"), "405"},
                                       {with(":protocol", "websocket"), "501"},
                                       {with(":scheme", "http"), "400"},
                                       {with(":path", "/other"), "404"},
                                       {with("origin", "https://evil.example"), "403"}}) {
    give(next, frame(1, block(fields)), true);
    EXPECT_EQ(status_of(next), status);
    EXPECT_TRUE(below.streams[next].ended);
    next += 4;
  }
  EXPECT_FALSE(above.opened);
  EXPECT_FALSE(below.closed);
  // The first that is good, and one too many.
  give(next, frame(1, block(good_request())));
  EXPECT_EQ(status_of(next), "200");
  give(next + 4, frame(1, block(good_request())));
  EXPECT_EQ(status_of(next + 4), "429");
}

TEST_F(webtransport_gate, datagrams_carry_a_quarter_of_the_session_and_lose_it_again) {
  begin_session();
  gate.on_datagram(link, octets_of(std::string_view("\x00state", 6)));
  gate.on_datagram(link, octets_of("\x01of another session"));
  gate.on_datagram(link, {});
  ASSERT_EQ(above.datagrams.size(), 1U);
  EXPECT_EQ(above.datagrams[0], octets_of("state"));
  EXPECT_EQ(gate.datagram_max(link), 1199U);
  ASSERT_TRUE(gate.send_datagram(link, octets_of("back"), 4));
  EXPECT_EQ(below.datagrams.at(0), octets_of(std::string_view("\x00"
                                                              "back",
                                                              5)));
}

TEST_F(webtransport_gate, streams_of_the_session_pass_without_their_heads) {
  begin_session();
  give(4, octets_of(std::string_view("\x40\x41\x00hel", 6)));
  give(4, octets_of("lo"), true);
  EXPECT_EQ(above.streams.at(4).first, octets_of("hello"));
  EXPECT_TRUE(above.streams.at(4).second);
  ASSERT_TRUE(gate.write_stream(link, 4, octets_of("back"), true));
  EXPECT_EQ(below.streams[4].octets, octets_of("back"));

  give(6, octets_of(std::string_view("\x40\x54\x00one way", 10)), true);
  EXPECT_EQ(above.streams.at(6).first, octets_of("one way"));

  const auto ours = gate.open_stream(link, quic::StreamKind::both);
  ASSERT_TRUE(ours);
  ASSERT_TRUE(gate.write_stream(link, *ours, octets_of("push"), false));
  EXPECT_EQ(below.streams[*ours].octets, octets_of(std::string_view("\x40\x41\x00push", 7)));
  give(*ours, octets_of("answer"), true);
  EXPECT_EQ(above.streams.at(*ours).first, octets_of("answer"));
}

TEST_F(webtransport_gate, a_stream_of_no_session_is_sent_back) {
  give(4, octets_of(std::string_view("\x40\x41\x00hello", 8)));
  EXPECT_TRUE(below.streams[4].reset);
  EXPECT_TRUE(above.streams.empty());
  EXPECT_FALSE(below.closed);
}

TEST_F(webtransport_gate, codes_of_resets_are_the_applications_on_both_sides) {
  begin_session();
  give(4, octets_of(std::string_view("\x40\x41\x00", 3)));
  for (const std::uint64_t code : {0ULL, 1ULL, 29ULL, 30ULL, 31ULL, 255ULL, 4294967295ULL}) {
    gate.reset_stream(link, 5, code);
    gate.on_stream_reset(link, 1, *below.streams[5].reset);
    EXPECT_EQ(above.resets.at(1), code);
  }
  gate.reset_stream(link, 5, 30);
  EXPECT_EQ(below.streams[5].reset, 0x52e4a40fa8dbU + 31) << "the reserved one is left out";
}

TEST_F(webtransport_gate, the_other_end_ends_a_session_with_code_and_reason) {
  begin_session();
  auto value = octets_of(std::string_view("\x00\x00\x01\x02", 4));
  for (const std::byte octet : octets_of("done")) value.push_back(octet);
  give(request, frame(0, frame(0x2843, value)), true);
  ASSERT_TRUE(above.closed);
  EXPECT_EQ(above.closed->cause, quic::CloseCause::peer);
  EXPECT_EQ(above.closed->code, 0x102U);
  EXPECT_EQ(above.closed->detail, "done");
  EXPECT_EQ(below.closed, 0x100U);
  EXPECT_FALSE(gate.send_datagram(link, octets_of("x"), 1));
  above.closed.reset();
  gate.on_closed(link, {quic::CloseCause::local, 0x100, ""});
  EXPECT_FALSE(above.closed) << "it is told once";
  EXPECT_EQ(gate.sessions(), 0U);
}

TEST_F(webtransport_gate, we_end_a_session_by_a_capsule_and_wait_for_the_other_end) {
  begin_session();
  const std::size_t before = below.streams[request].octets.size();
  gate.close(link, 7, "bye");
  EXPECT_FALSE(below.closed);
  const auto& out = below.streams[request].octets;
  EXPECT_EQ(std::vector<std::byte>(out.begin() + static_cast<std::ptrdiff_t>(before), out.end()),
            octets_of(std::string_view("\x00\x0a\x68\x43\x07\x00\x00\x00\x07"
                                       "bye",
                                       12)));
  EXPECT_TRUE(below.streams[request].ended);
  gate.on_closed(link, {quic::CloseCause::peer, 0x100, ""});
  ASSERT_TRUE(above.closed);
  EXPECT_EQ(above.closed->cause, quic::CloseCause::local);
}

TEST_F(webtransport_gate, faults_end_the_connection_with_the_code_of_the_standard) {
  struct Case {
    quic::StreamNo stream;
    std::vector<std::byte> octets;
    bool end;
    H3 code;
  };
  const std::vector<Case> cases{
      {2, octets_of(std::string_view("\x00\x07\x00", 3)), false, H3::missing_settings},
      {2, octets_of(std::string_view("\x00\x04\x00\x04\x00", 5)), false, H3::frame_unexpected},
      {2, octets_of(std::string_view("\x00\x04\x01\x40", 4)), false, H3::frame_error},
      {2, octets_of(std::string_view("\x00\x04\x00", 3)), true, H3::closed_critical_stream},
      {2, octets_of(std::string_view("\x00\x04\x80\x01\x00\x00", 6)), false, H3::excessive_load},
      {2, octets_of("\x01"), false, H3::stream_creation_error},
      {0, octets_of(std::string_view("\x00\x01x", 3)), false, H3::frame_unexpected},
      {0, octets_of(std::string_view("\x04\x00", 2)), false, H3::frame_unexpected},
      {0, octets_of(std::string_view("\x01\x80\x00\x40\x01", 5)), false, H3::excessive_load},
      {0, octets_of(std::string_view("\x21\x00", 2)), true, H3::request_incomplete},
      {4, octets_of("\x40\x41\x03"), false, H3::id_error},
#ifdef LOBO_NGHTTP3
      {0, octets_of(std::string_view("\x01\x03\xff\xff\xff", 5)), false,
       H3::qpack_decompression_failed},
#endif
  };
  for (const auto& one : cases) {
    Above heard;
    Below wire;
    Gate fresh({.origins = {"*"}, .path = {}}, heard);
    fresh.stand_on(wire);
    fresh.on_opened(link, {.protocol = "h3"});
    fresh.on_stream(link, one.stream, one.octets, one.end);
    EXPECT_EQ(wire.closed, static_cast<std::uint64_t>(one.code));
    EXPECT_FALSE(heard.opened);
  }
}

TEST_F(webtransport_gate, frames_and_streams_that_nobody_knows_are_passed_over) {
  give(2, octets_of(std::string_view("\x00\x04\x00\x40\x99\x03xyz", 9)));
  give(6, octets_of("\x21whatever"), true);
  give(10, octets_of("\x02qpack"));
  give(request, octets_of(std::string_view("\x21\x02xy", 4)));
  EXPECT_FALSE(below.closed);
}

}  // namespace
}  // namespace lobo::adapters::webtransport
