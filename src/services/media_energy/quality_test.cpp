// Metrics reports on M5 through the routes, and what becomes of them.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/media_types.hpp"
#include "services/media_energy/mapping.hpp"
#include "support/media_driver.hpp"
#include "wire/http/message.hpp"
#include "wire/qoe/container.hpp"
#include "wire/qoe/report.hpp"

namespace lobo::media_energy {
namespace {

using namespace std::chrono_literals;
using lobo::testing::MediaDriver;
using Action = api::media_types::EnergyAction;

const std::string reselects =
    R"({"thresholds":[{"thresholdRef":"hot","metric":"POWER_W","direction":"UP","crossing":150,)"
    R"("clear":130}],"adaptationGuidance":[{"action":"RESELECT_SERVICE_LOCATION",)"
    R"("triggerThresholdRef":"hot"}],"reporting":{"mode":"THRESHOLD","minReportSpacing":1},)"
    R"("serviceEnergyProfile":{"qoeFloor":{"maxRebufferRatio":0.05,"maxStartupMs":1000,)"
    R"("minBitRate":"1 Mbps"}}})";

class media_quality : public ::testing::Test {
 protected:
  media_quality() : session(d.session()) {
    d.host(session);
    d.expose(session);
    d.server("as1", "SL1");
    d.server("as2", "SL2");
    const auto made = d.ask(
        "POST", MediaDriver::session_path(session) + "/metrics-reporting-configurations",
        R"({"scheme":"urn:3GPP:ns:PSS:DASH:QM10","reportingInterval":10,"samplingPeriod":1,"metrics":["PlayList"]})");
    EXPECT_EQ(made.status, 201) << made.body;
    configuration = MediaDriver::id_of(made);
    client = d.subscribe(session, d.policy(session, reselects), "play-1",
                         R"(,"serviceLocationId":"SL1")");
    run(3);
    d.recommended(client);
  }
  void run(int seconds) { d.run(seconds, {{"as1", {}}, {"as2", {}}}); }
  qoe::QoeReport well(std::string_view name = "play-1", std::string_view at = "SL1") const {
    qoe::QoeReport out;
    out.recording_session = name;
    out.time = d.now;
    out.period = 10s;
    out.throughput_bps = 8'000'000;
    out.startup = 300ms;
    out.played = 10s;
    out.service_location = at;
    return out;
  }
  http::Response send(std::string body, http::Headers headers = {}) {
    http::Request request;
    request.method = "POST";
    request.target = "/3gpp-m5/v2/metrics-reporting/" + session + '/' + configuration;
    request.headers = std::move(headers);
    request.body = std::move(body);
    return d.ask(std::move(request), "ue");
  }
  int tell(const qoe::QoeReport& report, std::string_view uri = "http://sl2.example/m4/live.mpd") {
    return send(qoe::write_report({"c", std::string(uri), {report}})).status;
  }
  bool did(std::string_view number) const {
    return std::ranges::any_of(d.steps, [&](const auto& one) { return one.number == number; });
  }

  MediaDriver d;
  std::string session, configuration, client;
};

TEST_F(media_quality, tells_clients_what_to_report_and_where) {
  const auto told = d.eiaf.service_access(session, d.now)->client_metrics_reporting_configurations;
  ASSERT_TRUE(told);
  ASSERT_EQ(told->size(), 1U);
  EXPECT_EQ(told->at(0).metrics_reporting_configuration_id, configuration);
  EXPECT_EQ(told->at(0).server_addresses.at(0), "http://af.example/3gpp-m5/v2/");
  EXPECT_EQ(told->at(0).reporting_interval, 10);
  EXPECT_EQ(told->at(0).sample_percentage, 100);
}

TEST_F(media_quality, below_the_floor_a_session_leaves_its_location_and_is_not_sent_back) {
  ASSERT_EQ(tell(well()), 204);
  run(2);
  EXPECT_TRUE(d.recommended(client).empty());
  auto bad = well();
  bad.stalled = 2s;
  ASSERT_EQ(tell(bad), 204);
  run(1);
  const auto told = d.recommended(client);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].action, Action::reselect_service_location);
  EXPECT_EQ(told[0].service_location_priority->front(), "SL2");
  EXPECT_EQ(d.moved(client, "SL2", told[0].move_id).status, 204);
  d.run(5, {{"as1", {}}, {"as2", {.power_w = 190}}});
  EXPECT_TRUE(d.recommended(client).empty()) << "only the vetoed one would take less";
  for (const auto* number : {"10f", "10g", "31d", "32"}) EXPECT_TRUE(did(number)) << number;
}

TEST_F(media_quality, each_member_of_the_floor_is_held_against_what_is_reported) {
  const auto moves = [&](const qoe::QoeReport& report) {
    EXPECT_EQ(tell(report), 204);
    run(1);
    const auto told = d.recommended(client);
    if (!told.empty()) d.moved(client, "SL1", told[0].move_id, "FAILED");
    run(1);
    return !told.empty();
  };
  auto report = well();
  report.startup = 1001ms;
  EXPECT_TRUE(moves(report));
  d.run(301, {{"as1", {}}, {"as2", {}}});  // The vetoes are over.
  d.recommended(client);
  report = well();
  report.startup = 1000ms;
  report.stalled = 500ms;  // 0.5 of 10.5 is less than 0.05
  report.throughput_bps = 1'000'000;
  EXPECT_FALSE(moves(report));
  report = well();
  report.throughput_bps = 999'992;
  EXPECT_TRUE(moves(report));
}

