#pragma once
// Virtual time. Work runs in the order of its due time, then of its scheduling, on the one thread
// that calls run…(); a second of a quiet server costs nothing.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/clock.hpp"
#include "runtime/ports.hpp"

namespace lobo::sim {

class SimLoop final : public runtime::Scheduler, public Clock {
 public:
  explicit SimLoop(Instant start = ManualClock{}.now()) : now_(start) {}

  Instant now() const override { return now_; }
  TimerId after(std::chrono::microseconds delay, std::function<void()> work) override;
  void cancel(TimerId timer) override;
  void post(std::function<void()> work) override {
    after(std::chrono::microseconds{0}, std::move(work));
  }

  /// Runs the next piece of work; false when there is none.
  bool step();
  /// Runs all that is due until `by` from now, and leaves the clock there.
  void run_for(std::chrono::microseconds by);
  /// Runs until `done` holds or nothing is left or `limit` has passed; tells whether `done` holds.
  bool run_until(const std::function<bool()>& done, std::chrono::microseconds limit);

  std::size_t scheduled() const { return queue_.size(); }
  std::uint64_t steps() const { return steps_; }

 private:
  using Place = std::pair<Instant, TimerId>;
  Instant now_;
  TimerId last_ = 0;
  std::uint64_t steps_ = 0;
  std::map<Place, std::function<void()>> queue_;
  std::unordered_map<TimerId, Instant> places_;
};

}  // namespace lobo::sim
