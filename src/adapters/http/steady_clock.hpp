#pragma once
// A clock for what is measured and signed at the same time.

#include <chrono>

#include "adapters/http/loop.hpp"
#include "base/clock.hpp"

namespace lobo::adapters {

/// The wall clock as it was at the start, going on steadily: tokens speak of dates, and delays must
/// not jump when somebody sets the clock.
class SteadyWallClock final : public Clock {
 public:
  SteadyWallClock() : wall_(SystemClock{}.now()), steady_(std::chrono::steady_clock::now()) {}
  Instant now() const override {
    return wall_ + std::chrono::duration_cast<std::chrono::microseconds>(
                       std::chrono::steady_clock::now() - steady_);
  }

 private:
  Instant wall_;
  std::chrono::steady_clock::time_point steady_;
};

}  // namespace lobo::adapters
