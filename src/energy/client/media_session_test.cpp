#include "energy/client/media_session.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/media_e5.hpp"
#include "api/media_m5.hpp"
#include "api/net_control.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "model/date_time.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/qoe/container.hpp"
#include "wire/qoe/report.hpp"

namespace lobo::energy::client {
namespace {

using namespace std::chrono_literals;
using Phase = MediaSession::Phase;

constexpr std::string_view access_text =
    R"({"provisioningSessionId":"p1","provisioningSessionType":"DOWNLINK","streamingAccess":)"
    R"({"entryPoints":[{"locator":"http://sl1.example/live.mpd","contentType":"application/dash+xml",)"
    R"("serviceLocations":[{"serviceLocationId":"SL1","baseUrl":"http://sl1.example/","priority":1,)"
    R"("state":"ACTIVE","energyCharacteristics":{"whPerGB":3,"gCO2ePerGB":0.1,"method":"MODEL_CPU",)"
    R"("relUncertainty":0.2,"validUntil":"2026-11-22T19:00:00Z"}},{"serviceLocationId":"SL2","baseUrl":)"
    R"("http://sl2.example/","priority":2,"state":"ACTIVE","energyCharacteristics":{"whPerGB":2,)"
    R"("gCO2ePerGB":0.9,"method":"MODEL_CPU","relUncertainty":0.2,"validUntil":"2026-11-22T19:00:00Z"}},)"
    R"({"serviceLocationId":"SL3","baseUrl":"http://sl3.example/","priority":3,"state":"STANDBY",)"
    R"("energyCharacteristics":{"whPerGB":1,"method":"MODEL_CPU","relUncertainty":0.2,)"
    R"("validUntil":"2026-11-22T19:00:00Z"}}]}]},"clientEnergyInformationConfiguration":)"
    R"({"serverAddresses":["http://af.example/x-e5/v1/"],"energyPolicyBindings":[{"externalReference":)"
    R"("eco","energyPolicyId":"ep1"},{"externalReference":"live","energyPolicyId":"ep2"}],)"
    R"("transports":["LONG_POLL"],"reportingInterval":10,"contentSteeringUrl":)"
    R"("http://steer.example/steer/dash"}})";
constexpr std::string_view made_text =
    R"({"subscriptionId":"s1","provisioningSessionId":"p1","energyPolicyId":"ep2",)"
    R"("mediaDeliverySessionId":"m1","expires":"2026-11-22T19:00:00Z"})";

class media_session : public ::testing::Test {
 protected:
  http::Response ok(std::string_view body, int status = 200) const {
    return {status, {{"content-type", "application/json"}}, std::string(body)};
  }
  /// What came out since the last time; calls are kept by what they ask.
  void take() {
    auto dues = ue.take_dues();
    for (auto& one : dues.calls) calls.push_back(std::move(one));
    for (auto& one : dues.orders) orders.push_back(std::move(one));
    for (auto& one : dues.steps) steps.emplace_back(one.number);
  }
  /// Answers the newest request to that path; how it looked.
  http::Request answer(std::string_view path, const Result<http::Response>& with) {
    take();
    const auto found = std::find_if(calls.rbegin(), calls.rend(), [&](const auto& one) {
      return one.request.target.find(path) != std::string::npos;
    });
    EXPECT_NE(found, calls.rend()) << "nobody asked for " << path;
    if (found == calls.rend()) return {};
    auto call = std::move(*found);
    calls.erase(std::next(found).base());
    ue.answered(call.id, with, now);
    take();
    return call.request;
  }
  void until_listening() {
    ue.start(now);
    answer("/service-access-information/p1", ok(access_text));
    EXPECT_TRUE(ue.select(0, "SL1", now));
    answer("/subscriptions", ok(made_text, 201));
  }
  std::string event(std::string_view recommendation, std::uint64_t sequence = 7) const {
    return R"({"last":)" + std::to_string(sequence) + R"(,"events":[{"sequence":)" +
           std::to_string(sequence) +
           R"(,"energyPolicyId":"ep2","appId":"a","provisioningSessionId":"p1",)"
           R"("energyMeasurementScope":{"level":"SERVICE_LOCATION"},"energyMeasurementTime":{"start":)"
           R"("2026-11-22T17:00:00Z","end":"2026-11-22T17:00:10Z"},"energyReportingReason":)"
           R"("RESELECTION","energyReportValidityTime":30,"energyInformationTimestamp":)"
           R"("2026-11-22T17:00:10Z","energyAdaptationRecommendation":)" +
           std::string(recommendation) + "}]}";
  }
  std::string when(std::chrono::milliseconds from, std::chrono::milliseconds until,
                   int jitter_ms = 0) const {
    return R"("notBefore":")" + model::format_date_time(now + from) + R"(","notAfter":")" +
           model::format_date_time(now + until) + R"(","jitterMs":)" + std::to_string(jitter_ms) +
           R"(,"moveId":"mv1")";
  }
  bool did(std::string_view number) const {
    return std::ranges::find(steps, number) != steps.end();
  }
  template <class T>
  std::vector<T> ordered() const {
    std::vector<T> out;
    for (const auto& one : orders)
      if (const auto* found = std::get_if<T>(&one)) out.push_back(*found);
    return out;
  }

