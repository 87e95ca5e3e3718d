#include "energy/meter/host_meter.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "energy/meter/cpu_time.hpp"
#include "energy/meter/power_model.hpp"
#include "energy/meter/zones.hpp"

namespace lobo::energy::meter {
namespace {

using namespace std::chrono_literals;

PowerModel line(double idle, double max) {
  return {.watts = {idle, max},
          .exponent = 0,
          .method = Method::model_cpu,
          .rel_uncertainty = line_uncertainty};
}

std::vector<ZoneReading> package(std::uint64_t energy_uj) {
  return {{.path = "intel-rapl:0",
           .name = "package-0",
           .energy_uj = energy_uj,
           .range_uj = 262'143'328'850,
           .fault = ZoneFault::none}};
}

TEST(power_model, a_line_has_its_ends_and_its_middle) {
  const auto model = line(100, 200);
  EXPECT_DOUBLE_EQ(model.at(0), 100);
  EXPECT_DOUBLE_EQ(model.at(0.25), 125);
  EXPECT_DOUBLE_EQ(model.at(1), 200);
  EXPECT_DOUBLE_EQ(model.at(7), 200);
  EXPECT_DOUBLE_EQ(model.at(-1), 100);
}

TEST(power_model, a_curve_is_met_at_its_points_and_straight_between_them) {
  const PowerModel model{.watts = {50, 80, 100, 115, 125, 134, 143, 151, 160, 170, 182},
                         .exponent = 0,
                         .method = Method::model_cpu,
                         .rel_uncertainty = curve_uncertainty};
  EXPECT_NEAR(model.at(0.3), 115, 1e-9);
  EXPECT_NEAR(model.at(0.35), 120, 1e-9);
  EXPECT_NEAR(model.at(1), 182, 1e-9);
  EXPECT_TRUE(check(model));
}

TEST(power_model, an_exponent_bends_the_line_upwards_and_keeps_its_ends) {
  auto model = line(100, 200);
  model.exponent = 1.4;
  EXPECT_DOUBLE_EQ(model.at(0), 100);
  EXPECT_NEAR(model.at(1), 200, 1e-9);
  EXPECT_NEAR(model.at(0.5), 162.107, 0.001);  // 2 * 0.5 - 0.5^1.4 = 0.62107
}

TEST(power_model, what_no_server_does_is_refused) {
  EXPECT_FALSE(check(line(200, 100)));
  EXPECT_FALSE(check(line(-1, 100)));
  EXPECT_FALSE(check(line(1, 1e9)));
  auto bent = line(1, 2);
  bent.exponent = 0.5;
  EXPECT_FALSE(check(bent));
  bent.watts = {1};
  EXPECT_FALSE(check(bent));
}

TEST(power_model, a_table_grows_with_the_processors_and_says_that_it_is_declared) {
  const auto family = vcpu_watts("epyc2");
  ASSERT_TRUE(family);
  const auto model = table_model(*family, 8);
  EXPECT_NEAR(model.idle_w(), 3.76, 1e-9);
  EXPECT_NEAR(model.max_w(), 13.52, 1e-9);
  EXPECT_EQ(to_string(model.method), "DECLARED");
  EXPECT_DOUBLE_EQ(model.rel_uncertainty, 0.4);
  EXPECT_FALSE(vcpu_watts("z80"));
}

TEST(cpu_time, counts_what_is_neither_idle_nor_stolen) {
  const auto times = parse_proc_stat(
      "cpu  10 1 2 100 5 3 4 6 9 0\ncpu0 5 1 1 50 2 1 2 3 4 0\ncpu1 5 0 1 50 3 2 2 3 5 0\nintr "
      "1\n");
  ASSERT_TRUE(times);
  EXPECT_EQ(*times, (CpuTimes{.busy = 20, .total = 131, .processors = 2}));
}

TEST(cpu_time, refuses_what_is_no_proc_stat) {
  for (const auto* text : {"", "cpu", "cpu  1 2", "cpu  1 2 x 4 5", "cpu0 1 2 3 4"})
    EXPECT_FALSE(parse_proc_stat(text)) << text;
}

TEST(cpu_time, a_count_that_goes_back_is_no_utilisation) {
  EXPECT_DOUBLE_EQ(utilisation({50, 100, 1}, {75, 150, 1}), 0.5);
  EXPECT_DOUBLE_EQ(utilisation({50, 100, 1}, {49, 150, 1}), 0);
  EXPECT_DOUBLE_EQ(utilisation({50, 100, 1}, {60, 90, 1}), 0);
  EXPECT_DOUBLE_EQ(utilisation({50, 100, 1}, {120, 150, 1}), 1);
}

TEST(host_meter, measures_where_counters_are_and_adds_what_they_do_not_see) {
  HostMeter meter({.model = line(100, 200), .rest_w = 30, .idle_w = 90});
  EXPECT_FALSE(meter.sample(0s, package(0), std::nullopt));
  const auto host = meter.sample(10s, package(1'000'000'000), std::nullopt);
  ASSERT_TRUE(host);
  EXPECT_NEAR(host->energy_j, 1300, 1e-9);
  EXPECT_NEAR(host->idle_j, 900, 1e-9);
  EXPECT_NEAR(host->dynamic_j, 400, 1e-9);
  EXPECT_EQ(host->method, Method::measured_rapl);
  EXPECT_DOUBLE_EQ(host->rel_uncertainty, package_uncertainty);
}

TEST(host_meter, models_with_its_label_where_there_is_no_counter) {
  HostMeter meter({.model = line(100, 200)});
  EXPECT_FALSE(meter.sample(0s, {}, CpuTimes{0, 0, 1}));
  const auto host = meter.sample(2s, {}, CpuTimes{50, 200, 1});
  ASSERT_TRUE(host);
  EXPECT_NEAR(host->energy_j, 250, 1e-9);
  EXPECT_NEAR(host->idle_j, 200, 1e-9);
  EXPECT_EQ(host->method, Method::model_cpu);
  EXPECT_EQ(host->gap, Gap::no_zone);
}

TEST(host_meter, in_standby_the_model_is_the_declared_standby_power) {
  HostMeter meter({.model = line(100, 200), .standby_w = 7});
  meter.sample(0s, {}, CpuTimes{0, 0, 1});
  const auto host = meter.sample(2s, {}, CpuTimes{10, 200, 1}, true);
  ASSERT_TRUE(host);
  EXPECT_NEAR(host->energy_j, 14, 1e-9);
  EXPECT_EQ(host->method, Method::declared);
}

TEST(host_meter, an_interval_that_lost_its_counters_is_modelled_and_says_why) {
  HostMeter meter({.model = line(100, 200)});
  meter.sample(0s, package(1'000'000), CpuTimes{0, 0, 1});
  auto closed = package(2'000'000);
  closed[0].fault = ZoneFault::denied;
  const auto host = meter.sample(1s, closed, CpuTimes{0, 100, 1});
  ASSERT_TRUE(host);
  EXPECT_EQ(host->method, Method::model_cpu);
  EXPECT_EQ(host->gap, Gap::no_zone);
  EXPECT_NEAR(host->energy_j, 100, 1e-9);
}

TEST(host_meter, idle_power_does_not_vanish_under_load_and_does_not_stay_at_a_maximum) {
  HostMeter meter({.model = line(100, 200)});
  std::uint64_t drawn = 0;
  std::chrono::seconds at{0};
  meter.sample(at, package(drawn), CpuTimes{0, 0, 1});
  std::uint64_t ticks = 0;
  const auto second = [&](std::uint64_t watts, double u) {
    drawn += watts * 1'000'000;
    ticks += 100;
    at += 1s;
    return meter.sample(at, package(drawn),
                        CpuTimes{static_cast<std::uint64_t>(u * 100), ticks, 1});
  };
  second(180, 0.8);
  EXPECT_NEAR(meter.idle_w(), 180, 1e-6);  // nothing lower was seen yet
  second(60, 0);
  EXPECT_NEAR(meter.idle_w(), 60, 1e-6);
  const auto loaded = second(200, 1);
  ASSERT_TRUE(loaded);
  EXPECT_NEAR(loaded->idle_j, 60, 1e-6);
  EXPECT_NEAR(loaded->dynamic_j, 140, 1e-6);
}

TEST(host_meter, a_clock_that_stands_still_or_goes_back_gives_no_energy) {
  HostMeter meter({.model = line(100, 200)});
  meter.sample(5s, {}, std::nullopt);
  EXPECT_FALSE(meter.sample(5s, {}, std::nullopt));
  EXPECT_FALSE(meter.sample(4s, {}, std::nullopt));
}

}  // namespace
}  // namespace lobo::energy::meter
