#include "sim/loop.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

#include "base/clock.hpp"
#include "runtime/ports.hpp"

namespace lobo::sim {

runtime::Scheduler::TimerId SimLoop::after(std::chrono::microseconds delay,
                                           std::function<void()> work) {
  const Instant due = now_ + std::max(delay, std::chrono::microseconds{0});
  queue_.emplace(Place{due, ++last_}, std::move(work));
  places_.emplace(last_, due);
  return last_;
}

void SimLoop::cancel(TimerId timer) {
  const auto place = places_.find(timer);
  if (place == places_.end()) return;
  queue_.erase({place->second, timer});
  places_.erase(place);
}

bool SimLoop::step() {
  if (queue_.empty()) return false;
  const auto first = queue_.begin();
  now_ = std::max(now_, first->first.first);
  const auto work = std::move(first->second);
  places_.erase(first->first.second);
  queue_.erase(first);
  ++steps_;
  work();
  return true;
}

void SimLoop::run_for(std::chrono::microseconds by) {
  const Instant until = now_ + by;
  while (!queue_.empty() && queue_.begin()->first.first <= until) step();
  now_ = until;
}

bool SimLoop::run_until(const std::function<bool()>& done, std::chrono::microseconds limit) {
  const Instant until = now_ + limit;
  while (!done()) {
    if (queue_.empty() || queue_.begin()->first.first > until) return false;
    step();
  }
  return true;
}

}  // namespace lobo::sim