  SeededRng rng{1};
  SessionSettings settings{.api_root = "http://af.example",
                           .provisioning_session = "p1",
                           .session = "m1",
                           .policy_reference = "live",
                           .bit_rate = "4 Mbps"};
  MediaSession ue{settings, rng};
  Instant now = *model::parse_date_time("2026-11-22T17:00:00Z");
  std::vector<MediaSession::Call> calls;
  std::vector<Order> orders;
  std::vector<std::string> steps;
};

TEST_F(media_session, traces_what_its_player_does_at_application_servers) {
  until_listening();
  EXPECT_TRUE(did("12"));
  const auto player = [&](energy::client::Delivery what, std::string_view number,
                          std::string_view at) {
    ue.delivers(what, at);
    const auto dues = ue.take_dues();
    ASSERT_EQ(dues.steps.size(), 1U);
    EXPECT_EQ(dues.steps[0].number, number);
    EXPECT_EQ(dues.steps[0].what, at);
  };
  using enum energy::client::Delivery;
  player(begun, "17", "SL1");
  player(requested, "18", "SL1");
  player(arriving, "19", "SL1");
  player(connected, "35c", "SL2");
  player(goes_on, "35g", "SL2");
}

TEST_F(media_session, tells_the_application_what_each_entry_point_takes) {
  ue.start(now);
  answer("/3gpp-m5/v2/service-access-information/p1", ok(access_text));
  EXPECT_EQ(ue.phase(), Phase::choosing);
  ASSERT_EQ(ue.entry_points().size(), 1U);
  EXPECT_EQ(ue.entry_points()[0].locations[1].energy_characteristics->wh_per_gb, 2);
  EXPECT_EQ(ue.steering_url(), "http://steer.example/steer/dash");
}

TEST_F(media_session, an_application_chooses_by_priority_energy_or_carbon_but_never_who_sleeps) {
  ue.start(now);
  answer("/service-access-information/p1", ok(access_text));
  EXPECT_EQ(ue.best(0, Choice::priority)->service_location_id, "SL1");
  EXPECT_EQ(ue.best(0, Choice::energy)->service_location_id, "SL2");
  EXPECT_EQ(ue.best(0, Choice::carbon)->service_location_id, "SL1");
  EXPECT_FALSE(ue.best(1, Choice::priority));
  EXPECT_FALSE(ue.select(0, "SL9", now));
  EXPECT_FALSE(ue.select(1, "SL1", now));
  EXPECT_TRUE(ue.select(0, "SL2", now));
  EXPECT_FALSE(ue.select(0, "SL1", now)) << "it has begun";
}

