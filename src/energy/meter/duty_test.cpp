#include "energy/meter/duty.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "energy/problem.hpp"

namespace lobo::energy::meter {
namespace {

using namespace std::chrono_literals;

constexpr DutySettings all{.has_drain = true, .has_standby = true, .has_wake = true};

TEST(duty, drains_until_no_request_is_active_and_wakes_when_it_is_wanted) {
  Duty duty(all);
  EXPECT_FALSE(duty.step(0s, 5));
  duty.want(false);
  EXPECT_EQ(duty.step(1s, 5), Order::drain);
  EXPECT_EQ(duty.state(), LocationState::draining);
  EXPECT_FALSE(duty.step(2s, 0));  // one order at a time
  duty.ended(2s, true);
  EXPECT_FALSE(duty.step(3s, 5));
  EXPECT_EQ(duty.step(4s, 0), Order::standby);
  EXPECT_EQ(duty.state(), LocationState::draining);  // not before it has been done
  duty.ended(5s, true);
  EXPECT_EQ(duty.state(), LocationState::standby);
  duty.want(true);
  EXPECT_EQ(duty.step(6s, 0), Order::wake);
  EXPECT_EQ(duty.state(), LocationState::standby);
  duty.ended(7s, true);
  EXPECT_EQ(duty.state(), LocationState::active);
}

TEST(duty, goes_to_standby_at_the_deadline_where_requests_do_not_end_or_are_not_known) {
  for (const auto& requests : {std::optional<std::uint64_t>{3}, std::optional<std::uint64_t>{}}) {
    Duty duty({.has_standby = true, .has_wake = true, .drain_deadline = 30s});
    duty.want(false);
    EXPECT_FALSE(duty.step(10s, requests));
    EXPECT_EQ(duty.state(), LocationState::draining);
    EXPECT_FALSE(duty.step(39s, requests));
    EXPECT_EQ(duty.step(40s, requests), Order::standby);
  }
}

TEST(duty, a_drain_that_is_called_off_is_undone_by_the_wake_command) {
  Duty duty(all);
  duty.want(false);
  duty.step(1s, 5);
  duty.ended(1s, true);
  duty.want(true);
  EXPECT_EQ(duty.step(2s, 5), Order::wake);
  duty.ended(2s, true);
  EXPECT_EQ(duty.state(), LocationState::active);
}

TEST(duty, carries_nothing_out_without_commands_to_go_and_to_come_back) {
  Duty duty({.has_drain = true, .has_standby = true});
  EXPECT_FALSE(duty.can_stand_by());
  duty.want(false);
  EXPECT_FALSE(duty.step(1s, 0));
  EXPECT_EQ(duty.state(), LocationState::active);
}

TEST(duty, a_wake_that_fails_is_tried_again_a_few_times_and_said_to_have_failed) {
  Duty duty(all);
  duty.want(false);
  duty.step(0s, 0);
  duty.ended(0s, true);
  EXPECT_EQ(duty.step(1s, 0), Order::standby);
  duty.ended(1s, true);
  duty.want(true);
  std::chrono::seconds at{10};
  for (unsigned i = 0; i < command_attempts_max; ++i) {
    EXPECT_EQ(duty.step(at, 0), Order::wake);
    duty.ended(at, false);
    EXPECT_EQ(duty.state(), LocationState::down);
    EXPECT_FALSE(duty.step(at + 59s, 0));
    at += 60s;
  }
  EXPECT_FALSE(duty.step(at, 0));
  duty.want(false);
  duty.want(true);  // told anew
  EXPECT_EQ(duty.step(at, 0), Order::wake);
}

TEST(duty, a_standby_that_cannot_be_reached_is_not_claimed) {
  Duty duty({.has_standby = true, .has_wake = true});
  duty.want(false);
  duty.step(0s, 0);
  std::chrono::seconds at{1};
  for (unsigned i = 0; i < command_attempts_max; ++i) {
    EXPECT_EQ(duty.step(at, 0), Order::standby);
    duty.ended(at, false);
    at += 60s;
  }
  EXPECT_EQ(duty.state(), LocationState::active);
  EXPECT_FALSE(duty.step(at, 0));
}

RC_GTEST_PROP(duty, says_standby_only_between_a_standby_and_a_wake_that_succeeded, ()) {
  const auto wishes = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 8));
  Duty duty(all);
  bool asleep = false;
  std::chrono::seconds at{0};
  for (const int wish : wishes) {
    at += 61s;
    duty.want((wish & 1) != 0);
    const auto order = duty.step(at, 0);
    if (order) {
      const bool done = (wish & 2) != 0;
      duty.ended(at, done);
      if (done && *order == Order::standby) asleep = true;
      if (*order == Order::wake) asleep = asleep && !done;
    }
    if (duty.state() == LocationState::standby) RC_ASSERT(asleep);
    if (asleep) RC_ASSERT(duty.state() != LocationState::active);
  }
}

}  // namespace
}  // namespace lobo::energy::meter
