#include "energy/meter/access_log.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lobo::energy::meter {
namespace {

constexpr std::string_view line =
    "1732300000.123 127.0.1.1 8080 200 765432 210 sl1.example /m4/seg-7.m4s?t=1";

TEST(access_log, a_line_says_who_sent_what) {
  const auto entry = parse_log_line(line);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->at_ms, 1'732'300'000'123U);
  EXPECT_EQ(entry->server_address, "127.0.1.1");
  EXPECT_EQ(entry->server_port, 8080);
  EXPECT_EQ(entry->status, 200U);
  EXPECT_EQ(entry->bytes_sent, 765'432U);
  EXPECT_EQ(entry->bytes_received, 210U);
  EXPECT_EQ(entry->host, "sl1.example");
  EXPECT_EQ(entry->path, "/m4/seg-7.m4s");
}

TEST(access_log, a_line_of_another_format_is_refused) {
  for (const auto* text :
       {"", "-", "1732300000.123 127.0.1.1 8080 200 765432 210 host",
        "1732300000.123 127.0.1.1 8080 200 765432 210 host ",
        "1732300000 127.0.1.1 8080 200 765432 210 host /", "x.123 a 8080 200 1 1 host /",
        "1732300000.123 a 80800 200 1 1 host /", "1732300000.123 a 8080 2000 1 1 host /",
        "1732300000.123 a 8080 200 -1 1 host /",
        "1732300000.123 a 8080 200 99999999999999999999 1 host /",
        "1732300000.123 a 8080 200 9999999999999999 1 host /",
        "127.0.0.1 - - [22/Nov/2026:16:52:50 +0000] \"GET / HTTP/1.1\" 200 12 \"-\" \"curl\""})
    EXPECT_FALSE(parse_log_line(text)) << text;
}

TEST(access_log, the_longest_prefix_in_whole_segments_wins) {
  LocationMap map;
  map.add({"sl1.example", 8080, "/"}, 0);
  map.add({"sl1.example", 8080, "/a"}, 1);
  map.add({"sl1.example", 8080, "/a/b/"}, 2);
  map.add({"2001:db8::1", 8080, "/"}, 3);
  const auto at = [&](std::string_view host, std::string_view path) {
    return map.find(
        {.server_address = "2001:db8::1", .server_port = 8080, .host = host, .path = path});
  };
  EXPECT_EQ(at("sl1.example", "/x"), 0U);
  EXPECT_EQ(at("sl1.example", "/ab"), 0U);
  EXPECT_EQ(at("sl1.example", "/a"), 1U);
  EXPECT_EQ(at("sl1.example", "/a/c"), 1U);
  EXPECT_EQ(at("sl1.example", "/a/b/c"), 2U);
  EXPECT_EQ(at("other.example", "/a"), 3U);  // by the address that answered
  EXPECT_FALSE(map.find({.server_address = "10.0.0.1", .server_port = 8080, .host = "x"}));
}

TEST(access_log, what_is_of_no_location_is_counted_apart_and_what_is_no_line_too) {
  LocationMap map;
  map.add({"sl1.example", 8080, "/m4/"}, 0);
  Traffic traffic{.of = std::vector<Use>(1)};
  traffic.count(map, line);
  traffic.count(map, "1732300000.123 127.0.1.1 8080 503 100 20 sl1.example /m4/x");
  traffic.count(map, "1732300000.123 127.0.1.1 8080 200 7 3 sl1.example /favicon.ico");
  traffic.count(map, "garbage");
  EXPECT_EQ(traffic.of[0],
            (Use{.bytes_tx = 765'532, .bytes_rx = 230, .requests = 2, .errors_5xx = 1}));
  EXPECT_EQ(traffic.other, (Use{.bytes_tx = 7, .bytes_rx = 3, .requests = 1, .errors_5xx = 0}));
  EXPECT_EQ(traffic.lines_unreadable, 1U);
}

TEST(access_log, names_that_are_told_apart_count_in_their_location_as_well) {
  LocationMap map;
  map.add({"127.0.1.1", 8080, "/"}, 0);
  map.add({"127.0.1.2", 8080, "/"}, 1);
  Traffic traffic{.of = std::vector<Use>(2), .flows = {{{"a.example", {}}}, {}}};
  traffic.count(map, "1732300000.123 127.0.1.1 8080 200 100 1 a.example /x");
  traffic.count(map, "1732300000.123 127.0.1.1 8080 200 10 1 b.example /x");
  traffic.count(map, "1732300000.123 127.0.1.2 8080 200 7 1 a.example /x");
  traffic.count(map, "1732300000.123 127.0.1.3 8080 200 7 1 a.example /x");
  EXPECT_EQ(traffic.of[0].bytes_tx, 110U);
  EXPECT_EQ(traffic.flows[0].at("a.example").bytes_tx, 100U) << "there alone";
  EXPECT_EQ(traffic.flows[0].size(), 1U);
  EXPECT_TRUE(traffic.flows[1].empty());
}

TEST(access_log, a_line_that_is_too_long_is_dropped_whole_and_the_next_is_read) {
  LineSplitter splitter;
  std::vector<std::string> lines;
  const auto take = [&](std::string_view read) { lines.emplace_back(read); };
  splitter.feed("one\n" + std::string(log_line_bytes_max, 'x'), take);
  splitter.feed("xxx", take);
  splitter.feed("xxx\ntwo\nthr", take);
  splitter.feed("ee\n", take);
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_EQ(splitter.dropped(), 1U);
}

RC_GTEST_PROP(access_log, lines_are_the_same_whatever_the_pieces, ()) {
  const auto texts = *rc::gen::container<std::vector<std::string>>(
      rc::gen::container<std::string>(rc::gen::inRange('a', 'e')));
  std::string whole;
  for (const auto& text : texts) whole += text + '\n';
  LineSplitter splitter;
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < whole.size();) {
    const auto size = *rc::gen::inRange<std::size_t>(1, 9);
    splitter.feed(std::string_view(whole).substr(at, size),
                  [&](std::string_view read) { lines.emplace_back(read); });
    at += size;
  }
  RC_ASSERT(lines == texts);
}

TEST(stub_status, counts_requests_and_neither_waiting_connections_nor_itself) {
  EXPECT_EQ(parse_stub_status("Active connections: 43 \nserver accepts handled requests\n 9 9 99 \n"
                              "Reading: 1 Writing: 3 Waiting: 39 \n"),
            3U);
  EXPECT_EQ(parse_stub_status("Reading: 0 Writing: 1 Waiting: 500 \n"), 0U);
  EXPECT_EQ(parse_stub_status("Reading: 0 Writing: 0 Waiting: 0"), 0U);
  EXPECT_FALSE(parse_stub_status("<html>404</html>"));
  EXPECT_FALSE(parse_stub_status("Reading: x Writing: 1"));
}

}  // namespace
}  // namespace lobo::energy::meter
