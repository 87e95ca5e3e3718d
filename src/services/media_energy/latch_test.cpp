#include "services/media_energy/latch.hpp"

#include <gtest/gtest.h>

#include "api/media_m1.hpp"
#include "api/media_types.hpp"
#include "base/clock.hpp"
#include "model/date_time.hpp"

namespace lobo::media_energy {
namespace {

using namespace std::chrono_literals;
const Instant noon = *model::parse_date_time("2026-11-22T12:00:00Z");

api::media_m1::EnergyThreshold threshold(bool up, double crossing, double clear, int dwell = 0) {
  api::media_m1::EnergyThreshold out;
  out.direction =
      up ? api::media_types::ThresholdDirection::up : api::media_types::ThresholdDirection::down;
  out.crossing = crossing;
  out.clear = clear;
  out.dwell = dwell;
  return out;
}

class one_latch : public ::testing::Test {
 protected:
  Latch latch;
};

TEST_F(one_latch, crosses_at_one_value_and_clears_at_the_other) {
  const auto up = threshold(true, 100, 80);
  EXPECT_FALSE(latch.observe(up, 99, noon));
  EXPECT_TRUE(latch.observe(up, 100, noon));
  EXPECT_TRUE(latch.crossed());
  for (const double between : {120.0, 99.0, 81.0}) EXPECT_FALSE(latch.observe(up, between, noon));
  EXPECT_TRUE(latch.crossed());
  EXPECT_TRUE(latch.observe(up, 80, noon));
  EXPECT_EQ(latch.state(), Latch::State::cleared);
}

TEST_F(one_latch, crosses_downwards_as_well) {
  const auto down = threshold(false, 0.2, 0.3);
  EXPECT_FALSE(latch.observe(down, 0.25, noon));
  EXPECT_TRUE(latch.observe(down, 0.2, noon));
  EXPECT_FALSE(latch.observe(down, 0.25, noon));
  EXPECT_TRUE(latch.observe(down, 0.3, noon));
}

TEST_F(one_latch, waits_until_it_has_lasted) {
  const auto up = threshold(true, 100, 80, 5);
  EXPECT_FALSE(latch.observe(up, 110, noon));
  EXPECT_FALSE(latch.observe(up, 110, noon + 4s));
  EXPECT_FALSE(latch.observe(up, 90, noon + 4s)) << "a dip begins it anew";
  EXPECT_FALSE(latch.observe(up, 110, noon + 5s));
  EXPECT_TRUE(latch.observe(up, 110, noon + 10s));
  EXPECT_EQ(latch.since(), noon + 10s);
}

TEST_F(one_latch, keeps_its_state_when_nothing_is_known) {
  const auto up = threshold(true, 100, 80);
  latch.observe(up, 100, noon);
  latch.forget();
  EXPECT_TRUE(latch.crossed());
  EXPECT_FALSE(latch.value());
}

}  // namespace
}  // namespace lobo::media_energy
