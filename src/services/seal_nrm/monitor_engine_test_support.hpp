#pragma once
// A small world for tests of the monitoring engine: seconds since an origin in, reports out.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "services/seal_nrm/monitor_engine.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_rule.hpp"
#include "services/seal_nrm/monitor_sample.hpp"

namespace lobo::seal_nrm::monitor {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

inline constexpr Instant origin{hours{24 * 365 * 56}};
inline Instant at(double s) { return origin + Duration{static_cast<std::int64_t>(s * 1e6)}; }

class EngineTest : public ::testing::Test {
 protected:
  explicit EngineTest(const EngineLimits& limits = {.grace = milliseconds{0}}) : engine(limits) {}

  TargetId ue() { return engine.add_ue().value(); }
  SubscriptionId add(const Rule& rule, std::initializer_list<TargetId> targets, double now = 0,
                     const Progress& progress = {}) {
    const auto made = engine.add(rule, std::vector<TargetId>(targets), at(now), sink, progress);
    EXPECT_TRUE(made) << (made ? "" : made.error().detail);
    return made.value_or(SubscriptionId{});
  }
  /// A sample that is fed when it is taken.
  SampleFate feed(TargetId target, Measure measure, double value, double now) {
    return engine.feed({.target = target, .measure = measure, .value = value, .taken_at = at(now)},
                       at(now), sink);
  }
  SampleFate delay(TargetId target, double value, double now) {
    return feed(target, Measure::dl_delay, value, now);
  }
  /// What has been told until then.
  std::vector<Report> until(double now) {
    engine.advance(at(now), sink);
    return take();
  }
  std::vector<Report> take() {
    auto reports = std::move(sink.reports);
    sink.reports.clear();
    return reports;
  }
  Rule rule(Mode mode, Duration window = seconds{1}) const {
    return {.measures = {Measure::dl_delay}, .window = window, .start = origin, .mode = mode};
  }
  Rule by_threshold(double value, Direction direction) const {
    Rule made = rule(Mode::on_event);
    made.thresholds = {{Measure::dl_delay, value, direction}};
    return made;
  }

  Engine engine;
  ReportList sink;
};

}  // namespace lobo::seal_nrm::monitor
