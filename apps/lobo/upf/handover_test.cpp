#include "upf/handover.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

namespace lobo::app {
namespace {

/// Says how many of it there are.
struct Counted {
  explicit Counted(std::atomic<int>& of, std::uint64_t with) : count(of), value(with) { ++count; }
  ~Counted() { --count; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  std::atomic<int>& count;
  std::uint64_t value;
};

TEST(upf_handover, the_newest_value_is_taken_once_and_holds_until_the_next) {
  std::atomic<int> alive{0};
  Handover<Counted> handover;
  EXPECT_EQ(handover.take_new(), nullptr);
  EXPECT_EQ(handover.current(), nullptr);
  handover.give(std::make_unique<Counted>(alive, 1));
  handover.give(std::make_unique<Counted>(alive, 2));
  EXPECT_EQ(alive, 1);
  ASSERT_NE(handover.take_new(), nullptr);
  EXPECT_EQ(handover.take_new(), nullptr);
  EXPECT_EQ(handover.current()->value, 2U);
}

TEST(upf_handover, what_the_worker_put_aside_is_freed_by_who_made_it) {
  std::atomic<int> alive{0};
  {
    Handover<Counted> handover;
    handover.give(std::make_unique<Counted>(alive, 1));
    (void)handover.take_new();
    handover.give(std::make_unique<Counted>(alive, 2));
    (void)handover.take_new();
    EXPECT_EQ(alive, 2) << "the worker frees nothing";
    handover.collect();
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST(upf_handover, what_was_not_taken_can_be_had_back) {
  std::atomic<int> alive{0};
  Handover<Counted> handover;
  handover.give(std::make_unique<Counted>(alive, 1));
  EXPECT_EQ(handover.take_back()->value, 1U);
  EXPECT_EQ(handover.take_new(), nullptr);
  handover.give(std::make_unique<Counted>(alive, 2));
  (void)handover.take_new();
  EXPECT_EQ(handover.take_back(), nullptr);
}

TEST(upf_handover, a_worker_never_sees_a_value_that_is_gone_or_an_older_one) {
  constexpr std::uint64_t values = 20'000;
  std::atomic<int> alive{0};
  {
    Handover<Counted> handover;
    handover.give(std::make_unique<Counted>(alive, 1));
    std::thread worker([&handover] {
      std::uint64_t last = 0;
      while (last < values) {
        (void)handover.take_new();
        if (handover.current() == nullptr) continue;
        const std::uint64_t now = handover.current()->value;
        EXPECT_GE(now, last);
        last = now;
      }
    });
    for (std::uint64_t value = 2; value <= values; ++value)
      handover.give(std::make_unique<Counted>(alive, value));
    while (worker.joinable()) {
      handover.collect();  // else the worker does not take the last one
      if (alive == 1) worker.join();
    }
  }
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace lobo::app
