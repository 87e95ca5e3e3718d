// What monitoring keeps in memory: sources seen and silent, samples taken once, whatever the clock.

#include "services/seal_nrm/monitor_hub.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "api/ss_nrm.hpp"
#include "api/state/nrm_monitor.hpp"
#include "base/clock.hpp"
#include "services/seal_nrm/measure_source.hpp"
#include "services/seal_nrm/monitor_sample.hpp"
#include "services/seal_nrm/ports.hpp"
#include "support/nrm_driver.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"

namespace lobo::seal_nrm {
namespace {

using namespace std::chrono_literals;
using api::state::nrm_monitor::SampleIndex;
using lobo::testing::test_settings;

constexpr std::string_view gpsi = "extid-ue1";

class MonitorHubTest : public ::testing::Test {
 protected:
  MonitorHubTest() {
    observe(source_id(SourceKind::delay, gpsi), "source",
            R"({"kind":"delay","gpsi":"extid-ue1","stage":"active"})");
    observe(source_id(SourceKind::usage, gpsi), "source",
            R"({"kind":"usage","gpsi":"extid-ue1","stage":"active"})");
    api::state::nrm_monitor::MonitorSeen seen;
    auto& state = seen.state.emplace();
    state.stage = api::state::nrm_monitor::MonitorStage::running;
    state.started_at = now;
    state.what.meas_reqs.meas_data_types = {
        api::ss_nrm::MeasurementDataType(api::ss_nrm::MeasurementDataTypeKnown::dl_delay),
        api::ss_nrm::MeasurementDataType(
            api::ss_nrm::MeasurementDataTypeKnown::avg_dl_traffic_volume)};
    state.targets.emplace_back().gpsi = gpsi;
    state.targets.back().ue.val_ue_id = "ue1";
    monitor = state;
    observe("m1", "monitor", json::write(seen));
  }
  void observe(const std::string& from, std::string what, std::string body) {
    hub.observed({"any", from}, resource::Observe{std::move(what), std::move(body)}, now);
  }
  void delay(double ms) {
    observe(source_id(SourceKind::delay, gpsi), "samples",
            R"({"kind":"delay","gpsi":"extid-ue1","samples":[{"index":"dlDelay","value":)" +
                std::to_string(ms) + "}]}");
  }
  void volume(int octets) {
    observe(source_id(SourceKind::usage, gpsi), "samples",
            R"({"kind":"usage","gpsi":"extid-ue1","samples":[{"index":"dlVolume","seconds":2,)"
            R"("value":)" +
                std::to_string(octets) + "}]}");
  }
  std::string flow() { return hub.measures(monitor, now).front().state.text; }
  std::uint64_t taken() const { return hub.engine().counters().of(monitor::SampleFate::taken); }

  Settings settings = test_settings();
  MonitorHub hub{settings, nullptr};
  api::state::nrm_monitor::MonitorState monitor;
  Instant now = ManualClock{}.now();
};

TEST_F(MonitorHubTest,
       shows_a_source_as_silent_after_its_patience_also_when_the_clock_stepped_back) {
  delay(5);
  EXPECT_EQ(flow(), "flowing");
  now -= 1h;
  hub.advance(now);
  EXPECT_EQ(flow(), "flowing");
  now += settings.monitoring.silent_after + 1s;
  hub.advance(now);
  EXPECT_EQ(flow(), "silent");
  EXPECT_EQ(hub.take_silent(now).size(), 2U) << "the usage source never sent";
  now -= 1h;
  EXPECT_TRUE(hub.take_silent(now).empty());
  now += silent_asked_every;
  EXPECT_EQ(hub.take_silent(now).size(), 2U);
}

TEST_F(MonitorHubTest, takes_a_usage_report_for_no_double_because_the_clock_stepped_back) {
  now += 10s;
  volume(1000);
  volume(1000);
  EXPECT_EQ(taken(), 1U);
  now -= 1h;
  hub.advance(now);
  now += 2s;
  volume(1000);
  EXPECT_EQ(taken(), 2U);
}

TEST_F(MonitorHubTest, measures_on_when_the_clock_stepped_back_to_before_the_subscription) {
  now -= 24h;
  hub.advance(now);
  now += 1s;
  delay(5);
  EXPECT_EQ(taken(), 1U);
}

}  // namespace
}  // namespace lobo::seal_nrm
