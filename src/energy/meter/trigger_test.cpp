#include "energy/meter/trigger.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>

namespace lobo::energy::meter {
namespace {

using namespace std::chrono_literals;
using Change = Trigger::Change;

TEST(energy_trigger, crosses_after_its_dwell_and_clears_at_the_other_value) {
  Trigger trigger({.id = "t",
                   .metric = Metric::power_w,
                   .up = true,
                   .crossing = 200,
                   .clear = 150,
                   .dwell = 5s});
  EXPECT_EQ(trigger.look(0s, {.power_w = 250}), Change::none);
  EXPECT_EQ(trigger.look(4s, {.power_w = 190}), Change::none);  // begins anew
  EXPECT_EQ(trigger.look(5s, {.power_w = 200}), Change::none);
  EXPECT_EQ(trigger.look(10s, {.power_w = 210}), Change::crossed);
  EXPECT_EQ(trigger.look(20s, {.power_w = 160}), Change::none);
  EXPECT_EQ(trigger.look(21s, {.power_w = 150}), Change::none);
  EXPECT_EQ(trigger.look(26s, {.power_w = 140}), Change::cleared);
}

TEST(energy_trigger, downwards_is_the_mirror_of_upwards) {
  Trigger trigger({.id = "t",
                   .metric = Metric::throughput_mbps,
                   .up = false,
                   .crossing = 10,
                   .clear = 20,
                   .dwell = 0s});
  EXPECT_EQ(trigger.look(0s, {.throughput_mbps = 11}), Change::none);
  EXPECT_EQ(trigger.look(1s, {.throughput_mbps = 10}), Change::crossed);
  EXPECT_EQ(trigger.look(2s, {.throughput_mbps = 19}), Change::none);
  EXPECT_EQ(trigger.look(3s, {.throughput_mbps = 20}), Change::cleared);
}

TEST(energy_trigger, figures_have_their_units_and_none_without_bytes_or_joules) {
  const Figures now{.power_w = 90, .cpu_load = 0.5, .throughput_mbps = 800};
  EXPECT_NEAR(*value_of(Metric::energy_per_data_wh_per_gb, now), 0.25, 1e-12);  // 10 s for a GB
  EXPECT_NEAR(*value_of(Metric::efficiency_bit_per_j, now), 8e8 / 90, 1e-3);
  EXPECT_FALSE(value_of(Metric::energy_per_data_wh_per_gb, {.power_w = 90}));
  EXPECT_FALSE(value_of(Metric::efficiency_bit_per_j, {.throughput_mbps = 1}));
}

}  // namespace
}  // namespace lobo::energy::meter