TEST_F(media_session, subscribes_under_the_policy_that_its_reference_is_bound_to) {
  ue.start(now);
  answer("/service-access-information/p1", ok(access_text));
  ue.select(0, "SL1", now);
  const auto asked = answer("/x-e5/v1/subscriptions", ok(made_text, 201));
  const auto body = json::read<api::media_e5::NewEnergySubscription>(asked.body);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->energy_policy_id, "ep2");
  EXPECT_EQ(body->media_delivery_session_id, "m1");
  EXPECT_EQ(body->service_location_id, "SL1");
  EXPECT_EQ(body->bit_rate, "4 Mbps");
  EXPECT_EQ(ue.phase(), Phase::listening);
  EXPECT_NE(answer("/subscriptions/s1/events", ok(R"({"events":[],"last":3})"))
                .target.find("after=0&wait=10"),
            std::string::npos);
  EXPECT_NE(
      answer("/subscriptions/s1/events", ok(R"({"events":[],"last":3})")).target.find("after=3"),
      std::string::npos);
  for (const auto* number : {"5", "6", "7", "8", "10c", "11", "15", "16"})
    EXPECT_TRUE(did(number)) << number;
}

TEST_F(media_session, moves_when_it_is_told_and_says_what_became_of_it) {
  until_listening();
  answer("/events", ok(event(R"({"action":"RESELECT_SERVICE_LOCATION","serviceLocationPriority":)"
                             R"(["SL2","SL9"],)" +
                             when(2s, 60s) + "}")));
  EXPECT_TRUE(ordered<SelectLocation>().empty()) << "not before its time";
  ASSERT_TRUE(ue.next_deadline());
  now += 2s;
  ue.advance(now);
  take();
  const auto moves = ordered<SelectLocation>();
  ASSERT_EQ(moves.size(), 1U);
  EXPECT_EQ(moves[0].move_id, "mv1");
  ASSERT_EQ(moves[0].locations.size(), 1U) << "a location that it does not know is passed over";
  EXPECT_EQ(moves[0].locations[0].base_url, "http://sl2.example/");
  ue.switched("mv1", "SL1", "SL2", 20ms, now);
  const auto told = answer("/service-location-changes", http::Response{204, {}, {}});
  const auto change = json::read<api::media_e5::ServiceLocationChange>(told.body);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->move_id, "mv1");
  EXPECT_EQ(change->to, "SL2");
  EXPECT_EQ(change->outcome, api::media_e5::MoveOutcome::succeeded);
  EXPECT_EQ(change->stall_ms, 20);
  EXPECT_EQ(ue.location(), "SL2");
  for (const auto* number : {"32", "35a", "35b", "35d", "35e", "35f"})
    EXPECT_TRUE(did(number)) << number;
}

TEST_F(media_session, a_move_that_failed_is_told_and_the_session_stays) {
  until_listening();
  ue.not_switched("mv1", "SL1", "SL2", now);
  const auto told = answer("/service-location-changes", http::Response{204, {}, {}});
  EXPECT_NE(told.body.find("FAILED"), std::string::npos);
  EXPECT_EQ(ue.location(), "SL1");
}

TEST_F(media_session, a_herd_is_spread_within_the_jitter_and_an_old_recommendation_is_dropped) {
  until_listening();
  answer("/events", ok(event(R"({"action":"RESELECT_SERVICE_LOCATION","serviceLocationPriority":)"
                             R"(["SL2"],)" +
                             when(0s, 5s, 4000) + "}")));
  ASSERT_TRUE(ue.next_deadline());
  EXPECT_LT(*ue.next_deadline(), now + 4s);
  now += 6s;
  ue.advance(now);
  take();
  EXPECT_TRUE(ordered<SelectLocation>().empty());
}

