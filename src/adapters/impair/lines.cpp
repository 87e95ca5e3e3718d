#include "adapters/impair/lines.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "adapters/http/loop.hpp"
#include "base/clock.hpp"
#include "wire/impair/line.hpp"

namespace lobo::adapters::impair {

Instant steady_now() {
  return Instant(std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now().time_since_epoch()));
}

Lines::Lines(EventLoop& loop, const lobo::impair::Settings& up, const lobo::impair::Settings& down,
             std::uint64_t seed, Out out_up, Out out_down)
    : loop_(loop),
      up_(up, seed * 2),
      down_(down, seed * 2 + 1),
      out_up_(std::move(out_up)),
      out_down_(std::move(out_down)) {}

Lines::~Lines() {
  if (timer_) loop_.cancel(*timer_);
}

void Lines::deliver() {
  const Instant now = steady_now();
  while (const auto one = up_.pop(now)) out_up_(*one);
  while (const auto one = down_.pop(now)) out_down_(*one);
  auto next = up_.next_due();
  if (const auto other = down_.next_due(); other && (!next || *other < *next)) next = other;
  if (!next || (timer_ && timer_at_ <= *next)) return;
  if (timer_) loop_.cancel(*timer_);
  timer_at_ = *next;
  timer_ = loop_.after(std::max(*next - now, std::chrono::microseconds{0}), [this] {
    timer_.reset();
    deliver();
  });
}

}  // namespace lobo::adapters::impair
