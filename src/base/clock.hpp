#pragma once
// Time is an argument. The domain is handed an Instant; only adapters read a clock.

#include <chrono>

namespace lobo {

/// Wall-clock time in UTC. State that outlives the process (expiry, timers) speaks of these.
using Instant = std::chrono::sys_time<std::chrono::microseconds>;

struct Clock {
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
};

/// Time that only a test or the simulator moves.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Instant start = Instant{std::chrono::hours{24 * 365 * 56}}) : now_(start) {}
  Instant now() const override { return now_; }
  void advance(std::chrono::microseconds by) { now_ += by; }
  void set(Instant at) { now_ = at; }

 private:
  Instant now_;
};

}  // namespace lobo
