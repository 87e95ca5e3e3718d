#include "services/seal_nrm/southbound_measure.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "api/state/nrm_monitor.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "support/nrm_driver.hpp"
#include "wire/json/value.hpp"

namespace lobo::seal_nrm {
namespace {

using api::state::nrm_monitor::SampleIndex;

std::vector<double> values(const MeasureNews& news, SampleIndex index) {
  std::vector<double> out;
  for (const auto& sample : news.samples.samples)
    if (sample.index == index) out.push_back(sample.value);
  return out;
}
std::string reports(const std::string& report) {
  return R"({"transaction":"http://core.example/x/subscriptions/s7","eventReports":[)" + report +
         "]}";
}

TEST(measurements, are_read_by_the_kind_of_their_source) {
  const auto delay =
      read_measurements(reports(R"({"event":"QOS_MONITORING","qosMonReports":[)"
                                R"({"dlDelays":[7,9],"ulDelays":[12],"rtDelays":[20]}]})"),
                        SourceKind::delay);
  ASSERT_TRUE(delay);
  EXPECT_EQ(values(*delay, SampleIndex::dl_delay), (std::vector<double>{7, 9}));
  EXPECT_EQ(values(*delay, SampleIndex::rt_delay), std::vector<double>{20});
  EXPECT_EQ(delay->session, "s7");
  const auto rate =
      read_measurements(reports(R"({"event":"QOS_MONITORING","qosMonDatRateReps":[)"
                                R"({"dlDataRate":"2 Mbps","ulDataRate":"500 Kbps"}]})"),
                        SourceKind::rate);
  EXPECT_EQ(values(*rate, SampleIndex::rate), std::vector<double>{2'500'000});
  const auto usage =
      read_measurements(reports(R"({"event":"USAGE_REPORT","accumulatedUsage":)"
                                R"({"duration":1,"downlinkVolume":1000,"uplinkVolume":10}})"),
                        SourceKind::usage);
  EXPECT_EQ(values(*usage, SampleIndex::dl_volume), std::vector<double>{1000});
  EXPECT_EQ(usage->samples.samples.front().seconds, 1);
  const auto loss = read_measurements(
      R"({"notifId":"n","analyEventNotifs":[{"analyEvent":"DN_PERFORMANCE",)"
      R"("timeStamp":"2026-11-22T12:00:00Z","dnPerfInfos":[{"dnPerf":[{"perfData":)"
      R"({"avgPacketLossRate":25}}]}]}]})",
      SourceKind::analytics);
  ASSERT_TRUE(loss);
  EXPECT_EQ(values(*loss, SampleIndex::loss), std::vector<double>{25});
}

TEST(measurements, that_failed_or_are_none_bring_no_values) {
  const auto failed = read_measurements(
      reports(R"({"event":"QOS_MONITORING","qosMonReports":[{"pdmf":true}]})"), SourceKind::delay);
  ASSERT_TRUE(failed);
  EXPECT_TRUE(failed->samples.failed.value_or(false));
  EXPECT_TRUE(failed->samples.samples.empty());
  EXPECT_FALSE(read_measurements(
      reports(R"({"event":"QOS_MONITORING","qosMonReports":[{"dlDelays":[-4]}]})"),
      SourceKind::delay));
  EXPECT_FALSE(read_measurements("[]", SourceKind::analytics));
}

TEST(measurements, of_a_volume_over_longer_than_anything_lasts_are_left_out) {
  for (const auto* duration : {"31536001", "9223372036854775807"}) {
    const auto usage =
        read_measurements(reports(R"({"event":"USAGE_REPORT","accumulatedUsage":{"duration":)" +
                                  std::string(duration) + R"(,"downlinkVolume":1000}})"),
                          SourceKind::usage);
    ASSERT_TRUE(usage);
    EXPECT_TRUE(usage->samples.samples.empty());
  }
}

TEST(measurements, of_one_callback_are_bounded) {
  std::string many = "1";
  for (int i = 0; i < 1000; ++i) many += ",1";
  const auto news = read_measurements(
      reports(R"({"event":"QOS_MONITORING","qosMonReports":[{"dlDelays":[)" + many + "]}]}"),
      SourceKind::delay);
  ASSERT_TRUE(news);
  EXPECT_EQ(news->samples.samples.size(), samples_per_callback_max);
}

TEST(measurements, are_asked_for_without_a_promise_of_quality) {
  auto settings = lobo::testing::test_settings();
  UeAddress address;
  address.ipv4 = "10.45.0.2";
  const auto request =
      measure_request(settings, SourceKind::delay, "http://us.example/cb", "msisdn-49170", address);
  const auto body = json::parse(request.body);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->find("qosReference"), nullptr);
  EXPECT_EQ(json::to_text(*body->find("tscQosReq")), R"({"req5Gsdelay":300})");
  EXPECT_EQ(json::to_text(*body->find("events")), R"(["QOS_MONITORING"])");
  settings.monitoring.qos_reference = "haptic";
  const auto named = json::parse(
      measure_request(settings, SourceKind::usage, "http://us.example/cb", "msisdn-49170", address)
          .body);
  EXPECT_EQ(*named->find("qosReference")->text(), "haptic");
  EXPECT_EQ(named->find("tscQosReq"), nullptr);
}

}  // namespace
}  // namespace lobo::seal_nrm