TEST_F(media_session, sets_operation_points_and_gives_them_back) {
  until_listening();
  answer("/events", ok(event(R"({"action":"REDUCE_MAX_BITRATE","maxBitRate":"2 Mbps",)" +
                             when(0s, 60s) + "}")));
  answer("/events",
         ok(event(R"({"action":"DROP_COMPONENT","componentTypes":["VIDEO"],)" + when(0s, 60s) + "}",
                  8)));
  answer("/events", ok(event(R"({"action":"SUSPEND_SESSION",)" + when(0s, 60s) + "}", 9)));
  answer("/events", ok(event(R"({"action":"RESUME",)" + when(0s, 60s) + "}", 10)));
  const auto points = ordered<SelectOperationPoint>();
  ASSERT_EQ(points.size(), 4U);
  EXPECT_EQ(points[0].bit_rate_max, 2'000'000U);
  EXPECT_EQ(points[1].dropped.size(), 1U);
  EXPECT_TRUE(points[2].suspended);
  EXPECT_EQ(points[3], SelectOperationPoint{.move_id = "mv1"});
}

TEST_F(media_session, gets_metrics_of_a_session_that_has_been_playing) {
  until_listening();
  EXPECT_EQ(ordered<TellMetrics>().size(), 1U);
  EXPECT_FALSE(ue.metrics());
  ue.tell({.throughput_mbps = 12, .buffer = 8s, .startup = 900ms, .location = "SL1"});
  EXPECT_EQ(ue.metrics()->buffer, 8s);
}

TEST_F(media_session, tells_how_the_ue_is_off) {
  until_listening();
  ue.change_ue_energy({.battery = 0.1}, now);
  const auto told = answer("/ue-energy-state", http::Response{204, {}, {}});
  EXPECT_EQ(told.method, "PUT");
  EXPECT_NE(told.body.find("0.1"), std::string::npos);
}

TEST_F(media_session, tells_how_the_ue_is_off_when_it_changed_while_it_subscribed) {
  ue.start(now);
  answer("/service-access-information/p1", ok(access_text));
  ue.select(0, "SL1", now);
  ue.change_ue_energy({.battery = 0.1}, now);
  answer("/subscriptions", ok(made_text, 201));
  EXPECT_EQ(answer("/ue-energy-state", http::Response{204, {}, {}}).method, "PUT");
}

TEST_F(media_session, uplink_and_rtc_sessions_say_what_they_are) {
  for (const auto& [kind, word] :
       {std::pair{SessionKind::uplink, "UPLINK"}, std::pair{SessionKind::rtc, "RTC"}}) {
    auto other = settings;
    other.kind = kind;
    MediaSession session(other, rng);
    session.start(now);
    auto access = session.take_dues().calls.at(0);
    session.answered(access.id, ok(access_text), now);
    session.select(0, "SL1", now);
    EXPECT_NE(session.take_dues().calls.at(0).request.body.find(word), std::string::npos);
  }
}

TEST_F(media_session, asks_again_after_growing_pauses_and_subscribes_anew_when_forgotten) {
  ue.start(now);
  answer("/service-access-information/p1", fail(Errc::unavailable, "nobody there"));
  EXPECT_EQ(ue.next_deadline(), now + 1s);
  now += 1s;
  ue.advance(now);
  answer("/service-access-information/p1", http::Response{503, {}, {}});
  EXPECT_EQ(ue.next_deadline(), now + 2s);
  now += 2s;
  ue.advance(now);
  answer("/service-access-information/p1", ok(access_text));
  ue.select(0, "SL1", now);
  answer("/subscriptions", ok(made_text, 201));
  answer("/events", http::Response{404, {}, {}});
  EXPECT_EQ(ue.phase(), Phase::subscribing);
  now += 60s;
  ue.advance(now);
  answer("/subscriptions", ok(made_text, 201));
  EXPECT_EQ(ue.phase(), Phase::listening);
}

