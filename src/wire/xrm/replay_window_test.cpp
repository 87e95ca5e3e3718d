#include "wire/xrm/replay_window.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

namespace lobo::xrm {
namespace {

using Verdict = ReplayWindow::Verdict;

/// What the window stands for: every counter that was taken, and the newest of them.
class Model {
 public:
  Verdict check(std::uint32_t counter) const {
    if (taken_.empty()) return Verdict::fresh;
    const std::uint32_t newest = *taken_.rbegin();
    if (counter < newest && newest - counter >= ReplayWindow::size) return Verdict::too_old;
    return taken_.contains(counter) ? Verdict::replayed : Verdict::fresh;
  }
  void take(std::uint32_t counter) { taken_.insert(counter); }

 private:
  std::set<std::uint32_t> taken_;
};

RC_GTEST_PROP(replay_window, answers_as_a_set_of_all_counters_would, ()) {
  ReplayWindow window;
  Model model;
  std::uint32_t around = *rc::gen::element(0U, 100U, 0x7FFFFF00U, 0xFFFFF000U);
  const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(-2500, 2500));
  for (const int step : steps) {
    const auto next = std::int64_t{around} + step;
    if (next < 0 || next > 0xFFFFFFFF) continue;
    const auto counter = static_cast<std::uint32_t>(next);
    const Verdict verdict = window.check(counter);
    RC_ASSERT(verdict == model.check(counter));
    if (verdict != Verdict::fresh) continue;
    window.take(counter);
    model.take(counter);
    if (step > 0) around = counter;
  }
}

TEST(replay_window, takes_each_of_the_last_1024_in_any_order_once) {
  ReplayWindow window;
  window.take(5000);
  for (std::uint32_t back = 1; back < 1024; ++back) {
    ASSERT_EQ(window.check(5000 - back), Verdict::fresh) << back;
    window.take(5000 - back);
    ASSERT_EQ(window.check(5000 - back), Verdict::replayed) << back;
  }
  EXPECT_EQ(window.check(5000 - ReplayWindow::size), Verdict::too_old);
}

TEST(replay_window, forgets_nothing_when_it_jumps_to_the_end) {
  ReplayWindow window;
  window.take(0);
  EXPECT_EQ(window.check(0), Verdict::replayed);
  window.take(0xFFFFFFFF);
  EXPECT_EQ(window.check(0xFFFFFFFF), Verdict::replayed);
  EXPECT_EQ(window.check(0), Verdict::too_old);
  EXPECT_EQ(window.check(0xFFFFFFFE), Verdict::fresh);
}

}  // namespace
}  // namespace lobo::xrm
