#include "runtime/timer_queue.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "base/clock.hpp"
#include "runtime/ports.hpp"
#include "wire/resource/record.hpp"

namespace lobo::runtime {

using resource::Key;

TimerQueue::TimerQueue(const Store& store, Scheduler& scheduler, const Clock& clock, Fire fire)
    : store_(store), scheduler_(scheduler), clock_(clock), fire_(std::move(fire)) {}

TimerQueue::~TimerQueue() { scheduler_.cancel(wake_); }

void TimerQueue::load() {
  const Instant until = clock_.now() + timer_horizon;
  const auto stored = store_.timers(until, timers_loaded_at_once_max);
  if (!stored) {
    // The store is gone for now: what is in memory goes on, and we ask again soon.
    horizon_end_ = clock_.now() + timer_reload_retry;
    return arm();
  }
  for (const auto& timer : *stored)
    if (!fired_.contains({timer.of.kind, timer.of.id, timer.name}) &&
        armed_.try_emplace({timer.of.kind, timer.of.id, timer.name}, timer.due).second)
      due_order_.emplace(timer.due, timer.of.kind, timer.of.id, timer.name);
  // A full page may have left some behind: the horizon ends where the page ended.
  horizon_end_ = stored->size() == timers_loaded_at_once_max ? stored->back().due : until;
  arm();
}

void TimerQueue::put(const Key& of, const std::string& name, Instant due) {
  erase(of, name);
  if (due > horizon_end_) return;
  armed_.emplace(std::tuple{of.kind, of.id, name}, due);
  due_order_.emplace(due, of.kind, of.id, name);
  arm();
}

void TimerQueue::erase(const Key& of, const std::string& name) {
  fired_.erase({of.kind, of.id, name});
  const auto found = armed_.find({of.kind, of.id, name});
  if (found == armed_.end()) return;
  due_order_.erase({found->second, of.kind, of.id, name});
  armed_.erase(found);
}

void TimerQueue::erase_all(const Key& of) {
  const auto is_of = [&](const Name& name) {
    return std::get<0>(name) == of.kind && std::get<1>(name) == of.id;
  };
  auto fired = fired_.lower_bound({of.kind, of.id, std::string{}});
  while (fired != fired_.end() && is_of(*fired)) fired = fired_.erase(fired);
  auto at = armed_.lower_bound({of.kind, of.id, std::string{}});
  while (at != armed_.end() && is_of(at->first)) {
    due_order_.erase({at->second, of.kind, of.id, std::get<2>(at->first)});
    at = armed_.erase(at);
  }
}

void TimerQueue::arm() {
  const Instant next =
      due_order_.empty() ? horizon_end_ : std::min(horizon_end_, std::get<0>(*due_order_.begin()));
  if (wake_ != 0 && wake_at_ <= next) return;
  scheduler_.cancel(wake_);
  wake_at_ = next;
  const auto delay = std::max(next - clock_.now(), Instant::duration::zero());
  wake_ = scheduler_.after(delay, [this] {
    wake_ = 0;
    run_due();
  });
}

void TimerQueue::run_due() {
  const Instant now = clock_.now();
  while (!due_order_.empty() && std::get<0>(*due_order_.begin()) <= now) {
    const auto [due, kind, id, name] = *due_order_.begin();
    due_order_.erase(due_order_.begin());
    armed_.erase({kind, id, name});
    fired_.insert({kind, id, name});
    fire_(Key{kind, id}, name);
  }
  if (now >= horizon_end_)
    load();
  else
    arm();
}

}  // namespace lobo::runtime