TEST_F(media_session, plays_without_energy_where_nothing_is_exposed) {
  ue.start(now);
  answer(
      "/service-access-information/p1",
      ok(R"({"provisioningSessionId":"p1","provisioningSessionType":"DOWNLINK","streamingAccess":)"
         R"({"entryPoints":[{"locator":"http://a.example/x.mpd","contentType":"x"}]}})"));
  EXPECT_TRUE(ue.select(0, "", now));
  EXPECT_EQ(ue.phase(), Phase::without_energy);
}

TEST_F(media_session, what_an_af_says_wrongly_is_counted_and_harms_nothing) {
  until_listening();
  for (const auto* text : {"", "{", "[]", R"({"events":1})"}) {
    answer("/events", ok(text));
    now += 61s;
    ue.advance(now);
    take();
  }
  EXPECT_EQ(ue.refused(), 4U);
  EXPECT_EQ(ue.phase(), Phase::listening);
}

TEST_F(media_session, ends_its_subscription_with_the_session) {
  until_listening();
  ue.end(now);
  EXPECT_EQ(answer("/subscriptions/s1", http::Response{204, {}, {}}).method, "DELETE");
  EXPECT_FALSE(ue.next_deadline());
}

/// The same service access information, with these configurations.
std::string with_reporting(std::string_view members) {
  std::string out(access_text);
  return out.insert(1, std::string(members) + ",");
}
constexpr std::string_view wants_metrics =
    R"("clientMetricsReportingConfigurations":[{"metricsReportingConfigurationId":"m/1",)"
    R"("serverAddresses":["http://af.example/3gpp-m5/v2/"],"scheme":"urn:3GPP:ns:PSS:DASH:QM10",)"
    R"("reportingInterval":10,"samplePercentage":100,"urlFilters":[],"samplingPeriod":1,"metrics":[]})";

TEST_F(media_session, reports_to_the_cell_what_it_has_it_measure_also_when_it_plays_already) {
  ue.start(now);
  answer("/service-access-information/p1", ok(with_reporting(std::string(wants_metrics) + ']')));
  ASSERT_TRUE(ue.select(0, "SL1", now));
  ue.tell({.throughput_mbps = 1, .stalled = 1s, .location = "SL1"});
  take();
  now += 3s;
  const CellMeasurement wanted{5, "http://net.example/reports", 2s, {}};
  ue.measure({wanted}, now);
  ue.measure({wanted}, now + 1s);  // Goes on; nothing begins again.
  EXPECT_EQ(ue.next_deadline(), now + 2s);
  now += 2s;
  ue.advance(now);
  take();
  ue.tell({.throughput_mbps = 8, .startup = 700ms, .stalled = 1500ms, .location = "SL1"});
  const auto sent = answer("/reports", Result<http::Response>(http::Response{204, {}, {}}));
  EXPECT_EQ(sent.headers.find("content-type"), "application/json");
  const auto carried = json::read<api::net_control::AppLayerReport>(sent.body);
  ASSERT_TRUE(carried);
  EXPECT_EQ(carried->meas_config_app_layer_id, 5);
  const auto read = qoe::read_report(*qoe::open_container(carried->container.octets));
  ASSERT_TRUE(read);
  const auto& one = read->reports.at(0);
  EXPECT_EQ(one.recording_session, "m1");
  EXPECT_EQ(one.throughput_bps, 8'000'000U);
  EXPECT_EQ(one.startup, 700ms);
  EXPECT_EQ(one.stalled, 500ms) << "since it was configured";
  ue.measure({}, now);
  EXPECT_EQ(ue.next_deadline(), now + 5s) << "what the AF wants by M5 goes on";
}

TEST_F(media_session, reports_its_quality_at_the_interval_with_what_the_player_says) {
  ue.start(now);
  answer("/service-access-information/p1", ok(with_reporting(std::string(wants_metrics) + ']')));
  ASSERT_TRUE(ue.select(0, "SL1", now));
  ue.tell({.throughput_mbps = 1, .location = "SL1"});
  take();
  EXPECT_EQ(ue.next_deadline(), now + 10s);
  orders.clear();
  now += 10s;
  ue.advance(now);
  take();
  ASSERT_EQ(ordered<TellMetrics>().size(), 1U);
  ue.tell({.throughput_mbps = 8,
           .buffer = 4s,
           .startup = 700ms,
           .stalled = 2s,
           .bit_rate = 0,
           .location = "SL1"});
  auto sent =
      answer("/metrics-reporting/p1/m%2F1", Result<http::Response>(http::Response{204, {}, {}}));
  EXPECT_EQ(sent.headers.find("content-type"), qoe::report_media_type);
  const auto read = qoe::read_report(sent.body);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->content_uri, "http://sl1.example/live.mpd");
  const auto& one = read->reports.at(0);
  EXPECT_EQ(one.recording_session, "m1");
  EXPECT_EQ(one.time, now);
  EXPECT_EQ(one.period, 10s);
  EXPECT_EQ(one.throughput_bps, 8'000'000U);
  EXPECT_EQ(one.startup, 700ms);
  EXPECT_EQ(one.buffer, 4s);
  EXPECT_EQ(one.stalled, 2s);
  EXPECT_EQ(one.played, 8s);
  EXPECT_EQ(one.service_location, "SL1");
  now += 10s;
  ue.advance(now);
  ue.tell({.throughput_mbps = 8, .startup = 700ms, .stalled = 2s, .location = "SL1"});
  sent = answer("/metrics-reporting/", Result<http::Response>(http::Response{204, {}, {}}));
  const auto second = qoe::read_report(sent.body);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->reports.at(0).stalled, 0s) << "since the last report";
  EXPECT_FALSE(second->reports.at(0).startup) << "once";
  EXPECT_EQ(ue.refused(), 0U);
  ue.end(now);
  EXPECT_FALSE(ue.next_deadline());
}

