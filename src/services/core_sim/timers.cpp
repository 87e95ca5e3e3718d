#include "services/core_sim/timers.hpp"

#include <optional>

#include "base/clock.hpp"

namespace lobo::core_sim {

void Timers::start(TimerKey key, Instant due) {
  stop(key);
  due_of_.emplace(key, due);
  queue_.emplace(due, key);
}

void Timers::stop(TimerKey key) {
  const auto at = due_of_.find(key);
  if (at == due_of_.end()) return;
  queue_.erase({at->second, key});
  due_of_.erase(at);
}

void Timers::stop_all(Number of) {
  auto at = due_of_.lower_bound({of, TimerKind::allocation});
  while (at != due_of_.end() && at->first.of == of) {
    queue_.erase({at->second, at->first});
    at = due_of_.erase(at);
  }
}

void Timers::clear() {
  due_of_.clear();
  queue_.clear();
}

std::optional<Instant> Timers::next_due() const {
  if (queue_.empty()) return std::nullopt;
  return queue_.begin()->first;
}

std::optional<TimerKey> Timers::take_due(Instant now) {
  if (queue_.empty() || queue_.begin()->first > now) return std::nullopt;
  const auto key = queue_.begin()->second;
  stop(key);
  return key;
}

}  // namespace lobo::core_sim
