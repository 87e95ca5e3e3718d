#pragma once
// A Scheduler that a test drives. Its time is virtual: timers fire in the order of their due time
// as soon as nothing else is left to do. Threads may post; the test then waits on them, never on a
// clock.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "runtime/ports.hpp"

namespace lobo::testing {

class TestLoop final : public runtime::Scheduler {
 public:
  TimerId after(std::chrono::microseconds delay, std::function<void()> work) override {
    const TimerId id = ++last_;
    timers_.emplace(std::pair{now_ + delay, id}, std::move(work));
    due_[id] = now_ + delay;
    return id;
  }
  void cancel(TimerId timer) override {
    const auto found = due_.find(timer);
    if (found == due_.end()) return;
    timers_.erase({found->second, timer});
    due_.erase(found);
  }
  void post(std::function<void()> work) override {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(work));
    wake_.notify_one();
  }

  std::chrono::microseconds now() const { return now_; }

  /// Runs one piece of work; false where there is none.
  bool run_one() {
    std::function<void()> work;
    {
      const std::lock_guard lock(mutex_);
      if (!posted_.empty()) {
        work = std::move(posted_.front());
        posted_.pop_front();
      }
    }
    if (!work) {
      if (timers_.empty()) return false;
      auto first = timers_.extract(timers_.begin());
      now_ = first.key().first;
      due_.erase(first.key().second);
      work = std::move(first.mapped());
    }
    work();
    return true;
  }
  void run_until_idle() {
    while (run_one()) {}
  }
  /// Runs until `reached`, waiting for other threads to post where there is nothing else to do.
  /// False after `patience` without any work: a test that would hang fails instead.
  bool run_until(const std::function<bool()>& reached,
                 std::chrono::seconds patience = std::chrono::seconds{30}) {
    while (!reached()) {
      if (run_one()) continue;
      std::unique_lock lock(mutex_);
      if (!wake_.wait_for(lock, patience, [this] { return !posted_.empty(); })) return false;
    }
    return true;
  }

 private:
  std::chrono::microseconds now_{};
  TimerId last_ = 0;
  std::map<std::pair<std::chrono::microseconds, TimerId>, std::function<void()>> timers_;
  std::map<TimerId, std::chrono::microseconds> due_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> posted_;
};

}  // namespace lobo::testing