TEST_F(media_session, reports_no_more_than_is_asked_for) {
  ue.start(now);
  answer("/service-access-information/p1",
         ok(with_reporting(
             std::string(wants_metrics) +
             R"(,{"metricsReportingConfigurationId":"other","serverAddresses":)"
             R"(["http://af.example/"],"scheme":"urn:other","samplePercentage":100,)"
             R"("urlFilters":[],"samplingPeriod":1,"metrics":[]},)"
             R"({"metricsReportingConfigurationId":"nobody","serverAddresses":)"
             R"(["http://af.example/"],"scheme":"urn:3GPP:ns:PSS:DASH:QM10",)"
             R"("samplePercentage":0,"urlFilters":[],"samplingPeriod":1,"metrics":[]}])")));
  ASSERT_TRUE(ue.select(0, "SL1", now));
  now += 2min;
  ue.advance(now);
  ue.tell({.throughput_mbps = 8, .location = "SL1"});
  take();
  const auto reports = std::ranges::count_if(calls, [](const auto& one) {
    return one.request.target.find("/metrics-reporting/") != std::string::npos;
  });
  EXPECT_EQ(reports, 1) << "no scheme that is not known, and nobody of a sample of none";
}

TEST_F(media_session, reports_what_it_consumed_and_from_where) {
  ue.start(now);
  answer("/service-access-information/p1",
         ok(with_reporting(
             R"("clientConsumptionReportingConfiguration":{"serverAddresses":)"
             R"(["http://af.example/3gpp-m5/v2/"],"reportingInterval":5,)"
             R"("locationReporting":false,"accessReporting":false,"samplePercentage":100})")));
  ASSERT_TRUE(ue.select(0, "SL2", now));
  const auto began = now;
  now += 5s;
  ue.advance(now);
  ue.tell({.location = "SL2"});
  const auto sent =
      answer("/consumption-reporting/p1", Result<http::Response>(http::Response{204, {}, {}}));
  const auto read = json::read<api::media_m5::ConsumptionReport>(sent.body);
  ASSERT_TRUE(read) << sent.body;
  EXPECT_EQ(read->reporting_client_id, "m1");
  ASSERT_EQ(read->consumption_reporting_units.size(), 1U);
  EXPECT_EQ(read->consumption_reporting_units[0].media_consumed, "http://sl2.example/");
  EXPECT_EQ(read->consumption_reporting_units[0].start_time, began);
  EXPECT_EQ(read->consumption_reporting_units[0].duration, 5);
}

}  // namespace
}  // namespace lobo::energy::client