TEST_F(media_quality, maps_a_session_by_the_location_that_it_names_or_by_its_mpd) {
  ASSERT_EQ(tell(well("other", "")), 204);
  EXPECT_EQ(d.eiaf.placements().find("other")->location, "SL2") << "by contentURI";
  EXPECT_EQ(d.eiaf.placements().find("other")->source, Source::qoe);
  ASSERT_EQ(tell(well("another", "SL1")), 204);
  EXPECT_EQ(d.eiaf.placements().find("another")->location, "SL1");
  const auto before = d.eiaf.placements().unmapped();
  ASSERT_EQ(tell(well("nobody", ""), "http://elsewhere.example/a.mpd"), 204);
  EXPECT_EQ(d.eiaf.placements().unmapped(), before + 1) << "counted, not guessed";
  EXPECT_EQ(d.eiaf.placements().find("nobody"), nullptr);
}

TEST_F(media_quality, finds_a_session_by_the_digits_of_its_uuid) {
  const std::string uuid = "1992b9e3-3a59-419f-88fa-e51eac909ef8";
  d.subscribe(session, d.policy(session, R"({"externalReference":"b"})"), uuid);
  ASSERT_EQ(tell(well("1992b9e33a59419f88fae51eac909ef8", "SL2")), 204);
  ASSERT_NE(d.eiaf.placements().find(uuid), nullptr);
  EXPECT_EQ(d.eiaf.placements().find(uuid)->location, "SL2");
}

TEST_F(media_quality, a_repeated_an_old_and_a_future_report_are_counted_and_not_believed) {
  const auto report = well();
  ASSERT_EQ(tell(report), 204);
  auto bad = report;
  bad.stalled = 5s;
  ASSERT_EQ(tell(bad), 204);
  bad.time = d.now - 2h;
  ASSERT_EQ(tell(bad), 204);
  bad.time = d.now + 6min;
  ASSERT_EQ(tell(bad), 204);
  EXPECT_EQ(d.eiaf.stale_qoe(), 3U);
  run(2);
  EXPECT_TRUE(d.recommended(client).empty());
}

TEST_F(media_quality, shows_the_score_of_a_location_as_long_as_somebody_confirms_it) {
  const auto score = [&](std::size_t at) {
    return d.eiaf.service_access(session, d.now)
        ->streaming_access->entry_points->at(0)
        .service_locations->at(at)
        .energy_characteristics->qoe_score;
  };
  EXPECT_FALSE(score(0));
  auto report = well("x", "SL1");
  report.played = 8s;
  report.stalled = 2s;
  ASSERT_EQ(tell(report), 204);
  EXPECT_DOUBLE_EQ(*d.eiaf.qoe_score("SL1", d.now), 0.8);
  EXPECT_TRUE(score(0) || score(1));
  report.stalled = 0s;
  ASSERT_EQ(tell(report), 204);
  EXPECT_DOUBLE_EQ(*d.eiaf.qoe_score("SL1", d.now), 0.84) << "the new one weighs a fifth";
  EXPECT_FALSE(d.eiaf.qoe_score("SL1", d.now + 10min));
  EXPECT_FALSE(d.eiaf.qoe_score("SL2", d.now));
}

TEST_F(media_quality, takes_gzip_and_refuses_bombs_and_other_codings) {
  const auto text = qoe::write_report({"c", "http://sl2.example/m4/live.mpd", {well("z", "")}});
  EXPECT_EQ(send(qoe::gzip(text), {{"content-encoding", "gzip"}}).status, 204);
  EXPECT_EQ(d.eiaf.placements().find("z")->location, "SL2");
  const auto bomb = qoe::gzip(std::string(8 * qoe::report_bytes_max, ' '));
  EXPECT_EQ(send(bomb, {{"content-encoding", "gzip"}}).status, 413);
  EXPECT_EQ(send(qoe::gzip(text).substr(9), {{"content-encoding", "gzip"}}).status, 400);
  EXPECT_EQ(send(text, {{"content-encoding", "br"}}).status, 415);
  EXPECT_EQ(send(text, {{"content-encoding", "GZIP"}}).status, 400) << "it is no gzip";
}

TEST_F(media_quality,
       entities_wrong_units_and_zero_or_negative_intervals_are_refused_by_their_place) {
  const auto text = qoe::write_report({"c", "", {well()}});
  const auto with = [&](std::string_view from, std::string_view to) {
    auto out = text;
    const auto at = out.find(from);
    EXPECT_NE(at, std::string::npos);
    return out.replace(at, from.size(), to);
  };
  const std::string in = "/ReceptionReport/QoeReport/0/";
  const auto blamed = [&](const std::string& body) {
    const auto answer = send(body);
    EXPECT_EQ(answer.status, 400) << answer.body;
    const auto where = MediaDriver::blamed(answer);
    return where.empty() ? std::string() : where.front();
  };
  EXPECT_EQ(blamed(with(R"(reportPeriod="10")", R"(reportPeriod="0")")), in + "reportPeriod");
  EXPECT_EQ(blamed(with(R"(reportPeriod="10")", R"(reportPeriod="-10")")), in + "reportPeriod");
  EXPECT_EQ(blamed(with(">300<", ">300 ms<")), in + "QoeMetric/1/InitialPlayoutDelay");
  EXPECT_EQ(blamed(R"(<!DOCTYPE r [<!ENTITY a "b">]>)" + text), "/");
  EXPECT_EQ(d.eiaf.placements().find("play-1")->source, Source::collector) << "nothing was taken";
}

TEST_F(media_quality, a_configuration_that_the_session_does_not_have_is_not_found) {
  configuration = "other";
  EXPECT_EQ(tell(well()), 404);
  session = "other";
  EXPECT_EQ(tell(well()), 404);
}

}  // namespace
}  // namespace lobo::media_energy
