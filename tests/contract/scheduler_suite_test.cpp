// runtime::Scheduler: one suite, run against the real event loop and the virtual one.

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "adapters/http/loop.hpp"
#include "runtime/ports.hpp"
#include "runtime/scoped_scheduler.hpp"
#include "sim/loop.hpp"

namespace lobo::runtime {
namespace {

using namespace std::chrono_literals;

/// A scheduler, and a way to let it work.
struct Real {
  adapters::EventLoop loop;
  Scheduler& scheduler() { return loop; }
  void run_for(std::chrono::microseconds time) {
    loop.after(time, [this] { loop.stop(); });
    loop.run();
  }
};
struct Virtual {
  sim::SimLoop loop;
  Scheduler& scheduler() { return loop; }
  void run_for(std::chrono::microseconds time) { loop.run_for(time); }
};

template <class World>
class SchedulerSuite : public testing::Test {
 public:
  World world;
  std::vector<int> ran;
  std::function<void()> note(int what) {
    return [this, what] { ran.push_back(what); };
  }
};
using Worlds = testing::Types<Real, Virtual>;
TYPED_TEST_SUITE(SchedulerSuite, Worlds);

TYPED_TEST(SchedulerSuite, work_never_runs_inside_the_call) {
  this->world.scheduler().post(this->note(1));
  this->world.scheduler().after(0us, this->note(2));
  EXPECT_TRUE(this->ran.empty());
  this->world.run_for(20ms);
  EXPECT_EQ(this->ran.size(), 2U);
}

TYPED_TEST(SchedulerSuite, posted_work_keeps_its_order) {
  for (int i = 0; i < 100; ++i) this->world.scheduler().post(this->note(i));
  this->world.run_for(20ms);
  ASSERT_EQ(this->ran.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(this->ran[static_cast<std::size_t>(i)], i);
}

TYPED_TEST(SchedulerSuite, timers_run_in_the_order_of_their_time) {
  this->world.scheduler().after(30ms, this->note(3));
  this->world.scheduler().after(10ms, this->note(1));
  this->world.scheduler().after(20ms, this->note(2));
  this->world.run_for(100ms);
  EXPECT_EQ(this->ran, (std::vector<int>{1, 2, 3}));
}

TYPED_TEST(SchedulerSuite, a_cancelled_timer_does_not_run_and_cancelling_again_does_nothing) {
  const auto first = this->world.scheduler().after(5ms, this->note(1));
  const auto second = this->world.scheduler().after(10ms, this->note(2));
  EXPECT_NE(first, 0U);
  EXPECT_NE(first, second);
  this->world.scheduler().cancel(first);
  this->world.scheduler().cancel(first);
  this->world.scheduler().cancel(0);
  this->world.run_for(50ms);
  EXPECT_EQ(this->ran, (std::vector<int>{2}));
  this->world.scheduler().cancel(second);
}

TYPED_TEST(SchedulerSuite, a_time_in_the_past_is_soon) {
  this->world.scheduler().after(-1s, this->note(1));
  this->world.run_for(20ms);
  EXPECT_EQ(this->ran, (std::vector<int>{1}));
}

TYPED_TEST(SchedulerSuite, work_may_schedule_and_cancel_work) {
  auto& scheduler = this->world.scheduler();
  const auto later = scheduler.after(20ms, this->note(9));
  scheduler.post([&] {
    this->ran.push_back(1);
    scheduler.cancel(later);
    scheduler.after(1ms, this->note(2));
  });
  this->world.run_for(60ms);
  EXPECT_EQ(this->ran, (std::vector<int>{1, 2}));
}

TYPED_TEST(SchedulerSuite, the_work_of_a_scope_ends_with_it) {
  auto scope = std::make_unique<ScopedScheduler>(this->world.scheduler());
  scope->post(this->note(1));
  scope->after(1ms, this->note(2));
  scope.reset();
  this->world.run_for(20ms);
  EXPECT_TRUE(this->ran.empty());
}

}  // namespace
}  // namespace lobo::runtime
