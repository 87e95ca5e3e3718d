#pragma once
// Both directions of a bad network on the event loop: what is due goes out when it is due.

#include <cstdint>
#include <functional>
#include <optional>

#include "adapters/http/loop.hpp"
#include "base/clock.hpp"
#include "wire/impair/line.hpp"

namespace lobo::adapters::impair {

/// Of a clock that never goes back, though the type is that of the wall clock's times.
Instant steady_now();

class Lines {
 public:
  using Out = std::function<void(const lobo::impair::Line::Delivery&)>;

  /// One seed gives each direction a history of its own. `loop` outlives this.
  Lines(EventLoop& loop, const lobo::impair::Settings& up, const lobo::impair::Settings& down,
        std::uint64_t seed, Out out_up, Out out_down);
  ~Lines();
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  lobo::impair::Line& up() { return up_; }
  lobo::impair::Line& down() { return down_; }
  const lobo::impair::Line& up() const { return up_; }
  const lobo::impair::Line& down() const { return down_; }
  /// Hands out what is due, and comes again for the rest. To be called after each push.
  void deliver();

 private:
  EventLoop& loop_;
  lobo::impair::Line up_;
  lobo::impair::Line down_;
  Out out_up_;
  Out out_down_;
  std::optional<EventLoop::TimerId> timer_;
  Instant timer_at_{};
};

}  // namespace lobo::adapters::impair
