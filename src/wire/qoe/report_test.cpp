#include "wire/qoe/report.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/date_time.hpp"
#include "wire/qoe/container.hpp"

namespace lobo::qoe {
namespace {

using namespace std::chrono_literals;

/// A document around these metrics, as a client of another maker writes it.
std::string around(std::string_view metrics, std::string_view attributes = R"(reportPeriod="10")") {
  return R"(<?xml version="1.0" encoding="utf-8"?>
<ReceptionReport clientID="c1" contentURI="http://sl1.example/m4/live.mpd"
    xmlns:sv="urn:3gpp:metadata:2016:PSS:schemaVersion"
    xmlns="urn:3gpp:metadata:2011:HSD:receptionreport">
  <QoeReport recordingSessionId="1992b9e33a59419f88fae51eac909ef8" periodID=""
      reportTime="2026-11-22T12:00:10.011Z" )" +
         std::string(attributes) + "><QoeMetric>" + std::string(metrics) +
         "</QoeMetric></QoeReport></ReceptionReport>";
}

std::string refused_at(std::string_view xml) {
  const auto read = read_report(xml);
  if (read) return "nothing";
  return read.error().faults.empty() ? "nowhere" : read.error().faults.front().where;
}
Errc refused_as(std::string_view xml) {
  const auto read = read_report(xml);
  return read ? Errc::internal : read.error().code;
}

TEST(qoe_report, is_read_as_other_clients_write_it) {
  const auto read = read_report(
      around(R"(<BufferLevel><BufferLevelEntry level="6256" t="2026-11-22T12:00:01Z"/>)"
             R"(<BufferLevelEntry level="9503" t="2026-11-22T12:00:09Z"/>)"
             R"(<BufferLevelEntry level="1" t="2026-11-22T12:00:02Z"/></BufferLevel>)"
             R"(<HttpList><HttpListEntry tcpid="1"/></HttpList>)"
             R"(<AvgThroughput numBytes="5000000" activityTime="8000" duration="10000"/>)"
             R"(<InitialPlayoutDelay> 420 </InitialPlayoutDelay>)"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->client_id, "c1");
  ASSERT_EQ(read->reports.size(), 1U);
  const auto& one = read->reports[0];
  EXPECT_EQ(one.recording_session, "1992b9e33a59419f88fae51eac909ef8");
  EXPECT_EQ(one.period, 10s);
  EXPECT_EQ(one.buffer, 9503ms) << "the newest, not the last";
  EXPECT_EQ(one.throughput_bps, 5'000'000U);
  EXPECT_EQ(one.startup, 420ms);
  EXPECT_FALSE(one.rebuffer_ratio());
}

TEST(qoe_report, counts_a_stall_from_where_playing_stopped_to_where_it_went_on) {
  const auto read = read_report(around(
      R"(<PlayList><Trace><TraceEntry start="2026-11-22T12:00:00Z" duration="6000" )"
      R"(stopReason="rebuffering"/><TraceEntry start="2026-11-22T12:00:08Z" duration="2000" )"
      R"(stopReason="user"/><TraceEntry start="2026-11-22T13:00:00Z" duration="0"/></Trace></PlayList>)"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->reports[0].stalled, 2s) << "a pause that the user made is none";
  EXPECT_DOUBLE_EQ(*read->reports[0].rebuffer_ratio(), 0.2);
}

TEST(qoe_report, a_document_type_and_its_entities_are_refused) {
  const auto text = around("");
  const auto at = text.find("<Reception");
  const auto with = [&](std::string_view type) {
    return text.substr(0, at) + std::string(type) + text.substr(at);
  };
  EXPECT_EQ(refused_as(with("<!DOCTYPE r [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>")),
            Errc::not_allowed);
  EXPECT_EQ(refused_as(with("<!DOCTYPE r SYSTEM \"file:///etc/passwd\">")), Errc::not_allowed);
  EXPECT_EQ(refused_at(around("<InitialPlayoutDelay>&a;</InitialPlayoutDelay>")),
            "/ReceptionReport/QoeReport/0/QoeMetric/0/InitialPlayoutDelay")
      << "an entity that nobody declared is text";
}

TEST(qoe_report, wrong_units_and_zero_or_negative_intervals_are_refused_by_their_place) {
  const std::string metric = "/ReceptionReport/QoeReport/0/QoeMetric/0/";
  EXPECT_EQ(refused_at(around("<InitialPlayoutDelay>420ms</InitialPlayoutDelay>")),
            metric + "InitialPlayoutDelay");
  EXPECT_EQ(refused_at(around("<InitialPlayoutDelay>-1</InitialPlayoutDelay>")),
            metric + "InitialPlayoutDelay");
  EXPECT_EQ(refused_at(around(R"(<AvgThroughput numBytes="5MB" activityTime="1"/>)")),
            metric + "AvgThroughput/numBytes");
  EXPECT_EQ(refused_at(around(R"(<BufferLevel><BufferLevelEntry level="99999999999" )"
                              R"(t="2026-11-22T12:00:01Z"/></BufferLevel>)")),
            metric + "BufferLevel/BufferLevelEntry/0/level");
  const std::string period = "/ReceptionReport/QoeReport/0/reportPeriod";
  for (const auto* wrong : {"0", "-10", "10s", "", "1e3", "99999999"})
    EXPECT_EQ(refused_at(around("", "reportPeriod=\"" + std::string(wrong) + '"')), period)
        << wrong;
  EXPECT_EQ(refused_at(around("", "x=\"1\"")), period) << "it is missing";
}

TEST(qoe_report, what_is_deep_large_many_or_something_else_is_refused) {
  const auto nested = [](std::size_t depth) {
    std::string out;
    for (std::size_t i = 0; i < depth; ++i) out += "<x>";
    for (std::size_t i = 0; i < depth; ++i) out += "</x>";
    return out;
  };
  EXPECT_TRUE(read_report(around(nested(4))));
  EXPECT_EQ(refused_as(around(nested(20'000))), Errc::too_large);
  std::string many;
  for (std::size_t i = 0; i <= elements_max; ++i) many += "<x/>";
  EXPECT_EQ(refused_as(around(many)), Errc::too_large);
  EXPECT_EQ(refused_as(around(std::string(report_bytes_max, ' '))), Errc::too_large);
  EXPECT_EQ(refused_as("<ReceptionReport/>"), Errc::not_allowed) << "of no namespace";
  EXPECT_EQ(refused_as("{}"), Errc::malformed);
  EXPECT_EQ(refused_as(""), Errc::malformed);
  EXPECT_EQ(refused_at(R"(<ReceptionReport xmlns="urn:3gpp:metadata:2011:HSD:receptionreport"/>)"),
            "/ReceptionReport/QoeReport");
}

QoeReport any_report() {
  const auto ms = [](int max) { return std::chrono::milliseconds{*rc::gen::inRange(0, max)}; };
  QoeReport out;
  out.recording_session = "s" + std::to_string(*rc::gen::inRange(0, 1000));
  out.time = *model::parse_date_time("2026-11-22T12:00:00Z") + ms(1'000'000);
  out.period = std::chrono::seconds{*rc::gen::inRange(1, 3600)};
  if (*rc::gen::arbitrary<bool>())
    out.throughput_bps = static_cast<std::uint64_t>(*rc::gen::inRange(0, 1'000'000)) * 8;
  if (*rc::gen::arbitrary<bool>()) out.startup = ms(60'000);
  if (*rc::gen::arbitrary<bool>()) out.buffer = ms(60'000);
  if (*rc::gen::arbitrary<bool>()) {
    out.played = ms(3'600'000);
    out.stalled = ms(60'000);
  }
  if (*rc::gen::arbitrary<bool>()) out.service_location = "SL1";
  return out;
}

TEST(qoe_report, what_is_written_is_read_as_the_same_also_through_a_container) {
  EXPECT_TRUE(rc::check([] {
    ReceptionReport report{"client&<1>\"", "http://sl1.example/m4/a.mpd?x=1&y='2'", {}};
    const auto count = *rc::gen::inRange(1, 4);
    for (int i = 0; i < count; ++i) report.reports.push_back(any_report());
    const auto text = write_report(report);
    const auto read = read_report(text);
    RC_ASSERT(read.has_value());
    RC_ASSERT(*read == report);
    const auto container = make_container(text);
    RC_ASSERT(container.has_value());
    const auto opened = open_container(*container);
    RC_ASSERT(opened.has_value());
    RC_ASSERT(*opened == text);
  }));
}

TEST(qoe_container, one_above_the_limit_is_neither_made_nor_opened) {
  std::string noise;
  std::uint64_t state = 42;
  for (std::size_t i = 0; i < 2 * container_bytes_max; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    noise += static_cast<char>(state >> 56U);
  }
  EXPECT_EQ(make_container(noise).error().code, Errc::too_large);
  EXPECT_EQ(open_container(gzip(noise)).error().code, Errc::too_large);
  const auto small = gzip("<a/>");
  EXPECT_TRUE(open_container(small, small.size()));
  EXPECT_EQ(open_container(small, small.size() - 1).error().code, Errc::too_large);
}

TEST(qoe_container, a_gzip_bomb_ends_at_the_bound) {
  const auto bomb = gzip(std::string(report_bytes_max * 16, ' '));
  ASSERT_LT(bomb.size(), container_bytes_max);
  EXPECT_EQ(open_container(bomb).error().code, Errc::too_large);
  EXPECT_TRUE(open_container(gzip(std::string(report_bytes_max, ' '))));
}

TEST(qoe_container, each_strict_prefix_and_anything_behind_it_is_refused) {
  const auto whole = gzip("<ReceptionReport/>");
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(open_container(whole.substr(0, size)).error().code, Errc::malformed) << size;
  EXPECT_EQ(open_container(whole + "x").error().code, Errc::malformed);
  EXPECT_EQ(open_container(whole + whole).error().code, Errc::malformed);
  EXPECT_EQ(open_container("<ReceptionReport/>").error().code, Errc::malformed);
}

}  // namespace
}  // namespace lobo::qoe
