#include "mmec/meter.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "relay/measure/stream_meter.hpp"

namespace lobo::mmec {
namespace {

relay::Window window(std::uint64_t states, std::uint64_t lost) {
  relay::Window out;
  out.states = states;
  out.loss = {states + lost, lost};
  return out;
}
FlowFigures recent(const Meter& meter) { return meter.recent().at(0); }

TEST(mmec_meter, what_a_window_misses_is_no_loss_before_the_node_has_answered) {
  Meter meter;
  meter.add(1, window(30, 20));
  EXPECT_EQ(recent(meter).lost, 0U);
  EXPECT_EQ(recent(meter).expected, 30U);
  meter.left_out(1, 18);
  EXPECT_EQ(recent(meter).lost, 2U);
  EXPECT_EQ(recent(meter).expected, 32U);
  EXPECT_EQ(meter.total().at(0).lost, 2U);
  EXPECT_EQ(meter.total().at(0).left_out, 18U);
}

TEST(mmec_meter, without_an_answer_it_is_lost_when_the_next_window_is_there) {
  Meter meter;
  meter.add(1, window(30, 20));
  meter.add(1, window(50, 0));
  EXPECT_EQ(recent(meter).lost, 20U);
  meter.left_out(1, 5);
  EXPECT_EQ(recent(meter).lost, 20U) << "too late";
}

TEST(mmec_meter, what_was_left_out_before_its_gap_came_explains_the_next_window_and_no_other) {
  Meter meter;
  meter.add(1, window(30, 3));
  meter.left_out(1, 5);
  EXPECT_EQ(recent(meter).lost, 0U);
  meter.add(1, window(30, 4));
  meter.left_out(1, 0);
  EXPECT_EQ(recent(meter).lost, 2U);
  meter.add(1, window(30, 4));
  meter.left_out(1, 0);
  EXPECT_EQ(recent(meter).lost, 6U) << "nothing is carried twice";
  EXPECT_EQ(meter.total().at(0).left_out, 5U);
}

TEST(mmec_meter, an_answer_about_a_flow_that_nobody_has_and_one_that_cannot_be_do_no_harm) {
  Meter meter;
  meter.left_out(9, 5);
  EXPECT_TRUE(meter.total().empty());
  meter.add(1, window(10, 1));
  meter.left_out(1, 4'000'000'000);
  meter.left_out(1, 4'000'000'000);
  EXPECT_EQ(recent(meter).lost, 0U);
  EXPECT_EQ(recent(meter).expected, 10U);
}

}  // namespace
}  // namespace lobo::mmec
